"""RoomList: the rooms of an application, kept up to date."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec

from goroom.client.events import RoomAdded, RoomChanged, RoomGone, RoomInfo, RoomListEvent
from goroom.messages import EventType

if TYPE_CHECKING:
    from goroom.client.frames import Frame
    from goroom.client.stream import EventStream
    from goroom.errors import ConnectionLost


class RoomList:
    """
    The rooms of an application that are not hidden, kept up to date.

    ``async for event in rooms`` yields the changes after the list that `rooms` began with.
    """

    def __init__(self, events: EventStream[RoomListEvent], listed: Mapping[str, Any]) -> None:
        self._events = events
        self._data = _by_name(listed)
        self._rooms = {name: RoomInfo.of(data) for name, data in self._data.items()}

    @property
    def rooms(self) -> Mapping[str, RoomInfo]:
        """The rooms by name, in the order in which they were made; a live view."""
        return MappingProxyType(self._rooms)

    def __aiter__(self) -> AsyncIterator[RoomListEvent]:
        return self._events

    def receive(self, frame: Frame) -> None:
        """Take in a ROOM_ADD, ROOM_UPDATE or ROOM_REMOVE."""
        name = msgspec.convert(frame.details.get("roomName"), str)
        if frame.event_type == EventType.ROOM_REMOVE:
            if self._rooms.pop(name, None) is not None:
                del self._data[name]
                self._events.put(RoomGone(name))
            return
        data = {**self._data.get(name, {}), **frame.details}
        room = RoomInfo.of(data)
        is_new = name not in self._rooms
        if is_new and frame.event_type == EventType.ROOM_UPDATE:
            return  # of a room that is gone: its update was on the way
        self._data[name], self._rooms[name] = data, room
        self._events.put(RoomAdded(room) if is_new else RoomChanged(room))

    def renew(self, listed: Mapping[str, Any]) -> None:
        """Take the list anew; what has changed since are events like others."""
        before = dict(self._rooms)
        self._data = _by_name(listed)
        self._rooms.clear()
        self._rooms.update({name: RoomInfo.of(data) for name, data in self._data.items()})
        for name in before:
            if name not in self._rooms:
                self._events.put(RoomGone(name))
        for name, room in self._rooms.items():
            if name not in before:
                self._events.put(RoomAdded(room))
            elif room != before[name]:
                self._events.put(RoomChanged(room))

    def end(self, lost: ConnectionLost | None = None) -> None:
        """Keep the list no more; its loop ends, with *lost* if given."""
        self._events.end(lost)


def _by_name(listed: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    rooms = msgspec.convert(listed.get("rooms"), list[dict[str, Any]])
    return {msgspec.convert(data.get("roomName"), str): data for data in rooms}
