"""History: the newest events of one sequence, kept for members who come back."""

from __future__ import annotations

import heapq
from collections import deque
from typing import TYPE_CHECKING, Any

from goroom.messages import EventType

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from goroom.limits import Limits
    from goroom.messages import Push

Record = tuple[Any, ...]
"""
``seq, sub, kept at, event type, action, sender, body``: neutral, for a resume may ask for another
form. A tuple, for those of strings and numbers cost the garbage collector nothing; and not of seven
types, for mypyc would take it apart and make each ring one of its own.
"""

_PRESENCE = frozenset({EventType.MEMBER_AWAY, EventType.MEMBER_BACK})

PRESENCES_PER_FOLLOWER = 4
"""Times that each follower may go or come back before that counts as what was said does."""

Place = tuple[int, int]
"""``(seq, sub)``: of the newest event that somebody has."""

RECORD_BYTES = 200
"""What an event costs beside its body, roughly: its tuple and its numbers."""


class Ring:
    """
    Events in their order, the oldest dropped where there are too many, too large or too old.

    That somebody is away or back is counted apart: where all members of a large room are lost at
    once, this would push out what was said.

    Args:
        limits: ``history_events``, ``history_bytes``, ``history_seconds``.
        place: Where it begins.
    """

    __slots__ = ("_limits", "_presences", "_records", "_size", "reaches_back_to")

    def __init__(self, limits: Limits, place: Place) -> None:
        self._limits = limits
        self._records: deque[Record] | None = None  # many hear nothing of their own: 0.7 KiB
        self._size = 0
        self._presences = 0
        self.reaches_back_to = place
        """Everything after this place is here."""

    def keep(self, record: Record, presences: int = 0) -> None:
        """Append *record*, newer than all before it; so many *presences* are not counted."""
        records = self._records
        if records is None:
            records = self._records = deque()
        records.append(record)
        if record[3] in _PRESENCE:
            self._presences += 1
        else:
            self._size += len(record[6]) + RECORD_BYTES
        limits = self._limits
        while (
            len(records) - (self._presences and min(self._presences, presences))
            > limits.history_events
            or self._size > limits.history_bytes
        ):
            self._drop_oldest(records)
        self.drop_older_than(record[2] - limits.history_seconds)

    def drop_older_than(self, moment: float) -> None:
        """Drop what was kept before *moment*, a `loop.time()`."""
        records = self._records
        while records and records[0][2] < moment:
            self._drop_oldest(records)

    def _drop_oldest(self, records: deque[Record]) -> None:
        record = records.popleft()
        self.reaches_back_to = record[0], record[1]
        if record[3] in _PRESENCE:
            self._presences -= 1
        else:
            self._size -= len(record[6]) + RECORD_BYTES

    def after(self, place: Place) -> Iterator[Record]:
        """Return the events after *place*, oldest first."""
        return (record for record in self._records or () if record[:2] > place)


class History:
    """
    The newest events of one sequence: those for everybody, and apart those for each follower.

    Args:
        limits: Bounds of the shared events, and again of each follower's own: a private view each
            tick does not push out what is shared.
        place: The sequence's place when it begins.
    """

    __slots__ = ("_began", "_limits", "_own", "_shared")

    def __init__(self, limits: Limits, place: Place) -> None:
        self._limits = limits
        self._shared = Ring(limits, place)
        self._own: dict[object, Ring] = {}
        self._began: dict[object, Place] = {}

    def __bool__(self) -> bool:
        """Tell whether anybody follows."""
        return bool(self._own)

    def follow(self, who: object, place: Place) -> None:
        """Keep the private events of *who*, from *place* on."""
        if who not in self._own:
            self._own[who] = Ring(self._limits, place)
            self._began[who] = place

    def unfollow(self, who: object) -> None:
        """Keep them no more."""
        self._own.pop(who, None)
        self._began.pop(who, None)

    def began(self, who: object) -> Place | None:
        """Return the place from which on *who* follows, or None."""
        return self._began.get(who)

    def keep_shared(self, push: Push, now: float) -> None:
        """Keep an event for everybody."""
        followers = PRESENCES_PER_FOLLOWER * len(self._own)
        presences = max(followers, self._limits.history_events)
        self._shared.keep(_recorded(push, now), presences)

    def keep_private(self, push: Push, receivers: Iterable[object], now: float) -> None:
        """Keep an event for *receivers*; those who do not follow are passed over."""
        record: Record | None = None
        for who in receivers:
            ring = self._own.get(who)
            if ring is not None:
                record = record or _recorded(push, now)
                ring.keep(record)

    def missed(self, who: object, place: Place, now: float) -> list[Record] | None:
        """
        Return what *who* has missed since *place*, in order; None where that is not all here.

        Who does not follow, as a spectator, misses shared events only.
        """
        rings = [self._shared]
        if who in self._own:
            rings.append(self._own[who])
        for ring in rings:
            ring.drop_older_than(now - self._limits.history_seconds)
            if place < ring.reaches_back_to:
                return None
        return list(heapq.merge(*(ring.after(place) for ring in rings)))


def _recorded(push: Push, now: float) -> Record:
    return (
        push.seq or 0,
        push.sub or 0,
        now,
        int(push.event_type),
        push.action,
        push.sender,
        push.body,
    )
