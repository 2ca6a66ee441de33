"""Time counts only while the loop goes round."""

from __future__ import annotations

import asyncio
import math

import pytest

from goroom.client.patience import patience
from goroom.testing import Clock
from tests.client.conftest import hold


async def wait(seconds: float, answer: asyncio.Event) -> None:
    async with patience(seconds):
        await answer.wait()


@pytest.fixture
async def answer() -> asyncio.Event:
    return asyncio.Event()


@pytest.mark.parametrize("seconds", [0, 0.2, 0.5, 1.2, 10])
async def test_it_ends_after_its_time(clock: Clock, answer: asyncio.Event, seconds: float) -> None:
    waiting = asyncio.create_task(wait(seconds, answer))
    await clock.advance(seconds - 0.1)
    assert seconds == 0 or not waiting.done()
    await clock.advance(0.1)

    with pytest.raises(TimeoutError):
        await waiting


async def test_what_comes_in_time_ends_the_wait(clock: Clock, answer: asyncio.Event) -> None:
    waiting = asyncio.create_task(wait(10, answer))
    await clock.advance(9)
    answer.set()
    await waiting
    await clock.advance(9)

    assert waiting.done()


async def test_a_loop_that_is_held_loses_half_a_second(clock: Clock, answer: asyncio.Event) -> None:
    waiting = asyncio.create_task(wait(10, answer))
    await clock.settle()
    hold(clock, 60)
    await clock.advance(9.4)
    assert not waiting.done()
    await clock.advance(0.1)

    with pytest.raises(TimeoutError):
        await waiting


async def test_what_is_there_when_the_time_is_over_is_looked_at(
    clock: Clock, answer: asyncio.Event
) -> None:
    async def read() -> None:
        await asyncio.sleep(10)
        await asyncio.sleep(0)
        answer.set()

    waiting = asyncio.create_task(wait(10, answer))
    reading = asyncio.create_task(read())
    await clock.advance(10)
    await reading

    await waiting


async def test_who_is_cancelled_is_not_out_of_time(clock: Clock, answer: asyncio.Event) -> None:
    waiting = asyncio.create_task(wait(10, answer))
    await clock.settle()
    waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_it_may_be_without_end(clock: Clock, answer: asyncio.Event) -> None:
    waiting = asyncio.create_task(wait(math.inf, answer))
    await clock.advance(100)
    answer.set()

    await waiting
