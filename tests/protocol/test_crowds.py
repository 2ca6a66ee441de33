"""Many at once: a thousand members, races for seats and names, bursts, rooms that close rooms."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

import goroom
from goroom import LeaveReason, User, handles
from tests.protocol.worlds import Desk, Hall, Text
from tests.rawclient import LEAVE_ROOM, LOGIN, MESSAGE, ROOM_REMOVE, Form
from tests.websocket import Closed

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.protocol.conftest import Site
    from tests.rawclient import Client

CROWD = 1000
AT_ONCE = 100
"""Connections that open at a time: a kernel's queue of new connections is not what is tested."""


class Arena(Hall):
    max_users = CROWD
    client_options = ("capacity",)

    @handles("nap")
    def nap(self, _user: User) -> None:
        time.sleep(0.7)  # the fault under test: a handler that holds the loop


class Waiting(Arena):
    """Takes its time to let somebody in."""

    async def on_join(self, _user: User) -> None:
        await asyncio.sleep(0.001)


class Domino(Hall):
    """When it falls, the next falls."""

    def on_leave(self, _user: User, reason: LeaveReason) -> None:
        number = int(self.room.name.removeprefix("domino-"))
        following = self.application.rooms.get(f"domino-{number + 1}")
        if reason is LeaveReason.ROOM_CLOSED and following is not None:
            following.close()


class Grenade(Hall):
    """When it falls, all others fall."""

    def on_leave(self, _user: User, _reason: LeaveReason) -> None:
        for room in list(self.application.rooms.values()):
            if room is not self.room and room.kind == "grenade":
                room.close()


class Ground(Desk):
    """Counts who logged in and how each login ended."""

    logins: list[str]
    ends: list[tuple[str, str]]

    async def init(self) -> None:
        self.logins = []
        self.ends = []
        await super().init()

    def may_create(self, _user: User, _kind: str) -> bool:
        return True

    async def on_login(  # type: ignore[override]  # a subclass may wait where its base does not
        self, user: User, credentials: dict[str, object]
    ) -> None:
        await asyncio.sleep(0.001)
        self.logins.append(user.name)

    def on_disconnect(self, user: User, reason: LeaveReason) -> None:
        self.ends.append((user.name, reason.value))

    @handles("fell", Text)
    def fell(self, _user: User, message: Text) -> None:
        self.application.rooms[message.text].close()


KINDS: dict[str, type[goroom.RoomExtension[Any]]] = {
    "hall": Arena,
    "waiting": Waiting,
    "domino": Domino,
    "grenade": Grenade,
}


class Seen(msgspec.Struct, rename="camel"):
    """What one of the thousand looks at of a frame."""

    room_name: str = ""
    seq: int | None = None
    action: str = ""
    data: Any = None


async def _crowd(site: Site, size: int, *rooms: str) -> list[Client]:
    clients: list[Client] = []
    for start in range(0, size, AT_ONCE):
        names = [f"user {number}" for number in range(start, min(start + AT_ONCE, size))]
        clients += await asyncio.gather(*(site.login(name, *rooms) for name in names))
    return clients


def _ground_of(site: Site) -> Ground:
    extension = site.application().extension
    assert isinstance(extension, Ground)
    return extension


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        # The end of a cut connection can be seen from outside only by looking.
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.fixture
async def ground(serve: Callable[..., Any]) -> Site:
    site: Site = await serve(extension=Ground, rooms=KINDS)
    return site


class Ear:
    """
    What one of the thousand hears in the hall: its order is checked frame by frame.

    A million and a half frames are read, so each is decoded into no more than is looked at.
    """

    def __init__(self, client: Client, order: dict[int, str]) -> None:
        self._client = client
        self._order = order
        self._last: int | None = None
        self._heard = 0
        module = msgspec.msgpack if client.form is Form.MSGPACK else msgspec.json
        self._decode = module.Decoder(Seen).decode

    async def hear(self, messages: int) -> None:
        """Read until so many messages have come; fail at the first that is out of order."""
        for frame in self._client.unread():
            if frame.room == "hall":
                self._note(frame.seq, frame.action, frame.data)
        while self._heard < messages:
            message = await self._client.socket.receive(60)
            assert not isinstance(message, Closed), f"closed in the crowd: {message}"
            seen = self._decode(message)
            if seen.room_name == "hall":
                self._note(seen.seq, seen.action, seen.data)

    def _note(self, seq: int | None, action: str, data: Any) -> None:
        assert seq is not None
        assert self._last in {None, seq - 1}, "a hole in the numbers"
        self._last = seq
        if action == "told":
            self._heard += 1
            assert self._order.setdefault(seq, data["text"]) == data["text"]


