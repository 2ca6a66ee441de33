"""
Turns: the handling of one event in one lane, from its start to its commit.

A *lane* does one thing at a time (`goroom.lane`), and a *turn* is one of these things. What its
handler sends and changes is kept as *effects*; they take effect together when the handler returns,
or not at all when it raises or runs out of time. `goroom.turns` runs them.
"""

from __future__ import annotations

from contextvars import ContextVar
from enum import Enum
from typing import TYPE_CHECKING, Any

import structlog

from goroom.errors import Disconnect, HandlerFailed, Refused, TimedOut, TurnOver
from goroom.lane import apply_now

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from concurrent.futures import Future

    from goroom.connection import Connection
    from goroom.lane import Effect, Lane
    from goroom.messages import Request

log = structlog.get_logger()


class State(Enum):
    """The life of a turn."""

    OPEN = "open"
    COMMITTED = "committed"
    DROPPED = "dropped"
    EXPIRED = "expired"


OPEN, COMMITTED, EXPIRED = State.OPEN, State.COMMITTED, State.EXPIRED
"""Asked for with every message, and an enum's member costs three times a name."""


class Turn:
    """The handling of one event in one lane."""

    __slots__ = (
        "_effects",
        "connection",
        "error",
        "lane",
        "name",
        "request",
        "result",
        "started",
        "state",
        "task",
        "thread",
    )

    def __init__(
        self,
        lane: Lane,
        name: str,
        connection: Connection | None = None,
        request: Request | None = None,
    ) -> None:
        self.lane = lane
        """The lane it runs in."""
        self.name = name
        """The handler's name, for logs."""
        self.connection = connection
        """The connection whose request this is, if it is one's."""
        self.request = request
        self.started = 0.0
        """`loop.time()` when the handler was called."""
        self.state = OPEN
        self.result: Any = None
        """What the handler returned."""
        self.error: BaseException | None = None
        """Why it was dropped, as its client is told."""
        self.task: asyncio.Task[Any] | None = None
        """What awaits it, while it waits."""
        self.thread: Future[Any] | None = None
        """What it runs in, if it does."""
        self._effects: list[Effect] | None = None
        """In the order they were made; None for none."""

    def add(self, effect: Effect) -> None:
        """Keep *effect* for the commit."""
        if self._effects is None:
            self._effects = [effect]
        else:
            self._effects.append(effect)

    def on_commit(self, call: Callable[[], None]) -> None:
        """
        Have *call* called when this turn takes effect, among what it sends, in the order made.

        Not at all if it is dropped. *call* must not raise: what it raises is logged.
        """
        self.add(_Call(call))

    def succeed(self, result: object) -> None:
        """Commit: seal all effects, then release them, in the order they were made."""
        self.result = result
        self.state = COMMITTED
        effects = self._effects
        if effects is None:
            return
        self._effects = None
        own = self.lane
        releases: list[Callable[[], None]] = []
        for effect in effects:
            lane = effect.lane
            if lane is None or lane is own:
                release = effect.seal()
                if release is not None:
                    releases.append(release)
            else:
                releases.append(_applied_elsewhere(lane, effect))
        for release in releases:
            release()

    def fail(self, error: BaseException) -> None:
        """Drop all effects; anything but a refusal is logged and becomes `HandlerFailed`."""
        if self.state is EXPIRED:
            return
        self.state = State.DROPPED
        self._effects = None
        if isinstance(error, (Refused, Disconnect)):
            self.error = error
            return
        self.error = HandlerFailed()
        log.error("handler_failed", handler=self.name, exc_info=error, **self.lane.labels)

    def cancel(self) -> None:
        """Drop all effects: the task that runs it is cancelled, and the handler is not at fault."""
        if self.state is not EXPIRED:
            self.state = State.DROPPED
            self._effects = None

    def expire(self) -> None:
        """The time limit is over: drop all effects; what is sent from now on raises."""
        if self.state is EXPIRED:
            return
        self.state = EXPIRED
        self._effects = None
        self.error = TimedOut()
        log.warning("handler_timed_out", handler=self.name, **self.lane.labels)


