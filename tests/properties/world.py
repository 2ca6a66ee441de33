"""
A small world: one application, three kinds of rooms, and notes of all that happens in it.

Everything goes through the real core: Connection, dialect bytes, Turn. What is expected is noted by
the handlers as they run (`Notes`) and compared with what each client has received.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Self
from unittest import mock

import attrs
from structlog.testing import capture_logs

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
from goroom.messages import EventType, Push
from goroom.sequence import Sequence
from goroom.tickets import Tickets

APP = "world"
NAMES = ("ann", "bob", "cy")
ROOMS = ("plain", "slow", "picky")
CAPACITY = 2
CLIENTS = 5
LONG_HISTORY = 1000
SHORT_HISTORY = 3
GRACE_SECONDS = 30.0

Place = tuple[int, int]


@attrs.define
class Committed:
    """An event of a room or of the application."""

    place: Place
    event_type: int
    action: str
    sender: str
    data: Any
    receivers: frozenset[str] | None = attrs.field(default=None, eq=False)
    """Ids of the users that a private one is for."""
    number: int = attrs.field(default=0, eq=False)
    """Its number among all that was committed anywhere."""


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
    disconnects: Counter[str] = attrs.field(factory=Counter)
    """How often a login ended, by user id."""
    committed: defaultdict[str, list[Committed]] = attrs.field(factory=lambda: defaultdict(list))
    """Every event with a number, by epoch: what the clients must have seen."""
    count: int = 0
    """How many these are."""
    resumed_at: dict[str, int] = attrs.field(factory=dict)
    """How many events had been committed when a RECONNECT was served, by its new token."""
    runs: Counter[int] = attrs.field(factory=Counter)
    """How often each message was handled, by its serial number."""
    presence: defaultdict[tuple[str, str], list[str]] = attrs.field(
        factory=lambda: defaultdict(list)
    )
    """The hooks that ran for a user, in order, by room epoch (``""``: application) and user id."""

    def commit(self, epoch: str, push: Push, receivers: Iterable[Any] | None) -> None:
        """Note an event that has got its number."""
        self.count += 1
        sender = "" if push.event_type == EventType.LEAVE_ROOM else push.sender
        ids = None if receivers is None else frozenset(user.id for user in receivers)
        place = push.seq or 0, push.sub or 0
        data = json.loads(push.body)
        self.committed[epoch].append(
            Committed(place, push.event_type, push.action, sender, data, ids, self.count)
        )


notes = Notes()


@contextmanager
def noted() -> Iterator[None]:
    """Note on a fresh sheet every event that gets a number."""
    notes.__init__()  # type: ignore[misc]  # a fresh sheet, known to the handlers by name
    number_shared, number_private = Sequence.number_shared, Sequence.number_private
    exchange = Tickets.exchange

    def note_shared(sequence: Sequence, push: Push) -> None:
        number_shared(sequence, push)
        notes.commit(sequence.epoch, push, None)

    def note_private(sequence: Sequence, push: Push, receivers: Iterable[Any]) -> None:
        receivers = list(receivers)
        number_private(sequence, push, receivers)
        notes.commit(sequence.epoch, push, receivers)

    def note_resume(tickets: Tickets, *arguments: Any) -> str:
        token = exchange(tickets, *arguments)
        notes.resumed_at[token] = notes.count
        return token

    with (
        capture_logs(),  # thousands of runs: to write their logs takes longer than to play them
        mock.patch.object(Tickets, "exchange", note_resume),
        mock.patch.object(Sequence, "number_shared", note_shared),
        mock.patch.object(Sequence, "number_private", note_private),
    ):
        yield


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

    def show(self, key: object) -> None:
        mark = next(notes.marks)
        self._sent.append(mark)
        self._room.broadcast("moved", {"mark": mark}, volatile=True, key=key)


class Plain(RoomExtension):
    max_users = CAPACITY
    spectators = True
    pause = 0.0

    def key(self, user: User) -> tuple[str, str]:
        return self.room.sequence.epoch, user.id

    async def on_join(self, user: User) -> None:
        with Handling(self.room) as handling:
            handling.say()
            if self.pause:
                await asyncio.sleep(self.pause)
            handling.tell(user)
            self.note_joined(user)

    def note_joined(self, user: User) -> None:
        notes.joined[self.key(user)] += 1
        notes.presence[self.key(user)].append("join")

    async def on_leave(self, user: User, reason: LeaveReason) -> None:
        with Handling(self.room) as handling:
            handling.say()
            if self.pause:
                await asyncio.sleep(self.pause)
            self.note_left(user)

    def note_left(self, user: User) -> None:
        notes.left[self.key(user)] += 1
        notes.presence[self.key(user)].append("leave")

    async def on_drop(self, user: User) -> None:
        notes.presence[self.key(user)].append("drop")
        with Handling(self.room) as handling:
            handling.tell(user)
            if self.pause:
                await asyncio.sleep(self.pause)
            handling.say()

    async def on_resume(self, user: User) -> None:
        notes.presence[self.key(user)].append("resume")
        with Handling(self.room) as handling:
            handling.tell(user)
            if self.pause:
                await asyncio.sleep(self.pause)
            handling.say()

    async def on_message(self, user: User, request: Request) -> object:
        seconds = request.data.get("seconds", 0)
        notes.runs[request.data["serial"]] += 1
        with Handling(self.room) as handling:
            handling.say()
            handling.show(user.name)
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
            self.note_joined(user)

    async def on_leave(self, user: User, reason: LeaveReason) -> None:
        with Handling(self.room) as handling:
            handling.say()
            await asyncio.sleep(self.pause)
            if reason is LeaveReason.LEFT and self.random.random() < 0.5:
                raise Refused("stay")
            self.note_left(user)


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
        user.send("hello", {"to": user.name})

    def on_drop(self, user: User) -> None:
        notes.presence["", user.id].append("drop")
        user.send("lost", {"name": user.name})

    def on_resume(self, user: User) -> None:
        notes.presence["", user.id].append("resume")
        user.send("found", {"name": user.name})

    async def on_disconnect(self, user: User, reason: LeaveReason) -> None:
        notes.disconnects[user.id] += 1
        notes.presence["", user.id].append("leave")
        if self.random.random() < 0.3:
            await asyncio.sleep(0.1)


def make_server(seed: int, double_login: str, history_events: int = LONG_HISTORY) -> Server:
    limits = Limits(
        login_seconds=None,
        outbox_frames=8,
        rooms_per_application=20,
        history_events=history_events,
        resume_seconds=GRACE_SECONDS,
    )
    server = Server(limits=limits, seed=seed)
    kinds = {"plain": Plain, "slow": Slow, "picky": Picky}
    server.add_application(APP, World, rooms=kinds, double_login=double_login)
    return server
