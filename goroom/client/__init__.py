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

A lost link is not restored: whoever waits gets `goroom.errors.ConnectionLost`.
"""

from goroom.client.application import App
from goroom.client.connection import Connection, Credentials, connect
from goroom.client.events import (
    AppEvent,
    Away,
    Back,
    Joined,
    Left,
    Message,
    Missed,
    Removed,
    RoomAdded,
    RoomChanged,
    RoomEvent,
    RoomGone,
    RoomInfo,
    RoomListEvent,
    Seated,
    SendRefused,
    Updated,
)
from goroom.client.opening import Opening
from goroom.client.room import Member, Room
from goroom.client.roomlist import RoomList
from goroom.client.stream import EventStream, Overflow
from goroom.client.transport import Transport, WebSocketTransport

__all__ = [
    "App",
    "AppEvent",
    "Away",
    "Back",
    "Connection",
    "Credentials",
    "EventStream",
    "Joined",
    "Left",
    "Member",
    "Message",
    "Missed",
    "Opening",
    "Overflow",
    "Removed",
    "Room",
    "RoomAdded",
    "RoomChanged",
    "RoomEvent",
    "RoomGone",
    "RoomInfo",
    "RoomList",
    "RoomListEvent",
    "Seated",
    "SendRefused",
    "Transport",
    "Updated",
    "WebSocketTransport",
    "connect",
]
