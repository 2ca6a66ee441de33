"""Requests: what one login asks of the server, and the answers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from goroom.errors import ConnectionLost

if TYPE_CHECKING:
    from goroom.client.frames import Frame
    from goroom.messages import EventType

T = TypeVar("T")

PROTOCOL_ERROR = 1002
"""Close code for a server that sends what it should not (RFC 6455 section 7.4.1)."""


class Write(Protocol):
    """Sends frames of a connection."""

    def __call__(self, event_type: EventType, **keys: object) -> None:
        """Send one; *keys* are those of the wire, left out where they are None or ``""``."""


class Pending(Generic[T]):
    """
    A request on its way.

    Args:
        take: Called with the answer before any later frame is looked at, also where nobody waits
            for it any more.
        undo: Called with what *take* returned where nobody waits for it any more.
    """

    def __init__(self, take: Callable[[Frame], T], undo: Callable[[T], None] | None) -> None:
        loop = asyncio.get_running_loop()
        self.future: asyncio.Future[T] = loop.create_future()
        self.sent_at = loop.time()
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
    What one login asks of the server.

    Ids rise by one. Whoever stops waiting leaves the link as usable as before: the answer is taken
    in when it comes, and undone where it should be.

    Args:
        write: What sends a frame.
        app_name: The application's name.
        timeout_seconds: How long to wait for an answer unless a request says otherwise.
    """

    def __init__(self, write: Write, app_name: str, timeout_seconds: float) -> None:
        self._write = write
        self._app_name = app_name
        self._timeout_seconds = timeout_seconds
        self._last_id = 0
        self._pending: dict[int, Pending[Any]] = {}
        self._is_over = False
        self.latency = 0.0
        """Seconds that the newest answer took, 0 before the first."""

    def send(
        self,
        event_type: EventType,
        *,
        room_name: str = "",
        action: str = "",
        data: object = None,
        id: int | None = None,  # noqa: A002 -- the wire's word
    ) -> None:
        """
        Send one frame of this login.

        Raises:
            ConnectionLost: This login is over.
        """
        if self._is_over:
            raise ConnectionLost(1000, "this login is over")
        self._write(
            event_type,
            appName=self._app_name,
            roomName=room_name,
            action=action,
            data=data,
            id=id,
        )

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
        """Send one frame and return what *take* makes of its answer; see `Pending`."""
        number = self._last_id + 1
        self.send(event_type, room_name=room_name, action=action, data=data, id=number)
        self._last_id = number
        pending = Pending(take, undo)
        self._pending[number] = pending
        seconds = self._timeout_seconds if timeout_seconds is None else timeout_seconds
        try:
            async with asyncio.timeout(seconds):
                return await pending.future
        except (TimeoutError, asyncio.CancelledError):
            pending.abandon()
            raise

    def retract(self, event_type: EventType, data: object = None) -> None:
        """Take back what nobody waits for any more, if the link still takes it."""
        with contextlib.suppress(ConnectionLost, asyncio.QueueFull):
            self.send(event_type, data=data)

    def answer(self, frame: Frame) -> bool:
        """Settle the request that *frame* answers; return False where it answers none."""
        if frame.id is None:
            return False
        pending = self._pending.pop(frame.id, None)
        if pending is not None:
            self.latency = asyncio.get_running_loop().time() - pending.sent_at
            pending.answer(frame)
        return True

    def end(self, lost: ConnectionLost) -> None:
        """Take no more requests and fail those on their way."""
        self._is_over = True
        for pending in self._pending.values():
            pending.fail(ConnectionLost(lost.code, lost.reason))
        self._pending.clear()
