"""Membership: joins and leaves, refused, late, failing, racing; kicks, closes, moves."""

from __future__ import annotations

import asyncio
from typing import Any

import attrs
import pytest
from structlog.testing import capture_logs

from goroom import AutoRemove, Disconnect, LeaveReason, Refused, User
from goroom.messages import EventType
from goroom.testing import Player, Stage
from tests.diary import APP, LIMITS, ROOM, Diary, make_server, refusal
from tests.returning import (
    GRACE,
    NOTHING,
    code_of,
    news,
    presence,
    reconnect,
    remains,
    room_of,
    seated,
    told,
    user_of,
)


async def in_room(stage: Stage, name: str = "ann") -> Player:
    player = await stage.player(name, app=APP)
    await player.join(ROOM)
    return player


async def begin(player: Player, event: EventType, room: str = ROOM, **data: Any) -> None:
    """Send a request whose hook is held up."""
    player.send_frame(eventType=event, appName=APP, data={"roomName": room, **data}, id=99)
    await player.settle()


# -- joining ------------------------------------------------------------------------------------


async def test_on_join_sees_the_newcomer_and_nobody_else_does(diary: Diary, hall: Stage) -> None:
    seen: list[list[str]] = []
    await in_room(hall, "bob")
    diary.deeds["on_join"] = lambda *_: seen.append(list(room_of(hall).members))
    diary.hold("on_join")
    ann = await hall.player("ann", app=APP)
    await begin(ann, EventType.JOIN_ROOM)

    assert ["bob"] == list(room_of(hall).members)
    assert {} == dict(user_of(hall).rooms)
    diary.let_go("on_join")
    await hall.settle()
    assert [["bob", "ann"]] == seen
    assert [ROOM] == list(user_of(hall).rooms)


async def test_a_join_is_the_reply_then_the_push_then_what_on_join_sent(
    diary: Diary, hall: Stage
) -> None:
    bob = await in_room(hall, "bob")
    diary.deeds["on_join"] = lambda user, _: room_of(hall).broadcast("hi", user.name)
    ann = await in_room(hall)
    await hall.settle()

    reply = next(frame for frame in ann.frames if frame["eventType"] == EventType.JOIN_ROOM)
    greeting = await ann.receive()
    push = await bob.expect_event(EventType.JOIN_ROOM, sender="ann")
    assert reply["seq"] == push["seq"]
    assert (reply["seq"] + 1, "hi") == (greeting["seq"], greeting["action"])


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (Refused("no shoes"), (12, "no shoes")),
        (Refused(code=1001, message="x"), (1001, "x")),
        (OSError("secret"), (500, "Server Error")),
        (SystemExit("secret"), (500, "Server Error")),
    ],
)
async def test_a_join_that_raises_never_was(
    error: BaseException, expected: tuple[int, str], diary: Diary, hall: Stage
) -> None:
    bob = await in_room(hall, "bob")
    ann = await hall.player("ann", app=APP)
    await bob.received()
    diary.deeds["on_join"] = lambda *_: room_of(hall).broadcast("leaked")
    diary.failures["on_join"] = error

    assert expected == await refusal(ann.join(ROOM))
    await bob.quiet()
    assert {} == dict(user_of(hall).rooms)
    assert [] == diary.of("on_leave")
    assert "secret" not in str(ann.frames)


async def test_a_join_that_hangs_is_27_and_the_room_goes_on(diary: Diary, hall: Stage) -> None:
    bob = await in_room(hall, "bob")
    ann = await hall.player("ann", app=APP)
    diary.hold("on_join")
    await begin(ann, EventType.JOIN_ROOM)
    bob.send("say")
    await hall.advance(5.2)

    assert 27 == (await ann.expect_event(EventType.JOIN_ROOM))["error"]["code"]
    await bob.expect("said")
    assert ["bob"] == list(room_of(hall).members)


async def test_disconnect_in_on_join_closes(diary: Diary, hall: Stage) -> None:
    ann = await hall.player("ann", app=APP)
    diary.failures["on_join"] = Disconnect(4503, "banned")
    await begin(ann, EventType.JOIN_ROOM)

    assert (4503, "banned") == ann.closed
    assert [] == diary.of("on_leave")


