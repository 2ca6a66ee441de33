"""Sequence: numbers without holes, and one frame for all who read the same form."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from goroom.lane import Lane, Level
from goroom.limits import Limits
from goroom.messages import EventType, Push, Request
from goroom.outbox import Flusher, Outbox
from goroom.sequence import (
    Announcement,
    Audience,
    Change,
    Sequence,
    audience_of,
    audience_with,
    audience_without,
    deliver,
)
from goroom.turns import loop_time
from goroom.wire import Dialect, ShortJsonDialect
from goroom.wire.frames import close_frame


class Sink:
    """A transport that takes all."""

    def __init__(self) -> None:
        self.written = b""

    def write(self, data: bytes) -> bool:
        self.written += data
        return False

    def buffered(self) -> int:
        return 0


class Counting(ShortJsonDialect):
    """Counts how often it encodes."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def encode(self, push: Push) -> bytes:
        self.count += 1
        return super().encode(push)


class Broken(Dialect):
    """Fails to write one event."""

    def decode(self, message: bytes) -> Request:
        raise NotImplementedError

    def encode(self, push: Push) -> bytes:
        raise ZeroDivisionError(push.action)


def link(dialect: Dialect, *, has_said_goodbye: bool = False, is_absent: bool = False) -> Any:
    sink: Any = Sink()
    outbox = Outbox(sink, Flusher(), Limits(), lambda: None)
    connection = SimpleNamespace(dialect=dialect, outbox=outbox, sink=sink)
    return SimpleNamespace(
        connection=connection, has_said_goodbye=has_said_goodbye, is_absent=is_absent
    )


async def flushed() -> None:
    """Let the loop read what has come, then write."""
    for _ in range(2):
        await asyncio.sleep(0)


def place(push: Push) -> tuple[int | None, int | None]:
    return push.seq, push.sub


def numbered(sequence: Sequence, *kinds: str) -> list[tuple[int | None, int | None]]:
    pushes = [Push(EventType.MESSAGE) for _ in kinds]
    for kind, push in zip(kinds, pushes, strict=True):
        if kind == "shared":
            sequence.number_shared(push)
        else:
            sequence.number_private(push, ())
    return [place(push) for push in pushes]


# -- numbers ----------------------------------------------------------------------------------


def test_events_for_everybody_are_numbered_from_1_without_holes() -> None:
    sequence = Sequence("epoch", Limits(), loop_time)

    assert [(1, None), (2, None), (3, None)] == numbered(sequence, *["shared"] * 3)
    assert (3, 0, "epoch") == (sequence.seq, sequence.sub, sequence.epoch)


def test_events_for_some_carry_the_number_before_them_and_count_on_their_own() -> None:
    places = numbered(
        Sequence("epoch", Limits(), loop_time),
        "private",
        "private",
        "shared",
        "private",
        "shared",
        "shared",
        "private",
    )

    assert [(0, 1), (0, 2), (1, None), (1, 1), (2, None), (3, None), (3, 1)] == places


def test_places_are_in_the_order_of_events() -> None:
    places = numbered(
        Sequence("epoch", Limits(), loop_time), *["private", "shared", "private", "private"] * 3
    )

    ordered = [(seq, sub or 0) for seq, sub in places]
    assert sorted(ordered) == ordered
    assert len(set(ordered)) == len(ordered)


# -- who receives -----------------------------------------------------------------------------


def test_an_audience_is_grouped_by_dialect_in_the_order_of_its_links() -> None:
    first, second = Counting(), Counting()
    links = [link(first), link(second), link(first)]

    audience = audience_of(links)

    outboxes = [one.connection.outbox for one in links]
    assert [(first, [outboxes[0], outboxes[2]]), (second, [outboxes[1]])] == audience


def test_who_has_said_goodbye_receives_nothing_more() -> None:
    dialect = Counting()
    there = link(dialect)

    assert [(dialect, [there.connection.outbox])] == audience_of(
        [link(dialect, has_said_goodbye=True), there]
    )
    assert [] == audience_of([link(dialect, has_said_goodbye=True)])


def test_who_is_absent_receives_nothing() -> None:
    assert [] == audience_of([link(Counting(), is_absent=True)])


