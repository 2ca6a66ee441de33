"""Connection: how it enters, what it cannot read, and every way it ends."""

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
from tests.diary import APP, LIMITS, ROOM, Diary, make_server
from tests.returning import (
    GRACE,
    NOTHING,
    answers,
    ask,
    code_of,
    lose_while_handled,
    news,
    presence,
    reconnect,
    remains,
    room_of,
    seated,
    user_of,
)

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
        await hall.advance(1.5)
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
    await hall.advance(1.5)
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


# -- who is lost, and may come back ------------------------------------------------------------


@pytest.mark.parametrize("code", [1001, 1007, 1011, 4001, 4010, 4499])
async def test_who_is_closed_to_come_back_has_its_grace_time(
    code: int, diary: Diary, hall: Stage
) -> None:
    ann = await seated(hall)
    hall.server.connections[0].close(code, "come back")
    await hall.settle()

    assert (code, "come back") == ann.closed
    assert user_of(hall).is_away
    assert [f"on_drop ann {ROOM}"] == diary.of("on_drop", "on_leave")


@pytest.mark.parametrize("code", [4500, 4502, 4509, 4999])
async def test_who_is_closed_not_to_come_back_has_none(
    code: int, diary: Diary, hall: Stage
) -> None:
    await seated(hall)
    hall.server.connections[0].close(code, "stay away")
    await hall.settle()

    assert [f"on_leave ann {ROOM} disconnected"] == diary.of("on_drop", "on_leave")
    assert NOTHING == remains(hall)


@pytest.mark.parametrize("code", [1000, 1001, 4000, 4500, 4999])
async def test_a_close_by_the_client_says_nothing_about_its_grace_time(
    code: int, hall: Stage
) -> None:
    ann = await seated(hall)
    await ann.close(code)

    assert user_of(hall).is_away


async def test_a_slow_consumer_may_come_back(hall: Stage) -> None:
    ann = await seated(hall)
    ann.wire.stop_reading()  # type: ignore[attr-defined]  # in memory
    for _ in range(3):
        for _ in range(400):
            room_of(hall).broadcast("news", "x" * 100)
        await hall.settle()
    await hall.advance(5)
    reply = await ann.resume()

    assert {"reset": "history"}.items() <= reply["rooms"][ROOM].items()


async def test_ten_bad_requests_are_the_end_of_a_login(diary: Diary, hall: Stage) -> None:
    ann = await seated(hall)
    for _ in range(10):
        ann.send_raw("{")
    await hall.settle()

    assert 4502 == (ann.closed or (0,))[0]
    assert [f"on_leave ann {ROOM} disconnected"] == diary.of("on_drop", "on_leave")
    assert NOTHING == remains(hall)


async def test_who_was_closed_not_to_come_back_does_not_before_its_socket_is_gone(
    hall: Stage,
) -> None:
    ann = await seated(hall)
    ann.wire.stop_reading()  # type: ignore[attr-defined]  # in memory
    for _ in range(10):
        ann.send_raw("{")
    await hall.settle()
    _, reply = await reconnect(hall, ann.token)

    assert 30 == code_of(reply)


# -- lost in the middle of something ---------------------------------------------------------


async def test_who_is_lost_while_on_join_waits_is_a_member_and_then_away(
    diary: Diary, hall: Stage
) -> None:
    bob = await seated(hall, "bob")
    ann = await hall.player("ann", app=APP, resume=True)
    diary.hold("on_join")
    ask(ann, EventType.JOIN_ROOM, 50, data={"roomName": ROOM})
    await hall.settle()
    await lose_while_handled(hall, ann)
    before = diary.of("on_drop", "app.on_drop")
    diary.let_go("on_join")
    await hall.settle()
    data = (await ann.resume())["rooms"][ROOM]
    ask(ann, EventType.JOIN_ROOM, 50, data={"roomName": ROOM})

    assert ["app.on_drop ann"] == before
    assert [f"on_drop ann {ROOM}", f"on_resume ann {ROOM}"] == diary.of("on_drop", "on_resume")
    assert [("join", "ann"), ("away", "ann"), ("back", "ann")] == await presence(bob)
    assert (["bob", "ann"], 2) == (data["members"], data["seq"])
    assert [0] == list(map(code_of, await answers(ann, 50)))


