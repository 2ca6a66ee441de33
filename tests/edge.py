"""A server with one hall for the tests of the aiohttp edge, and how its clients ask."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp

from goroom import ApplicationExtension, Limits, RoomExtension, Server, User, handles

LOGIN = {"eventType": 6, "appName": "chess", "data": {"username": "ada"}, "id": 1}
LIMITS = Limits(drain_seconds=2.0, close_seconds=0.2)


class Hall(ApplicationExtension):
    """Waits where it is told to, so that a message can be under way."""

    async def init(self) -> None:
        self.goes_on = asyncio.Event()
        self.waits = asyncio.Event()

    @handles("wait")
    async def wait(self, user: User) -> None:
        self.waits.set()
        await self.goes_on.wait()


def chess_server(**options: Any) -> Server:
    """Return a server with the application ``chess``."""
    server = Server(limits=LIMITS, **options)
    server.add_application("chess", Hall, rooms={"table": RoomExtension})
    return server


async def logs_in(session: aiohttp.ClientSession, url: Any) -> int:
    """Log in at *url*, and return the reply's id."""
    async with session.ws_connect(url, protocols=["goroom.json"]) as socket:
        await socket.send_json(LOGIN)
        reply = await socket.receive_json()
    return int(reply["id"])


async def upgrade_status(session: aiohttp.ClientSession, url: str, **headers: str) -> int:
    """Return with which status *url* answers one who asks for a WebSocket."""
    try:
        async with session.ws_connect(url, headers=headers):
            return 101
    except aiohttp.WSServerHandshakeError as refusal:
        return refusal.status
