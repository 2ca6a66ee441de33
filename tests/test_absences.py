"""Absences: a lost connection keeps its seat for a while, and gets all that it missed."""

from __future__ import annotations

import asyncio

import attrs
import pytest
from structlog.testing import capture_logs

from goroom import AutoRemove, LeaveReason, Limits, Refused, values
from goroom.messages import EventType
from goroom.testing import Stage
from tests.diary import APP, LIMITS, ROOM, Diary, make_server, refusal
from tests.returning import (
    GRACE,
    NOTHING,
    Frame,
    answers,
    app_of,
    ask,
    code_of,
    lose_while_handled,
    news,
    presence,
    reconnect,
    remains,
    room_of,
    seated,
    told,
    user_of,
)

# -- who may come back -----------------------------------------------------------------------


@pytest.mark.parametrize("asked", [{}, {"resume": False}])
async def test_who_does_not_ask_for_it_leaves_at_once(
    asked: dict[str, bool], diary: Diary, hall: Stage
) -> None:
    bob = await seated(hall, "bob", resume=False)
    ann = await hall.player("ann", app=APP, **asked)
    await ann.join(ROOM)
    await ann.drop()

    assert "" == ann.token
    assert [("join", "ann"), ("leave", "ann")] == await presence(bob)
    assert [f"on_leave ann {ROOM} disconnected"] == diary.of("on_drop", "on_leave")
    assert ["bob"] == list(app_of(hall).users)


@pytest.mark.parametrize("value", [None, 1, 0, "true", [], {}])
async def test_resume_is_true_or_false(value: object, diary: Diary, hall: Stage) -> None:
    ann = await hall.connect(app=APP)
    data = {"username": "ann", "resume": value}
    reply = await ann.exchange(eventType=EventType.LOGIN, data=data)

    assert (21, "resume") == (code_of(reply), reply["error"]["field"])
    assert [] == diary.of("on_login")


async def test_an_application_may_give_no_grace_time(diary: Diary) -> None:
    limits = attrs.evolve(LIMITS, resume_seconds=None)
    async with Stage(make_server(diary, limits=limits)) as stage:
        ann = await seated(stage)
        await ann.drop()

        assert "" == ann.token
        assert [f"on_leave ann {ROOM} disconnected"] == diary.of("on_leave")
        assert NOTHING == remains(stage)


async def test_a_login_of_the_servers_own_cannot_come_back(hall: Stage) -> None:
    ann = await hall.connect(app=APP)
    await ann.call(EventType.JOIN_APP)
    (connection,) = hall.server.connections
    await app_of(hall).users.login(connection, "ann", {"resume": True})
    await ann.drop()

    assert NOTHING == remains(hall)


@pytest.mark.parametrize("event", [EventType.LOGOUT, EventType.DISCONNECTION])
async def test_who_says_goodbye_is_gone(event: EventType, diary: Diary, hall: Stage) -> None:
    ann = await seated(hall)
    await ann.call(event)
    await ann.drop()
    _, reply = await reconnect(hall, ann.token)

    assert 30 == code_of(reply)
    assert [f"on_leave ann {ROOM} logged_out"] == diary.of("on_drop", "on_leave")
    assert NOTHING == remains(hall)


# -- the grace time --------------------------------------------------------------------------


async def test_a_seat_is_kept_for_the_grace_time_and_no_longer(diary: Diary, hall: Stage) -> None:
    bob = await seated(hall, "bob", resume=False)
    ann = await seated(hall)
    await ann.drop()
    await hall.advance(GRACE - 0.01)
    before = diary.of("on_disconnect", "on_leave")
    kept = list(room_of(hall).members)
    await hall.advance(0.01)
    left = await bob.expect_event(EventType.LEAVE_ROOM, sender="ann")
    await bob.logout()

    assert ([], ["bob", "ann"]) == (before, kept)
    assert "disconnected" == left["data"]["reason"]
    assert [
        "on_disconnect ann disconnected",
        f"room.on_disconnect ann {ROOM} disconnected",
        f"on_leave ann {ROOM} disconnected",
    ] == diary.of("on_disconnect", "room.on_disconnect", "on_leave")[:3]
    assert NOTHING == remains(hall)


async def test_the_application_says_how_long_it_is(diary: Diary) -> None:
    limits = attrs.evolve(LIMITS, resume_seconds=5)
    async with Stage(make_server(diary, limits=limits)) as stage:
        bob = await seated(stage, "bob", resume=False)
        ann = await seated(stage)
        await ann.drop()
        away = await bob.expect_event(EventType.MEMBER_AWAY, sender="ann")
        await stage.advance(5)

        assert {"roomName": ROOM, "appName": APP, "seconds": 5.0} == away["data"]
        assert ["bob"] == list(app_of(stage).users)


async def test_a_resume_ends_the_grace_time_and_the_next_drop_has_a_whole_one(hall: Stage) -> None:
    ann = await seated(hall)
    for _ in range(3):
        await ann.drop()
        await hall.advance(GRACE - 1)
        await ann.resume()
    await hall.advance(GRACE * 3)

    assert [False, True] == [user_of(hall).is_away, ROOM in user_of(hall).rooms]


async def test_a_token_whose_grace_time_is_over_is_unknown(hall: Stage) -> None:
    ann = await seated(hall)
    await ann.drop()
    await hall.advance(GRACE)

    assert (30, "Unknown token") == await refusal(ann.resume())


async def test_a_resume_in_the_moment_in_which_the_grace_time_ends_is_all_or_nothing(
    hall: Stage,
) -> None:
    ann = await seated(hall)
    late = await hall.connect(app=APP)
    await ann.drop()
    loop = asyncio.get_running_loop()
    data = {"token": ann.token, "rooms": {}}
    due = loop.time() + user_of(hall).seconds_left()
    # Both in one turn of the loop, the frame first: it is read before the ending has begun.
    loop.call_at(due - 1e-10, lambda: ask(late, EventType.RECONNECT, 1, data=data))
    await hall.advance(GRACE)

    assert 30 == code_of(await late.receive())
    assert NOTHING == remains(hall)