async def test_who_is_back_before_on_join_has_ended_was_never_away_there(
    diary: Diary, hall: Stage
) -> None:
    bob = await seated(hall, "bob")
    ann = await hall.player("ann", app=APP, resume=True)
    diary.hold("on_join")
    ask(ann, EventType.JOIN_ROOM, 50, data={"roomName": ROOM})
    await hall.settle()
    await lose_while_handled(hall, ann)
    reply = await ann.resume()
    diary.let_go("on_join")
    await hall.settle()

    assert {} == reply["rooms"]
    assert [("join", "ann")] == await presence(bob)
    assert [] == diary.of("on_drop", "on_resume")
    assert [["bob", "ann"]] == [one["data"]["members"] for one in await answers(ann, 50)]


async def test_a_join_that_is_refused_while_its_client_is_away_says_so_later(
    diary: Diary, hall: Stage
) -> None:
    ann = await hall.player("ann", app=APP, resume=True)
    diary.hold("on_join")
    diary.failures["on_join"] = Refused("no shoes")
    ask(ann, EventType.JOIN_ROOM, 50, data={"roomName": ROOM})
    await hall.settle()
    await lose_while_handled(hall, ann)
    diary.let_go("on_join")
    await hall.settle()
    reply = await ann.resume()
    ask(ann, EventType.JOIN_ROOM, 50, data={"roomName": ROOM})

    assert {} == reply["rooms"]
    assert [12] == list(map(code_of, await answers(ann, 50)))
    assert [] == room_of(hall).membership.away


async def test_who_is_lost_while_on_login_waits_is_not_logged_in(diary: Diary, hall: Stage) -> None:
    ann = await hall.connect(app=APP)
    diary.hold("on_login")
    ask(ann, EventType.LOGIN, 1, data={"username": "ann", "resume": True})
    await hall.settle()
    await lose_while_handled(hall, ann)
    diary.let_go("on_login")
    await hall.settle()

    assert NOTHING == remains(hall)
    assert [] == diary.of("on_drop", "app.on_drop", "on_disconnect")


@pytest.mark.parametrize("hook", ["on_logout", "on_disconnect", "on_leave"])
async def test_who_is_lost_while_its_logout_waits_is_logged_out(
    hook: str, diary: Diary, hall: Stage
) -> None:
    ann = await seated(hall)
    diary.hold(hook)
    ask(ann, EventType.LOGOUT, 50)
    await hall.settle()
    await lose_while_handled(hall, ann)
    diary.let_go(hook)
    await hall.settle()
    _, reply = await reconnect(hall, ann.token)

    assert 30 == code_of(reply)
    away = [f"on_drop ann {ROOM}"] if hook == "on_logout" else []  # it may be refused yet
    assert [*away, f"on_leave ann {ROOM} logged_out"] == diary.of("on_drop", "on_leave")
    assert NOTHING == remains(hall)


async def test_who_is_lost_while_a_refused_logout_waits_is_away(diary: Diary, hall: Stage) -> None:
    ann = await seated(hall)
    diary.hold("on_logout")
    diary.failures["on_logout"] = Refused("not now")
    ask(ann, EventType.LOGOUT, 50)
    await hall.settle()
    await lose_while_handled(hall, ann)
    diary.let_go("on_logout")
    await hall.settle()
    await ann.resume()
    ask(ann, EventType.LOGOUT, 50)

    assert [5] == list(map(code_of, await answers(ann, 50)))
    assert [ROOM] == list(user_of(hall).rooms)


async def test_who_is_back_while_its_logout_waits_is_logged_out_there(
    diary: Diary, hall: Stage
) -> None:
    ann = await seated(hall)
    diary.hold("on_logout")
    ask(ann, EventType.LOGOUT, 50)
    await hall.settle()
    await lose_while_handled(hall, ann)
    await ann.resume()
    diary.let_go("on_logout")
    await hall.settle()

    assert [0] == list(map(code_of, await answers(ann, 50)))
    assert ann.closed is None
    assert NOTHING == remains(hall)
    await ann.login("ann", resume=True)