async def test_of_many_who_race_for_the_last_seat_one_gets_it(diary: Diary, hall: Stage) -> None:
    room = await hall.server.applications[APP].rooms.create("duel", capacity=2)
    players = [await hall.player(f"user {number}", app=APP) for number in range(20)]
    await players[0].join("duel")
    diary.hold("on_join")
    for player in players[1:]:
        await begin(player, EventType.JOIN_ROOM, "duel")
    diary.let_go("on_join")
    await hall.settle()
    answers = [await player.expect_event(EventType.JOIN_ROOM, id=99) for player in players[1:]]

    assert [0] + [20] * 18 == sorted(answer.get("error", {}).get("code", 0) for answer in answers)
    assert 2 == len(room.members)


async def test_a_second_join_turned_away_leaves_the_first_alone() -> None:
    diary = Diary()
    limits = attrs.evolve(LIMITS, lane_waiting=1)
    async with Stage(make_server(diary, limits=limits, double_login="allow:2")) as stage:
        bob = await in_room(stage, "bob")
        first, second = [await stage.player("ann", app=APP) for _ in range(2)]
        diary.hold("on_join")
        await begin(first, EventType.JOIN_ROOM)
        bob.send("say")
        await begin(second, EventType.JOIN_ROOM)
        assert 29 == (await second.expect_event(EventType.JOIN_ROOM))["error"]["code"]
        user_of(stage).kick()
        await stage.settle()
        diary.let_go("on_join")
        await stage.settle()

        assert ["bob"] == list(room_of(stage).members)
        assert 1 == len(diary.of("on_leave"))


async def test_a_join_that_waited_for_a_room_that_closed_is_7(diary: Diary, hall: Stage) -> None:
    bob = await in_room(hall, "bob")
    ann = await hall.player("ann", app=APP)
    room = room_of(hall)
    diary.hold("act")
    diary.deeds["act"] = lambda _: room.close()
    bob.send("act")
    await begin(ann, EventType.JOIN_ROOM)
    diary.let_go("act")
    await hall.settle()

    assert 7 == (await ann.expect_event(EventType.JOIN_ROOM, id=99))["error"]["code"]
    assert ["on_join bob den"] == diary.of("on_join")


async def test_who_is_gone_joins_nothing(diary: Diary, hall: Stage) -> None:
    ann = await hall.player("ann", app=APP)
    user = user_of(hall)
    await ann.cut()

    with pytest.raises(Refused):
        await room_of(hall).join(user)
    assert [] == diary.of("on_join")


async def test_who_closes_the_room_in_on_join_has_joined_and_left(
    diary: Diary, hall: Stage
) -> None:
    diary.deeds["on_join"] = lambda *_: room_of(hall).close()
    ann = await hall.player("ann", app=APP)
    joined = await ann.join(ROOM)
    left = await ann.expect_event(EventType.LEAVE_ROOM)
    await hall.settle()

    assert (["ann"], "room_closed") == (joined["members"], left["data"]["reason"])
    assert ["on_leave ann den room_closed"] == diary.of("on_leave")


async def test_two_rooms_of_one_name_one_after_the_other_are_two(diary: Diary, hall: Stage) -> None:
    ann = await in_room(hall)
    first = room_of(hall)
    first.close()
    second = await hall.server.applications[APP].rooms.create(ROOM, "den")
    await ann.join(ROOM)

    assert (first.sequence.epoch != second.sequence.epoch) is True
    assert {ROOM: second} == dict(user_of(hall).rooms)
    assert ["on_leave ann den room_closed"] == diary.of("on_leave")


# -- leaving ------------------------------------------------------------------------------------


async def test_on_leave_sees_the_leaver_no_more(diary: Diary, hall: Stage) -> None:
    seen: list[list[str]] = []
    ann = await in_room(hall)
    await in_room(hall, "bob")
    diary.deeds["on_leave"] = lambda *_: seen.append(list(room_of(hall).members))
    diary.hold("on_leave")
    await begin(ann, EventType.LEAVE_ROOM)

    assert ["ann", "bob"] == list(room_of(hall).members)
    diary.let_go("on_leave")
    await hall.settle()
    assert [["bob"]] == seen


async def test_a_refused_leave_was_none(diary: Diary, hall: Stage) -> None:
    ann, bob = [await in_room(hall, name) for name in ("ann", "bob")]
    await bob.received()
    diary.deeds["on_leave"] = lambda *_: room_of(hall).broadcast("leaked")
    diary.failures["on_leave"] = Refused("finish your game")

    assert (13, "finish your game") == await refusal(ann.leave())
    await bob.quiet()
    assert [ROOM] == list(user_of(hall).rooms)
    diary.failures.clear()
    await ann.leave()
    assert 2 == len(diary.of("on_leave"))


