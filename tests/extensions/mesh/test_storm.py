"""A storm: whatever clients, hooks and listeners do, the events alone tell who is where."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from random import Random

from goroom_extensions.mesh import (
    GLOBAL_ROOM,
    MeshApplication,
    MeshDialect,
    MeshEvent,
    MeshRoom,
    Trigger,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from goroom import ConnectionLost, LeaveReason, Refused, Request, RequestRefused, Server, User
from goroom.testing import Player, Stage
from goroom.testing.line import Line
from tests.extensions.mesh.clients import frame

DENS = [f"den-{number}" for number in range(4)]
POLICIES = ["refuse", "replace", "allow:3"]


class Storm(MeshApplication):
    """Deletes rooms and moves clients while it is told of events."""

    room_kind = "den"

    async def init(self) -> None:
        self.seen: list[MeshEvent] = []
        await super().init()

    def on_event(self, event: MeshEvent) -> None:
        self.seen.append(event)
        if self.random.random() < 0.03:
            self.mesh.delete_room(self.random.choice(DENS))
        if self.random.random() < 0.03 and event.client:
            self.mesh.move(event.client, self.random.choice(DENS))


class Den(MeshRoom):
    """Its hooks wait, refuse, fail, close the room and send clients on."""

    max_users = 6

    async def on_join(self, user: User) -> None:
        await self.misbehave(user)

    async def on_leave(self, user: User, reason: LeaveReason) -> None:
        await self.misbehave(user)

    async def on_message(self, user: User, request: Request) -> None:
        await self.misbehave(user)

    def on_close(self) -> None:
        if self.random.random() < 0.1:
            raise ZeroDivisionError

    async def misbehave(self, user: User) -> None:
        mood = self.random.random()
        if mood < 0.1:
            raise Refused("no")
        if mood < 0.15:
            raise ZeroDivisionError
        if mood < 0.3:
            await asyncio.sleep(self.random.choice([0, 0.1, 2]))
        if mood > 0.9:
            self.room.close()
        elif mood > 0.85:
            self.room.kick(user)
        elif mood > 0.75:
            self.mesh.move(user, self.random.choice(DENS), leaving=self.random.choice(DENS))


class Hall(MeshRoom):
    """Sends whoever speaks to a den."""

    def on_message(self, user: User, request: Request) -> None:
        self.mesh.move(user, self.random.choice(DENS))


class Weather:
    """Clients that come, speak and go as *random* has it."""

    def __init__(self, stage: Stage, random: Random) -> None:
        self.stage = stage
        self.random = random
        self.lines: list[Line] = []
        self.players: list[Player] = []

    async def blow(self) -> None:
        """Do one thing, and perhaps let others happen."""
        what = self.random.random()
        if what < 0.2:
            self.lines.append(await self.stage.dial(MeshDialect, "mesh"))
        elif what < 0.28:
            await self.log_in()
        elif what < 0.35 and self.players:
            await self.log_out(self.players.pop(0))
        elif what < 0.45 and self.lines:
            self.lines.pop(self.random.randrange(len(self.lines))).wire.end(1006, "")
        elif self.lines:
            line = self.random.choice(self.lines)
            line.send(frame("say", self.random.choice([GLOBAL_ROOM, *DENS])))
        if self.random.random() < 0.5:
            await self.stage.advance(self.random.choice([0, 0.1, 1, 6]))

    async def log_in(self) -> None:
        try:
            self.players.append(await self.stage.player(self.random.choice("abc"), app="mesh"))
        except (RequestRefused, ConnectionLost, AssertionError):
            return  # its name is taken, or whom it replaces is slow to go

    async def log_out(self, player: Player) -> None:
        try:
            await player.logout()
        except (RequestRefused, ConnectionLost, AssertionError):
            await player.close()


def told(events: Sequence[MeshEvent]) -> tuple[dict[str, Counter[str]], Counter[str]]:
    """Return who is where and who is connected as *events* have it; each must make sense."""
    rooms: dict[str, Counter[str]] = {}
    connected: Counter[str] = Counter()
    for event in events:
        client = Counter([event.client])
        match event.trigger:
            case Trigger.CLIENT_CONNECTED:
                connected += client
            case Trigger.CLIENT_DISCONNECTED:
                assert client <= connected
                connected -= client
            case Trigger.ROOM_CREATED:
                assert event.room not in rooms
                rooms[event.room] = Counter()
            case Trigger.ROOM_DELETED:
                assert Counter() == rooms.pop(event.room)
            case Trigger.CLIENT_JOINED:
                assert client <= connected
                rooms[event.room] += client
            case Trigger.CLIENT_LEFT:
                assert client <= connected
                assert client <= rooms[event.room]
                rooms[event.room] -= client
        assert rooms.get(event.room, Counter()).total() == event.count
    return rooms, connected


async def play(seed: int, double_login: str) -> None:
    """Let a storm blow and calm down, and compare what was told with what there is."""
    server = Server(seed=seed)
    kinds = {"hall": Hall, "den": Den}
    application = server.add_application("mesh", Storm, rooms=kinds, double_login=double_login)
    extension = application.extension
    assert isinstance(extension, Storm)
    random = Random(seed)
    async with Stage(server) as stage:
        weather = Weather(stage, random)
        for _ in range(random.randrange(10, 100)):
            await weather.blow()
        await stage.advance(100)

        rooms = {state.room: Counter(state.clients) for state in extension.mesh.states()}
        assert (rooms, Counter(list(extension.mesh.clients()))) == told(extension.seen)
    await asyncio.sleep(0)

    assert Counter() == told(extension.seen)[1]


@example(450, "replace")
@settings(max_examples=60)
@given(st.integers(0, 2**32), st.sampled_from(POLICIES))
def test_the_events_tell_who_is_where_whatever_happens(seed: int, double_login: str) -> None:
    with capture_logs():
        asyncio.run(play(seed, double_login))
