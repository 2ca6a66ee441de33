"""Connection: what it may ask for in each state, how it enters, and every way it ends."""

from __future__ import annotations

import asyncio
from typing import Any

import attrs
import pytest
from structlog.testing import capture_logs

from goroom import (
    ApplicationExtension,
    Disconnect,
    Event,
    Limits,
    Refused,
    RoomExtension,
    Server,
    User,
    handles,
)
from goroom.connection import Connection
from goroom.messages import EventType
from goroom.testing import Player, Stage
from tests.diary import APP, LIMITS, ROOM, Diary, make_server, refusal

SERVED_TO_ALL = {EventType.JOIN_APP, EventType.LOGIN, EventType.RECONNECT}
REFUSED_TO_USERS = {
    EventType.ROOM_ADD,
    EventType.ROOM_REMOVE,
    EventType.ROOM_UPDATE,
    EventType.MEMBER_AWAY,
    EventType.MEMBER_BACK,
}
NUMBERS = [*map(int, EventType), 0, 14, 99, -1]


def code_of(reply: dict[str, dict[str, int]]) -> int:
    return reply.get("error", {}).get("code", 0)


# -- the table ----------------------------------------------------------------------------------


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


# -- entering -----------------------------------------------------------------------------------


@pytest.mark.parametrize("event", [EventType.JOIN_APP, EventType.LOGIN, EventType.MESSAGE])
@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (Refused("full"), (26, "full")),
        (Refused("x", code=1001), (1001, "x")),
        (OSError("secret"), (500, "Server Error")),
    ],
)
async def test_a_refused_entry_answers_whatever_caused_it(
    event: EventType, error: Exception, expected: tuple[int, str], diary: Diary, hall: Stage
) -> None:
    diary.failures["on_connect"] = error
    player = await hall.connect(app=APP)
    replies = [await player.exchange(eventType=event) for _ in range(2)]

    for reply in replies:
        assert (event, *expected) == (
            reply["eventType"],
            reply["error"]["code"],
            reply["error"]["message"],
        )
    assert player.closed is None
    assert {} == hall.server.connections[0].links
    diary.failures.clear()
    await player.login("ann")


async def test_a_refused_entry_on_a_bound_endpoint_closes(diary: Diary, hall: Stage) -> None:
    diary.failures["on_connect"] = Refused("full")
    player = await hall.connect(application=APP)

    assert 26 == code_of(await player.expect_event(EventType.JOIN_APP))
    assert (4501, "refused") == await player.closes()


@pytest.mark.parametrize("application", [None, APP])
async def test_disconnect_at_the_door_closes(
    application: str | None, diary: Diary, hall: Stage
) -> None:
    diary.failures["on_connect"] = Disconnect(4503, "banned")
    player = await hall.connect(app=APP, application=application)
    if application is None:
        player.send_frame(eventType=EventType.JOIN_APP, appName=APP)

    await player.expect_event(EventType.DISCONNECTION)
    assert (4503, "banned") == await player.closes()


async def test_an_entry_that_hangs_is_27(diary: Diary, hall: Stage) -> None:
    diary.hold("on_connect")
    player = await hall.connect(app=APP)
    player.send_frame(eventType=EventType.JOIN_APP, appName=APP, id=9)
    await hall.advance(5.2)

    assert 27 == code_of(await player.receive())


async def test_a_door_that_is_taken_away_stops_nobody(diary: Diary, hall: Stage) -> None:
    diary.failures["on_connect"] = Refused("full")
    hall.server.applications[APP].extension.remove_handler(Event.CONNECT)

    await hall.player("ann", app=APP)


async def test_on_connect_sees_the_upgrade_request_and_may_not_change_it() -> None:
    seen: list[object] = []

    class Door(ApplicationExtension):
        def on_connect(self, connection: Connection) -> None:
            seen.append((connection.headers["X-A"], connection.query["b"], connection.cookies["c"]))
            assert self.turn.connection is connection
            with pytest.raises(TypeError):
                connection.headers["X-A"] = "2"  # type: ignore[index]

    server = Server(limits=LIMITS)
    server.add_application(APP, Door)
    async with Stage(server) as stage:
        await stage.connect(
            application=APP, headers={"X-A": "1"}, query={"b": "2"}, cookies={"c": "3"}
        )

        assert [("1", "2", "3")] == seen
        assert "memory" in repr(stage.server.connections[0])


async def test_who_closes_while_the_door_is_asked_is_not_served(diary: Diary, hall: Stage) -> None:
    diary.hold("on_connect")
    player = await hall.connect(app=APP)
    player.send_frame(eventType=EventType.LOGIN, appName=APP, data={"username": "ann"})
    await hall.settle()
    hall.server.connections[0].close(4000, "go")
    diary.let_go("on_connect")
    await hall.settle()

    assert [] == diary.of("on_login")
    assert () == hall.server.connections


# -- what cannot be read ------------------------------------------------------------------------


