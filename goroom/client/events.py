"""What happens, as values for ``match``: in a room, in an application, in the list of rooms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import attrs
import msgspec

if TYPE_CHECKING:
    from goroom.client.room import Room
    from goroom.errors import RequestRefused

ResetReason = Literal["history", "epoch", "gone", "kicked"]
"""
Why not all that was missed can be told.

``"history"``: it is more than the server keeps. ``"epoch"``: it was another login, or another life
of the room or server. ``"gone"``: the room was closed. ``"kicked"``: this user is no longer in it.
"""


@attrs.frozen
class Message:
    """A message of the room's or application's author."""

    action: str
    """Its name, or ``""``."""
    data: Any
    """Any JSON value."""
    sender: str = ""
    """The user it comes from, where the author says so; else ``""``."""


@attrs.frozen
class Joined:
    """Another user is a member now."""

    name: str


@attrs.frozen
class Left:
    """Another user is no member any more."""

    name: str
    reason: str
    """One of `goroom.LeaveReason`."""
    message: str = ""
    """What a kick said, or ``""``."""


@attrs.frozen
class Away:
    """A member's link is lost; its seat is kept for *seconds*."""

    name: str
    seconds: float


@attrs.frozen
class Back:
    """A member that was away is back."""

    name: str


@attrs.frozen
class Updated:
    """The room's options have changed; these are the new ones."""

    properties: Mapping[str, Any]
    count: int
    capacity: int
    locked: bool


@attrs.frozen
class Removed:
    """This user is out of the room, without having asked here: the last event of the room."""

    reason: str
    """
    One of `goroom.LeaveReason`: kicked, moved, room closed ...

    ``"kicked"`` or ``"gone"`` behind a `Reset`.
    """
    message: str = ""
    """What a kick said, or ``""``."""


@attrs.frozen
class SendRefused:
    """The server refused something that was sent without waiting for a reply."""

    action: str
    """Its name where the server names it, or ``""``."""
    error: RequestRefused


@attrs.frozen
class SendLost:
    """
    Whether something that was sent has happened is not known: its login could not be resumed.

    Who waits for a reply gets `goroom.errors.ConnectionLost` instead.
    """

    action: str
    """Its name, or ``""``."""


@attrs.frozen
class Missed:
    """*count* events were dropped here, because nobody read them in time."""

    count: int


@attrs.frozen
class Seated:
    """The server put this user into *room*, or another connection of the user joined it."""

    room: Room


@attrs.frozen
class Dropped:
    """The link is lost, and being restored; rooms and their loops stay."""

    code: int
    """The close code, 1006 where there was none."""
    reason: str


@attrs.frozen
class Resumed:
    """The link is back. What was missed follows, unless a `Reset` says otherwise."""


@attrs.frozen
class Reset:
    """
    Events were missed for good; the room and what is kept of it are now as the server has them.

    After ``"gone"`` and ``"kicked"`` the room ends.
    """

    reason: ResetReason
    room: Room | None = None
    """The room; None for the application's own events."""


@attrs.frozen(kw_only=True)
class RoomInfo:
    """A room in the list of rooms."""

    name: str
    kind: str = ""
    count: int = 0
    """How many members it has."""
    capacity: int = 0
    """Most members."""
    locked: bool = False
    password: bool = False
    """Whether one is needed."""
    spectators: bool = False
    """Whether it may be watched."""
    properties: dict[str, Any] = attrs.field(factory=dict)
    """Free values that its author chose."""
    maker: str = ""
    """The user whose client made it, or ``""``."""

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> RoomInfo:
        """
        Return the room that *data* of the wire describes.

        Raises:
            ValueError: It describes none.
        """
        return msgspec.convert({**data, "name": data.get("roomName")}, cls)


@attrs.frozen
class RoomAdded:
    """There is a new room."""

    room: RoomInfo


@attrs.frozen
class RoomChanged:
    """A room of the list has other members, properties or options."""

    room: RoomInfo


@attrs.frozen
class RoomGone:
    """A room is no more."""

    name: str


RoomEvent = (
    Message
    | Joined
    | Left
    | Away
    | Back
    | Updated
    | SendRefused
    | SendLost
    | Missed
    | Reset
    | Removed
)
"""What a loop over a `Room` yields."""

AppEvent = (
    Message
    | Seated
    | RoomAdded
    | RoomGone
    | SendRefused
    | SendLost
    | Missed
    | Dropped
    | Resumed
    | Reset
)
"""What a loop over an `App` yields."""

RoomListEvent = RoomAdded | RoomChanged | RoomGone | Missed
"""What a loop over a `RoomList` yields."""
