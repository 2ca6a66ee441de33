"""Requests find their answers, and who stops waiting breaks nothing."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import msgspec
import pytest

from goroom.client import SendLost, SendRefused
from goroom.client.frames import Frame
from goroom.client.requests import Requests
from goroom.errors import ConnectionLost, PayloadError, RequestRefused
from goroom.messages import EventType
from goroom.testing import Clock
from tests.client.conftest import hold


class Line:
    """Requests of one login on an open link; the test is the server."""

    def __init__(self, timeout_seconds: float = 10.0) -> None:
        self.sent: list[dict[str, Any]] = []
        self.reported: list[tuple[str, object]] = []
        self.is_full = False
        self.requests = Requests(self, "test", timeout_seconds, self._report)
        self.requests.restart()

    def check(self) -> None:
        if self.is_full:
            raise asyncio.QueueFull

    def write(self, text: str) -> None:
        self.sent.append(msgspec.json.decode(text))

    def _report(self, room_name: str, event: object) -> None:
        self.reported.append((room_name, event))

    @property
    def ids(self) -> list[int | None]:
        """The ids of what was sent."""
        return [frame.get("id") for frame in self.sent]

    def send(self, action: str) -> None:
        """Send a message to the hall."""
        self.requests.send(EventType.MESSAGE, room_name="hall", action=action, data=None)

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

    assert [1, 2, 3] == line.ids
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
        line.send("go")


async def test_what_is_taken_back_after_the_end_is_passed_over() -> None:
    line = Line()
    line.requests.end(ConnectionLost(1000))
    line.requests.retract(EventType.LEAVE_ROOM)

    assert [] == line.sent


async def test_a_message_has_an_id_too_and_its_answer_is_passed_over() -> None:
    line = Line()
    line.send("go")

    assert [1] == line.ids
    assert line.answer(1)
    assert [] == line.reported


async def test_a_refused_message_is_reported_with_its_room_and_name() -> None:
    line = Line()
    line.send("go")
    line.requests.answer(Frame.read('{"eventType":11,"id":1,"error":{"code":1001}}'))

    match line.reported:
        case [("hall", SendRefused("go", error))]:
            assert 1001 == error.code
        case other:
            pytest.fail(f"not refused, but {other}")


async def test_a_message_that_was_done_and_whose_answer_is_forgotten_is_done() -> None:
    line = Line()
    line.send("go")
    line.requests.answer(Frame.read('{"eventType":11,"id":1,"error":{"code":28}}'))

    assert [] == line.reported


async def test_a_resume_sends_again_what_is_unanswered_and_then_what_has_waited() -> None:
    line = Line()
    first, second = await line.asking(), await line.asking()
    line.send("third")
    line.answer(2)
    line.requests.suspend()
    line.send("fourth")
    line.sent.clear()
    line.requests.resume()
    line.requests.flush()

    assert [1, 3, 4] == line.ids
    line.answer(1)
    await asyncio.gather(first, second)


async def test_what_is_asked_while_the_link_is_lost_waits_up_to_a_bound() -> None:
    line = Line()
    line.requests.suspend()
    for _ in range(64):
        line.send("go")
    with pytest.raises(asyncio.QueueFull, match="64 messages"):
        line.send("go")
    with pytest.raises(asyncio.QueueFull):
        await line.ask()
    line.requests.retract(EventType.LEAVE_ROOM)
    line.requests.resume()
    line.requests.flush()
    line.answer(1)

    assert [*range(1, 66)] == line.ids


async def test_no_more_is_on_its_way_than_the_server_remembers_answers_to() -> None:
    line = Line()
    for _ in range(100):
        line.send("go")
    at_first = len(line.ids)
    line.answer(2)
    line.answer(1)
    line.send("go")

    assert 64 == at_first
    assert [*range(1, 67)] == line.ids


async def test_what_waits_for_answers_is_bounded() -> None:
    line = Line()
    for _ in range(64 + 1000):
        line.send("go")

    with pytest.raises(asyncio.QueueFull, match="1000 messages wait for answers"):
        line.send("go")


async def test_a_link_that_takes_no_more_takes_nothing_new() -> None:
    line = Line()
    line.is_full = True

    with pytest.raises(asyncio.QueueFull):
        line.send("go")
    assert [] == line.sent


async def test_who_stops_waiting_for_the_link_has_nothing_sent() -> None:
    line = Line()
    line.requests.suspend()
    task = await line.asking()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    line.requests.resume()
    line.requests.flush()

    assert [] == line.sent


async def test_a_volatile_message_has_no_id_and_waits_for_nothing() -> None:
    line = Line()
    keys: dict[str, Any] = {"room_name": "hall", "action": "look", "data": None}
    line.requests.send_volatile(EventType.MESSAGE, **keys)
    line.is_full = True
    line.requests.send_volatile(EventType.MESSAGE, **keys)
    line.requests.suspend()
    line.requests.send_volatile(EventType.MESSAGE, **keys)
    line.requests.resume()
    line.requests.flush()

    assert [None] == line.ids
    line.requests.end(ConnectionLost(1000))
    with pytest.raises(ConnectionLost):
        line.requests.send_volatile(EventType.MESSAGE, **keys)


async def test_of_a_lost_login_what_was_sent_fails_and_what_has_waited_is_sent_to_the_next() -> (
    None
):
    line = Line()
    task = await line.asking()
    line.send("lost")
    line.requests.suspend()
    line.send("late")
    line.sent.clear()
    line.requests.lose()
    line.requests.restart()
    line.requests.flush()

    with pytest.raises(ConnectionLost, match="whether it was done is not known"):
        await task
    assert [("hall", SendLost("lost"))] == line.reported
    assert [("late", 3)] == [(frame["action"], frame["id"]) for frame in line.sent]


async def greeting(line: Line) -> asyncio.Task[Any]:
    """Return a login that waits for its answer."""
    work = line.requests.greet(EventType.LOGIN, {}, take=lambda frame: frame.data)
    task = asyncio.create_task(work)
    await asyncio.sleep(0)
    return task


async def test_a_greeting_goes_ahead_of_all_and_is_not_sent_again() -> None:
    line = Line()
    line.requests.suspend()
    line.send("late")
    task = await greeting(line)
    assert [(6, 1)] == [(frame["eventType"], frame["id"]) for frame in line.sent]

    line.requests.suspend()
    line.requests.resume()

    with pytest.raises(ConnectionLost, match="while logging in"):
        await task
    assert [1] == line.ids


async def test_a_greeting_has_its_time_though_the_loop_was_held(clock: Clock) -> None:
    line = Line()
    answered, unanswered = await greeting(line), await greeting(Line())
    await clock.advance(9)
    hold(clock, 60)
    await clock.settle()
    assert line.answer(1, "in time")
    assert "in time" == await answered
    await clock.advance(1)

    with pytest.raises(TimeoutError):
        await unanswered


async def test_the_end_fails_a_greeting_and_what_has_waited() -> None:
    line = Line()
    line.requests.suspend()
    waiting, logging_in = await line.asking(), await greeting(line)
    line.requests.end(ConnectionLost(4503, "banned"))

    for task in (waiting, logging_in):
        with pytest.raises(ConnectionLost, match="banned"):
            await task


async def test_it_knows_what_is_unanswered() -> None:
    line = Line()
    line.send("go")
    assert (True, False) == (
        line.requests.is_asking(EventType.MESSAGE),
        line.requests.is_asking(EventType.LOGOUT),
    )

    line.answer(1)

    assert not line.requests.is_asking(EventType.MESSAGE)
