"""Sequence: the numbers of a room's or application's events, and their way to the outboxes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from goroom.messages import Push
    from goroom.outbox import Outbox
    from goroom.turn import Lane
    from goroom.user import Link
    from goroom.wire.dialect import Dialect

log = structlog.get_logger()

Audience = list[tuple["Dialect", list["Outbox"]]]
"""Who receives an event: outboxes by dialect, so that each dialect encodes once."""

DIALECT_FAILED = 1011
"""Close code for connections whose dialect cannot encode (RFC 6455 section 7.4.1)."""


class Sequence:
    """
    Numbers the events of one room or application.

    Args:
        epoch: Names this sequence; another one has another epoch.
    """

    __slots__ = ("epoch", "seq", "sub")

    def __init__(self, epoch: str) -> None:
        self.epoch = epoch
        self.seq = 0
        """Number of the newest event for everybody."""
        self.sub = 0
        """Number of the newest event for some since then."""

    def number_shared(self, push: Push) -> None:
        """Give *push* the next number of an event for everybody."""
        self.seq += 1
        self.sub = 0
        push.seq = self.seq

    def number_private(self, push: Push) -> None:
        """Give *push* the next number of an event for some."""
        self.sub += 1
        push.seq = self.seq
        push.sub = self.sub


def audience_of(links: Iterable[Link]) -> Audience:
    """Return the outboxes behind *links*, in their order, by dialect."""
    groups: dict[Dialect, list[Outbox]] = {}
    for link in links:
        if link.has_said_goodbye:
            continue
        connection = link.connection
        groups.setdefault(connection.dialect, []).append(connection.outbox)
    return list(groups.items())


def deliver(push: Push, audience: Audience) -> None:
    """Put *push* into every outbox of *audience*; a dialect that fails loses its connections."""
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
        for outbox in outboxes:
            outbox.put(frame)


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
