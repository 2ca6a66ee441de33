"""Dispatch: what a connection may ask for in each state."""

from __future__ import annotations

import pytest

from goroom import Server
from goroom.messages import EventType
from goroom.testing import Stage
from tests.diary import APP, LIMITS, ROOM, Diary, refusal
from tests.returning import code_of

SERVED_TO_ALL = {EventType.JOIN_APP, EventType.LOGIN, EventType.RECONNECT}
REFUSED_TO_USERS = {
    EventType.ROOM_ADD,
    EventType.ROOM_REMOVE,
    EventType.ROOM_UPDATE,
    EventType.MEMBER_AWAY,
    EventType.MEMBER_BACK,
}
NUMBERS = [*map(int, EventType), 0, 14, 99, -1]


@pytest.mark.parametrize("number", [number for number in NUMBERS if number != 1])
async def test_before_login_three_events_are_served(number: int, hall: Stage) -> None:
    player = await hall.connect(app=APP)
    reply = await player.exchange(eventType=number)

    assert (code_of(reply) != 2) is (number in SERVED_TO_ALL)


@pytest.mark.parametrize("number", [number for number in NUMBERS if number != 1])
async def test_after_login_what_only_the_server_says_is_10(number: int, hall: Stage) -> None:
    player = await hall.player("ann", app=APP)
    reply = await player.exchange(eventType=number)

    is_event = number in set(EventType)
    assert (code_of(reply) == 10) is (number in REFUSED_TO_USERS or not is_event)


@pytest.mark.parametrize("is_logged_in", [False, True])
async def test_a_connection_frame_does_nothing(is_logged_in: bool, hall: Stage) -> None:  # noqa: FBT001 -- an example
    player = await (hall.player("ann", app=APP) if is_logged_in else hall.connect(app=APP))
    player.send_frame(eventType=1, appName=APP, id=9, data={"Connection": {"id": "x"}})

    await player.quiet()


@pytest.mark.parametrize("app", ["", "unknown", "TEST"])
async def test_an_application_that_does_not_exist_is_1(app: str, hall: Stage) -> None:
    player = await hall.connect(app=app)

    assert 1 == (await refusal(player.login("ann")))[0]


async def test_an_error_echoes_the_data_and_names_room_and_application(hall: Stage) -> None:
    player = await hall.connect(app=APP)
    reply = await player.exchange(
        eventType=EventType.LOGIN, roomName="r", data={"username": "", "x": [1], "roomName": "no"}
    )

    assert {"username": "", "x": [1], "roomName": "r", "appName": APP} == reply["data"]
    assert (500, 21, "username") == (
        reply["code"],
        reply["error"]["code"],
        reply["error"]["field"],
    )


@pytest.mark.parametrize("name", ["__class__", "on_join", "init", "add_handler", "state", "join"])
async def test_a_name_of_the_inside_is_an_unknown_action(name: str, diary: Diary) -> None:
    server = Server(limits=LIMITS)
    application = server.add_application(APP)
    async with Stage(server) as stage:
        await application.rooms.create(ROOM)
        player = await stage.player("ann")
        await player.join(ROOM)

        for room in (ROOM, ""):
            assert 22 == (await refusal(player.request(name, room=room)))[0]


async def test_a_foreign_room_is_as_one_that_does_not_exist(hall: Stage) -> None:
    await hall.server.applications["other"].rooms.create("theirs")
    player = await hall.player("ann", app=APP)
    for event in (4, 5, 9, 10, 11):
        answers = [
            await player.exchange(eventType=event, roomName=room, data={"roomName": room})
            for room in ("theirs", "nobodys")
        ]
        texts = [str(answer["error"]) for answer in answers]

        assert 7 == code_of(answers[0])
        assert texts[0] == texts[1]