async def test_who_is_away_longest_does_not_end_who_came_later(hall: Stage) -> None:
    players = [await seated(hall, name) for name in ("ann", "bob", "eve")]
    for player in players:
        await player.drop()
        await hall.advance(10)
    names = list(app_of(hall).users)
    await hall.advance(10)

    assert ["bob", "eve"] == names
    assert ["eve"] == list(app_of(hall).users)


# -- tokens ----------------------------------------------------------------------------------


async def test_a_token_is_good_once_and_each_resume_brings_another(hall: Stage) -> None:
    ann = await seated(hall)
    tokens = [ann.token]
    for _ in range(3):
        await ann.drop()
        await ann.resume()
        tokens.append(ann.token)
    codes = [code_of((await reconnect(hall, token))[1]) for token in tokens]

    assert 4 == len(set(tokens))
    assert [30, 30, 30, 0] == codes


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "é", "\u0000", "A" * 128])
async def test_an_unknown_token_is_30_and_a_login_may_follow(token: str, hall: Stage) -> None:
    player, reply = await reconnect(hall, token)
    await player.login("ann", resume=True)

    assert (30, "unknown_token") == (code_of(reply), reply["error"]["reason"])
    assert player.closed is None
    assert player.token


async def test_a_token_is_of_its_application_only(hall: Stage) -> None:
    ann = await seated(hall)
    await ann.drop()
    other = await hall.connect(app="other")
    reply = await other.exchange(eventType=EventType.RECONNECT, data={"token": ann.token})
    await ann.resume()

    assert 30 == code_of(reply)


async def test_of_two_that_race_with_one_token_exactly_one_wins(hall: Stage) -> None:
    ann = await seated(hall)
    await ann.drop()
    racers = [await hall.connect(app=APP) for _ in range(5)]
    for racer in racers:
        ask(racer, EventType.RECONNECT, 1, data={"token": ann.token, "rooms": {}})
    replies = [await racer.receive() for racer in racers]

    assert [0, 30, 30, 30, 30] == sorted(map(code_of, replies))
    assert 1 == len(user_of(hall).links)
    assert 1 == len(app_of(hall).tickets)


async def test_the_same_attempt_may_repeat_a_resume_whose_answer_was_lost(hall: Stage) -> None:
    ann = await seated(hall)
    await ann.drop()
    first, _ = await reconnect(hall, ann.token, attempt="a" * 16)
    codes = [
        code_of((await reconnect(hall, ann.token, **data))[1])
        for data in ({}, {"attempt": ""}, {"attempt": "b" * 16})
    ]
    second, again = await reconnect(hall, ann.token, attempt="a" * 16)
    _, lost = await reconnect(hall, first.token)

    assert [30, 30, 30] == codes
    assert [0, 30] == [code_of(again), code_of(lost)]
    assert (4509, "resumed on another connection") == first.closed
    assert second.token


@pytest.mark.parametrize(
    ("event", "code"),
    [(EventType.MESSAGE, 30), (EventType.SUBSCRIBE_ROOM, 30), (EventType.JOIN_APP, 0)],
)
async def test_an_attempt_is_over_with_the_next_frame_but_a_mere_sign_of_life(
    event: EventType, code: int, hall: Stage
) -> None:
    ann = await seated(hall)
    token = ann.token
    await ann.drop()
    await ann.resume(attempt="a" * 16)
    await ann.exchange(eventType=event)
    kept = len(app_of(hall).tickets)
    _, reply = await reconnect(hall, token, attempt="a" * 16)

    assert (code, 1 if code else 2) == (code_of(reply), kept)


async def test_an_attempt_is_over_when_the_new_token_is_used(hall: Stage) -> None:
    ann = await seated(hall)
    token = ann.token
    await ann.drop()
    await ann.resume(attempt="a" * 16)
    await ann.drop()
    await ann.resume()
    _, reply = await reconnect(hall, token, attempt="a" * 16)

    assert 30 == code_of(reply)


async def test_a_used_token_that_may_be_repeated_ends_with_its_login(hall: Stage) -> None:
    ann = await seated(hall)
    await ann.drop()
    token = ann.token
    await ann.resume(attempt="a" * 16)
    kept = len(app_of(hall).tickets)
    user_of(hall).kick()
    await hall.settle()
    _, reply = await reconnect(hall, token, attempt="a" * 16)

    assert 2 == kept
    assert 30 == code_of(reply)
    assert NOTHING == remains(hall)


