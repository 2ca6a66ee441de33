"""EventStream: events that wait for the loop that reads them, bounded."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from typing import Generic, Literal, TypeVar

import attrs

from goroom.client.events import Missed
from goroom.errors import ConnectionLost

E = TypeVar("E")

Overflow = Literal["drop_oldest", "close"]
"""
What happens when a room, application or list has more unread events than ``max_events``.

``"drop_oldest"`` drops the oldest and puts one `Missed` in their place: right where only the newest
counts, or nobody reads. ``"close"`` closes the connection with 4010 ``events_overflowed``: right
where a hole would be worse, and somebody reads every stream.
"""


@attrs.frozen(kw_only=True)
class Heartbeat:
    """How a link that is dead is told from a quiet one."""

    idle_seconds: float = 15.0
    """After so long without a frame the server is asked for one."""
    reply_seconds: float = 10.0
    """So long it may take; then the link is lost. So long may connecting and resuming take, too."""


@attrs.frozen(kw_only=True)
class Backoff:
    """How long to wait before a new try to connect: a random part of a time that doubles."""

    min_seconds: float = 0.2
    """The time before the first try."""
    max_seconds: float = 10.0
    """What it grows to; a link that has been good for so long lets it begin anew."""

    def delay(self, tries: int) -> float:
        """Return how many seconds to wait after so many *tries* that failed."""
        longest = min(self.max_seconds, self.min_seconds * 2.0 ** min(tries, _DOUBLINGS))
        return random.uniform(0, longest)  # noqa: S311 -- it spreads clients, it hides nothing


_DOUBLINGS = 64
"""Beyond what any time needs to reach its longest."""


@attrs.frozen(kw_only=True)
class Settings:
    """What is chosen for one connection."""

    timeout_seconds: float = 10.0
    """How long a request waits for its answer."""
    max_events: int = 1000
    """Unread events of one stream."""
    overflow: Overflow = "drop_oldest"
    """What happens beyond them."""
    heartbeat: Heartbeat = Heartbeat()
    backoff: Backoff = Backoff()


class EventStream(Generic[E]):
    """
    Events in the order in which they came, read by one loop at a time.

    A loop that was left may be followed by another one, which goes on behind it. It ends when the
    stream is over, after all that came before; a lost link that comes back does not end it.

    Raises (from the loop):
        ConnectionLost: This login is over, and it was not ended here; with the reason.
        RuntimeError: Two tasks wait for the next event.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._events: deque[E] = deque()
        self._missed = 0
        self._waiter: asyncio.Future[None] | None = None
        self._is_over = False
        self._lost: ConnectionLost | None = None

    def put(self, event: E) -> None:
        """
        Append *event*; nothing happens once the stream is over.

        Raises:
            ConnectionLost: It is full, and its policy is ``"close"``.
        """
        if self._is_over:
            return
        if len(self._events) >= self._settings.max_events:
            if self._settings.overflow == "close":
                raise ConnectionLost(4010, "events_overflowed")
            self._events.popleft()
            self._missed += 1
        self._events.append(event)
        self._wake()

    def end(self, lost: ConnectionLost | None = None) -> None:
        """Let the loop end behind the events that it has not read, with *lost* if that is given."""
        if not self._is_over:
            self._is_over = True
            self._lost = lost
            self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def __aiter__(self) -> EventStream[E]:
        return self

    async def __anext__(self) -> E | Missed:
        if self._waiter is not None:
            raise RuntimeError("two tasks wait for the next event here: let one of them read it")
        while not self._events:
            if self._is_over:
                if self._lost is None:
                    raise StopAsyncIteration
                raise ConnectionLost(self._lost.code, self._lost.reason)
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        if self._missed:
            missed, self._missed = self._missed, 0
            return Missed(missed)
        return self._events.popleft()
