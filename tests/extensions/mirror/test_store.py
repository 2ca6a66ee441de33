"""What the mirror keeps, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import gc
import re
import sqlite3
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from goroom_extensions.mirror.passwords import Passwords
from goroom_extensions.mirror.store import (
    MESSAGES_KEPT,
    NOTICES_KEPT,
    SCHEMA_VERSION,
    Account,
    Store,
    StoreFailed,
)

from goroom import BadRequest

HASH = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$ZGlnZXN0ZGlnZXN0"
"""What has the form of a hash."""


async def signed_up(store: Store, name: str = "ann") -> Account:
    """Return a new account."""
    account = await store.add(name, HASH)
    assert account is not None
    return account


# Accounts.


async def test_an_account_is_found_by_its_name_its_id_and_its_channel(store: Store) -> None:
    ann = await signed_up(store)

    assert (ann, HASH) == await store.find("ann")
    assert ann == await store.by_id(ann.id)
    assert ann == await store.by_channel(ann.channel_id)


async def test_ids_are_22_url_safe_characters_and_differ(store: Store) -> None:
    accounts = [await signed_up(store, f"user{number}") for number in range(20)]
    ids = [account.id for account in accounts] + [account.channel_id for account in accounts]

    assert all(re.fullmatch(r"[A-Za-z0-9_-]{22}", one) for one in ids)
    assert len(ids) == len(set(ids))


async def test_an_id_is_no_channel_and_a_channel_no_id(store: Store) -> None:
    ann = await signed_up(store)

    assert await store.by_id(ann.channel_id) is None
    assert await store.by_channel(ann.id) is None


@pytest.mark.parametrize("odd", ["", "x", "a" * 22, "a.b", "\0" * 22, "é" * 22, "'" * 22])
async def test_what_is_no_id_belongs_to_nobody(store: Store, odd: str) -> None:
    await signed_up(store)

    assert await store.by_id(odd) is None
    assert await store.by_channel(odd) is None


async def test_nobody_is_found_by_a_name_that_is_free(store: Store) -> None:
    assert await store.find("ann") is None


@pytest.mark.parametrize("name", ["", "a" * 65, "a\0b", "a\u200bb", "' OR 1=1 --"])
async def test_what_is_no_name_finds_nobody(store: Store, name: str) -> None:
    await signed_up(store)

    assert await store.find(name) is None


async def test_a_taken_name_is_refused_and_stays_whose_it_is(store: Store) -> None:
    ann = await signed_up(store)

    assert await store.add("ann", HASH + "x") is None
    assert (ann, HASH) == await store.find("ann")


@pytest.mark.parametrize("same", ["ANN", "\uff41nn", " Ann "])
async def test_a_name_in_other_case_or_width_is_the_same(store: Store, same: str) -> None:
    ann = await signed_up(store)

    assert await store.add(same, HASH) is None
    assert (ann, HASH) == await store.find(same)


async def test_a_name_is_kept_as_it_was_given_in_nfc(store: Store) -> None:
    zoe = await signed_up(store, " Zoe\u0308 ")

    assert zoe.name == "Zoë"


async def test_the_name_whose_spelling_is_longest_fits(store: Store) -> None:
    name = "\ufdfa" * 64

    assert await signed_up(store, name)
    assert await store.add(name, HASH) is None


@pytest.mark.parametrize("name", ["", "a" * 65, "a\0b", "a\u200bb", "_ann", "Admin"])
async def test_what_is_no_name_is_refused_with_the_field_of_the_form(
    store: Store, name: str
) -> None:
    with pytest.raises(BadRequest) as raised:
        await store.add(name, HASH)

    assert raised.value.field == "user"


async def test_of_fifty_who_race_for_a_name_one_gets_it(store: Store) -> None:
    got = await asyncio.gather(*(store.add("ann", HASH) for _ in range(50)))
    winners = [account for account in got if account]

    assert len(winners) == 1
    assert (winners[0], HASH) == await store.find("ann")


async def test_of_two_processes_that_race_for_a_name_one_gets_it(database_url: str) -> None:
    async with Store(database_url) as here, Store(database_url) as there:
        got = await asyncio.gather(*(store.add("ann", HASH) for store in (here, there) * 25))

    assert len([account for account in got if account]) == 1


async def test_a_hash_can_be_changed(store: Store) -> None:
    ann = await signed_up(store)
    await store.set_hash(ann.id, HASH + "new")

    assert (ann, HASH + "new") == await store.find("ann")


# The bugs of the seed.


async def test_plaintext_passwords_are_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="hashes of passwords only"):
        await store.add("ann", "correct horse")
    ann = await signed_up(store)
    with pytest.raises(ValueError, match="hashes of passwords only"):
        await store.set_hash(ann.id, "correct horse")


async def test_plaintext_passwords_are_nowhere_on_disk(
    tmp_path: Path, passwords: Passwords
) -> None:
    async with Store(f"sqlite:///{tmp_path / 'accounts.db'}") as store:
        await store.add("ann", await passwords.hash("correct horse"))
        while_open = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    after = b"".join(path.read_bytes() for path in tmp_path.iterdir())

    assert b"$argon2id$" in while_open
    assert b"$argon2id$" in after
    assert b"correct horse" not in while_open + after


async def test_no_new_user_id_at_every_login(store: Store, database_url: str) -> None:
    ann = await signed_up(store)
    found = [await store.find("ann") for _ in range(3)]
    await store.close()
    async with Store(database_url) as reopened:
        later = await reopened.find("ann")

    assert [(ann, HASH)] * 3 == found
    assert (ann, HASH) == later


# Messages.


async def test_history_is_oldest_first_and_says_who_wrote(store: Store) -> None:
    ann, bob = await signed_up(store), await signed_up(store, "bob")
    said = [
        await store.add_message("hall", ann, "hello"),
        await store.add_message("hall", bob, "hi \N{WAVING HAND SIGN} 'quoted' %s :x"),
    ]
    await store.add_message("elsewhere", bob, "nothing")

    assert said == await store.history("hall")
    assert [ann, bob] == [message.author for message in said]


async def test_history_can_be_shorter(store: Store) -> None:
    ann = await signed_up(store)
    for text in "abc":
        await store.add_message("hall", ann, text)

    assert ["b", "c"] == [message.value for message in await store.history("hall", 2)]


async def test_a_channel_that_nobody_wrote_to_has_no_history(store: Store) -> None:
    assert await store.history("hall") == []


async def test_the_oldest_messages_go(store: Store, database_url: str) -> None:
    ann = await signed_up(store)
    other = await store.add_message("elsewhere", ann, "stays")
    for number in range(MESSAGES_KEPT + 20):
        await store.add_message("hall", ann, str(number))
    kept = await store.history("hall", 1000)

    assert [str(number) for number in range(20, MESSAGES_KEPT + 20)] == [m.value for m in kept]
    assert [other] == await store.history("elsewhere")


async def test_messages_at_once_are_all_there_in_one_order(database_url: str) -> None:
    async with Store(database_url) as here, Store(database_url) as there:
        ann = await signed_up(here)
        said = await asyncio.gather(
            *(
                store.add_message("hall", ann, str(number))
                for number in range(40)
                for store in (here, there)
            )
        )
        history = await here.history("hall")

    assert sorted(said, key=lambda message: message.number) == history
    assert all(one.number < next_one.number for one, next_one in pairwise(history))


async def test_history_never_has_a_hole_that_is_filled_later(database_url: str) -> None:
    seen: list[list[int]] = []

    async def read(store: Store) -> None:
        while not writers.done():
            seen.append([message.number for message in await store.history("hall")])

    async with Store(database_url) as here, Store(database_url) as there:
        ann = await signed_up(here)
        writers = asyncio.gather(*(here.add_message("hall", ann, "x") for _ in range(80)))
        await asyncio.gather(writers, read(there), read(here))
        final = [message.number for message in await here.history("hall")]

    assert len(seen) > 2
    assert all(numbers == final[: len(numbers)] for numbers in seen)


async def test_nul_becomes_a_replacement_character(store: Store) -> None:
    ann = await signed_up(store)
    message = await store.add_message("hall", ann, "a\0b")

    assert message.value == "a\ufffdb"
    assert [message] == await store.history("hall")


# Notices.


async def test_notices_are_taken_in_order_and_once(store: Store) -> None:
    ann, bob = await signed_up(store), await signed_up(store, "bob")
    for channel in ("x.ann", "y.ann", "x.ann"):
        await store.keep_notice(ann.id, channel)
    await store.keep_notice(bob.id, "x.bob")

    assert await store.take_notices(ann.id) == ["x.ann", "y.ann", "x.ann"]
    assert await store.take_notices(ann.id) == []
    assert await store.take_notices(bob.id) == ["x.bob"]


async def test_of_many_who_take_notices_at_once_each_gets_others(database_url: str) -> None:
    async with Store(database_url) as here, Store(database_url) as there:
        ann = await signed_up(here)
        channels = [f"{number:02}.ann" for number in range(60)]
        for channel in channels[:30]:
            await here.keep_notice(ann.id, channel)
        *taken, _ = await asyncio.gather(
            *(store.take_notices(ann.id) for store in (here, there) * 10),
            asyncio.gather(*(there.keep_notice(ann.id, channel) for channel in channels[30:])),
        )
        taken.append(await here.take_notices(ann.id))

    assert Counter(channels) == Counter(channel for some in taken for channel in some)


async def test_the_oldest_notices_go(store: Store) -> None:
    ann = await signed_up(store)
    for number in range(NOTICES_KEPT + 5):
        await store.keep_notice(ann.id, f"{number}.ann")

    assert [f"{number}.ann" for number in range(5, NOTICES_KEPT + 5)] == (
        await store.take_notices(ann.id)
    )


async def test_nobody_drives_out_the_notices_of_others(store: Store) -> None:
    ann = await signed_up(store)
    await store.keep_notice(ann.id, "friend.ann")
    for _ in range(NOTICES_KEPT + 5):
        await store.keep_notice(ann.id, "flood.ann")

    assert ["friend.ann"] + ["flood.ann"] * (NOTICES_KEPT - 1) == await store.take_notices(ann.id)


# Opening, closing, failing.


async def test_all_is_there_after_a_restart(store: Store, database_url: str) -> None:
    ann = await signed_up(store)
    message = await store.add_message("hall", ann, "hello")
    await store.keep_notice(ann.id, "bob.ann")
    await store.close()
    async with Store(database_url) as reopened:
        assert (ann, HASH) == await reopened.find("ann")
        assert [message] == await reopened.history("hall")
        assert await reopened.take_notices(ann.id) == ["bob.ann"]


async def test_many_may_open_an_empty_database_at_once(database_url: str) -> None:
    stores = [Store(database_url) for _ in range(5)]
    await asyncio.gather(*(store.open() for store in stores))
    found = await asyncio.gather(*(store.find("ann") for store in stores))
    for store in stores:
        await store.close()

    assert [None] * 5 == found


async def test_a_newer_schema_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "accounts.db"
    with sqlite3.connect(path) as newer:
        newer.execute("CREATE TABLE mirror_schema (version INTEGER)")
        newer.execute("INSERT INTO mirror_schema VALUES (?)", [SCHEMA_VERSION + 1])
    newer.close()

    with pytest.raises(RuntimeError, match="schema 2, and this goroom knows schemas up to 1"):
        await Store(f"sqlite:///{path}").open()
    with sqlite3.connect(path) as newer:
        tables = newer.execute("SELECT name FROM sqlite_master").fetchall()
    newer.close()
    assert tables == [("mirror_schema",)]


async def test_a_closed_store_may_be_closed_again(store: Store) -> None:
    await store.close()
    await store.close()


KEEPS_ADDING = f"""
import asyncio, itertools, sys
from goroom_extensions.mirror.store import Store

