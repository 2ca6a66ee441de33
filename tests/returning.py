"""Clients that are lost and come back: what the tests of resuming do and look at."""

from __future__ import annotations

from typing import Any

from goroom import Application, Room, User
from goroom.messages import EventType
from goroom.testing import Player, Stage
from tests.diary import APP, ROOM

GRACE = 30.0
"""How long a login waits for its client, where nobody says otherwise."""

NOTHING = {"users": [], "tickets": 0, "timers": 0, "histories": 0, "away": [], "tasks": 0}
"""What `remains` where every login has ended."""

Frame = dict[str, Any]


def app_of(stage: Stage) -> Application:
    return stage.server.applications[APP]


def room_of(stage: Stage, name: str = ROOM) -> Room:
    room: Room = app_of(stage).rooms[name]
    return room


def user_of(stage: Stage, name: str = "ann") -> User:
    user: User = app_of(stage).users[name]
    return user


async def seated(stage: Stage, name: str = "ann", **options: Any) -> Player:
    """Return a member of the room that can come back."""
    player = await stage.player(name, app=APP, **{"resume": True, **options})
    await player.join(ROOM)
    return player


async def reconnect(stage: Stage, token: str, **data: Any) -> tuple[Player, Frame]:
    """Send a RECONNECT on a new socket; return its player and the answer's frame."""
    player = await stage.connect(app=APP)
    frame = await player.exchange(
        eventType=EventType.RECONNECT, data={"token": token, "rooms": {}, **data}
    )
    player.token = frame["data"].get("token", "")
    return player, frame


def code_of(frame: Frame) -> int:
    return int(frame.get("error", {}).get("code", 0))


def told(frames: list[Frame]) -> list[tuple[str, int | None, int | None]]:
    """Return what *frames* are and their places."""
    return [
        (
            frame.get("action") or EventType(frame["eventType"]).name,
            frame.get("seq"),
            frame.get("sub"),
        )
        for frame in frames
    ]


async def news(player: Player, since: int = 0) -> list[Frame]:
    """Return all frames of *player* after the first *since*."""
    await player.received()
    return player.frames[since:]


async def answers(player: Player, number: int) -> list[Frame]:
    """Return the frames that answer the request *number*."""
    return [frame for frame in await news(player) if frame.get("id") == number]


async def presence(player: Player) -> list[tuple[str, str]]:
    """Return who went away, came back, joined and left, as *player* was told."""
    kinds = {
        EventType.MEMBER_AWAY: "away",
        EventType.MEMBER_BACK: "back",
        EventType.JOIN_ROOM: "join",
        EventType.LEAVE_ROOM: "leave",
    }
    return [
        (kinds[EventType(frame["eventType"])], frame["sender"])
        for frame in await news(player)
        if frame["eventType"] in kinds and "sender" in frame
    ]


def ask(player: Player, event: EventType, number: int, room: str = "", **keys: Any) -> None:
    """Send a request of a chosen id."""
    data = keys.pop("data", {})
    frame = {"eventType": event, "appName": APP, "id": number, "data": data, **keys}
    player.send_frame(**frame, **({"roomName": room} if room else {}))


async def lose_while_handled(stage: Stage, player: Player) -> None:
    """Cut a link whose message is being handled, and wait until the server looks after it."""
    await player.drop()
    await stage.advance(1.1)


def remains(stage: Stage) -> dict[str, Any]:
    """Return what a login leaves behind where it does not end as it should."""
    application = app_of(stage)
    rooms = list(application.rooms.values())
    sequences = [application.sequence, *(room.sequence for room in rooms)]
    return {
        "users": list(application.users),
        "tickets": len(application.tickets),
        "timers": len(application.timers),
        "histories": sum(one._history is not None for one in sequences),
        "away": [name for room in rooms for name in room.membership.away],
        "tasks": len(application.turns._tasks),
    }
