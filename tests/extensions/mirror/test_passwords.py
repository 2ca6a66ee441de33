"""Passwords: hashed off the loop, compared in equal time."""

from __future__ import annotations

import asyncio
import threading
from typing import Any, Literal

import argon2
import pytest
from goroom_extensions.mirror.passwords import (
    CALLS_WAITING,
    PASSWORD_BYTES,
    Passwords,
    PasswordsBusy,
)

from goroom import BadRequest

THREADS = "goroom-passwords"
"""What the names of the threads begin with."""
CHEAP = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
COSTLIER = argon2.PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)


class Counting(argon2.PasswordHasher):
    """A hasher that knows what each look at a password has cost, and how it ended."""

    def __init__(self, like: argon2.PasswordHasher) -> None:
        super().__init__(like.time_cost, like.memory_cost, like.parallelism)
        self.work: list[tuple[argon2.Parameters, type[Exception]]] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002 -- argon2's name
        try:
            return super().verify(hash, password)
        except Exception as error:
            self.work.append((argon2.extract_parameters(str(hash)), type(error)))
            raise


class Blocked(argon2.PasswordHasher):
    """A hasher that waits for `free`, and knows how many have waited at a time."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.free = threading.Event()
        self.most = 0
        self._now = 0

    def hash(self, *arguments: Any, **options: Any) -> str:
        self._now += 1
        self.most = max(self.most, self._now)
        assert self.free.wait(5), "nobody could set it"
        self._now -= 1
        return super().hash(*arguments, **options)


async def test_a_password_matches_its_hash_only(passwords: Passwords) -> None:
    kept = await passwords.hash("correct horse")

    assert await passwords.matches(kept, "correct horse")
    assert not await passwords.matches(kept, "correct horse ")
    assert not await passwords.matches(kept, "Correct horse")


async def test_plaintext_passwords_are_not_in_their_hashes(passwords: Passwords) -> None:
    first, second = await passwords.hash("correct horse"), await passwords.hash("correct horse")

    assert first.startswith("$argon2id$")
    assert "correct horse" not in first
    assert first != second


async def test_passwords_are_read_whole_and_in_any_script(passwords: Passwords) -> None:
    password = "\0пжюль 🐴" + "x" * 900
    kept = await passwords.hash(password)

    assert await passwords.matches(kept, password)
    assert not await passwords.matches(kept, "\0")
    assert not await passwords.matches(kept, password[:-1])


async def test_an_accent_may_be_typed_in_either_way(passwords: Passwords) -> None:
    assert await passwords.matches(await passwords.hash("caf\u00e9"), "cafe\u0301")


async def test_a_surrogate_is_no_accident(passwords: Passwords) -> None:
    assert await passwords.matches(await passwords.hash("\ud800"), "\ud800")


@pytest.mark.parametrize(
    "password", ["", "x" * (PASSWORD_BYTES + 1), "é" * (PASSWORD_BYTES // 2 + 1)]
)
async def test_an_empty_or_giant_password_is_refused_before_it_costs_anything(
    password: str,
) -> None:
    passwords = Passwords(hasher=Blocked())
    kept = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$ZGlnZXN0ZGlnZXN0"

    with pytest.raises(BadRequest) as raised:
        await passwords.hash(password)
    assert raised.value.field == "pass"
    assert not await passwords.matches(kept, password)
    assert not await passwords.matches(None, password)
    passwords.close()


async def test_the_longest_password_is_taken(passwords: Passwords) -> None:
    longest = "é" * (PASSWORD_BYTES // 2)

    assert await passwords.matches(await passwords.hash(longest), longest)


@pytest.mark.parametrize(
    "kept", ["", "correct horse", "$argon2id$", "$argon2id$v=19$m=8,t=1,p=1$$"]
)
async def test_nothing_matches_what_is_no_hash(passwords: Passwords, kept: str) -> None:
    assert not await passwords.matches(kept, "correct horse")


async def test_nobody_s_password_takes_as_long_as_somebody_s() -> None:
    hasher = Counting(CHEAP)
    passwords = Passwords(hasher=hasher)
    kept = await passwords.hash("correct horse")
    answers = [await passwords.matches(one, "wrong") for one in (kept, None, kept, None)]
    passwords.close()

    assert [False] * 4 == answers
    assert [hasher.work[0]] * 4 == hasher.work


async def test_the_hash_of_nobody_is_no_password_of_anybody(passwords: Passwords) -> None:
    assert not await passwords.matches(None, "")
    assert not await passwords.matches(None, passwords._nobodys)


def test_the_hash_of_nobody_costs_what_others_do() -> None:
    passwords = Passwords()

    assert not passwords.needs_rehash(passwords._nobodys)


async def test_a_hash_of_other_parameters_needs_a_new_one(passwords: Passwords) -> None:
    kept = await passwords.hash("correct horse")
    today = Passwords(hasher=COSTLIER)

    assert not passwords.needs_rehash(kept)
    assert today.needs_rehash(kept)
    assert await today.matches(kept, "correct horse")
    today.close()


async def test_the_loop_runs_while_a_password_is_hashed() -> None:
    hasher = Blocked()
    passwords = Passwords(hasher=hasher)
    task = asyncio.ensure_future(passwords.hash("correct horse"))
    await asyncio.sleep(0)
    hasher.free.set()

    assert await passwords.matches(await task, "correct horse")
    passwords.close()


async def test_more_calls_than_threads_wait_and_too_many_are_refused() -> None:
    hasher = Blocked()
    passwords = Passwords(threads=2, hasher=hasher)
    tasks = [asyncio.ensure_future(passwords.hash("x")) for _ in range(CALLS_WAITING + 2)]
    await asyncio.sleep(0)

    with pytest.raises(PasswordsBusy):
        await passwords.hash("x")
    hasher.free.set()
    assert len(await asyncio.gather(*tasks)) == CALLS_WAITING + 2
    assert hasher.most == 2
    assert await passwords.hash("x")
    passwords.close()


async def test_who_gives_up_makes_room_for_others() -> None:
    hasher = Blocked()
    passwords = Passwords(threads=1, hasher=hasher)
    tasks = [asyncio.ensure_future(passwords.hash("x")) for _ in range(CALLS_WAITING + 1)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    hasher.free.set()

    assert await asyncio.gather(*(passwords.hash("x") for _ in range(CALLS_WAITING)))
    passwords.close()


async def test_closing_ends_the_threads_and_cancels_what_waits() -> None:
    hasher = Blocked()
    passwords = Passwords(threads=1, hasher=hasher)
    running, waiting = (asyncio.ensure_future(passwords.hash("x")) for _ in range(2))
    await asyncio.sleep(0)
    threads = [one for one in threading.enumerate() if one.name.startswith(THREADS)]
    passwords.close()
    hasher.free.set()
    await asyncio.wait([running, waiting])
    for thread in threads:
        thread.join(10)

    assert not running.cancelled()
    assert waiting.cancelled()
    assert threads
    assert not any(thread.is_alive() for thread in threads)