@pytest.mark.parametrize("then", ["comes back", "stays away"])
@pytest.mark.parametrize(
    "hook",
    [
        "on_connect",
        "on_login",
        "on_join",
        "act",
        "on_leave",
        "on_logout",
        "on_disconnect",
        "room.on_disconnect",
        "app.on_drop",
        "on_drop",
        "app.on_resume",
        "on_resume",
    ],
)
async def test_a_client_lost_at_any_moment_leaves_nothing_behind(
    hook: str,
    then: str,
    diary: Diary,
    hall: Stage,
) -> None:
    ann = await hall.connect(app=APP)
    diary.hold(hook)
    ask(ann, EventType.LOGIN, 1, data={"username": "ann", "resume": True})
    ask(ann, EventType.JOIN_ROOM, 2, data={"roomName": ROOM})
    ask(ann, EventType.MESSAGE, 3, ROOM, action="act")
    if hook == "on_leave":
        ask(ann, EventType.LEAVE_ROOM, 4, data={"roomName": ROOM})
    if "disconnect" in hook or hook == "on_logout":
        ask(ann, EventType.LOGOUT, 5)
    await hall.settle()
    tokens = [one["data"]["token"] for one in await news(ann) if "token" in one.get("data", {})]
    await lose_while_handled(hall, ann)
    for _ in range(2 if then == "comes back" and tokens else 0):
        back, reply = await reconnect(hall, tokens[-1])
        if not code_of(reply):
            tokens.append(back.token)
        await back.drop()
    diary.let_go(hook)
    await hall.advance(GRACE + 0.1)

    assert NOTHING == remains(hall)
    assert [] == list(hall.server.connections)
    assert len(diary.of("on_join")) == len(diary.of("on_leave"))
    assert bool(tokens) == len(diary.of("on_disconnect"))
    assert len(diary.of("on_drop")) - len(diary.of("on_resume")) in {0, 1}


@pytest.mark.parametrize("then", ["comes back", "stays away"])
async def test_a_handler_that_disconnects_ends_the_login_wherever_it_is_by_now(
    then: str, diary: Diary, hall: Stage
) -> None:
    ann = await seated(hall)
    diary.hold("act")
    diary.failures["act"] = Disconnect(4503, "banned")
    ask(ann, EventType.MESSAGE, 50, ROOM, action="act")
    await hall.settle()
    await lose_while_handled(hall, ann)
    if then == "comes back":
        await ann.resume()
        ask(ann, EventType.MESSAGE, 50, ROOM, action="act")  # which waits for the first
    diary.let_go("act")
    await hall.settle()

    assert ((4503, "banned") if then == "comes back" else (1006, "")) == ann.closed
    assert ["on_disconnect ann kicked"] == diary.of("on_disconnect")
    assert NOTHING == remains(hall)


async def test_each_application_of_a_lost_connection_has_its_own_rule(hall: Stage) -> None:
    ann = await seated(hall)
    data = {"username": "ann"}
    await ann.exchange(eventType=EventType.LOGIN, appName="other", data=data)
    await ann.drop()

    assert user_of(hall).is_away
    assert {} == hall.server.applications["other"].users
    assert [] == list(hall.server.connections)


async def test_who_is_beaten_while_it_is_handled_is_answered_on_the_new_connection(
    diary: Diary, hall: Stage
) -> None:
    ann = await seated(hall)
    diary.hold("act")
    ask(ann, EventType.MESSAGE, 50, ROOM, action="act")
    ask(ann, EventType.MESSAGE, 51, ROOM, action="say")  # not read yet
    await hall.settle()
    other, _ = await reconnect(hall, ann.token)
    diary.let_go("act")
    await hall.settle()

    assert [0] == list(map(code_of, await answers(other, 50)))
    assert [[], []] == [await answers(ann, number) for number in (50, 51)]
    ask(other, EventType.MESSAGE, 51, ROOM, action="say")
    assert [0] == list(map(code_of, await answers(other, 51)))
    assert 1 == len([one for one in other.frames if one.get("action") == "said"])