@pytest.mark.parametrize("error", [OSError("secret"), SystemExit()])
async def test_a_leave_whose_hook_fails_goes_on_without_what_it_sent(
    error: BaseException, diary: Diary, hall: Stage
) -> None:
    ann, bob = [await in_room(hall, name) for name in ("ann", "bob")]
    diary.deeds["on_leave"] = lambda *_: room_of(hall).broadcast("leaked")
    diary.failures["on_leave"] = error
    await ann.leave()

    assert [] == await bob.received("leaked")
    assert ["bob"] == list(room_of(hall).members)


async def test_a_leave_whose_hook_hangs_goes_on(diary: Diary, hall: Stage) -> None:
    ann = await in_room(hall)
    diary.hold("on_leave")
    await begin(ann, EventType.LEAVE_ROOM)
    await hall.advance(5.2)

    assert "error" not in await ann.expect_event(EventType.LEAVE_ROOM, id=99)
    assert {} == dict(room_of(hall).members)


async def test_disconnect_in_on_leave_closes_and_leaves_once(diary: Diary, hall: Stage) -> None:
    ann = await in_room(hall)
    diary.failures["on_leave"] = Disconnect(4503, "banned")
    await begin(ann, EventType.LEAVE_ROOM)

    assert (4503, "banned") == ann.closed
    assert ["on_leave ann den left", "on_leave ann den kicked"] == diary.of("on_leave")
    assert {} == dict(room_of(hall).members)


async def test_the_server_takes_a_member_out_with_a_reason_and_no_refusal(
    diary: Diary, hall: Stage
) -> None:
    ann = await in_room(hall)
    diary.failures["on_leave"] = Refused("stay")
    await room_of(hall).leave(user_of(hall))
    frame = await ann.expect_event(EventType.LEAVE_ROOM)

    assert ("left", False, False) == (frame["data"]["reason"], "id" in frame, "sender" in frame)
    with pytest.raises(Refused):
        await room_of(hall).leave(user_of(hall))


# -- kicks and closes ---------------------------------------------------------------------------


async def test_a_kick_by_name_tells_why_and_runs_on_leave_after_it(
    diary: Diary, hall: Stage
) -> None:
    ann, bob = [await in_room(hall, name) for name in ("ann", "bob")]
    room = room_of(hall)
    diary.deeds["on_leave"] = lambda *_: room.broadcast("gone")
    room.kick("ann", "swearing")
    room.kick("nobody")
    room.kick("ann")
    assert ["bob"] == list(room.members)
    told = await ann.expect_event(EventType.LEAVE_ROOM)
    await bob.expect_event(EventType.LEAVE_ROOM, sender="ann")
    await bob.expect("gone")

    assert ("kicked", "swearing") == (told["data"]["reason"], told["data"]["message"])
    assert ["on_leave ann den kicked"] == diary.of("on_leave")
    assert [] == await ann.received("gone")


@pytest.mark.parametrize("failure", [Refused("stay"), OSError("secret"), Disconnect()])
async def test_nothing_that_on_leave_raises_undoes_a_kick(
    failure: Exception, diary: Diary, hall: Stage
) -> None:
    ann = await in_room(hall)
    diary.failures["on_leave"] = failure
    room_of(hall).kick("ann")
    await hall.settle()

    assert {} == dict(room_of(hall).members)
    await ann.join(ROOM)


async def test_a_kick_of_a_turn_that_fails_never_was(diary: Diary, hall: Stage) -> None:
    ann = await in_room(hall)
    diary.deeds["act"] = lambda _: room_of(hall).kick("ann")
    diary.failures["act"] = Refused("no")

    assert (26, "no") == await refusal(ann.request("act"))
    assert ["ann"] == list(room_of(hall).members)
    assert [] == diary.of("on_leave")


async def test_a_close_tells_all_and_then_runs_each_on_leave_once(
    diary: Diary, hall: Stage
) -> None:
    players = [await in_room(hall, name) for name in ("ann", "bob")]
    room = room_of(hall)

    def tell_and_close(*_: object) -> None:
        room.broadcast("gone")
        room.close()

    diary.deeds["on_leave"] = tell_and_close
    room.close()
    room.close()
    await hall.settle()

    for player in players:
        assert "room_closed" == (await player.expect_event(EventType.LEAVE_ROOM))["data"]["reason"]
        assert [] == await player.received("gone")
    assert ["on_leave ann den room_closed", "on_leave bob den room_closed"] == diary.of("on_leave")
    assert (True, {}) == (room.is_closed, dict(user_of(hall).rooms))
    with pytest.raises(Refused):
        await room.join(user_of(hall))


