"""Outbox: the frames on their way to one connection, bounded; and the Flusher that writes them."""

from __future__ import annotations

import asyncio
from contextvars import Context
from typing import TYPE_CHECKING, Protocol

import structlog

from goroom.wire.frames import batched, close_frame

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping

    from goroom.limits import Limits

log = structlog.get_logger()

SLOW_CONSUMER = 4010
"""Close code for a peer that does not read what it is sent; it may come back."""

PATIENCE_SECONDS = 1.0
"""How long a peer over the bound may take nothing, as far as the transport can tell."""
LOOKS = 10
"""How often it is looked at in that time. A transport hears only of some 32 KiB taken at once."""
BURST_FACTOR = 4
"""How far over the bound a peer may then be though it takes something."""


class Transport(Protocol):
    """The byte side of one connection, as the outbox needs it."""

    def write(self, data: bytes) -> bool:
        """Take complete frames, and return whether it holds some; never waits, never raises."""

    def buffered(self) -> int:
        """Return how many bytes it holds that the system has not taken yet."""

    def is_lost(self) -> bool:
        """Return whether the peer is gone, as far as can be told without reading."""

    async def drained(self) -> None:
        """Wait until it holds nothing. Raises ConnectionError when the peer is gone."""

    def close(self) -> None:
        """Close once all it holds is written."""

    def abort(self) -> None:
        """Close now and drop what it holds."""


class _Lost:
    """The transport of a connection that has ended: it takes nothing and holds nothing."""

    def write(self, _data: bytes) -> bool:
        return False

    def buffered(self) -> int:
        return 0

    def is_lost(self) -> bool:
        return True

    async def drained(self) -> None:
        raise ConnectionResetError

    def close(self) -> None:
        """Do nothing."""

    def abort(self) -> None:
        """Do nothing."""


LOST: Transport = _Lost()
"""
In the place of a transport that is gone, so that a connection and its transport do not hold each
other: they are freed at once, not by the garbage collector in a pause for all.
"""


class Flusher:
    """
    Writes every outbox with something in it once per turn of the event loop, or more seldom.

    Where the loop has more to read by the end of a turn, that is handled first: what comes of it
    goes out by the same writes. On an idle server this costs some microseconds.

    Args:
        seconds: How long frames may wait for others; 0.0 for no longer than that.
    """

    __slots__ = ("_loop", "_marked", "seconds")

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self._loop: asyncio.AbstractEventLoop | None = None
        self._marked: list[Outbox] = []

    def mark(self, outbox: Outbox) -> None:
        """Have *outbox* flushed soon."""
        if not self._marked:
            if self._loop is None:
                self._loop = asyncio.get_running_loop()
            if self.seconds:
                self._loop.call_later(self.seconds, self.flush)
            else:
                # The first pass of the loop reads what has come by now, the second one writes.
                self._loop.call_soon(self._loop.call_soon, self.flush)
        self._marked.append(outbox)

    def flush(self) -> None:
        """Write all that is marked now, the frames of each connection joined."""
        marked, self._marked = self._marked, []
        last: tuple[list[bytes], bytes | None] | None = None
        joined = b""
        for outbox in marked:
            frames = outbox.take()
            if not frames:
                continue
            # Members of one room mostly wait for the same frames: join them once for all.
            if last is None or frames != last[0] or outbox.separator != last[1]:
                joined = outbox.joined(frames)
                last = frames, outbox.separator
            outbox.write(joined)


