"""Scripts of what clients and the server do, and their run on a stage."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any, Protocol

from hypothesis import strategies as st

from goroom.messages import EventType
from goroom.testing import Stage
from goroom.testing.stage import MemoryWire
from tests.properties.clients import UNKNOWN_TOKEN, Client
from tests.properties.world import (
    APP,
    CLIENTS,
    LONG_HISTORY,
    NAMES,
    ROOMS,
    SHORT_HISTORY,
    make_server,
    noted,
    notes,
)

Operation = tuple[Any, ...]
Script = list[Operation]

clients = st.integers(0, CLIENTS - 1)
rooms = st.sampled_from((*ROOMS, "plain"))
names = st.sampled_from(NAMES)
booleans = st.booleans()
losses = st.sampled_from([None, None, 0, 1, 2, 5])
"""After how many more frames a link is lost; None: now, or not at all."""

operations = st.one_of(
    st.tuples(st.just("login"), clients, names, booleans, booleans),
    st.tuples(st.just("login"), clients, names, booleans, booleans),
    st.tuples(st.just("join"), clients, rooms),
    st.tuples(st.just("join"), clients, rooms),
    st.tuples(st.just("join"), clients, rooms),
    st.tuples(st.just("leave"), clients, rooms),
    st.tuples(st.just("logout"), clients),
    st.tuples(st.just("disconnection"), clients),
    st.tuples(st.just("watch"), clients, rooms),
    st.tuples(st.just("unwatch"), clients, rooms),
    st.tuples(
        st.just("message"),
        clients,
        rooms,
        st.sampled_from(["say", "fail", "kick", "close"]),
        st.sampled_from([0, 0.1, 0.4, 7.0]),
    ),
    st.tuples(st.just("message"), clients, rooms, st.sampled_from(["say", "fail"]), st.just(0)),
    st.tuples(st.just("outside"), rooms),
    st.tuples(st.just("show"), rooms, st.sampled_from([None, "a", "b"])),
    st.tuples(st.just("expel"), names),
    st.tuples(st.just("move"), names, rooms),
    st.tuples(st.just("make"), rooms),
    st.tuples(st.just("cut"), clients),
    st.tuples(st.just("drop"), clients, losses),
    st.tuples(st.just("drop"), clients, losses),
    st.tuples(st.just("resume"), clients, losses),
    st.tuples(st.just("resume"), clients, losses),
    st.tuples(st.just("steal"), clients),
    st.tuples(st.just("hang"), clients, booleans),
    st.tuples(st.just("advance"), st.sampled_from([0.0, 0.1, 0.25, 1.0, 8.0, 29.0])),
)
scripts = st.lists(operations, min_size=6, max_size=40)

CROWD: Script = [
    *(("join", client, "plain") for client in range(3)),
    *(("join", client, "slow") for client in range(3)),
    ("advance", 1.0),
    ("message", 0, "plain", "say", 0.4),
    ("message", 1, "plain", "say", 0.4),
    ("outside", "plain"),
    ("advance", 1.0),
    ("message", 0, "slow", "fail", 0.1),
    ("message", 1, "plain", "kick", 0),
    ("advance", 1.0),
    ("join", 2, "plain"),
    ("login", 3, "ann", False, True),
    ("message", 1, "plain", "close", 0.1),
    ("advance", 8.0),
]
"""What chance seldom brings: all want into one room, and its members speak at the same time."""

policies = st.sampled_from(["refuse", "replace", "allow:2"])
seeds = st.integers(0, 2**16)
histories = st.sampled_from([LONG_HISTORY, SHORT_HISTORY])


class Check(Protocol):
    """A property: looks after each operation and at the end."""

    def step(self, run: Run) -> None: ...

    async def end(self, run: Run) -> None: ...


class Run:
    """One script on one stage; `clients` holds every client there ever was."""

    def __init__(self, stage: Stage, double_login: str, history_events: int) -> None:
        self.stage = stage
        self.server = stage.server
        self.now: list[Client] = []
        self.clients: list[Client] = []
        self._double_login = double_login
        self._history_events = history_events
        self._serials = itertools.count(1)

    @property
    def application(self) -> Any:
        return self.server.applications[APP]

    @property
    def wires(self) -> list[MemoryWire]:
        """Every link there ever was."""
        return [wire for client in self.clients for wire in client.wires]

    async def open(self) -> None:
        """Connect all, and log the first ones in: those of even number may come back."""
        for number in range(CLIENTS):
            self.now.append(await self._connect())
            if number < len(NAMES):
                await self.do_login(number, NAMES[number], slowly=False, resume=number != 1)

    async def _connect(self) -> Client:
        is_alone = not self._double_login.startswith("allow")
        client = Client(self.stage, self._history_events, is_alone=is_alone)
        await client.connect()
        self.clients.append(client)
        return client

    async def perform(self, operation: Operation) -> None:
        name, *arguments = operation
        await getattr(self, f"do_{name}")(*arguments)

    async def do_login(self, client: int, name: str, slowly: bool, resume: bool) -> None:  # noqa: FBT001
        if self.now[client].is_over:
            self.now[client] = await self._connect()
        data = {"username": name, "seconds": slowly, "resume": resume}
        self.now[client].ask(EventType.LOGIN, data)

    async def do_join(self, client: int, room: str) -> None:
        self.now[client].ask(EventType.JOIN_ROOM, {"roomName": room})

    async def do_leave(self, client: int, room: str) -> None:
        self.now[client].ask(EventType.LEAVE_ROOM, {"roomName": room})

    async def do_logout(self, client: int) -> None:
        self.now[client].ask(EventType.LOGOUT, {})

    async def do_disconnection(self, client: int) -> None:
        self.now[client].ask(EventType.DISCONNECTION, {})

    async def do_watch(self, client: int, room: str) -> None:
        self.now[client].ask(EventType.SUBSCRIBE_ROOM, {"roomName": room})

    async def do_unwatch(self, client: int, room: str) -> None:
        self.now[client].ask(EventType.UNSUBSCRIBE_ROOM, {"roomName": room})

    async def do_message(self, client: int, room: str, action: str, seconds: float) -> None:
        if seconds:
            room = next(iter(self._rooms_of(client)), room)
        data = {"seconds": seconds, "serial": next(self._serials)}
        self.now[client].ask(EventType.MESSAGE, data, room, action)

    def _rooms_of(self, client: int) -> list[str]:
        connection = self.now[client].wire.connection
        link = None if connection is None else connection.links.get(APP)
        return [] if link is None or link.user is None else list(link.user.rooms)

    async def do_outside(self, room: str) -> None:
        if room in self.application.rooms:
            self.application.rooms[room].broadcast("outside", {"mark": next(notes.marks)})

    async def do_show(self, room: str, key: str | None) -> None:
        if room in self.application.rooms:
            for _ in range(2):
                self.application.rooms[room].broadcast(
                    "moved", {"mark": next(notes.marks)}, volatile=True, key=key
                )

    async def do_expel(self, name: str) -> None:
        user = self.application.users.get(name)
        if user is not None:
            user.kick("out")

    async def do_move(self, name: str, room: str) -> None:
        user = self.application.users.get(name)
        if user is not None and room in self.application.rooms:
            user.move_to(room)

    async def do_make(self, room: str) -> None:
        if room not in self.application.rooms:
            await self.application.rooms.create(room, room)

    async def do_cut(self, client: int) -> None:
        """The client goes away for good; another one sits down in its place."""
        self.now[client].cut()
        self.now[client].is_over = True
        await self.stage.settle()
        self.now[client] = await self._connect()

    async def do_drop(self, client: int, frames: int | None) -> None:
        if frames is None:
            self.now[client].cut()
        else:
            self.now[client].cut_after(frames)

    async def do_resume(self, client: int, frames: int | None) -> None:
        """Come back, also over a link that still looks open."""
        if self.now[client].token and not self.now[client].is_over:
            await self.now[client].resume(frames)

    async def do_steal(self, client: int) -> None:
        """Somebody tries what was heard on the wire."""
        thief = await self.stage.connect(app=APP)
        for token in self.now[client].used_tokens:
            data = {"token": token, "attempt": "one of the thief's"}
            reply = await thief.exchange(eventType=int(EventType.RECONNECT), data=data)
            assert reply.get("error", {}).get("code") == UNKNOWN_TOKEN, "a used token is good"
        await thief.cut()

    async def do_hang(self, client: int, hangs: bool) -> None:  # noqa: FBT001
        """The client stops reading, or reads again."""
        if hangs:
            self.now[client].has_hung = True
            self.now[client].wire.stop_reading()
        elif self.now[client].has_hung:
            self.now[client].wire.read_again()

    async def do_advance(self, seconds: float) -> None:
        await self.stage.advance(seconds)

    async def come_back(self) -> None:
        """Bring back every client that may."""
        for client in self.clients:
            if client.has_hung and client.is_connected:
                client.wire.read_again()
            client.never_cut()
            if client.may_resume:
                await client.resume()

    async def finish(self) -> None:
        """Let everything end that was begun; who is away comes back first."""
        await self.stage.settle()
        await self.come_back()
        await self.stage.advance(1)
        await self.come_back()  # who was lost while it came back
        await self.stage.advance(120)


async def play(script: Script, run: Run, check: Check) -> None:
    """Perform *script*; *check* looks after each operation and at the end."""
    await run.open()
    for operation in script:
        await run.perform(operation)
        check.step(run)
    await run.finish()
    await check.end(run)


class AllOf:
    """Several properties of one run, the one that cuts every link last."""

    def __init__(self, *checks: Check) -> None:
        self._checks = checks

    def step(self, run: Run) -> None:
        for check in self._checks:
            check.step(run)

    async def end(self, run: Run) -> None:
        for check in self._checks:
            await check.end(run)


def drive(script: Script, seed: int, double_login: str, history_events: int, check: Check) -> None:
    """Play *script* on a server of its own."""

    async def run() -> None:
        with noted():
            async with Stage(make_server(seed, double_login, history_events)) as stage:
                await play(script, Run(stage, double_login, history_events), check)

    asyncio.run(run())
