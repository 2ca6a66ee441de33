"""
A small world that Hypothesis drives: one application, three kinds of rooms, restless clients.

Everything goes through the real core: Connection, dialect bytes, Turn. What is expected is noted by
the handlers as they run (`Notes`) and compared with what each client has received.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from typing import Any, Self

import attrs
from hypothesis import strategies as st

from goroom import (
    ApplicationExtension,
    Connection,
    LeaveReason,
    Limits,
    Refused,
    Request,
    Room,
    RoomExtension,
    Server,
    User,
)
from goroom.messages import EventType
from goroom.testing import Player, Stage

APP = "world"
NAMES = ("ann", "bob", "cy")
ROOMS = ("plain", "slow", "picky")
CAPACITY = 2
CLIENTS = 5

LIMITS = Limits(login_seconds=None, outbox_frames=8, rooms_per_application=20)


@attrs.define
class Notes:
    """What the handlers saw and meant."""

    marks: itertools.count[int] = attrs.field(factory=lambda: itertools.count(1))
    failed: set[int] = attrs.field(factory=set)
    """Marks sent by turns that failed: nobody may ever see them."""
    meant: dict[int, set[str]] = attrs.field(factory=dict)
    """For each private mark of a turn that succeeded, the ids of those it was meant for."""
    running: Counter[str] = attrs.field(factory=Counter)
    """Handlers running now, by room."""
    overlaps: list[str] = attrs.field(factory=list)
    """Rooms in which two handlers ran at once."""
    joined: Counter[tuple[str, str]] = attrs.field(factory=Counter)
    left: Counter[tuple[str, str]] = attrs.field(factory=Counter)
    """How often ``on_join`` returned and ``on_leave`` counted, by room epoch and user id."""
    logins: Counter[str] = attrs.field(factory=Counter)
    disconnects: Counter[str] = attrs.field(factory=Counter)
    """How often a login was taken and ended, by user id."""
    rooms: dict[str, Room] = attrs.field(factory=dict)
    """Every room that ever was, by epoch."""


notes = Notes()


class Handling:
    """Notes that a handler runs, and what it sent if it fails."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._sent: list[int] = []
        self._private: dict[int, set[str]] = {}

    def __enter__(self) -> Self:
        notes.running[self._room.sequence.epoch] += 1
        if notes.running[self._room.sequence.epoch] > 1:
            notes.overlaps.append(self._room.name)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        notes.running[self._room.sequence.epoch] -= 1
        if kind is not None:
            notes.failed.update(self._sent)
        else:
            notes.meant.update(self._private)

    def say(self) -> None:
        mark = next(notes.marks)
        self._sent.append(mark)
        self._room.broadcast("said", {"mark": mark})

    def whisper(self, to: User) -> None:
        mark = next(notes.marks)
        self._sent.append(mark)
        self._private[mark] = {to.id}
        self._room.broadcast("whispered", {"mark": mark}, only=to)

    def tell(self, user: User) -> None:
        mark = next(notes.marks)
        self._sent.append(mark)
        self._private[mark] = {user.id}
        user.send("told", {"mark": mark})


class Plain(RoomExtension):
    max_users = CAPACITY
    spectators = True
    pause = 0.0

    def init(self) -> None:
        notes.rooms[self.room.sequence.epoch] = self.room

    def key(self, user: User) -> tuple[str, str]:
        return self.room.sequence.epoch, user.id

    async def on_join(self, user: User) -> None:
        with Handling(self.room) as handling:
            handling.say()
            if self.pause:
                await asyncio.sleep(self.pause)
            handling.tell(user)
            notes.joined[self.key(user)] += 1

    async def on_leave(self, user: User, reason: LeaveReason) -> None:
        with Handling(self.room) as handling:
            handling.say()
            if self.pause:
                await asyncio.sleep(self.pause)
            notes.left[self.key(user)] += 1

    async def on_message(self, user: User, request: Request) -> object:
        seconds = request.data.get("seconds", 0)
        with Handling(self.room) as handling:
            handling.say()
            if seconds:
                await asyncio.sleep(seconds)
            for member in self.room.members.values():
                handling.whisper(member)
            handling.tell(user)
            if request.action == "fail":
                raise ValueError("a handler that fails")
            if request.action == "kick":
                for name in list(self.room.members)[:1]:
                    self.room.kick(name)
            if request.action == "close":
                self.room.close()
        return {"done": True}


class Slow(Plain):
    pause = 0.3


class Picky(Plain):
    """Refuses after it has waited, and keeps who wants to leave the first time."""

    pause = 0.2

    async def on_join(self, user: User) -> None:
        with Handling(self.room) as handling:
            handling.say()
            await asyncio.sleep(self.pause)
            if self.random.random() < 0.5:
                raise Refused("not today")
            notes.joined[self.key(user)] += 1

    async def on_leave(self, user: User, reason: LeaveReason) -> None:
        with Handling(self.room) as handling:
            handling.say()
            await asyncio.sleep(self.pause)
            if reason is LeaveReason.LEFT and self.random.random() < 0.5:
                raise Refused("stay")
            notes.left[self.key(user)] += 1


class World(ApplicationExtension):
    async def init(self) -> None:
        for name in ROOMS:
            await self.application.rooms.create(name, name)

    def on_connect(self, connection: Connection) -> None:
        pass

    async def on_login(self, user: User, credentials: dict[str, object]) -> None:
        if credentials.get("seconds"):
            await asyncio.sleep(0.2)
        if credentials.get("refuse"):
            raise Refused("no entry")

    async def on_disconnect(self, user: User, reason: LeaveReason) -> None:
        notes.disconnects[user.id] += 1
        if self.random.random() < 0.3:
            await asyncio.sleep(0.1)


