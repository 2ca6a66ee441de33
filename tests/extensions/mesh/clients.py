"""What tests of the mesh share: rooms that do as they are told, and clients of its dialect."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import attrs
from goroom_extensions.mesh import (
    GLOBAL_ROOM,
    MESH_LIMITS,
    Mesh,
    MeshApplication,
    MeshDialect,
    MeshEvent,
    MeshRoom,
    mesh_of,
)

from goroom import LeaveReason, Limits, Request, Server, User, handles

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goroom.testing import Line, Stage


@attrs.frozen
class Whisper:
    to: str


@attrs.frozen
class Enter:
    room: str


class Den(MeshRoom):
    """Passes on what its members say, and writes down what happens to it."""

    def init(self) -> None:
        super().init()
        self.diary: list[tuple[str, ...]] = []

    def on_join(self, user: User) -> None:
        self.diary.append(("joined", user.name, *self.room.members))

    def on_leave(self, user: User, reason: LeaveReason) -> None:
        self.diary.append(("left", user.name, *self.room.members))

    def on_close(self) -> None:
        self.diary.append(("stopped", *self.room.members))

    @handles("whisper", Whisper)
    def whisper(self, user: User, message: Whisper) -> None:
        self.room.broadcast("whisper", only=message.to, sender=user)

    def on_message(self, user: User, request: Request) -> None:
        self.diary.append(("heard", user.name, request.action))
        self.room.broadcast(request.action, request.data, sender=user)


class Hall(Den):
    """The global room: moves whoever asks for it."""

    @handles("enter", Enter)
    def enter(self, user: User, message: Enter) -> None:
        self.mesh.move(user, message.room)

    @handles("exit", Enter)
    def exit(self, user: User, message: Enter) -> None:
        self.mesh.remove(user, message.room)


class House(MeshApplication):
    """Writes down the events."""

    room_kind = "den"

    async def init(self) -> None:
        self.seen: list[MeshEvent] = []
        await super().init()

    def on_event(self, event: MeshEvent) -> None:
        self.seen.append(event)


def mesh_server(
    application: type[MeshApplication] = House,
    *,
    dialect: type[MeshDialect] = MeshDialect,
    limits: Limits = MESH_LIMITS,
    **kinds: type[MeshRoom[Any]],
) -> Server:
    """Return a server whose application ``mesh`` has halls and dens, and *dialect* at ``/ws``."""
    server = Server()
    server.add_application("mesh", application, rooms={"hall": Hall, "den": Den, **kinds})
    server.add_endpoint("/ws", "mesh", dialect, limits=limits)
    return server


def mesh_in(server: Server) -> Mesh:
    """Return the mesh of `mesh_server`."""
    return mesh_of(server.applications["mesh"])


def seen(server: Server) -> list[tuple[str, str, str, int]]:
    """Take the events that a `House` has seen."""
    extension = server.applications["mesh"].extension
    assert isinstance(extension, House)
    events, extension.seen = extension.seen, []
    return [(event.trigger.value, event.room, event.client, event.count) for event in events]


def diary(server: Server, room: str) -> list[tuple[str, ...]]:
    """Return what a `Den` has written down."""
    extension = server.applications["mesh"].rooms[room].extension
    assert isinstance(extension, Den)
    return extension.diary


def frame(action: str, target: str = GLOBAL_ROOM, body: object = None, **keys: object) -> str:
    """Return a client's frame."""
    return json.dumps({"action": action, "message_body": body, "target": target, **keys})


class Client:
    """A client on a stage, and its slug."""

    def __init__(self, line: Line, slug: str) -> None:
        self.line = line
        self.slug = slug

    @classmethod
    async def connect(
        cls,
        stage: Stage,
        dialect: type[MeshDialect] = MeshDialect,
        *,
        application: str = "mesh",
        limits: Limits | None = MESH_LIMITS,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        rooms: Sequence[str] = (),
    ) -> Client:
        """Connect, and join *rooms*."""
        users = stage.server.applications[application].users
        before = set(users)
        line = await stage.dial(dialect, application, limits=limits, headers=headers, query=query)
        (slug,) = set(users) - before
        for room in rooms:
            line.send(frame("enter", body={"room": room}))
        await line.settle()
        return cls(line, slug)

    def say(self, action: str, target: str = GLOBAL_ROOM, body: object = None) -> None:
        """Send a message."""
        self.line.send(frame(action, target, body))

    async def heard(self) -> list[dict[str, Any]]:
        """Take all frames that have come."""
        return [
            json.loads(line)
            for message in await self.line.received()
            for line in str(message).split("\n")
        ]

    async def actions(self) -> list[str]:
        """Take all frames that have come, and return their actions."""
        return [message["action"] for message in await self.heard()]
