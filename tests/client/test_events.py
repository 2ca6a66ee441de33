"""Events are values for ``match``."""

from __future__ import annotations

import attrs
import pytest

from goroom.client import Joined, Left, Message, RoomInfo


def described(event: object) -> str:
    match event:
        case Message("move", {"square": square}, sender):
            return f"{sender} takes {square}"
        case Message(action):
            return action
        case Joined(name):
            return f"+{name}"
        case Left(name, "kicked", message):
            return f"-{name} ({message})"
        case _:
            return ""


def test_events_match_by_position() -> None:
    events = [
        Message("move", {"square": 4}, "ada"),
        Message("board", [1]),
        Joined("bob"),
        Left("bob", "kicked", "rude"),
        Left("bob", "left"),
    ]

    assert ["ada takes 4", "board", "+bob", "-bob (rude)", ""] == [*map(described, events)]


def test_events_cannot_be_changed() -> None:
    event = Joined("bob")

    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        event.name = "eve"  # type: ignore[misc]  # that is the test


def test_a_room_of_the_list_is_read_from_the_wire() -> None:
    data = {"roomName": "hall", "kind": "hall", "count": 2, "capacity": 8, "appName": "test"}

    assert RoomInfo(name="hall", kind="hall", count=2, capacity=8) == RoomInfo.of(data)


@pytest.mark.parametrize("data", [{}, {"roomName": 1}, {"roomName": "hall", "count": "two"}])
def test_what_is_no_room_is_a_value_error(data: dict[str, object]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 -- msgspec's words are not ours to hold
        RoomInfo.of(data)
