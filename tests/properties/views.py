"""What one client has seen of one room: from its frames alone."""

from __future__ import annotations

from typing import Any

import attrs

from goroom.messages import EventType


@attrs.define
class View:
    """A stay in a room: from the frame that let it in to the one that saw it out."""

    epoch: str
    room: str
    user_id: str
    start: int
    events: list[tuple[int, int]] = attrs.field(factory=list)
    marks: list[int] = attrs.field(factory=list)
    end: int | None = None
    """Number of its last event, or None while it lasts."""
    is_spectator: bool = False


def views_of(  # noqa: C901, PLR0912 -- one branch for each event, side by side
    frames: list[dict[str, Any]],
) -> tuple[list[View], list[str]]:
    """
    Return the stays that *frames* tell of, and what is wrong with them.

    An event of a room outside a stay is wrong: only members and spectators hear it.
    """
    stays: list[View] = []
    open_now: dict[str, View] = {}
    wrong: list[str] = []
    user_id = ""

    def begin(data: dict[str, Any], seq: int, *, is_spectator: bool = False) -> None:
        end(data["roomName"], None)
        stay = View(data["epoch"], data["roomName"], user_id, seq, is_spectator=is_spectator)
        open_now[stay.room] = stay
        stays.append(stay)

    def end(room: str, seq: int | None) -> None:
        stay = open_now.pop(room, None)
        if stay is not None:
            last = stay.events[-1][0] if stay.events else stay.start
            stay.end = last if seq is None else seq

    for frame in frames:
        event, room = frame["eventType"], frame.get("roomName", "")
        is_own = "sender" not in frame
        if frame.get("code", 200) != 200 and event != EventType.DISCONNECTION:
            continue
        if event == EventType.LOGIN:
            user_id = frame["data"]["userId"]
            for data in frame["data"]["rooms"]:
                begin(data, data["seq"])
        elif event in {EventType.LOGOUT, EventType.DISCONNECTION}:
            for name in list(open_now):
                end(name, None)
        elif event == EventType.JOIN_ROOM and is_own:
            begin(frame["data"], frame["seq"])
        elif event == EventType.SUBSCRIBE_ROOM:
            begin(frame["data"], frame["seq"], is_spectator=True)
        elif event == EventType.LEAVE_ROOM and is_own:
            if room in open_now:
                open_now[room].events.append((frame["seq"], 0))
            end(room, frame["seq"])
        elif room and "seq" in frame:
            if room not in open_now:
                wrong.append(f"an event of {room} outside a stay: {frame}")
                continue
            open_now[room].events.append((frame["seq"], frame.get("sub", 0)))
            if "mark" in frame.get("data", {}):
                open_now[room].marks.append(frame["data"]["mark"])
    return stays, wrong