async def test_no_token_is_in_any_log(diary: Diary, hall: Stage) -> None:
    diary.failures["on_resume"] = OSError("broken")
    with capture_logs() as logs:
        ann = await seated(hall)
        tokens = [ann.token]
        for _ in range(2):
            await ann.drop()
            await ann.resume(attempt="attempt-" * 2)
            tokens.append(ann.token)
        for token in tokens[:2]:
            await reconnect(hall, token)
        await reconnect(hall, ann.token, rooms=5)
        await ann.drop()
        await hall.advance(GRACE)

    text = repr(logs)
    assert {"user_dropped", "user_resumed", "handler_failed"} <= {log["event"] for log in logs}
    assert [False] * 4 == [token in text for token in (*tokens, "attempt-")]


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({}, "token"),
        ({"token": None}, "token"),
        ({"token": 5}, "token"),
        ({"token": True}, "token"),
        ({"token": ["x"]}, "token"),
        ({"token": {"a": 1}}, "token"),
        ({"token": "x", "attempt": 1}, "attempt"),
        ({"token": "x", "attempt": None}, "attempt"),
        ({"token": "x", "app": 5}, "app"),
        ({"token": "x", "app": []}, "app"),
        ({"token": "x", "app": {}}, "app.epoch"),
        ({"token": "x", "app": {"epoch": 5, "seq": 1}}, "app.epoch"),
        ({"token": "x", "app": {"epoch": "e"}}, "app.seq"),
        ({"token": "x", "app": {"epoch": "e", "seq": "1"}}, "app.seq"),
        ({"token": "x", "app": {"epoch": "e", "seq": True}}, "app.seq"),
        ({"token": "x", "app": {"epoch": "e", "seq": 1.5}}, "app.seq"),
        ({"token": "x", "app": {"epoch": "e", "seq": -1}}, "app.seq"),
        ({"token": "x", "app": {"epoch": "e", "seq": None}}, "app.seq"),
        ({"token": "x", "app": {"epoch": "e", "seq": 1, "sub": -1}}, "app.sub"),
        ({"token": "x", "app": {"epoch": "e", "seq": 1, "sub": "0"}}, "app.sub"),
        ({"token": "x", "rooms": None}, "rooms"),
        ({"token": "x", "rooms": []}, "rooms"),
        ({"token": "x", "rooms": "den"}, "rooms"),
        ({"token": "x", "rooms": {"den": 5}}, "rooms[...]"),
        ({"token": "x", "rooms": {"den": {"epoch": "e"}}}, "rooms[...].seq"),
        ({"token": "x", "rooms": {"den": {"epoch": "e", "seq": []}}}, "rooms[...].seq"),
    ],
)
async def test_malformed_data_is_21_with_its_field(data: Frame, field: str, hall: Stage) -> None:
    player = await hall.connect(app=APP)
    reply = await player.exchange(eventType=EventType.RECONNECT, data=data)

    assert (21, field) == (code_of(reply), reply["error"].get("field"))
    assert player.closed is None


async def test_malformed_data_does_not_use_up_a_token(hall: Stage) -> None:
    ann = await seated(hall)
    await ann.drop()
    _, reply = await reconnect(hall, ann.token, rooms={ROOM: {"epoch": 1, "seq": 1}})
    await ann.resume()

    assert 21 == code_of(reply)


async def test_who_is_logged_in_is_4_and_the_token_stays_good(hall: Stage) -> None:
    ann, bob = await seated(hall), await seated(hall, "bob")
    await ann.drop()
    data = {"token": ann.token}
    replies = [
        await player.exchange(eventType=EventType.RECONNECT, data=data)
        for player in (bob, await hall.player("eve", app=APP))
    ]
    await ann.resume()
    own = await ann.exchange(eventType=EventType.RECONNECT, data={"token": ann.token})

    assert [4, 4, 4] == [code_of(reply) for reply in (*replies, own)]


async def test_a_refused_door_uses_up_no_token(diary: Diary, hall: Stage) -> None:
    ann = await seated(hall)
    await ann.drop()
    diary.failures["on_connect"] = Refused("no")
    _, reply = await reconnect(hall, ann.token)
    diary.failures.clear()
    await ann.resume()

    assert 26 == code_of(reply)


# -- coming back -----------------------------------------------------------------------------


async def test_the_reply_comes_first_then_the_missed_then_the_live(
    diary: Diary, hall: Stage
) -> None:
    ann, bob = await seated(hall), await seated(hall, "bob")
    room = room_of(hall)
    diary.deeds["on_drop"] = lambda *_: room.broadcast("dropped")
    diary.deeds["on_resume"] = lambda user, _: user.send("view", {"of": user.name})
    await news(ann)
    await ann.drop()
    for number in (1, 2):
        await bob.request("say")
        room.broadcast("told", number, only="ann")
        room.broadcast("not told", number, only="bob")
        room.broadcast("told", number, only=["bob", "ann"])
    app_of(hall).broadcast("all")
    user_of(hall).send("one")
    seen = len(ann.frames)
    reply = await ann.resume()

    assert [
        ("RECONNECT", None, None),
        ("all", 2, None),
        ("one", 2, 1),
        ("MEMBER_AWAY", 3, None),
        ("dropped", 4, None),
        ("said", 5, None),
        ("told", 5, 1),
        ("told", 5, 3),
        ("said", 6, None),
        ("told", 6, 1),
        ("told", 6, 3),
        ("MEMBER_BACK", 7, None),
        ("view", 7, 1),
    ] == told(await news(ann, seen))
    assert {"epoch": room.sequence.epoch, "seq": 6, "sub": 3} == reply["rooms"][ROOM]
    assert {"seq": 2, "sub": 1}.items() <= reply["app"].items()
    assert ("ann", user_of(hall).id) == (reply["userName"], reply["userId"])


async def test_missed_events_are_the_frames_that_the_others_had(hall: Stage) -> None:
    ann, bob = await seated(hall), await seated(hall, "bob")
    await news(ann)
    await ann.drop()
    seen_by_bob = len(await news(bob)) - 1  # from ann's MEMBER_AWAY on
    room_of(hall).broadcast("said", {"text": "ü", "list": [1, None]}, sender=user_of(hall, "bob"))
    room_of(hall).update(properties={"map": "north"})
    await seated(hall, "eve")
    seen = len(ann.frames)
    await ann.resume()

    missed = (await news(ann, seen))[1:]
    assert ["MEMBER_AWAY", "said", "ROOM_UPDATE", "JOIN_ROOM", "MEMBER_BACK"] == [
        one[0] for one in told(missed)
    ]
    assert missed == await news(bob, seen_by_bob)


