"""Room: sends, options, its end; and that nothing is seen of a turn that failed."""

from __future__ import annotations

import asyncio
from typing import Any

import attrs
import pytest

from goroom import (
    AutoRemove,
    PayloadError,
    Refused,
    Room,
    RoomExtension,
    Server,
    TurnOver,
    User,
    handles,
)
from goroom.messages import EventType
from goroom.room import names_of
from goroom.testing import Player, SocketStage, Stage
from tests.diary import APP, LIMITS, ROOM, Diary, refusal


@attrs.frozen
class Words:
    """What a member says."""

    text: str = attrs.field(validator=attrs.validators.max_len(5))


class Parlour(RoomExtension[list[str]]):
    spectators = True

    def init(self) -> None:
        self.state = []

    @handles("say", Words)
    def say(self, user: User, words: Words) -> int:
        self.state.append(words.text)
        self.room.broadcast("said", self.state, sender=user)
        self.state.append("later")
        return len(self.state)

    @handles("fail")
    async def fail(self, user: User) -> None:
        self.room.broadcast("leaked")
        user.send("leaked")
        self.room.update(locked=True)
        self.room.kick(user)
        self.room.close()
        await asyncio.sleep(0)
        raise OSError("secret")

    @handles("compute", blocking=True)
    def compute(self, user: User) -> list[str]:
        self.room.broadcast("computed")
        return list(self.room.members)

    @handles("unsayable")
    def unsayable(self, user: User) -> None:
        self.room.broadcast("said", object())

    @handles("alias")
    def alias(self, user: User) -> None:
        names = ["a"]
        properties = {"names": names}
        self.room.update(properties=properties)
        names.append("b")
        properties["more"] = ["c"]

    @handles("too_late")
    async def too_late(self, user: User) -> None:
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            try:
                self.room.broadcast("leaked")
            except TurnOver:
                self.state.append("over")
            raise


def make_parlour() -> Server:
    server = Server(limits=LIMITS)
    server.add_application(APP, rooms={"parlour": Parlour})
    return server


@pytest.fixture(params=[Stage, SocketStage])
async def parlour(request: pytest.FixtureRequest) -> Any:
    """A stage, in memory and over sockets, with one parlour."""
    async with request.param(make_parlour()) as stage:
        await stage.server.applications[APP].rooms.create(ROOM)
        yield stage


def room_of(stage: Any) -> Room:
    room: Room = stage.server.applications[APP].rooms[ROOM]
    return room


async def members(stage: Any, *names: str) -> list[Player]:
    players = []
    for name in names:
        player = await stage.player(name, app=APP)
        await player.join(ROOM)
        players.append(player)
    return players


# -- on both stages -----------------------------------------------------------------------------


async def test_a_broadcast_is_as_it_was_when_it_was_made(parlour: Any) -> None:
    ann, bob = await members(parlour, "ann", "bob")

    assert 2 == await ann.request("say", {"text": "hi"})
    assert ["hi"] == await ann.expect("said")
    frame = await bob.expect_event(EventType.MESSAGE, action="said", sender="ann")
    assert ["hi"] == frame["data"]


async def test_what_fails_leaves_no_trace_but_500(parlour: Any) -> None:
    ann, bob = await members(parlour, "ann", "bob")
    await bob.received()

    assert (500, "Server Error") == await refusal(ann.request("fail"))
    assert ["ann", "bob"] == list(room_of(parlour).members)
    assert not room_of(parlour).options.locked
    assert [] == await ann.received("leaked")
    await bob.quiet()
    assert "secret" not in str(ann.frames)


async def test_a_bad_payload_is_21_with_its_field(parlour: Any) -> None:
    (ann,) = await members(parlour, "ann")
    for text in ("too long", 3, None):
        reply = await ann.exchange(eventType=11, roomName=ROOM, action="say", data={"text": text})
        assert (21, "text") == (reply["error"]["code"], reply["error"]["field"])
        assert {"text": text, "roomName": ROOM, "appName": APP} == reply["data"]
    assert [] == room_of(parlour).extension.state


async def test_a_thread_sends_and_reads_members(parlour: Any) -> None:
    ann, bob = await members(parlour, "ann", "bob")

    assert ["ann", "bob"] == await ann.request("compute")
    await bob.expect("computed")


async def test_what_cannot_be_sent_is_the_authors_error(parlour: Any) -> None:
    (ann,) = await members(parlour, "ann")

    assert 500 == (await refusal(ann.request("unsayable")))[0]