async def test_ten_bad_requests_in_a_minute_close(hall: Stage) -> None:
    player = await hall.connect(app=APP)
    for _ in range(9):
        player.send_raw("{")
    await hall.advance(61)
    for _ in range(9):
        player.send_raw("{")
    await player.settle()
    assert player.closed is None
    with capture_logs() as logs:
        player.send_raw("{")
        await player.settle()

    assert (4502, "too many bad requests") == player.closed
    assert ["bad_requests_closed"] == [entry["event"] for entry in logs]


async def test_text_that_is_no_utf8_closes_with_1007(hall: Stage) -> None:
    player = await hall.player("ünn", app=APP)
    player.send_raw(b'{"eventType":11,"action":"\xff"}')
    player.send("late")

    assert 1007 == (await player.closes())[0]


@pytest.mark.parametrize("subprotocol", [None, "goroom.json", "goroom.msgpack"])
async def test_frames_of_the_wrong_kind_are_21(subprotocol: str | None, hall: Stage) -> None:
    player = await hall.connect(app=APP, subprotocol=subprotocol)
    player.send_raw(b"{}", is_binary=subprotocol != "goroom.msgpack")

    assert 21 == code_of(await player.receive())


async def test_refused_data_is_not_echoed_where_it_cannot_be_read(hall: Stage) -> None:
    player = await hall.player("ann", app=APP)
    player.send_raw(
        f'{{"eventType":4,"appName":"{APP}","id":9,"data":{{"n":12345678901234567890}}}}'
    )
    reply = await player.receive()

    assert (21, {"appName": APP, "roomName": ""}) == (code_of(reply), reply["data"])


# -- handlers that end it -----------------------------------------------------------------------


class Banned(Disconnect):
    """An author's own."""


class Table(RoomExtension):
    @handles("now")
    def now(self, user: User) -> None:
        self.room.broadcast("leaked")
        raise Banned(4503, "banned")

    @handles("later")
    async def later(self, user: User) -> None:
        await asyncio.sleep(0)
        raise Banned(4503, "banned")

    @handles("in_thread", blocking=True)
    def in_thread(self, user: User) -> None:
        raise Banned(4503, "banned")


@pytest.mark.parametrize("action", ["now", "later", "in_thread"])
@pytest.mark.parametrize("is_elsewhere", [False, True])
async def test_disconnect_in_a_handler_ends_the_part_and_perhaps_the_socket(
    action: str,
    is_elsewhere: bool,  # noqa: FBT001 -- an example
) -> None:
    server = Server(limits=LIMITS)
    application = server.add_application(APP, rooms={"table": Table})
    server.add_application("other")
    async with Stage(server) as stage:
        await application.rooms.create(ROOM)
        player = await stage.player("ann", app=APP)
        await player.join(ROOM)
        if is_elsewhere:
            await player.exchange(eventType=EventType.JOIN_APP, appName="other")
        player.send(action)
        frame = await player.expect_event(EventType.DISCONNECTION)

        assert (4503, "banned") == (frame["code"], frame["error"]["message"])
        assert (None if is_elsewhere else (4503, "banned")) == player.closed
        assert {} == dict(application.users)
        assert [] == await player.received("leaked")


# -- a peer that does not read ------------------------------------------------------------------


async def test_who_does_not_read_is_closed_with_4010_and_then_torn_down(
    diary: Diary, hall: Stage
) -> None:
    slow, fast = [await hall.player(name, app=APP) for name in ("slow", "fast")]
    for player in (slow, fast):
        await player.join(ROOM)
    slow.wire.stop_reading()  # type: ignore[attr-defined]
    with capture_logs() as logs:
        for _ in range(400):
            fast.send("say")
            await hall.settle()
        await hall.advance(0.5)
    assert ["slow_consumer_closed"] == [
        entry["event"] for entry in logs if entry["log_level"] == "warning"
    ]
    assert slow.closed is None
    await hall.advance(1)

    assert (1006, "") == slow.closed
    assert ["on_disconnect slow disconnected"] == diary.of("on_disconnect")
    assert ["fast"] == list(hall.server.applications[APP].rooms[ROOM].members)
    assert 400 == len(await fast.received("said"))


async def test_who_reads_again_after_4010_sees_it(diary: Diary, hall: Stage) -> None:
    slow = await hall.player("slow", app=APP)
    await slow.join(ROOM)
    slow.wire.stop_reading()  # type: ignore[attr-defined]
    room = hall.server.applications[APP].rooms[ROOM]
    for _ in range(400):
        room.broadcast("said")
        await hall.settle()
    await hall.advance(0.5)
    slow.wire.read_again()  # type: ignore[attr-defined]

    assert (4010, "slow_consumer") == await slow.closes()