def test_an_audience_with_more_or_without_some_is_another_one() -> None:
    first, second = Counting(), Counting()
    one, two, three = link(first), link(second), link(first)
    before = audience_of([one, two])
    copy = [(dialect, list(outboxes)) for dialect, outboxes in before]

    more = audience_with(before, [three, link(first, is_absent=True)])
    fewer = audience_without(more, [two, three])

    assert audience_of([one, two, three]) == more
    assert audience_of([one]) == fewer
    assert copy == before


async def test_an_event_is_encoded_once_for_each_dialect_and_its_bytes_are_shared() -> None:
    first, second = Counting(), Counting()
    links = [link(first) for _ in range(3)] + [link(second)]
    push = Push(EventType.MESSAGE, action="moved")

    deliver(push, audience_of(links))
    frames = [one.connection.outbox._frames for one in links]
    await flushed()

    assert (1, 1) == (first.count, second.count)
    assert frames[0][0] is frames[1][0] is frames[2][0]
    assert [first.frame(push)] * 4 == [one.connection.sink.written for one in links]


async def test_a_dialect_that_fails_loses_its_own_connections_only() -> None:
    broken, sound = Broken(), Counting()
    links = [link(broken), link(sound), link(broken)]
    audience = audience_of(links)

    with capture_logs() as logs:
        deliver(Push(EventType.MESSAGE, action="secret"), audience)
        deliver(Push(EventType.MESSAGE, action="next"), audience)
    await flushed()

    closed = close_frame(1011, "the server cannot write this event")
    assert [closed, closed] == [links[n].connection.sink.written for n in (0, 2)]
    assert 2 == sound.count
    assert b"next" in links[1].connection.sink.written
    assert [("dialect_failed", "Broken", EventType.MESSAGE)] * 2 == [
        (line["event"], line["dialect"], line["event_type"]) for line in logs
    ]


# -- effects ----------------------------------------------------------------------------------


def test_an_announcement_is_numbered_and_its_audience_fixed_at_the_seal() -> None:
    sequence, dialect = Sequence("epoch", Limits(), loop_time), Counting()
    links = [link(dialect)]
    push = Push(EventType.MESSAGE)
    lane = Lane(Level.ROOM, None, {}, Limits())
    asked: list[int] = []

    def audience() -> Audience:
        asked.append(1)
        return audience_of(links)

    announcement = Announcement(push, sequence.number_shared, audience, lane)
    before = (place(push), list(asked))
    release = announcement.seal()
    sealed = (place(push), list(asked), links[0].connection.outbox.waiting)
    links.append(link(dialect))

    assert ((None, None), []) == before
    assert ((1, None), [1], 0) == sealed
    assert lane is announcement.lane
    assert release is not None
    with pytest.raises(RuntimeError, match="no running event loop"):
        release()  # only now is it written: here there is no loop to write in
    assert [1, 0] == [one.connection.outbox.waiting for one in links]


def test_an_announcement_that_nobody_hears_takes_its_number_all_the_same() -> None:
    sequence = Sequence("epoch", Limits(), loop_time)

    assert Announcement(Push(EventType.MESSAGE), sequence.number_shared, list).seal() is None
    assert 1 == sequence.seq


async def test_an_announcement_may_have_no_number() -> None:
    dialect = Counting()
    one = link(dialect)

    announcement = Announcement(
        Push(EventType.MESSAGE, action="at"), None, lambda: audience_of([one])
    )
    release = announcement.seal()
    assert release is not None
    release()
    await flushed()

    assert None is announcement.lane
    assert {"eventType": 11, "action": "at"} == msgspec.json.decode(one.connection.sink.written[2:])


def test_a_change_does_what_its_function_does_when_it_is_sealed() -> None:
    said: list[str] = []
    lane = Lane(Level.ROOM, None, {}, Limits())

    def seal() -> Any:
        said.append("sealed")
        return lambda: said.append("released")

    change = Change(seal, lane)
    before = list(said)
    release = change.seal()

    assert ([], ["sealed"], lane) == (before, said, change.lane)
    assert release is not None
    release()
    assert ["sealed", "released"] == said
    assert Change(lambda: None).lane is None
    assert Change(lambda: None).seal() is None