class _Call:
    """The effect of `Turn.on_commit`."""

    __slots__ = ("_call",)

    lane = None

    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call

    def seal(self) -> Callable[[], None]:
        return self._release

    def _release(self) -> None:
        try:
            self._call()
        except Exception:  # border: an effect cannot fail, and this one is somebody else's code
            log.exception("commit_call_failed", call=getattr(self._call, "__qualname__", ""))


class EndingTurn(Turn):
    """
    A leaving, or the end of a login: nothing keeps it from happening but a refusal that counts.

    Until `begin` it fails like any other turn; after it, what the handler sent may be lost, but
    the ending commits.
    """

    __slots__ = ("_ending", "_is_refusable")

    def __init__(
        self,
        lane: Lane,
        name: str,
        connection: Connection | None = None,
        request: Request | None = None,
    ) -> None:
        super().__init__(lane, name, connection, request)
        self._ending: Effect | None = None
        self._is_refusable = False

    def begin(self, ending: Effect, *, is_refusable: bool) -> None:
        """Make *ending* the first effect, which commits even if the handler fails."""
        self._ending = ending
        self._is_refusable = is_refusable
        self.add(ending)

    def fail(self, error: BaseException) -> None:
        if self.state is EXPIRED:
            return
        super().fail(error)
        if not (self._is_refusable and isinstance(error, (Refused, Disconnect))):
            self._end_anyway(COMMITTED)

    def cancel(self) -> None:
        if self.state is not EXPIRED:
            super().cancel()
            self._end_anyway(COMMITTED)

    def expire(self) -> None:
        if self.state is not EXPIRED:
            super().expire()
            self._end_anyway(EXPIRED)

    def _end_anyway(self, state: State) -> None:
        if self._ending is not None:
            self.error = None
            self._effects = [self._ending]
            self.succeed(None)
            self.state = state


class LoginTurn(Turn):
    """``on_login``: accepted now, committed when the login that it replaces has ended."""

    __slots__ = ("is_void",)

    def __init__(
        self, lane: Lane, name: str, connection: Connection, request: Request | None
    ) -> None:
        super().__init__(lane, name, connection, request)
        self.is_void = False
        """Whether its user had ended before it could begin."""

    def succeed(self, result: object) -> None:
        self.result = result

    def commit(self, login: Effect) -> None:
        """Log in, then do what ``on_login`` did."""
        self._effects = [login, *(self._effects or ())]
        super().succeed(None)


def _applied_elsewhere(lane: Lane, effect: Effect) -> Callable[[], None]:
    return lambda: lane.apply(effect)


turn_var: ContextVar[Turn | None] = ContextVar("goroom_turn", default=None)
"""The turn that the running code belongs to, ended or not; see `current`."""


def current() -> Turn | None:
    """Return the turn that the running code belongs to, if it is still open."""
    turn = turn_var.get()
    return turn if turn is not None and turn.state is OPEN else None


def perform(effect: Effect) -> None:
    """
    Do *effect* with the commit of the current turn, or now where there is none.

    Raises:
        TurnOver: The turn ran into its time limit.
    """
    turn = turn_var.get()
    if turn is not None:
        if turn.state is OPEN:
            turn.add(effect)
            return
        _check_time(turn)
    if effect.lane is None:
        apply_now(effect)
    else:
        effect.lane.apply(effect)


def _check_time(turn: Turn) -> None:
    if turn.state is EXPIRED:
        raise TurnOver(f"{turn.name} ran into its time limit: nothing it does counts now")


def check_waiting(lane: Lane) -> None:
    """
    Refuse to wait upwards or sideways: connection, user, room is the order.

    Raises:
        RuntimeError: The current turn may not wait for *lane*, busy or not; the text says what
            to do instead.
        TurnOver: The turn ran into its time limit. It still holds its own lane.
    """
    turn = turn_var.get()
    if turn is None:
        return
    _check_time(turn)
    if turn.state is OPEN and lane.level <= turn.lane.level:
        raise RuntimeError(
            f"{turn.name} runs in a turn of {_named(turn.lane)} and may not wait for "
            f"{_named(lane)}: use user.move_to(room), or do it in a task of your own"
        )


def _named(lane: Lane) -> str:
    return " ".join(f"{key} {value!r}" for key, value in lane.labels.items()) or lane.level.name
