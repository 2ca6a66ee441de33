"""Events wait for their loop: in order, bounded, and to the end."""

from __future__ import annotations

import asyncio

import pytest

from goroom.client import EventStream, Missed
from goroom.client.stream import Settings
from goroom.errors import ConnectionLost
from tests.client.conftest import next_of, rest_of


def stream(**settings: object) -> EventStream[int]:
    return EventStream(Settings(**settings))  # type: ignore[arg-type]  # the test knows them


async def test_events_are_read_in_the_order_in_which_they_came() -> None:
    events = stream()
    events.put(1)
    events.put(2)
    events.end()

    assert [1, 2] == await rest_of(events)


async def test_a_loop_waits_for_the_next_event() -> None:
    events = stream()
    reader = asyncio.create_task(next_of(events))
    await asyncio.sleep(0)
    events.put(1)

    assert 1 == await reader


async def test_a_loop_that_waits_ends_with_its_stream() -> None:
    events = stream()
    reader = asyncio.create_task(rest_of(events))
    await asyncio.sleep(0)
    events.end()

    assert [] == await reader


async def test_a_lost_link_is_raised_behind_what_was_not_read() -> None:
    events = stream()
    events.put(1)
    events.end(ConnectionLost(1006, "gone"))

    assert 1 == await next_of(events)
    for _ in range(2):
        with pytest.raises(ConnectionLost) as caught:
            await next_of(events)
        assert (1006, "gone") == (caught.value.code, caught.value.reason)


async def test_what_comes_after_the_end_is_passed_over() -> None:
    events = stream()
    events.end()
    events.put(1)

    assert [] == await rest_of(events)


async def test_the_first_end_counts() -> None:
    events = stream()
    events.end()
    events.end(ConnectionLost(1006))

    assert [] == await rest_of(events)


async def test_the_oldest_events_are_dropped_and_the_gap_is_told() -> None:
    events = stream(max_events=2)
    for number in range(5):
        events.put(number)
    events.end()

    assert [Missed(3), 3, 4] == await rest_of(events)


async def test_a_gap_is_told_once() -> None:
    events = stream(max_events=1)
    events.put(1)
    events.put(2)
    assert [Missed(1), 2] == [await next_of(events), await next_of(events)]

    events.put(3)

    assert 3 == await next_of(events)


async def test_a_full_stream_can_close_the_connection_instead() -> None:
    events = stream(max_events=1, overflow="close")
    events.put(1)

    with pytest.raises(ConnectionLost) as caught:
        events.put(2)
    assert (4010, "events_overflowed") == (caught.value.code, caught.value.reason)


async def test_two_tasks_cannot_wait_for_one_event() -> None:
    events = stream()
    reader = asyncio.create_task(next_of(events))
    await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="two tasks"):
        await next_of(events)
    events.put(1)
    assert 1 == await reader


async def test_a_cancelled_wait_loses_nothing() -> None:
    events = stream()
    reader = asyncio.create_task(next_of(events))
    await asyncio.sleep(0)
    events.put(1)
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader

    assert 1 == await next_of(events)


async def test_a_second_loop_goes_on_behind_the_first() -> None:
    events = stream()
    for number in range(3):
        events.put(number)
    events.end()
    async for number in events:
        assert 0 == number
        break

    assert [1, 2] == await rest_of(events)
