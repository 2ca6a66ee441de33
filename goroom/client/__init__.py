"""
The client of goroom for Python, on asyncio and aiohttp.

::

    async with connect("ws://localhost:8080/", app="tictactoe", name="ada") as app:
        async with app.join_or_create("table") as room:
            async for event in room:
                match event:
                    case Message("board", board):
                        await room.request("move", {"square": choose(board)})
                    case Left(name):
                        print(f"{name} has gone")

What the server sends is read at once, whether anybody iterates or not: `Room.members` and all else
that is kept up to date may be ahead of the events that a loop has come to. Nothing between a reply
and the first look at its room is lost. Unread events are bounded, see `Overflow`.

A lost link comes back by itself: rooms and loops stay, what was missed is told once and in order,
what was sent is done once. Where that cannot be, `Reset` and `SendLost` say so. A login is over
when it is closed, when the server says not to come back (close codes 4500-4999), and when it is
refused on the way back; then whoever waits gets `goroom.errors.ConnectionLost`.
"""

from goroom.client.application import App
from goroom.client.connection import Connection, Dial, connect
from goroom.client.events import (
    AppEvent,
    Away,
    Back,
    Dropped,
    Joined,
    Left,
    Message,
    Missed,
    Removed,
    Reset,
    ResetReason,
    Resumed,
    RoomAdded,
    RoomChanged,
    RoomEvent,
    RoomGone,
    RoomInfo,
    RoomListEvent,
    Seated,
    SendLost,
    SendRefused,
    Updated,
)
from goroom.client.login import Credentials
from goroom.client.opening import Opening
from goroom.client.room import Member, Room
from goroom.client.roomlist import RoomList
from goroom.client.stream import Backoff, EventStream, Heartbeat, Overflow
from goroom.client.transport import Transport, WebSocketTransport

__all__ = [
    "App",
    "AppEvent",
    "Away",
    "Back",
    "Backoff",
    "Connection",
    "Credentials",
    "Dial",
    "Dropped",
    "EventStream",
    "Heartbeat",
    "Joined",
    "Left",
    "Member",
    "Message",
    "Missed",
    "Opening",
    "Overflow",
    "Removed",
    "Reset",
    "ResetReason",
    "Resumed",
    "Room",
    "RoomAdded",
    "RoomChanged",
    "RoomEvent",
    "RoomGone",
    "RoomInfo",
    "RoomList",
    "RoomListEvent",
    "Seated",
    "SendLost",
    "SendRefused",
    "Transport",
    "Updated",
    "WebSocketTransport",
    "connect",
]
