"""goroom: a room server for real-time games and chat, many applications on one port."""

from __future__ import annotations

from goroom.application import Application
from goroom.connection import Connection
from goroom.conns import Conn
from goroom.errors import (
    AlreadyJoined,
    AlreadyLoggedIn,
    BadRequest,
    ConnectionLost,
    Disconnect,
    GoroomError,
    HandlerFailed,
    NotAllowed,
    NotInRoom,
    NotLoggedIn,
    PayloadError,
    Refused,
    RequestRefused,
    RoomExists,
    RoomFull,
    RoomNotFound,
    TurnOver,
    UnknownAction,
)
from goroom.events import Event, LeaveReason
from goroom.extension import ApplicationExtension, RoomExtension
from goroom.handlers import handles
from goroom.limits import Limits
from goroom.logs import configure as configure_logs
from goroom.messages import EventType, Push, Request
from goroom.names import key as name_key
from goroom.names import user_name
from goroom.options import AutoRemove, RoomOptions
from goroom.peer import Peer
from goroom.room import Room
from goroom.rooms import RoomService
from goroom.timers import Timer
from goroom.turn import Turn
from goroom.user import User
from goroom.users import UserService
from goroom.web import Server, get_server, init_func, setup
from goroom.wire import Dialect, UnreadableRequest

__version__ = "0.1.0"

__all__ = [
    "AlreadyJoined",
    "AlreadyLoggedIn",
    "Application",
    "ApplicationExtension",
    "AutoRemove",
    "BadRequest",
    "Conn",
    "Connection",
    "ConnectionLost",
    "Dialect",
    "Disconnect",
    "Event",
    "EventType",
    "GoroomError",
    "HandlerFailed",
    "LeaveReason",
    "Limits",
    "NotAllowed",
    "NotInRoom",
    "NotLoggedIn",
    "PayloadError",
    "Peer",
    "Push",
    "Refused",
    "Request",
    "RequestRefused",
    "Room",
    "RoomExists",
    "RoomExtension",
    "RoomFull",
    "RoomNotFound",
    "RoomOptions",
    "RoomService",
    "Server",
    "Timer",
    "Turn",
    "TurnOver",
    "UnknownAction",
    "UnreadableRequest",
    "User",
    "UserService",
    "configure_logs",
    "get_server",
    "handles",
    "init_func",
    "name_key",
    "setup",
    "user_name",
]
