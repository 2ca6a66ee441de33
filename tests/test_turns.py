"""Turns: on the stack, awaited, in threads; each lane released exactly once."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
from typing import TYPE_CHECKING, Any

import attrs
import pytest
import structlog
from structlog.testing import capture_logs

from goroom.errors import (
    Busy,
    Disconnect,
    HandlerFailed,
    Refused,
    Stopping,
    TimedOut,
    TurnOver,
)
from goroom.lane import Lane, Level
from goroom.limits import Limits
from goroom.messages import EventType, Request
from goroom.testing import Clock
from goroom.turn import EndingTurn, State, Turn, check_waiting, current, perform
from goroom.turns import Turns

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine

LIMITS = Limits(threads=2, lane_waiting=2)
LABELS = {"application": "chess", "room": "hall"}


@attrs.define(eq=False)
class Note:
    """An effect that writes down that it was committed."""

    said: list[str]
    name: str
    lane: Lane | None = None

    def seal(self) -> None:
        self.said.append(self.name)


class Hall:
    """A lane, its turns, and what their handlers said."""

    def __init__(self, clock: Clock, limits: Limits = LIMITS) -> None:
        self.clock = clock
        self.turns = Turns(limits)
        self.limits = limits
        self.said: list[str] = []
        self.stuck = 0
        self.lane = self.new_lane(Level.ROOM)

    def new_lane(self, level: Level) -> Lane:
        return Lane(level, None, LABELS, self.limits, on_stuck=self._note_stuck)

    def _note_stuck(self) -> None:
        self.stuck += 1

    def say(self, name: str) -> None:
        perform(Note(self.said, name, self.lane))

    def handle(
        self, call: Callable[[], object], *, request: Request | None = None
    ) -> tuple[Turn, Awaitable[None] | None]:
        turn = Turn(self.lane, "Chess.move", request=request)
        return turn, self.turns.handle(turn, call)

    def start(self, call: Callable[[], object], **options: Any) -> tuple[Turn, asyncio.Task[None]]:
        """Handle *call* in a task, as a connection's reader does."""
        turn = Turn(options.pop("lane", self.lane), "Chess.move", **options)

        async def read() -> None:
            waiting = self.turns.handle(turn, call)
            if waiting is not None:
                await waiting

        return turn, asyncio.get_running_loop().create_task(read())

    async def is_free(self) -> bool:
        """Tell whether the lane can be had, by having it."""
        ran: list[int] = []
        turn, waiting = self.handle(lambda: ran.append(1))
        if waiting is not None:
            waiting.close()  # type: ignore[attr-defined]
        return waiting is None and [1] == ran and turn.state is State.COMMITTED


@pytest.fixture
async def clock() -> AsyncIterator[Clock]:
    clock = Clock().install()
    yield clock
    clock.remove()


@pytest.fixture
async def hall(clock: Clock) -> AsyncIterator[Hall]:
    hall = Hall(clock)
    clock._is_busy = lambda: bool(hall.turns.threads_busy)
    yield hall
    hall.turns.close()


def forever() -> asyncio.Future[Any]:
    return asyncio.get_running_loop().create_future()


async def swallow(seconds: float) -> None:
    """Wait for so long, whoever cancels."""
    end = asyncio.get_running_loop().time() + seconds
    while (left := end - asyncio.get_running_loop().time()) > 0:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(left)


# -- on the stack -----------------------------------------------------------------------------


async def test_a_sync_handler_in_an_idle_lane_makes_no_task_future_or_timer(hall: Hall) -> None:
    loop: Any = asyncio.get_running_loop()
    made: list[str] = []

    def watched(name: str) -> Callable[..., Any]:
        original = getattr(loop, name)

        def method(*arguments: Any, **options: Any) -> Any:
            made.append(name)
            return original(*arguments, **options)

        return method

    names = (
        "create_task",
        "create_future",
        "call_soon",
        "call_later",
        "call_at",
        "run_in_executor",
    )
    before = {name: getattr(loop, name) for name in names}
    for name in names:
        setattr(loop, name, watched(name))
    turn, waiting = hall.handle(lambda: hall.say("moved"))
    for name, method in before.items():
        setattr(loop, name, method)

    assert (None, [], ["moved"]) == (waiting, made, hall.said)
    assert (State.COMMITTED, False) == (turn.state, hall.lane.is_taken)


async def test_a_handlers_result_is_its_turns(hall: Hall) -> None:
    turn, _ = hall.handle(lambda: 42)

    assert (42, None) == (turn.result, turn.error)


async def test_a_turn_knows_when_it_started(hall: Hall) -> None:
    await hall.clock.advance(7)
    turn, _ = hall.handle(lambda: None)

    assert hall.clock.now == turn.started


async def test_a_handler_runs_in_its_own_turn_and_its_caller_in_none(hall: Hall) -> None:
    seen: list[Turn | None] = []
    turn, _ = hall.handle(lambda: seen.append(current()))

    assert [turn] == seen
    assert current() is None


@pytest.mark.parametrize("error", [Refused("No"), Disconnect(4503)])
async def test_a_sync_handler_that_refuses_has_sent_nothing(hall: Hall, error: Exception) -> None:
    def refuse() -> None:
        hall.say("moved")
        raise error

    turn, waiting = hall.handle(refuse)

    assert (None, error, []) == (waiting, turn.error, hall.said)
    assert await hall.is_free()