async def test_a_login_comes_back_before_its_first_event(hall: Stage) -> None:
    ann = await hall.player("ann", app=APP, resume=True)
    await ann.drop()
    reply, seen = await ann.resume(), len(ann.frames)
    app_of(hall).broadcast("first")

    assert ({}, False) == (reply["rooms"], "reset" in reply["app"])
    assert [("first", 2, None)] == told(await news(ann, seen))


@pytest.mark.parametrize("reads", ["each time", "in the end"])
async def test_ten_drops_in_a_row_lose_nothing_and_double_nothing(
    reads: str, diary: Diary, hall: Stage
) -> None:
    ann, bob = await seated(hall), await seated(hall, "bob")
    for number in range(10):
        await ann.drop()
        room_of(hall).broadcast("told", number, only="ann")
        await bob.request("say")
        await ann.resume()
        if reads == "each time":
            await news(ann)

    frames = await news(ann)
    assert list(range(10)) == [one["data"] for one in frames if one.get("action") == "told"]
    assert list(range(2, 33)) == [
        one["seq"] for one in frames if "seq" in one and "id" not in one and "sub" not in one
    ]
    assert [f"on_drop ann {ROOM}", f"on_resume ann {ROOM}"] * 10 == diary.of("on_drop", "on_resume")
    assert [("away", "ann"), ("back", "ann")] * 10 == await presence(bob)


async def test_a_resume_beats_a_connection_that_still_looks_open(diary: Diary, hall: Stage) -> None:
    ann, bob = await seated(hall), await seated(hall, "bob")
    await news(ann)
    other, reply = await reconnect(hall, ann.token, rooms={ROOM: ann.places[ROOM]})
    ends = [frame for frame in await news(ann) if frame["eventType"] == EventType.DISCONNECTION]

    assert 0 == code_of(reply)
    assert (4509, "resumed on another connection") == ann.closed
    assert {"appName": APP, "userName": "ann", "code": 4509}.items() <= ends[-1]["data"].items()
    assert [
        "app.on_drop ann",
        f"on_drop ann {ROOM}",
        "app.on_resume ann",
        f"on_resume ann {ROOM}",
    ] == diary.of("app.on_drop", "on_drop", "app.on_resume", "on_resume", "on_leave")
    assert [("away", "ann"), ("back", "ann")] == await presence(bob)
    assert [("away", "ann"), ("back", "ann")] == await presence(other)
    assert 0.0 == next(
        one["data"]["seconds"] for one in bob.frames if one["eventType"] == EventType.MEMBER_AWAY
    )


async def test_a_beaten_connection_does_nothing_more(diary: Diary, hall: Stage) -> None:
    ann = await seated(hall)
    ann.wire.stop_reading()  # type: ignore[attr-defined]  # in memory
    other, _ = await reconnect(hall, ann.token)
    ask(ann, EventType.LOGOUT, 90)
    ask(ann, EventType.MESSAGE, 91, ROOM, action="act")
    await hall.advance(5)

    assert [] == diary.of("act", "on_logout", "on_leave")
    assert (ann.closed or (0,))[0] == 1006
    assert other.closed is None


async def test_a_beaten_connection_stays_for_another_application(hall: Stage) -> None:
    ann = await seated(hall)
    reply = await ann.exchange(
        eventType=EventType.LOGIN, appName="other", data={"username": "ann", "resume": True}
    )
    await reconnect(hall, ann.token)
    again = await ann.exchange(
        eventType=EventType.RECONNECT, appName="other", data={"token": reply["data"]["token"]}
    )

    assert ann.closed is None
    assert 4 == code_of(again)  # still logged in there


async def test_two_applications_of_one_connection_come_back_one_by_one(hall: Stage) -> None:
    ann = await seated(hall)
    reply = await ann.exchange(
        eventType=EventType.LOGIN, appName="other", data={"username": "ann", "resume": True}
    )
    other = hall.server.applications["other"]
    await ann.drop()
    away = [app_of(hall).users["ann"].is_away, other.users["ann"].is_away]
    await ann.resume()
    other.broadcast("missed")
    half = [app_of(hall).users["ann"].is_away, other.users["ann"].is_away]
    place = {"epoch": other.sequence.epoch, "seq": reply["data"]["seq"]}
    await ann.exchange(
        eventType=EventType.RECONNECT,
        appName="other",
        data={"token": reply["data"]["token"], "app": place},
    )

    assert ([True, True], [False, True]) == (away, half)
    assert [{}] == await ann.received("missed")
    assert ann.closed is None


async def test_a_resume_may_be_in_another_form(hall: Stage) -> None:
    ann = await seated(hall, subprotocol="goroom.msgpack")
    await news(ann)
    await ann.drop()
    room_of(hall).broadcast("told", {"a": [1.5, "ü"]}, only="ann")
    other, _ = await reconnect(hall, ann.token, rooms={ROOM: ann.places[ROOM]})

    assert [{"a": [1.5, "ü"]}] == await other.received("told")


async def test_a_dialer_back_that_has_gone_meanwhile_uses_up_no_token(
    diary: Diary, hall: Stage
) -> None:
    ann = await seated(hall)
    await ann.drop()
    diary.hold("on_connect")
    late = await hall.connect(app=APP)
    ask(late, EventType.RECONNECT, 1, data={"token": ann.token})
    await lose_while_handled(hall, late)
    diary.let_go("on_connect")
    await hall.settle()
    await ann.resume()

    assert [f"on_drop ann {ROOM}", f"on_resume ann {ROOM}"] == diary.of("on_drop", "on_resume")


# -- what cannot be told event by event ------------------------------------------------------


async def test_a_room_that_closed_is_gone(hall: Stage) -> None:
    ann = await seated(hall)
    await ann.drop()
    room_of(hall).close()
    reply = await ann.resume()

    assert {ROOM: {"reset": "gone"}} == reply["rooms"]


