"""How a room of a mesh stands, as watchers and observers see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from goroom import Room

SERVER_SLUG = "Gawd"
"""Whom the seed systems name as the maker of what the server has made."""


@attrs.frozen
class RoomState:
    """One room at one moment."""

    room: str
    kind: str
    maker: str
    """Slug of the client who made it; "Gawd" where the server did."""
    count: int
    capacity: int
    clients: list[str]
    """Slugs of its members, in the order they joined."""


def maker_of(room: Room) -> str:
    """Return the slug of who made *room*; "Gawd" where the server did."""
    return SERVER_SLUG if room.maker is None else room.maker.name


def state_of(room: Room) -> RoomState:
    """Return how *room* stands now."""
    clients = list(room.members)
    return RoomState(room.name, room.kind, maker_of(room), len(clients), room.capacity, clients)


def ended(room: str) -> RoomState:
    """Return the state of a room of which nothing is left, as it ended when it was made."""
    return RoomState(room, "", SERVER_SLUG, 0, 0, [])