async def test_400_rooms_that_close_each_other_from_on_leave_all_close(
    diary: Diary, hall: Stage
) -> None:
    ann = await hall.player("ann", app=APP)
    rooms = hall.server.applications[APP].rooms
    chain = [await rooms.create(f"room {number}", "den") for number in range(400)]
    for room in chain:
        await room.join(user_of(hall))
    following = dict(zip([room.name for room in chain], chain[1:], strict=False))

    def close_next(_user: User, name: str, _reason: LeaveReason) -> None:
        if name in following:
            following[name].close()

    diary.deeds["on_leave"] = close_next
    chain[0].close()
    await hall.settle()

    assert [ROOM] == list(rooms)
    assert 400 == len(diary.of("on_leave"))
    assert ann.closed is None


async def test_who_holds_a_room_for_too_long_loses_it_and_everybody_gets_on(
    diary: Diary, hall: Stage
) -> None:
    ends = asyncio.Event()

    async def swallow(_: User) -> None:
        while not ends.is_set():
            try:
                await ends.wait()
            except asyncio.CancelledError:
                continue

    ann, bob = [await in_room(hall, name) for name in ("ann", "bob")]
    diary.deeds["act"] = swallow
    ann.send("act")
    await hall.settle()
    await bob.cut()
    await hall.advance(59)
    assert ["ann", "bob"] == list(hall.server.applications[APP].users)
    await hall.advance(2)

    assert ["ann"] == list(hall.server.applications[APP].users)
    assert [] == list(hall.server.applications[APP].rooms)
    assert {"on_leave ann den room_closed", "on_leave bob den room_closed"} == set(
        diary.of("on_leave")
    )
    ends.set()
    await hall.settle()
    await ann.call(EventType.SUBSCRIBE_ROOM)


# -- moves --------------------------------------------------------------------------------------


async def test_a_move_joins_and_then_leaves(diary: Diary, hall: Stage) -> None:
    await hall.server.applications[APP].rooms.create("two", "den")
    ann = await in_room(hall)
    user_of(hall).move_to("two", leaving=ROOM)
    joined = await ann.expect_event(EventType.JOIN_ROOM, roomName="two")
    left = await ann.expect_event(EventType.LEAVE_ROOM, roomName=ROOM)

    assert (False, "moved") == ("id" in joined, left["data"]["reason"])
    assert ["two"] == list(user_of(hall).rooms)
    assert ["on_join ann two", "on_leave ann den moved"] == diary.lines[-2:]


@pytest.mark.parametrize(("target", "code"), [("nowhere", 7), (ROOM, 8), ("locked", 1001)])
async def test_a_refused_move_is_told_and_leaves_nothing(
    target: str, code: int, diary: Diary, hall: Stage
) -> None:
    await hall.server.applications[APP].rooms.create("locked", "den")
    ann = await in_room(hall)
    diary.failures["on_join"] = Refused("no", code=1001)
    user_of(hall).move_to(target, leaving=ROOM)
    frame = await ann.expect_event(EventType.JOIN_ROOM, roomName=target)

    assert (500, code) == (frame["code"], frame["error"]["code"])
    assert [ROOM] == list(user_of(hall).rooms)


async def test_disconnect_in_the_on_join_of_a_move_closes(diary: Diary, hall: Stage) -> None:
    ann = await hall.player("ann", app=APP)
    diary.failures["on_join"] = Disconnect(4503, "banned")
    user_of(hall).move_to(room_of(hall))
    await hall.settle()

    assert (4503, "banned") == ann.closed


async def test_a_move_out_of_a_room_that_one_is_kicked_from_meanwhile_is_a_move(
    diary: Diary, hall: Stage
) -> None:
    await hall.server.applications[APP].rooms.create("two", "den")
    await in_room(hall)
    bob = await in_room(hall, "bob")
    diary.hold("act")
    diary.deeds["act"] = lambda _: room_of(hall).kick("ann")
    bob.send("act")
    await hall.settle()
    with capture_logs() as logs:
        user_of(hall).move_to("two", leaving=room_of(hall))
        await hall.settle()
        diary.let_go("act")
        await hall.settle()

    assert "task_failed" not in [entry["event"] for entry in logs]
    assert ["two"] == list(user_of(hall).rooms)
    assert ["on_leave ann den kicked"] == diary.of("on_leave")


