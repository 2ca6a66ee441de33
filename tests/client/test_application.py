"""One login: joining, watching, what the server does unasked, and the end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from goroom.client import (
    Connection,
    Joined,
    Left,
    Message,
    RoomAdded,
    RoomGone,
    Seated,
    SendRefused,
)
from goroom.errors import ConnectionLost, RequestRefused
from tests.client.conftest import Site, Wire, next_of, rest_of


async def test_a_login_knows_who_it_is(site: Site) -> None:
    ada = await site.login(" ada ")

    assert ("test", "ada", 22, "open") == (ada.name, ada.user, len(ada.user_id), ada.state)
    assert "<App 'test' as 'ada', open>" == repr(ada)
    assert 0 < ada.latency < 10


async def test_it_knows_its_place_in_the_applications_sequence(site: Site) -> None:
    ada = await site.login("ada")
    assert (site.server.applications["test"].sequence.epoch, 1) == (ada.place.epoch, ada.place.seq)

    await ada.request("shout", {"text": "one"})

    assert 2 == ada.place.seq


async def test_join_or_create_finds_the_open_room_or_makes_one(site: Site) -> None:
    ada, bob = await site.login("ada"), await site.login("bob")
    room = await ada.join_or_create("hall")
    assert "hall" == room.name

    made = await ada.join_or_create("hall", name="den", capacity=1)
    numbered = await bob.create("hall", auto_remove="never", properties={"topic": "tea"})

    assert ("den", 1, "ada") == (made.name, made.capacity, made.maker)
    assert ("hall-1", {"topic": "tea"}) == (numbered.name, numbered.properties)
    assert {"hall", "den"} == set(ada.joined)


async def test_options_have_the_names_of_the_wire(wire: Wire, connection: Connection) -> None:
    app = await wire.login(connection)
    wire.push(4, {"roomName": "den"}, id=2)
    await app.create("hall", name="den", auto_remove="never", announce_members=False)

    assert {
        "roomName": "den",
        "kind": "hall",
        "create": True,
        "autoRemove": "never",
        "announceMembers": False,
    } == (await wire.frame(1))["data"]


async def test_a_room_with_a_password_opens_to_who_knows_it(site: Site) -> None:
    ada, bob = await site.login("ada"), await site.login("bob")
    await ada.create("hall", name="den", password="key")
    with pytest.raises(RequestRefused) as caught:
        await bob.join("den")
    assert "wrong_password" == caught.value.reason

    room = await bob.join("den", password="key")

    assert 2 == room.count


async def test_what_is_refused_joins_nothing(site: Site) -> None:
    ada = await site.login("ada")
    with pytest.raises(RequestRefused) as caught:
        await ada.join("nowhere")

    assert (7, {}) == (caught.value.code, dict(ada.joined))


async def test_a_block_leaves_its_room_behind(site: Site) -> None:
    ada, bob = await site.login("ada"), await site.login("bob")
    async with ada.join("hall") as room:
        async with bob.join("hall"):
            pass

        assert [Joined("bob"), Left("bob", "left")] == [await next_of(room) for _ in range(3)][1:]


async def test_a_join_that_nobody_waits_for_any_more_is_taken_back(site: Site) -> None:
    ada, bob = await site.login("ada"), await site.login("bob")
    room = await ada.join("hall")
    hall = site.hall()
    hall.door.clear()
    joining = asyncio.ensure_future(bob.join("hall"))
    await hall.knocked.wait()
    joining.cancel()
    with pytest.raises(asyncio.CancelledError):
        await joining
    hall.door.set()

    assert [Joined("bob"), Left("bob", "left")] == [await next_of(room) for _ in range(3)][1:]
    assert {} == bob.joined
    async with bob.join("hall") as again:
        assert 2 == again.count


async def test_watching_that_nobody_waits_for_any_more_is_taken_back(
    wire: Wire, connection: Connection
) -> None:
    app = await wire.login(connection)
    watching = asyncio.ensure_future(app.watch("hall"))
    await wire.frame(1)
    watching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watching
    wire.push(9, {"roomName": "hall"}, id=2)

    frame = await wire.frame(2)
    assert (10, {"roomName": "hall"}) == (frame["eventType"], frame["data"])


async def test_who_joins_what_it_watches_hears_it_once(site: Site) -> None:
    ada = await site.login("ada")
    watched = await ada.watch("hall")
    room = await ada.join("hall")
    await room.request("tell", {"text": "hello"})

    assert [] == await rest_of(watched)
    assert ["welcome", "told"] == [(await next_of(room)).action for _ in range(2)]
    await watched.leave()
    assert {"hall": room} == ada.joined


async def test_a_seat_that_the_server_gives_is_an_event_with_its_room(site: Site) -> None:
    ada = await site.login("ada")
    await ada.request("seat", {"name": "hall"})

    match await next_of(ada):
        case Seated(room):
            assert Message("welcome", {"to": "ada"}) == await next_of(room)
            assert {"hall": room} == ada.joined
        case other:
            raise AssertionError(other)


async def test_a_seat_that_was_refused_is_an_event(site: Site) -> None:
    ada = await site.login("ada")
    await ada.request("seat", {"name": "nowhere"})

    match await next_of(ada):
        case SendRefused("", error):
            assert 7 == error.code
        case other:
            raise AssertionError(other)


async def test_a_second_connection_of_a_user_is_in_its_rooms(serve: Any) -> None:
    site = await serve(double_login="allow:2")
    phone = await site.login("ada")
    theirs = await phone.join("hall")
    laptop = await site.login("ada")
    room = laptop.joined["hall"]
    await theirs.request("tell", {"text": "hello"})
    assert Message("told", {"text": "hello"}, "ada") == await next_of(room)

    await theirs.leave()

    assert "left" == (await rest_of(room))[-1].reason


async def test_rooms_that_come_and_go_are_events(site: Site) -> None:
    ada, bob = await site.login("ada"), await site.login("bob")
    async with bob.create("hall", name="den"):
        match await next_of(ada):
            case RoomAdded(room):
                assert ("den", "hall", "bob") == (room.name, room.kind, room.maker)
            case other:
                raise AssertionError(other)

    assert RoomGone("den") == await next_of(ada)


async def test_rooms_are_listed_in_the_order_in_which_they_were_made(site: Site) -> None:
    ada = await site.login("ada")
    await ada.create("hall", name="den")

    assert ["hall", "den"] == [room.name for room in await ada.rooms()]


async def test_a_refused_list_is_raised_and_can_be_asked_for_again(
    wire: Wire, connection: Connection
) -> None:
    app = await wire.login(connection)
    wire.push(9, id=2, code=500, error={"code": 29})
    with pytest.raises(RequestRefused):
        await app.rooms()
    wire.push(9, {"rooms": []}, id=4)

    assert [] == await app.rooms()
    await wire.frame(4)
    assert [6, 9, 10, 9, 10] == [frame["eventType"] for frame in wire.sent]


async def test_a_list_that_nobody_waits_for_any_more_is_not_kept_up(
    wire: Wire, connection: Connection
) -> None:
    app = await wire.login(connection)
    asking = asyncio.create_task(app.rooms())
    await wire.frame(1)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    wire.push(9, {"rooms": []}, id=2)
    wire.push(11, 1, seq=5)
    await next_of(app)

    assert (10, set()) == ((await wire.frame(2))["eventType"], app._lists)


async def test_a_logout_ends_rooms_and_loops_and_leaves_the_connection(site: Site) -> None:
    ada = await site.login("ada")
    room = await ada.join("hall")
    await ada.logout()

    assert "closed" == ada.state
    assert ([], True) == (await rest_of(ada), room.has_left)
    with pytest.raises(ConnectionLost):
        room.send("tell", {"text": "too late"})
    again = await ada.connection.login("test", name="eve")
    assert "eve" == again.user


async def test_an_application_may_refuse_to_let_go(site: Site) -> None:
    app = await site.login("stuck")
    with pytest.raises(RequestRefused) as caught:
        await app.logout()

    assert (5, "open") == (caught.value.code, app.state)


async def test_who_is_thrown_out_is_told_the_code(site: Site) -> None:
    ada = await site.login("ada")
    room = await ada.join("hall")
    with pytest.raises(ConnectionLost) as caught:
        await ada.request("throw_out")
    assert (4503, "banned") == (caught.value.code, caught.value.reason)

    for events in (ada, room):
        with pytest.raises(ConnectionLost):
            await rest_of(events)
    assert ("closed", True) == (ada.state, room.has_left)


async def test_frames_of_rooms_that_were_left_are_passed_over(
    wire: Wire, connection: Connection
) -> None:
    app = await wire.login(connection)
    wire.push(11, 1, roomName="nowhere", seq=1)
    wire.push(99, {"new": True})
    wire.push(11, 2, seq=4)
    wire.push(11, 3, seq=5)

    assert Message("", 3) == await next_of(app)
