"""What a client does when its link is lost, told by the frames of a server that the test plays."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from goroom.client import (
    App,
    Away,
    Back,
    Connection,
    Dropped,
    Joined,
    Left,
    Member,
    Message,
    Removed,
    Reset,
    Resumed,
    Room,
    RoomAdded,
    RoomChanged,
    RoomGone,
    RoomInfo,
    Seated,
    SendLost,
    SendRefused,
)
from goroom.client.frames import Place
from goroom.errors import ConnectionLost, RequestRefused
from goroom.testing import Clock
from tests.client.conftest import WAIT_SECONDS, Network, Wire, hold, next_of, rest_of

HALL = {"roomName": "hall", "kind": "hall", "epoch": "r", "count": 2, "members": ["ada", "bob"]}
DROP = Dropped(1006, "")


class Stay:
    """ada in the hall at place (7, 2); the application is at 4."""

    def __init__(self, network: Network, connection: Connection) -> None:
        self.network = network
        self.connection = connection
        self.wire = network.wires[0]
        self.app: App
        self.room: Room

    async def begin(self) -> Stay:
        self.app = await self.wire.login(self.connection)
        self.wire.push(4, HALL, id=2, seq=7, sub=2)
        self.room = await self.app.join("hall")
        return self

    async def redial(self) -> dict[str, Any]:
        """Cut the link, and return the first frame on the next one."""
        number = len(self.network.wires)
        self.wire.lose(1006)
        self.wire = await self.network.wire(number)
        return await self.wire.frame(0)

    def resumed(self, number: int, rooms: Any = None, app: Any = None) -> None:
        """Answer a RECONNECT."""
        places = {"hall": {"epoch": "r", "seq": 9, "sub": 0}} if rooms is None else rooms
        own = {"epoch": "e", "seq": 4, "sub": 0, **(app or {})}
        who = {"appName": "test", "userName": "ada", "userId": "1", "token": "two"}
        self.wire.push(8, {**who, "app": own, "rooms": places}, id=number)

    async def resume(self, rooms: Any = None, app: Any = None) -> None:
        """Cut the link and bring it back."""
        frame = await self.redial()
        self.resumed(frame["id"], rooms, app)
        assert [DROP, Resumed()] == [await next_of(self.app) for _ in range(2)]

    async def forget(self) -> dict[str, Any]:
        """Cut the link, refuse the token, and return the LOGIN that follows."""
        frame = await self.redial()
        self.wire.push(8, id=frame["id"], code=500, error={"code": 30, "reason": "unknown_token"})
        return await self.wire.frame(1)

    async def login_again(self, rooms: Any = ()) -> None:
        """Cut the link, refuse the token, and take the LOGIN that follows."""
        frame = await self.forget()
        data = {"userName": "ada", "userId": "2", "epoch": "f", "seq": 1, "token": "three"}
        self.wire.push(6, {**data, "rooms": list(rooms)}, id=frame["id"])
        assert [DROP, Resumed(), Reset("epoch")] == [await next_of(self.app) for _ in range(3)]

    def say(self, seq: int, number: int, sub: int | None = None) -> None:
        """Push an event of the hall."""
        self.wire.push(11, number, roomName="hall", action="number", seq=seq, sub=sub)


@pytest.fixture
async def stay(network: Network, lasting: Connection) -> Stay:
    return await Stay(network, lasting).begin()


def number(value: int) -> Message:
    return Message("number", value)


# -- resuming ------------------------------------------------------------------------------------


async def test_a_client_asks_to_be_able_to_resume(stay: Stay) -> None:
    assert {"username": "ada", "resume": True} == (await stay.wire.frame(0))["data"]


async def test_it_comes_back_with_its_token_and_its_places(stay: Stay) -> None:
    frame = await stay.redial()

    assert ("suspended", 8, "test", 3) == (
        stay.app.state,
        frame["eventType"],
        frame["appName"],
        frame["id"],
    )
    assert len(frame["data"].pop("attempt")) >= 16
    assert {
        "token": "one",
        "app": {"epoch": "e", "seq": 4, "sub": 0},
        "rooms": {"hall": {"epoch": "r", "seq": 7, "sub": 2}},
    } == frame["data"]


async def test_what_was_missed_is_told_once_and_in_order(stay: Stay) -> None:
    await stay.resume()
    for seq, sub, value in ((7, 1, 0), (7, 2, 0), (7, 3, 1), (8, None, 2), (9, None, 3)):
        stay.say(seq, value, sub)
    stay.say(8, 0)
    stay.say(10, 4)

    assert "open" == stay.app.state
    assert [number(value) for value in (1, 2, 3, 4)] == [await next_of(stay.room) for _ in range(4)]
    assert Place("r", 10, 0) == stay.room.place


async def test_its_next_token_is_the_new_one_and_its_ids_go_on(stay: Stay) -> None:
    first = await stay.redial()
    stay.resumed(first["id"])
    assert [DROP, Resumed()] == [await next_of(stay.app) for _ in range(2)]
    second = await stay.redial()

    assert ("two", 4) == (second["data"]["token"], second["id"])
    assert first["data"]["attempt"] != second["data"]["attempt"]


async def test_an_attempt_is_repeated_as_it_was_until_it_is_answered(stay: Stay) -> None:
    first = await stay.redial()
    second = await stay.redial()

    assert first["data"] == second["data"]
    stay.resumed(second["id"])
    assert [DROP, Resumed()] == [await next_of(stay.app) for _ in range(2)]


async def test_it_dials_until_somebody_answers(stay: Stay) -> None:
    stay.network.is_down = True
    stay.wire.lose(1001, "going away")
    assert Dropped(1001, "going away") == await next_of(stay.app)
    await stay.network.dialled_times(5)
    stay.network.is_down = False

    stay.wire = await stay.network.wire(1)
    stay.resumed((await stay.wire.frame(0))["id"])
    assert Resumed() == await next_of(stay.app)


async def test_a_link_has_its_time_to_open_though_the_loop_was_held(
    stay: Stay, clock: Clock
) -> None:
    stay.network.way.clear()
    stay.wire.lose(1006)
    await clock.settle()
    hold(clock, 60)
    await clock.advance(9)
    assert 2 == stay.network.dialled
    await clock.advance(1)

    assert 3 == stay.network.dialled


@pytest.mark.parametrize("code", [1000, 1001, 4000, 4010, 4499])
async def test_most_closes_mean_come_back(stay: Stay, code: int) -> None:
    stay.wire.lose(code)

    assert Dropped(code, "") == await next_of(stay.app)
    await stay.network.wire(1)


@pytest.mark.parametrize("code", [4500, 4509, 4999])
async def test_some_closes_mean_do_not_come_back(stay: Stay, code: int) -> None:
    stay.wire.lose(code, "go")

    for events in (stay.app, stay.room):
        with pytest.raises(ConnectionLost) as caught:
            await rest_of(events)
        assert (code, "go") == (caught.value.code, caught.value.reason)
    assert ("closed", 1) == (stay.app.state, stay.network.dialled)


async def test_who_does_not_want_to_come_back_does_not(
    network: Network, lasting: Connection
) -> None:
    network.wires[0].push(6, {"userName": "ada"}, id=1)
    app = await lasting.login("test", name="ada", resume=False)
    network.wires[0].lose(1006)

    with pytest.raises(ConnectionLost):
        await rest_of(app)
    assert {"username": "ada"} == (await network.wires[0].frame(0))["data"]
    assert 1 == network.dialled


async def test_all_logins_of_a_connection_come_back_on_one_link(stay: Stay) -> None:
    stay.wire.push(6, {"userName": "ada", "token": "other"}, id=1, appName="other")
    other = await stay.connection.login("other", name="ada")
    await stay.redial()
    frames = {frame["appName"]: frame for frame in [await stay.wire.frame(i) for i in (0, 1)]}
    stay.resumed(frames["test"]["id"])
    data = {"userName": "ada", "token": "x", "app": {"epoch": "o", "seq": 0}, "rooms": {}}
    stay.wire.push(8, data, id=frames["other"]["id"], appName="other")

    assert ("one", "other") == tuple(frames[name]["data"]["token"] for name in ("test", "other"))
    for app in (stay.app, other):
        assert [DROP, Resumed()] == [await next_of(app) for _ in range(2)]


async def test_a_login_asked_for_while_the_link_is_lost_waits_for_it(stay: Stay) -> None:
    stay.network.is_down = True
    stay.wire.lose(1006)
    assert DROP == await next_of(stay.app)
    opening = asyncio.ensure_future(stay.connection.login("other", name="ada"))
    await asyncio.sleep(0)
    stay.network.is_down = False
    wire = await stay.network.wire(1)
    assert {8, 6} == {(await wire.frame(i))["eventType"] for i in (0, 1)}
    wire.push(6, {"userName": "ada"}, id=1, appName="other")

    assert "open" == (await opening).state


async def test_a_login_whose_link_is_lost_fails_and_the_others_come_back(stay: Stay) -> None:
    opening = asyncio.ensure_future(stay.connection.login("other", name="ada"))
    await stay.wire.frame(2)
    await stay.redial()

    with pytest.raises(ConnectionLost):
        await opening
    assert {"test": stay.app} == stay.connection.apps


async def test_the_end_of_a_login_by_its_server_may_mean_come_back(stay: Stay) -> None:
    stay.wire.push(2, code=4003, error={"code": 4003, "message": "restarting"})

    assert Dropped(4003, "restarting") == await next_of(stay.app)
    assert 8 == (await (await stay.network.wire(1)).frame(0))["eventType"]


async def test_the_end_of_a_login_by_its_server_may_mean_do_not_and_leaves_the_others(
    stay: Stay,
) -> None:
    stay.wire.push(6, {"userName": "ada", "token": "other"}, id=1, appName="other")
    other = await stay.connection.login("other", name="ada")
    stay.wire.push(2, code=4503, error={"code": 4503, "message": "banned"})

    with pytest.raises(ConnectionLost, match="banned"):
        await rest_of(stay.app)
    assert ("open", {"other": other}) == (other.state, stay.connection.apps)


# -- rooms ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["history", "epoch"])
async def test_a_room_that_is_reset_is_as_the_server_has_it_now(stay: Stay, reason: Any) -> None:
    members = {"members": ["ada", "eve"], "away": ["ada", "eve"], "count": 5}
    reset = {"reset": reason, **HALL, **members, "epoch": "s", "seq": 40, "sub": 1}
    await stay.resume({"hall": reset})
    stay.say(40, 0, 1)
    stay.say(41, 1)

    assert Reset(reason, stay.room) == await next_of(stay.app)
    assert [Reset(reason, stay.room), number(1)] == [await next_of(stay.room) for _ in range(2)]
    assert {"ada": Member("ada"), "eve": Member("eve", is_away=True)} == stay.room.members
    assert (5, Place("s", 41, 0)) == (stay.room.count, stay.room.place)


@pytest.mark.parametrize("reason", ["gone", "kicked"])
async def test_a_room_that_is_lost_says_so_and_ends(stay: Stay, reason: Any) -> None:
    await stay.resume({"hall": {"reset": reason}})

    assert Reset(reason, stay.room) == await next_of(stay.app)
    assert [Reset(reason, stay.room), Removed(reason)] == await rest_of(stay.room)
    assert (True, {}) == (stay.room.has_left, dict(stay.app.joined))


async def test_the_applications_own_events_can_be_reset(stay: Stay) -> None:
    await stay.resume(app={"reset": "history", "seq": 50})
    stay.wire.push(11, 1, seq=50)
    stay.wire.push(11, 2, seq=51)

    assert [Reset("history"), Message("", 2)] == [await next_of(stay.app) for _ in range(2)]


async def test_a_room_that_one_was_put_into_meanwhile_is_a_seat(stay: Stay) -> None:
    den = {"roomName": "den", "epoch": "d", "seq": 3, "sub": 0, "members": ["ada"], "count": 1}
    await stay.resume({"hall": {"epoch": "r", "seq": 7, "sub": 2}, "den": den})
    room = stay.app.joined["den"]
    stay.wire.push(11, 1, roomName="den", seq=4)

    assert Seated(room) == await next_of(stay.app)
    assert (Message("", 1), Place("d", 4)) == (await next_of(room), room.place)


async def test_a_seat_whose_beginning_is_not_to_be_had_is_reset(stay: Stay) -> None:
    den = {"roomName": "den", "epoch": "d", "seq": 3, "sub": 0, "reset": "history"}
    await stay.resume({"hall": {"epoch": "r", "seq": 7}, "den": den})
    room = stay.app.joined["den"]

    assert [Seated(room), Reset("history", room)] == [await next_of(stay.app) for _ in range(2)]
    assert Reset("history", room) == await next_of(room)


async def test_what_one_did_oneself_is_not_told(stay: Stay) -> None:
    await stay.resume()
    for seq, event_type in enumerate((21, 22, 5, 4), 8):
        stay.wire.push(event_type, {"seconds": 30}, roomName="hall", sender="ada", seq=seq)
    stay.say(12, 1)

    assert number(1) == await next_of(stay.room)
    assert (Member("ada"), 2) == (stay.room.members["ada"], stay.room.count)


async def test_others_who_are_away_and_back_are(stay: Stay) -> None:
    await stay.resume()
    stay.wire.push(21, {"seconds": 30}, roomName="hall", sender="bob", seq=8)
    stay.wire.push(22, roomName="hall", sender="bob", seq=9)

    assert [Away("bob", 30), Back("bob")] == [await next_of(stay.room) for _ in range(2)]


async def test_members_are_counted_once_where_the_room_is_ahead_of_its_events(stay: Stay) -> None:
    await stay.resume()
    for seq, event_type, name in ((8, 4, "bob"), (9, 5, "eve"), (10, 4, "eve"), (11, 5, "bob")):
        stay.wire.push(event_type, roomName="hall", sender=name, seq=seq)

    assert [Joined("bob"), Left("eve", ""), Joined("eve"), Left("bob", "")] == [
        await next_of(stay.room) for _ in range(4)
    ]
    assert (2, {"ada", "eve"}) == (stay.room.count, set(stay.room.members))


async def test_a_room_that_is_watched_is_named_too(stay: Stay) -> None:
    stay.wire.push(9, {"roomName": "den", "epoch": "d"}, id=3, seq=5)
    den = await stay.app.watch("den")
    frame = await stay.redial()
    rooms = {"hall": {"epoch": "r", "seq": 7}, "den": {"reset": "history", "roomName": "den"}}
    stay.resumed(frame["id"], rooms)

    assert {"epoch": "d", "seq": 5, "sub": 0} == frame["data"]["rooms"]["den"]
    assert Reset("history", den) == await next_of(den)
    assert den.is_watching


# -- what was asked ------------------------------------------------------------------------------


async def test_what_is_unanswered_is_sent_again_before_what_is_newer(stay: Stay) -> None:
    asking = asyncio.create_task(stay.room.request("score"))
    stay.room.send("move", {"square": 4})
    await stay.wire.frame(3)
    frame = await stay.redial()
    stay.room.send("resign")
    stay.resumed(frame["id"])
    again = [await stay.wire.frame(i) for i in (1, 2, 3)]
    stay.wire.push(11, 7, id=again[1]["id"])

    asked = {again[0]["action"]: 4, "score": again[1]["id"]}
    assert [("move", 3), ("score", 4), ("resign", 6)] == [
        (frame["action"], frame["id"]) for frame in again
    ]
    assert (7, 4) == (await asking, asked["score"])


async def test_a_volatile_message_is_lost_with_the_link(stay: Stay) -> None:
    stay.room.send("look", {"x": 1}, volatile=True)
    looked = await stay.wire.frame(2)
    frame = await stay.redial()
    stay.room.send("look", {"x": 2}, volatile=True)
    stay.resumed(frame["id"])
    stay.room.send("look", {"x": 3})

    assert ("look", None) == (looked["action"], looked.get("id"))
    assert {"x": 3} == (await stay.wire.frame(1))["data"]


async def test_the_queue_is_bounded_while_the_link_is_lost(stay: Stay) -> None:
    await stay.redial()
    for _ in range(64):
        stay.room.send("go")

    with pytest.raises(asyncio.QueueFull):
        stay.room.send("go")
    with pytest.raises(asyncio.QueueFull):
        await stay.app.request("go")


async def test_a_leave_whose_answer_was_lost_is_no_reset(stay: Stay) -> None:
    leaving = asyncio.create_task(stay.room.leave())
    await stay.wire.frame(2)
    await stay.resume({"hall": {"reset": "kicked"}})
    stay.wire.push(5, {"roomName": "hall"}, id=(await stay.wire.frame(1))["id"])
    await leaving
    stay.wire.push(11, 1, seq=5)

    assert [] == await rest_of(stay.room)
    assert Message("", 1) == await next_of(stay.app)


async def test_a_leave_while_the_link_is_lost_does_not_wait_and_follows(stay: Stay) -> None:
    frame = await stay.redial()
    await stay.room.leave()
    stay.resumed(frame["id"])
    leave = await stay.wire.frame(1)
    stay.wire.push(5, {"roomName": "hall"}, id=leave["id"])

    assert 5 == leave["eventType"]
    assert [] == await rest_of(stay.room)


async def test_a_leave_that_did_not_wait_may_be_refused(stay: Stay) -> None:
    frame = await stay.redial()
    await stay.room.leave()
    stay.resumed(frame["id"])
    leave = await stay.wire.frame(1)
    stay.wire.push(5, id=leave["id"], code=500, error={"code": 13})

    match await next_of(stay.room):
        case SendRefused("", error):
            assert (13, False) == (error.code, stay.room.has_left)
        case other:
            pytest.fail(f"not refused, but {other}")


async def test_a_leave_that_was_refused_is_not_asked_for_any_more(stay: Stay) -> None:
    leaving = asyncio.create_task(stay.room.leave())
    await stay.wire.frame(2)
    stay.wire.push(5, id=3, code=500, error={"code": 13})
    with pytest.raises(RequestRefused):
        await leaving
    await stay.resume({"hall": {"reset": "kicked"}})

    assert [Reset("kicked", stay.room), Removed("kicked")] == await rest_of(stay.room)


async def test_a_join_whose_answer_was_lost_is_the_room_that_came_with_the_resume(
    stay: Stay,
) -> None:
    joining = asyncio.ensure_future(stay.app.join_or_create("hall"))
    await stay.wire.frame(2)
    frame = await stay.redial()
    den = {"roomName": "den", "epoch": "d", "seq": 3, "sub": 0}
    stay.resumed(frame["id"], {"hall": {"epoch": "r", "seq": 7}, "den": den})
    for seq in (4, 5):
        stay.wire.push(11, seq, roomName="den", seq=seq)
    stay.wire.push(4, {**den, "seq": 1}, id=3, seq=1)
    stay.wire.push(11, "next", seq=5)
    room = await joining

    assert [Message("", 4), Message("", 5)] == [await next_of(room) for _ in range(2)]
    assert {"hall": stay.room, "den": room} == stay.app.joined
    assert [DROP, Resumed(), Message("", "next")] == [await next_of(stay.app) for _ in range(3)]
    assert {"kind": "hall", "create": "if_missing"} == room.entry.data


async def test_a_seat_is_told_though_a_join_was_under_way(stay: Stay) -> None:
    joining = asyncio.ensure_future(stay.app.join("nowhere"))
    await stay.wire.frame(2)
    frame = await stay.redial()
    den = {"roomName": "den", "epoch": "d", "seq": 3, "sub": 0}
    stay.resumed(frame["id"], {"hall": {"epoch": "r", "seq": 7}, "den": den})
    stay.wire.push(4, id=3, code=500, error={"code": 7})
    with pytest.raises(RequestRefused):
        await joining

    assert [DROP, Resumed(), Seated(stay.app.joined["den"])] == [
        await next_of(stay.app) for _ in range(3)
    ]


async def test_a_join_that_was_done_after_all_replaces_what_came_with_the_resume(
    stay: Stay,
) -> None:
    joining = asyncio.ensure_future(stay.app.join("den"))
    await stay.wire.frame(2)
    frame = await stay.redial()
    den = {"roomName": "den", "epoch": "d", "seq": 3, "sub": 0}
    stay.resumed(frame["id"], {"hall": {"epoch": "r", "seq": 7}, "den": den})
    stay.wire.push(4, {"roomName": "den", "epoch": "d", "members": ["ada"]}, id=3, seq=8)
    room = await joining

    assert ({"ada"}, Place("d", 8)) == (set(room.members), room.place)
    assert {"hall": stay.room, "den": room} == stay.app.joined


async def test_a_room_that_was_watched_is_joined_though_the_answer_was_lost(stay: Stay) -> None:
    stay.wire.push(9, {"roomName": "den", "epoch": "d"}, id=3, seq=5)
    watched = await stay.app.watch("den")
    joining = asyncio.ensure_future(stay.app.join("den"))
    await stay.wire.frame(3)
    frame = await stay.redial()
    stay.resumed(frame["id"], {"hall": {"epoch": "r"}, "den": {"epoch": "d", "seq": 7}})
    stay.wire.push(11, 1, roomName="den", seq=7)
    stay.wire.push(4, {"roomName": "den", "epoch": "d"}, id=4, seq=6)
    room = await joining

    assert (watched, False) == (room, room.is_watching)
    assert Message("", 1) == await next_of(room)


async def test_who_joins_what_it_watches_at_the_same_place_is_in_another_room(
    stay: Stay,
) -> None:
    stay.wire.push(9, {"roomName": "den", "epoch": "d"}, id=3, seq=5)
    watched = await stay.app.watch("den")
    stay.wire.push(4, {"roomName": "den", "epoch": "d"}, id=4, seq=5)
    room = await stay.app.join("den")

    assert (True, False) == (watched.has_left, room.has_left)


async def test_a_room_made_anew_under_the_same_name_is_another_one(stay: Stay) -> None:
    stay.wire.push(4, {"roomName": "hall", "epoch": "s"}, roomName="hall", seq=1)

    assert [] == await rest_of(stay.room)
    assert Seated(stay.app.joined["hall"]) == await next_of(stay.app)


async def test_a_seat_that_is_told_twice_is_one(stay: Stay) -> None:
    stay.say(8, 1)
    stay.wire.push(4, HALL, roomName="hall", seq=7)
    stay.wire.push(11, "next", seq=5)

    assert Message("", "next") == await next_of(stay.app)
    assert {"hall": stay.room} == stay.app.joined


async def cancelled_join(stay: Stay) -> dict[str, Any]:
    """Take a join back whose answer has come, and return the first frame of the next link."""
    joining = asyncio.ensure_future(stay.app.join("den"))
    await stay.wire.frame(2)
    joining.cancel()
    with pytest.raises(asyncio.CancelledError):
        await joining
    stay.wire.push(4, {"roomName": "den", "epoch": "d"}, id=3, seq=1)
    assert 5 == (await stay.wire.frame(3))["eventType"]
    return await stay.redial()


async def test_a_room_whose_join_was_taken_back_does_not_come_with_a_resume(stay: Stay) -> None:
    frame = await cancelled_join(stay)
    den = {"roomName": "den", "epoch": "d", "seq": 1, "sub": 0}
    stay.resumed(frame["id"], {"hall": {"epoch": "r", "seq": 7}, "den": den})
    stay.wire.push(11, "next", seq=5)

    assert [DROP, Resumed(), Message("", "next")] == [await next_of(stay.app) for _ in range(3)]
    assert {"hall": stay.room} == stay.app.joined
    assert 5 == (await stay.wire.frame(1))["eventType"]


async def test_nor_does_it_while_another_join_is_under_way(stay: Stay) -> None:
    frame = await cancelled_join(stay)
    joining = asyncio.ensure_future(stay.app.join("nowhere"))
    await asyncio.sleep(0)
    den = {"roomName": "den", "epoch": "d", "seq": 1, "sub": 0}
    stay.resumed(frame["id"], {"hall": {"epoch": "r", "seq": 7}, "den": den})
    stay.wire.push(5, {"roomName": "den"}, id=4)
    stay.wire.push(4, id=(await stay.wire.frame(2))["id"], code=500, error={"code": 7})
    with pytest.raises(RequestRefused):
        await joining

    assert {"hall": stay.room} == stay.app.joined


async def is_seated(stay: Stay) -> bool:
    """Cut the link, say that this user was put into the den, and tell whether that is told."""
    frame = await stay.redial()
    den = {"roomName": "den", "epoch": "d", "seq": 20, "sub": 0}
    stay.resumed(frame["id"], {"hall": {"epoch": "r", "seq": 7}, "den": den})
    stay.wire.push(11, "next", seq=5)
    events = [await next_of(stay.app)]
    while events[-1] != Message("", "next"):
        events.append(await next_of(stay.app))
    return any(isinstance(event, Seated) for event in events)


async def test_a_seat_in_a_room_whose_join_was_taken_back_before_is_told(stay: Stay) -> None:
    frame = await cancelled_join(stay)
    stay.resumed(frame["id"])
    stay.wire.push(5, {"roomName": "den"}, id=(await stay.wire.frame(1))["id"])

    assert await is_seated(stay)


async def test_and_so_it_is_where_it_was_joined_after_all_and_left(stay: Stay) -> None:
    frame = await cancelled_join(stay)
    joining = asyncio.ensure_future(stay.app.join("den"))
    await asyncio.sleep(0)
    den = {"roomName": "den", "epoch": "d", "seq": 1, "sub": 0}
    stay.resumed(frame["id"], {"hall": {"epoch": "r", "seq": 7}, "den": den})
    stay.wire.push(5, {"roomName": "den"}, id=(await stay.wire.frame(1))["id"])
    stay.wire.push(4, den, id=(await stay.wire.frame(2))["id"], seq=9)
    leaving = asyncio.create_task((await joining).leave())
    stay.wire.push(5, {"roomName": "den"}, id=(await stay.wire.frame(3))["id"])
    await leaving

    assert await is_seated(stay)


async def test_a_list_that_is_watched_is_asked_for_again(stay: Stay) -> None:
    rooms = [{"roomName": "hall", "count": 1}, {"roomName": "den"}]
    stay.wire.push(9, {"rooms": rooms}, id=3)
    async with stay.app.watch_rooms() as listed:
        await stay.resume()
        again = await stay.wire.frame(1)
        changed = [{"roomName": "hall", "count": 2}, {"roomName": "attic"}]
        stay.wire.push(9, {"rooms": changed}, id=again["id"])

        assert (9, None) == (again["eventType"], again.get("data"))
        assert [
            RoomGone("den"),
            RoomChanged(RoomInfo(name="hall", count=2)),
            RoomAdded(RoomInfo(name="attic")),
        ] == [await next_of(listed) for _ in range(3)]
        assert ["hall", "attic"] == [*listed.rooms]


async def test_a_list_that_is_refused_stays_as_it_was(stay: Stay) -> None:
    stay.wire.push(9, {"rooms": [{"roomName": "hall"}]}, id=3)
    async with stay.app.watch_rooms() as listed:
        await stay.resume()
        stay.wire.push(9, id=(await stay.wire.frame(1))["id"], code=500, error={"code": 29})
        await stay.resume()

        assert ["hall"] == [*listed.rooms]


# -- where the token is unknown ------------------------------------------------------------------


async def test_without_its_token_a_client_logs_in_and_joins_again(stay: Stay) -> None:
    stay.wire.push(4, {"roomName": "hall-1", "epoch": "d"}, id=3, seq=5)
    made = await stay.app.create("hall", capacity=2)
    stay.wire.push(9, {"roomName": "den", "epoch": "w"}, id=4, seq=5)
    watched = await stay.app.watch("den")
    await stay.login_again()
    joins = [await stay.wire.frame(i) for i in (2, 3, 4)]
    for frame in joins:
        data = {"roomName": frame["data"]["roomName"], "epoch": "n", "members": ["ada"]}
        stay.wire.push(frame["eventType"], data, id=frame["id"], seq=1)

    again = {"kind": "hall", "capacity": 2, "create": "if_missing", "roomName": "hall-1"}
    assert [(4, {"roomName": "hall"}), (4, again), (9, {"roomName": "den"})] == [
        (frame["eventType"], frame["data"]) for frame in joins
    ]
    for room in (stay.room, made, watched):
        assert Reset("epoch", room) == await next_of(room)
        assert Reset("epoch", room) == await next_of(stay.app)
    assert ("2", "open", {"ada"}) == (stay.app.user_id, stay.app.state, set(stay.room.members))


async def test_the_new_login_can_be_resumed_in_turn(stay: Stay) -> None:
    await stay.login_again()
    join = await stay.wire.frame(2)
    stay.wire.push(4, {**HALL, "epoch": "n"}, id=join["id"], seq=1)
    assert Reset("epoch", stay.room) == await next_of(stay.room)
    frame = await stay.redial()

    assert ("three", {"hall": {"epoch": "n", "seq": 1, "sub": 0}}) == (
        frame["data"]["token"],
        frame["data"]["rooms"],
    )


async def test_a_room_that_cannot_be_joined_again_is_gone(stay: Stay) -> None:
    await stay.login_again()
    join = await stay.wire.frame(2)
    stay.wire.push(4, id=join["id"], code=500, error={"code": 7})

    assert [Reset("gone", stay.room), Removed("gone")] == await rest_of(stay.room)


async def test_a_room_that_the_new_login_is_in_already_is_not_joined_again(stay: Stay) -> None:
    den = {"roomName": "den", "epoch": "d", "seq": 3, "sub": 0}
    await stay.login_again([{**HALL, "epoch": "n", "seq": 1, "sub": 0}, den])
    stay.app.send("next")

    assert [Reset("epoch", stay.room), Seated(stay.app.joined["den"])] == [
        await next_of(stay.app) for _ in range(2)
    ]
    assert "next" == (await stay.wire.frame(2))["action"]


async def test_what_was_sent_to_the_old_login_is_lost_and_what_waited_is_sent(stay: Stay) -> None:
    asking = asyncio.create_task(stay.room.request("score"))
    stay.room.send("move")
    stay.app.send("shout")
    await stay.wire.frame(4)
    frame = await stay.redial()
    stay.room.send("late")
    stay.wire.push(8, id=frame["id"], code=500, error={"code": 30})
    login = await stay.wire.frame(1)
    stay.wire.push(6, {"userName": "ada", "epoch": "f"}, id=login["id"])
    sent = [await stay.wire.frame(i) for i in (2, 3)]

    with pytest.raises(ConnectionLost, match="whether it was done is not known"):
        await asking
    assert SendLost("move") == await next_of(stay.room)
    assert [DROP, SendLost("shout")] == [await next_of(stay.app) for _ in range(2)]
    assert [(4, None), (11, "late")] == [(f["eventType"], f.get("action")) for f in sent]
    assert sent[0]["id"] < sent[1]["id"]


async def test_credentials_are_asked_for_again(network: Network, lasting: Connection) -> None:
    keys = iter(["first", "second"])

    async def credentials() -> dict[str, object]:
        return {"key": next(keys)}

    network.wires[0].push(6, {"userName": "ada", "token": "one"}, id=1)
    await lasting.login("test", name="ada", credentials=credentials)
    stay = Stay(network, lasting)

    assert {"username": "ada", "resume": True, "key": "second"} == (await stay.forget())["data"]


class Office:
    """Credentials for a second login, which are not to be had at times."""

    def __init__(self, stay: Stay) -> None:
        self.stay = stay
        self.asked = 0
        self.error: Exception | None = None
        self.answer: object = {"key": 7}
        self._has_asked = asyncio.Event()

    async def credentials(self) -> Any:
        self.asked += 1
        self._has_asked.set()
        if self.error is not None:
            raise self.error
        return self.answer

    async def begin(self) -> App:
        """Log in with them."""
        stay = self.stay
        stay.wire.push(6, {"userName": "ada"}, id=1, appName="other")
        return await stay.connection.login("other", name="ada", credentials=self.credentials)

    async def redial(self) -> None:
        """Cut the link, resume the first login, and wait until the other has asked in vain."""
        self.stay.resumed((await self.stay.redial())["id"])
        assert [DROP, Resumed()] == [await next_of(self.stay.app) for _ in range(2)]
        enough = self.asked + 3
        async with asyncio.timeout(WAIT_SECONDS):
            while self.asked < enough:
                self._has_asked.clear()
                await self._has_asked.wait()


@pytest.mark.parametrize(
    "error",
    [
        LookupError("the office is closed"),
        TimeoutError(),
        ConnectionLost(1006),
        RequestRefused(9),
    ],
)
async def test_a_login_without_credentials_tries_again_alone(stay: Stay, error: Exception) -> None:
    office = Office(stay)
    other = await office.begin()
    office.error = error
    with capture_logs() as logs:
        await office.redial()
        office.error = None
        login = await stay.wire.frame(1)
        stay.wire.push(6, {"userName": "ada"}, id=login["id"], appName="other")
        assert [DROP, Resumed()] == [await next_of(other) for _ in range(2)]

    entry = {"event": "client_login_failed", "application": "other", "exc_info": True}
    assert [{**entry, "log_level": "error"}] * (office.asked - 2) == logs
    assert ("open", 2, 7) == (stay.app.state, stay.network.dialled, login["data"]["key"])


@pytest.mark.parametrize("answer", [None, {"key": object()}])
async def test_credentials_that_cannot_be_sent_are_none(stay: Stay, answer: object) -> None:
    office = Office(stay)
    other = await office.begin()
    office.answer = answer
    with capture_logs():
        await office.redial()
        office.answer = {}
        await stay.wire.frame(1)

    assert ("open", "suspended", 2) == (stay.app.state, other.state, stay.network.dialled)


async def test_a_login_without_credentials_can_be_ended(stay: Stay) -> None:
    office = Office(stay)
    other = await office.begin()
    office.error = LookupError("the office is closed")
    with capture_logs():
        await office.redial()
        await other.logout()
    asked = office.asked
    stay.wire.push(11, 1, seq=5)

    assert Message("", 1) == await next_of(stay.app)
    assert (asked, 2) == (office.asked, stay.network.dialled)


async def test_a_logout_while_logging_in_again_leaves_the_others(stay: Stay) -> None:
    other = await Office(stay).begin()
    reconnect = await stay.redial()
    login = await stay.wire.frame(1)
    await other.logout()
    stay.resumed(reconnect["id"])
    assert [DROP, Resumed()] == [await next_of(stay.app) for _ in range(2)]
    asking = asyncio.create_task(stay.room.request("score"))
    stay.wire.push(11, 7, id=(await stay.wire.frame(2))["id"])

    assert 6 == login["eventType"]
    assert (7, "closed", 2) == (await asking, other.state, stay.network.dialled)


async def test_a_server_that_gives_no_token_is_logged_in_to_again(
    network: Network, lasting: Connection
) -> None:
    network.wires[0].push(6, {"userName": "ada"}, id=1)
    await lasting.login("test", name="ada")

    assert 6 == (await Stay(network, lasting).redial())["eventType"]


async def test_a_login_that_is_refused_on_the_way_back_is_over(stay: Stay) -> None:
    login = await stay.forget()
    error = {"code": 4, "reason": "already_logged_in", "message": "taken"}
    stay.wire.push(6, id=login["id"], code=500, error=error)

    for events in (stay.app, stay.room):
        with pytest.raises(ConnectionLost) as caught:
            await rest_of(events)
        assert (4, "already_logged_in") == (caught.value.code, caught.value.reason)
    assert {} == stay.connection.apps


async def test_a_leave_or_logout_that_was_asked_for_is_not_undone_by_a_new_login(
    stay: Stay,
) -> None:
    leaving = asyncio.create_task(stay.room.leave())
    await stay.wire.frame(2)
    await stay.login_again()
    await leaving
    assert (True, {}) == (stay.room.has_left, dict(stay.app.joined))
    out = asyncio.create_task(stay.app.logout())
    await stay.wire.frame(2)
    frame = await stay.redial()
    stay.wire.push(8, id=frame["id"], code=500, error={"code": 30})
    await out

    assert ("closed", 1) == (stay.app.state, len(stay.wire.sent))


async def test_a_room_that_no_join_has_claimed_is_not_joined_again(stay: Stay) -> None:
    joining = asyncio.ensure_future(stay.app.join("den"))
    await stay.wire.frame(2)
    frame = await stay.redial()
    den = {"roomName": "den", "epoch": "d", "seq": 3, "sub": 0}
    stay.resumed(frame["id"], {"hall": {"epoch": "r", "seq": 7}, "den": den})
    await stay.wire.frame(1)
    assert [DROP, Resumed()] == [await next_of(stay.app) for _ in range(2)]
    await stay.login_again()

    with pytest.raises(ConnectionLost):
        await joining
    assert {"hall": stay.room} == stay.app.joined


async def test_a_link_that_is_lost_again_while_rooms_are_joined_again(stay: Stay) -> None:
    await stay.login_again()
    await stay.wire.frame(2)
    frame = await stay.redial()
    stay.resumed(frame["id"], {"hall": {**HALL, "epoch": "n", "seq": 5, "sub": 0}})
    join = await stay.wire.frame(1)
    stay.wire.push(4, {**HALL, "epoch": "n"}, id=join["id"], seq=4)
    stay.say(6, 1)

    assert {} == frame["data"]["rooms"]
    assert [Reset("epoch", stay.room), number(1)] == [await next_of(stay.room) for _ in range(2)]
    assert Place("n", 6) == stay.room.place


async def test_a_token_that_is_lost_again_while_rooms_are_joined_again(stay: Stay) -> None:
    await stay.login_again()
    await stay.wire.frame(2)
    await stay.login_again()
    join = await stay.wire.frame(2)
    stay.wire.push(4, {**HALL, "epoch": "n"}, id=join["id"], seq=4)

    assert Reset("epoch", stay.room) == await next_of(stay.room)


# -- the end -------------------------------------------------------------------------------------


async def test_closing_says_goodbye_first(stay: Stay) -> None:
    await stay.app.close()

    assert 7 == stay.wire.sent[-1]["eventType"]
    assert ([], (1000, "")) == (await rest_of(stay.room), stay.wire.closed_with)


async def test_closing_while_the_link_is_lost_waits_for_nobody(stay: Stay) -> None:
    stay.network.is_down = True
    stay.wire.lose(1006)
    assert DROP == await next_of(stay.app)
    await stay.connection.close()

    assert ("closed", []) == (stay.app.state, await rest_of(stay.room))


async def test_a_logout_while_the_link_is_lost_ends_the_login_at_once(stay: Stay) -> None:
    await stay.redial()
    await stay.app.logout()
    await stay.app.logout()

    assert ("closed", []) == (stay.app.state, await rest_of(stay.room))
    assert {} == stay.connection.apps


async def test_what_is_answered_behind_a_close_is_passed_over(stay: Stay) -> None:
    wire: Wire = stay.wire
    wire.push(2, code=4003)
    stay.say(8, 1)
    await stay.network.wire(1)

    assert [Dropped(4003, "")] == [await next_of(stay.app)]
    assert Place("r", 7, 2) == stay.room.place