async def test_a_room_of_the_same_name_is_another_one(hall: Stage) -> None:
    ann = await seated(hall)
    await ann.drop()
    room_of(hall).close()
    await app_of(hall).rooms.create(ROOM, "den")
    reply = await ann.resume()

    assert {ROOM: {"reset": "gone"}} == reply["rooms"]


async def test_who_was_seated_in_the_next_room_of_that_name_is_told_its_epoch(
    hall: Stage,
) -> None:
    ann = await seated(hall)
    await ann.drop()
    room_of(hall).close()
    room = await app_of(hall).rooms.create(ROOM, "den")
    await room.join(user_of(hall))
    data = (await ann.resume())["rooms"][ROOM]

    assert ("epoch", room.sequence.epoch, ["ann"]) == (
        data["reset"],
        data["epoch"],
        data["members"],
    )
    assert room.sequence.place == (data["seq"] + 1, data["sub"])  # then its MEMBER_BACK


@pytest.mark.parametrize("way", ["kick", "leave", "move"])
async def test_who_is_put_out_of_a_room_while_away_is_told_so(
    way: str, diary: Diary, hall: Stage
) -> None:
    await app_of(hall).rooms.create("two", "den")
    ann = await seated(hall)
    await ann.drop()
    if way == "kick":
        room_of(hall).kick("ann", "idle")
    elif way == "leave":
        await room_of(hall).leave(user_of(hall))
    else:
        user_of(hall).move_to("two", leaving=ROOM)
    await hall.settle()
    reply = await ann.resume()

    rooms = reply["rooms"]
    assert {"reset": "kicked"} == rooms.pop(ROOM)
    assert (["two"] if way == "move" else []) == list(rooms)
    assert 1 == len(diary.of("on_leave"))
    assert [] == room_of(hall).membership.away


async def test_a_room_that_one_was_seated_in_comes_with_all_since_then(
    diary: Diary, hall: Stage
) -> None:
    two = await app_of(hall).rooms.create("two", "den")
    bob = await hall.player("bob", app=APP)
    await bob.join("two")
    ann = await seated(hall)
    await ann.drop()
    diary.deeds["on_join"] = lambda user, room: user.send("hand", room)
    user_of(hall).move_to("two")
    await hall.settle()
    eve = await hall.player("eve", app=APP)
    await eve.join("two")
    two.broadcast("told", only="ann")
    await bob.leave("two")
    seen = len(ann.frames)
    data = (await ann.resume())["rooms"]["two"]

    assert ["ann", "bob"] == sorted(data["members"])
    assert (2, 2, 0) == (data["count"], data["seq"], data["sub"])
    assert [
        ("hand", 2, 1),
        ("MEMBER_AWAY", 3, None),
        ("JOIN_ROOM", 4, None),
        ("told", 4, 2),
        ("LEAVE_ROOM", 5, None),
        ("MEMBER_BACK", 6, None),
    ] == [
        place
        for place, frame in zip(told(await news(ann, seen)), ann.frames[seen:], strict=True)
        if frame.get("roomName") == "two"
    ]
    assert [f"on_drop ann {ROOM}", "on_drop ann two"] == diary.of("on_drop")


async def test_a_snapshot_says_who_is_away(hall: Stage) -> None:
    ann, bob, eve = [await seated(hall, name) for name in ("ann", "bob", "eve")]
    together = await seated(hall, "joe")
    first = await together.exchange(eventType=EventType.SUBSCRIBE_ROOM, data={"roomName": ROOM})
    await ann.drop()
    await bob.drop()
    seen = [(await seated(hall, "kim")).frames[-1]["data"]]
    watcher = await hall.player("leo", app=APP)
    seen.append(await watcher.watch(ROOM))
    eve.places[ROOM]["epoch"] = "another"
    await eve.drop()
    seen.append((await eve.resume())["rooms"][ROOM])
    await ann.resume()
    seen.append(await (await hall.player("max", app=APP)).watch(ROOM))

    assert 8 == code_of(first)
    assert [["ann", "bob"], ["ann", "bob"], ["ann", "bob"], ["bob"]] == [
        sorted(set(data["away"]) - {"eve"}) for data in seen
    ]
    await bob.resume()
    assert "away" not in await (await hall.player("zoe", app=APP)).watch(ROOM)


@pytest.mark.parametrize(("count", "reset"), [(4, None), (5, "history")])
async def test_as_many_events_are_kept_as_the_limits_say(
    count: int, reset: str | None, diary: Diary
) -> None:
    limits = attrs.evolve(LIMITS, history_events=4)
    async with Stage(make_server(diary, limits=limits)) as stage:
        ann = await seated(stage)
        await ann.drop()
        for number in range(count):  # its own MEMBER_AWAY does not count
            room_of(stage).broadcast("said", number)
        data = (await ann.resume())["rooms"][ROOM]

        assert reset == data.get("reset")
        said = [] if reset else list(range(count))
        assert said == await ann.received("said")
        assert ("members" in data) is bool(reset)


async def test_as_many_bytes_are_kept_as_the_limits_say(diary: Diary) -> None:
    limits = attrs.evolve(LIMITS, history_bytes=4096)
    async with Stage(make_server(diary, limits=limits)) as stage:
        ann = await seated(stage)
        await ann.drop()
        room_of(stage).broadcast("said", "x" * 3000)
        first = (await ann.resume())["rooms"][ROOM]
        await ann.drop()
        for _ in range(2):
            room_of(stage).broadcast("said", "x" * 3000)
        second = (await ann.resume())["rooms"][ROOM]

        assert (None, "history") == (first.get("reset"), second.get("reset"))


