"""What can happen in an application or room: the keys of handlers, and why a member left."""

from __future__ import annotations

from enum import Enum, StrEnum


class Event(Enum):
    """
    What the server does to an extension: the keys of its lifecycle handlers.

    Messages of clients are keyed by strings, so no client can name one of these.
    """

    # Not a StrEnum: a client's "join" would then equal Event.JOIN.
    CONNECT = "connect"
    LOGIN = "login"
    LOGOUT = "logout"
    JOIN = "join"
    LEAVE = "leave"
    MESSAGE = "message"
    DROP = "drop"
    RESUME = "resume"
    DISCONNECT = "disconnect"
    CLOSE = "close"


class LeaveReason(StrEnum):
    """Why a user is no longer in a room, or no longer in an application."""

    LEFT = "left"
    LOGGED_OUT = "logged_out"
    DISCONNECTED = "disconnected"
    KICKED = "kicked"
    MOVED = "moved"
    REPLACED = "replaced"
    ROOM_CLOSED = "room_closed"
    SHUTDOWN = "shutdown"
