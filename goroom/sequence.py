"""Sequence: the numbers of a room's or application's events, and their way to the outboxes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from goroom.history import History, Place
from goroom.outbox import put_all

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from goroom.history import Record
    from goroom.lane import Lane
    from goroom.limits import Limits
    from goroom.messages import Push
    from goroom.outbox import Outbox
    from goroom.user import Link, User
    from goroom.wire.dialect import Dialect

log = structlog.get_logger()

Audience = list[tuple["Dialect", list["Outbox"]]]
"""Who receives an event: outboxes by dialect, so that each dialect encodes once."""

DIALECT_FAILED = 1011
"""Close code for connections whose dialect cannot encode (RFC 6455 section 7.4.1)."""


class Sequence:
    """
    Numbers the events of one room or application, and keeps them for those who may come back.

    Args:
        epoch: Names this sequence; another one has another epoch.
        limits: Bounds of what is kept.
        now: Returns `loop.time()`.
    """

    __slots__ = ("_history", "_limits", "_now", "epoch", "seq", "sub")

    def __init__(self, epoch: str, limits: Limits, now: Callable[[], float]) -> None:
        self.epoch = epoch
        self._now = now
        self.seq = 0
        """Number of the newest event for everybody."""
        self.sub = 0
        """Number of the newest event for some since then."""
        self._limits = limits
        self._history: History | None = None

    @property
    def place(self) -> Place:
        """``(seq, sub)`` of the newest event."""
        return self.seq, self.sub

    def number_shared(self, push: Push) -> None:
        """Give *push*, complete but for it, the next number of an event for everybody."""
        self.seq += 1
        self.sub = 0
        push.seq = self.seq
        if self._history is not None:
            self._history.keep_shared(push, self._now())

    def number_private(self, push: Push, receivers: Iterable[object]) -> None:
        """Give *push*, complete but for it, the next number of an event for *receivers*."""
        self.sub += 1
        push.seq = self.seq
        push.sub = self.sub
        if self._history is not None:
            self._history.keep_private(push, receivers, self._now())

    def follow(self, who: object) -> None:
        """Keep what happens from now on, for *who* may come back and ask for it."""
        if self._history is None:
            self._history = History(self._limits, (self.seq, 0))
        self._history.follow(who, (self.seq, 0))

    def unfollow(self, who: object) -> None:
        """Keep it no more for *who*; nothing is kept for nobody."""
        if self._history is not None:
            self._history.unfollow(who)
            if not self._history:
                self._history = None

    def followed_since(self, who: object) -> Place | None:
        """Return the place from which on events are kept for *who*, or None."""
        return None if self._history is None else self._history.began(who)

    def missed(self, who: object, place: Place) -> list[Record] | None:
        """Return what *who* has missed since *place*, in order; None where that is not known."""
        if place > self.place:
            return None  # nobody was ever there
        if self._history is None:
            return [] if place == self.place else None
        return self._history.missed(who, place, self._now())


def audience_of(links: Iterable[Link]) -> Audience:
    """Return the outboxes behind *links*, in their order, by dialect."""
    groups: dict[Dialect, list[Outbox]] = {}
    for link in links:
        if link.has_said_goodbye or link.is_absent:
            continue
        connection = link.connection
        groups.setdefault(connection.dialect, []).append(connection.outbox)
    return list(groups.items())


def audience_with(audience: Audience, links: Iterable[Link]) -> Audience:
    """Return *audience*, and those behind *links* too; it stays as it is, for events under way."""
    groups = dict(audience)
    for dialect, outboxes in audience_of(links):
        groups[dialect] = [*groups.get(dialect, ()), *outboxes]
    return list(groups.items())


def audience_without(audience: Audience, links: Iterable[Link]) -> Audience:
    """Return *audience* without those behind *links*; it stays as it is, for events under way."""
    gone = {link.connection.outbox for link in links}
    left = [
        (dialect, [outbox for outbox in outboxes if outbox not in gone])
        for dialect, outboxes in audience
    ]
    return [(dialect, outboxes) for dialect, outboxes in left if outboxes]


def deliver(push: Push, audience: Audience) -> None:
    """
    Put *push* into every outbox of *audience*; a dialect that fails loses its connections.

    Who speaks a dialect that has no word for it gets nothing.

    A volatile one replaces the one of its key that still waits there.
    """
    key = push.volatile_key
    for dialect, outboxes in audience:
        try:
            frame = dialect.frame(push)
        except Exception:  # border: a dialect is somebody else's code
            log.exception(
                "dialect_failed", dialect=type(dialect).__name__, event_type=push.event_type
            )
            for outbox in outboxes:
                outbox.close(DIALECT_FAILED, "the server cannot write this event")
            continue
        if frame is None:
            continue
        if key is not None:
            for outbox in outboxes:
                outbox.put_volatile(frame, key)
            continue
        put_all(outboxes, frame)


def volatile_key(push: Push, key: Hashable) -> Hashable:
    """Return what *push* shares with those that it may replace; nothing, where *key* is None."""
    return object() if key is None else (push.app_name, push.room_name, push.action, key)


class Announcement:
    """
    An effect that numbers one event and delivers it.

    Args:
        push: The event; its number is given at the seal.
        number: Gives it its number, or None for an event without one.
        audience: Returns who receives it, as things stand at the seal.
        lane: The room's lane; None for an application's events.
    """

    __slots__ = ("_audience", "_number", "_push", "lane")

    def __init__(
        self,
        push: Push,
        number: Callable[[Push], None] | None,
        audience: Callable[[], Audience],
        lane: Lane | None = None,
    ) -> None:
        self._push = push
        self._number = number
        self._audience = audience
        self.lane = lane

    def seal(self) -> Callable[[], None] | None:
        if self._number is not None:
            self._number(self._push)
        audience = self._audience()
        if not audience:
            return None
        return lambda: deliver(self._push, audience)


class PrivateAnnouncement:
    """
    An effect that numbers an event for some users and delivers it.

    Args:
        push: The event; its number is given at the seal.
        sequence: Numbers it, or None for an event without a number.
        receivers: Returns who receives it, as things stand at the seal.
        lane: The room's lane; None for an application's events.
    """

    __slots__ = ("_push", "_receivers", "_sequence", "lane")

    def __init__(
        self,
        push: Push,
        sequence: Sequence | None,
        receivers: Callable[[], list[User]],
        lane: Lane | None = None,
    ) -> None:
        self._push = push
        self._sequence = sequence
        self._receivers = receivers
        self.lane = lane

    def seal(self) -> Callable[[], None] | None:
        receivers = self._receivers()
        if self._sequence is not None:
            self._sequence.number_private(self._push, receivers)
        audience = audience_of(link for user in receivers for link in user.links)
        if not audience:
            return None
        return lambda: deliver(self._push, audience)


class Change:
    """An effect made of a function: it changes the world and returns what releases it."""

    __slots__ = ("_seal", "lane")

    def __init__(
        self, seal: Callable[[], Callable[[], None] | None], lane: Lane | None = None
    ) -> None:
        self._seal = seal
        self.lane = lane

    def seal(self) -> Callable[[], None] | None:
        return self._seal()
