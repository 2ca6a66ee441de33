"""
python-socketio on aiohttp and uvloop, after https://python-socketio.readthedocs.io/en/stable/server.html#rooms.

A client joins a room by an event that is acknowledged; what it says goes to the room. Without
python-socketio's logs, and with its heartbeat as by default.
"""

from __future__ import annotations

import socketio
import uvloop
from aiohttp import web
from serving import serve, versions
from serving_aiohttp import listen

sio = socketio.AsyncServer(async_mode="aiohttp", transports=["websocket"])
room_of: dict[str, str] = {}


@sio.event
async def join(sid: str, room: str) -> None:
    """Put the client into the room."""
    room_of[sid] = room
    await sio.enter_room(sid, room)


@sio.event
async def say(sid: str, data: dict[str, str]) -> None:
    """Send what the client says to everybody in its room."""
    await sio.emit("said", data, room=room_of[sid])


@sio.event
async def disconnect(sid: str, *_: object) -> None:
    """Forget the client."""
    room_of.pop(sid, None)


async def start() -> int:
    """Listen on a free port, and return it."""
    app = web.Application()
    sio.attach(app)
    return await listen(app)


if __name__ == "__main__":
    packages = versions("python-socketio", "python-engineio", "aiohttp", "uvloop")
    serve(start, packages, uvloop.new_event_loop)
