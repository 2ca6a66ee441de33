"""Locks: one at a time for each name, and nothing left of those that nobody holds."""

from __future__ import annotations

import asyncio

from goroom_extensions.mirror.locks import Locks


async def test_one_name_is_held_by_one_at_a_time_in_order() -> None:
    locks, story = Locks(), []

    async def work(name: str, number: int) -> None:
        async with locks(name):
            story.append((name, number, "in"))
            await asyncio.sleep(0)
            story.append((name, number, "out"))

    await asyncio.gather(work("a", 1), work("a", 2), work("b", 3))

    on_a = [(number, step) for name, number, step in story if name == "a"]
    assert [(1, "in"), (1, "out"), (2, "in"), (2, "out")] == on_a
    assert story.index(("b", 3, "in")) < story.index(("a", 1, "out"))


async def test_nothing_is_left_of_names_that_nobody_holds() -> None:
    locks = Locks()

    for number in range(1000):
        async with locks(str(number)):
            assert 1 == len(locks)

    assert 0 == len(locks)


async def test_one_that_gives_up_lets_the_next_in() -> None:
    locks = Locks()

    async def work() -> None:
        async with locks("a"):
            pass

    async with locks("a"):
        first, second = asyncio.create_task(work()), asyncio.create_task(work())
        await asyncio.sleep(0)
        first.cancel()
    await asyncio.wait({first, second})

    assert (True, None) == (first.cancelled(), second.exception())
