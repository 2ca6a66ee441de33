"""App: one login to one application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from goroom.client.addressee import Addressee
from goroom.client.events import (
    AppEvent,
    Message,
    RoomAdded,
    RoomEvent,
    RoomGone,
    RoomInfo,
    RoomListEvent,
    Seated,
    SendRefused,
)
from goroom.client.frames import Frame, Place
from goroom.client.opening import Opening
from goroom.client.requests import Requests
from goroom.client.room import Room
from goroom.client.roomlist import RoomList
from goroom.client.stream import EventStream
from goroom.errors import ConnectionLost
from goroom.messages import EventType

if TYPE_CHECKING:
    from goroom.client.connection import Connection

State = Literal["connecting", "open", "closed"]
"""What a login can be."""

_LIST_CHANGES = frozenset({EventType.ROOM_ADD, EventType.ROOM_REMOVE, EventType.ROOM_UPDATE})


class App(Addressee):
    """
    One login to one application.

    ``async for event in app`` yields what happens outside rooms; `EventStream` says how it ends.
    """

    def __init__(self, connection: Connection, name: str) -> None:
        self.connection = connection
        self.name = name
        """Name of the application."""
        self.user = ""
        """This user's name, as the server has it."""
        self.user_id = ""
        """Unique for this login."""
        self.state: State = "connecting"
        self.place = Place()
        """Where this client is in the application's own sequence."""
        self._requests = Requests(connection.write, name, connection.settings.timeout_seconds)
        self._events: EventStream[AppEvent] = EventStream(connection.settings)
        self._joined: dict[str, Room] = {}
        self._lists: set[RoomList] = set()
        self._watchers = 0

    def __repr__(self) -> str:
        return f"<App {self.name!r} as {self.user!r}, {self.state}>"

    def __aiter__(self) -> AsyncIterator[AppEvent]:
        return self._events

    @property
    def latency(self) -> float:
        """Seconds that the newest answer took, its handler's time included; 0 before the first."""
        return self._requests.latency

    @property
    def joined(self) -> Mapping[str, Room]:
        """The rooms that this client is in or watches, by name; a live view."""
        return MappingProxyType(self._joined)

    def join(self, name: str, *, password: str | None = None) -> Opening[Room]:
        """
        Join the room *name*; with ``async with``, leave it after the block.

        If the wait is cancelled or runs out of time and the server lets this user in later, the
        client leaves at once.

        Raises (when awaited or entered):
            RequestRefused: The server refused.
            ConnectionLost: The link is closed.
            TimeoutError: No answer came in time.
        """
        return self._entering(EventType.JOIN_ROOM, {"roomName": name, "password": password})

    def join_or_create(
        self, kind: str, *, name: str | None = None, **options: object
    ) -> Opening[Room]:
        """
        Join the oldest open room of *kind*, or make one; else as `join`.

        Args:
            kind: The name of the rules.
            name: Join the room of this name, or make it.
            options: Of a new room (`goroom.RoomOptions`), as far as its kind takes them from
                clients; a ``password`` is also shown to the room *name* where it exists.
        """
        data = {**_on_wire(options), "roomName": name, "kind": kind, "create": "if_missing"}
        return self._entering(EventType.JOIN_ROOM, data)

    def create(self, kind: str, *, name: str | None = None, **options: object) -> Opening[Room]:
        """
        Make a room and join it; else as `join`.

        Args:
            kind: The name of the rules.
            name: Refused (25) where there is a room called so. By default the server chooses.
            options: Of the new room, as far as its kind takes them from clients.
        """
        data = {**_on_wire(options), "roomName": name, "kind": kind, "create": True}
        return self._entering(EventType.JOIN_ROOM, data)

    def watch(self, name: str) -> Opening[Room]:
        """Watch the room *name* without joining it, where that may be watched; else as `join`."""
        return self._entering(EventType.SUBSCRIBE_ROOM, {"roomName": name})

    async def rooms(self) -> list[RoomInfo]:
        """
        Return the rooms that are not hidden, in the order in which they were made.

        Raises:
            ConnectionLost: The link is closed.
            TimeoutError: No answer came in time.
        """
        async with self.watch_rooms() as listed:
            return list(listed.rooms.values())

    def watch_rooms(self) -> Opening[RoomList]:
        """Watch the list of rooms: ``async with app.watch_rooms() as listed``."""
        return Opening(self._watch_rooms, self._unwatch_rooms)

    async def logout(self) -> None:
        """
        End this login: its rooms are left, its loops end. The connection stays for others.

        Raises:
            RequestRefused: The application does not let this user go.
            ConnectionLost: The link is closed.
            TimeoutError: No answer came in time.
        """
        await self._requests.ask(EventType.LOGOUT, take=lambda _: self.end())

    async def close(self) -> None:
        """Close the connection with every login on it, once what was sent is on its way."""
        await self.connection.close()

    def _address(self) -> tuple[Requests, str]:
        return self._requests, ""

    # -- rooms -------------------------------------------------------------------------------

    def _entering(self, event_type: EventType, data: Mapping[str, object]) -> Opening[Room]:
        given = {key: value for key, value in data.items() if value is not None}

        def take(reply: Frame) -> Room:
            room = self._enter(reply.details, reply.seq, reply.sub)
            room.is_watching = event_type is EventType.SUBSCRIBE_ROOM
            return room

        async def opened() -> Room:
            return await self._requests.ask(event_type, data=given, take=take, undo=self._undo)

        return Opening(opened, Room.leave)

    def _enter(self, data: Mapping[str, Any], seq: int | None, sub: int | None) -> Room:
        """Register the room that *data* describes, before any event of it is looked at."""
        events: EventStream[RoomEvent] = EventStream(self.connection.settings)
        room = Room(self, self._requests, events, data)
        room.place.seq, room.place.sub = seq or 0, sub or 0
        watched = self._joined.get(room.name)
        if watched is not None:
            watched.end()
        self._joined[room.name] = room
        return room

    def _undo(self, room: Room) -> None:
        event_type = EventType.UNSUBSCRIBE_ROOM if room.is_watching else EventType.LEAVE_ROOM
        self._requests.retract(event_type, {"roomName": room.name})
        room.end()

    def forget(self, room: Room) -> None:
        """Note that *room* has ended."""
        if self._joined.get(room.name) is room:
            del self._joined[room.name]

    async def _watch_rooms(self) -> RoomList:
        def take(reply: Frame) -> RoomList:
            events: EventStream[RoomListEvent] = EventStream(self.connection.settings)
            listed = RoomList(events, reply.details)
            self._lists.add(listed)
            return listed

        # Counted before the answer, or another watcher who stops meanwhile would end this one too.
        self._watchers += 1
        try:
            return await self._requests.ask(
                EventType.SUBSCRIBE_ROOM, take=take, undo=self._lists.discard
            )
        except BaseException:
            self._stop_watching()
            raise

    async def _unwatch_rooms(self, listed: RoomList) -> None:
        self._lists.discard(listed)
        listed.end()
        self._stop_watching()

    def _stop_watching(self) -> None:
        self._watchers -= 1
        if self._watchers == 0:
            self._requests.retract(EventType.UNSUBSCRIBE_ROOM)

    # -- what the connection does with it ----------------------------------------------------

    async def login(self, data: Mapping[str, object]) -> None:
        """Log in with *data*."""
        await self._requests.ask(
            EventType.LOGIN, data=data, take=self._logged_in, undo=self._undo_login
        )

    def _logged_in(self, reply: Frame) -> None:
        data = reply.details
        self.user = msgspec.convert(data.get("userName"), str)
        self.user_id = msgspec.convert(data.get("userId", ""), str)
        self.place = msgspec.convert(data, Place)
        self.state = "open"
        for room in msgspec.convert(data.get("rooms", []), list[dict[str, Any]]):
            place = msgspec.convert(room, Place)
            self._enter(room, place.seq, place.sub)

    def _undo_login(self, _: None) -> None:
        self._requests.retract(EventType.LOGOUT)
        self.end()

    def receive(self, frame: Frame) -> None:
        """Take in a frame of this application."""
        if self._requests.answer(frame):
            return
        if frame.event_type == EventType.DISCONNECTION:
            self.end(ConnectionLost(frame.code, frame.error.message))
            return
        refused = frame.refusal()
        if refused is not None:
            room = self._joined.get(frame.room_name)
            event = SendRefused(frame.action, refused)
            if room is None:
                self._events.put(event)
            else:
                room.refuse(event)
        elif frame.event_type == EventType.JOIN_ROOM and not frame.sender:
            self._events.put(Seated(self._enter(frame.details, frame.seq, frame.sub)))
        elif frame.room_name:
            room = self._joined.get(frame.room_name)
            if room is not None:
                room.receive(frame)
        elif self.place.advance(frame):
            self._receive_own(frame)

    def _receive_own(self, frame: Frame) -> None:
        if frame.event_type == EventType.MESSAGE:
            self._events.put(Message(frame.action, frame.data, frame.sender))
            return
        if frame.event_type not in _LIST_CHANGES:
            return
        for listed in self._lists:
            listed.receive(frame)
        if frame.event_type == EventType.ROOM_ADD:
            self._events.put(RoomAdded(RoomInfo.of(frame.details)))
        elif frame.event_type == EventType.ROOM_REMOVE:
            self._events.put(RoomGone(msgspec.convert(frame.details.get("roomName"), str)))

    def end(self, lost: ConnectionLost | None = None) -> None:
        """Note that this login is over; loops end, with *lost* if given."""
        if self.state == "closed":
            return
        self.state = "closed"
        self.connection.forget(self)
        self._requests.end(lost or ConnectionLost(1000, "this login is over"))
        for room in [*self._joined.values()]:
            room.end(lost)
        for listed in self._lists:
            listed.end(lost)
        self._events.end(lost)


def _on_wire(options: Mapping[str, object]) -> dict[str, object]:
    """Return *options* under the names of the wire: ``auto_remove`` is ``autoRemove`` there."""
    named = {}
    for option, value in options.items():
        first, *others = option.split("_")
        named[first + "".join(map(str.title, others))] = value
    return named
