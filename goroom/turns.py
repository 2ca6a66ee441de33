"""
Turns: run what `goroom.turn` describes, on the stack, awaited, in threads.

::

    handle ──▶ lane idle ───────────────▶ handler on the stack ─▶ commit ─▶ lane released
       │                                        │ it waits
       └─▶ lane taken: wait in order ─▶         └─▶ awaited, watched ─▶ commit or drop ─▶ released

A turn that never waits runs on the stack: no task, future, timer or queue is made for it.
"""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from contextlib import suppress
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any

import structlog

from goroom.errors import Busy, HandlerFailed, Refused
from goroom.threads import DaemonThreads
from goroom.turn import State, turn_var

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from concurrent.futures import Future

    from goroom.limits import Limits
    from goroom.turn import Turn

log = structlog.get_logger()

WATCH_SECONDS = 0.1
"""How often the waiting turns are looked at."""
CAUSED_IN_A_ROW = 64
"""Turns caused by others that run in one turn of the event loop."""
IDLE_SECONDS = 0.01
"""How often a server that stops looks whether its turns have ended."""


def loop_time() -> float:
    """Return `loop.time()` of the running event loop."""
    return asyncio.get_running_loop().time()


class Turns:
    """
    Runs the turns of one server: on the stack, awaited, in threads.

    Args:
        limits: Time limits, the number of threads and of waiting turns.
        now: Returns `loop.time()`.
    """

    def __init__(self, limits: Limits, now: Callable[[], float] = loop_time) -> None:
        self._limits = limits
        self._now = now
        self._watched: dict[Turn, None] = {}
        self._watch_timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._caused: deque[tuple[Turn, Callable[[], object]]] = deque()
        """Turns that have their lane and wait for `_run_caused`."""
        self._is_running_caused = False
        self._pool: DaemonThreads | None = None
        self.threads_busy = 0
        """Handlers now in threads, those that ran out of time among them."""

    def handle(self, turn: Turn, call: Callable[[], object]) -> Awaitable[None] | None:
        """
        Run *call* as *turn*: now if the lane is idle, else when it is its turn.

        Never raises for what *call* does: `Turn.succeed` or `Turn.fail` has been called when this
        returns None, or when what it returns has been awaited.
        """
        lane = turn.lane
        if not lane.is_taken:
            lane.is_taken = True
            return self._start(turn, call)
        if turn.request is not None and lane.waiting >= lane.limits.lane_waiting:
            turn.fail(Busy())
            return None
        return self._when_handed_over(turn, call, lane.wait(turn.request))

    async def run(self, turn: Turn, call: Callable[[], object]) -> Any:
        """
        Run *call* as *turn*, and return what it returns.

        Raises:
            Refused, Disconnect: What the handler refused with; `HandlerFailed` for anything else.
        """
        waiting = self.handle(turn, call)
        if waiting is not None:
            await waiting
        if turn.error is not None:
            raise turn.error
        return turn.result

    def cause(self, turn: Turn, call: Callable[[], object]) -> None:
        """Run *call* as *turn* soon, in its lane's order, in a task: never on this stack."""

        def start() -> None:
            self._caused.append((turn, call))
            if len(self._caused) == 1 and not self._is_running_caused:
                self._is_running_caused = True
                self.spawn(self._run_caused())

        turn.lane.queue(start)

    async def _run_caused(self) -> None:
        """
        Run what was caused, many in one turn of the event loop.

        Where all members of a room are lost at once, each is told of all others: one frame for each
        turn of the loop would be a write for each frame.
        """
        try:
            while self._caused:
                for _ in range(CAUSED_IN_A_ROW):
                    if not self._caused:  # a turn that ends may hand its lane to the next
                        break
                    turn, call = self._caused.popleft()
                    waiting = Context().run(self._start, turn, call)
                    if waiting is not None:
                        self.spawn(waited(waiting))
                await asyncio.sleep(0)
        finally:
            self._is_running_caused = False
            if self._caused:  # a KeyboardInterrupt on its way through
                self._is_running_caused = True
                self.spawn(self._run_caused())

    def spawn(self, work: Coroutine[Any, Any, object]) -> asyncio.Task[Any]:
        """Run *work* in a task that belongs to no turn; the server waits for it when it stops."""
        return self._keep(asyncio.get_running_loop().create_task(work, context=Context()))

    def begin(self, work: Coroutine[Any, Any, object]) -> None:
        """
        Run *work* as `spawn` does, but up to its first wait at once: it may be done by then.

        Up to Python 3.11 it begins in the next turn of the event loop.
        """
        if sys.version_info >= (3, 12):
            loop = asyncio.get_running_loop()
            task = asyncio.Task(work, loop=loop, context=Context(), eager_start=True)
            if not task.done():
                self._keep(task)
            else:
                self._end_task(task)
        else:
            self.spawn(work)

    def _keep(self, task: asyncio.Task[Any]) -> asyncio.Task[Any]:
        self._tasks.add(task)
        task.add_done_callback(self._end_task)
        return task

    def _end_task(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("task_failed", exc_info=error)

    async def settle(self, seconds: float) -> bool:
        """Wait until no task of ours is left; return False if that takes over *seconds*."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while tasks := self._tasks - {asyncio.current_task()}:
            if loop.time() >= end:
                return False
            await asyncio.wait(tasks, timeout=end - loop.time())
        return True

    def in_thread(self, call: Callable[[], object]) -> Callable[[], Awaitable[Any]]:
        """Return a call that runs *call* in the bounded pool, in the turn that calls it."""
        return lambda: self._run_in_thread(call)

    async def idle(self, seconds: float) -> bool:
        """Wait until no handler waits for anything; return False if that takes over *seconds*."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while self._watched:
            if loop.time() >= end:
                return False
            await asyncio.sleep(IDLE_SECONDS)
        return True

    def expire_all(self) -> None:
        """Drop every turn that still waits, as its time limit would."""
        for turn in list(self._watched):
            self._expire(turn)

    def abandon_all(self) -> None:
        """Wait no more for handlers that ran out of time and do not end."""
        for turn in list(self._watched):
            if turn.state is State.EXPIRED:
                self._abandon(turn)

    def _abandon(self, turn: Turn) -> None:
        """Give the lane to those who wait for it, though a dead handler has not let go of it."""
        log.error("handler_stuck", handler=turn.name, **turn.lane.labels)
        del self._watched[turn]
        turn.lane.release()

    @staticmethod
    def _expire(turn: Turn) -> None:
        if turn.state is State.OPEN:
            turn.expire()
            assert turn.task is not None  # noqa: S101 -- one that is open and watched has it
            turn.task.cancel()

    def close(self) -> None:
        """Let go of the threads; handlers in them end on their own, or with the process."""
        if self.threads_busy:
            log.error("threads_stuck", threads=self.threads_busy)
        if self._pool is not None:
            self._pool.shutdown(wait=False)
            self._pool = None

    async def _when_handed_over(
        self, turn: Turn, call: Callable[[], object], handed_over: asyncio.Future[None]
    ) -> None:
        try:
            await handed_over
        except Refused as error:
            turn.fail(error)
            return
        except asyncio.CancelledError:
            if not handed_over.cancelled() and handed_over.exception() is None:
                turn.lane.release()
            turn.cancel()
            raise
        waiting = self._start(turn, call)
        if waiting is not None:
            await waiting

    def _start(self, turn: Turn, call: Callable[[], object]) -> Awaitable[None] | None:
        turn.started = started = self._now()
        token = turn_var.set(turn)
        is_awaited = False
        try:
            result = call()
            if result is not None and hasattr(result, "__await__"):
                is_awaited = True
                return self._await(turn, result)
            turn.succeed(result)
        except KeyboardInterrupt:
            turn.fail(HandlerFailed())
            raise
        except BaseException as error:  # noqa: BLE001 -- border: a handler's SystemExit is no exit
            turn.fail(error)
        finally:
            turn_var.reset(token)
            if not is_awaited:
                turn.lane.release()  # even if the log cannot be written
        held = self._now() - started
        if held >= turn.lane.limits.held_loop_seconds:
            log.warning("loop_held", handler=turn.name, seconds=round(held, 3), **turn.lane.labels)
        return None

    async def _await(self, turn: Turn, awaitable: Awaitable[object]) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 -- every await runs in a task
        turn.task = task
        token = turn_var.set(turn)
        self._watch(turn)
        try:
            result = await awaitable
            if turn.state is State.OPEN:
                turn.succeed(result)
        except BaseException as error:
            is_cancelled = _is_cancellation(task, error, expired=turn.state is State.EXPIRED)
            if turn.thread is not None and not turn.thread.done():
                turn.expire()
            elif is_cancelled:
                turn.cancel()
            else:
                turn.fail(error)
            if is_cancelled or isinstance(error, KeyboardInterrupt):
                raise
        else:
            if turn.state is State.EXPIRED:
                task.uncancel()
        finally:
            turn_var.reset(token)
            turn.task = None
            if turn.thread is None or turn.thread.done():
                self._end(turn)

    def _end(self, turn: Turn) -> None:
        turn.thread = None
        if turn in self._watched:
            del self._watched[turn]
            turn.lane.release()

    def _watch(self, turn: Turn) -> None:
        self._watched[turn] = None
        if self._watch_timer is None:
            loop = asyncio.get_running_loop()
            # In a context of its own: not in that of the turn which happens to be the first.
            self._watch_timer = loop.call_later(WATCH_SECONDS, self._look, context=Context())

    def _look(self) -> None:
        """Drop the turns that wait too long; close the lanes of those that never end."""
        self._watch_timer = None
        loop = asyncio.get_running_loop()
        now = loop.time()
        for turn in list(self._watched):
            seconds = now - turn.started
            if turn.state is State.OPEN and seconds >= turn.lane.limits.handler_seconds:
                self._expire(turn)
            elif turn.state is State.EXPIRED and seconds >= turn.lane.limits.stuck_seconds:
                if turn.lane.on_stuck is not None:
                    turn.lane.on_stuck()
                self._abandon(turn)
        if self._watched:
            self._watch_timer = loop.call_later(WATCH_SECONDS, self._look)

    async def _run_in_thread(self, call: Callable[[], object]) -> Any:
        turn = turn_var.get()
        assert turn is not None  # noqa: S101 -- only handlers are called so
        loop = asyncio.get_running_loop()
        turn.started = float("inf")  # its time counts from its start, not while it queues

        def run() -> object:
            turn.started = loop.time()
            try:
                return call()
            except StopIteration as error:  # a future would take it for its own end
                raise RuntimeError(f"{turn.name} raised StopIteration") from error

        future = self._threads().submit(copy_context().run, run)
        turn.thread = future
        self.threads_busy += 1

        def ended(_: Future[Any]) -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody is left to know
                loop.call_soon_threadsafe(self._end_thread, turn)

        future.add_done_callback(ended)
        return await asyncio.wrap_future(future)

    def _end_thread(self, turn: Turn) -> None:
        self.threads_busy -= 1
        if turn.thread is not None and turn.task is None:
            # Its time was over before it ended: it kept its lane until now.
            self._end(turn)

    def _threads(self) -> DaemonThreads:
        if self._pool is None:
            self._pool = DaemonThreads(self._limits.threads, "goroom")
        return self._pool


async def waited(waiting: Awaitable[None]) -> None:
    """Await *waiting*, so that a task can be made of it."""
    await waiting


def _is_cancellation(task: asyncio.Task[Any], error: BaseException, *, expired: bool) -> bool:
    """Tell a cancellation of the whole task from one that a handler raised or we asked for."""
    if expired:
        return task.uncancel() > 0
    return isinstance(error, asyncio.CancelledError) and task.cancelling() > 0
