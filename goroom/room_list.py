"""RoomList: who is told of rooms that come, go and change, and how often."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goroom import values
from goroom.messages import EventType, Push
from goroom.sequence import Announcement, Audience, audience_of, deliver

if TYPE_CHECKING:
    from goroom.application import Application
    from goroom.room import Room
    from goroom.user import Link


class RoomList:
    """
    Announces the rooms of one application.

    ROOM_ADD and ROOM_REMOVE go to every user, or to those who watch the list where the application
    says so; ROOM_UPDATE goes to those who watch, a few times a second per room at most, always
    with the room as it stands then.
    """

    def __init__(self, application: Application) -> None:
        self._application = application
        self._watchers: dict[Link, None] = {}
        self._shown: dict[Room, None] = {}
        """Rooms whose coming was told."""
        self._resting: dict[Room, bool] = {}
        """Rooms updated a moment ago, and whether they have changed since."""

    def watch(self, link: Link) -> None:
        """Tell *link* of every change from now on."""
        self._watchers[link] = None

    def unwatch(self, link: Link) -> None:
        """Tell *link* no more."""
        self._watchers.pop(link, None)

    def add(self, room: Room) -> None:
        """Tell that *room* has come; nobody hears of a hidden one."""
        if not room.options.hidden:
            self._shown[room] = None
            self._announce(EventType.ROOM_ADD, room)

    def remove(self, room: Room) -> None:
        """Tell that *room* has gone, if it was told that it had come."""
        if room in self._shown:
            del self._shown[room]
            self._announce(EventType.ROOM_REMOVE, room)

    def update(self, room: Room) -> None:
        """Tell the watchers how *room* stands now, or soon if they were told a moment ago."""
        if room.options.hidden:
            self.remove(room)
        elif room not in self._shown:
            self.add(room)
        elif room in self._resting:
            self._resting[room] = True
        elif self._watchers:
            self._tell(room)

    def _announce(self, event: EventType, room: Room) -> None:
        application = self._application
        push = Push(event, application.name, body=values.encode(room.listing()))
        sequence = application.sequence
        if application.extension.announce_rooms:
            release = Announcement(push, sequence.number_shared, application.everybody).seal()
        else:
            # Nobody's history keeps it: who watches the list asks for it anew on resuming.
            sequence.number_private(push, ())
            release = Announcement(push, None, self._audience).seal()
        if release is not None:
            release()

    def _audience(self) -> Audience:
        return audience_of(self._watchers)

    def _tell(self, room: Room) -> None:
        body = values.encode(room.listing())
        push = Push(EventType.ROOM_UPDATE, self._application.name, body=body)
        deliver(push, audience_of(self._watchers))
        self._resting[room] = False
        seconds = 1 / self._application.limits.room_updates_per_second
        self._application.timers.after(seconds, lambda: self._rested(room))

    def _rested(self, room: Room) -> None:
        has_changed = self._resting.pop(room)
        if has_changed and room in self._shown:
            self.update(room)
