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
    max_users = 1000

    @handles("say", Say)
    def say(self, user: User, message: Say) -> None:
        self.room.broadcast("say", message, sender=user)


class Tower(ApplicationExtension):
    async def init(self) -> None:
        await self.application.rooms.create("hall", kind="hall")


def make_site() -> tuple[web.Application, goroom.Server]:
    """Return a site with the tower in it, and its server."""
    server = goroom.Server(limits=goroom.Limits(resume_seconds=0.1))
    server.add_application("tower", Tower, rooms={"hall": Hall})
    site = web.Application()
    goroom.setup(site, server, path="/")
    return site, server
