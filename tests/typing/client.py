"""Not run: mypy, strict, checks what the users of the Python client write."""

from __future__ import annotations

from typing import assert_type

import attrs

from goroom.client import (
    App,
    AppEvent,
    Backoff,
    Heartbeat,
    Message,
    Missed,
    Opening,
    Reset,
    ResetReason,
    Room,
    RoomEvent,
    RoomInfo,
    RoomList,
    RoomListEvent,
    Seated,
    connect,
)


@attrs.frozen
class Score:
    points: int


async def credentials() -> dict[str, object]:
    return {"password": "key"}


async def play(url: str) -> None:
    async with connect(url, app="chess", name="ada", credentials=credentials) as app:
        assert_type(app, App)
        assert_type(app.join("hall"), Opening[Room])
        assert_type(await app.rooms(), list[RoomInfo])
        async with app.join_or_create("table", capacity=2, password="key") as room:
            assert_type(room, Room)
            room.send("move", {"square": 4})
            assert_type(await room.request("score", into=Score), Score)
            assert_type(await room.request("scores", into=list[int]), list[int])
            async for event in room:
                assert_type(event, RoomEvent)
                match event:
                    case Message(action, _, sender):
                        assert_type(action, str)
                        assert_type(sender, str)
                    case Missed(count):
                        assert_type(count, int)
                    case Reset(reason, where):
                        assert_type(reason, ResetReason)
                        assert_type(where, Room | None)
            room.send("move", volatile=True)
        async with app.watch_rooms() as listed:
            assert_type(listed, RoomList)
            async for change in listed:
                assert_type(change, RoomListEvent)
        async for outside in app:
            assert_type(outside, AppEvent)
            if isinstance(outside, Seated):
                assert_type(outside.room, Room)


async def come_back(url: str) -> None:
    await connect(url, app="chess", name="ada", heartbeat=Heartbeat(), backoff=Backoff())
    await connect(url, app="chess", name="ada", resume=False)


async def mistakes(url: str) -> None:
    connect(url, app="chess")  # type: ignore[call-arg]  # who?
    async with connect(url, app="chess", name="ada", overflow="drop") as app:  # type: ignore[arg-type]  # no policy
        app.join("hall", key="key")  # type: ignore[call-arg]  # a password is called password
        room = app.join("hall")
        room.send("move")  # type: ignore[attr-defined]  # it was not awaited
