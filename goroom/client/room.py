"""Room: a room that this client is in, or watches."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import attrs
import msgspec

from goroom.client.addressee import Addressee
from goroom.client.events import (
    Away,
    Back,
    Joined,
    Left,
    Message,
    Removed,
    RoomEvent,
    SendRefused,
    Updated,
)
from goroom.client.frames import Frame, Place
from goroom.errors import ConnectionLost, NotInRoom, RequestRefused, RoomNotFound
from goroom.messages import EventType

if TYPE_CHECKING:
    from goroom.client.application import App
    from goroom.client.requests import Requests
    from goroom.client.stream import EventStream


@attrs.frozen
class Member:
    """A member of a room."""

    name: str
    is_away: bool = False
    """Whether its link is lost, while its seat is kept."""


@attrs.frozen(kw_only=True)
class RoomState:
    """What the server says of a room."""

    kind: str = ""
    count: int = 0
    capacity: int = 0
    locked: bool = False
    properties: dict[str, Any] = attrs.field(factory=dict)
    maker: str = ""
    epoch: str = ""


class Room(Addressee):
    """
    A room that this client is in, or watches: one object for one stay.

    ``async for event in room`` yields what happens in it, each event once and in the room's order;
    `EventStream` says how the loop ends. The properties here are up to date with what the server
    has sent, which may be ahead of the events that the loop has come to.
    """

    def __init__(
        self,
        app: App,
        requests: Requests,
        events: EventStream[RoomEvent],
        data: Mapping[str, Any],
    ) -> None:
        self.app = app
        self.name = msgspec.convert(data.get("roomName"), str)
        self.is_watching = False
        """Whether it only watches: it hears what is for everybody, and may not speak."""
        self.has_left = False
        """Whether this client is no longer in the room."""
        self._requests = requests
        self._events = events
        self._state = msgspec.convert(data, RoomState)
        names = msgspec.convert(data.get("members", []), list[str])
        self._members = {name: Member(name) for name in names}
        self.place = Place(self._state.epoch)
        """Where this client is in the room's sequence."""

    def __repr__(self) -> str:
        return f"<Room {self.name!r} of {self.app.name!r}>"

    def __aiter__(self) -> AsyncIterator[RoomEvent]:
        return self._events

    @property
    def kind(self) -> str:
        """The name of its rules."""
        return self._state.kind

    @property
    def count(self) -> int:
        """How many members it has; `members` may hold fewer."""
        return self._state.count

    @property
    def capacity(self) -> int:
        """Most members."""
        return self._state.capacity

    @property
    def locked(self) -> bool:
        """Whether clients are refused to join, as far as this client was told."""
        return self._state.locked

    @property
    def properties(self) -> Mapping[str, Any]:
        """Free values that its author chose."""
        return MappingProxyType(self._state.properties)

    @property
    def maker(self) -> str:
        """The user whose client made it, or ``""``."""
        return self._state.maker

    @property
    def members(self) -> Mapping[str, Member]:
        """
        The members by name, a live view; this user among them, unless it only watches.

        Of a very full room the server names only some, and of a room that does not announce its
        members those that were there at the join.
        """
        return MappingProxyType(self._members)

    async def leave(self) -> None:
        """
        Leave the room, or stop watching it; nothing happens where that is so already.

        Raises:
            RequestRefused: The room does not let this user go.
            TimeoutError: No answer came in time.
        """
        if self.has_left:
            return
        event_type = EventType.UNSUBSCRIBE_ROOM if self.is_watching else EventType.LEAVE_ROOM
        try:
            await self._requests.ask(
                event_type, data={"roomName": self.name}, take=lambda _: self.end()
            )
        except RequestRefused as refused:
            if refused.code not in {NotInRoom.code, RoomNotFound.code}:
                raise
            self.end()  # a kick or the room's end was faster
        except ConnectionLost:
            return  # who has no link is in no room: `end` was called with the reason

    def _address(self) -> tuple[Requests, str]:
        return self._requests, self.name

    # -- what the application does with it ---------------------------------------------------

    def receive(self, frame: Frame) -> None:
        """Take in an event of the room; one that is not newer than its place is passed over."""
        if not self.place.advance(frame):
            return
        event = self._event_of(frame)
        if event is not None:
            self._events.put(event)
        if isinstance(event, Removed):
            self.end()

    def refuse(self, refused: SendRefused) -> None:
        """Take in that something sent was refused."""
        self._events.put(refused)

    def end(self, lost: ConnectionLost | None = None) -> None:
        """Note that this client is no longer in the room; its loop ends, with *lost* if given."""
        self.has_left = True
        self.app.forget(self)
        self._events.end(lost)

    def _event_of(self, frame: Frame) -> RoomEvent | None:
        """Return the event in *frame* after having kept what it changes."""
        name = frame.sender
        match frame.event_type:
            case EventType.MESSAGE:
                return Message(frame.action, frame.data, name)
            case EventType.JOIN_ROOM:
                self._members[name] = Member(name)
                self._state = attrs.evolve(self._state, count=self.count + 1)
                return Joined(name)
            case EventType.LEAVE_ROOM:
                reason = str(frame.details.get("reason", ""))
                message = str(frame.details.get("message", ""))
                if not name:
                    return Removed(reason, message)
                self._members.pop(name, None)
                self._state = attrs.evolve(self._state, count=self.count - 1)
                return Left(name, reason, message)
            case EventType.ROOM_UPDATE:
                known = attrs.asdict(self._state, recurse=False)
                self._state = msgspec.convert({**known, **frame.details}, RoomState)
                return Updated(self.properties, self.count, self.capacity, self.locked)
            case EventType.MEMBER_AWAY:
                self._members[name] = Member(name, is_away=True)
                return Away(name, msgspec.convert(frame.details.get("seconds", 0), float))
            case EventType.MEMBER_BACK:
                self._members[name] = Member(name)
                return Back(name)
            case _:
                return None
