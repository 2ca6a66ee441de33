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
        self._resting: dict[Room, bool] = {}
        """Rooms updated a moment ago, and whether they have changed since."""

    def watch(self, link: Link) -> None:
        """Tell *link* of every change from now on."""
        self._watchers[link] = None

    def unwatch(self, link: Link) -> None:
        """Tell *link* no more."""
        self._watchers.pop(link, None)

    def announce(self, event: EventType, room: Room, *, even_hidden: bool = False) -> None:
        """Tell that *room* has come or gone; nobody hears of a hidden one."""
        if room.options.hidden and not even_hidden:
            return
        application = self._application
        push = Push(event, application.name, body=values.encode(room.listing()))
        sequence = application.sequence
        if application.extension.announce_rooms:
            number, audience = sequence.number_shared, application.everybody
        else:
            number, audience = sequence.number_private, self._audience
        release = Announcement(push, number, audience).seal()
        if release is not None:
            release()

    def update(self, room: Room) -> None:
        """Tell the watchers how *room* stands now, or soon if they were told a moment ago."""
        if room.options.hidden or not self._watchers or room.is_closed:
            return
        if room in self._resting:
            self._resting[room] = True
            return
        self._tell(room)

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
        if has_changed:
            self.update(room)
