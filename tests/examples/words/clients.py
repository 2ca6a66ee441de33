"""Clients of the words game on a stage: they speak mesh frames, as the game's own client does."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from goroom_extensions.mesh import GLOBAL_ROOM, MESH_LIMITS, MeshDialect
from wordsbattle import server

from goroom.testing import Line, Stage

Frame = dict[str, Any]
BOT = "bot-of-the-room"


class Client:
    """One client, and what it has received and not yet looked at."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.slug = ""
        self.room = ""
        self._frames: list[Frame] = []

    def say(self, action: str, target: str = "", **body: Any) -> None:
        """Say something to the room, or to *target*."""
        frame = {"action": action, "message_body": body, "target": target or self.room}
        self.line.send(json.dumps(frame))

    async def received(self) -> list[Frame]:
        """Return all frames that came since the last look."""
        for message in await self.line.received():
            self._frames.append(json.loads(message))
        frames, self._frames = self._frames, []
        return frames

    async def actions(self) -> list[str]:
        """Return the actions of `received`."""
        return [frame["action"] for frame in await self.received()]

    async def turns(self) -> list[Frame]:
        """Return `received` but for who makes the room, which hangs on who has what slug."""
        return [frame for frame in await self.received() if frame["action"] != "is-room-maker"]

    async def expect(self, action: str) -> Frame:
        """Return the next frame of *action*; what came before it is forgotten."""
        frames = await self.received()
        for number, frame in enumerate(frames):
            if frame["action"] == action:
                self._frames = frames[number + 1 :]
                return frame
        raise AssertionError(f"no {action!r} among {[frame['action'] for frame in frames]}")

    async def join(self, room: str, name: str = "", *, limit: int = 3) -> None:
        """Join a room of friends, and say one's name there as the game's own client does."""
        self.say("join-room", GLOBAL_ROOM, roomname=room, playerlimit=limit, setplayername=name)
        self.room = room
        await self._introduce(name)

    async def join_random(self, name: str = "", *, room: str = "") -> None:
        """Join a stranger, and say one's name."""
        self.say("join-random-room", GLOBAL_ROOM, roomname=room)
        self.room = (await self.expect("found-random-room-notify"))["message_body"]["roomname"]
        await self._introduce(name)

    async def _introduce(self, name: str) -> None:
        self.slug = (await self.expect("know-yourself"))["message_body"]["sender"]
        if name:
            self.say("set-client-name", setname=name)
            await self.expect("client-list-notify")


class Hall:
    """The server of the words game on a stage."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    async def client(self, **query: str) -> Client:
        """Connect a client, with the *query* of its URL."""
        line = await self.stage.dial(MeshDialect, "words", limits=MESH_LIMITS, query=query)
        return Client(line)

    async def friends(self, *names: str, room: str = "den") -> list[Client]:
        """
        Seat friends in one room; the first has made it.

        Returns:
            As *names*; nothing is left unread.
        """
        clients = []
        for name in names:
            clients.append(await self.client())
            await clients[-1].join(room, name, limit=max(len(names), 2))
        for client in clients:
            await client.received()
        return clients

    async def playing(self, *names: str, maker_first: bool = False) -> list[Client]:
        """Seat friends and play on to the first turn; return them in the order of turns, or not."""
        clients = await self.friends(*names)
        clients[0].say("start-the-game", message=clients[0].room)
        await self.stage.settle()
        await self.stage.advance(12)
        for client in clients:
            await client.received()
        return clients if maker_first else sorted(clients, key=lambda client: client.slug)

    async def quiet(self, client: Client, seconds: float) -> None:
        """Check that *client* hears nothing for so long."""
        await self.stage.advance(seconds)

        assert [] == await client.received()


@asynccontextmanager
async def hall() -> AsyncIterator[Hall]:
    """Run the words game on a stage."""
    async with Stage(server()) as stage:
        yield Hall(stage)