async def test_events_are_kept_for_as_long_as_the_limits_say(diary: Diary) -> None:
    limits = attrs.evolve(LIMITS, history_seconds=10)
    async with Stage(make_server(diary, limits=limits)) as stage:
        ann = await seated(stage)
        await ann.drop()
        await stage.advance(10)
        first = (await ann.resume())["rooms"][ROOM]
        await ann.drop()
        await stage.advance(10.01)
        second = (await ann.resume())["rooms"][ROOM]

        assert (None, "history") == (first.get("reset"), second.get("reset"))


async def test_private_events_have_a_history_of_their_own(diary: Diary) -> None:
    limits = attrs.evolve(LIMITS, history_events=5)
    async with Stage(make_server(diary, limits=limits)) as stage:
        ann, bob = await seated(stage), await seated(stage, "bob")
        await bob.drop()
        await ann.drop()
        for number in range(6):
            room_of(stage).broadcast("told", number, only="bob")
        resets = [(await player.resume())["rooms"][ROOM].get("reset") for player in (ann, bob)]

        assert [None, "history"] == resets


async def test_the_applications_sequence_is_reset_by_itself(diary: Diary) -> None:
    limits = attrs.evolve(LIMITS, history_events=5)
    async with Stage(make_server(diary, limits=limits)) as stage:
        ann = await seated(stage)
        await ann.drop()
        for _ in range(6):
            app_of(stage).broadcast("all")
        room_of(stage).broadcast("said")
        first = await ann.resume()
        said = await ann.received()
        await ann.drop()
        second = await ann.resume()

        assert ("history", None) == (
            first["app"].get("reset"),
            first["rooms"][ROOM].get("reset"),
        )
        assert [{}] == said
        assert "reset" not in second["app"]


@pytest.mark.parametrize("place", [(1, 0), (1, 1), (99, 0)])
async def test_a_place_that_is_not_known_here_is_a_reset(
    place: tuple[int, int], hall: Stage
) -> None:
    await seated(hall, "bob")  # whose join is before ann's time
    ann = await seated(hall)
    ann.places[ROOM] |= {"seq": place[0], "sub": place[1]}
    await ann.drop()
    data = (await ann.resume())["rooms"][ROOM]

    assert "history" == data["reset"]


async def test_who_is_behind_its_own_place_is_told_from_there(hall: Stage) -> None:
    ann = await seated(hall)
    place = dict(ann.places[ROOM])
    room_of(hall).broadcast("said")
    await news(ann)
    ann.places[ROOM] = place
    await ann.drop()
    await ann.resume()

    assert [{}] == await ann.received("said")


# -- commands sent again ---------------------------------------------------------------------


async def test_a_command_is_answered_again_and_runs_once(diary: Diary, hall: Stage) -> None:
    ann = await seated(hall)
    for _ in range(2):
        ask(ann, EventType.MESSAGE, 50, ROOM, action="act")
    await news(ann)
    await ann.drop()
    await ann.resume()
    ask(ann, EventType.MESSAGE, 50, ROOM, action="act")
    frames = await answers(ann, 50)

    assert 3 == len(frames)
    assert frames[0] == frames[1] == frames[2]
    assert ["act ann"] == diary.of("act")


@pytest.mark.parametrize(
    "error", [Refused("no"), Refused(code=1001, message="x"), OSError("secret")]
)
async def test_a_refusal_is_given_again_and_not_thought_over(
    error: BaseException, diary: Diary, hall: Stage
) -> None:
    ann = await seated(hall)
    diary.failures["act"] = error
    ask(ann, EventType.MESSAGE, 50, ROOM, action="act")
    await news(ann)
    diary.failures.clear()
    await ann.drop()
    await ann.resume()
    ask(ann, EventType.MESSAGE, 50, ROOM, action="act")
    frames = await answers(ann, 50)

    assert 2 == len(frames)
    assert frames[0] == frames[1]
    assert "error" in frames[0]


async def test_a_command_that_is_still_handled_is_answered_once_on_the_new_connection(
    diary: Diary, hall: Stage
) -> None:
    ann, bob = await seated(hall), await seated(hall, "bob")
    diary.hold("act")
    diary.deeds["act"] = lambda user: room_of(hall).broadcast("acted", user.name)
    ask(ann, EventType.MESSAGE, 50, ROOM, action="act")
    await hall.settle()
    await lose_while_handled(hall, ann)
    await ann.resume()
    ask(ann, EventType.MESSAGE, 50, ROOM, action="act")
    early = await answers(ann, 50)
    diary.let_go("act")
    await hall.settle()

    assert [] == early
    assert 1 == len(await answers(ann, 50))
    assert ["act ann"] == diary.of("act")
    # The room was taken all the time: what it is told of the drop follows.
    assert [("acted", 3, None), ("MEMBER_AWAY", 4, None), ("MEMBER_BACK", 5, None)] == (
        told(await news(bob))[-3:]
    )


async def test_what_follows_a_command_that_is_still_handled_does_not_overtake_it(
    diary: Diary, hall: Stage
) -> None:
    ann = await hall.player("ann", app=APP, resume=True)
    diary.hold("on_join")
    ask(ann, EventType.JOIN_ROOM, 50, ROOM)
    await hall.settle()
    await lose_while_handled(hall, ann)
    await ann.resume()
    seen = len(ann.frames)
    ask(ann, EventType.JOIN_ROOM, 50, ROOM)
    ask(ann, EventType.MESSAGE, 51, ROOM, action="act")
    await hall.settle()
    diary.let_go("on_join")

    replies = [frame for frame in await news(ann, seen) if "id" in frame]
    assert [(50, 0), (51, 0)] == [(frame["id"], code_of(frame)) for frame in replies]
    assert ["on_join ann den", "act ann"] == diary.of("on_join", "act")


