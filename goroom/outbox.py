"""Outbox: the frames on their way to one connection, bounded; and the Flusher that writes them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

import structlog

from goroom.wire.frames import close_frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from goroom.limits import Limits

log = structlog.get_logger()

SLOW_CONSUMER = 4010
"""Close code for a peer that does not read what it is sent; it may come back."""

PATIENCE_SECONDS = 0.1
"""How long a peer over the bound may take nothing at all before it counts as not reading."""
BURST_FACTOR = 4
"""How far over the bound a peer may be while it still takes something."""


class Transport(Protocol):
    """The byte side of one connection, as the outbox needs it."""

    def write(self, data: bytes) -> None:
        """Take complete frames; never waits, never raises."""

    def buffered(self) -> int:
        """Return how many bytes it holds that the system has not taken yet."""

    async def drained(self) -> None:
        """Wait until it holds nothing. Raises ConnectionError when the peer is gone."""

    def close(self) -> None:
        """Close once all it holds is written."""

    def abort(self) -> None:
        """Close now and drop what it holds."""


class Flusher:
    """Writes every outbox with something in it once per turn of the event loop."""

    __slots__ = ("_marked",)

    def __init__(self) -> None:
        self._marked: list[Outbox] = []

    def mark(self, outbox: Outbox) -> None:
        """Have *outbox* flushed when this turn of the event loop is over."""
        if not self._marked:
            asyncio.get_running_loop().call_soon(self.flush)
        self._marked.append(outbox)

    def flush(self) -> None:
        """Write all that is marked, the frames of each connection joined."""
        marked, self._marked = self._marked, []
        last: list[bytes] | None = None
        joined = b""
        for outbox in marked:
            outbox.unmark()
            frames = outbox.take()
            if not frames:
                continue
            # Members of one room mostly wait for the same frames: join them once for all.
            if frames != last:
                joined = b"".join(frames) if len(frames) > 1 else frames[0]
                last = frames
            outbox.write(joined)


class Outbox:
    """
    Frames for one connection, in order, each written at most once.

    `put` never waits. While the transport holds bytes that the peer has not taken, frames wait
    here; a peer that takes nothing while more than the limits wait is closed as a slow consumer.
    One that reads is never closed, whatever the burst.

    ``offered == written + dropped + len(waiting frames)`` holds at every moment.

    Args:
        transport: Where frames go.
        flusher: The server's.
        limits: Bounds on what may wait.
        on_slow: Called once when the peer does not read.
    """

    __slots__ = (
        "_drain",
        "_flusher",
        "_frames",
        "_is_marked",
        "_limits",
        "_looked",
        "_on_slow",
        "_transport",
        "dropped",
        "is_closed",
        "offered",
        "written",
    )

    def __init__(
        self,
        transport: Transport,
        flusher: Flusher,
        limits: Limits,
        on_slow: Callable[[], None],
    ) -> None:
        self._transport = transport
        self._flusher = flusher
        self._limits = limits
        self._on_slow = on_slow
        self._frames: list[bytes] = []
        self._is_marked = False
        self._drain: asyncio.Task[None] | None = None
        self._looked: tuple[float, int] | None = None
        self.is_closed = False
        """Whether the last frame has been offered: what comes later is dropped."""
        self.offered = 0
        self.written = 0
        self.dropped = 0

    @property
    def waiting(self) -> int:
        """How many frames wait here."""
        return len(self._frames)

    def put(self, frame: bytes) -> None:
        """Send *frame* after all before it; it is dropped once the outbox is closed."""
        self.offered += 1
        if self.is_closed:
            self.dropped += 1
            return
        self._frames.append(frame)
        if not self._is_marked:
            self._is_marked = True
            self._flusher.mark(self)

    def close(self, code: int, reason: str = "") -> None:
        """Send a close frame after all before it; nothing is written after it."""
        if not self.is_closed:
            self.put(close_frame(code, reason))
            self.is_closed = True

    def flush(self) -> None:
        """Write what waits now, not at the end of the loop's turn, if the transport takes it."""
        frames = self.take()
        if frames:
            self.write(b"".join(frames))

    def discard(self) -> None:
        """Drop what waits, and all that comes: the peer is gone."""
        self.is_closed = True
        self._drop_waiting()

    def _drop_waiting(self) -> None:
        self.dropped += len(self._frames)
        self._frames = []

    def unmark(self) -> None:
        """Note that the flusher has come by."""
        self._is_marked = False

    def take(self) -> list[bytes]:
        """Return what is to be written now: nothing while the transport is blocked."""
        if self._drain is not None:
            self._look()
            return []
        frames, self._frames = self._frames, []
        self.written += len(frames)
        return frames

    def write(self, joined: bytes) -> None:
        """Hand joined frames to the transport, and wait for it in a task if it is blocked."""
        self._transport.write(joined)
        if self._transport.buffered():
            self._drain = asyncio.get_running_loop().create_task(self._wait_for_drain())

    async def _wait_for_drain(self) -> None:
        try:
            await self._transport.drained()
        except ConnectionError:
            self.discard()
        finally:
            self._drain = None
            self._looked = None
        if self._frames and not self._is_marked:
            self._is_marked = True
            self._flusher.mark(self)

    def _look(self) -> None:
        """Judge a peer whose frames wait: is it reading?"""
        limits = self._limits
        count = len(self._frames)
        size = sum(map(len, self._frames))
        excess = max(count / limits.outbox_frames, size / limits.outbox_bytes)
        if self.is_closed or self._drain is None or excess <= 1:
            self._looked = None
            return
        loop = asyncio.get_running_loop()
        now, held = loop.time(), self._transport.buffered()
        if self._looked is None or held < self._looked[1]:
            self._looked = now, held
            loop.call_later(PATIENCE_SECONDS, self._look)
        elif now - self._looked[0] >= PATIENCE_SECONDS:
            self._give_up(count, size)
        if excess > BURST_FACTOR:
            self._give_up(count, size)

    def _give_up(self, count: int, size: int) -> None:
        if self.is_closed:
            return
        log.warning(
            "slow_consumer_closed",
            queued_frames=count,
            queued_bytes=size,
            limit_frames=self._limits.outbox_frames,
            limit_bytes=self._limits.outbox_bytes,
        )
        self._drop_waiting()
        # The transport's own bytes are complete frames, so a close frame may follow them.
        self._transport.write(close_frame(SLOW_CONSUMER, "slow_consumer"))
        self.is_closed = True
        self._on_slow()
