"""Requests find their answers, and who stops waiting breaks nothing."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest

from goroom.client.frames import Frame, written
from goroom.client.requests import Requests
from goroom.errors import ConnectionLost, PayloadError, RequestRefused
from goroom.messages import EventType


class Line:
    """Requests of one login, whose frames go nowhere."""

    def __init__(self, timeout_seconds: float = 10.0) -> None:
        self.sent: list[dict[str, Any]] = []
        self.requests = Requests(self._write, "test", timeout_seconds)

    def _write(self, event_type: EventType, **keys: Any) -> None:
        written(event_type, **keys)
        self.sent.append(keys)

    async def ask(self, **options: Any) -> Any:
        """Ask for the reply's data."""
        take = options.pop("take", lambda frame: frame.data)
        return await self.requests.ask(EventType.MESSAGE, take=take, **options)

    async def asking(self, **options: Any) -> asyncio.Task[Any]:
        """Ask in a task of its own, and return when the frame is sent."""
        task = asyncio.create_task(self.ask(**options))
        await asyncio.sleep(0)
        return task

    def answer(self, number: int, data: object = None) -> bool:
        """Answer request *number*."""
        return self.requests.answer(Frame(11, id=number, data=data))


async def test_each_request_has_the_next_id() -> None:
    line = Line()
    tasks = [await line.asking() for _ in range(3)]

    assert [1, 2, 3] == [keys["id"] for keys in line.sent]
    for number in (1, 2, 3):
        line.answer(number)
    await asyncio.gather(*tasks)


async def test_a_request_that_cannot_be_sent_takes_no_id() -> None:
    line = Line()
    with pytest.raises(PayloadError):
        await line.ask(data={"angle": math.nan})
    task = await line.asking()
    line.answer(1, "first")

    assert "first" == await task


async def test_answers_find_their_request_in_any_order() -> None:
    line = Line()
    first, second = await line.asking(), await line.asking()
    line.answer(2, "two")
    line.answer(1, "one")

    assert ("one", "two") == (await first, await second)


async def test_a_frame_without_an_id_answers_nothing() -> None:
    assert not Line().requests.answer(Frame(11))


async def test_an_answer_that_nobody_asked_for_is_passed_over() -> None:
    assert Line().answer(7)


async def test_a_refusal_is_raised() -> None:
    line = Line()
    task = await line.asking()
    line.requests.answer(Frame.read('{"eventType":11,"id":1,"error":{"code":1001}}'))

    with pytest.raises(RequestRefused) as caught:
        await task
    assert 1001 == caught.value.code


async def test_a_request_without_an_answer_times_out() -> None:
    line = Line(timeout_seconds=0)

    with pytest.raises(TimeoutError):
        await line.ask()
    assert line.answer(1)


async def test_a_request_may_have_a_time_of_its_own() -> None:
    with pytest.raises(TimeoutError):
        await Line().ask(timeout_seconds=0)


async def test_latency_is_the_time_of_the_newest_answer() -> None:
    line = Line()
    assert 0 == line.requests.latency

    task = await line.asking()
    line.answer(1)
    await task

    assert 0 < line.requests.latency < 10


async def test_an_answer_is_taken_in_before_the_next_frame() -> None:
    line = Line()
    taken: list[object] = []
    task = await line.asking(take=lambda frame: taken.append(frame.data))
    line.answer(1, "in")

    assert ["in"] == taken
    await task


async def test_who_stops_waiting_before_the_answer_has_it_undone() -> None:
    line = Line()
    undone: list[object] = []
    task = await line.asking(undo=undone.append)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [] == undone

    line.answer(1, "seat")

    assert ["seat"] == undone


async def test_who_stops_waiting_as_the_answer_comes_has_it_undone() -> None:
    line = Line()
    undone: list[object] = []
    task = await line.asking(undo=undone.append)
    line.answer(1, "seat")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert ["seat"] == undone


async def test_a_refusal_that_nobody_waits_for_is_passed_over() -> None:
    line = Line()
    undone: list[object] = []
    refusal = Frame.read('{"eventType":11,"id":1,"error":{"code":1001}}')
    for is_answered_first in (True, False):
        task = await line.asking(undo=undone.append)
        refusal.id = line.sent[-1]["id"]
        if is_answered_first:
            line.requests.answer(refusal)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        line.requests.answer(refusal)

    assert [] == undone


async def test_the_end_fails_what_is_on_its_way_and_all_that_follows() -> None:
    line = Line()
    task = await line.asking()
    line.requests.end(ConnectionLost(4503, "banned"))

    with pytest.raises(ConnectionLost) as caught:
        await task
    assert (4503, "banned") == (caught.value.code, caught.value.reason)
    with pytest.raises(ConnectionLost):
        await line.ask()
    with pytest.raises(ConnectionLost):
        line.requests.send(EventType.MESSAGE)


async def test_what_is_taken_back_after_the_end_is_passed_over() -> None:
    line = Line()
    line.requests.end(ConnectionLost(1000))
    line.requests.retract(EventType.LEAVE_ROOM)

    assert [] == line.sent