async def main():
    async with Store(sys.argv[1]) as store:
        for number in itertools.count():
            account = await store.add(f"user{{number}}", {HASH!r})
            await store.add_message("hall", account, str(number))
            await store.keep_notice(account.id, "hall")
            print(number, flush=True)

asyncio.run(main())
"""


async def test_what_was_added_outlives_a_kill(database_url: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KEEPS_ADDING, database_url, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    said = [int(await process.stdout.readline()) for _ in range(20)]
    process.kill()
    said += [int(line) for line in (await process.stdout.read()).splitlines()]
    await process.wait()
    async with Store(database_url) as reopened:
        found = [await reopened.find(f"user{number}") for number in said]
        values = [message.value for message in await reopened.history("hall", 1000)]
        notices = [await reopened.take_notices(account.id) for account, _ in filter(None, found)]

    assert all(found)
    assert {str(number) for number in said[-MESSAGES_KEPT + 1 :]} <= set(values)
    assert [["hall"]] * len(said) == notices


async def test_what_is_cancelled_is_finished_and_leaves_nothing_open(
    store: Store, database_url: str
) -> None:
    ann = await signed_up(store)
    cancelled = 0
    for turns in range(1, 41):
        task = asyncio.ensure_future(store.add_message("hall", ann, str(turns)))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        cancelled += task.cancelled()
    await store.close()
    gc.collect()  # an open connection warns, and a warning is an error
    async with Store(database_url) as reopened:
        values = [message.value for message in await reopened.history("hall")]

    assert cancelled
    assert {str(turns) for turns in range(1, 41)} == set(values)


async def test_a_store_in_a_folder_that_is_missing_fails(tmp_path: Path) -> None:
    with pytest.raises(StoreFailed):
        await Store(f"sqlite:///{tmp_path / 'missing' / 'accounts.db'}").open()
    assert not (tmp_path / "missing").exists()


async def test_direct_channels_are_those_of_one_user_the_newest_first(store: Store) -> None:
    ada, bob, eve = [await store.add(name, HASH) for name in ("ada", "bob", "eve")]
    assert ada
    assert bob
    assert eve
    channels = [f"{ada.id}.{bob.id}", f"{eve.id}.{ada.id}", f"{ada.id}.{ada.id}"]
    for channel in (*channels, f"{bob.id}.{eve.id}", ada.channel_id, channels[0]):
        await store.add_message(channel, ada, "hello")

    assert [channels[0], channels[2], channels[1]] == await store.direct_channels(ada.id)
    assert [channels[0], channels[2]] == await store.direct_channels(ada.id, most=2)
    assert [] == await store.direct_channels(ada.id.swapcase())
    assert [] == await store.direct_channels("")
    assert [] == await store.direct_channels("_" * 22)