async def test_a_peer_that_never_answers_a_close_is_torn_down(hall: Stage) -> None:
    player = await hall.connect(app=APP)
    player.wire.stop_reading()  # type: ignore[attr-defined]
    hall.server.connections[0].close(4000, "go")
    hall.server.connections[0].close(4001, "again")
    await hall.advance(0.9)
    assert 1 == len(hall.server.connections)
    await hall.advance(0.2)

    assert [] == list(hall.server.connections)
    assert (1006, "") == player.closed


# -- clocks -------------------------------------------------------------------------------------


def clocked(**limits: Any) -> Server:
    server = Server(limits=attrs.evolve(Limits(), **limits))

    class Slow(ApplicationExtension):
        async def on_login(self, user: User, credentials: dict[str, object]) -> None:
            if credentials.get("slow"):
                await asyncio.sleep(3)

        @handles("wait")
        async def wait(self, user: User) -> None:
            await asyncio.sleep(4)

    server.add_application(APP, Slow)
    return server


async def test_who_is_logged_in_nowhere_in_ten_seconds_is_closed() -> None:
    async with Stage(clocked()) as stage:
        idle, ann = await stage.connect(app=APP), await stage.player("ann")
        await idle.call(EventType.JOIN_APP)
        await stage.advance(9)
        assert idle.closed is None
        await stage.advance(2)
        assert (4001, "not logged in in time") == idle.closed
        await ann.logout()
        await stage.advance(9)
        assert ann.closed is None
        await stage.advance(3)

        assert (4001, "not logged in in time") == ann.closed


async def test_a_login_that_is_being_handled_is_in_time() -> None:
    async with Stage(clocked(login_seconds=2)) as stage:
        player = await stage.connect(app=APP)
        player.send_frame(
            eventType=EventType.LOGIN, appName=APP, data={"username": "ann", "slow": True}
        )
        await stage.advance(4)

        assert player.closed is None
        assert ["ann"] == list(stage.server.applications[APP].users)


async def test_who_answers_no_ping_is_torn_down() -> None:
    async with Stage(clocked()) as stage:
        ann, dead = [await stage.player(name) for name in ("ann", "dead")]
        dead.wire.answers_pings = False  # type: ignore[attr-defined]
        await stage.advance(38)
        assert dead.closed is None
        with capture_logs() as logs:
            await stage.advance(4)
        assert "pong_missing" in [entry["event"] for entry in logs]
        await stage.advance(100)

        assert [(1006, ""), None] == [player.closed for player in (dead, ann)]
        assert ["ann"] == list(stage.server.applications[APP].users)


async def test_the_clock_of_pongs_stands_still_while_a_message_is_handled() -> None:
    async with Stage(clocked(ping_seconds=1.0, pong_seconds=2.0)) as stage:
        ann = await stage.player("ann")
        ann.wire.answers_pings = False  # type: ignore[attr-defined]
        ann.send("wait", room="")
        await stage.advance(3.9)
        assert ann.closed is None
        await stage.advance(3)

        assert (1006, "") == ann.closed


async def test_a_pong_that_answers_no_ping_proves_nothing() -> None:
    async with Stage(clocked(ping_seconds=1.0, pong_seconds=2.0)) as stage:
        ann = await stage.player("ann")
        ann.wire.answers_pings = False  # type: ignore[attr-defined]
        connection = stage.server.connections[0]
        for _ in range(8):
            await stage.advance(0.5)
            connection.ponged(b"xxxx")

        assert (1006, "") == ann.closed


async def test_a_heartbeat_may_be_switched_off() -> None:
    server = Server(limits=attrs.evolve(Limits(), ping_seconds=None, login_seconds=None))
    server.add_application(APP)
    async with Stage(server) as stage:
        dead = await stage.connect(app=APP)
        dead.wire.answers_pings = False  # type: ignore[attr-defined]
        await stage.advance(1000)

        assert dead.closed is None


async def test_a_ping_of_the_client_is_answered_through_the_outbox(hall: Stage) -> None:
    await hall.connect(app=APP)
    (connection,) = hall.server.connections
    before = connection.outbox.offered
    connection.pinged(b"hello")

    assert before + 1 == connection.outbox.offered


async def test_a_cut_during_a_handler_ends_the_user_when_it_has_returned(
    diary: Diary, hall: Stage
) -> None:
    player: Player = await hall.player("ann", app=APP)
    await player.join(ROOM)
    diary.hold("act")
    player.send("act")
    await player.cut()
    assert [] == diary.of("on_disconnect")
    diary.let_go("act")
    await hall.settle()

    assert ["on_disconnect ann disconnected"] == diary.of("on_disconnect")
    assert () == hall.server.connections


async def test_a_server_of_two_applications_ends_both_parts() -> None:
    diaries = Diary(), Diary()
    server = make_server(diaries[0])
    async with Stage(server) as stage:
        player = await stage.player("ann", app=APP)
        await player.exchange(
            eventType=EventType.LOGIN, appName="other", data={"username": "other ann"}
        )
        await player.cut()

        assert [[], []] == [list(one.users) for one in server.applications.values()]
