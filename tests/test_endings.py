"""Endings: how a login ends, and what races that."""

from __future__ import annotations

import asyncio

import pytest

from goroom import Disconnect, Refused, User
from goroom.messages import EventType
from goroom.testing import Player, Stage
from tests.diary import (
    APP,
    ENDING,
    ENDING_HOOKS,
    ROOM,
    Diary,
    in_room,
    make_server,
    refusal,
    users_of,
)


async def end_by(way: str, stage: Stage, player: Player) -> None:
    if way == "logout":
        await player.logout()
    elif way == "disconnection":
        await player.call(EventType.DISCONNECTION)
    elif way == "cut":
        await player.cut()
    elif way == "close":
        await player.close()
    elif way == "kick":
        users_of(stage)["ann"].kick("enough")
    elif way == "shutdown":
        await stage.close()
    await stage.settle()


WAYS = {
    "logout": "logged_out",
    "disconnection": "logged_out",
    "cut": "disconnected",
    "close": "disconnected",
    "kick": "kicked",
    "shutdown": "shutdown",
}


@pytest.mark.parametrize(("way", "reason"), WAYS.items())
async def test_an_end_runs_its_hooks_once_and_in_order(way: str, reason: str) -> None:
    diary = Diary()
    async with Stage(make_server(diary)) as stage:
        ann = await in_room(stage)
        diary.lines.clear()
        await end_by(way, stage, ann)

        assert [line.format(reason=reason) for line in ENDING] == diary.of(*ENDING_HOOKS)
        assert {} == dict(users_of(stage))
        assert {} == dict(stage.server.applications[APP].rooms[ROOM].members)


@pytest.mark.parametrize("error", [OSError("secret"), Refused("stay"), Disconnect(4503)])
@pytest.mark.parametrize("way", ["cut", "kick"])
@pytest.mark.parametrize("hook", ENDING_HOOKS)
async def test_nothing_that_a_hook_raises_keeps_who_goes(
    hook: str, way: str, error: Exception, diary: Diary, hall: Stage
) -> None:
    ann = await in_room(hall)
    diary.failures[hook] = error
    await end_by(way, hall, ann)

    assert [line.format(reason=WAYS[way]) for line in ENDING] == diary.of(*ENDING_HOOKS)
    assert {} == dict(users_of(hall))
    assert "secret" not in str(ann.frames)


@pytest.mark.parametrize("hook", ENDING_HOOKS)
async def test_a_hook_that_hangs_keeps_nobody_for_longer_than_its_limit(
    hook: str, diary: Diary, hall: Stage
) -> None:
    ann = await in_room(hall)
    diary.hold(hook)
    await ann.cut()
    await hall.advance(5.2)

    assert [line.format(reason="disconnected") for line in ENDING] == diary.of(*ENDING_HOOKS)
    assert {} == dict(users_of(hall))


@pytest.mark.parametrize("way", ["kick", "cut", "logout"])
@pytest.mark.parametrize("hook", ENDING_HOOKS)
async def test_two_ends_at_once_are_one(hook: str, way: str, diary: Diary, hall: Stage) -> None:
    ann = await in_room(hall)
    diary.hold(hook)
    users_of(hall)["ann"].kick()
    await hall.settle()
    if way == "logout":
        ann.send_frame(eventType=EventType.LOGOUT, appName=APP)
        await hall.settle()
    else:
        await end_by(way, hall, ann)
    diary.let_go(hook)
    await hall.settle()

    assert [line.format(reason="kicked") for line in ENDING] == diary.of(*ENDING_HOOKS)
    assert {} == dict(users_of(hall))


async def test_on_logout_may_refuse(diary: Diary, hall: Stage) -> None:
    ann = await in_room(hall)
    diary.failures["on_logout"] = Refused("finish your game")

    assert (5, "finish your game") == await refusal(ann.logout())
    assert [] == diary.of(*ENDING_HOOKS)
    await ann.request("say")


async def test_on_disconnect_may_refuse_what_the_client_asked(diary: Diary, hall: Stage) -> None:
    ann = await in_room(hall)
    diary.failures["on_disconnect"] = Refused("stay")

    assert (11, "stay") == await refusal(ann.call(EventType.DISCONNECTION))
    assert ["on_disconnect ann logged_out"] == diary.of(*ENDING_HOOKS)
    await ann.request("say")


@pytest.mark.parametrize("hook", ["on_logout", "on_disconnect"])
async def test_disconnect_in_an_ending_hook_closes(hook: str, diary: Diary, hall: Stage) -> None:
    ann = await in_room(hall)
    diary.failures[hook] = Disconnect(4503, "banned")
    event = EventType.LOGOUT if hook == "on_logout" else EventType.DISCONNECTION
    ann.send_frame(eventType=event, appName=APP, id=50)
    await hall.settle()

    assert (4503, "banned") == ann.closed
    assert {} == dict(users_of(hall))
    assert 1 == len(diary.of("on_leave"))


async def test_no_logout_runs_for_who_is_gone(diary: Diary, hall: Stage) -> None:
    ann = await in_room(hall)
    diary.hold("on_disconnect")
    users_of(hall)["ann"].kick()
    await hall.settle()
    ann.send_frame(eventType=EventType.LOGOUT, appName=APP, id=50)
    await hall.settle()
    diary.let_go("on_disconnect")
    await hall.settle()

    assert [] == diary.of("on_logout")


