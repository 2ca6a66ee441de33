"""The list of rooms, kept up to date."""

from __future__ import annotations

import pytest

from goroom.client import Connection, RoomAdded, RoomChanged, RoomGone, RoomInfo
from goroom.errors import ConnectionLost
from tests.client.conftest import Site, Wire, next_of, rest_of


async def test_the_list_begins_with_the_rooms_there_are(site: Site) -> None:
    ada = await site.login("ada")
    async with ada.watch_rooms() as listed:
        assert {
            "hall": RoomInfo(name="hall", kind="hall", capacity=4, spectators=True)
        } == listed.rooms


async def test_rooms_that_come_change_and_go_are_events(site: Site) -> None:
    ada, bob = await site.login("ada"), await site.login("bob")
    async with ada.watch_rooms() as listed:
        room = await bob.create("hall", name="den", password="key")
        match await next_of(listed):
            case RoomAdded(RoomInfo(name="den", maker="bob", password=True)):
                pass
            case other:
                raise AssertionError(other)
        match await next_of(listed):
            case RoomChanged(RoomInfo(name="den", count=1)):
                pass
            case other:
                raise AssertionError(other)
        assert ["hall", "den"] == [*listed.rooms]

        await room.leave()

        events = [await next_of(listed)]
        while not isinstance(events[-1], RoomGone):
            events.append(await next_of(listed))
        assert RoomGone("den") == events[-1]
        assert ["hall"] == [*listed.rooms]


async def test_the_loop_ends_with_its_block(site: Site) -> None:
    ada = await site.login("ada")
    async with ada.watch_rooms() as listed:
        pass

    assert [] == await rest_of(listed)


async def test_the_loop_ends_with_the_link(wire: Wire, connection: Connection) -> None:
    app = await wire.login(connection)
    wire.push(9, {"rooms": []}, id=2)
    async with app.watch_rooms() as listed:
        wire.lose(1006)

        with pytest.raises(ConnectionLost):
            await next_of(listed)


async def test_one_watcher_who_stops_does_not_stop_another(site: Site) -> None:
    ada, bob = await site.login("ada"), await site.login("bob")
    async with ada.watch_rooms() as listed:
        async with ada.watch_rooms():
            pass
        await ada.rooms()
        async with bob.join("hall"):
            match await next_of(listed):
                case RoomChanged(RoomInfo(name="hall", count=1)):
                    pass
                case other:
                    raise AssertionError(other)


async def test_an_update_of_a_room_that_is_gone_brings_it_not_back(
    wire: Wire, connection: Connection
) -> None:
    app = await wire.login(connection)
    wire.push(9, {"rooms": [{"roomName": "hall"}]}, id=2)
    async with app.watch_rooms() as listed:
        wire.push(13, {"roomName": "hall"}, seq=5)
        wire.push(13, {"roomName": "hall"}, seq=6)
        wire.push(20, {"roomName": "hall", "count": 1})
        wire.push(12, {"roomName": "den", "count": 3}, seq=7)
        wire.push(20, {"roomName": "den", "locked": True})

        assert [
            RoomGone("hall"),
            RoomAdded(RoomInfo(name="den", count=3)),
            RoomChanged(RoomInfo(name="den", count=3, locked=True)),
        ] == [await next_of(listed) for _ in range(3)]