async def test_sends_from_outside_reach_whom_they_name(parlour: Any) -> None:
    ann, bob, eve = [*await members(parlour, "ann", "bob"), await parlour.player("eve", app=APP)]
    await eve.watch(ROOM)
    room = room_of(parlour)
    user = room.members["ann"]
    room.broadcast("all")
    room.broadcast("skip", skip=["ann", "nobody"])
    room.broadcast("only", only={"ann": 1})
    room.broadcast("one", only=user)
    room.broadcast("none", only=[user, "ann"], skip="ann")
    user.send("user")

    for player, expected in (
        (ann, ["all", "only", "one", "user"]),
        (bob, ["all", "skip"]),
        (eve, ["all"]),
    ):
        await player.received()
        got = [f["action"] for f in player.frames if f["eventType"] == EventType.MESSAGE]
        assert expected == got


async def test_volatile_events_reach_whom_they_name_without_a_number(parlour: Any) -> None:
    ann, bob, eve = [*await members(parlour, "ann", "bob"), await parlour.player("eve", app=APP)]
    await eve.watch(ROOM)
    room = room_of(parlour)
    place = room.sequence.place
    room.broadcast("all", 1, volatile=True, sender=room.members["ann"])
    room.broadcast("skip", 2, volatile=True, skip="ann")
    room.broadcast("only", 3, volatile=True, only=["ann", "eve"])

    for player, expected in (
        (ann, [("all", 1), ("only", 3)]),
        (bob, [("all", 1), ("skip", 2)]),
        (eve, [("all", 1)]),
    ):
        await player.received()
        got = [frame for frame in player.frames if frame["eventType"] == EventType.MESSAGE]
        assert expected == [(frame["action"], frame["data"]) for frame in got]
        assert [] == [frame for frame in got if "seq" in frame or "sub" in frame]
        assert "ann" == got[0]["sender"]
    assert place == room.sequence.place


async def test_a_change_of_options_is_told_to_the_members(parlour: Any) -> None:
    (ann,) = await members(parlour, "ann")
    room_of(parlour).update(capacity=1, properties={"phase": "over"})
    frame = await ann.expect_event(EventType.ROOM_UPDATE, roomName=ROOM)

    assert (1, {"phase": "over"}) == (frame["data"]["capacity"], frame["data"]["properties"])
    assert room_of(parlour).sequence.seq == frame["seq"]


# -- in memory ----------------------------------------------------------------------------------


@pytest.fixture
async def stage() -> Any:
    async with Stage(make_parlour()) as stage:
        await stage.server.applications[APP].rooms.create(ROOM)
        yield stage


async def test_the_newest_volatile_event_of_an_action_and_key_is_enough(stage: Stage) -> None:
    (ann,) = await members(stage, "ann")
    two = await stage.server.applications[APP].rooms.create("two")
    await ann.join("two")
    for step in (1, 2):  # all before anything is written
        room_of(stage).broadcast("moved", step, volatile=True, key="ann")
        room_of(stage).broadcast("moved", step + 10, volatile=True, key=("bob", 1))
        room_of(stage).broadcast("turned", step + 20, volatile=True, key="ann")
        room_of(stage).broadcast("typed", step + 30, volatile=True)
        two.broadcast("moved", step + 40, volatile=True, key="ann")
        stage.server.applications[APP].broadcast("moved", step + 50, volatile=True, key="ann")
        room_of(stage).broadcast("said", step + 60)

    assert [2, 12, 22, 31, 42, 52, 61, 32, 62] == await ann.received()


async def test_who_does_not_read_misses_volatile_events_and_stays(stage: Stage) -> None:
    (ann,) = await members(stage, "ann")
    ann.wire.stop_reading()  # type: ignore[attr-defined]  # in memory
    for step in range(1000):
        room_of(stage).broadcast("moved", step, volatile=True, key="ann")
        room_of(stage).broadcast("typed", step, volatile=True)
        await stage.settle()
    await stage.advance(60)
    ann.wire.read_again()  # type: ignore[attr-defined]  # in memory

    assert ann.closed is None
    moved = await ann.received("moved")
    assert [0, 999] == moved


async def test_properties_are_copied_when_they_are_given(stage: Stage) -> None:
    (ann,) = await members(stage, "ann")
    await ann.request("alias")
    assert {"names": ["a"]} == room_of(stage).properties
    room_of(stage).update(properties={"names": None, "level": 3})

    assert {"level": 3} == room_of(stage).properties
    with pytest.raises(TypeError):
        room_of(stage).properties["level"] = 4  # type: ignore[index]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"size": 3}, TypeError),
        ({"capacity": True}, ValueError),
        ({"locked": 1}, TypeError),
        ({"properties": [1]}, TypeError),
        ({"properties": {"it": float("nan")}}, PayloadError),
    ],
)
async def test_a_change_that_cannot_be_is_refused_in_the_authors_line(
    changes: dict[str, Any], error: type[Exception], stage: Stage
) -> None:
    before = room_of(stage).options
    with pytest.raises(error):
        room_of(stage).update(**changes)

    assert before is room_of(stage).options


