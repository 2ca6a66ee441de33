"""Outbox: in order, joined, bounded; and whoever reads is never closed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from goroom.limits import Limits
from goroom.outbox import LOOKS, PATIENCE_SECONDS, SLOW_CONSUMER, Flusher, Outbox
from goroom.testing import Clock
from goroom.wire.frames import TEXT, close_frame, frame

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LIMITS = Limits(outbox_frames=4, outbox_bytes=1000)


class Socket:
    """A transport whose peer takes what the test lets it take."""

    def __init__(self, *, is_read: bool = True) -> None:
        self.is_read = is_read
        self._is_lost = False
        self.writes: list[bytes] = []
        self.held = 0
        self._change = asyncio.Event()

    def write(self, data: bytes) -> bool:
        self.writes.append(data)
        if not self.is_read:
            self.held += len(data)
        return self.held > 0

    def buffered(self) -> int:
        return self.held

    async def drained(self) -> None:
        while self.held:
            self._change.clear()
            await self._change.wait()
            if self._is_lost:
                raise ConnectionResetError

    def read(self, count: int | None = None) -> None:
        """Have the peer take *count* bytes, or all."""
        self.held = 0 if count is None else max(self.held - count, 0)
        self._change.set()

    def lose(self) -> None:
        self._is_lost = True
        self._change.set()

    def is_lost(self) -> bool:
        return self._is_lost

    def close(self) -> None:
        raise AssertionError("an outbox closes nothing itself")

    def abort(self) -> None:
        raise AssertionError("an outbox aborts nothing itself")

    @property
    def written(self) -> bytes:
        return b"".join(self.writes)


class Line:
    """An outbox on a socket."""

    def __init__(
        self,
        *,
        is_read: bool = True,
        limits: Limits = LIMITS,
        flusher: Flusher | None = None,
        labels: dict[str, str] | None = None,
    ) -> None:
        self.socket = Socket(is_read=is_read)
        self.slow = 0
        self.outbox = Outbox(
            self.socket, flusher or Flusher(), limits, self._note_slow, lambda: labels or {}
        )

    def _note_slow(self) -> None:
        self.slow += 1

    def put(self, *frames: bytes) -> None:
        for one in frames:
            self.outbox.put(one)

    def put_volatile(self, *frames: bytes, key: object = None) -> None:
        """Offer volatile frames, each in the place of the last of this key."""
        for one in frames:
            self.outbox.put_volatile(one, object() if key is None else key)

    def do(self, step: str, count: int) -> None:
        """Do one step of a random history."""
        self.socket.is_read = {"stall": False, "read": True}.get(step, self.socket.is_read)
        if step == "read":
            self.socket.read(count)
        elif step == "close":
            self.outbox.close(1000)
        elif step in {"discard", "flush"}:
            getattr(self.outbox, step)()

    def counters(self) -> tuple[int, int, int, int]:
        box = self.outbox
        assert box.offered == box.written + box.replaced + box.dropped + box.waiting
        return box.offered, box.written, box.dropped, box.waiting


async def turn_of_the_loop() -> None:
    """Let the loop read what has come, then write."""
    for _ in range(2):
        await asyncio.sleep(0)


@pytest.fixture
async def clock() -> AsyncIterator[Clock]:
    clock = Clock().install()
    yield clock
    clock.remove()


async def blocked(**options: int) -> Line:
    """Return a line whose peer has not taken its first ten bytes."""
    line = Line(is_read=False, limits=Limits(**{"outbox_frames": 4, **options}))
    line.put(b"0123456789")
    await turn_of_the_loop()
    assert 10 == line.socket.held
    return line


async def unblock(line: Line) -> None:
    """Let the drain task of *line* end."""
    line.socket.lose()
    await turn_of_the_loop()
    await turn_of_the_loop()


# -- writing ----------------------------------------------------------------------------------


async def test_nothing_is_written_before_the_turn_of_the_loop_is_over() -> None:
    line = Line()

    line.put(b"a")

    assert [] == line.socket.writes
    assert (1, 0, 0, 1) == line.counters()


async def test_the_frames_of_one_turn_of_the_loop_are_written_joined() -> None:
    line = Line()

    line.put(b"a", b"b", b"c")
    await turn_of_the_loop()

    assert [b"abc"] == line.socket.writes
    assert (3, 3, 0, 0) == line.counters()


async def test_each_turn_of_the_loop_writes_once() -> None:
    line = Line()

    for one in (b"a", b"b"):
        line.put(one)
        await turn_of_the_loop()

    assert [b"a", b"b"] == line.socket.writes


async def test_one_frame_is_written_without_a_copy() -> None:
    line = Line()
    shared = b"shared by all members"

    line.put(shared)
    await turn_of_the_loop()

    assert line.socket.writes[0] is shared


async def test_members_who_wait_for_the_same_frames_get_the_same_joined_bytes() -> None:
    flusher = Flusher()
    lines = [Line(flusher=flusher) for _ in range(3)]
    first, second = b"first", b"second"

    for line in lines:
        line.put(first, second)
    await turn_of_the_loop()

    joined = [line.socket.writes for line in lines]
    assert [[b"firstsecond"]] * 3 == joined
    assert joined[0][0] is joined[1][0] is joined[2][0]


async def test_each_outbox_gets_its_own_frames() -> None:
    flusher = Flusher()
    lines = [Line(flusher=flusher) for _ in range(4)]

    lines[0].put(b"a", b"b")
    lines[1].put(b"a")
    lines[2].put(b"a", b"c")
    await turn_of_the_loop()

    assert [[b"ab"], [b"a"], [b"ac"], []] == [line.socket.writes for line in lines]


async def test_all_outboxes_share_one_callback_of_the_loop() -> None:
    flusher = Flusher()
    loop = asyncio.get_running_loop()
    lines = [Line(flusher=flusher) for _ in range(3)]
    called: list[object] = []
    call_soon = loop.call_soon
    loop.call_soon = lambda *arguments, **options: (  # type: ignore[method-assign]
        called.append(arguments[0]) or call_soon(*arguments, **options)  # type: ignore[func-returns-value]
    )

    for line in lines:
        line.put(b"a", b"b")
    await turn_of_the_loop()
    loop.call_soon = call_soon  # type: ignore[method-assign]

    assert 1 == called.count(flusher.flush)
    assert [[b"ab"]] * 3 == [line.socket.writes for line in lines]


async def test_what_comes_of_the_next_read_goes_out_by_the_same_write() -> None:
    line = Line()
    line.put(b"a")
    await asyncio.sleep(0)  # the loop reads once more
    line.put(b"b")
    before = list(line.socket.writes)
    await asyncio.sleep(0)

    assert [] == before
    assert [b"ab"] == line.socket.writes


async def test_a_flusher_of_seconds_writes_when_these_are_over(clock: Clock) -> None:
    line = Line(flusher=Flusher(0.02))
    line.put(b"a")
    await clock.advance(0.019)
    line.put(b"b")
    before = list(line.socket.writes)
    await clock.advance(0.001)
    line.put(b"c")
    await clock.advance(0.02)

    assert [] == before
    assert [b"ab", b"c"] == line.socket.writes


async def test_who_is_given_another_flusher_does_not_wait_for_the_first(clock: Clock) -> None:
    line = Line(flusher=Flusher(10.0))
    line.put(b"a")
    line.outbox.write_by(Flusher(0.02))
    await clock.advance(0.02)
    written = list(line.socket.writes)
    line.put(b"b")
    await clock.advance(10.0)

    assert [b"a"] == written
    assert [b"a", b"b"] == line.socket.writes
    assert 2 == line.outbox.offered == line.outbox.written


async def test_what_waits_for_a_flusher_is_bounded_too(clock: Clock) -> None:
    line = Line(is_read=False, limits=Limits(outbox_frames=4), flusher=Flusher(1.0))
    line.put(*[b"x"] * 4)
    over = [line.outbox.is_over_bound()]
    line.put(b"y")
    over.append(line.outbox.is_over_bound())
    written = list(line.socket.writes)
    line.put(*[b"z"] * 5)
    over.append(line.outbox.is_over_bound())
    line.outbox.discard()

    assert [False, False, True] == over
    assert [b"xxxxy"] == written
    await clock.advance(1.0)
    assert [b"xxxxy"] == line.socket.writes


async def test_a_flush_at_once_leaves_nothing_for_the_end_of_the_turn() -> None:
    line = Line()

    line.put(b"a", b"b")
    line.outbox.flush()
    written = list(line.socket.writes)
    await turn_of_the_loop()

    assert [b"ab"] == written == line.socket.writes


async def test_a_flush_of_nothing_writes_nothing() -> None:
    line = Line()

    line.outbox.flush()

    assert [] == line.socket.writes


# -- a transport that is blocked --------------------------------------------------------------


async def test_frames_wait_while_the_transport_holds_bytes_and_follow_in_order() -> None:
    line = await blocked()

    line.put(b"a", b"b")
    await turn_of_the_loop()
    line.outbox.flush()
    line.put(b"c")
    await turn_of_the_loop()
    waited = list(line.socket.writes)
    line.socket.is_read = True
    line.socket.read()
    for _ in range(3):
        await turn_of_the_loop()

    assert [b"0123456789"] == waited
    assert [b"0123456789", b"abc"] == line.socket.writes
    assert (4, 4, 0, 0) == line.counters()


async def test_a_peer_that_reads_costs_no_task() -> None:
    before = asyncio.all_tasks()
    line = Line()

    line.put(b"a")
    await turn_of_the_loop()

    assert before == asyncio.all_tasks()


async def test_one_task_waits_for_a_blocked_transport() -> None:
    before = len(asyncio.all_tasks())
    line = await blocked()

    for _ in range(3):
        line.put(b"a")
        await turn_of_the_loop()

    assert before + 1 == len(asyncio.all_tasks())
    await unblock(line)
    assert before == len(asyncio.all_tasks())


async def test_a_transport_that_drains_with_nothing_waiting_is_left_alone() -> None:
    line = await blocked()

    line.socket.read()
    for _ in range(3):
        await turn_of_the_loop()

    assert [b"0123456789"] == line.socket.writes


async def test_a_frame_offered_as_the_transport_drains_is_written_once() -> None:
    line = await blocked()
    line.socket.is_read = True

    line.put(b"a")
    line.socket.read()
    await turn_of_the_loop()
    line.put(b"b")
    for _ in range(3):
        await turn_of_the_loop()

    assert b"0123456789ab" == line.socket.written
    assert (3, 3, 0, 0) == line.counters()


async def test_a_peer_that_is_lost_while_blocked_loses_what_waits() -> None:
    line = await blocked()
    line.put(b"a", b"b")
    await turn_of_the_loop()

    await unblock(line)
    line.put(b"c")

    assert [b"0123456789"] == line.socket.writes
    assert (4, 1, 3, 0) == line.counters()
    assert 0 == line.slow


# -- the bound --------------------------------------------------------------------------------


async def test_a_burst_of_one_turn_of_the_loop_is_no_slowness(clock: Clock) -> None:
    """The bound is checked on what the transport did not take, never before it was asked."""
    line = Line()

    line.put(*[b"frame"] * 100_000)
    await clock.advance(60)

    assert b"frame" * 100_000 == line.socket.written
    assert 0 == line.slow


async def test_a_peer_within_the_bound_may_be_as_slow_as_it_likes(clock: Clock) -> None:
    line = await blocked()

    line.put(*[b"a"] * 4)
    await clock.advance(3600)

    assert (0, False) == (line.slow, line.outbox.is_closed)
    assert (5, 1, 0, 4) == line.counters()
    await unblock(line)


@pytest.mark.parametrize("size", [1, 300])
async def test_a_peer_that_takes_nothing_of_too_much_is_closed(clock: Clock, size: int) -> None:
    """Over the bound of frames by one, or over the bound of bytes."""
    line = await blocked(outbox_bytes=1000)

    line.put(*[bytes(size)] * (5 if size == 1 else 4))
    await clock.advance(PATIENCE_SECONDS - 0.01)
    early = line.slow
    await clock.advance(0.01)

    assert (0, 1) == (early, line.slow)
    assert close_frame(SLOW_CONSUMER, "slow_consumer") == line.socket.writes[-1]
    assert 4010 == SLOW_CONSUMER
    await unblock(line)


async def test_a_slow_consumers_frames_are_dropped_and_nothing_follows_the_close(
    clock: Clock,
) -> None:
    line = await blocked()

    line.put(*[b"a"] * 5)
    await clock.advance(1)
    line.put(b"late")
    line.outbox.close(1001)
    line.socket.read()
    await clock.advance(60)

    assert [b"0123456789", close_frame(4010, "slow_consumer")] == line.socket.writes
    assert (7, 1, 6, 0) == line.counters()
    assert (1, True) == (line.slow, line.outbox.is_closed)


async def test_a_slow_consumer_is_logged_with_what_waited_and_who_it_is(clock: Clock) -> None:
    line = Line(is_read=False, labels={"connection": "c1"})
    line.put(b"first")
    await turn_of_the_loop()

    with capture_logs() as logs:
        line.put(*[b"12345678"] * 5)
        await clock.advance(1)

    assert [
        {
            "event": "slow_consumer_closed",
            "log_level": "warning",
            "queued_frames": 5,
            "queued_bytes": 40,
            "limit_frames": 4,
            "limit_bytes": 1000,
            "connection": "c1",
        }
    ] == logs
    await unblock(line)


async def test_a_peer_that_reads_a_little_each_time_is_kept_over_the_bound(clock: Clock) -> None:
    line = await blocked()
    line.put(*[b"a"] * 8)

    for _ in range(9):
        await clock.advance(PATIENCE_SECONDS * 0.9)
        line.socket.read(1)
    kept = line.slow
    await clock.advance(PATIENCE_SECONDS * 2)

    assert (0, 1) == (kept, line.slow)  # then it has stopped reading
    await unblock(line)


async def test_a_burst_closes_nobody_who_reads_however_much_it_is(clock: Clock) -> None:
    """Two turns of the loop, a burst in each: the second finds the transport still blocked."""
    line = await blocked()

    line.put(*[b"a"] * 1000)
    await turn_of_the_loop()
    line.put(*[b"a"] * 1000)
    await turn_of_the_loop()
    await clock.advance(PATIENCE_SECONDS / LOOKS / 2)
    line.socket.is_read = True
    line.socket.read()
    await clock.advance(60)

    assert 0 == line.slow
    assert b"0123456789" + b"a" * 2000 == line.socket.written


async def test_a_peer_that_trickles_while_far_too_much_waits_is_closed(clock: Clock) -> None:
    """Otherwise one byte a second would keep any amount of memory."""
    line = await blocked()
    line.put(*[b"a"] * 17)

    await clock.advance(PATIENCE_SECONDS / 2)
    line.socket.read(1)
    await clock.advance(PATIENCE_SECONDS)

    assert 1 == line.slow
    await unblock(line)


async def test_a_peer_that_catches_up_starts_anew(clock: Clock) -> None:
    """It drained, and is blocked again by more than before: that is reading, not stalling."""
    line = await blocked()
    line.put(*[b"a"] * 5)
    await clock.advance(PATIENCE_SECONDS * 0.9)

    line.socket.read()
    for _ in range(3):
        await turn_of_the_loop()
    line.put(bytes(500))
    await turn_of_the_loop()
    line.put(*[b"a"] * 5)
    await clock.advance(PATIENCE_SECONDS * 0.2)
    early = line.slow
    await clock.advance(PATIENCE_SECONDS)

    assert (0, 1) == (early, line.slow)
    await unblock(line)


async def test_a_peer_that_is_gone_is_not_judged(clock: Clock) -> None:
    line = await blocked()
    line.put(*[b"a"] * 5)
    await clock.advance(PATIENCE_SECONDS / 2)

    line.outbox.discard()
    await clock.advance(60)

    assert 0 == line.slow
    await unblock(line)


async def test_no_timer_is_left_of_a_peer_that_caught_up(clock: Clock) -> None:
    line = await blocked()
    line.put(*[b"a"] * 5)
    await turn_of_the_loop()
    line.socket.is_read = True

    line.socket.read()
    for _ in range(3):
        await turn_of_the_loop()

    timers = [
        handle
        for handle in asyncio.get_running_loop()._scheduled  # type: ignore[attr-defined]
        if not handle.cancelled()
    ]
    assert [] == timers


# -- the end ----------------------------------------------------------------------------------


async def test_a_close_goes_after_all_before_it_and_nothing_after_it() -> None:
    line = Line()

    line.put(b"a")
    line.outbox.close(1000, "bye")
    line.outbox.close(1001, "again")
    line.put(b"late")
    await turn_of_the_loop()

    assert [b"a" + close_frame(1000, "bye")] == line.socket.writes
    assert (3, 2, 1, 0) == line.counters()


async def test_a_close_waits_for_a_blocked_transport_like_any_frame() -> None:
    line = await blocked()

    line.put(b"a")
    line.outbox.close(1001)
    await turn_of_the_loop()
    line.socket.is_read = True
    line.socket.read()
    for _ in range(3):
        await turn_of_the_loop()

    assert [b"0123456789", b"a" + close_frame(1001)] == line.socket.writes


async def test_a_closing_peer_is_not_judged_again(clock: Clock) -> None:
    """Whoever closes aborts it in time: one end is enough."""
    line = await blocked()
    line.put(*[b"a"] * 5)
    line.outbox.close(1001)

    await clock.advance(60)

    assert 0 == line.slow
    await unblock(line)


async def test_what_waits_for_a_peer_that_is_gone_is_dropped() -> None:
    line = Line()
    line.put(b"a", b"b")

    line.outbox.discard()
    line.outbox.close(1000)
    line.put(b"c")
    await turn_of_the_loop()

    assert [] == line.socket.writes
    assert (3, 0, 3, 0) == line.counters()


# -- volatile frames --------------------------------------------------------------------------


async def test_a_volatile_frame_goes_its_way_like_any_other() -> None:
    line = Line()

    line.put(b"a")
    line.put_volatile(b"b")
    line.put(b"c")
    line.put_volatile(b"d")
    await turn_of_the_loop()

    assert [b"abcd"] == line.socket.writes
    assert (4, 4, 0, 0) == line.counters()
    assert 0 == line.outbox.replaced


async def test_the_newest_of_a_key_goes_in_the_place_of_the_one_that_waits() -> None:
    line = Line()

    line.put(b"a")
    line.put_volatile(b"1", b"2", b"3", key="ann")
    line.put(b"b")
    line.put_volatile(b"4", key="ann")
    line.put_volatile(b"5", key="bob")
    await turn_of_the_loop()

    assert [b"a4b5"] == line.socket.writes
    assert (7, 4, 0, 0) == line.counters()
    assert 3 == line.outbox.replaced


async def test_what_has_been_written_is_replaced_no_more() -> None:
    line = Line()

    line.put_volatile(b"1", key="ann")
    await turn_of_the_loop()
    line.put(b"a")
    line.put_volatile(b"2", key="ann")
    line.outbox.flush()
    line.put(b"b")
    line.put_volatile(b"3", key="ann")
    await turn_of_the_loop()

    assert b"1a2b3" == line.socket.written
    assert 0 == line.outbox.replaced


async def test_a_blocked_peer_gets_the_newest_of_each_key_when_it_reads_again() -> None:
    line = await blocked()

    for step in range(100):
        line.put_volatile(b"%02d" % step, key="ann")
        line.put_volatile(b"-%02d" % step, key="bob")
        await turn_of_the_loop()
    waited = line.counters()
    line.socket.is_read = True
    line.socket.read()
    for _ in range(3):
        await turn_of_the_loop()

    assert (201, 1, 0, 2) == waited
    assert [b"0123456789", b"99-99"] == line.socket.writes
    assert 198 == line.outbox.replaced


async def test_volatile_frames_close_nobody_however_many_a_peer_does_not_read(
    clock: Clock,
) -> None:
    line = await blocked(outbox_bytes=1000)

    for _ in range(50):
        line.put_volatile(*[b"a"] * 20)
        line.put_volatile(bytes(2000))
        await clock.advance(1)
        line.counters()

    assert (0, False) == (line.slow, line.outbox.is_closed)
    assert 4 == line.outbox.waiting
    assert (1051, 1, 1046, 4) == line.counters()
    await unblock(line)


async def test_at_the_bound_one_that_waits_is_still_brought_up_to_date() -> None:
    line = await blocked()

    line.put_volatile(b"old", key="ann")
    line.put(b"a", b"b", b"c")
    line.put_volatile(b"dropped", key="bob")
    line.put_volatile(b"new", key="ann")
    await turn_of_the_loop()
    line.socket.is_read = True
    line.socket.read()
    for _ in range(3):
        await turn_of_the_loop()

    assert b"0123456789newabc" == line.socket.written
    assert (1, 1) == (line.outbox.replaced, line.outbox.dropped)


async def test_volatile_frames_make_way_for_those_that_must_come(clock: Clock) -> None:
    line = await blocked()

    line.put_volatile(b"1", key="ann")
    line.put(b"a")
    line.put_volatile(b"2", b"3")
    line.put(b"b", b"c", b"d")
    await clock.advance(60)
    kept = line.counters()
    line.put_volatile(b"4", key="ann")  # there is none to replace any more
    line.socket.is_read = True
    line.socket.read()
    await clock.settle()

    assert (0, (8, 1, 3, 4)) == (line.slow, kept)
    assert b"0123456789abcd" == line.socket.written
    assert (9, 5, 4, 0) == line.counters()


async def test_a_peer_that_does_not_read_what_must_come_is_closed_all_the_same(
    clock: Clock,
) -> None:
    line = await blocked()

    line.put(*[b"a"] * 5)
    line.put_volatile(b"1")
    await clock.advance(1)

    assert (1, True) == (line.slow, line.outbox.is_closed)
    assert (7, 1, 6, 0) == line.counters()
    await unblock(line)


async def test_a_burst_of_volatile_frames_reaches_who_reads() -> None:
    """The bound is not for the frames of one loop turn."""
    line = Line()

    line.put_volatile(*[b"a"] * 1000)
    await turn_of_the_loop()

    assert b"a" * 1000 == line.socket.written


async def test_a_volatile_frame_follows_no_close() -> None:
    line = Line()

    line.put_volatile(b"1", key="ann")
    line.outbox.close(1000)
    line.put_volatile(b"2", key="ann")
    line.put_volatile(b"3")
    await turn_of_the_loop()

    assert [b"1" + close_frame(1000)] == line.socket.writes
    assert (4, 2, 2, 0) == line.counters()
    assert 0 == line.outbox.replaced


async def test_volatile_frames_for_a_peer_that_is_gone_are_dropped() -> None:
    line = await blocked()
    line.put_volatile(b"1", b"2", key="ann")
    await turn_of_the_loop()

    await unblock(line)
    line.put_volatile(b"3", key="ann")

    assert (4, 1, 2, 0) == line.counters()
    assert 1 == line.outbox.replaced


# -- the law ----------------------------------------------------------------------------------

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(1, 30)),
        st.tuples(st.just("volatile"), st.integers(0, 5)),
        st.tuples(st.just("read"), st.integers(1, 100)),
        st.sampled_from([("loop", 1), ("wait", 1), ("close", 1), ("stall", 1), ("flush", 1)]),
        st.sampled_from([("discard", 1), ("read", 10_000)]),
    ),
    max_size=30,
)


@given(STEPS)
def test_every_frame_is_written_once_in_order_or_counted_as_dropped(
    steps: list[tuple[str, int]],
) -> None:
    asyncio.run(play(steps))


async def play(steps: list[tuple[str, int]]) -> None:
    clock = Clock().install()
    line = Line()
    offered: list[bytes] = []
    volatile: list[bytes] = []
    for step, count in steps:
        if step == "put":
            new = [frame(TEXT, b"%d" % (len(offered) + each)) for each in range(count)]
            offered += new
            line.put(*new)
        elif step == "volatile":  # of key 0, each is another
            volatile.append(frame(TEXT, b"%d:%d" % (count, len(volatile))))
            line.put_volatile(volatile[-1], key=count or None)
        elif step == "wait":
            await clock.advance(0.25)
        elif step == "loop":
            await turn_of_the_loop()
        else:
            line.do(step, count)
        line.counters()
    line.socket.is_read = True
    line.socket.read()
    await clock.settle()
    line.counters()

    written = line.socket.written
    closes = [close_frame(1000), close_frame(SLOW_CONSUMER, "slow_consumer")]
    for close in closes:
        before, found, after = written.partition(close)
        if found:
            assert b"" == after
            written = before
    others = [one for one in frames_of(written) if b":" not in one]
    newest = [one for one in frames_of(written) if b":" in one]
    assert offered[: len(others)] == others
    assert len(set(newest)) == len(newest)
    for key in range(1, 6):
        mine = [one for one in volatile if one[2:].startswith(b"%d:" % key)]
        assert [one for one in mine if one in newest] == [one for one in newest if one in mine]
    assert 0 == line.outbox.waiting
    clock.remove()


def frames_of(written: bytes) -> list[bytes]:
    """Return the short frames that *written* is made of."""
    frames = []
    while written:
        end = 2 + written[1]
        frames.append(written[:end])
        written = written[end:]
    return frames


VOLATILE_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("volatile"), st.integers(0, 5)),
        st.tuples(st.just("read"), st.integers(1, 100)),
        st.sampled_from([("loop", 1), ("wait", 1), ("stall", 1), ("flush", 1)]),
    ),
    max_size=60,
)


@given(VOLATILE_STEPS)
def test_nobody_is_closed_for_volatile_frames(steps: list[tuple[str, int]]) -> None:
    asyncio.run(play_volatile(steps))


async def play_volatile(steps: list[tuple[str, int]]) -> None:
    clock = Clock().install()
    line = Line()
    for step, count in steps:
        if step == "volatile":
            line.put_volatile(b"x" * 400, key=count or None)
        elif step == "wait":
            await clock.advance(0.25)
        elif step == "loop":
            await turn_of_the_loop()
        else:
            line.do(step, count)
        line.counters()
    await clock.advance(60)

    assert (0, False) == (line.slow, line.outbox.is_closed)
    line.socket.is_read = True
    line.socket.read()
    await clock.settle()
    line.counters()
    assert 0 == line.outbox.waiting
    clock.remove()
