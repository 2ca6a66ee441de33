"""Seating: which room a JOIN_ROOM asks for, made where the kind allows, and joined."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from goroom import ApplicationExtension, Refused, RoomExtension, Server, User
from goroom.errors import RequestRefused
from goroom.messages import EventType
from goroom.testing import Player, Stage
from tests.diary import APP, LIMITS, ROOM, Diary, make_server, refusal


async def asked(stage: Stage, **data: Any) -> dict[str, Any]:
    """Return the answer to a JOIN_ROOM of a new user."""
    number = len(stage.server.connections)
    player = await stage.player(f"user {number}", app=APP)
    return await player.exchange(eventType=EventType.JOIN_ROOM, data=data)


async def ask(stage: Stage, **data: Any) -> Player:
    """Send a JOIN_ROOM of a new user that is held up somewhere."""
    player = await stage.player(f"user {len(stage.server.connections)}", app=APP)
    player.send_frame(eventType=EventType.JOIN_ROOM, appName=APP, data=data, id=99)
    await stage.settle()
    return player


async def answers(*players: Player) -> list[Any]:
    """Return the data with which each was answered."""
    return [(await player.expect_event(EventType.JOIN_ROOM, id=99))["data"] for player in players]


FIELDS = {
    "capacity": [0, -1, 101, 2.0, "2", [], {}, True],
    "password": [3, 1.5, [], {}, True],
    "hidden": [0, 1, "true", [], {}],
    "locked": [0, 1, "true", [], {}],
    "autoRemove": ["sometimes", 1, [], {}, True],
    "properties": ["text", 3, [], True],
    "create": ["yes", 1, 0, [], {}],
    "kind": [3, [], {}, True, "unknown"],
    "roomName": [3, [], {}, True],
}


@pytest.mark.parametrize(
    ("field", "value"), [(field, value) for field, values in FIELDS.items() for value in values]
)
async def test_a_wrong_value_is_21_with_its_field_and_makes_nothing(
    field: str, value: object, hall: Stage
) -> None:
    data = {"roomName": "new", "create": True, "kind": "den", field: value}
    answer = await asked(hall, **data)

    assert (21, field) == (answer["error"]["code"], answer["error"]["field"])
    assert [ROOM] == list(hall.server.applications[APP].rooms)


@pytest.mark.parametrize(
    ("field", "value"), [("password", "x" * 129), ("properties", {"it": "x" * 4100})]
)
async def test_a_value_over_its_limit_is_24_with_its_field(
    field: str, value: object, hall: Stage
) -> None:
    answer = await asked(hall, roomName="new", create=True, **{field: value})

    assert (24, field) == (answer["error"]["code"], answer["error"]["field"])


async def test_limits_say_how_long_a_password_may_be() -> None:
    limits = attrs.evolve(LIMITS, password_characters=200)
    async with Stage(make_server(Diary(), limits=limits)) as stage:
        answer = await asked(stage, roomName="new", create=True, password="x" * 200)

        assert "error" not in answer


async def test_what_the_kind_lets_choose_is_chosen(hall: Stage) -> None:
    await asked(
        hall,
        roomName="new",
        create=True,
        capacity=3,
        password="open sesame",
        hidden=True,
        locked=False,
        autoRemove="when_empty_and_maker_gone",
        properties={"level": 3, "gone": None},
        spectators=False,
        announceMembers=False,
    )
    options = hall.server.applications[APP].rooms["new"].options

    assert (3, "open sesame", True, False) == (
        options.capacity,
        options.password,
        options.hidden,
        options.locked,
    )
    assert "when_empty_and_maker_gone" == options.auto_remove
    assert {"level": 3} == options.properties
    assert (True, True) == (options.spectators, options.announce_members)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({}, 6),
        ({"roomName": " "}, 6),
        ({"create": True}, 6),
        ({"create": "if_missing"}, 6),
        ({"roomName": "new"}, 7),
        ({"roomName": "new", "create": False}, 7),
        ({"roomName": ROOM, "create": True}, 25),
        ({"roomName": "x" * 65, "create": True}, 21),
        ({"kind": "unknown"}, 21),
    ],
)
async def test_what_names_no_room_is_refused(data: dict[str, Any], code: int, hall: Stage) -> None:
    assert code == (await asked(hall, **data))["error"]["code"]


async def test_a_kind_alone_finds_an_open_room_or_makes_one(diary: Diary, hall: Stage) -> None:
    rooms = hall.server.applications[APP].rooms
    rooms[ROOM].update(capacity=1)
    joined = [(await asked(hall, kind="den"))["data"]["roomName"] for _ in range(3)]

    assert [ROOM, "den-1", "den-1"] == joined
    first = await asked(hall, kind="den", create="if_missing")
    assert "den-1" == first["data"]["roomName"]
    assert "den-2" == (await asked(hall, kind="den", create=True))["data"]["roomName"]


async def test_who_is_too_late_for_a_seat_gets_one_elsewhere(diary: Diary, hall: Stage) -> None:
    rooms = hall.server.applications[APP].rooms
    rooms[ROOM].update(capacity=1)
    diary.hold("on_join")
    players = [await ask(hall, kind="den") for _ in range(2)]
    diary.let_go("on_join")

    assert [ROOM, "den-1"] == [data["roomName"] for data in await answers(*players)]


async def test_a_room_that_refuses_is_no_reason_to_look_elsewhere(
    diary: Diary, hall: Stage
) -> None:
    diary.failures["on_join"] = Refused("no")

    assert 12 == (await asked(hall, kind="den"))["error"]["code"]
    assert [ROOM] == list(hall.server.applications[APP].rooms)


async def test_rooms_one_is_in_are_passed_over(hall: Stage) -> None:
    ann = await hall.player("ann", app=APP)
    names = [(await ann.join(kind="den"))["roomName"] for _ in range(2)]

    assert [ROOM, "den-1"] == names


async def test_the_only_kind_need_not_be_named(hall: Stage) -> None:
    assert "den" == (await asked(hall, roomName="new", create=True))["data"]["kind"]


@pytest.mark.parametrize(
    ("answer", "code"), [(False, 26), (None, 26), (OSError("secret"), 500), (Refused("later"), 12)]
)
async def test_may_create_decides(answer: object, code: int) -> None:
    class Lobby(ApplicationExtension):
        def may_create(self, user: User, kind: str) -> bool:
            if isinstance(answer, Exception):
                raise answer
            return bool(answer)

    server = Server(limits=LIMITS)
    server.add_application(APP, Lobby, rooms={"a": RoomExtension, "b": RoomExtension})
    async with Stage(server) as stage:
        for data in ({"roomName": "new", "create": True, "kind": "a"}, {"kind": "b"}):
            reply = await asked(stage, **data)
            assert code == reply["error"]["code"]
            assert "secret" not in str(reply)
        assert 21 == (await asked(stage, roomName="new", create=True))["error"]["code"]
        assert [] == list(server.applications[APP].rooms)


async def test_two_who_make_one_room_at_once_are_in_one_room(diary: Diary, hall: Stage) -> None:
    diary.hold("room.init")
    players = [await ask(hall, roomName="new", create="if_missing") for _ in range(2)]
    diary.let_go("room.init")

    assert [1, 2] == [data["count"] for data in await answers(*players)]


async def test_a_room_made_by_one_who_could_not_join_it_goes_in_a_minute(
    diary: Diary, hall: Stage
) -> None:
    diary.failures["on_join"] = Refused("no")
    await asked(hall, roomName="new", create=True)
    rooms = hall.server.applications[APP].rooms
    await hall.advance(59)
    assert "new" in rooms
    await hall.advance(2)

    assert "new" not in rooms


async def test_a_join_that_waits_when_the_minute_ends_keeps_the_room(
    diary: Diary, hall: Stage
) -> None:
    diary.failures["on_join"] = Refused("no")
    await asked(hall, roomName="new", create=True)
    diary.failures.clear()
    await hall.advance(59)
    diary.hold("on_join")
    late = await ask(hall, roomName="new")
    await hall.advance(2)
    diary.let_go("on_join")

    assert [1] == [data["count"] for data in await answers(late)]
    await hall.settle()
    assert 1 == len(hall.server.applications[APP].rooms["new"].members)


async def test_options_that_the_kind_does_not_list_are_passed_over() -> None:
    class Lobby(ApplicationExtension):
        def may_create(self, user: User, kind: str) -> bool:
            return True

    server = Server(limits=LIMITS)
    server.add_application(APP, Lobby)
    async with Stage(server) as stage:
        await asked(stage, roomName="new", create=True, capacity="many", hidden=3)

        assert 100 == server.applications[APP].rooms["new"].capacity


@pytest.mark.parametrize(
    ("options", "data", "reason"),
    [
        ({"locked": True}, {}, "locked"),
        ({"password": "x"}, {}, "wrong_password"),
        ({"password": "x"}, {"password": "y"}, "wrong_password"),
        ({"capacity": 1}, {}, "room_full"),
        ({"password": "x"}, {"password": "x"}, None),
        ({"hidden": True}, {}, None),
    ],
)
async def test_each_option_of_a_room_refuses_or_lets_pass(
    options: dict[str, Any], data: dict[str, str], reason: str | None, hall: Stage
) -> None:
    room = await hall.server.applications[APP].rooms.create("closed", "den", **options)
    if "capacity" in options:
        await asked(hall, roomName="closed")
    answer = await asked(hall, roomName="closed", **data)

    assert reason == answer.get("error", {}).get("reason")
    other = await hall.player("server's", app=APP)
    joining = room.join(hall.server.applications[APP].users[other.name])
    if "capacity" in options:
        with pytest.raises(Refused):
            await joining
    else:
        await joining


async def test_a_wrong_password_keeps_a_spectator_out(hall: Stage) -> None:
    await hall.server.applications[APP].rooms.create("closed", "den", password="x")
    eve = await hall.player("eve", app=APP)

    assert (26, "The password is wrong") == await refusal(eve.watch("closed"))
    with pytest.raises(RequestRefused):
        await eve.join("closed")
    await eve.call(EventType.SUBSCRIBE_ROOM, {"roomName": "closed", "password": "x"})
