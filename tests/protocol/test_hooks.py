"""Which hooks run in which order, also where they wait, refuse late or lose their socket."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from goroom import (
    ApplicationExtension,
    Connection,
    LeaveReason,
    Refused,
    RoomExtension,
    User,
    handles,
)
from tests.rawclient import DISCONNECTION, JOIN_ROOM, LEAVE_ROOM, LOGIN, LOGOUT, MESSAGE, Form

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.protocol.conftest import Site


class Diary:
    """What happened, in order; and a gate that hooks wait at where a test closes it."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.waiting = asyncio.Event()

    async def pass_gate(self) -> None:
        self.waiting.set()
        await self.gate.wait()


class Book(ApplicationExtension):
    """Writes down each hook of the application and of its rooms."""

    diary: Diary

    async def init(self) -> None:
        self.diary = Diary()
        for name in ("one", "two"):
            await self.application.rooms.create(name, kind="page")

    def on_connect(self, _connection: Connection) -> None:
        self.diary.lines.append("on_connect")

    async def on_login(self, user: User, credentials: dict[str, object]) -> None:
        self.diary.lines.append(f"on_login {user.name}")
        if credentials.get("slow"):
            await self.diary.pass_gate()
        user.send("welcome", {"name": user.name})
        if credentials.get("room"):
            user.move_to(str(credentials["room"]))
        if credentials.get("late"):
            raise Refused("Too late.")

    def on_logout(self, user: User) -> None:
        self.diary.lines.append(f"on_logout {user.name}")
        user.send("farewell")

    def on_disconnect(self, user: User, reason: LeaveReason) -> None:
        self.diary.lines.append(f"on_disconnect {user.name} {reason} in {len(user.rooms)} rooms")

    @handles("end")
    def end(self, user: User) -> None:
        user.kick("enough")


class Page(RoomExtension):
    @property
    def book(self) -> Diary:
        extension: Any = self.application.extension
        diary: Diary = extension.diary
        return diary

    async def on_join(self, user: User) -> None:
        assert user.name in self.room.members
        await self.book.pass_gate()
        self.room.broadcast("greeted", {"name": user.name})
        if user.name == "minor":
            raise Refused("Come back at 18.")
        self.book.lines.append(f"{self.room.name}.on_join {user.name}")

    async def on_leave(self, user: User, reason: LeaveReason) -> None:
        await asyncio.sleep(0)
        assert user.name not in self.room.members
        self.book.lines.append(f"{self.room.name}.on_leave {user.name} {reason}")

    def on_disconnect(self, user: User, reason: LeaveReason) -> None:
        assert user.name in self.room.members
        self.book.lines.append(f"{self.room.name}.on_disconnect {user.name} {reason}")

    @handles("tell")
    def tell(self, _user: User) -> None:
        self.room.broadcast("told")

    @handles("slow")
    async def slow(self, _user: User) -> None:
        await self.book.pass_gate()
        self.room.broadcast("slow")

    @handles("call_over")
    def call_over(self, _user: User) -> None:
        self.application.rooms["two"].broadcast("called over")

    @handles("sweep")
    def sweep(self, user: User) -> None:
        for name in self.room.members:
            if name != user.name:
                self.room.kick(name, "swept")

    @handles("shut")
    async def shut(self, _user: User) -> None:
        await self.book.pass_gate()
        self.room.close()

    @handles("who")
    def who(self, _user: User) -> list[str]:
        return list(self.room.members)


@pytest.fixture
async def book(serve: Callable[..., Any]) -> Site:
    site: Site = await serve(extension=Book, rooms={"page": Page})
    return site


def _diary(site: Site) -> Diary:
    extension: Any = site.application().extension
    diary: Diary = extension.diary
    return diary


BEGINNING = ["on_connect", "on_login ann", "one.on_join ann", "two.on_join ann"]


def _ending(reason: str) -> list[str]:
    return [
        f"on_disconnect ann {reason} in 2 rooms",
        f"one.on_disconnect ann {reason}",
        f"one.on_leave ann {reason}",
        f"two.on_disconnect ann {reason}",
        f"two.on_leave ann {reason}",
    ]


async def test_a_logout_runs_its_hooks_in_order_after_the_reply(book: Site) -> None:
    ann = await book.login("ann", "one", "two")
    await ann.events()
    ann.send(LOGOUT, id=70)
    farewell_or_reply = [await ann.event(), await ann.event()]
    assert 2 == (await ann.join("one")).error_code

    assert [*BEGINNING, "on_logout ann", *_ending("logged_out")] == _diary(book).lines
    # A lifecycle request: the reply, then what the hook sent.
    assert [(LOGOUT, 70), (MESSAGE, None)] == [
        (frame.event_type, frame.id) for frame in farewell_or_reply
    ]