# -- watching -----------------------------------------------------------------------------------


async def test_a_spectator_hears_shared_events_and_becomes_a_member(
    diary: Diary, hall: Stage
) -> None:
    bob = await in_room(hall, "bob")
    eve = await hall.player("eve", app=APP)
    await eve.watch(ROOM)
    bob.send("say")
    await eve.expect("said")
    room_of(hall).broadcast("private", only="bob")
    assert [] == await eve.received("private")
    assert ["bob"] == list(room_of(hall).members)
    await eve.join(ROOM)
    bob.send("say")

    assert 1 == len(await eve.received("said"))
    assert 8 == (await refusal(eve.watch(ROOM)))[0]


async def test_a_spectator_that_stops_or_goes_hears_nothing_more(diary: Diary, hall: Stage) -> None:
    room = room_of(hall)
    eve, fay = [await hall.player(name, app=APP) for name in ("eve", "fay")]
    await eve.watch(ROOM)
    await fay.watch(ROOM)
    await eve.call(EventType.UNSUBSCRIBE_ROOM, {"roomName": ROOM})
    await eve.call(EventType.UNSUBSCRIBE_ROOM, {"roomName": ROOM})
    await fay.logout()
    room.broadcast("said")

    assert [] == await eve.received("said")
    assert [] == await fay.received("said")
    assert [] == room.membership.everybody()


async def test_spectators_keep_no_room_alive_and_hear_of_its_end(diary: Diary, hall: Stage) -> None:
    rooms = hall.server.applications[APP].rooms
    await rooms.create("short", "den", auto_remove=AutoRemove.WHEN_EMPTY)
    ann, eve = [await hall.player(name, app=APP) for name in ("ann", "eve")]
    await eve.watch("short")
    await ann.join("short")
    await ann.leave()

    await eve.expect_event(EventType.LEAVE_ROOM, roomName="short", sender="ann")
    assert "short" not in rooms


async def test_a_room_may_forbid_to_watch(diary: Diary, hall: Stage) -> None:
    await hall.server.applications[APP].rooms.create("shy", "den", spectators=False)
    eve = await hall.player("eve", app=APP)

    assert 26 == (await refusal(eve.watch("shy")))[0]


# -- the hooks -------------------------------------------------------------------------------

TELLING = {"on_drop": EventType.MEMBER_AWAY, "on_resume": EventType.MEMBER_BACK}


@pytest.mark.parametrize(
    "error",
    [
        Refused("no"),
        Disconnect(4503, "no"),
        OSError("secret"),
        SystemExit(),
        asyncio.CancelledError(),
    ],
)
@pytest.mark.parametrize("hook", ["on_drop", "on_resume", "app.on_drop", "app.on_resume"])
async def test_nothing_that_a_hook_raises_keeps_anybody_away(
    hook: str, error: BaseException, diary: Diary, hall: Stage
) -> None:
    bob = await seated(hall, "bob")
    ann = await seated(hall)
    diary.failures[hook] = error
    diary.deeds[hook] = lambda *_: room_of(hall).broadcast("leaked") if "app" not in hook else None
    with capture_logs() as logs:
        await ann.drop()
        await ann.resume()
        await ann.request("say")

    assert [("join", "ann"), ("away", "ann"), ("back", "ann")] == await presence(bob)
    assert [] == [one for one in bob.frames if one.get("action") == "leaked"]
    assert ann.closed is None
    failed = [log["handler"] for log in logs if log["event"] == "handler_failed"]
    assert (not isinstance(error, (Refused, Disconnect))) == len(failed)


@pytest.mark.parametrize("hook", ["on_drop", "on_resume"])
async def test_a_hook_that_hangs_holds_up_its_event_for_its_time_limit(
    hook: str, diary: Diary, hall: Stage
) -> None:
    bob = await seated(hall, "bob")
    ann = await seated(hall)
    diary.hold(hook)
    await ann.drop()
    if hook == "on_resume":
        await ann.resume()
    before = await presence(bob)
    with capture_logs() as logs:
        await hall.advance(5.2)

    assert TELLING[hook] not in [
        TELLING["on_drop" if kind == "away" else "on_resume"]
        for kind, _ in before
        if kind in {"away", "back"}
    ]
    assert ({"on_drop": "away", "on_resume": "back"}[hook], "ann") == (await presence(bob))[-1]
    assert ["handler_timed_out"] == [log["event"] for log in logs]