async def test_a_command_that_ends_while_its_client_is_away_is_answered_later(
    diary: Diary, hall: Stage
) -> None:
    ann = await seated(hall)
    diary.hold("act")
    diary.deeds["act"] = lambda user: user.send("card", 7)
    ask(ann, EventType.MESSAGE, 50, ROOM, action="act")
    await hall.settle()
    await lose_while_handled(hall, ann)
    away = user_of(hall).is_away
    diary.let_go("act")
    await hall.settle()
    await ann.resume()
    ask(ann, EventType.MESSAGE, 50, ROOM, action="act")

    assert away
    assert [7] == await ann.received("card")
    assert 1 == len(await answers(ann, 50))
    assert ["act ann"] == diary.of("act")


async def test_a_command_that_runs_out_of_time_while_its_client_is_away_is_27(
    diary: Diary, hall: Stage
) -> None:
    ann = await seated(hall)
    diary.hold("act")
    ask(ann, EventType.MESSAGE, 50, ROOM, action="act")
    await hall.settle()
    await lose_while_handled(hall, ann)
    await hall.advance(5)
    await ann.resume()
    ask(ann, EventType.MESSAGE, 50, ROOM, action="act")

    assert [27] == list(map(code_of, await answers(ann, 50)))


async def test_a_command_whose_answer_is_forgotten_is_28_and_never_run_again(
    diary: Diary,
) -> None:
    limits = attrs.evolve(LIMITS, kept_replies=3)
    async with Stage(make_server(diary, limits=limits)) as stage:
        ann = await seated(stage)
        for number in range(50, 54):
            ask(ann, EventType.MESSAGE, number, ROOM, action="act")
        await news(ann)
        await ann.drop()
        await ann.resume()
        for number in (50, 51, 53):
            ask(ann, EventType.MESSAGE, number, ROOM, action="act")

        assert [0, 28] == list(map(code_of, await answers(ann, 50)))
        assert [[0, 0], [0, 0]] == [
            list(map(code_of, await answers(ann, number))) for number in (51, 53)
        ]
        assert ["act ann"] * 4 == diary.of("act")


async def test_commands_that_never_came_run_with_their_old_ids_in_order(
    diary: Diary, hall: Stage
) -> None:
    ann = await seated(hall)
    await ann.drop()
    seen: list[str] = []
    diary.deeds["on_message"] = lambda _, action: seen.append(action)
    await ann.resume()  # whose own id is above none of these
    for number in (3, 4, 5):
        ask(ann, EventType.MESSAGE, number, action=f"n{number}")
    await hall.settle()

    assert ["n3", "n4", "n5"] == seen


async def test_joins_and_leaves_sent_again_are_answered_as_they_were(
    diary: Diary, hall: Stage
) -> None:
    ann = await hall.player("ann", app=APP, resume=True)
    steps = [(50, EventType.JOIN_ROOM), (51, EventType.LEAVE_ROOM), (52, EventType.JOIN_ROOM)]
    for number, event in steps:
        ask(ann, event, number, data={"roomName": ROOM})
    await news(ann)
    await ann.drop()
    await ann.resume()
    for number, event in steps:
        ask(ann, event, number, data={"roomName": ROOM})

    for number, _ in steps:
        first, second = await answers(ann, number)
        assert first == second
    assert [f"on_join ann {ROOM}", f"on_leave ann {ROOM} left", f"on_join ann {ROOM}"] == (
        diary.of("on_join", "on_leave")
    )
    assert [ROOM] == list(user_of(hall).rooms)


async def test_a_room_that_is_made_twice_is_made_once(hall: Stage) -> None:
    ann = await hall.player("ann", app=APP, resume=True)
    for _ in range(2):
        ask(ann, EventType.JOIN_ROOM, 50, data={"kind": "den", "create": True})
        await ann.drop()
        await ann.resume()

    assert [ROOM, "den-1"] == list(app_of(hall).rooms)


@pytest.mark.parametrize(
    "event",
    [EventType.JOIN_APP, EventType.SUBSCRIBE_ROOM, EventType.UNSUBSCRIBE_ROOM],
)
async def test_what_does_no_harm_is_done_each_time(event: EventType, hall: Stage) -> None:
    ann = await seated(hall)
    for _ in range(3):
        ask(ann, event, 1)

    assert [0, 0, 0] == list(map(code_of, (await answers(ann, 1))[-3:]))


async def test_who_cannot_come_back_may_use_an_id_twice(diary: Diary, hall: Stage) -> None:
    ann = await seated(hall, resume=False)
    for _ in range(2):
        ask(ann, EventType.MESSAGE, 1, ROOM, action="act")
    await hall.settle()

    assert ["act ann"] * 2 == diary.of("act")


async def test_a_command_that_is_cancelled_in_line_is_run_when_it_is_sent_again(
    diary: Diary, hall: Stage
) -> None:
    """An aiohttp server with ``handler_cancellation`` cancels the task of a lost connection."""
    ann, bob = await seated(hall), await seated(hall, "bob")
    diary.hold("act")
    bob.send("act")
    await hall.settle()
    message = {
        "eventType": EventType.MESSAGE,
        "appName": APP,
        "roomName": ROOM,
        "action": "say",
        "id": 50,
    }
    waiting = user_of(hall).links[0].connection.receive(values.encode(message), is_binary=False)
    assert waiting is not None
    task = asyncio.ensure_future(waiting)
    await hall.settle()
    task.cancel()
    await ann.drop()
    diary.let_go("act")
    await ann.resume()
    ask(ann, EventType.MESSAGE, 50, ROOM, action="say")

    assert [0] == list(map(code_of, await answers(ann, 50)))
    assert 1 == len([one for one in ann.frames if one.get("action") == "said"])