def make_server(seed: int, double_login: str) -> Server:
    server = Server(limits=LIMITS, seed=seed)
    kinds = {"plain": Plain, "slow": Slow, "picky": Picky}
    server.add_application(APP, World, rooms=kinds, double_login=double_login)
    return server


# -- what happens -------------------------------------------------------------------------------

clients = st.integers(0, CLIENTS - 1)
rooms = st.sampled_from((*ROOMS, "plain"))
names = st.sampled_from(NAMES)
booleans = st.booleans()

operations = st.one_of(
    st.tuples(st.just("login"), clients, names, booleans),
    st.tuples(st.just("login"), clients, names, booleans),
    st.tuples(st.just("join"), clients, rooms),
    st.tuples(st.just("join"), clients, rooms),
    st.tuples(st.just("join"), clients, rooms),
    st.tuples(st.just("leave"), clients, rooms),
    st.tuples(st.just("logout"), clients),
    st.tuples(st.just("disconnection"), clients),
    st.tuples(st.just("watch"), clients, rooms),
    st.tuples(
        st.just("message"),
        clients,
        rooms,
        st.sampled_from(["say", "fail", "kick", "close"]),
        st.sampled_from([0, 0.1, 0.4, 7.0]),
    ),
    st.tuples(st.just("message"), clients, rooms, st.sampled_from(["say", "fail"]), st.just(0)),
    st.tuples(st.just("outside"), rooms),
    st.tuples(st.just("expel"), names),
    st.tuples(st.just("make"), rooms),
    st.tuples(st.just("cut"), clients),
    st.tuples(st.just("advance"), st.sampled_from([0.0, 0.1, 0.25, 1.0, 8.0])),
)
scripts = st.lists(operations, min_size=6, max_size=40)

CROWD: list[tuple[Any, ...]] = [
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
    ("login", 3, "ann", False),
    ("message", 1, "plain", "close", 0.1),
    ("advance", 8.0),
]
"""What chance seldom brings: all want into one room, and its members speak at the same time."""

policies = st.sampled_from(["refuse", "replace", "allow:2"])
seeds = st.integers(0, 2**16)


@attrs.define(eq=False)
class Client:
    """A player, how many requests it sent, and every frame of the connections it had."""

    player: Player
    asked: list[int] = attrs.field(factory=list)

    def ask(self, event: EventType, data: dict[str, Any], room: str = "", action: str = "") -> None:
        number = len(self.asked) + 1
        self.asked.append(number)
        frame: dict[str, Any] = {
            "appName": APP, "eventType": int(event), "id": number, "data": data,
        }  # fmt: skip
        if room:
            frame["roomName"] = room
        if action:
            frame["action"] = action
        self.player.send_frame(**frame)


class Run:
    """One script on one stage; `clients` holds every connection there ever was."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.server = stage.server
        self.now: list[Client] = []
        self.clients: list[Client] = []

    @property
    def application(self) -> Any:
        return self.server.applications[APP]

    async def open(self) -> None:
        for number in range(CLIENTS):
            self.now.append(await self._connect())
            if number < len(NAMES):
                await self.do_login(number, NAMES[number], slowly=False)

    async def _connect(self) -> Client:
        client = Client(await self.stage.connect(app=APP))
        self.clients.append(client)
        return client

    async def perform(self, operation: tuple[Any, ...]) -> None:
        name, *arguments = operation
        await getattr(self, f"do_{name}")(*arguments)

    async def do_login(self, client: int, name: str, slowly: bool) -> None:  # noqa: FBT001
        data = {"username": name, "seconds": slowly}
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

    async def do_message(self, client: int, room: str, action: str, seconds: float) -> None:
        if seconds:
            room = next(iter(self._rooms_of(client)), room)
        self.now[client].ask(EventType.MESSAGE, {"seconds": seconds}, room, action)

    def _rooms_of(self, client: int) -> list[str]:
        connection = self.now[client].player.wire.connection  # type: ignore[attr-defined]
        link = connection.links.get(APP)
        return [] if link is None or link.user is None else list(link.user.rooms)

    async def do_outside(self, room: str) -> None:
        if room in self.application.rooms:
            self.application.rooms[room].broadcast("outside", {"mark": next(notes.marks)})

    async def do_expel(self, name: str) -> None:
        user = self.application.users.get(name)
        if user is not None:
            user.kick("out")

    async def do_make(self, room: str) -> None:
        if room not in self.application.rooms:
            await self.application.rooms.create(room, room)

    async def do_cut(self, client: int) -> None:
        await self.now[client].player.cut()
        self.now[client] = await self._connect()

    async def do_advance(self, seconds: float) -> None:
        await self.stage.advance(seconds)

    async def finish(self) -> None:
        """Let everything end that was begun, then read all."""
        await self.stage.advance(120)
        for client in self.clients:
            await client.player.received()


def drive(script: list[tuple[Any, ...]], seed: int, double_login: str, check: Any) -> None:
    """Play *script*, calling ``check.step(run)`` after each operation and ``check.end(run)``."""

    async def play() -> None:
        notes.__init__()  # type: ignore[misc]  # a fresh sheet, known to the handlers by name
        async with Stage(make_server(seed, double_login)) as stage:
            run = Run(stage)
            await run.open()
            for operation in script:
                await run.perform(operation)
                check.step(run)
            await run.finish()
            await check.end(run)

    asyncio.run(play())
