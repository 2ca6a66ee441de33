"""One room for every dialect that can sit in it."""

from __future__ import annotations

import attrs
from aiohttp import web

import goroom
from goroom import ApplicationExtension, RoomExtension, User, handles

PATHS = {"/"}


@attrs.frozen
class Say:
    text: str


class Hall(RoomExtension):
    max_users = 100

    @handles("say", Say)
    def say(self, user: User, message: Say) -> None:
        self.room.broadcast("say", message, sender=user)


class Tower(ApplicationExtension):
    async def init(self) -> None:
        await self.application.rooms.create("hall", kind="hall")


def make_server() -> tuple[goroom.Server, web.Application]:
    server = goroom.Server(limits=goroom.Limits(resume_seconds=0.1))
    server.add_application("tower", Tower, rooms={"hall": Hall})
    site = web.Application()
    goroom.setup(site, server, path="/")
    return server, site
