"""Pulse: is the peer still there, and has it logged in in time?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from goroom.wire.frames import PING, frame

if TYPE_CHECKING:
    from random import Random

    from goroom.connection import Connection
    from goroom.limits import Limits

log = structlog.get_logger()

NOT_LOGGED_IN_IN_TIME = 4001
"""Close code for a connection that is logged in nowhere; it may come back."""

PING_BYTES = 4
"""Randomness of a ping's payload: a pong that was not asked for proves nothing."""


class Pulse:
    """
    Looks after one connection: its heartbeat, and its time to log in.

    Both clocks stand still while a message of the connection is handled, for nothing is read then.

    Args:
        limits: How often to ping, how long to wait.
        random: For the payload of pings.
        now: `loop.time()` at its start.
    """

    __slots__ = (
        "_idle_since",
        "_limits",
        "_ping_due",
        "_ping_payload",
        "_ping_sent",
        "_random",
    )

    def __init__(self, limits: Limits, random: Random, now: float) -> None:
        self._limits = limits
        self._random = random
        self._idle_since: float | None = now
        self._ping_due = now + (limits.ping_seconds or 0)
        self._ping_sent: float | None = None
        self._ping_payload = b""

    def look(self, connection: Connection, now: float) -> None:
        """Look after *connection*, whose pulse this is; called every second or so."""
        limits = self._limits
        if connection.is_closed:
            return
        if connection.is_logged_in:
            self._idle_since = None
        elif self._idle_since is None or connection.is_handling:
            self._idle_since = now
        elif limits.login_seconds is not None and now - self._idle_since >= limits.login_seconds:
            connection.close(NOT_LOGGED_IN_IN_TIME, "not logged in in time")
            return
        if limits.ping_seconds is not None:
            self._look_at_pings(connection, now)

    def _look_at_pings(self, connection: Connection, now: float) -> None:
        if self._ping_sent is None:
            if now >= self._ping_due:
                self._ping_sent = now
                self._ping_payload = self._random.randbytes(PING_BYTES)
                connection.outbox.put(frame(PING, self._ping_payload))
        elif connection.is_handling:
            self._ping_sent = now
        elif now - self._ping_sent >= self._limits.pong_seconds:
            log.warning("pong_missing", connection=connection.id, remote=connection.peer.remote)
            connection.abort()

    def ponged(self, payload: bytes, now: float) -> None:
        """Take a pong; only one that answers our ping counts."""
        if self._ping_sent is not None and payload == self._ping_payload:
            self._ping_sent = None
            self._ping_due = now + (self._limits.ping_seconds or 0)