@pytest.mark.parametrize("cancelled", ["before", "after"])
async def test_a_join_that_is_cancelled_is_made_when_it_is_sent_again(
    cancelled: str, diary: Diary, hall: Stage
) -> None:
    ann = await hall.player("ann", app=APP, resume=True)
    diary.hold("on_join")
    message = {"eventType": EventType.JOIN_ROOM, "appName": APP, "roomName": ROOM, "id": 50}
    waiting = user_of(hall).links[0].connection.receive(values.encode(message), is_binary=False)
    assert waiting is not None
    task = asyncio.ensure_future(waiting)
    await hall.settle()
    if cancelled == "before":
        task.cancel()
    await ann.drop()
    reply = await ann.resume()
    ask(ann, EventType.JOIN_ROOM, 50, ROOM)
    await hall.settle()
    if cancelled == "after":
        task.cancel()
    await hall.settle()
    diary.let_go("on_join")

    assert {} == reply["rooms"]
    assert [0] == list(map(code_of, await answers(ann, 50)))
    assert [f"on_join ann {ROOM}"] * 2 == diary.of("on_join")
    assert [ROOM] == list(user_of(hall).rooms)


# -- what is kept ----------------------------------------------------------------------------


async def test_nothing_is_kept_for_who_cannot_ask_for_it(hall: Stage) -> None:
    bob = await seated(hall, "bob", resume=False)
    before = remains(hall)["histories"]
    ann = await seated(hall)
    during = remains(hall)["histories"]
    await ann.leave()
    left = remains(hall)["histories"]
    await ann.logout()

    assert (0, 2, 1) == (before, during, left)
    assert {**NOTHING, "users": ["bob"]} == remains(hall)
    assert bob.closed is None


async def test_a_room_whose_only_member_is_away_stays(diary: Diary, hall: Stage) -> None:
    ann = await hall.player("ann", app=APP, resume=True)
    await ann.join("mine", create=True, kind="den", autoRemove=AutoRemove.WHEN_EMPTY)
    await ann.drop()
    await hall.advance(GRACE - 1)
    kept = "mine" in app_of(hall).rooms
    await hall.advance(1)

    assert kept
    assert [ROOM] == list(app_of(hall).rooms)
    assert [f"on_leave ann mine {LeaveReason.DISCONNECTED}"] == diary.of("on_leave")


async def test_the_seat_of_who_is_away_is_taken(diary: Diary) -> None:
    async with Stage(make_server(diary, limits=Limits(ping_seconds=None))) as stage:
        room_of(stage).update(capacity=1)
        ann = await seated(stage)
        await ann.drop()
        bob = await stage.player("bob", app=APP)

        assert 20 == (await refusal(bob.join(ROOM)))[0]
        await ann.resume()


async def test_volatile_events_are_never_sent_again(hall: Stage) -> None:
    ann = await seated(hall)
    user = user_of(hall)
    await ann.drop()
    for where in (room_of(hall), app_of(hall)):
        where.broadcast("moved", 1, volatile=True)
        where.broadcast("moved", 2, volatile=True, key="ann", only=user)
        where.broadcast("stayed", 3)
    await ann.resume()

    assert [3, 3] == await ann.received()
    assert [] == [one for one in ann.frames if one.get("action") == "moved"]


async def test_nothing_is_written_for_who_is_away(hall: Stage) -> None:
    ann = await seated(hall)
    await hall.player("bob", app=APP, resume=True)
    watcher = await hall.player("eve", app=APP, resume=True)
    await watcher.watch(ROOM)
    outboxes = [connection.outbox for connection in hall.server.connections]
    for player in (ann, watcher):
        await player.drop()
    before = [outbox.offered for outbox in outboxes]
    for where in (room_of(hall), app_of(hall)):
        where.broadcast("said")
        where.broadcast("told", only=["ann", "eve"])
        where.broadcast("moved", volatile=True)

    now = [outbox.offered for outbox in outboxes]
    assert [0, 2, 0] == [after - earlier for earlier, after in zip(before, now, strict=True)]


# -- put out while away -----------------------------------------------------------------------


@pytest.mark.parametrize("is_away", [True, False])
async def test_who_was_kicked_hears_so_on_coming_back_and_is_not_resumed(
    hall: Stage, *, is_away: bool
) -> None:
    ann = await seated(hall)
    token = ann.token
    if is_away:
        await ann.drop()
    user_of(hall).kick("be kind")
    await hall.settle()
    _, answer = await reconnect(hall, token)

    error = answer["error"]
    assert (30, "kicked", "be kind") == (error["code"], error["reason"], error["message"])
    assert {} == dict(app_of(hall).users)


async def test_a_kick_is_forgotten_with_the_grace_time(hall: Stage) -> None:
    ann = await seated(hall)
    await ann.drop()
    user_of(hall).kick()
    await hall.advance(GRACE + 1)
    _, answer = await reconnect(hall, ann.token)

    assert (30, "unknown_token") == (code_of(answer), answer["error"]["reason"])


async def test_the_longest_away_ends_where_too_many_are_away(diary: Diary) -> None:
    limits = attrs.evolve(LIMITS, away_logins=2)
    async with Stage(make_server(diary, limits=limits)) as stage:
        players = [await stage.player(name, app=APP, resume=True) for name in ("ann", "bob", "cat")]
        for player in players[:2]:
            await player.drop()
        both = list(app_of(stage).users)
        await players[0].resume()
        await players[0].drop()  # bob is the longest away now
        await players[2].drop()
        await stage.settle()

        assert ["ann", "bob", "cat"] == both
        assert ["ann", "cat"] == list(app_of(stage).users)


async def test_who_comes_back_counts_as_away_no_more(diary: Diary) -> None:
    limits = attrs.evolve(LIMITS, away_logins=1)
    async with Stage(make_server(diary, limits=limits)) as stage:
        ann, bob = [await stage.player(name, app=APP, resume=True) for name in ("ann", "bob")]
        await ann.drop()
        await ann.resume()
        await bob.drop()
        await stage.settle()

        assert ["ann", "bob"] == list(app_of(stage).users)
