"""simplysocket's own frames, played over a real socket against rooms made of public names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from goroom_extensions.mesh import (
    MESH_LIMITS,
    BatchedMeshDialect,
    MeshApplication,
    MeshDialect,
    MeshRoom,
)

import goroom
from goroom import Request, User, handles
from tests.golden.player import play

if TYPE_CHECKING:
    from collections.abc import Callable

TRANSCRIPT = Path(__file__).with_name("mesh.jsonl")


@attrs.frozen
class Whisper:
    to: str


@attrs.frozen
class Enter:
    room: str


class Den(MeshRoom):
    """What the note at the transcript's top asks for."""

    @handles("whisper", Whisper)
    def whisper(self, user: User, message: Whisper) -> None:
        self.room.broadcast("whisper", only=message.to, sender=user)

    def on_message(self, user: User, request: Request) -> None:
        self.room.broadcast(request.action, request.data, sender=user)


class Hall(Den):
    @handles("enter", Enter)
    def enter(self, user: User, message: Enter) -> None:
        self.mesh.move(user, message.room)


@pytest.mark.parametrize("dialect", [MeshDialect, BatchedMeshDialect])
async def test_a_client_of_simplysocket_gets_its_frames(
    start: Callable[..., Any], dialect: type[MeshDialect]
) -> None:
    server = goroom.Server()
    server.add_application("mesh", MeshApplication, rooms={"hall": Hall, "den": Den})
    server.add_endpoint("/ws", "mesh", dialect, limits=MESH_LIMITS)
    url = await start(server)

    await play(TRANSCRIPT, url)