@pytest.mark.parametrize(
    "error",
    [
        ValueError("secret"),
        SystemExit(1),
        asyncio.CancelledError(),
        GeneratorExit(),
        StopIteration(),
    ],
)
async def test_whatever_a_sync_handler_raises_is_a_failure_of_its_turn_alone(
    hall: Hall, error: BaseException
) -> None:
    def fail() -> None:
        hall.say("moved")
        raise error

    turn, waiting = hall.handle(fail)

    assert isinstance(turn.error, HandlerFailed)
    assert (None, []) == (waiting, hall.said)
    assert current() is None
    assert await hall.is_free()


async def test_an_interrupt_from_the_keyboard_ends_the_program_not_the_turn_alone(
    hall: Hall,
) -> None:
    def interrupt() -> None:
        hall.say("moved")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hall.handle(interrupt)

    assert [] == hall.said
    assert await hall.is_free()


async def test_a_handler_that_holds_the_loop_is_logged_by_name(hall: Hall) -> None:
    def hold(seconds: float) -> None:
        hall.clock._now += seconds

    with capture_logs() as logs:
        hall.handle(lambda: hold(0.049))
        hall.handle(lambda: hold(0.051))

    assert [
        {
            "event": "loop_held",
            "log_level": "warning",
            "handler": "Chess.move",
            "seconds": 0.051,
            **LABELS,
        }
    ] == logs


# -- awaited ----------------------------------------------------------------------------------


async def test_an_async_handler_is_awaited_in_the_task_of_its_caller(hall: Hall) -> None:
    tasks: list[object] = []

    async def move() -> str:
        hall.say("first")
        await asyncio.sleep(1)
        hall.say("second")
        tasks.append(asyncio.current_task())
        return "done"

    turn, task = hall.start(move)
    await hall.clock.settle()
    before = (list(hall.said), hall.lane.is_taken)
    await hall.clock.advance(1)

    assert ([], True) == before
    assert ["first", "second"] == hall.said
    assert (State.COMMITTED, "done", [task]) == (turn.state, turn.result, tasks)
    assert await hall.is_free()


async def test_a_sync_handler_may_return_what_is_to_be_awaited(hall: Hall) -> None:
    future = forever()
    turn, _ = hall.start(lambda: future)
    await hall.clock.settle()

    future.set_result(7)
    await hall.clock.settle()

    assert 7 == turn.result


@pytest.mark.parametrize("error", [Refused("No"), Disconnect(4503)])
async def test_an_async_handler_that_refuses_has_sent_nothing(hall: Hall, error: Exception) -> None:
    async def refuse() -> None:
        hall.say("moved")
        await asyncio.sleep(1)
        raise error

    turn, task = hall.start(refuse)
    await hall.clock.advance(1)

    assert (error, [], None) == (turn.error, hall.said, task.result())
    assert await hall.is_free()


@pytest.mark.parametrize("error", [ValueError(), SystemExit(1), asyncio.CancelledError()])
@pytest.mark.parametrize("seconds", [0, 1])
async def test_whatever_an_async_handler_raises_is_a_failure_of_its_turn_alone(
    hall: Hall, error: BaseException, seconds: int
) -> None:
    async def fail() -> None:
        hall.say("moved")
        if seconds:
            await asyncio.sleep(seconds)
        raise error

    turn, task = hall.start(fail)
    await hall.clock.advance(seconds)

    assert isinstance(turn.error, HandlerFailed)
    assert ([], None) == (hall.said, task.result())
    assert await hall.is_free()


async def test_a_handler_that_awaits_what_was_cancelled_fails_alone(hall: Hall) -> None:
    other = forever()
    turn, task = hall.start(lambda: other)
    await hall.clock.settle()

    other.cancel()
    await hall.clock.settle()

    assert isinstance(turn.error, HandlerFailed)
    assert (False, None) == (task.cancelled(), task.result())
    assert await hall.is_free()


async def test_an_interrupt_in_an_async_handler_ends_the_program_too(hall: Hall) -> None:
    async def interrupt() -> None:
        raise KeyboardInterrupt

    turn = Turn(hall.lane, "Chess.move")
    waiting: Any = hall.turns.handle(turn, interrupt)

    with pytest.raises(KeyboardInterrupt):
        await waiting

    assert await hall.is_free()


async def test_the_lane_stays_taken_while_its_handler_waits(hall: Hall) -> None:
    async def slow() -> None:
        await asyncio.sleep(1)
        hall.say("slow")

    hall.start(slow)
    tasks = [hall.start(lambda name=name: hall.say(name))[1] for name in "ab"]  # type: ignore[misc]
    await hall.clock.settle()
    perform(Note(hall.said, "outside", hall.lane))
    hall.start(lambda: hall.say("c"))
    before = list(hall.said)
    await hall.clock.advance(1)

    assert [] == before
    assert ["slow", "a", "b", "outside", "c"] == hall.said
    assert [None, None] == [task.result() for task in tasks]
    assert not hall.lane.is_taken


async def test_handlers_of_two_lanes_interleave(hall: Hall) -> None:
    other = hall.new_lane(Level.ROOM)

    async def slow() -> None:
        await asyncio.sleep(1)

    hall.start(slow)
    turn, _ = hall.start(lambda: 1, lane=other)
    await hall.clock.settle()

    assert State.COMMITTED is turn.state
    await hall.clock.advance(1)


