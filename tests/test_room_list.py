"""RoomList: who hears of rooms that come, change and go, and how often."""

from __future__ import annotations

from typing import Any

import pytest

from goroom import ApplicationExtension, RoomExtension, Server
from goroom.messages import EventType
from goroom.testing import Player, Stage
from tests.diary import LIMITS

ADD, REMOVE, UPDATE = EventType.ROOM_ADD, EventType.ROOM_REMOVE, EventType.ROOM_UPDATE


class Quiet(ApplicationExtension):
    announce_rooms = False


def server_of(
    extension: type[ApplicationExtension] = ApplicationExtension,
    room: type[RoomExtension[Any]] = RoomExtension,
) -> Server:
    server = Server(limits=LIMITS)
    server.add_application("a", extension, rooms={"room": room})
    return server


def rooms_of(stage: Stage) -> Any:
    return stage.server.applications["a"].rooms


async def told(player: Player) -> list[tuple[int, str]]:
    """Return event and room of all that *player* has heard of rooms, and forget it."""
    await player.received()
    heard = [
        (frame["eventType"], frame["data"]["roomName"])
        for frame in player.frames
        if frame["eventType"] in {ADD, REMOVE, UPDATE} and not frame.get("roomName")
    ]
    player.frames.clear()
    return heard


async def test_every_user_hears_of_rooms_and_watchers_of_changes() -> None:
    async with Stage(server_of()) as stage:
        ann, bob = [await stage.player(name) for name in ("ann", "bob")]
        assert [] == await bob.rooms()
        room = await rooms_of(stage).create("new")
        await ann.join("new")
        room.close()

        assert [(ADD, "new"), (UPDATE, "new"), (REMOVE, "new")] == await told(bob)
        assert [(ADD, "new"), (REMOVE, "new")] == await told(ann)


async def test_where_rooms_are_not_announced_watchers_alone_hear_of_them() -> None:
    async with Stage(server_of(Quiet)) as stage:
        ann, bob = [await stage.player(name) for name in ("ann", "bob")]
        await bob.rooms()
        (await rooms_of(stage).create("new")).close()

        assert [(ADD, "new"), (REMOVE, "new")] == await told(bob)
        assert [] == await told(ann)


@pytest.mark.parametrize("ending", ["unsubscribe", "logout"])
async def test_who_stops_watching_hears_of_no_change(ending: str) -> None:
    async with Stage(server_of()) as stage:
        room = await rooms_of(stage).create("new")
        bob = await stage.player("bob")
        await bob.rooms()
        if ending == "logout":
            await bob.logout()
        else:
            await bob.call(EventType.UNSUBSCRIBE_ROOM)
        room.update(locked=True)

        assert [] == await told(bob)


async def test_a_room_is_updated_four_times_a_second_and_as_it_is_then() -> None:
    async with Stage(server_of()) as stage:
        bob = await stage.player("bob")
        room = await rooms_of(stage).create("new")
        await bob.rooms()
        await told(bob)
        for capacity in range(2, 12):
            room.update(capacity=capacity)
            await stage.advance(0.05)
        await stage.advance(1)
        await bob.received()
        updates = [frame["data"]["capacity"] for frame in bob.frames]

        assert [2, 6, 11] == updates
        assert {} == rooms_of(stage)._list._resting


async def test_a_hidden_room_is_never_heard_of() -> None:
    class Shy(RoomExtension):
        def init(self) -> None:
            self.room.update(hidden=True, capacity=7)

    async with Stage(server_of(room=Shy)) as stage:
        bob = await stage.player("bob")
        room = await rooms_of(stage).create("secret")
        assert [] == await bob.rooms()
        await bob.join("secret")
        room.update(properties={"phase": "over"})
        room.close()

        assert [] == await told(bob)


async def test_a_room_that_hides_is_gone_and_one_that_shows_itself_has_come() -> None:
    async with Stage(server_of()) as stage:
        bob = await stage.player("bob")
        room = await rooms_of(stage).create("new")
        await told(bob)
        await bob.rooms()
        for hidden in (True, True, False, False):
            room.update(hidden=hidden)
            await stage.advance(1)

        assert [(REMOVE, "new"), (ADD, "new"), (UPDATE, "new")] == await told(bob)


async def test_a_room_that_is_closed_changes_no_more() -> None:
    async with Stage(server_of()) as stage:
        bob = await stage.player("bob")
        await bob.rooms()
        room = await rooms_of(stage).create("new", hidden=True)
        room.close()
        room.update(hidden=False)
        other = await rooms_of(stage).create("other")
        other.update(capacity=2)
        other.update(capacity=3)
        other.close()
        await stage.advance(1)

        assert [(ADD, "other"), (UPDATE, "other"), (REMOVE, "other")] == await told(bob)
