"""Room: a room that this client is in, or watches."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
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
    ResetReason,
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


@attrs.frozen
class Entry:
    """How a room was joined."""

    event_type: EventType = EventType.JOIN_ROOM
    data: Mapping[str, Any] = attrs.field(factory=dict)

    def again(self, name: str) -> tuple[EventType, dict[str, Any]]:
        """Return the event and data that join the room *name* again, or make it again."""
        making = {"create": "if_missing"} if "create" in self.data else {}
        return self.event_type, {**self.data, "roomName": name, **making}


_OUT_ALREADY = {NotInRoom.code, RoomNotFound.code, 28}
"""Refusals of a LEAVE_ROOM by a server where this user is out: 28 is "already done"."""


class Room(Addressee):
    """
    A room that this client is in, or watches: one object for one stay, lost links included.

    ``async for event in room`` yields what happens in it, each event once and in the room's order;
    `EventStream` says how the loop ends. What happened while the link was lost is among them; where
    not all of it is to be had, a `Reset` stands in its place. The properties here are up to date
    with what the server has sent, which may be ahead of the events that the loop has come to.
    """

    def __init__(
        self,
        app: App,
        requests: Requests,
        events: EventStream[RoomEvent],
        data: Mapping[str, Any],
        *,
        place: Place,
        entry: Entry | None,
    ) -> None:
        self.app = app
        self.name = msgspec.convert(data.get("roomName"), str)
        self.has_left = False
        """Whether this client is no longer in the room."""
        self.is_leaving = False
        """Whether it has asked to leave."""
        self.is_coming_back = False
        """Whether it is being joined again."""
        self.entry = entry or Entry()
        """How it was joined."""
        self._requests = requests
        self._events = events
        self._members: dict[str, Member] = {}
        self.restore(data, place)

    def __repr__(self) -> str:
        return f"<Room {self.name!r} of {self.app.name!r}>"

    def __aiter__(self) -> AsyncIterator[RoomEvent]:
        return self._events

    @property
    def is_watching(self) -> bool:
        """Whether it only watches: it hears what is for everybody, and may not speak."""
        return self.entry.event_type == EventType.SUBSCRIBE_ROOM

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

        While the link is lost this does not wait: the room is left as soon as it is back.

        Raises:
            RequestRefused: The room does not let this user go.
            TimeoutError: No answer came in time.
        """
        if self.has_left:
            return
        self.is_leaving = True
        if self.app.state == "suspended":
            self.retract(self._left)
            return
        try:
            await self._requests.ask(
                self._leave_event, data={"roomName": self.name}, take=lambda _: self.end()
            )
        except RequestRefused as refused:
            if refused.code not in _OUT_ALREADY:
                self.is_leaving = False
                raise
            self.end()  # a kick or the room's end was faster
        except ConnectionLost:
            return  # the login is over, or could not be resumed, and with it the stay

    @property
    def _leave_event(self) -> EventType:
        return EventType.UNSUBSCRIBE_ROOM if self.is_watching else EventType.LEAVE_ROOM

    def _left(self, answer: Frame) -> None:
        refused = answer.refusal()
        if refused is None or refused.code in _OUT_ALREADY:
            self.end()
        else:
            self.is_leaving = False
            self.tell(SendRefused("", refused))

    def _address(self) -> tuple[Requests, str]:
        return self._requests, self.name

    # -- what the application does with it ---------------------------------------------------

    def restore(self, data: Mapping[str, Any], place: Place) -> None:
        """Take what the server says of the room at *place*."""
        self.place = place
        self._state = msgspec.convert(data, RoomState)
        names = msgspec.convert(data.get("members", []), list[str])
        away = msgspec.convert(data.get("away", []), set[str]) - {self.app.user}
        self._members.clear()
        self._members.update({name: Member(name, is_away=name in away) for name in names})

    def is_ahead_of(self, other: Room) -> bool:
        """Tell whether this is the same stay as *other*, at its place or a later one."""
        mine, theirs = self.place, other.place
        if mine == theirs:
            return self.is_watching == other.is_watching
        is_later = (mine.seq, mine.sub) > (theirs.seq, theirs.sub)
        return is_later and mine.epoch == theirs.epoch

    def receive(self, frame: Frame) -> None:
        """Take in an event of the room; one that is not newer than its place is passed over."""
        if not self.place.advance(frame):
            return
        event = self._event_of(frame)
        if event is not None:
            self.tell(event)
        if isinstance(event, Removed):
            self.end()

    def tell(self, event: RoomEvent) -> None:
        """Let the loop know of *event*."""
        self._events.put(event)

    def retract(self, answered: Callable[[Frame], None]) -> None:
        """Leave without waiting for the answer, which *answered* is called with."""

        def fail(_: Exception) -> None:
            """Nothing is left to be done: the login is lost or over."""

        with contextlib.suppress(ConnectionLost):
            self._requests.command(
                self._leave_event,
                data={"roomName": self.name},
                answer=answered,
                fail=fail,
                is_forced=True,
            )

    def lose(self, reason: ResetReason) -> None:
        """Note that this user is out of the room since the link was lost."""
        self.tell(Removed(reason))
        self.end()

    def end(self, lost: ConnectionLost | None = None) -> None:
        """Note that this client is no longer in the room; its loop ends, with *lost* if given."""
        self.has_left = True
        self.app.forget(self)
        self._events.end(lost)

    def _event_of(self, frame: Frame) -> RoomEvent | None:
        """Return the event in *frame* after having kept what it changes."""
        name, is_own = frame.sender, frame.sender == self.app.user
        match frame.event_type:
            case EventType.MESSAGE:
                return Message(frame.action, frame.data, name)
            case EventType.LEAVE_ROOM if not name:
                reason = str(frame.details.get("reason", ""))
                return Removed(reason, str(frame.details.get("message", "")))
            case EventType.ROOM_UPDATE:
                known = attrs.asdict(self._state, recurse=False)
                self._state = msgspec.convert({**known, **frame.details}, RoomState)
                return Updated(self.properties, self.count, self.capacity, self.locked)
            case _ if is_own and not self.is_watching:
                return None  # it knows what it did itself, and comes to it on resuming
            case EventType.JOIN_ROOM:
                self._count(name not in self._members)
                self._members[name] = Member(name)
                return Joined(name)
            case EventType.LEAVE_ROOM:
                # Of a very full room not all members are known.
                is_known = name in self._members or self.count > len(self._members)
                self._count(-is_known)
                self._members.pop(name, None)
                reason = str(frame.details.get("reason", ""))
                return Left(name, reason, str(frame.details.get("message", "")))
            case EventType.MEMBER_AWAY:
                self._members[name] = Member(name, is_away=True)
                return Away(name, msgspec.convert(frame.details.get("seconds", 0), float))
            case EventType.MEMBER_BACK:
                self._members[name] = Member(name)
                return Back(name)
            case _:
                return None

    def _count(self, change: int) -> None:
        self._state = attrs.evolve(self._state, count=self.count + change)