async def test_on_resume_waits_for_its_on_drop(diary: Diary, hall: Stage) -> None:
    bob = await seated(hall, "bob")
    ann = await seated(hall)
    diary.hold("on_drop", "app.on_drop")
    await ann.drop()
    await ann.resume()
    await ann.drop()
    await ann.resume()
    early = diary.of("on_resume", "app.on_resume")
    diary.let_go("on_drop", "app.on_drop")
    await hall.settle()

    assert [] == early
    assert [f"on_drop ann {ROOM}", f"on_resume ann {ROOM}"] * 2 == diary.of("on_drop", "on_resume")
    assert ["app.on_drop ann", "app.on_resume ann"] * 2 == diary.of("app.on_drop", "app.on_resume")
    assert [("away", "ann"), ("back", "ann")] * 2 == (await presence(bob))[1:]


async def test_a_hook_may_wait_and_send(diary: Diary, hall: Stage) -> None:
    ann = await seated(hall)

    async def slowly(user: User, _: str) -> None:
        await asyncio.sleep(1)
        user.send("slept", diary.lines[-1])

    diary.deeds |= {"on_drop": slowly, "on_resume": slowly}
    await ann.drop()
    await hall.advance(1)
    await ann.resume()
    await hall.advance(1)

    assert [f"on_drop ann {ROOM}", f"on_resume ann {ROOM}"] == [
        one["data"] for one in await news(ann) if one.get("action") == "slept"
    ]


@pytest.mark.parametrize("deed", ["kick", "close", "room kick"])
async def test_on_drop_may_end_what_is_kept(deed: str, diary: Diary, hall: Stage) -> None:
    ann = await seated(hall)
    deeds = {
        "kick": lambda user, _: user.kick(),
        "close": lambda *_: room_of(hall).close(),
        "room kick": lambda user, _: room_of(hall).kick(user),
    }
    diary.deeds["on_drop"] = deeds[deed]
    await ann.drop()
    _, reply = await reconnect(hall, ann.token, rooms={ROOM: ann.places[ROOM]})

    reset = {"kick": None, "close": "gone", "room kick": "kicked"}[deed]
    assert (30 if reset is None else 0) == code_of(reply)
    assert reset == reply["data"].get("rooms", {}).get(ROOM, {}).get("reset")
    assert [] == diary.of("on_resume")
    assert 1 == len(diary.of("on_leave"))


async def test_who_left_before_its_on_drop_could_run_has_none(diary: Diary, hall: Stage) -> None:
    bob = await seated(hall, "bob")
    ann = await seated(hall)
    diary.hold("act")
    bob.send("act")
    await hall.settle()
    room_of(hall).kick("ann")  # behind what runs
    await ann.drop()
    diary.let_go("act")
    await hall.settle()

    assert [f"on_leave ann {ROOM} kicked"] == diary.of("on_drop", "on_leave", "on_resume")
    assert [("join", "ann"), ("leave", "ann")] == await presence(bob)
    assert [] == room_of(hall).membership.away


async def test_who_is_away_sits_down_again_elsewhere_and_is_away_there(
    diary: Diary, hall: Stage
) -> None:
    bob = await seated(hall, "bob")
    ann = await seated(hall)
    await ann.drop()
    room_of(hall).kick("ann")
    user_of(hall).move_to(ROOM)
    await hall.settle()
    await ann.resume()

    assert [
        ("join", "ann"),
        ("away", "ann"),
        ("leave", "ann"),
        ("join", "ann"),
        ("away", "ann"),
        ("back", "ann"),
    ] == await presence(bob)
    assert [f"on_drop ann {ROOM}", f"on_drop ann {ROOM}", f"on_resume ann {ROOM}"] == diary.of(
        "on_drop", "on_resume"
    )


async def test_a_room_that_announces_no_members_runs_the_hooks_in_silence(
    diary: Diary, hall: Stage
) -> None:
    room_of(hall).update(announce_members=False)
    bob = await seated(hall, "bob")
    ann = await seated(hall)
    await news(bob)
    place = room_of(hall).sequence.place
    await ann.drop()
    room_of(hall).broadcast("told", 1, only="ann")
    await ann.resume()

    assert [f"on_drop ann {ROOM}", f"on_resume ann {ROOM}"] == diary.of("on_drop", "on_resume")
    assert [] == await presence(bob)
    assert (place[0], place[1] + 1) == room_of(hall).sequence.place
    assert [1] == await ann.received("told")


