"""Requests: what one login asks of the server, and the answers."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import attrs

from goroom.client.events import SendLost, SendRefused
from goroom.client.frames import ErrorPart, Frame, numbered, written
from goroom.client.patience import patience
from goroom.errors import ERROR_REASONS, ERROR_TEXTS, ConnectionLost

if TYPE_CHECKING:
    from goroom.messages import EventType

T = TypeVar("T")

PROTOCOL_ERROR = 1002
"""Close code for a server that sends what it should not (RFC 6455 section 7.4.1)."""
MAX_QUEUED = 64
"""Messages and requests that may wait while the link is lost; asyncio.QueueFull beyond."""

MAX_UNANSWERED = 64
"""Commands on their way at once: the server remembers so many replies. What is more waits here."""
MAX_WAITING = 1000
"""Commands that may wait for answers to those before; asyncio.QueueFull beyond."""

_TOO_LARGE, _ALREADY_DONE = 24, 28


class Outlet(Protocol):
    """Where the frames of a login go."""

    def check(self) -> None:
        """
        Refuse what is new where too much waits already.

        Raises:
            asyncio.QueueFull: The link does not take what was sent.
        """

    def write(self, text: str) -> None:
        """Send a frame behind those that were sent before; it is lost where the link is."""


@attrs.define(eq=False)
class Command:
    """Something asked of the server, until it is answered."""

    event_type: EventType
    text: str
    """The frame without its id."""
    answer: Callable[[Frame], None]
    """Called with the answer before any later frame is looked at."""
    fail: Callable[[Exception], None]
    """Called where no answer comes any more."""
    sent_at: float = 0.0


class Pending(Generic[T]):
    """
    Somebody who waits for an answer.

    Args:
        take: Called with the answer before any later frame is looked at, also where nobody waits
            for it any more.
        undo: Called with what *take* returned where nobody waits for it any more.
    """

    def __init__(self, take: Callable[[Frame], T], undo: Callable[[T], None] | None) -> None:
        self.future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._take = take
        self._undo = undo

    def answer(self, frame: Frame) -> None:
        """
        Settle the request with its answer.

        Raises:
            ValueError: The answer cannot be read; who waits is told that the link is closed.
        """
        refused = frame.refusal()
        if refused is not None:
            self.fail(refused)
            return
        try:
            value = self._take(frame)
        except ValueError as error:
            self.fail(ConnectionLost(PROTOCOL_ERROR, f"an unreadable answer: {error}"))
            raise
        if not self.future.done():
            self.future.set_result(value)
        elif self._undo is not None:
            self._undo(value)

    def fail(self, error: Exception) -> None:
        """Settle the request with *error*."""
        if not self.future.done():
            self.future.set_exception(error)

    def abandon(self) -> None:
        """Nobody waits any more; if the answer was faster, it is undone here."""
        if self.future.cancelled() or self.future.exception() is not None:
            return
        if self._undo is not None:
            self._undo(self.future.result())


class Requests:
    """
    What one login asks of the server, in the order of calls, each thing once.

    Each has an id, and ids rise by one; what is unanswered when the link is lost is sent again
    under its id, and the server does not do it again. Whoever stops waiting leaves the link as
    usable as before: the answer is taken in when it comes, and undone where it should be.

    Args:
        outlet: Where frames go.
        app_name: The application's name.
        timeout_seconds: How long to wait for an answer unless a request says otherwise.
        report: Called with the name of a room, or ``""``, and what became of a message to it.
    """

    def __init__(
        self,
        outlet: Outlet,
        app_name: str,
        timeout_seconds: float,
        report: Callable[[str, SendRefused | SendLost], None],
    ) -> None:
        self._outlet = outlet
        self._app_name = app_name
        self._timeout_seconds = timeout_seconds
        self._report = report
        self._last_id = 0
        self._sent: dict[int, Command] = {}
        """What is unanswered, by id."""
        self._queue: deque[Command] = deque()
        """What waits for the link, or for answers to what is on its way."""
        self._greeting: tuple[int, Command] | None = None
        """A LOGIN or RECONNECT and its id."""
        self._is_open = False
        self._is_over = False
        self.latency = 0.0
        """Seconds that the newest answer took, 0 before the first."""

    # -- asking --------------------------------------------------------------------------------

    def command(
        self,
        event_type: EventType,
        *,
        room_name: str = "",
        action: str = "",
        data: object = None,
        answer: Callable[[Frame], None],
        fail: Callable[[Exception], None],
        is_forced: bool = False,
        is_first: bool = False,
    ) -> Command:
        """
        Send something, or have it wait for the link; see `Command` for *answer* and *fail*.

        What *is_forced* is taken however much waits; what *is_first* waits before all else for the
        next `flush`.

        Raises:
            ConnectionLost: This login is over.
            PayloadError: *data* cannot be sent as JSON.
            asyncio.QueueFull: Too much waits already.
        """
        text = self._text(event_type, room_name, action, data)
        command = Command(event_type, text, answer, fail)
        if not is_forced:
            self._check()
        if is_first:
            self._queue.appendleft(command)
        elif self._is_open and self._is_idle():
            self._issue(command)
        else:
            self._queue.append(command)
        return command

    def send(self, event_type: EventType, *, room_name: str, action: str, data: object) -> None:
        """Send a message; a refusal is reported. See `command`."""

        def answer(frame: Frame) -> None:
            refused = frame.refusal()
            if refused is not None and refused.code != _ALREADY_DONE:
                self._report(room_name, SendRefused(action, refused))

        def fail(_: Exception) -> None:
            self._report(room_name, SendLost(action))

        keys: dict[str, Any] = {"room_name": room_name, "action": action, "data": data}
        self.command(event_type, **keys, answer=answer, fail=fail)

    def send_volatile(
        self, event_type: EventType, *, room_name: str, action: str, data: object
    ) -> None:
        """
        Send a message if the link takes it now; nobody is told where it does not.

        Raises:
            ConnectionLost: This login is over.
            PayloadError: *data* cannot be sent as JSON.
        """
        text = self._text(event_type, room_name, action, data)
        if self._is_open:
            with contextlib.suppress(asyncio.QueueFull):
                self._outlet.check()
                self._outlet.write(text)

    async def ask(
        self,
        event_type: EventType,
        *,
        room_name: str = "",
        action: str = "",
        data: object = None,
        take: Callable[[Frame], T],
        undo: Callable[[T], None] | None = None,
        timeout_seconds: float | None = None,
    ) -> T:
        """Send something and return what *take* makes of its answer; see `Pending`, `command`."""
        pending = Pending(take, undo)
        keys: dict[str, Any] = {"room_name": room_name, "action": action, "data": data}
        command = self.command(event_type, **keys, answer=pending.answer, fail=pending.fail)
        seconds = self._timeout_seconds if timeout_seconds is None else timeout_seconds
        return await self._wait(pending, command, asyncio.timeout(seconds))

    async def greet(
        self,
        event_type: EventType,
        data: object,
        *,
        take: Callable[[Frame], T],
        undo: Callable[[T], None] | None = None,
        timeout_seconds: float | None = None,
    ) -> T:
        """
        Send a LOGIN or RECONNECT, ahead of all that waits, and return what *take* makes of it.

        It is not sent again: where the link is lost first, ConnectionLost is raised. Of its time
        only what the loop goes round in counts.
        """
        pending = Pending(take, undo)
        text = self._text(event_type, "", "", data)
        command = Command(event_type, text, pending.answer, pending.fail)
        self._last_id += 1
        self._greeting = self._last_id, command
        self._write(self._last_id, command)
        seconds = self._timeout_seconds if timeout_seconds is None else timeout_seconds
        return await self._wait(pending, command, patience(seconds))

    def retract(self, event_type: EventType, data: object = None) -> None:
        """Take back what nobody waits for any more, unless this login is over."""
        with contextlib.suppress(ConnectionLost):
            self.command(event_type, data=data, answer=_pass_over, fail=_pass_over, is_forced=True)

    async def _wait(
        self, pending: Pending[T], command: Command, limit: AbstractAsyncContextManager[object]
    ) -> T:
        try:
            async with limit:
                return await pending.future
        except (TimeoutError, asyncio.CancelledError):
            if command in self._queue:
                self._queue.remove(command)
            pending.abandon()
            raise

    def _check(self) -> None:
        if self._is_open:
            self._outlet.check()
            if len(self._queue) >= MAX_WAITING:
                raise asyncio.QueueFull(f"{MAX_WAITING} messages wait for answers before them")
        elif len(self._queue) >= MAX_QUEUED:
            raise asyncio.QueueFull(f"{MAX_QUEUED} messages wait for the link already: it is lost")

    def _is_idle(self) -> bool:
        return not self._queue and len(self._sent) < MAX_UNANSWERED

    def _text(self, event_type: EventType, room_name: str, action: str, data: object) -> str:
        if self._is_over:
            raise ConnectionLost(1000, "this login is over")
        return written(
            event_type, appName=self._app_name, roomName=room_name, action=action, data=data
        )

    def _issue(self, command: Command) -> None:
        self._last_id += 1
        self._sent[self._last_id] = command
        self._write(self._last_id, command)

    def _write(self, number: int, command: Command) -> None:
        command.sent_at = asyncio.get_running_loop().time()
        self._outlet.write(numbered(command.text, number))

    # -- the answers ---------------------------------------------------------------------------

    def answer(self, frame: Frame) -> bool:
        """Settle the request that *frame* answers; return False where it answers none."""
        if frame.id is None:
            return False
        if self._greeting is not None and self._greeting[0] == frame.id:
            command: Command | None = self._greeting[1]
            self._greeting = None
        else:
            command = self._sent.pop(frame.id, None)
        if command is not None:
            self.latency = asyncio.get_running_loop().time() - command.sent_at
            command.answer(frame)
            self.flush()
        return True

    def refuse(self, text: str) -> None:
        """Settle what was sent as the frame *text*, if that is unanswered: it is too large."""
        for number, command in self._sent.items():
            if numbered(command.text, number) == text:
                del self._sent[number]
                error = ErrorPart(_TOO_LARGE, ERROR_TEXTS[_TOO_LARGE], ERROR_REASONS[_TOO_LARGE])
                command.answer(Frame(command.event_type, id=number, error=error))
                return

    def is_asking(self, event_type: EventType) -> bool:
        """Tell whether something of this kind is unanswered."""
        commands = (*self._sent.values(), *self._queue)
        return any(command.event_type == event_type for command in commands)

    # -- the link and the login ----------------------------------------------------------------

    def suspend(self) -> None:
        """The link is lost: what is asked from now on waits."""
        self._is_open = False
        if self._greeting is not None:
            _, command = self._greeting
            self._greeting = None
            command.fail(ConnectionLost(1006, "the link was lost while logging in"))

    def resume(self) -> None:
        """The same login has a link again: send once more what is unanswered."""
        self._is_open = True
        for number, command in self._sent.items():
            self._write(number, command)

    def restart(self) -> None:
        """There is a new login: send to it what is asked from now on, and what waits by `flush`."""
        self._is_open = True

    def lose(self) -> None:
        """The login that things were asked of is lost: whether they were done is not known."""
        while self._sent:
            command = self._sent.pop(next(iter(self._sent)))
            command.fail(ConnectionLost(1006, "lost: whether it was done is not known"))

    def flush(self) -> None:
        """Send what has waited, as far as the link is there and the server remembers."""
        while self._is_open and self._queue and len(self._sent) < MAX_UNANSWERED:
            self._issue(self._queue.popleft())

    def hurry(self) -> None:
        """Send all that has waited, and care no more for what is lost with the link."""
        while self._queue:
            self._issue(self._queue.popleft())

    def end(self, lost: ConnectionLost) -> None:
        """Take no more and fail what is unanswered or waits."""
        self._is_over = True
        waiting = [*self._sent.values(), *self._queue]
        if self._greeting is not None:
            waiting.append(self._greeting[1])
        self._sent.clear()
        self._queue.clear()
        self._greeting = None
        for command in waiting:
            command.fail(ConnectionLost(lost.code, lost.reason))


def _pass_over(_: object) -> None:
    """Do nothing with an answer that nobody waits for."""
