"""Clock: time that tests turn, and that is given back."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator

import pytest

from goroom.testing import Clock


@pytest.fixture
async def clock() -> AsyncIterator[Clock]:
    clock = Clock().install()
    yield clock
    clock.remove()


async def test_sleeps_end_in_their_order_at_their_time(clock: Clock) -> None:
    begun, woke = clock.now, []

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds)
        woke.append((seconds, round(asyncio.get_running_loop().time() - begun, 6)))

    tasks = [asyncio.ensure_future(sleep(seconds)) for seconds in (3, 1, 2)]
    await clock.advance(2.5)
    assert [(1, 1.0), (2, 2.0)] == woke
    await clock.advance(0.5)

    assert (3, 3.0) == woke[-1]
    await asyncio.gather(*tasks)
    assert 3.0 == pytest.approx(clock.now - begun)


async def test_what_a_timer_starts_is_due_in_the_same_advance(clock: Clock) -> None:
    ticks: list[float] = []

    def tick() -> None:
        ticks.append(clock.now)
        if len(ticks) < 5:
            asyncio.get_running_loop().call_later(1, tick)

    asyncio.get_running_loop().call_later(1, tick)
    await clock.advance(10)

    assert 5 == len(ticks)


async def test_timeouts_follow(clock: Clock) -> None:
    async def wait() -> None:
        async with asyncio.timeout(5):
            await asyncio.Event().wait()

    task = asyncio.ensure_future(wait())
    await clock.advance(4.9)
    assert not task.done()
    await clock.advance(0.2)

    with pytest.raises(TimeoutError):
        await task


async def test_settling_takes_no_time_and_reaches_the_end_of_chains(clock: Clock) -> None:
    before, steps = clock.now, []

    async def walk() -> None:
        for step in range(50):
            await asyncio.sleep(0)
            steps.append(step)

    task = asyncio.ensure_future(walk())
    await clock.settle()

    assert (50, before) == (len(steps), clock.now)
    await task


async def test_settling_waits_for_threads_in_real_time() -> None:
    ended = threading.Event()
    clock = Clock(lambda: not ended.is_set()).install()
    thread = threading.Timer(0.02, ended.set)
    thread.start()
    await clock.settle()

    assert ended.is_set()
    clock.remove()
    thread.join()


async def test_time_runs_again_when_the_clock_is_removed() -> None:
    clock = Clock().install()
    loop = asyncio.get_running_loop()
    stopped = loop.time()
    time.sleep(0.002)  # noqa: ASYNC251 -- it is the loop's own clock that must stand still
    assert stopped == loop.time()
    clock.remove()
    clock.remove()

    assert loop.time() > stopped
    await asyncio.sleep(0)


async def test_a_loop_whose_time_cannot_be_replaced_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Frozen:
        __slots__ = ()

        def time(self) -> float:
            return 0.0

        call_at = call_soon = time

    monkeypatch.setattr(asyncio, "get_running_loop", Frozen)

    with pytest.raises(TypeError, match="uvloop"):
        Clock().install()


async def test_who_waits_for_a_moment_that_is_a_rounding_error_away_waits_once() -> None:
    clock = Clock().install()
    loop = asyncio.get_running_loop()
    end = clock.now + 1e-11
    waits = 0

    async def wait_for_end() -> None:
        nonlocal waits
        while loop.time() < end and waits < 10:
            waits += 1
            await asyncio.sleep(end - loop.time())

    try:
        await wait_for_end()
    finally:
        clock.remove()

    assert 1 == waits


async def test_what_is_due_but_for_a_rounding_error_is_due() -> None:
    clock = Clock().install()
    loop = asyncio.get_running_loop()
    ended: list[str] = []
    try:
        loop.call_at(clock.now + 20 + 1e-12, ended.append, "due")
        loop.call_at(clock.now + 20 + 1e-6, ended.append, "not yet")
        await clock.advance(19)
        before = list(ended)
        await clock.advance(1)
    finally:
        clock.remove()

    assert ([], ["due"]) == (before, ended)