async def test_a_disconnection_runs_no_logout_hook(book: Site) -> None:
    ann = await book.login("ann", "one", "two")
    await ann.request(DISCONNECTION)
    assert 2 == (await ann.join("one")).error_code

    assert [*BEGINNING, *_ending("logged_out")] == _diary(book).lines


async def test_a_cut_socket_runs_the_ending_hooks_once(book: Site) -> None:
    ann, bob = await book.login("ann", "one", "two"), await book.login("bob", "two")
    await bob.events()
    _diary(book).lines.clear()
    ann.socket.abort()
    left = await bob.event()
    await bob.events()

    assert (LEAVE_ROOM, "ann") == (left.event_type, left.sender)
    assert _ending("disconnected") == _diary(book).lines


async def test_a_kicked_user_ends_with_that_reason(book: Site) -> None:
    ann = await book.login("ann", "one", "two")
    await ann.events()
    ann.send(MESSAGE, action="end")
    told = await ann.event()

    assert (DISCONNECTION, 4500) == (told.event_type, told.code)
    assert 4500 == (await ann.closed()).code
    assert [*BEGINNING, *_ending("kicked")] == _diary(book).lines


async def test_who_is_kicked_out_of_a_room_has_left_it_once(book: Site) -> None:
    bob, ann = await book.login("bob", "one"), await book.login("ann", "one", "two")
    _diary(book).lines.clear()
    await bob.say("one", "sweep")
    await ann.leave("two")
    # The hook runs after the commit: the next turn of its room comes behind it.
    await bob.say("one", "who")

    assert ["one.on_leave ann kicked", "two.on_leave ann left"] == sorted(_diary(book).lines)


async def test_each_member_of_a_closed_room_has_left_it_once(book: Site) -> None:
    bob, ann = await book.login("bob", "one", "two"), await book.login("ann", "one")
    _diary(book).lines.clear()
    await bob.say("one", "shut")
    await bob.leave("two")
    await ann.events()

    assert ["one.on_leave ann room_closed", "one.on_leave bob room_closed"] == sorted(
        line for line in _diary(book).lines if line.startswith("one")
    )


async def test_a_message_that_waited_for_a_room_that_closed_is_7(book: Site) -> None:
    ann, bob = await book.login("ann", "one"), await book.login("bob", "one")
    await bob.events()
    diary = _diary(book)
    diary.gate.clear()
    diary.waiting.clear()
    ann.send(MESSAGE, roomName="one", action="shut")
    await diary.waiting.wait()
    bob.send(MESSAGE, roomName="one", action="who", id=70)
    late = await book.connect()
    await late.login("late")
    late.send(JOIN_ROOM, {"roomName": "one"}, id=70)
    # No frame tells that they wait.
    while book.application().rooms["one"].lane.waiting < 2:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    diary.gate.set()
    codes = []
    for client in (bob, late):
        while (frame := await client.event()).id != 70:
            pass
        codes.append(frame.error_code)

    assert [7, 7] == codes


async def test_a_send_to_another_room_waits_behind_what_runs_there(book: Site) -> None:
    ann, bob = await book.login("ann", "two"), await book.login("bob", "one")
    await ann.events()
    diary = _diary(book)
    diary.gate.clear()
    diary.waiting.clear()
    ann.send(MESSAGE, roomName="two", action="slow")
    await diary.waiting.wait()
    await bob.say("one", "call_over")
    diary.gate.set()
    frames = [await ann.event(), await ann.event()]

    assert [("slow", 3), ("called over", 4)] == [(frame.action, frame.seq) for frame in frames]


async def test_who_is_replaced_while_its_join_waits_leaves_what_it_joined(
    serve: Callable[..., Any],
) -> None:
    site = await serve(extension=Book, rooms={"page": Page}, double_login="replace")
    bob, first, second = (
        await site.login("bob", "one"),
        await site.login("ann"),
        await site.connect(),
    )
    await bob.events()
    diary = _diary(site)
    diary.gate.clear()
    diary.waiting.clear()
    first.send(JOIN_ROOM, {"roomName": "one"})
    await diary.waiting.wait()
    second.send(LOGIN, {"username": "ann"}, id=70)
    # What the first is told shows that its end has begun.
    while (await first.event()).event_type != DISCONNECTION:
        pass
    diary.gate.set()
    while (answer := await second.event()).id != 70:
        pass
    members = (await bob.say("one", "who")).data

    assert (0, []) == (answer.error_code, answer.data["rooms"])
    assert ["bob"] == members
    joined = diary.lines.count("one.on_join ann")
    assert joined == diary.lines.count("one.on_leave ann replaced")
    assert {} == dict(site.application().users["ann"].rooms)