async def test_a_thousand_members_hear_a_thousand_messages_in_one_order_and_leave_nothing(
    ground: Site,
) -> None:
    application = ground.application()
    tasks_before = len(asyncio.all_tasks())
    clients = await _crowd(ground, CROWD, "hall")
    for number, client in enumerate(clients[:20]):
        assert 0 == (await client.join(f"den {number}", create=True, kind="hall")).error_code
    order: dict[int, str] = {}

    async with asyncio.timeout(100):
        hearing = [asyncio.create_task(Ear(client, order).hear(CROWD)) for client in clients]
        for number, client in enumerate(clients):
            client.send(MESSAGE, {"text": str(number)}, roomName="hall", action="announce")
        await asyncio.gather(*hearing)

    assert list(range(CROWD + 1, 2 * CROWD + 1)) == sorted(order)
    assert {str(number) for number in range(CROWD)} == set(order.values())
    ground.abort_all()
    await _until(lambda: not application.users and not ground.server.connections)
    await _until(lambda: len(asyncio.all_tasks()) <= tasks_before)
    assert ["hall"] == list(application.rooms)
    assert {} == dict(application.rooms["hall"].members)
    ends = _ground_of(ground).ends
    assert {(f"user {number}", "disconnected") for number in range(CROWD)} == set(ends)
    assert CROWD == len(ends)


@pytest.mark.parametrize("kind", ["hall", "waiting"])
async def test_two_hundred_race_for_a_room_of_two(ground: Site, kind: str) -> None:
    await ground.application().rooms.create("small", kind=kind, capacity=2)
    clients = await _crowd(ground, 200)
    answers = await asyncio.gather(*(client.join("small") for client in clients))
    inside = [answer.data["members"] for answer in answers if not answer.error]

    assert [0, 0] + [20] * 198 == sorted(answer.error_code for answer in answers)
    assert 2 == len(ground.application().rooms["small"].members)
    assert [1, 2] == sorted(len(members) for members in inside)


async def test_fifty_race_to_log_in_under_one_name(ground: Site) -> None:
    clients = await asyncio.gather(*(ground.connect() for _ in range(50)))
    answers = await asyncio.gather(*(client.login("ann") for client in clients))
    [winner] = [client for client, answer in zip(clients, answers, strict=True) if not answer.error]

    assert [0] + [4] * 49 == sorted(answer.error_code for answer in answers)
    assert 0 == (await winner.join("hall")).error_code
    assert [] == _ground_of(ground).ends


async def test_fifty_race_to_replace_each_other(serve: Callable[..., Any]) -> None:
    site = await serve(extension=Ground, rooms=KINDS, double_login="replace")
    clients = await asyncio.gather(*(site.connect() for _ in range(50)))
    for client in clients:
        client.send(LOGIN, {"username": "ann"}, id=1)
    endings = {asyncio.create_task(_close_code(client)) for client in clients}
    codes = []
    async with asyncio.timeout(20):
        while len(endings) > 1:
            ended, endings = await asyncio.wait(endings, return_when=asyncio.FIRST_COMPLETED)
            codes += [ending.result() for ending in ended]
    [survivor] = endings
    survivor.cancel()
    extension = _ground_of(site)

    assert [4509] * 49 == codes
    assert [("ann", "replaced")] * 49 == extension.ends
    assert ["ann"] * 50 == extension.logins
    assert ["ann"] == list(site.application().users)


async def _close_code(client: Client) -> int | None:
    while not isinstance(message := await client.socket.receive(60), Closed):
        pass
    return message.code


async def test_fifty_race_for_two_connections_of_one_name(serve: Callable[..., Any]) -> None:
    site = await serve(extension=Ground, rooms=KINDS, double_login="allow:2")
    clients = await asyncio.gather(*(site.connect() for _ in range(50)))
    answers = await asyncio.gather(*(client.login("ann") for client in clients))

    assert [0, 0] + [4] * 48 == sorted(answer.error_code for answer in answers)
    assert 1 == len({answer.data["userId"] for answer in answers if not answer.error})
    assert 2 == len(site.application().users["ann"].links)


@pytest.mark.parametrize("kind", ["domino", "grenade"])
async def test_four_hundred_rooms_that_close_each_other_all_close(ground: Site, kind: str) -> None:
    rooms = ground.application().rooms
    ann = await ground.login("ann")
    for number in range(400):
        await rooms.create(f"{kind}-{number}", kind=kind)
        await ann.join(f"{kind}-{number}")
    await ann.events()
    await ann.say("", "fell", {"text": f"{kind}-0"})
    await _until(lambda: len(rooms) == 1)
    frames = await ann.events()

    for event_type in (LEAVE_ROOM, ROOM_REMOVE):
        names = [frame.data["roomName"] for frame in frames if frame.event_type == event_type]
        assert 400 == len(names) == len(set(names))
    assert {} == dict(ground.application().users["ann"].rooms)
    assert 0 == (await ann.join("hall")).error_code


async def test_a_burst_of_everybody_after_a_sleep_closes_nobody(ground: Site) -> None:
    clients = await _crowd(ground, 400, "hall")
    for client in clients:
        await client.events()
    clients[0].send(MESSAGE, roomName="hall", action="nap")
    for number, client in enumerate(clients):
        client.send(MESSAGE, {"text": str(number)}, roomName="hall", action="tell")

    async def hear(client: Client) -> list[tuple[int | None, str]]:
        heard: list[tuple[int | None, str]] = []
        while len(heard) < 400:
            frame = await client.event()
            if frame.action == "told":
                heard.append((frame.seq, frame.data["text"]))
        return heard

    async with asyncio.timeout(60):
        views = await asyncio.gather(*(hear(client) for client in clients))

    assert [views[0]] * 400 == views
    assert 400 == len(set(views[0]))
    assert 400 == len(ground.application().rooms["hall"].members)