async def test_a_message_that_waited_for_the_end_is_not_handled(diary: Diary, hall: Stage) -> None:
    ann = await in_room(hall)
    diary.hold("on_disconnect")
    users_of(hall)["ann"].kick()
    await hall.settle()
    ann.send("hello", room="")
    await hall.settle()
    diary.let_go("on_disconnect")
    await hall.settle()

    assert [] == diary.of("on_message")


async def test_who_was_never_logged_in_cannot_be_kicked(diary: Diary, hall: Stage) -> None:
    kept: list[User] = []
    diary.deeds["on_login"] = kept.append
    diary.failures["on_login"] = Refused("no")
    ann = await hall.connect(app=APP)
    await refusal(ann.login("ann"))
    kept[0].kick()
    await hall.settle()

    assert [] == diary.of(*ENDING_HOOKS)
    assert ann.closed is None


async def test_a_kick_ends_all_connections_and_spares_other_applications() -> None:
    diary = Diary()
    async with Stage(make_server(diary, double_login="allow:2")) as stage:
        first, second = [await stage.player("ann", app=APP) for _ in range(2)]
        await second.exchange(eventType=EventType.LOGIN, appName="other", data={"username": "x"})
        users_of(stage)["ann"].kick("enough")
        await stage.settle()

        assert (4500, "enough") == first.closed
        assert second.closed is None
        frame = await second.expect_event(EventType.DISCONNECTION)
        assert ("ann", "enough") == (frame["data"]["userName"], frame["data"]["message"])
        assert ["x"] == list(stage.server.applications["other"].users)
        assert 1 == len(diary.of("on_disconnect"))


async def test_who_logs_in_anew_while_it_is_kicked_is_put_out_with_it(
    diary: Diary, hall: Stage
) -> None:
    ann = await hall.player("ann", app=APP)
    diary.hold("on_disconnect")
    ann.send_frame(eventType=EventType.DISCONNECTION, appName=APP)
    ann.send_frame(eventType=EventType.LOGIN, appName=APP, data={"username": "ann"})
    await hall.settle()
    users_of(hall)["ann"].kick("out")
    await hall.settle()
    diary.let_go("on_disconnect")
    await hall.settle()

    assert (4500, "out") == ann.closed
    assert {} == dict(users_of(hall))
    assert len(diary.of("on_login")) == len(diary.of("on_disconnect"))


@pytest.mark.parametrize("way", ["kick", "cut", "shutdown"])
async def test_who_ends_while_on_join_waits_leaves_once(way: str) -> None:
    diary = Diary()
    async with Stage(make_server(diary)) as stage:
        ann = await stage.player("ann", app=APP)
        room = stage.server.applications[APP].rooms[ROOM]
        diary.hold("on_join")
        ann.send_frame(eventType=EventType.JOIN_ROOM, appName=APP, data={"roomName": ROOM})
        await stage.settle()
        ending = asyncio.ensure_future(end_by(way, stage, ann))
        await stage.settle()
        diary.let_go("on_join")
        await ending
        await stage.settle()

        assert 1 == len(diary.of("on_leave"))
        assert 1 == len(diary.of("on_disconnect"))
        assert {} == dict(room.members)
        assert {} == dict(users_of(stage))


@pytest.mark.parametrize("way", ["kick", "cut"])
async def test_who_ends_while_a_join_is_refused_leaves_nothing(
    way: str, diary: Diary, hall: Stage
) -> None:
    ann = await hall.player("ann", app=APP)
    diary.hold("on_join")
    diary.failures["on_join"] = Refused("no")
    ann.send_frame(eventType=EventType.JOIN_ROOM, appName=APP, data={"roomName": ROOM})
    await hall.settle()
    await end_by(way, hall, ann)
    diary.let_go("on_join")
    await hall.settle()

    assert [] == diary.of("on_leave")
    assert {} == dict(users_of(hall))


async def test_who_is_out_of_a_room_meanwhile_hears_no_disconnect_there(
    diary: Diary, hall: Stage
) -> None:
    await in_room(hall)
    room = hall.server.applications[APP].rooms[ROOM]
    diary.hold("on_disconnect")
    user = users_of(hall)["ann"]
    user.kick()
    await hall.settle()
    room.kick(user)
    await hall.settle()
    diary.let_go("on_disconnect")
    await hall.settle()

    assert ["on_disconnect ann kicked", "on_leave ann den kicked"] == diary.of(*ENDING_HOOKS)


@pytest.mark.parametrize("event", [EventType.LOGOUT, EventType.DISCONNECTION])
async def test_one_of_two_connections_goes_and_the_other_stays(event: EventType) -> None:
    diary = Diary()
    async with Stage(make_server(diary, double_login="allow:2")) as stage:
        first, second = [await stage.player("ann", app=APP) for _ in range(2)]
        await first.join(ROOM)
        reply = await first.call(event)
        stage.server.applications[APP].rooms[ROOM].broadcast("said")

        assert "ann" == reply["data"]["userName"]
        assert [] == await first.received("said")
        await second.expect("said")
        assert [] == diary.of(*ENDING_HOOKS)
        assert 2 == (await refusal(first.join(ROOM)))[0]