async def test_children_belong_to_the_turn(hall: Hall) -> None:
    async def child(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        hall.say(name)

    async def move() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(child("a", 1))
            group.create_task(child("b", 2))
        await asyncio.gather(child("c", 1), child("d", 2))
        before.extend(hall.said)

    before: list[str] = []
    hall.start(move)
    await hall.clock.advance(4)

    assert [] == before
    assert ["a", "b", "c", "d"] == hall.said


async def test_a_child_that_fails_in_a_group_drops_the_turn(hall: Hall) -> None:
    async def child() -> None:
        await asyncio.sleep(1)
        raise ValueError

    async def move() -> None:
        hall.say("moved")
        async with asyncio.TaskGroup() as group:
            group.create_task(child())
            await asyncio.sleep(3)

    turn, task = hall.start(move)
    await hall.clock.advance(3)

    assert isinstance(turn.error, HandlerFailed)
    assert ([], None, 0) == (hall.said, task.result(), task.cancelling())
    assert await hall.is_free()


async def test_a_task_that_outlives_its_turn_sends_from_outside(hall: Hall) -> None:
    async def later() -> None:
        await asyncio.sleep(1)
        hall.say("later")

    tasks: list[asyncio.Task[None]] = []

    async def move() -> None:
        tasks.append(asyncio.create_task(later()))
        await asyncio.sleep(0)
        hall.say("moved")

    hall.start(move)
    await hall.clock.advance(0.5)
    early = list(hall.said)
    await hall.clock.advance(0.5)

    assert ["moved"] == early
    assert ["moved", "later"] == hall.said
    assert tasks[0].done()


async def test_a_handler_may_use_a_timeout_of_its_own(hall: Hall) -> None:
    async def move() -> str:
        try:
            async with asyncio.timeout(1):
                await asyncio.sleep(3)
        except TimeoutError:
            hall.say("gave up")
        return "done"

    turn, task = hall.start(move)
    await hall.clock.advance(1)

    assert ("done", ["gave up"], 0) == (turn.result, hall.said, task.cancelling())


# -- the time limit ---------------------------------------------------------------------------


async def test_a_handler_that_waits_too_long_is_dropped(hall: Hall) -> None:
    async def move() -> None:
        hall.say("moved")
        await asyncio.sleep(60)

    turn, task = hall.start(move)
    await hall.clock.advance(4.99)
    early = turn.state
    await hall.clock.advance(0.11)

    assert State.OPEN is early
    assert isinstance(turn.error, TimedOut)
    assert (State.EXPIRED, [], None, 0) == (
        turn.state,
        hall.said,
        task.result(),
        task.cancelling(),
    )
    assert await hall.is_free()


async def test_the_reader_of_a_dropped_handler_goes_on(hall: Hall) -> None:
    async def read() -> list[object]:
        seen: list[object] = []
        for call in (lambda: asyncio.sleep(60), lambda: asyncio.sleep(1, "second")):
            turn, waiting = hall.handle(call)
            assert waiting is not None
            await waiting
            seen.append(turn.result or type(turn.error))
        return seen

    task = asyncio.create_task(read())
    await hall.clock.advance(7)

    assert [TimedOut, "second"] == await task


async def test_time_in_line_does_not_count(hall: Hall) -> None:
    turns = [hall.start(lambda: asyncio.sleep(4))[0] for _ in range(3)]

    await hall.clock.advance(12.5)

    assert [State.COMMITTED] * 3 == [turn.state for turn in turns]


async def test_one_timer_watches_all_turns_and_ends_with_them(hall: Hall) -> None:
    lanes = [hall.new_lane(Level.ROOM) for _ in range(5)]
    for lane in lanes:
        hall.start(lambda: asyncio.sleep(1), lane=lane)
    await hall.clock.settle()

    def looks() -> int:
        timers = asyncio.get_running_loop()._scheduled  # type: ignore[attr-defined]
        return sum("Turns._look" in repr(timer) and not timer.cancelled() for timer in timers)

    during = looks()
    await hall.clock.advance(1.1)

    assert (1, 0) == (during, looks())


async def test_turns_are_watched_again_after_a_pause(hall: Hall) -> None:
    hall.start(lambda: asyncio.sleep(1))
    await hall.clock.advance(10)

    turn, _ = hall.start(lambda: asyncio.sleep(60))
    await hall.clock.advance(6)

    assert isinstance(turn.error, TimedOut)


async def test_what_a_dropped_handler_does_in_the_end_raises(hall: Hall) -> None:
    caught: list[type[Exception]] = []

    async def move() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            for act in (lambda: hall.say("late"), lambda: check_waiting(hall.lane)):
                try:
                    act()
                except TurnOver as error:
                    caught.append(type(error))
            raise

    turn, _ = hall.start(move)
    await hall.clock.advance(6)

    assert ([TurnOver, TurnOver], []) == (caught, hall.said)
    assert isinstance(turn.error, TimedOut)


@pytest.mark.parametrize("error", [None, ValueError(), Refused("late"), SystemExit(2)])
async def test_a_handler_that_swallows_its_end_keeps_its_lane_until_it_has_ended(
    hall: Hall, error: BaseException | None
) -> None:
    async def move() -> None:
        await swallow(20)
        if error is not None:
            raise error

    turn, task = hall.start(move)
    await hall.clock.advance(19)
    during = (turn.state, hall.lane.is_taken, task.done())
    await hall.clock.advance(1)

    assert (State.EXPIRED, True, False) == during
    assert isinstance(turn.error, TimedOut)
    assert (None, 0) == (task.result(), task.cancelling())
    assert await hall.is_free()


async def test_a_handler_that_never_ends_is_reported_and_its_lane_given_on(hall: Hall) -> None:
    turn, task = hall.start(lambda: swallow(100))
    waiting, other = hall.start(lambda: hall.say("next"))
    await hall.clock.advance(59.9)
    before = (hall.stuck, waiting.state)
    with capture_logs() as logs:
        await hall.clock.advance(0.2)

    assert (0, State.OPEN) == before
    assert (1, State.COMMITTED, ["next"]) == (hall.stuck, waiting.state, hall.said)
    assert ["handler_stuck"] == [line["event"] for line in logs]
    assert other.done()
    assert not task.done()
    await hall.clock.advance(40)
    assert (State.EXPIRED, 1, True) == (turn.state, hall.stuck, task.done())
    assert await hall.is_free()


async def test_a_lane_that_was_given_on_is_not_released_by_the_dead_handler(hall: Hall) -> None:
    _, dead = hall.start(lambda: swallow(61))
    hall.start(lambda: asyncio.sleep(4))

    await hall.clock.advance(62)

    assert (None, True) == (dead.result(), hall.lane.is_taken)
    await hall.clock.advance(3)
    assert await hall.is_free()


async def test_a_stuck_lane_need_not_be_told(hall: Hall) -> None:
    hall.lane.on_stuck = None
    hall.start(lambda: swallow(70))

    await hall.clock.advance(61)

    assert await hall.is_free()
    await hall.clock.advance(10)


async def test_what_the_stuck_lanes_owner_does_is_outside_any_turn(hall: Hall) -> None:
    """The watch was started by a turn, and runs in a context: it must not be that turn's."""
    hall.lane.on_stuck = lambda: (
        hall.turns.handle(Turn(hall.new_lane(Level.ROOM), "elsewhere"), lambda: None)
        or hall.say("closed")
    )
    hall.start(lambda: swallow(70))

    await hall.clock.advance(61)

    assert ["closed"] == hall.said
    await hall.clock.advance(10)


async def test_an_ending_happens_when_its_handler_is_dropped(hall: Hall) -> None:
    turn = EndingTurn(hall.lane, "on_leave")

    async def on_leave() -> None:
        turn.begin(Note(hall.said, "left", hall.lane), is_refusable=True)
        hall.say("farewell")
        await asyncio.sleep(60)

    task = asyncio.create_task(hall.turns.run(turn, on_leave))
    await hall.clock.advance(6)

    assert (["left"], None) == (hall.said, task.result())
    assert await hall.is_free()


# -- turns within turns -----------------------------------------------------------------------


class Nested:
    """A user's handler that waits for a room's handler."""

    def __init__(self, hall: Hall, inner: Callable[[], Coroutine[Any, Any, object]]) -> None:
        self.hall = hall
        self.user = hall.new_lane(Level.USER)
        self.inner = Turn(hall.lane, "on_join")
        self.outer = Turn(self.user, "open_table")
        self._inner = inner
        self.caught: BaseException | None = None

    async def call(self) -> str:
        perform(Note(self.hall.said, "outer", self.user))
        check_waiting(self.hall.lane)
        try:
            await self.hall.turns.run(self.inner, self._inner)
        except BaseException as error:
            self.caught = error
            raise
        return "joined"

    def start(self) -> asyncio.Task[None]:
        async def read() -> None:
            waiting = self.hall.turns.handle(self.outer, self.call)
            assert waiting is not None
            await waiting

        return asyncio.create_task(read())

    def is_free(self) -> bool:
        return not (self.user.is_taken or self.hall.lane.is_taken)


async def test_what_is_awaited_commits_before_and_stands_whatever_follows(hall: Hall) -> None:
    async def on_join() -> None:
        hall.say("inner")

    nested = Nested(hall, on_join)
    nested.start()
    await hall.clock.settle()

    assert ["inner", "outer"] == hall.said
    assert ("joined", True) == (nested.outer.result, nested.is_free())
    assert current() is None


async def test_what_is_awaited_raises_what_it_was_refused_with(hall: Hall) -> None:
    refusal = Refused("full")

    async def on_join() -> None:
        raise refusal

    nested = Nested(hall, on_join)
    nested.start()
    await hall.clock.settle()

    assert refusal is nested.caught is nested.outer.error
    assert ([], True) == (hall.said, nested.is_free())


async def test_two_turns_out_of_time_at_once_end_one_after_the_other(hall: Hall) -> None:
    nested = Nested(hall, lambda: asyncio.sleep(60))
    task = nested.start()

    await hall.clock.advance(6)

    assert isinstance(nested.inner.error, TimedOut)
    assert isinstance(nested.outer.error, TimedOut)
    assert ([], True, None, 0) == (
        hall.said,
        nested.is_free(),
        task.result(),
        task.cancelling(),
    )


async def test_an_inner_turn_is_dropped_when_the_outer_runs_out_of_time(hall: Hall) -> None:
    """The inner one is not at fault: no failure of it is logged."""

    async def on_join() -> None:
        hall.say("inner")
        await asyncio.sleep(60)

    hall.start(lambda: asyncio.sleep(2))  # the room is busy at first
    nested = Nested(hall, on_join)
    task = nested.start()
    with capture_logs() as logs:
        await hall.clock.advance(6)

    assert isinstance(nested.outer.error, TimedOut)
    assert State.DROPPED is nested.inner.state
    assert ([], True, None) == (hall.said, nested.is_free(), task.result())
    assert [("handler_timed_out", "open_table")] == [
        (line["event"], line["handler"]) for line in logs
    ]


async def test_an_inner_turn_that_waits_in_line_is_dropped_with_the_outer(hall: Hall) -> None:
    async def on_join() -> None:
        hall.say("inner")

    hall.start(lambda: swallow(20))
    nested = Nested(hall, on_join)
    task = nested.start()
    await hall.clock.advance(19)

    assert isinstance(nested.outer.error, TimedOut)
    assert (State.DROPPED, None, False) == (
        nested.inner.state,
        task.result(),
        nested.user.is_taken,
    )
    await hall.clock.advance(2)
    assert ([], True) == (hall.said, nested.is_free())


async def test_an_inner_turn_may_be_given_up_by_a_timeout_of_the_author(hall: Hall) -> None:
    nested = Nested(hall, lambda: asyncio.sleep(60))

    async def impatient() -> str:
        try:
            async with asyncio.timeout(1):
                return await nested.call()
        except TimeoutError:
            return "gave up"

    turn, task = hall.start(impatient, lane=nested.user)
    await hall.clock.advance(1)

    assert ("gave up", 0) == (turn.result, task.cancelling())
    assert (State.DROPPED, True) == (nested.inner.state, nested.is_free())


async def test_an_ending_happens_though_the_outer_turn_runs_out_of_time(hall: Hall) -> None:
    hall.start(lambda: asyncio.sleep(2))
    inner = EndingTurn(hall.lane, "on_leave")

    async def on_leave() -> None:
        inner.begin(Note(hall.said, "left", hall.lane), is_refusable=True)
        await asyncio.sleep(60)

    turn, _ = hall.start(lambda: hall.turns.run(inner, on_leave), lane=hall.new_lane(Level.USER))
    await hall.clock.advance(6)

    assert isinstance(turn.error, TimedOut)
    assert ["left"] == hall.said
    assert await hall.is_free()


async def test_a_child_in_a_group_may_wait_for_a_turn(hall: Hall) -> None:
    nested = Nested(hall, lambda: asyncio.sleep(60))

    async def both() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(nested.call())

    turn, task = hall.start(both, lane=nested.user)
    await hall.clock.advance(6)

    assert isinstance(turn.error, TimedOut)
    assert (None, 0, True) == (task.result(), task.cancelling(), nested.is_free())


# -- cancelled from outside -------------------------------------------------------------------


async def test_a_cancellation_of_the_reader_passes_through(hall: Hall) -> None:
    turn, task = hall.start(lambda: asyncio.sleep(60))
    await hall.clock.settle()

    with capture_logs() as logs:
        task.cancel()
        await hall.clock.settle()

    assert (True, State.DROPPED, []) == (task.cancelled(), turn.state, logs)
    assert await hall.is_free()


async def test_a_cancellation_of_a_reader_in_line_passes_through(hall: Hall) -> None:
    hall.start(lambda: asyncio.sleep(1))
    turn, task = hall.start(lambda: hall.say("never"))
    hall.start(lambda: hall.say("next"))
    await hall.clock.settle()

    task.cancel()
    await hall.clock.advance(1)

    assert (True, State.DROPPED, ["next"]) == (task.cancelled(), turn.state, hall.said)
    assert await hall.is_free()


async def test_a_lane_handed_to_a_reader_that_is_cancelled_goes_to_the_next(hall: Hall) -> None:
    first = forever()
    hall.start(lambda: first)
    _, task = hall.start(lambda: hall.say("never"))
    hall.start(lambda: hall.say("next"))
    await hall.clock.settle()

    first.set_result(None)
    await asyncio.sleep(0)  # the first has ended and has handed the lane over
    task.cancel()
    await hall.clock.settle()

    assert (True, ["next"]) == (task.cancelled(), hall.said)
    assert await hall.is_free()


async def test_a_reader_turned_away_and_cancelled_at_once_is_cancelled(hall: Hall) -> None:
    first = forever()
    hall.start(lambda: first)
    _, task = hall.start(lambda: hall.say("never"))
    await hall.clock.settle()

    hall.lane.turn_away(Stopping())
    task.cancel()
    await hall.clock.settle()

    assert (True, True) == (task.cancelled(), hall.lane.is_taken)
    first.set_result(None)
    await hall.clock.settle()
    assert await hall.is_free()


async def test_a_reader_cancelled_while_its_turn_is_dropped_is_cancelled(hall: Hall) -> None:
    async def move() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(10)

    turn, task = hall.start(move)
    await hall.clock.advance(6)

    task.cancel()
    await hall.clock.settle()

    assert (True, State.EXPIRED) == (task.cancelled(), turn.state)
    assert await hall.is_free()


# -- in line ----------------------------------------------------------------------------------


async def test_a_request_too_many_is_busy(hall: Hall) -> None:
    request = Request(EventType.MESSAGE)
    hall.start(lambda: asyncio.sleep(1))
    for _ in range(2):
        hall.start(lambda: None, request=request)
    await hall.clock.settle()

    turn, waiting = hall.handle(lambda: hall.say("never"), request=request)

    assert isinstance(turn.error, Busy)
    assert waiting is None
    await hall.clock.advance(1)
    assert [] == hall.said


async def test_the_servers_own_turns_are_never_busy(hall: Hall) -> None:
    hall.start(lambda: asyncio.sleep(1))
    for _ in range(5):
        hall.start(lambda: hall.say("a"))
    await hall.clock.advance(1)

    assert ["a"] * 5 == hall.said


async def test_a_turn_in_line_can_be_turned_away(hall: Hall) -> None:
    hall.start(lambda: asyncio.sleep(1))
    turn, task = hall.start(lambda: hall.say("never"))
    await hall.clock.settle()
    error = Refused("closed")

    hall.lane.turn_away(error)
    await hall.clock.advance(1)

    assert (error, [], None) == (turn.error, hall.said, task.result())
    assert await hall.is_free()


async def test_a_run_returns_the_result_or_raises_the_refusal(hall: Hall) -> None:
    error = Refused("No")

    async def refuse() -> None:
        raise error

    assert 7 == await hall.turns.run(Turn(hall.lane, "a"), lambda: 7)
    assert 8 == await hall.turns.run(Turn(hall.lane, "b"), lambda: asyncio.sleep(0, 8))
    with pytest.raises(Refused) as caught:
        await hall.turns.run(Turn(hall.lane, "c"), refuse)
    assert error is caught.value
    with pytest.raises(HandlerFailed):
        await hall.turns.run(Turn(hall.lane, "d"), lambda: 1 / 0)


# -- caused, spawned --------------------------------------------------------------------------


async def test_a_caused_turn_runs_in_a_task_in_order_and_in_no_turn(hall: Hall) -> None:
    outside: list[object] = []

    async def slow() -> None:
        await asyncio.sleep(1)
        hall.say("slow")

    def cause() -> None:
        hall.turns.cause(Turn(hall.lane, "on_leave"), slow)
        hall.turns.cause(Turn(hall.lane, "on_leave"), lambda: hall.say("quick"))
        hall.turns.spawn(note())
        outside.append("on the stack")

    async def note() -> None:
        outside.append(current())

    hall.handle(cause)
    at_once = (list(hall.said), list(outside))
    with capture_logs() as logs:
        await hall.clock.advance(1)

    assert ([], ["on the stack"], []) == (*at_once, logs)
    assert (["slow", "quick"], ["on the stack", None]) == (hall.said, outside)
    assert await hall.is_free()


async def test_many_caused_turns_of_one_lane_run_in_one_turn_of_the_loop(hall: Hall) -> None:
    ran: list[int] = []
    for number in range(200):
        hall.turns.cause(Turn(hall.lane, "on_drop"), lambda number=number: ran.append(number))
    counts = [len(ran)]
    for _ in range(5):
        await asyncio.sleep(0)
        counts.append(len(ran))

    assert [0, 64, 128, 192, 200, 200] == counts
    assert list(range(200)) == ran


async def test_turns_that_cause_each_other_do_not_recurse(hall: Hall) -> None:
    lanes = [hall.new_lane(Level.ROOM) for _ in range(3000)]

    def close(number: int) -> None:
        hall.said.append(str(number))
        if number + 1 < len(lanes):
            perform(Caused(hall, lanes[number + 1], lambda: close(number + 1)))

    hall.turns.handle(Turn(lanes[0], "close"), lambda: close(0))
    await hall.clock.settle()

    assert len(lanes) == len(hall.said)


@attrs.define(eq=False)
class Caused:
    """An effect that causes a turn, as closing a room does."""

    hall: Hall
    there: Lane
    call: Callable[[], None]
    lane: Lane | None = None

    def seal(self) -> None:
        self.hall.turns.cause(Turn(self.there, "close"), self.call)


async def test_a_task_that_fails_is_logged(hall: Hall) -> None:
    async def fail() -> None:
        raise ValueError("ours")

    async def be_cancelled() -> None:
        raise asyncio.CancelledError

    with capture_logs() as logs:
        hall.turns.spawn(fail())
        hall.turns.spawn(be_cancelled())
        settled = await hall.turns.settle(1)

    assert settled
    assert ["task_failed"] == [line["event"] for line in logs]


async def test_settling_waits_for_tasks_that_tasks_have_made(hall: Hall) -> None:
    async def first() -> None:
        await asyncio.sleep(1)
        hall.turns.spawn(second())

    async def second() -> None:
        await asyncio.sleep(1)
        hall.say("done")

    hall.turns.spawn(first())
    waiting = asyncio.create_task(hall.turns.settle(5))
    await hall.clock.advance(2)

    assert await waiting
    assert ["done"] == hall.said


async def test_settling_gives_up_in_time(hall: Hall) -> None:
    task = hall.turns.spawn(asyncio.sleep(60))
    waiting = asyncio.create_task(hall.turns.settle(5))
    await hall.clock.advance(4.9)
    early = waiting.done()
    await hall.clock.advance(0.1)

    assert (False, False) == (early, await waiting)
    task.cancel()


async def test_a_task_of_ours_may_settle_the_others(hall: Hall) -> None:
    settling = hall.turns.spawn(hall.turns.settle(5))
    hall.turns.spawn(asyncio.sleep(1))
    await hall.clock.advance(1)

    assert await settling


# -- stopping ---------------------------------------------------------------------------------


async def test_idle_waits_for_the_handlers_that_wait(hall: Hall) -> None:
    hall.start(lambda: asyncio.sleep(1))
    await hall.clock.settle()
    waiting = asyncio.create_task(hall.turns.idle(5))
    await hall.clock.advance(0.9)
    early = waiting.done()
    await hall.clock.advance(0.2)

    assert (False, True) == (early, await waiting)


async def test_idle_gives_up_in_time_and_then_all_can_be_dropped(hall: Hall) -> None:
    started = [
        hall.start(call, lane=hall.new_lane(Level.ROOM))
        for call in (lambda: asyncio.sleep(60), lambda: swallow(20))
    ]
    turns = [turn for turn, _ in started]
    await hall.clock.settle()
    waiting = asyncio.create_task(hall.turns.idle(2))
    await hall.clock.advance(2.1)

    assert not await waiting
    hall.turns.expire_all()
    hall.turns.expire_all()
    await hall.clock.settle()
    assert [True, True] == [isinstance(turn.error, TimedOut) for turn in turns]
    assert [False, True] == [turn.lane.is_taken for turn in turns]
    await hall.clock.advance(20)
    assert [(None, 0)] * 2 == [(task.result(), task.cancelling()) for _, task in started]


async def test_handlers_that_do_not_end_can_be_abandoned(hall: Hall) -> None:
    hall.start(lambda: swallow(20))
    open_turn, _ = hall.start(lambda: asyncio.sleep(4), lane=hall.new_lane(Level.ROOM))
    await hall.clock.settle()
    hall.turns.expire_all()
    alive, _ = hall.start(lambda: asyncio.sleep(4), lane=hall.new_lane(Level.ROOM))
    await hall.clock.settle()

    hall.turns.abandon_all()

    assert await hall.is_free()
    assert (State.EXPIRED, State.OPEN) == (open_turn.state, alive.state)
    await hall.clock.advance(21)
    assert (State.COMMITTED, True) == (alive.state, await hall.turns.idle(0))


# -- in threads -------------------------------------------------------------------------------


class Work:
    """What a blocking handler does, one step at a time."""

    def __init__(self, hall: Hall, name: str = "solved") -> None:
        self.hall = hall
        self.name = name
        self.has_begun = threading.Event()
        self.may_end = threading.Event()
        self.error: BaseException | None = None
        self.caught: BaseException | None = None
        self.thread = ""
        self.is_in_turn = False

    def call(self) -> str:
        self.thread = threading.current_thread().name
        self.is_in_turn = current() is not None
        self.has_begun.set()
        self.may_end.wait(10)
        if self.error is not None:
            raise self.error
        try:
            self.hall.say(self.name)
        except TurnOver as error:
            self.caught = error
        return self.name

    def start(self, **options: Any) -> tuple[Turn, asyncio.Task[None]]:
        return self.hall.start(self.hall.turns.in_thread(self.call), **options)

    async def begun(self) -> None:
        """Wait until a thread has it, in real time."""
        await asyncio.get_running_loop().run_in_executor(None, self.has_begun.wait, 10)

    async def end(self) -> None:
        """Let it end, and wait until the loop knows."""
        self.may_end.set()
        await self.hall.clock.settle()


async def advance(clock: Clock, seconds: float) -> None:
    """Turn the clock without waiting for threads to end."""
    is_busy, clock._is_busy = clock._is_busy, lambda: False
    await clock.advance(seconds)
    clock._is_busy = is_busy


async def test_a_blocking_handler_runs_in_a_thread_and_belongs_to_its_turn(hall: Hall) -> None:
    work = Work(hall)
    turn, _ = work.start()
    await work.begun()
    during = (list(hall.said), hall.lane.is_taken, hall.turns.threads_busy)
    await work.end()

    assert ([], True, 1) == during
    assert work.thread.startswith("goroom")
    assert (True, "solved", ["solved"]) == (work.is_in_turn, turn.result, hall.said)
    assert 0 == hall.turns.threads_busy
    assert await hall.is_free()


async def test_the_loop_goes_on_while_a_blocking_handler_works(hall: Hall) -> None:
    work = Work(hall)
    work.start()
    waiting, _ = hall.start(lambda: hall.say("next"))
    other, _ = hall.start(lambda: 1, lane=hall.new_lane(Level.ROOM))
    await work.begun()
    await asyncio.sleep(0)

    assert (State.OPEN, State.COMMITTED) == (waiting.state, other.state)
    await work.end()
    assert ["solved", "next"] == hall.said


@pytest.mark.parametrize(
    "error",
    [ValueError(), SystemExit(1), asyncio.CancelledError(), StopIteration(), KeyError("x")],
)
async def test_whatever_a_blocking_handler_raises_is_a_failure_of_its_turn_alone(
    hall: Hall, error: BaseException
) -> None:
    work = Work(hall)
    work.error = error
    turn, task = work.start()
    await work.end()

    assert isinstance(turn.error, HandlerFailed)
    assert None is task.result()
    assert await hall.is_free()


async def test_a_blocking_handler_may_refuse(hall: Hall) -> None:
    work = Work(hall)
    work.error = Refused("unsolvable")
    turn, _ = work.start()
    await work.end()

    assert work.error is turn.error
    assert await hall.is_free()


async def test_threads_are_bounded_and_the_rest_waits_without_its_time_counting(
    hall: Hall,
) -> None:
    works = [Work(hall, name) for name in "abc"]
    started = [work.start(lane=hall.new_lane(Level.ROOM)) for work in works]
    turns = [turn for turn, _ in started]
    for work in works[:2]:
        await work.begun()
    await advance(hall.clock, 20)

    for work, (_, task) in zip(works[:2], started[:2], strict=True):
        work.may_end.set()
        await task
    await works[2].begun()
    await advance(hall.clock, 4)
    during = turns[2].state
    await works[2].end()

    assert State.OPEN is during
    assert [State.EXPIRED, State.EXPIRED, State.COMMITTED] == [turn.state for turn in turns]
    assert 2 == len({work.thread for work in works})


async def test_a_blocking_handler_out_of_time_keeps_its_lane_until_it_has_ended(
    hall: Hall,
) -> None:
    work = Work(hall)
    turn, task = work.start()
    waiting, _ = hall.start(lambda: hall.say("next"))
    await work.begun()
    await advance(hall.clock, 5.1)

    assert isinstance(turn.error, TimedOut)
    assert (None, 1, State.OPEN) == (task.result(), hall.turns.threads_busy, waiting.state)
    await work.end()
    assert isinstance(work.caught, TurnOver)
    assert (["next"], 0) == (hall.said, hall.turns.threads_busy)
    assert await hall.is_free()


async def test_a_blocking_handler_that_never_ends_loses_its_lane(hall: Hall) -> None:
    work = Work(hall)
    work.start()
    await work.begun()
    await advance(hall.clock, 60.2)

    assert (1, True) == (hall.stuck, await hall.is_free())
    await work.end()
    assert (0, True) == (hall.turns.threads_busy, await hall.is_free())


async def test_a_blocking_handler_whose_reader_is_cancelled_keeps_its_lane(hall: Hall) -> None:
    work = Work(hall)
    turn, task = work.start()
    await work.begun()

    task.cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert (True, True, State.EXPIRED) == (task.cancelled(), hall.lane.is_taken, turn.state)
    await work.end()
    assert isinstance(work.caught, TurnOver)
    assert [] == hall.said
    assert await hall.is_free()


async def test_a_blocking_handler_in_line_for_a_thread_never_starts_when_dropped(
    hall: Hall,
) -> None:
    works = [Work(hall, name) for name in "abc"]
    turns = [work.start(lane=hall.new_lane(Level.ROOM))[0] for work in works]
    for work in works[:2]:
        await work.begun()

    hall.turns.expire_all()
    await advance(hall.clock, 0)
    for work in works:
        work.may_end.set()
    await hall.clock.settle()

    assert [True] * 3 == [isinstance(turn.error, TimedOut) for turn in turns]
    assert (False, [False] * 3) == (
        works[2].has_begun.is_set(),
        [turn.lane.is_taken for turn in turns],
    )


async def test_turns_that_are_closed_let_go_of_their_threads(hall: Hall) -> None:
    hall.turns.close()
    work = Work(hall)
    turn, _ = work.start()
    await work.end()
    pool = hall.turns._pool

    hall.turns.close()

    assert "solved" == turn.result
    assert pool is not None
    with pytest.raises(RuntimeError, match="shutdown"):
        pool.submit(print)


def test_a_thread_that_outlives_its_loop_ends_in_peace(caplog: pytest.LogCaptureFixture) -> None:
    works: list[Work] = []

    async def begin() -> None:
        hall = Hall(Clock())
        works.append(Work(hall))
        works[0].start()[1].add_done_callback(lambda task: task.cancelled())
        await works[0].begun()
        hall.turns.close()

    asyncio.run(begin())
    works[0].may_end.set()
    for thread in threading.enumerate():
        if thread.name.startswith("goroom"):
            thread.join(10)

    assert [] == caplog.records


# -- nothing is left --------------------------------------------------------------------------


async def test_a_turn_that_is_over_is_kept_by_nobody(hall: Hall) -> None:
    lanes = [hall.new_lane(Level.ROOM) for _ in range(3)]
    calls = (lambda: asyncio.sleep(1), lambda: asyncio.sleep(60), lambda: None)
    for lane, call in zip(lanes, calls, strict=True):
        hall.start(call, lane=lane)
    await hall.clock.advance(10)
    gc.collect()

    kept = [one for one in gc.get_objects() if isinstance(one, Turn) and one.lane in lanes]
    assert [] == kept
    assert ({}, set()) == (hall.turns._watched, hall.turns._tasks)


async def test_a_log_that_cannot_be_written_takes_no_lane_with_it() -> None:
    def refuse(*_: object) -> Any:
        raise OSError("no space left on device")

    def fail() -> None:
        raise ValueError("a handler that fails")

    lane = Lane(Level.ROOM, None, {}, Limits())
    structlog.configure(processors=[refuse])
    with pytest.raises(OSError, match="no space"):
        Turns(Limits()).handle(Turn(lane, "fail"), fail)

    assert not lane.is_taken