async def test_what_a_dead_turn_sends_raises(stage: Stage) -> None:
    ann, bob = await members(stage, "ann", "bob")
    ann.send_frame(eventType=11, appName=APP, roomName=ROOM, action="too_late", id=50)
    await stage.advance(5.2)

    assert 27 == (await ann.expect_event(EventType.MESSAGE, id=50))["error"]["code"]
    assert ["over"] == room_of(stage).extension.state
    assert [] == await bob.received("leaked")
    await ann.request("say", {"text": "hi"})


@pytest.mark.parametrize(
    ("mode", "goes_with_leave", "goes_with_logout"),
    [
        (AutoRemove.NEVER, False, False),
        (AutoRemove.WHEN_EMPTY, True, True),
        (AutoRemove.WHEN_EMPTY_AND_MAKER_GONE, False, True),
    ],
)
async def test_a_room_goes_by_its_mode(
    mode: AutoRemove,
    goes_with_leave: bool,  # noqa: FBT001 -- an example
    goes_with_logout: bool,  # noqa: FBT001 -- an example
    stage: Stage,
) -> None:
    application = stage.server.applications[APP]
    ann = await stage.player("ann")
    maker = application.users["ann"]
    room = await application.rooms.create("mine", maker=maker, auto_remove=mode)
    assert "ann" == room.maker_name
    await ann.join("mine")
    await ann.leave()
    assert goes_with_leave is room.is_closed
    await ann.logout()
    assert goes_with_logout is room.is_closed


async def test_a_room_whose_maker_has_gone_goes_with_its_last_member(stage: Stage) -> None:
    application = stage.server.applications[APP]
    ann, bob = [await stage.player(name) for name in ("ann", "bob")]
    room = await application.rooms.create(
        "mine",
        maker=application.users["ann"],
        auto_remove=AutoRemove.WHEN_EMPTY_AND_MAKER_GONE,
    )
    await bob.join("mine")
    await ann.cut()
    assert not room.is_closed
    await bob.leave()

    assert room.is_closed


async def test_who_waits_for_an_emptying_room_keeps_it(diary: Diary, hall: Stage) -> None:
    ann, bob = [await hall.player(name, app=APP) for name in ("ann", "bob")]
    room = await hall.server.applications[APP].rooms.create(
        "short", "den", auto_remove=AutoRemove.WHEN_EMPTY
    )
    await ann.join("short")
    diary.hold("on_leave")
    ann.send_frame(eventType=5, appName=APP, roomName="short")
    await hall.settle()
    bob.send_frame(eventType=4, appName=APP, roomName="short")
    await hall.settle()
    diary.let_go("on_leave")
    await hall.settle()

    assert ["bob"] == list(room.members)
    assert not room.is_closed


async def test_timers_of_a_room_are_turns_and_end_with_it() -> None:
    ticks: list[str] = []

    class Clockwork(RoomExtension):
        def init(self) -> None:
            self.timer = self.every(1, self.tick)
            self.after(2.5, lambda: ticks.append("after"))

        def tick(self) -> None:
            ticks.append("tick")
            self.room.broadcast("tick")
            if len(ticks) == 1:
                raise Refused("not now")

        @handles("stop_later")
        async def stop_later(self, user: User) -> None:
            await asyncio.sleep(1.5)
            self.timer.cancel()

    server = Server(limits=LIMITS)
    application = server.add_application(APP, rooms={"clockwork": Clockwork})
    async with Stage(server) as stage:
        room, other = [await application.rooms.create() for _ in range(2)]
        ann = await stage.player("ann")
        await ann.join(room.name)
        other.close()
        await stage.advance(3.1)
        assert ["tick", "tick", "after", "tick"] == ticks
        assert 2 == len(await ann.received("tick"))
        ann.send("stop_later")
        await stage.advance(4)
        assert 4 == len(ticks)
        room.close()

        assert 0 == len(server.runtime.timers)


def test_names_are_of_users_names_and_several() -> None:
    assert frozenset({"ann"}) == names_of("ann")
    assert frozenset({"ann", "bob"}) == names_of(["ann", "bob"])


async def test_a_room_says_who_it_is(stage: Stage) -> None:
    room = room_of(stage)

    assert f"<Room {ROOM!r} of {APP!r}>" == repr(room)
    assert ("", 100, None) == (room.maker_name, room.capacity, room.maker)
    assert room.extension.application is room.application