async def test_each_connection_of_a_user_logs_in_and_the_last_one_ends_it(
    serve: Callable[..., Any],
) -> None:
    site = await serve(extension=Book, rooms={"page": Page}, double_login="allow:2")
    first, second = await site.login("ann", "one"), await site.login("ann")
    await first.request(LOGOUT)
    before = list(_diary(site).lines)
    await second.request(LOGOUT)
    assert 2 == (await second.join("one")).error_code

    assert 2 == before.count("on_login ann")
    assert not [line for line in before if "on_disconnect" in line or "on_leave" in line]
    assert ["on_disconnect ann logged_out in 1 rooms"] == [
        line for line in _diary(site).lines if line.startswith("on_disconnect")
    ]


async def test_what_login_sends_and_where_it_moves_follow_the_reply(book: Site) -> None:
    ann = await book.connect()
    ann.send(LOGIN, {"username": "ann", "room": "one"}, id=7)
    frames = [await ann.event() for _ in range(4)]

    assert [(LOGIN, 7), (MESSAGE, None), (JOIN_ROOM, None), (MESSAGE, None)] == [
        (frame.event_type, frame.id) for frame in frames
    ]
    assert ["", "welcome", "", "greeted"] == [frame.action for frame in frames]


async def test_a_login_refused_after_waiting_has_sent_nothing(book: Site) -> None:
    ann = await book.connect()
    refused = await ann.login("ann", slow=True, late=True, room="one")

    assert (3, "Too late.") == (refused.error_code, refused.error["message"])
    assert [] == await ann.events()
    assert {} == dict(book.application().rooms["one"].members)
    assert 0 == (await ann.login("ann")).error_code


async def test_a_join_refused_after_waiting_is_seen_by_nobody(book: Site) -> None:
    ann, minor = await book.login("ann", "one"), await book.login("minor")
    await ann.events()
    await minor.events()
    diary = _diary(book)
    diary.gate.clear()
    diary.waiting.clear()
    minor.send(JOIN_ROOM, {"roomName": "one"}, id=70)
    await diary.waiting.wait()
    book.application().rooms["one"].broadcast("news")
    ann.send(MESSAGE, roomName="one", action="tell", id=71)
    seen_meanwhile = list(book.application().rooms["one"].members)
    diary.gate.set()
    refused = await minor.event()
    told = [await ann.event() for _ in range(3)]

    assert ["ann"] == seen_meanwhile
    assert (12, 70, "Come back at 18.") == (
        refused.error_code,
        refused.id,
        refused.error["message"],
    )
    assert [("news", 3), ("told", 4), ("tell", None)] == [
        (frame.action, frame.seq) for frame in told
    ]
    assert [] == await minor.events()


async def test_a_socket_that_goes_while_its_join_waits_leaves_what_it_joined(book: Site) -> None:
    bob = await book.login("bob", "one")
    ann = await book.login("ann")
    await bob.events()
    diary = _diary(book)
    diary.gate.clear()
    diary.waiting.clear()
    ann.send(JOIN_ROOM, {"roomName": "one"})
    await diary.waiting.wait()
    diary.lines.clear()
    ann.socket.abort()
    diary.gate.set()
    await (await book.connect()).login("ann", slow=False)
    while "ann" in book.application().users and "one" in book.application().users["ann"].rooms:
        await bob.event()
    members = (await bob.say("one", "who")).data

    assert ["bob"] == members
    joined = diary.lines.count("one.on_join ann")
    left = len([line for line in diary.lines if line.startswith("one.on_leave ann")])
    assert joined == left


@pytest.mark.parametrize("form", [Form.SHORT], ids=str)
async def test_a_second_login_waits_for_the_end_of_the_first_name(book: Site) -> None:
    ann = await book.login("ann", "one", "two")
    ann.socket.abort()
    again = await book.connect()
    while (await again.login("ann")).error_code == 4:
        pass

    lines = _diary(book).lines
    assert ["ann"] == list(book.application().users)
    assert lines.index("two.on_leave ann disconnected") < len(lines)
    assert 0 == (await again.join("one")).error_code
