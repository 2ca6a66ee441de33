"""A running mirror, browsers with their cookies, and their sockets: no goroom in the clients."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
from aiohttp import web
from goroom_extensions import mirror

import goroom
from tests.golden.accounts import Accounts, Answer
from tests.websocket import WebSocket

WAIT_SECONDS = 10.0

Frame = dict[str, str]


@attrs.define(eq=False)
class Socket:
    """One WebSocket to the mirror."""

    web_socket: WebSocket
    id: str
    """The websocketId that the server has given it."""
    me: dict[str, Any]
    """Whom it may be bound to: what ``/me`` tells."""

    def say(self, code: str, **fields: str) -> None:
        self.web_socket.send_text(json.dumps({"code": code, **fields}))

    def bind(self, *, as_whom: str = "", websocket_id: str = "") -> None:
        user_id = as_whom or self.me["UserId"]
        self.say("register.userId", websocketId=websocket_id or self.id, userId=user_id)

    async def take(self) -> Frame:
        """Return the next frame."""
        message = await self.web_socket.receive(WAIT_SECONDS)
        assert isinstance(message, str), message
        frame: Frame = json.loads(message)
        return frame

    async def so_far(self) -> list[Frame]:
        """Return what has come when the server has handled all that was said here."""
        self.say("channel.subscribe", channel="no channel")
        frames = []
        while (frame := await self.take())["channel"] != "no channel":
            frames.append(frame)
        return frames

    async def codes(self) -> list[str]:
        """Return the codes of `so_far`."""
        return [frame["code"] for frame in await self.so_far()]

    async def values(self) -> list[str]:
        """Return what was said in the channel messages of `so_far`."""
        return [said(frame)["value"] for frame in await self.so_far() if frame["message"]]

    async def close(self) -> None:
        await self.web_socket.close(1000)


def said(frame: Frame) -> dict[str, str]:
    """Return the object in the message of *frame*."""
    assert "channel.message" == frame["code"]
    found: dict[str, str] = json.loads(frame["message"])
    return found


@attrs.define(eq=False)
class House:
    """A running mirror."""

    url: str
    accounts: Accounts
    server: goroom.Server
    sockets: list[Socket] = attrs.field(factory=list)

    async def request(self, method: str, path: str, **options: Any) -> Answer:
        return await self.accounts.request(method, path, **options)

    async def log_in(self, name: str) -> dict[str, Any]:
        """Sign *name* up, or in; return what ``/me`` tells."""
        await self.accounts.ensure_user(name)
        answer = await self.request("GET", "/me", jar=name)
        me: dict[str, Any] = json.loads(answer.body)
        return me

    async def socket(self, name: str = "", *, bound: bool = True) -> Socket:
        """Open a socket with the cookie of *name*; wait until it is bound."""
        headers, me = {}, {"UserId": "", "ChannelId": ""}
        if name:
            me = await self.log_in(name)
            headers = {"Origin": self.url} | self.accounts.cookie_header(name, "/ws")
        web_socket = await WebSocket.connect(f"{self.url}/ws", headers=headers)
        socket = Socket(web_socket, "", me)
        self.sockets.append(socket)
        socket.id = (await socket.take())["websocketId"]
        if name and bound:
            socket.bind()
            assert [] == await socket.so_far()
        return socket

    async def cut(self, socket: Socket) -> None:
        """Tear the socket's link, and wait until the server has noticed."""
        users = self.server.applications["mirror"].users
        user = users[socket.id]
        socket.web_socket.abort()
        await user.gone.wait()

    async def leave(self, socket: Socket) -> None:
        """Close the socket, and wait until the server has noticed."""
        user = self.server.applications["mirror"].users[socket.id]
        await socket.close()
        await user.gone.wait()


@asynccontextmanager
async def open_house(
    folder: Path, passwords: mirror.Passwords, *, database: str = "", **options: Any
) -> AsyncIterator[House]:
    """Run a mirror whose database and keys are in *folder*."""
    site, server = web.Application(), goroom.Server()
    mirror.setup(
        site,
        server,
        database=database or f"sqlite:///{folder / 'mirror.sqlite'}",
        keys=folder / "keys",
        passwords=passwords,
        **options,
    )
    server.add_endpoint("/any")
    goroom.setup(site, server, path="/")
    runner = web.AppRunner(site, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with Accounts(url, wait_seconds=WAIT_SECONDS) as accounts:
            house = House(url, accounts, server)
            try:
                yield house
            finally:
                for socket in house.sockets:
                    socket.web_socket.abort()
    finally:
        await runner.cleanup()
