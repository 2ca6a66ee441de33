"""
The servers that are measured, each in a process of its own: ``servers.py NAME [--core N]``.

A server prints one line of JSON when it listens (its port, its versions, what is switched on) and
ends when its standard input does, so it never outlives the program that measures it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import platform
import sys
from collections import defaultdict
from collections.abc import Awaitable, Callable
from functools import partial
from importlib.metadata import version

import aiohttp
import attrs
import structlog
from aiohttp import web
from attrs.validators import max_len

import goroom

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Started = tuple[int, dict[str, object]]
"""A server's port, and what there is to say about it."""

HOST = "127.0.0.1"
HEARTBEAT_SECONDS = 20.0

ROOMS = ["hall-0", *(f"echo-{n}" for n in range(64)), *(f"table-{n}" for n in range(250))]
"""Made at the start, so that no announcement of a room falls into a measurement."""


# goroom, with everything on: a declared payload, turns, numbered events, heartbeat.


@attrs.frozen
class Say:
    """What a client says."""

    text: str = attrs.field(validator=max_len(500))


class Room(goroom.RoomExtension):
    """Everybody hears what one says."""

    max_users = 100

    @goroom.handles("say", Say)
    def say(self, user: goroom.User, say: Say) -> None:
        """Pass it on."""
        self.room.broadcast("said", {"text": say.text}, sender=user)

    @goroom.handles("fail")
    def fail(self, user: goroom.User) -> None:
        """Send something and fail: nobody may hear it."""
        self.room.broadcast("never", sender=user)
        raise goroom.Refused("this always fails")


class Lobby(goroom.ApplicationExtension):
    """Rooms for every scenario."""

    async def init(self) -> None:
        """Make them."""
        for name in ROOMS:
            await self.application.rooms.create(name, kind="room")


async def start_goroom() -> Started:
    """Serve goroom, each client on the endpoint of the application."""
    # Thousands come and go, and other programs hold the loop: log what is ours to mend.
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    server = goroom.Server(limits=goroom.Limits(ping_seconds=HEARTBEAT_SECONDS))
    server.add_application("bench", Lobby, rooms={"room": Room})
    port = await server.start(HOST, 0)
    return port, {"goroom": goroom.__version__, "heartbeat_seconds": server.limits.ping_seconds}


# Plain aiohttp: the handler of https://docs.aiohttp.org/en/stable/web_quickstart.html#websockets,
# sending to everybody in the room instead of to one.

_rooms: defaultdict[str, set[web.WebSocketResponse]] = defaultdict(set)


async def pass_on(request: web.Request) -> web.WebSocketResponse:
    """Send each message to everybody in the room that the path names, unread."""
    ws = web.WebSocketResponse()
    await ws.prepare(request)
    room = _rooms[request.match_info["room"]]
    room.add(ws)
    try:
        async for message in ws:
            if message.type == aiohttp.WSMsgType.TEXT:
                for peer in list(room):
                    await peer.send_str(message.data)
    finally:
        room.discard(ws)
    return ws


async def read_and_pass_on(request: web.Request) -> web.WebSocketResponse:
    """The same with a heartbeat, and JSON read and written: the least that a room server does."""
    ws = web.WebSocketResponse(heartbeat=HEARTBEAT_SECONDS)
    await ws.prepare(request)
    room = _rooms[request.match_info["room"]]
    room.add(ws)
    try:
        async for message in ws:
            if message.type == aiohttp.WSMsgType.TEXT:
                data = message.json()
                said = {"action": "said", "sender": "somebody", "data": {"text": data["text"]}}
                text = json.dumps(said)
                for peer in list(room):
                    await peer.send_str(text)
    finally:
        room.discard(ws)
    return ws


async def start_aiohttp(handler: Handler) -> Started:
    """Serve with aiohttp alone."""
    app = web.Application()
    app.router.add_get("/{room}", handler)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, HOST, 0)
    await site.start()
    return runner.addresses[0][1], {}


SERVERS: dict[str, Callable[[], Awaitable[Started]]] = {
    "goroom": start_goroom,
    "aiohttp": partial(start_aiohttp, pass_on),
    "aiohttp-json": partial(start_aiohttp, read_and_pass_on),
}
"""What starts each of them."""


async def serve(name: str) -> None:
    """Start one of them, say so, and serve until standard input ends."""
    port, about = await SERVERS[name]()
    about |= {"python": platform.python_version(), "aiohttp": version("aiohttp")}
    print(json.dumps({"port": port, "about": about}), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    # Nothing to save: whoever still is connected learns it from the socket.
    os._exit(0)


def main() -> None:
    """Serve one of them, on one core where the platform lets us choose."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=SERVERS)
    parser.add_argument("--core", type=int)
    options = parser.parse_args()
    if options.core is not None:
        os.sched_setaffinity(0, {options.core})
    asyncio.run(serve(options.name))


if __name__ == "__main__":
    main()
