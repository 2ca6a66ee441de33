"""Resent: an answer that is given again says what holds now."""

from __future__ import annotations

from typing import Any

import pytest

from goroom.messages import EventType
from goroom.testing import Player, Stage
from tests.diary import APP, ROOM
from tests.returning import code_of, room_of, user_of


async def joined_unheard(stage: Stage) -> Player:
    """Return a client whose JOIN_ROOM was answered, and that lost the answer with its link."""
    ann = await stage.player("ann", app=APP, resume=True)
    join(ann)
    await ann.received()
    await ann.cut()
    ann.frames.clear()
    return ann


def join(player: Player) -> None:
    player.send_frame(eventType=EventType.JOIN_ROOM, appName=APP, data={"roomName": ROOM}, id=50)


async def join_again(player: Player) -> list[tuple[Any, ...]]:
    """Come back, send the JOIN_ROOM again, and return what is heard of the room."""
    await player.resume(rooms={})
    join(player)
    await player.received()
    return [
        (EventType(frame["eventType"]).name, code_of(frame))
        for frame in player.frames
        if frame["eventType"] in {EventType.JOIN_ROOM, EventType.LEAVE_ROOM}
    ]


async def test_a_join_that_was_done_is_answered_and_not_done_again(hall: Stage) -> None:
    ann = await joined_unheard(hall)

    assert [("JOIN_ROOM", 0)] == await join_again(ann)
    assert ["ann"] == list(room_of(hall).members)


@pytest.mark.parametrize("end", ["kick", "close"])
async def test_who_is_out_again_is_told_so_behind_the_answer_to_its_join(
    hall: Stage, end: str
) -> None:
    ann = await joined_unheard(hall)
    if end == "kick":
        room_of(hall).kick("ann")
    else:
        room_of(hall).close()
    await hall.settle()

    assert [("JOIN_ROOM", 0), ("LEAVE_ROOM", 0)] == await join_again(ann)
    assert {} == user_of(hall).rooms


async def test_a_join_that_was_refused_is_refused_again_and_nothing_else_is_said(
    hall: Stage,
) -> None:
    room_of(hall).update(locked=True)
    ann = await joined_unheard(hall)

    assert [("JOIN_ROOM", 26)] == await join_again(ann)
