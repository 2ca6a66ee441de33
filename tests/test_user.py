"""User: what it sends, where it is, and when what it holds is gone."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from goroom import RoomExtension, Server, User, handles
from goroom.messages import EventType
from goroom.testing import Stage
from tests.diary import APP, LIMITS, ROOM, Diary
from tests.returning import GRACE, news, seated, told, user_of


class Table(RoomExtension):
    @handles("whisper")
    def whisper(self, user: User) -> None:
        user.send("whispered", 1)
        for other in self.application.users.values():
            if other is not user:
                other.send("whispered", 2)
        user.send("whispered", 3)


async def test_a_send_in_a_rooms_turn_is_the_rooms_for_members_and_else_the_applications() -> None:
    server = Server(limits=LIMITS)
    application = server.add_application(APP, rooms={"table": Table})
    async with Stage(server) as stage:
        await application.rooms.create(ROOM)
        ann, bob = [await stage.player(name) for name in ("ann", "bob")]
        place = (await ann.call(EventType.JOIN_ROOM, {"roomName": ROOM}))["seq"]
        ann.send("whisper", room=ROOM)
        first, second = [await ann.expect_event(EventType.MESSAGE) for _ in range(2)]
        other = await bob.expect_event(EventType.MESSAGE)

        assert [(1, ROOM, place, 1), (3, ROOM, place, 2)] == [
            (frame["data"], frame["roomName"], frame["seq"], frame["sub"])
            for frame in (first, second)
        ]
        assert (2, None, application.sequence.seq, 1) == (
            other["data"],
            other.get("roomName"),
            other["seq"],
            other["sub"],
        )


async def test_all_connections_of_a_user_hear_what_it_is_sent() -> None:
    server = Server(limits=LIMITS)
    application = server.add_application(APP, double_login="allow:3")
    async with Stage(server) as stage:
        players = [
            await stage.player("ann", subprotocol=form)
            for form in (None, "goroom.json", "goroom.msgpack")
        ]
        application.users["ann"].send("hi", {"n": 1})

        for player in players:
            assert {"n": 1} == await player.expect("hi")


async def test_a_send_from_a_task_that_outlives_its_turn_is_sent_at_once(
    diary: Diary, hall: Stage
) -> None:
    tasks: list[asyncio.Task[None]] = []

    async def later(user: User) -> None:
        await asyncio.sleep(1)
        user.send("later")

    diary.deeds["act"] = lambda user: tasks.append(asyncio.ensure_future(later(user)))
    ann = await hall.player("ann", app=APP)
    await ann.join(ROOM)
    await ann.request("act")
    await ann.quiet()
    await hall.advance(1)

    await ann.expect("later")
    await asyncio.gather(*tasks)


async def test_what_is_sent_to_who_is_gone_goes_nowhere(diary: Diary, hall: Stage) -> None:
    ann = await hall.player("ann", app=APP)
    user = hall.server.applications[APP].users["ann"]
    user.data["colour"] = "red"
    await ann.logout()
    await ann.login("ann")
    user.send("late")
    user.move_to(ROOM)
    await hall.settle()

    assert [] == await ann.received("late")
    again = hall.server.applications[APP].users["ann"]
    assert (True, {}, {}) == (again is not user, again.data, dict(again.rooms))
    assert user.id != again.id
    assert "<User 'ann' of 'test'>" == repr(user)


async def test_rooms_are_those_it_has_joined_oldest_first(diary: Diary, hall: Stage) -> None:
    application = hall.server.applications[APP]
    await application.rooms.create("two", "den")
    ann = await hall.player("ann", app=APP)
    user = application.users["ann"]
    await ann.join("two")
    await ann.join(ROOM)
    assert ["two", ROOM] == list(user.rooms)
    application.rooms["two"].close()

    assert [ROOM] == list(user.rooms)


async def test_who_is_away_gets_what_it_is_sent_when_it_is_back(diary: Diary, hall: Stage) -> None:
    ann = await seated(hall)
    bob = await seated(hall, "bob")
    user = user_of(hall)
    diary.deeds["act"] = lambda _: user.send("room's", 1)
    await news(ann)
    await ann.drop()
    user.send("application's", 2)
    await bob.request("act")
    seen = len(ann.frames)
    await ann.resume()

    assert [
        ("RECONNECT", None, None),
        ("application's", 1, 1),
        ("MEMBER_AWAY", 3, None),
        ("room's", 3, 1),
        ("MEMBER_BACK", 4, None),
    ] == told(await news(ann, seen))


async def test_a_user_tells_whether_it_is_away_and_for_how_long_yet(hall: Stage) -> None:
    ann = await hall.player("ann", app=APP, resume=True)
    user = user_of(hall)
    seen = [(user.is_away, user.is_resumable, user.seconds_left())]
    await ann.drop()
    seen.append((user.is_away, user.is_resumable, user.seconds_left()))
    await hall.advance(10)
    seen.append((user.is_away, user.is_resumable, user.seconds_left()))
    await ann.resume()
    seen.append((user.is_away, user.is_resumable, user.seconds_left()))
    await ann.logout()
    seen.append((user.is_away, user.is_resumable, user.seconds_left()))

    assert [
        (False, True, 0.0),
        (True, True, GRACE),
        (True, True, GRACE - 10),
        (False, True, 0.0),
        (False, False, 0.0),
    ] == seen


async def test_a_user_stays_itself_while_it_is_away(hall: Stage) -> None:
    ann = await seated(hall)
    user = user_of(hall)
    user.data["colour"] = "red"
    links = list(user.links)
    await ann.drop()
    away = list(user.links)
    await ann.resume()

    assert user is user_of(hall)
    assert ([], links, {"colour": "red"}) == (away, user.links, user.data)
    assert [ROOM] == list(user.rooms)


async def test_a_move_that_is_refused_while_its_user_is_away_is_logged_only(hall: Stage) -> None:
    ann = await seated(hall)
    await ann.drop()
    with capture_logs() as logs:
        user_of(hall).move_to("nowhere", leaving=ROOM)
        await hall.settle()
    reply = await ann.resume()

    assert ["move_refused"] == [log["event"] for log in logs]
    assert [ROOM] == list(reply["rooms"])


async def test_a_kick_closes_with_the_code_that_it_is_given(hall: Stage) -> None:
    ann = await hall.player("ann", app=APP)
    user_of(hall).kick("come back later", code=4003)
    await hall.settle()

    assert (4003, "come back later") == ann.closed


async def test_a_kick_refuses_a_message_that_is_no_text_and_ends_nothing(hall: Stage) -> None:
    ann = await hall.player("ann", app=APP)

    with pytest.raises(TypeError, match=r"a message is text, not 404: kick\(message, "):
        user_of(hall).kick(404)  # type: ignore[arg-type]
    await hall.settle()

    assert ann.closed is None
    assert user_of(hall).is_present
