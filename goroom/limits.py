"""Every bound of goroom, with its unit and reason. All can be set per server and per endpoint."""

from __future__ import annotations

import attrs


def _count(_: object, attribute: attrs.Attribute[int], value: object) -> None:
    if type(value) is not int or value < 1:
        raise ValueError(f"Limits.{attribute.name} must be a whole number above 0, not {value!r}")


def _seconds(_: object, attribute: attrs.Attribute[float], value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
        raise ValueError(f"Limits.{attribute.name} must be seconds above 0, not {value!r}")


def _seconds_or_none(_: object, attribute: attrs.Attribute[float], value: object) -> None:
    if value is not None:
        _seconds(_, attribute, value)


@attrs.frozen(kw_only=True)
class Limits:
    """
    The bounds of a server; `Application` and endpoint may have their own.

    Sizes are bytes, times are seconds. What a bound protects from stands beside it; what happens
    at the bound is the code named there.
    """

    message_bytes: int = attrs.field(default=64 * 1024, validator=_count)
    """Largest frame of a client; a longer one closes with 1009. Bounds memory per connection."""
    outbox_frames: int = attrs.field(default=256, validator=_count)
    """Frames that may wait for a peer that does not read; then 4010 ``slow_consumer``."""
    outbox_bytes: int = attrs.field(default=1024 * 1024, validator=_count)
    """Bytes that may wait for a peer that does not read; then 4010 ``slow_consumer``."""
    close_seconds: float = attrs.field(default=1.0, validator=_seconds)
    """How long a peer may take to answer a close before its socket is aborted."""
    name_characters: int = attrs.field(default=64, validator=_count)
    """Length of a user's, room's or action's name: fits a list, a log line and an index."""
    handler_seconds: float = attrs.field(default=5.0, validator=_seconds)
    """How long a handler may wait before its turn is dropped and answered 27."""
    stuck_seconds: float = attrs.field(default=60.0, validator=_seconds)
    """How long a dropped handler may hold its room before the room is closed."""
    held_loop_seconds: float = attrs.field(default=0.05, validator=_seconds)
    """A handler that keeps the event loop this long is logged by name: all others waited."""
    lane_waiting: int = attrs.field(default=1000, validator=_count)
    """Turns that may wait for one room or user; more are answered 29 ``busy``."""
    resume_seconds: float | None = attrs.field(default=30.0, validator=_seconds_or_none)
    """How long a user whose connection is lost stays ``away`` and may resume; None: not at all."""
    history_events: int = attrs.field(default=100, validator=_count)
    """
    Events that a room keeps for members who resume, and private ones for each of them.

    That somebody is away or back is counted apart: as many of these, and at least four for each
    member who may resume.
    """
    history_bytes: int = attrs.field(default=256 * 1024, validator=_count)
    """Bytes of those events; a member that missed more gets a ``reset`` instead."""
    history_seconds: float = attrs.field(default=300.0, validator=_seconds)
    """Age of those events."""
    kept_replies: int = attrs.field(default=64, validator=_count)
    """Newest replies kept for each resumable login, so that a request resent runs once."""
    kept_reply_bytes: int = attrs.field(default=32 * 1024, validator=_count)
    """Bytes of those replies, the newest apart; the oldest go first."""
    away_logins: int = attrs.field(default=10_000, validator=_count)
    """Logins of one application that may wait to be resumed; beyond it the longest away ends."""
    login_seconds: float | None = attrs.field(default=10.0, validator=_seconds_or_none)
    """How long a connection may be logged in nowhere; then 4001."""
    ping_seconds: float | None = attrs.field(default=20.0, validator=_seconds_or_none)
    """How often a connection is pinged. None switches the heartbeat off."""
    pong_seconds: float = attrs.field(default=20.0, validator=_seconds)
    """How long a ping may go unanswered before the socket is aborted."""
    bad_requests: int = attrs.field(default=10, validator=_count)
    """Frames answered 21 that one connection may send in a minute; then 4502."""
    rooms_per_application: int = attrs.field(default=10_000, validator=_count)
    """Rooms of one application; more are refused with 26 ``quota``."""
    unjoined_room_seconds: float = attrs.field(default=60.0, validator=_seconds)
    """How long a room that a client made may stay without a first member."""
    listed_members: int = attrs.field(default=200, validator=_count)
    """Names in the ``members`` of a JOIN_ROOM answer; ``count`` is the true number."""
    properties_bytes: int = attrs.field(default=4096, validator=_count)
    """Size of a room's properties as JSON; they go to everybody who lists the rooms."""
    password_characters: int = attrs.field(default=128, validator=_count)
    """Length of a room's password."""
    drain_seconds: float = attrs.field(default=5.0, validator=_seconds)
    """How long running turns may go on at shutdown before they are dropped."""
    threads: int = attrs.field(default=8, validator=_count)
    """Threads for handlers marked ``blocking=True``, for the whole server."""
    room_updates_per_second: int = attrs.field(default=4, validator=_count)
    """ROOM_UPDATEs of one room to those who watch the list of rooms."""