class Outbox:
    """
    Frames for one connection, in order, each written at most once.

    `put` never waits. While the transport holds bytes that the peer has not taken, frames wait
    here; a peer that takes nothing while more than the limits wait, or too little for far more, is
    closed as a slow consumer. One that reads is not closed for a burst: it has `PATIENCE_SECONDS`
    to take some of it. That it has, the system tells in large pieces only, so one over the bound on
    a link of less than some 100 KB a second may be closed though it reads. Volatile frames close
    nobody: they are dropped instead.

    ``offered == written + replaced + dropped + waiting`` holds at every moment.

    Args:
        transport: Where frames go.
        flusher: The server's.
        limits: Bounds on what may wait.
        on_slow: Called once when the peer does not read.
        labels: Returns what logs say of the connection.
        separator: Joins messages that are written together into one; None keeps them apart.
    """

    __slots__ = (
        "_drain",
        "_flusher",
        "_frames",
        "_held",
        "_is_marked",
        "_labels",
        "_limits",
        "_look_timer",
        "_looks",
        "_on_slow",
        "_transport",
        "_volatile_places",
        "dropped",
        "is_closed",
        "offered",
        "replaced",
        "separator",
        "written",
    )

    def __init__(
        self,
        transport: Transport,
        flusher: Flusher,
        limits: Limits,
        on_slow: Callable[[], None],
        labels: Callable[[], Mapping[str, str]] = dict,
        *,
        separator: bytes | None = None,
    ) -> None:
        self.separator = separator
        self._transport = transport
        self._flusher = flusher
        self._limits = limits
        self._on_slow = on_slow
        self._labels = labels
        self._frames: list[bytes] = []
        self._volatile_places: dict[Hashable, int] | None = None
        """Where in `_frames` the volatile ones are, by key; None for none."""
        self._is_marked = False
        self._drain: asyncio.Task[None] | None = None
        self._look_timer: asyncio.TimerHandle | None = None
        self._held = 0
        """What the transport held when it was looked at last."""
        self._looks = 0
        """How often it has held as much since."""
        self.is_closed = False
        """Whether the last frame has been offered: what comes later is dropped."""
        self.offered = 0
        self.written = 0
        self.replaced = 0
        """Volatile frames in whose place a newer one went."""
        self.dropped = 0

    def write_by(self, flusher: Flusher) -> None:
        """Have *flusher* write from now on, also what waits."""
        if flusher is not self._flusher:
            self._flusher = flusher
            if self._is_marked:
                flusher.mark(self)

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

    def put_volatile(self, frame: bytes, key: Hashable) -> None:
        """
        Send *frame*, in the place of one of the same *key* that still waits here.

        Dropped where the peer reads too slowly for it: it never closes anybody.
        """
        volatile = {} if self._volatile_places is None else self._volatile_places
        index = None if self.is_closed else volatile.get(key)
        if index is not None:
            self.offered += 1
            self.replaced += 1
            self._frames[index] = frame
        elif self._drain is not None and self._excess() >= 1:
            self.offered += 1
            self.dropped += 1
        else:
            self.put(frame)
            if not self.is_closed:
                volatile[key] = len(self._frames) - 1
                self._volatile_places = volatile

    def is_over_bound(self) -> bool:
        """
        Return whether more waits than the limits say, because the peer does not take it.

        What only waits for the flusher is written first, if it is as much as that.
        """
        if self._drain is None:
            if len(self._frames) <= self._limits.outbox_frames:
                return False
            self.flush()
        return self._drain is not None and self._excess() > 1

    async def relieved(self) -> None:
        """Wait until the peer has taken what the transport holds, or is given up."""
        if self._drain is not None:
            await asyncio.wait({self._drain})

    def close(self, code: int, reason: str = "") -> None:
        """Send a close frame after all before it; nothing is written after it."""
        if not self.is_closed:
            self.put(close_frame(code, reason))
            self.is_closed = True

    def flush(self) -> None:
        """Write what waits now, not at the end of the loop's turn, if the transport takes it."""
        frames = self.take()
        if frames:
            self.write(self.joined(frames))

    def discard(self) -> None:
        """Drop what waits, and all that comes: the peer is gone."""
        self.is_closed = True
        self._transport, self._on_slow, self._labels = LOST, _nothing, dict
        self._drop_waiting()

    def _drop_waiting(self) -> None:
        self.dropped += len(self._frames)
        self._frames = []
        self._volatile_places = None

    def _drop_volatile(self, volatile: set[int]) -> None:
        self._volatile_places = None
        self.dropped += len(volatile)
        self._frames = [frame for at, frame in enumerate(self._frames) if at not in volatile]

    def take(self) -> list[bytes]:
        """Return what is to be written now: nothing while the transport is blocked."""
        self._is_marked = False
        if self._drain is not None:
            if self._volatile_places is not None and self._excess() > 1:
                self._drop_volatile(set(self._volatile_places.values()))
            if self._look_timer is None and self._excess() > 1:
                self._held, self._looks = self._transport.buffered(), 0
                self._look_soon()
            return []
        frames, self._frames = self._frames, []
        self._volatile_places = None
        self.written += len(frames)
        return frames

    def joined(self, frames: list[bytes]) -> bytes:
        """Return *frames*, at least one, as they go to this peer together."""
        if len(frames) == 1:
            return frames[0]
        return b"".join(frames) if self.separator is None else batched(frames, self.separator)

    def write(self, joined: bytes) -> None:
        """Hand joined frames to the transport, and wait for it in a task if it is blocked."""
        if self._transport.write(joined):
            self._drain = asyncio.get_running_loop().create_task(self._wait_for_drain())

    async def _wait_for_drain(self) -> None:
        try:
            await self._transport.drained()
        except ConnectionError:
            self.discard()
        finally:
            self._drain = None
            if self._look_timer is not None:
                self._look_timer.cancel()
                self._look_timer = None
        if self._frames and not self._is_marked:
            self._is_marked = True
            self._flusher.mark(self)

    def _excess(self) -> float:
        """Return how much waits, the bound being 1."""
        limits = self._limits
        size = sum(map(len, self._frames))
        return max(len(self._frames) / limits.outbox_frames, size / limits.outbox_bytes)

    def _look_soon(self) -> None:
        # In a context of its own: no turn's, whose handler may have made this frame.
        self._look_timer = asyncio.get_running_loop().call_later(
            PATIENCE_SECONDS / LOOKS, self._look, context=Context()
        )

    def _look(self) -> None:
        """Judge a peer that was over the bound: has it read since?"""
        if self.is_closed:
            return
        held = self._transport.buffered()
        self._looks = 0 if held < self._held else self._looks + 1
        self._held = held
        if self._looks >= LOOKS or self._excess() > BURST_FACTOR:
            self._give_up()
        else:
            self._look_soon()

    def _give_up(self) -> None:
        log.warning(
            "slow_consumer_closed",
            queued_frames=len(self._frames),
            queued_bytes=sum(map(len, self._frames)),
            limit_frames=self._limits.outbox_frames,
            limit_bytes=self._limits.outbox_bytes,
            **self._labels(),
        )
        self._drop_waiting()
        # The transport's own bytes are complete frames, so a close frame may follow them.
        self._transport.write(close_frame(SLOW_CONSUMER, "slow_consumer"))
        self.is_closed = True
        self._on_slow()


def _nothing() -> None:
    """Stand for what is called no more."""


def put_all(outboxes: Iterable[Outbox], frame: bytes) -> None:
    """Send *frame* through each of *outboxes*, as `Outbox.put` does."""
    for outbox in outboxes:
        # What `put` does, without a call: this is done for each delivery there is.
        outbox.offered += 1
        if outbox.is_closed:
            outbox.dropped += 1
            continue
        outbox._frames.append(frame)  # noqa: SLF001 -- its own module
        if not outbox._is_marked:  # noqa: SLF001
            outbox._is_marked = True  # noqa: SLF001
            outbox._flusher.mark(outbox)  # noqa: SLF001
