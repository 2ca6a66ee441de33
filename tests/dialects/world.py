"""One room for every dialect that can sit in it, its messages handled by a broadcaster's room."""

from __future__ import annotations

from typing import ClassVar

import attrs
from aiohttp import web
from goroom_extensions.broadcaster import (
    Broadcaster,
    BroadcastRoom,
    Message,
    Response,
    TextBroadcasterDialect,
    handles_id,
)
from goroom_extensions.mesh import (
    MESH_LIMITS,
    BatchedMeshDialect,
    MeshApplication,
    MeshDialect,
    MeshRoom,
)

import goroom
from goroom import Request, User
from tests.tongues import APPLICATION, ROOM


class Talk(TextBroadcasterDialect):
    room = ROOM
    actions: ClassVar = {1: "say"}


class NewTalk(Talk):
    has_event_type = True


class AnsweringDialect(MeshDialect):
    answers_errors = True


class Hall(BroadcastRoom):
    dialect = Talk

    @handles_id(1)
    def say(self, _user: User, message: Message) -> Response:
        return Response(message.body)


class Tower(MeshApplication, Broadcaster):
    opens: ClassVar = {ROOM: "hall"}

    async def init(self) -> None:
        await MeshApplication.init(self)
        await Broadcaster.init(self)

    def on_login(self, user: User, credentials: dict[str, object]) -> None:
        connection = self.turn.connection
        if connection is not None and isinstance(connection.dialect, MeshDialect):
            user.move_to(ROOM)

    def on_message(self, user: User, request: Request) -> object:
        return Broadcaster.on_message(self, user, request)


LIMITS = attrs.evolve(MESH_LIMITS, close_seconds=1.0)
"""Those of a mesh, but for the ten seconds that a client has to answer a close."""


def make_site() -> tuple[web.Application, goroom.Server]:
    """Return a site with the tower in it, and its server."""
    # Whoever of goroom's own clients is cut while it may come back is waited for no longer.
    server = goroom.Server(limits=goroom.Limits(resume_seconds=0.1))
    rooms = {"lounge": MeshRoom, "hall": Hall}
    server.add_application(APPLICATION, Tower, rooms=rooms)
    server.add_endpoint("/tower/mesh", APPLICATION, MeshDialect, LIMITS)
    server.add_endpoint("/tower/mesh-batched", APPLICATION, BatchedMeshDialect, LIMITS)
    server.add_endpoint("/tower/mesh-answered", APPLICATION, AnsweringDialect, LIMITS)
    server.add_endpoint("/tower/broadcaster", APPLICATION, Talk)
    server.add_endpoint("/tower/broadcaster-new", APPLICATION, NewTalk)
    site = web.Application()
    goroom.setup(site, server, path="/")
    return site, server
