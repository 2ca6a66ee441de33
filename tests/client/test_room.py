"""A room that a client is in: what happens in it, and how a stay ends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from goroom.client import (
    Away,
    Back,
    Connection,
    Joined,
    Left,
    Member,
    Message,
    Removed,
    Updated,
)
from goroom.client.frames import Place
from goroom.errors import ConnectionLost, RequestRefused
from tests.client.conftest import Site, Wire, next_of, rest_of


async def test_a_room_knows_what_the_server_said_of_it(site: Site) -> None:
    ada = await site.login("ada")
    async with ada.join("hall") as room:
        assert ("hall", "hall", 1, 4, "", False) == (
            room.name,
            room.kind,
            room.count,
            room.capacity,
            room.maker,
            room.locked,
        )
        assert {"ada": Member("ada")} == room.members
        assert {} == room.properties
        assert "<Room 'hall' of 'test'>" == repr(room)


async def test_events_right_behind_the_reply_are_not_lost(site: Site) -> None:
    ada = await site.login("ada")
    room = await ada.join("hall")

    assert Message("welcome", {"to": "ada"}) == await next_of(room)


async def test_others_who_come_and_go_are_events_and_members(site: Site) -> None:
    ada, bob = await site.login("ada"), await site.login("bob")
    async with ada.join("hall") as room:
        await next_of(room)
        theirs = await bob.join("hall")
        assert Joined("bob") == await next_of(room)
        assert ({"ada", "bob"}, 2) == (set(room.members), room.count)

        await theirs.leave()

        assert Left("bob", "left") == await next_of(room)
        assert ({"ada"}, 1) == (set(room.members), room.count)


async def test_a_message_names_its_sender(site: Site) -> None:
    ada, bob = await site.login("ada"), await site.login("bob")
    async with ada.join("hall") as room, bob.join("hall") as theirs:
        await theirs.request("tell_others", {"text": "hello"})

        assert [
            Message("welcome", {"to": "ada"}),
            Joined("bob"),
            Message("told", {"text": "hello"}, "bob"),
        ] == [await next_of(room) for _ in range(3)]


async def test_changed_options_are_an_event(site: Site) -> None:
    ada = await site.login("ada")
    async with ada.join("hall") as room:
        await next_of(room)
        await room.request("describe", {"properties": {"topic": "tea"}})

        assert Updated({"topic": "tea"}, 1, 4, locked=True) == await next_of(room)
        assert room.locked


async def test_leaving_ends_the_loop(site: Site) -> None:
    ada = await site.login("ada")
    room = await ada.join("hall")
    await room.leave()
    await room.leave()

    assert [Message("welcome", {"to": "ada"})] == await rest_of(room)
    assert (True, {}) == (room.has_left, dict(ada.joined))


async def test_a_room_may_refuse_to_let_go(site: Site) -> None:
    app = await site.login("stuck")
    room = await app.join("hall")

    with pytest.raises(RequestRefused) as caught:
        await room.leave()
    assert 13 == caught.value.code
    assert not room.has_left


async def test_who_is_kicked_is_told_and_then_the_loop_ends(site: Site) -> None:
    ada, bob = await site.login("ada"), await site.login("bob")
    async with ada.join("hall") as room:
        theirs = await bob.join("hall")
        await room.request("kick", {"name": "bob"})

        assert [
            Message("welcome", {"to": "bob"}),
            Removed("kicked", "go away"),
        ] == await rest_of(theirs)
        assert theirs.has_left
        assert [Joined("bob"), Left("bob", "kicked", "go away")] == [
            await next_of(room) for _ in range(3)
        ][1:]


async def test_leaving_what_a_kick_has_ended_already_is_no_error(site: Site) -> None:
    ada, bob = await site.login("ada"), await site.login("bob")
    async with ada.join("hall") as room:
        theirs = await bob.join("hall")
        kick = asyncio.create_task(room.request("kick", {"name": "bob"}))
        await asyncio.sleep(0)
        await theirs.leave()
        await kick

        assert theirs.has_left


async def test_a_closed_room_ends_the_loop_of_members_and_spectators(site: Site) -> None:
    ada, bob = await site.login("ada"), await site.login("bob")
    room, watched = await ada.join("hall"), await bob.watch("hall")
    await room.request("close")

    assert Removed("room_closed") == (await rest_of(room))[-1]
    assert [Removed("room_closed")] == await rest_of(watched)


async def test_a_move_ends_one_room_and_seats_in_another(site: Site) -> None:
    ada = await site.login("ada")
    room = await ada.join("hall")
    async with ada.watch_rooms() as listed:
        second = await site.server.applications["test"].rooms.create("second", kind="hall")
        await next_of(listed)
    room.send("move", {"name": second.name})

    assert Removed("moved") == (await rest_of(room))[-1]
    assert ["second"] == [*ada.joined]


async def test_a_spectator_hears_what_is_for_everybody(site: Site) -> None:
    ada, bob = await site.login("ada"), await site.login("bob")
    async with ada.join("hall") as room, bob.watch("hall") as watched:
        assert (True, {"ada"}) == (watched.is_watching, set(watched.members))
        await room.request("tell", {"text": "hello"})

        assert Message("told", {"text": "hello"}, "ada") == await next_of(watched)
        with pytest.raises(RequestRefused) as caught:
            await watched.request("tell", {"text": "me too"})
    assert 9 == caught.value.code
    assert [] == await rest_of(watched)


async def test_a_link_that_does_not_come_back_ends_the_loop_with_its_reason(site: Site) -> None:
    ada = await site.login("ada", resume=False)
    room = await ada.join("hall")
    await next_of(room)
    await site.server.stop()
    await site.server.close()

    with pytest.raises(ConnectionLost) as caught:
        await rest_of(room)
    assert 1001 == caught.value.code
    await room.leave()


async def seated(wire: Wire, connection: Connection) -> Any:
    """Return a room with ada and bob at place (7, 2)."""
    app = await wire.login(connection)
    data = {"roomName": "hall", "epoch": "r", "count": 2, "members": ["ada", "bob"]}
    wire.push(4, data, id=2, seq=7, sub=2)
    return await app.join("hall")


async def test_the_place_is_kept_and_what_is_not_newer_is_passed_over(
    wire: Wire, connection: Connection
) -> None:
    room = await seated(wire, connection)
    assert Place("r", 7, 2) == room.place

    for seq, sub, number in (
        (7, 2, 0),
        (7, 3, 1),
        (8, None, 2),
        (7, 4, 0),
        (8, None, 0),
        (8, 1, 3),
    ):
        wire.push(11, number, roomName="hall", action="number", seq=seq, sub=sub)
    wire.push(11, 4, roomName="hall", action="number")

    assert [1, 2, 3, 4] == [(await next_of(room)).data for _ in range(4)]
    assert Place("r", 8, 1) == room.place


async def test_a_member_who_is_away_keeps_its_seat(wire: Wire, connection: Connection) -> None:
    room = await seated(wire, connection)
    wire.push(21, {"seconds": 30}, roomName="hall", sender="bob", seq=8)
    assert Away("bob", 30) == await next_of(room)
    assert Member("bob", is_away=True) == room.members["bob"]

    wire.push(22, roomName="hall", sender="bob", seq=9)

    assert Back("bob") == await next_of(room)
    assert (Member("bob"), 2) == (room.members["bob"], room.count)


async def test_events_of_a_later_protocol_are_passed_over(
    wire: Wire, connection: Connection
) -> None:
    room = await seated(wire, connection)
    wire.push(99, {"new": True}, roomName="hall", seq=8)
    wire.push(11, 1, roomName="hall", seq=9)

    assert Message("", 1) == await next_of(room)


async def test_an_update_changes_what_it_names(wire: Wire, connection: Connection) -> None:
    room = await seated(wire, connection)
    wire.push(20, {"locked": True}, roomName="hall", seq=8)

    assert Updated({}, 2, 0, locked=True) == await next_of(room)


async def test_who_is_out_already_asks_for_nothing(wire: Wire, connection: Connection) -> None:
    room = await seated(wire, connection)
    wire.push(5, {"reason": "kicked"}, roomName="hall", seq=8)
    assert [Removed("kicked")] == await rest_of(room)
    await room.leave()

    assert [6, 4] == [frame["eventType"] for frame in wire.sent]


async def test_a_leave_is_over_though_nobody_waits_for_its_answer(
    wire: Wire, connection: Connection
) -> None:
    room = await seated(wire, connection)
    leaving = asyncio.create_task(room.leave())
    await wire.frame(2)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    wire.push(5, {"roomName": "hall"}, id=3)

    assert [] == await rest_of(room)
    assert room.has_left


async def test_a_link_that_is_lost_while_leaving_is_a_leave(
    wire: Wire, connection: Connection
) -> None:
    room = await seated(wire, connection)
    leaving = asyncio.create_task(room.leave())
    await wire.frame(2)
    wire.lose(1006)

    await leaving
    assert room.has_left
