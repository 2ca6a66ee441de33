"""Protocol section 5: what a client is told of the time it was away."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.rawclient import (
    JOIN_ROOM,
    LEAVE_ROOM,
    MEMBER_AWAY,
    MEMBER_BACK,
    MESSAGE,
    RECONNECT,
    ROOM_ADD,
    ROOM_UPDATE,
    SUBSCRIBE_ROOM,
    UNSUBSCRIBE_ROOM,
)
from tests.resume.conftest import texts

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.rawclient import Client
    from tests.resume.conftest import Life, Port


async def _tell(client: Client, *said: str, room: str = "hall") -> None:
    for text in said:
        assert 0 == (await client.say(room, "tell", {"text": text})).error_code


async def _pair(port: Port) -> tuple[Life, Client]:
    """Return ann and bob, both in the hall with nothing unread; ann may come back."""
    ann, bob = await port.begin("ann", "hall"), await port.login("bob", "hall")
    await ann.events()
    return ann, bob


async def test_the_reply_comes_first_then_the_missed_then_the_live(port: Port) -> None:
    ann, bob = await _pair(port)
    await ann.vanish(bob)
    await _tell(bob, "one", "two")
    await ann.come_back()
    answered = list(ann.client.unread())
    await _tell(bob, "three")
    frames = await ann.events()

    assert [] == answered
    assert [
        (MEMBER_AWAY, "", 3),
        (MESSAGE, "told", 4),
        (MESSAGE, "told", 5),
        (MEMBER_BACK, "", 6),
        (MESSAGE, "view", 6),
        (MESSAGE, "told", 7),
    ] == [(frame.event_type, frame.action, frame.seq) for frame in frames]
    assert ["one", "two", "three"] == texts(frames)


async def test_the_reply_names_the_place_behind_the_missed(port: Port) -> None:
    ann, bob = await _pair(port)
    epoch = ann.rooms["hall"]["epoch"]
    await ann.vanish(bob)
    await _tell(bob, "one")
    await bob.say("hall", "tell_others", {"text": "two"})
    answer = await ann.come_back()

    assert {"hall": {"epoch": epoch, "seq": 4, "sub": 1}} == answer.data["rooms"]


async def test_missed_events_are_as_those_who_stayed_saw_them(port: Port) -> None:
    ann, bob = await _pair(port)
    cat = await port.login("cat", "hall")
    await cat.events()
    await ann.events()
    await ann.vanish(bob)
    await _tell(bob, "one")
    await bob.say("hall", "describe", {"properties": {"level": 3}})
    await port.login("dan", "hall")
    await bob.say("hall", "kick", {"to": "dan", "text": "out"})
    await bob.leave("hall")
    await ann.come_back()
    frames = await ann.events()
    shared = [frame for frame in frames if frame.sub is None]

    assert [MEMBER_AWAY, MESSAGE, ROOM_UPDATE, JOIN_ROOM, LEAVE_ROOM, LEAVE_ROOM, MEMBER_BACK] == [
        frame.event_type for frame in shared
    ]
    assert await cat.events() == shared


async def test_private_events_are_missed_in_their_place_among_the_shared(port: Port) -> None:
    ann, bob = await _pair(port)
    await ann.vanish(bob)
    await _tell(bob, "1")
    await bob.say("hall", "whisper", {"to": "ann", "text": "2"})
    await bob.say("hall", "remind_anybody", {"to": "ann", "text": "3"})
    await bob.say("hall", "whisper", {"to": "bob", "text": "not ann's"})
    await bob.say("hall", "tell_others", {"text": "4"})
    await _tell(bob, "5")
    await bob.say("hall", "whisper", {"to": "ann", "text": "6"})
    await ann.come_back()
    frames = [frame for frame in await ann.events() if frame.action not in {"", "view"}]

    assert ["1", "2", "3", "4", "5", "6"] == texts(frames)
    assert [(4, None), (4, 1), (4, 2), (4, 4), (5, None), (5, 1)] == [
        frame.place for frame in frames
    ]


async def test_what_was_received_is_not_sent_again(port: Port) -> None:
    ann, bob = await _pair(port)
    await _tell(bob, "one")
    await bob.say("hall", "whisper", {"to": "ann", "text": "two"})
    assert ["one", "two"] == texts(await ann.events())
    await ann.vanish(bob)
    await bob.say("hall", "whisper", {"to": "ann", "text": "three"})
    await ann.come_back()

    assert ["three"] == texts(await ann.events())


async def test_who_forgot_its_place_is_told_from_where_it_remembers(port: Port) -> None:
    ann, bob = await _pair(port)
    place = dict(ann.rooms["hall"])
    await _tell(bob, "one")
    await ann.events()
    await ann.vanish(bob)
    await _tell(bob, "two")
    await ann.come_back(rooms={"hall": place})

    assert ["one", "two"] == texts(await ann.events())


async def test_volatile_events_are_never_missed(port: Port) -> None:
    ann, bob = await _pair(port)
    await bob.say("hall", "wave", {"text": "seen"})
    assert ["seen"] == texts(await ann.events())
    await ann.vanish(bob)
    await bob.say("hall", "wave", {"text": "lost"})
    await _tell(bob, "told")
    await ann.come_back()

    assert ["told"] == texts(await ann.events())


async def test_volatile_events_carry_no_number(port: Port) -> None:
    ann, bob = await _pair(port)
    await bob.say("hall", "wave", {"text": "hi"})
    frames = await ann.events()

    assert [(None, None)] == [frame.place for frame in frames]
    assert not {"seq", "sub"} & frames[0].raw.keys()


async def test_what_the_application_said_is_missed_too(port: Port) -> None:
    ann, bob = await _pair(port)
    first = ann.app["seq"] + 1
    await ann.vanish(bob)
    await bob.say("", "shout", {"text": "all"})
    await bob.say("", "make", {"name": "den"})
    port.application().users["ann"].send("reminded", {"text": "you"})
    await bob.say("", "shout", {"text": "again"})
    answer = await ann.come_back()
    frames = [frame for frame in await ann.events() if not frame.room or "den" in str(frame.data)]

    assert [(MESSAGE, "shouted"), (ROOM_ADD, ""), (MESSAGE, "reminded"), (MESSAGE, "shouted")] == [
        (frame.event_type, frame.action) for frame in frames
    ]
    assert [(first, None), (first + 1, None), (first + 1, 1), (first + 2, None)] == [
        frame.place for frame in frames
    ]
    assert (first + 2, 0) == (answer.data["app"]["seq"], answer.data["app"]["sub"])


async def test_the_applications_events_come_before_the_rooms(port: Port) -> None:
    ann, bob = await _pair(port)
    await ann.vanish(bob)
    await _tell(bob, "room")
    await bob.say("", "shout", {"text": "application"})
    await ann.come_back()

    assert ["application", "room"] == texts(await ann.events())


async def test_each_room_is_told_of_by_itself(port: Port) -> None:
    ann, bob = await _pair(port)
    for name in ("den", "pit"):
        await port.application().rooms.create(name, kind="hall")
        await bob.join(name)
        await ann.join(name)
    await ann.vanish(bob)
    for name in ("den", "hall", "pit", "den", "hall", "pit"):
        await _tell(bob, name, room=name)
    await ann.come_back()
    frames = await ann.events()

    for name in ("den", "hall", "pit"):
        assert [name, name] == texts([frame for frame in frames if frame.room == name])


async def test_a_spectator_comes_back_too(port: Port) -> None:
    bob = await port.login("bob", "hall")
    ann = await port.begin("ann")
    ann.take_room(await ann.client.request(SUBSCRIBE_ROOM, {"roomName": "hall"}))
    ann.drop()
    await _tell(bob, "one")
    await bob.say("hall", "whisper", {"to": "bob", "text": "bob's"})
    answer = await ann.come_back()
    await _tell(bob, "two")

    assert {"epoch", "seq", "sub"} == answer.data["rooms"]["hall"].keys()
    assert ["one", "two"] == texts(await ann.events())
    assert [] == [frame for frame in await bob.events() if frame.sender == "ann"]


async def test_a_spectator_who_comes_back_may_stop_watching(port: Port) -> None:
    ann, bob = await port.begin("ann"), await port.login("bob", "hall")
    ann.take_room(await ann.client.request(SUBSCRIBE_ROOM, {"roomName": "hall"}))
    ann.drop()
    await ann.come_back()
    await ann.client.request(UNSUBSCRIBE_ROOM, {"roomName": "hall"})
    await _tell(bob, "unseen")

    assert [] == texts(await ann.events())


async def test_a_place_from_another_sequence_is_reset_with_the_room_as_it_stands(
    port: Port,
) -> None:
    ann, bob = await _pair(port)
    await ann.vanish(bob)
    await _tell(bob, "one")
    place = {"epoch": "another", "seq": 1, "sub": 0}
    answer = await ann.come_back(rooms={"hall": place})
    entry = answer.data["rooms"]["hall"]

    assert "epoch" == entry["reset"]
    assert (["ann", "bob"], 2, 4, 0) == (
        entry["members"],
        entry["count"],
        entry["seq"],
        entry["sub"],
    )
    assert ann.rooms["hall"]["epoch"] == entry["epoch"] != "another"
    assert [] == texts(await ann.events())


async def test_a_room_made_anew_under_the_same_name_is_a_reset(port: Port) -> None:
    ann, bob = await _pair(port)
    await ann.vanish(bob)
    port.application().rooms["hall"].close()
    await port.application().rooms.create("hall", kind="hall")
    await bob.join("hall")
    answer = await ann.come_back()

    assert {"reset": "gone"} == answer.data["rooms"]["hall"]
    assert 9 == (await ann.client.say("hall", "who")).error_code


@pytest.mark.parametrize("sequence", ["app", "room"])
async def test_an_epoch_of_the_application_is_reset_by_itself(port: Port, sequence: str) -> None:
    ann, bob = await _pair(port)
    await ann.vanish(bob)
    await bob.say("", "shout", {"text": "application"})
    await _tell(bob, "room")
    place = {"epoch": "another", "seq": 0, "sub": 0}
    changes = {"app": place} if sequence == "app" else {"rooms": {"hall": place}}
    answer = await ann.come_back(**changes)

    told = {"app": ["room"], "room": ["application"]}
    assert told[sequence] == texts(await ann.events())
    assert ("epoch" if sequence == "app" else None) == answer.data["app"].get("reset")


@pytest.mark.parametrize("place", [(9, 0), (2**40, 0), (3, 2**40)])
async def test_a_place_where_nobody_ever_was_is_a_reset(port: Port, place: tuple[int, int]) -> None:
    ann, bob = await _pair(port)
    await ann.vanish(bob)
    ann.rooms["hall"] |= {"seq": place[0], "sub": place[1]}
    answer = await ann.come_back()

    assert "history" == answer.data["rooms"]["hall"]["reset"]
    assert 3 == answer.data["rooms"]["hall"]["seq"]


async def test_more_events_than_are_kept_are_a_reset(moor: Callable[..., Any]) -> None:
    port = await moor(history_events=3)
    ann, bob = await _pair(port)
    await ann.vanish(bob)
    await _tell(bob, "1", "2", "3", "4")
    answer = await ann.come_back()

    assert "history" == answer.data["rooms"]["hall"]["reset"]
    assert (7, ["ann", "bob"]) == (
        answer.data["rooms"]["hall"]["seq"],
        answer.data["rooms"]["hall"]["members"],
    )
    await _tell(bob, "5")
    frames = await ann.events()
    assert ["5"] == texts(frames)
    assert [(MEMBER_BACK, 8), (MESSAGE, 8), (MESSAGE, 9)] == [
        (frame.event_type, frame.seq) for frame in frames
    ]


async def test_as_many_events_as_are_kept_are_none(moor: Callable[..., Any]) -> None:
    port = await moor(history_events=3)
    ann, bob = await _pair(port)
    await ann.vanish(bob)
    await _tell(bob, "1", "2", "3")
    answer = await ann.come_back()

    assert "reset" not in answer.data["rooms"]["hall"]
    assert ["1", "2", "3"] == texts(await ann.events())


async def test_that_members_come_and_go_does_not_push_out_what_was_said(
    moor: Callable[..., Any],
) -> None:
    port = await moor(history_events=3)
    ann, bob = await _pair(port)
    others = [await port.begin(name, "hall") for name in ("cat", "dan", "eve")]
    await ann.events()
    await ann.vanish(bob)
    await _tell(bob, "said")
    for other in others:
        await other.vanish(bob)
        await other.come_back()
    answer = await ann.come_back()

    assert "reset" not in answer.data["rooms"]["hall"]
    assert ["said"] == texts(await ann.events())


async def test_private_events_do_not_push_out_the_shared(moor: Callable[..., Any]) -> None:
    port = await moor(history_events=3)
    ann, bob = await _pair(port)
    await bob.say("hall", "whisper", {"to": "ann", "text": "early"})
    await ann.events()
    await ann.vanish(bob)
    await _tell(bob, "shared")
    for number in range(3):
        await bob.say("hall", "whisper", {"to": "ann", "text": str(number)})
    answer = await ann.come_back()

    assert "reset" not in answer.data["rooms"]["hall"]
    assert ["shared", "0", "1", "2"] == texts(await ann.events())


async def test_more_private_events_than_are_kept_are_a_reset(moor: Callable[..., Any]) -> None:
    port = await moor(history_events=3)
    ann, bob = await _pair(port)
    await ann.vanish(bob)
    for number in range(4):
        await bob.say("hall", "whisper", {"to": "ann", "text": str(number)})
    answer = await ann.come_back()

    assert "history" == answer.data["rooms"]["hall"]["reset"]
    assert [] == texts(await ann.events())


async def test_more_bytes_than_are_kept_are_a_reset(moor: Callable[..., Any]) -> None:
    port = await moor(history_bytes=4096)
    ann, bob = await _pair(port)
    await ann.vanish(bob)
    await _tell(bob, "x" * 2000, "y" * 2000, "z")
    answer = await ann.come_back()

    assert "history" == answer.data["rooms"]["hall"]["reset"]


async def test_older_events_than_are_kept_are_a_reset(moor: Callable[..., Any]) -> None:
    port = await moor(history_seconds=0.05)
    ann, bob = await _pair(port)
    await ann.vanish(bob)
    await _tell(bob, "old")
    await asyncio.sleep(0.06)  # time enough, however slow the machine is
    answer = await ann.come_back()

    assert "history" == answer.data["rooms"]["hall"]["reset"]
    assert [] == texts(await ann.events())


async def test_too_many_events_of_the_application_are_its_reset(moor: Callable[..., Any]) -> None:
    port = await moor(history_events=3)
    ann, bob = await _pair(port)
    await ann.vanish(bob)
    for number in range(4):
        await bob.say("", "shout", {"text": str(number)})
    await _tell(bob, "room")
    answer = await ann.come_back()

    assert "history" == answer.data["app"]["reset"]
    assert ann.app["seq"] + 4 == answer.data["app"]["seq"]
    assert "reset" not in answer.data["rooms"]["hall"]
    assert ["room"] == texts(await ann.events())


async def test_a_room_that_has_closed_is_gone(port: Port) -> None:
    ann, bob = await _pair(port)
    await ann.vanish(bob)
    await _tell(bob, "last words")
    await bob.say("hall", "close")
    answer = await ann.come_back()

    assert {"hall": {"reset": "gone"}} == answer.data["rooms"]
    assert [] == [frame for frame in await ann.events() if frame.room == "hall"]


async def test_who_was_kicked_while_away_is_told(port: Port) -> None:
    ann, bob = await _pair(port)
    await ann.vanish(bob)
    await bob.say("hall", "kick", {"to": "ann", "text": "idle"})
    answer = await ann.come_back()

    assert {"hall": {"reset": "kicked"}} == answer.data["rooms"]
    assert 9 == (await ann.client.say("hall", "who")).error_code
    assert ["leave ann kicked"] == [line for line in port.quay().hooks if "leave" in line]


async def test_who_was_moved_while_away_is_out_of_one_room_and_in_another(port: Port) -> None:
    ann, bob = await _pair(port)
    den = await port.application().rooms.create("den", kind="hall")
    hall = port.application().rooms["hall"]
    await ann.vanish(bob)
    port.application().users["ann"].move_to(den, leaving=hall)
    while "ann" not in den.members:  # noqa: ASYNC110 -- no event to wait for
        await asyncio.sleep(0)
    answer = await ann.come_back()
    entries = answer.data["rooms"]
    await bob.join("den")

    assert {"reset": "kicked"} == entries["hall"]
    assert ("den", ["ann"]) == (entries["den"]["roomName"], entries["den"]["members"])
    assert {"seq", "sub", "epoch"} <= entries["den"].keys()
    assert "reset" not in entries["den"]
    assert ["ann", "bob"] == (await ann.client.say("den", "who")).data
    ann.rooms["den"] = {}
    frames = await ann.events()
    assert ["bob"] == [frame.sender for frame in frames if frame.event_type == JOIN_ROOM]


async def test_what_is_sent_in_the_middle_of_a_resume_comes_once(port: Port) -> None:
    ann, bob = await _pair(port)
    for number in range(20):
        ann.drop()
        for client in (bob, bob):
            client.send(MESSAGE, {"text": str(number)}, roomName="hall", action="tell")
        await ann.come_back()
        await bob.say("hall", "who")
        frames = await ann.events()
        assert [str(number)] * 2 == texts(frames)


async def test_a_full_history_of_many_rooms_can_be_sent(moor: Callable[..., Any]) -> None:
    """More than an outbox holds at once: 4 rooms, 100 shared events each."""
    port = await moor(resume_seconds=60)
    ann, bob = await _pair(port)
    names = ["hall", "den", "pit", "loft"]
    for name in names[1:]:
        await port.application().rooms.create(name, kind="hall")
        await bob.join(name)
        await ann.join(name)
    await ann.vanish(bob)
    for number in range(99):
        for name in names:
            bob.send(MESSAGE, {"text": str(number)}, roomName=name, action="tell")
        await bob.say("hall", "who")
    bob.unread()
    answer = await ann.come_back()
    frames = await ann.events()

    assert not [entry for entry in answer.data["rooms"].values() if "reset" in entry]
    for name in names:
        told = texts([frame for frame in frames if frame.room == name])
        assert [str(number) for number in range(99)] == told


async def test_more_bytes_than_an_outbox_holds_can_be_missed(port: Port) -> None:
    """6 rooms of 250 kB each; an outbox holds 1 MiB for a peer that does not read."""
    ann, bob = await _pair(port)
    names = ["hall", "den", "pit", "loft", "yard", "shed"]
    for name in names[1:]:
        await port.application().rooms.create(name, kind="hall")
        await bob.join(name)
        await ann.join(name)
    await ann.vanish(bob)
    for name in names:
        for _ in range(4):
            await _tell(bob, "x" * 60_000, room=name)
    answer = await ann.come_back()
    frames = await ann.events()

    assert not [entry for entry in answer.data["rooms"].values() if "reset" in entry]
    assert [60_000] * 24 == [len(text) for text in texts(frames)]


async def test_a_reconnect_without_places_is_told_of_its_rooms(port: Port) -> None:
    ann, bob = await _pair(port)
    await ann.vanish(bob)
    await _tell(bob, "one")
    client = await port.open()
    answer = await client.request(RECONNECT, {"token": ann.token})

    assert "ann" in answer.data["rooms"]["hall"]["members"]
    assert ann.rooms["hall"]["epoch"] == answer.data["rooms"]["hall"]["epoch"]
    assert ann.app["epoch"] == answer.data["app"]["epoch"]


async def test_a_login_under_allow_resumes_one_of_its_connections(
    moor: Callable[..., Any],
) -> None:
    port = await moor(double_login="allow:2")
    phone, bob = await port.begin("ann", "hall"), await port.login("bob", "hall")
    laptop = await port.begin("ann")
    laptop.rooms = {"hall": dict(phone.rooms["hall"])}
    await laptop.events()
    phone.drop()
    await _tell(bob, "one")
    assert ["one"] == texts(await laptop.client.events())
    await phone.come_back()
    frames = await phone.events()

    assert ["one"] == texts(frames)
    assert not {MEMBER_AWAY, MEMBER_BACK} & {frame.event_type for frame in frames}
    assert {"drop ann", "resume ann"}.isdisjoint(port.quay().hooks)
    await _tell(bob, "two")
    assert ["two"] == texts(await phone.events()) == texts(await laptop.client.events())
