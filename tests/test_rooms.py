"""RoomService: rooms made by kind, refused and failing; their settings checked early."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, ClassVar

import attrs
import pytest
from structlog.testing import capture_logs

from goroom import (
    ApplicationExtension,
    AutoRemove,
    Disconnect,
    Event,
    LeaveReason,
    NotAllowed,
    Refused,
    RequestRefused,
    RoomExtension,
    Server,
    User,
    handles,
)
from goroom.errors import BadRequest, HandlerFailed, RoomExists, RoomNotFound
from goroom.messages import EventType
from goroom.rooms import RoomService, options_of
from goroom.testing import Stage
from tests.diary import APP, LIMITS, ROOM, Diary, make_server


def rooms_of(stage: Stage) -> RoomService:
    rooms: RoomService = stage.server.applications[APP].rooms
    return rooms


async def test_a_room_is_there_when_its_init_has_returned(diary: Diary, hall: Stage) -> None:
    ann = await hall.player("ann", app=APP)
    diary.hold("room.init")
    making = asyncio.ensure_future(rooms_of(hall).create("new", "den"))
    await hall.settle()
    assert "new" not in rooms_of(hall)
    await ann.quiet()
    diary.let_go("room.init")
    room = await making

    assert (room, 2) == (rooms_of(hall)["new"], len(rooms_of(hall)))
    assert "new" == (await ann.receive())["data"]["roomName"]


async def test_a_join_of_a_room_that_is_being_made_waits_for_it(diary: Diary, hall: Stage) -> None:
    ann = await hall.player("ann", app=APP)
    diary.hold("room.init")
    making = asyncio.ensure_future(rooms_of(hall).create("new", "den"))
    await hall.settle()
    ann.send_frame(eventType=EventType.JOIN_ROOM, appName=APP, data={"roomName": "new"}, id=99)
    await hall.settle()
    diary.let_go("room.init")

    assert ["ann"] == (await ann.expect_event(EventType.JOIN_ROOM, id=99))["data"]["members"]
    await making


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (Refused("no"), Refused),
        (OSError("secret"), HandlerFailed),
        (Disconnect(4503), Disconnect),
    ],
)
async def test_a_room_whose_init_fails_never_was(
    error: Exception, raised: type[Exception], diary: Diary, hall: Stage
) -> None:
    ann = await hall.player("ann", app=APP)
    diary.failures["room.init"] = error
    with pytest.raises(raised):
        await rooms_of(hall).create("new", "den")
    assert "new" not in rooms_of(hall)
    await ann.quiet()
    diary.failures.clear()

    await rooms_of(hall).create("new", "den")


async def test_nothing_of_a_room_whose_init_failed_goes_on() -> None:
    ticks: list[int] = []

    class Doomed(RoomExtension):
        def init(self) -> None:
            self.every(1, lambda: ticks.append(1))
            doomed.append(self)
            raise Refused("no")

    doomed: list[Doomed] = []
    server = Server(limits=LIMITS)
    application = server.add_application(APP, rooms={"doomed": Doomed})
    async with Stage(server) as stage:
        ann = await stage.player("ann")
        with pytest.raises(Refused):
            await application.rooms.create()
        doomed[0].room.update(capacity=3)
        doomed[0].room.broadcast("said")
        await stage.advance(3)

        assert [] == ticks
        assert 0 == len(server.runtime.timers)
        await ann.quiet()


async def test_a_room_whose_extension_cannot_be_made_never_was() -> None:
    class Broken(RoomExtension):
        def __init__(self, room: Any) -> None:
            raise OSError

    server = Server(limits=LIMITS)
    application = server.add_application(APP, rooms={"broken": Broken})
    async with Stage(server):
        for _ in range(2):
            with pytest.raises(OSError):  # noqa: PT011 -- the author's own
                await application.rooms.create("new")


async def test_an_init_that_hangs_is_no_room(diary: Diary, hall: Stage) -> None:
    diary.hold("room.init")
    making = asyncio.ensure_future(rooms_of(hall).create("new", "den"))
    await hall.advance(5.2)

    with pytest.raises(Refused):
        await making
    assert "new" not in rooms_of(hall)


@pytest.mark.parametrize(
    ("name", "options", "error"),
    [
        (ROOM, {}, RoomExists),
        (ROOM.upper(), {}, RoomExists),
        (" ", {}, BadRequest),
        ("x" * 65, {}, BadRequest),
        ("new", {"kind": "unknown"}, TypeError),
        ("new", {"size": 3}, TypeError),
        ("new", {"capacity": 0}, ValueError),
        ("new", {"auto_remove": "sometimes"}, ValueError),
        ("new", {"properties": {1: 2}}, TypeError),
        ("new", {"properties": {"it": object()}}, ValueError),
    ],
)
async def test_what_cannot_be_made_is_refused(
    name: str, options: dict[str, Any], error: type[Exception], hall: Stage
) -> None:
    with pytest.raises(error):
        await rooms_of(hall).create(name, **options)
    assert [ROOM] == list(rooms_of(hall))


async def test_an_application_has_so_many_rooms_and_no_more() -> None:
    limits = attrs.evolve(LIMITS, rooms_per_application=2)
    async with Stage(make_server(Diary(), limits=limits)) as stage:
        await rooms_of(stage).create()
        with pytest.raises(NotAllowed) as caught:
            await rooms_of(stage).create()
        assert "quota" == caught.value.reason
        rooms_of(stage)[ROOM].close()
        await rooms_of(stage).create()


async def test_rooms_without_a_name_are_numbered(hall: Stage) -> None:
    await rooms_of(hall).create("DEN-2")
    made = [(await rooms_of(hall).create()).name for _ in range(2)]

    assert ["den-1", "den-3"] == made


async def test_the_kind_may_be_left_out_where_there_is_one_only() -> None:
    server = Server(limits=LIMITS)
    two = server.add_application(APP, rooms={"a": RoomExtension, "b": RoomExtension})
    none = server.add_application("other")
    async with Stage(server):
        with pytest.raises(TypeError, match="'a', 'b'"):
            await two.rooms.create("new")

        assert "room" == (await none.rooms.create("new")).kind


async def test_a_handler_of_a_room_may_make_another() -> None:
    class Table(RoomExtension):
        @handles("again")
        async def again(self, user: User) -> str:
            room = await self.application.rooms.create()
            user.move_to(room, leaving=self.room)
            return room.name

        @handles("wrong")
        async def wrong(self, user: User) -> None:
            room = await self.application.rooms.create()
            await room.join(user)

    server = Server(limits=LIMITS)
    rooms = server.add_application(APP, rooms={"table": Table}).rooms
    async with Stage(server) as stage:
        await rooms.create("first", auto_remove=AutoRemove.WHEN_EMPTY)
        ann = await stage.player("ann")
        await ann.join("first")

        assert "table-1" == await ann.request("again")
        await stage.settle()
        assert ["table-1"] == list(rooms)
        assert ["ann"] == list(rooms["table-1"].members)
        reply = await ann.exchange(eventType=11, roomName="table-1", action="wrong")
        assert 500 == reply["error"]["code"]
        assert ["table-1", "table-2"] == list(rooms)


def test_settings_that_every_room_would_stumble_over_are_refused_at_once() -> None:
    class Misspelt(RoomExtension):
        client_options = ("capacity", "max_users")

    class Empty(RoomExtension):
        max_users = 0

    with pytest.raises(TypeError, match=r"Misspelt.client_options names 'max_users'"):
        Server().add_application(APP, rooms={"table": Misspelt})
    with pytest.raises(ValueError, match="capacity"):
        Server().add_application(APP, rooms={"table": Empty})


def test_a_kinds_settings_are_its_rooms_options() -> None:
    class Table(RoomExtension):
        max_users = 2
        password = "open sesame"
        hidden = locked = spectators = True
        announce_members = False

    options = options_of(Table, made_by_client=False)

    assert (2, "open sesame", True, True, True, False) == (
        options.capacity,
        options.password,
        options.hidden,
        options.locked,
        options.spectators,
        options.announce_members,
    )
    assert AutoRemove.NEVER is options.auto_remove
    assert AutoRemove.WHEN_EMPTY is options_of(Table, made_by_client=True).auto_remove
    Table.auto_remove = AutoRemove.NEVER
    assert AutoRemove.NEVER is options_of(Table, made_by_client=True).auto_remove


async def test_rooms_that_are_made_stand_though_their_handler_fails() -> None:
    class Lobby(ApplicationExtension):
        @handles("make")
        async def make(self, user: User) -> None:
            await self.application.rooms.create("new")
            raise Refused("no")

    server = Server(limits=LIMITS)
    rooms = server.add_application(APP, Lobby).rooms
    async with Stage(server) as stage:
        ann = await stage.player("ann")
        await ann.exchange(eventType=11, action="make")

        assert ["new"] == list(rooms)


# -- joining by name --------------------------------------------------------------------------


class Fickle(RoomExtension):
    """A room that ends as soon as it is made."""

    def init(self) -> None:
        self.room.close()


async def test_who_joins_makes_the_room_that_is_missing(hall: Stage) -> None:
    await hall.player("ann", app=APP)
    ann = hall.server.applications[APP].users["ann"]
    room = await rooms_of(hall).join(ann, "new", "den", capacity=3)

    assert (ann, 3, ["ann"]) == (room.maker, room.capacity, list(room.members))
    await room.leave(ann)
    assert "new" not in rooms_of(hall)


async def test_who_joins_a_missing_room_of_no_kind_is_refused(hall: Stage) -> None:
    await hall.player("ann", app=APP)
    ann = hall.server.applications[APP].users["ann"]

    with pytest.raises(RoomNotFound):
        await rooms_of(hall).join(ann, "new")
    with pytest.raises(TypeError, match="say the kind of room to make with 'capacity'"):
        await rooms_of(hall).join(ann, "new", capacity=3)
    with pytest.raises(TypeError, match="no option 'size'"):
        await rooms_of(hall).join(ann, "new", "den", size=3)


async def test_many_who_join_a_missing_room_at_once_sit_in_one(hall: Stage) -> None:
    users = []
    for number in range(20):
        await hall.player(f"user {number}", app=APP)
        users.append(hall.server.applications[APP].users[f"user {number}"])
    rooms = await asyncio.gather(*(rooms_of(hall).join(user, "new", "den") for user in users))

    assert 1 == len({id(room) for room in rooms})
    assert {user.name for user in users} == set(rooms[0].members)


async def test_a_room_whose_name_reads_like_anothers_is_not_made_for_a_join(hall: Stage) -> None:
    await hall.player("ann", app=APP)
    ann = hall.server.applications[APP].users["ann"]

    with pytest.raises(RoomExists):
        await rooms_of(hall).join(ann, ROOM.upper(), "den")


async def test_a_room_that_always_ends_at_once_is_not_made_for_ever() -> None:
    server = Server(limits=LIMITS)
    server.add_application(APP, rooms={"fickle": Fickle})
    async with Stage(server) as stage:
        await stage.player("ann", app=APP)
        with pytest.raises(RoomNotFound):
            await rooms_of(stage).join(server.applications[APP].users["ann"], "new", "fickle")

        assert {} == dict(rooms_of(stage))


async def test_a_hook_of_a_room_may_not_join_by_name(hall: Stage, diary: Diary) -> None:
    ann = await hall.player("ann", app=APP)
    diary.deeds["on_join"] = lambda user, _: rooms_of(hall).join(user, "new", "den")
    with pytest.raises(RequestRefused):
        await ann.join(ROOM)

    assert "new" not in rooms_of(hall)


# -- the end of a room ------------------------------------------------------------------------


class Closing(RoomExtension):
    """Writes down how it ends."""

    lines: ClassVar[list[str]] = []

    def on_leave(self, user: User, reason: LeaveReason) -> None:
        self.lines.append(f"{user.name} {reason}")

    def on_close(self) -> None:
        self.lines.append(f"closed with {len(self.room.members)}")


@pytest.fixture
async def closing() -> AsyncIterator[Stage]:
    server = Server(limits=LIMITS)
    server.add_application(APP, rooms={"closing": Closing})
    Closing.lines.clear()
    async with Stage(server) as stage:
        yield stage


async def test_a_room_hears_of_its_end_after_all_have_left(closing: Stage) -> None:
    room = await rooms_of(closing).create("new")
    for name in ("ann", "bob"):
        player = await closing.player(name, app=APP)
        await player.join("new")
    room.close()
    room.close()
    await closing.settle()

    assert ["ann room_closed", "bob room_closed", "closed with 0"] == Closing.lines


async def test_a_room_that_its_last_member_leaves_hears_of_its_end(closing: Stage) -> None:
    await closing.player("ann", app=APP)
    ann = closing.server.applications[APP].users["ann"]
    room = await rooms_of(closing).join(ann, "new", "closing")
    await room.leave(ann)
    await closing.settle()

    assert ["ann left", "closed with 0"] == Closing.lines


async def test_what_on_close_raises_is_logged_and_no_more(closing: Stage) -> None:
    room = await rooms_of(closing).create("new")

    def fail() -> None:
        raise ZeroDivisionError

    room.extension.add_handler(Event.CLOSE, fail)
    with capture_logs() as log:
        room.close()
        await closing.settle()

    assert "handler_failed" in [line["event"] for line in log]
    assert "new" not in rooms_of(closing)
