"""goroomserver's own frames, played over a real socket against an application of public names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aiohttp import web

import goroom
from goroom import ApplicationExtension, LeaveReason, Refused, RoomExtension, User
from tests.golden.player import play

TRANSCRIPT = Path(__file__).with_name("goroomserver.jsonl")


class Hall(RoomExtension):
    max_users = 2


class Vault(RoomExtension):
    def on_join(self, _user: User) -> None:
        raise Refused


class Cell(RoomExtension):
    def on_leave(self, _user: User, reason: LeaveReason) -> None:
        if reason is LeaveReason.LEFT:
            raise Refused


class Test(ApplicationExtension):
    """What the note at the transcript's top asks for."""

    __test__ = False

    async def init(self) -> None:
        for kind in ("hall", "vault", "cell"):
            await self.application.rooms.create(kind, kind=kind)

    def on_login(self, user: User, _credentials: dict[str, object]) -> None:
        if user.name == "refused":
            raise Refused("no entry")

    def on_message(self, _user: User, _request: object) -> dict[str, bool]:
        return {"app": True}


async def test_a_client_of_goroomserver_gets_its_frames(aiohttp_server: Any) -> None:
    server = goroom.Server()
    server.add_application("test", Test, rooms={"hall": Hall, "vault": Vault, "cell": Cell})
    application = web.Application()
    goroom.setup(application, server, path="/")
    site = await aiohttp_server(application)

    await play(TRANSCRIPT, str(site.make_url("")))