async def test_a_server_that_stops_waits_for_nobody_who_is_away(diary: Diary) -> None:
    async with Stage(make_server(diary)) as stage:
        ann = await seated(stage)
        watcher = await stage.player("bob", app=APP, resume=True)
        await watcher.watch(ROOM)
        for player in (ann, watcher):
            await player.drop()
        stopping = asyncio.ensure_future(stage.server.close())
        await stage.settle()

        assert stopping.done()
        assert NOTHING == remains(stage)
    assert ["on_disconnect ann shutdown", "on_disconnect bob shutdown"] == diary.of("on_disconnect")
    assert [f"on_leave ann {ROOM} shutdown"] == diary.of("on_leave")


async def test_who_is_lost_while_the_server_stops_has_no_grace_time(diary: Diary) -> None:
    async with Stage(make_server(diary)) as stage:
        ann, bob = await seated(stage), await seated(stage, "bob")
        diary.hold("act")
        bob.send("act")
        await stage.settle()
        stopping = asyncio.ensure_future(stage.server.close())
        await stage.settle()
        await ann.drop()
        diary.let_go("act")
        await stage.advance(1)

        assert stopping.done()
    assert [f"on_leave ann {ROOM} disconnected", f"on_leave bob {ROOM} shutdown"] == diary.of(
        "on_drop", "on_leave"
    )


async def test_who_is_lost_because_the_server_stops_has_no_grace_time(diary: Diary) -> None:
    async with Stage(make_server(diary)) as stage:
        await seated(stage)

    assert [f"on_leave ann {ROOM} shutdown"] == diary.of("on_drop", "on_leave")


# -- watching --------------------------------------------------------------------------------


async def test_a_spectator_gets_the_shared_events_that_it_missed(diary: Diary, hall: Stage) -> None:
    bob = await seated(hall, "bob", resume=False)  # nothing is kept for it
    ann = await hall.player("ann", app=APP, resume=True)
    await ann.watch(ROOM)
    await ann.drop()
    for _ in range(2):
        await bob.request("say")
        room_of(hall).broadcast("told", only="bob")
    seen = len(ann.frames)
    reply = await ann.resume()
    await bob.request("say")

    assert [("RECONNECT", None, None), ("said", 2, None), ("said", 3, None), ("said", 4, None)] == (
        told(await news(ann, seen))
    )
    assert {ROOM} == set(reply["rooms"])
    assert [] == diary.of("on_drop", "on_resume")
    assert [] == await presence(bob)


@pytest.mark.parametrize(("way", "reset"), [("close", "gone"), ("forbid", "kicked")])
async def test_a_spectator_is_told_when_it_watches_no_more(
    way: str, reset: str, hall: Stage
) -> None:
    ann = await hall.player("ann", app=APP, resume=True)
    await ann.watch(ROOM)
    await ann.drop()
    if way == "close":
        room_of(hall).close()
    else:
        room_of(hall).update(spectators=False)
    reply = await ann.resume()

    room_of(hall).broadcast("said") if way == "forbid" else None

    assert {ROOM: {"reset": reset}} == reply["rooms"]
    assert [] == await ann.received("said")


async def test_a_spectator_that_is_seated_while_away_hears_each_event_once(
    hall: Stage,
) -> None:
    ann = await hall.player("ann", app=APP, resume=True)
    await ann.watch(ROOM)
    await ann.drop()
    user_of(hall).move_to(ROOM)
    await hall.settle()
    data = (await ann.resume())["rooms"][ROOM]
    room_of(hall).broadcast("said")
    inside = await ann.received("said")
    await ann.leave(ROOM)
    room_of(hall).broadcast("said")

    assert ["ann"] == data["members"]
    assert [{}] == inside
    assert [] == await ann.received("said")


async def test_a_spectator_that_stays_away_leaves_no_trace(hall: Stage) -> None:
    ann = await hall.player("ann", app=APP, resume=True)
    await ann.watch(ROOM)
    await ann.rooms()
    await ann.drop()
    await hall.advance(GRACE)

    assert NOTHING == remains(hall)
    assert [] == room_of(hall).membership.everybody()
