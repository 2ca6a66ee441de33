"""App: one login to one application."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from goroom.client.addressee import Addressee
from goroom.client.events import (
    AppEvent,
    Dropped,
    Message,
    Reset,
    ResetReason,
    RoomAdded,
    RoomEvent,
    RoomGone,
    RoomInfo,
    RoomListEvent,
    Seated,
    SendLost,
    SendRefused,
)
from goroom.client.frames import Frame, Place
from goroom.client.link import FINAL_CODES
from goroom.client.opening import Opening
from goroom.client.recovery import Recovery
from goroom.client.requests import Requests
from goroom.client.room import Entry, Room
from goroom.client.roomlist import RoomList
from goroom.client.stream import EventStream
from goroom.errors import ConnectionLost, RequestRefused
from goroom.messages import EventType

if TYPE_CHECKING:
    from goroom.client.connection import Connection
    from goroom.client.login import Login

State = Literal["connecting", "open", "suspended", "closed"]
"""What a login can be; ``"suspended"`` while its link is lost and being restored."""

_LIST_CHANGES = frozenset({EventType.ROOM_ADD, EventType.ROOM_REMOVE, EventType.ROOM_UPDATE})


class App(Addressee):
    """
    One login to one application.

    ``async for event in app`` yields what happens outside rooms, and to the link; `EventStream`
    says how it ends. When the link is lost it comes back by itself, with its rooms and all that was
    missed there; where that cannot be, a `Reset` says so.
    """

    def __init__(self, connection: Connection, name: str, login: Login) -> None:
        self.connection = connection
        self.name = name
        """Name of the application."""
        self.user = ""
        """This user's name, as the server has it."""
        self.user_id = ""
        """Unique for this login; another one where it could not be resumed."""
        self.state: State = "connecting"
        """What it is now."""
        self.place = Place()
        """Where this client is in the application's own sequence."""
        self._login = login
        self._requests = Requests(
            connection, name, connection.settings.timeout_seconds, self._report
        )
        self._recovery = Recovery(self, login, self._requests)
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

        Nothing happens where it is over already. While the link is lost nobody can be told: the
        server lets this user go when its grace time is over.

        Raises:
            RequestRefused: The application does not let this user go.
            TimeoutError: No answer came in time.
        """
        if self.state == "suspended":
            self.end()
            return
        with contextlib.suppress(ConnectionLost):
            await self._requests.ask(EventType.LOGOUT, take=lambda _: self.end())

    async def close(self) -> None:
        """Log out and close the connection, with every login on it; see `Connection.close`."""
        await self.connection.close()

    def _address(self) -> tuple[Requests, str]:
        return self._requests, ""

    # -- rooms -------------------------------------------------------------------------------

    def _entering(self, event_type: EventType, data: Mapping[str, object]) -> Opening[Room]:
        given = {key: value for key, value in data.items() if value is not None}

        entry = Entry(event_type, given)

        def take(reply: Frame) -> Room:
            room = self.enter(
                reply.details, Place.of(reply.details, reply.seq, reply.sub), entry=entry
            )
            self._recovery.claim(room.name)
            return room

        async def opened() -> Room:
            undo = self._recovery.take_back
            return await self._requests.ask(event_type, data=given, take=take, undo=undo)

        return Opening(opened, Room.leave)

    def enter(self, data: Mapping[str, Any], place: Place, *, entry: Entry | None = None) -> Room:
        """
        Return the room that *data* describes, before any event of it is looked at.

        It is the one that is known where that has come as far as *place*: a resume was faster than
        the answer to its join.
        """
        events: EventStream[RoomEvent] = EventStream(self.connection.settings)
        room = Room(self, self._requests, events, data, place=place, entry=entry)
        known = self._joined.get(room.name)
        if known is not None:
            if known.is_ahead_of(room):
                known.entry = room.entry
                return known
            known.end()
        self._joined[room.name] = room
        return room

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

    # -- the link ------------------------------------------------------------------------------

    async def open(self, data: Mapping[str, object]) -> None:
        """Log in with *data* for the first time."""
        try:
            await self._requests.greet(
                EventType.LOGIN, data, take=self._logged_in, undo=self._undo_login
            )
        except (RequestRefused, ConnectionLost):
            self.end()
            raise

    def _logged_in(self, reply: Frame) -> None:
        data = reply.details
        self.welcome(data)
        self.place = Place.of(data)
        self._requests.restart()
        for room in msgspec.convert(data.get("rooms", []), list[dict[str, Any]]):
            self.enter(room, Place.of(room))

    def _undo_login(self, _: None) -> None:
        self._requests.retract(EventType.LOGOUT)
        self.end()

    def welcome(self, data: Mapping[str, Any]) -> None:
        """Take in what a LOGIN or RECONNECT was answered."""
        self.user = msgspec.convert(data.get("userName"), str)
        self.user_id = msgspec.convert(data.get("userId", ""), str)
        self._login.take(msgspec.convert(data.get("token", ""), str))
        self.state = "open"

    def drop(self, lost: ConnectionLost) -> None:
        """Wait for the next link, or end where this login does not come back."""
        if self.state == "connecting" or not self._login.may_resume:
            self.end(lost)
            return
        self._requests.suspend()
        if self.state == "open":
            self.state = "suspended"
            self.tell(Dropped(lost.code, lost.reason))

    def refuse(self, text: str) -> None:
        """Settle what was sent as the frame *text*, if that is unanswered: it is too large."""
        self._requests.refuse(text)

    async def greet(self) -> None:
        """Come back on a new link; see `Recovery.greet`."""
        if self.state == "suspended":
            await self._recovery.greet()

    def renew_lists(self) -> None:
        """Ask again for the list of rooms, if somebody watches it."""
        if not self._lists:
            return

        def answer(frame: Frame) -> None:
            if frame.refusal() is None:
                for listed in self._lists:
                    listed.renew(frame.details)

        def fail(_: Exception) -> None:
            """Leave it to the next link."""

        event_type = EventType.SUBSCRIBE_ROOM
        self._requests.command(event_type, answer=answer, fail=fail, is_forced=True)

    def say_goodbye(self) -> None:
        """Log out behind what was sent before, without waiting for any answer."""
        if self.state == "open":
            self._requests.retract(EventType.LOGOUT)
            self._requests.hurry()

    # -- what happens --------------------------------------------------------------------------

    def tell(self, event: AppEvent) -> None:
        """Let the loop know of *event*."""
        self._events.put(event)

    def reset(self, room: Room, reason: ResetReason) -> None:
        """Let the loops know of a reset of *room*."""
        event = Reset(reason, room)
        self.tell(event)
        room.tell(event)

    def _report(self, room_name: str, event: SendRefused | SendLost) -> None:
        room = self._joined.get(room_name)
        if room is None:
            self.tell(event)
        else:
            room.tell(event)

    def receive(self, frame: Frame) -> None:
        """Take in a frame of this application."""
        if self._requests.answer(frame):
            self._recovery.announce()
            return
        if frame.event_type == EventType.DISCONNECTION:
            self._disconnected(ConnectionLost(frame.code, frame.error.message))
            return
        refused = frame.refusal()
        if refused is not None:
            self._report(frame.room_name, SendRefused(frame.action, refused))
        elif frame.event_type == EventType.JOIN_ROOM and not frame.sender:
            known = self._joined.get(frame.room_name)
            room = self.enter(frame.details, Place.of(frame.details, frame.seq, frame.sub))
            if room is not known:
                self.tell(Seated(room))
        elif frame.room_name:
            in_room = self._joined.get(frame.room_name)
            if in_room is not None:
                in_room.receive(frame)
        elif self.place.advance(frame):
            self._receive_own(frame)

    def _disconnected(self, lost: ConnectionLost) -> None:
        """The server has ended this login; with most codes it may come back."""
        if self._login.may_resume and lost.code not in FINAL_CODES:
            self.connection.lose(lost)
        else:
            self.end(lost)

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
        for room in [*self._joined.values()]:
            room.end(lost)
        for listed in self._lists:
            listed.end(lost)
        self._events.end(lost)
        self._requests.end(lost or ConnectionLost(1000, "this login is over"))


def _on_wire(options: Mapping[str, object]) -> dict[str, object]:
    """Return *options* under the names of the wire: ``auto_remove`` is ``autoRemove`` there."""
    named = {}
    for option, value in options.items():
        first, *others = option.split("_")
        named[first + "".join(map(str.title, others))] = value
    return named
