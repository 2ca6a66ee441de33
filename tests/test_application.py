"""Application: its broadcasts, its timers, its handlers; and that no other reaches it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from goroom import (
    ApplicationExtension,
    Event,
    Refused,
    Request,
    RequestRefused,
    Room,
    RoomExtension,
    Server,
    User,
    handles,
)
from goroom.messages import EventType
from goroom.testing import SocketStage, Stage
from tests.diary import APP, LIMITS, ROOM, Diary, refusal


class Square(ApplicationExtension):
    async def init(self) -> None:
        await self.application.rooms.create(ROOM)

    @handles("shout")
    def shout(self, user: User) -> str:
        self.application.broadcast("shouted", sender=user)
        user.send("yours")
        return "done"

    @handles("slow")
    async def slow(self, user: User) -> str:
        await asyncio.sleep(1)
        return user.name

    @handles("fail")
    def fail(self, user: User) -> None:
        self.application.broadcast("leaked")
        raise ValueError("secret")

    @handles("wrong")
    async def wrong(self, user: User) -> None:
        await self.application.users.login(user.links[0].connection, "other")


def make_square() -> Server:
    server = Server(limits=LIMITS)
    server.add_application(APP, Square)
    server.add_application("other", Square)
    return server


@pytest.fixture(params=[Stage, SocketStage])
async def square(request: pytest.FixtureRequest) -> Any:
    async with request.param(make_square()) as stage:
        yield stage


async def actions(player: Any) -> list[tuple[str, int | None, int | None]]:
    await player.received()
    return [
        (frame["action"], frame.get("seq"), frame.get("sub"))
        for frame in player.frames
        if frame["eventType"] == EventType.MESSAGE
    ]


async def test_a_broadcast_reaches_this_applications_users_in_its_sequence(square: Any) -> None:
    ann, bob = [await square.player(name, app=APP) for name in ("ann", "bob")]
    stranger = await square.player("ann", app="other")
    nobody = await square.connect(app=APP)
    assert "done" == await ann.request("shout", room="")

    (shouted, seq, sub), yours, reply = await actions(ann)
    assert ("shouted", None) == (shouted, sub)
    assert [("yours", seq, 1), ("shout", None, None)] == [yours, reply]
    assert ["shouted"] == [action for action, *_ in await actions(bob)]
    assert [] == await actions(stranger)
    assert [] == await actions(nobody)


async def test_some_are_chosen_or_left_out_by_name_or_user(square: Any) -> None:
    players = [await square.player(name, app=APP) for name in ("ann", "bob", "cy")]
    application = square.server.applications[APP]
    application.broadcast("1", skip="ann")
    application.broadcast("2", only=["ann", "nobody"])
    application.broadcast("3", only=[application.users["bob"], "cy"], skip=["cy"])
    application.broadcast("4", only=[])

    got = [[action for action, *_ in await actions(player)] for player in players]
    assert [["2"], ["1", "3"], ["1"]] == got


async def test_what_fails_leaves_nothing(square: Any) -> None:
    ann = await square.player("ann", app=APP)

    assert (500, "Server Error") == await refusal(ann.request("fail", room=""))
    assert [] == await ann.received("leaked")
    assert "secret" not in str(ann.frames)


async def test_a_room_takes_a_message_before_its_application(square: Any) -> None:
    ann = await square.player("ann", app=APP)
    await ann.join(ROOM)
    room: Room = square.server.applications[APP].rooms[ROOM]
    assert "done" == await ann.request("shout")

    def whisper(user: User) -> str:
        return "whispered"

    room.extension.add_handler("shout", whisper)
    assert "whispered" == await ann.request("shout")
    room.extension.add_handler(Event.MESSAGE, lambda _, request: request.action)
    room.extension.remove_handler("shout")
    assert "shout" == await ann.request("shout")
    room.extension.remove_handler(Event.MESSAGE)
    assert "done" == await ann.request("shout")
    assert {} == dict(type(room.extension).handlers)
    with pytest.raises(KeyError):
        room.extension.remove_handler("shout")


# -- in memory ----------------------------------------------------------------------------------


async def test_what_one_user_does_is_handled_in_order_and_users_do_not_wait() -> None:
    async with Stage(make_square()) as stage:
        ann, bob = [await stage.player(name, app=APP) for name in ("ann", "bob")]
        for player in (ann, bob):
            player.send_frame(eventType=11, appName=APP, action="slow", id=50)
        ann.send_frame(eventType=11, appName=APP, action="shout", id=51)
        await stage.advance(0.9)
        assert [] == await ann.received("shouted")
        await stage.advance(0.2)

        for player in (ann, bob):
            assert player.name == (await player.expect_event(EventType.MESSAGE, id=50))["data"]
        await ann.expect("shouted")


async def test_a_handler_of_a_user_may_not_wait_for_a_login() -> None:
    async with Stage(make_square()) as stage:
        ann = await stage.player("ann", app=APP)

        assert 500 == (await refusal(ann.request("wrong", room="")))[0]


async def test_on_message_takes_the_rest(diary: Diary, hall: Stage) -> None:
    ann = await hall.player("ann", app=APP)
    await ann.request("anything", room="")
    ann.send_frame(eventType=11, appName=APP, id=60)
    await hall.settle()

    assert ["on_message ann anything", "on_message ann "] == diary.of("on_message")


async def test_timers_are_turns_of_the_application_and_end_with_it() -> None:
    ticks: list[str] = []

    class Clockwork(ApplicationExtension):
        async def init(self) -> None:
            self.every(1, self.tick)
            self.after(1.5, self.once)

        async def tick(self) -> None:
            ticks.append("tick")
            self.application.broadcast("tick")
            if len(ticks) == 1:
                raise OSError("secret")
            await self.application.rooms.create()

        def once(self) -> None:
            ticks.append("once")

    server = Server(limits=LIMITS)
    application = server.add_application(APP, Clockwork)
    async with Stage(server) as stage:
        ann = await stage.player("ann")
        await stage.advance(2.1)
        assert ["tick", "once", "tick"] == ticks
        assert 1 == len(await ann.received("tick"))
        assert ["room-1"] == list(application.rooms)
    assert 0 == len(server.runtime.timers)


async def test_a_background_task_and_a_view_send_at_once() -> None:
    async with Stage(make_square()) as stage:
        ann = await stage.player("ann", app=APP)
        await ann.join(ROOM)
        application = stage.server.applications[APP]

        async def task() -> None:
            await asyncio.sleep(1)
            application.broadcast("application")
            application.rooms[ROOM].broadcast("room")
            application.users["ann"].send("user")

        running = asyncio.ensure_future(task())
        await stage.advance(1)

        assert ["application", "room", "user"] == [action for action, *_ in await actions(ann)]
        await running


async def test_randomness_and_ids_are_the_servers() -> None:
    drawn = []
    for _ in range(2):
        server = Server(limits=LIMITS, seed=3)
        application = server.add_application(APP)
        drawn.append((application.extension.random.random(), application.new_id()))

    assert drawn[0] == drawn[1]
    assert f"<Application {APP!r}>" == repr(application)


async def test_the_turn_says_what_a_handler_is_about() -> None:
    seen: list[object] = []

    class Curious(ApplicationExtension):
        def on_message(self, user: User, request: Request) -> None:
            turn = self.turn
            seen.append((turn.connection, turn.request is request, turn.started))

    server = Server(limits=LIMITS)
    application = server.add_application(APP, Curious)
    async with Stage(server) as stage:
        ann = await stage.player("ann")
        await ann.request("x", room="")

        assert [(server.connections[0], True, stage.clock.now)] == seen
        with pytest.raises(RuntimeError, match="handlers only"):
            _ = application.extension.turn


async def test_a_refusal_says_what_the_author_said() -> None:
    class Strict(RoomExtension):
        @handles("move")
        def move(self, user: User) -> None:
            raise Refused("Not your turn.", code=1001, reason="not_your_turn", field="square")

    server = Server(limits=LIMITS)
    application = server.add_application(APP, rooms={"strict": Strict})
    async with Stage(server) as stage:
        await application.rooms.create(ROOM)
        ann = await stage.player("ann")
        await ann.join(ROOM)
        with pytest.raises(RequestRefused) as caught:
            await ann.request("move", {"square": 3})

        error = caught.value
        assert (1001, "not_your_turn", "Not your turn.", "square") == (
            error.code,
            error.reason,
            error.message,
            error.field,
        )
        assert {"square": 3, "roomName": ROOM, "appName": APP} == error.data


async def test_volatile_events_have_no_number_and_reach_whom_they_name(square: Any) -> None:
    ann, bob = [await square.player(name, app=APP) for name in ("ann", "bob")]
    stranger = await square.player("ann", app="other")
    application = square.server.applications[APP]
    place = application.sequence.place
    application.broadcast("all", volatile=True)
    application.broadcast("only", volatile=True, only="ann")
    application.broadcast("skip", volatile=True, skip="ann")

    assert [("all", None, None), ("only", None, None)] == await actions(ann)
    assert [("all", None, None), ("skip", None, None)] == await actions(bob)
    assert [] == await actions(stranger)
    assert place == application.sequence.place


async def test_on_drop_and_on_resume_come_in_the_users_own_order(diary: Diary, hall: Stage) -> None:
    ann = await hall.player("ann", app=APP, resume=True)
    await ann.join(ROOM)
    diary.hold("on_message")
    ann.send("wait", room="")
    await hall.settle()
    await ann.drop()
    await hall.advance(1.1)
    await ann.resume()
    early = diary.of("app.on_drop", "app.on_resume", "on_drop", "on_resume")
    diary.let_go("on_message")
    await hall.settle()

    assert [f"on_drop ann {ROOM}", f"on_resume ann {ROOM}"] == early
    assert ["app.on_drop ann", "app.on_resume ann"] == diary.of("app.on_drop", "app.on_resume")


async def test_hooks_of_a_lost_link_may_be_set_later_and_taken_away(hall: Stage) -> None:
    extension = hall.server.applications[APP].extension
    seen: list[tuple[str, bool, object]] = []

    def note(user: User) -> None:
        assert extension.turn is not None
        seen.append((user.name, user.is_away, extension.turn.connection))

    extension.add_handler(Event.DROP, note)
    extension.remove_handler(Event.RESUME)
    ann = await hall.player("ann", app=APP, resume=True)
    await ann.drop()
    await ann.resume()

    assert [("ann", True, None)] == seen


async def test_on_drop_is_not_run_for_who_has_ended_before_it(diary: Diary, hall: Stage) -> None:
    ann = await hall.player("ann", app=APP, resume=True)
    diary.hold("on_message")
    ann.send("wait", room="")
    await hall.settle()
    await ann.drop()
    await hall.advance(1.1)
    await ann.resume()
    ann.send_frame(eventType=EventType.DISCONNECTION, appName=APP, id=50)
    await hall.settle()
    await ann.drop()
    await hall.advance(1.1)
    diary.let_go("on_message")
    await hall.settle()

    assert ["app.on_drop ann", "app.on_resume ann", "on_disconnect ann logged_out"] == diary.of(
        "app.on_drop", "app.on_resume", "on_disconnect"
    )


async def test_on_drop_is_not_run_for_who_is_kicked(diary: Diary, hall: Stage) -> None:
    ann = await hall.player("ann", app=APP, resume=True)
    diary.hold("on_message")
    ann.send("wait", room="")
    await hall.settle()
    hall.server.applications[APP].users["ann"].kick()
    await hall.settle()
    await ann.drop()
    diary.let_go("on_message")
    await hall.settle()

    assert [] == diary.of("app.on_drop", "app.on_resume")
    assert ["on_disconnect ann kicked"] == diary.of("on_disconnect")
