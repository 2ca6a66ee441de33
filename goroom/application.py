"""Application: one namespace of a server. Its users, its rooms, its extension."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import structlog

from goroom import values
from goroom.absences import Absences
from goroom.endings import Endings
from goroom.errors import Stopping
from goroom.events import LeaveReason
from goroom.extension import ApplicationExtension, RoomExtension
from goroom.lane import Lane, Level
from goroom.messages import EventType, Push
from goroom.room import Who, names_of, receiver_of
from goroom.rooms import RoomService
from goroom.sequence import (
    Announcement,
    Audience,
    PrivateAnnouncement,
    Sequence,
    audience_of,
    volatile_key,
)
from goroom.tickets import Tickets
from goroom.turn import Turn, perform
from goroom.user import sender_of
from goroom.users import UserService

if TYPE_CHECKING:
    from random import Random

    from goroom.limits import Limits
    from goroom.outbox import Flusher
    from goroom.runtime import Runtime
    from goroom.timers import TimerGroup
    from goroom.turns import Turns
    from goroom.user import User

log = structlog.get_logger()


class Application:
    """
    One namespace: users, rooms, an extension. Nothing of it is reachable from another.

    Made by `Server.add_application`.
    """

    def __init__(
        self,
        name: str,
        runtime: Runtime,
        extension: type[ApplicationExtension],
        rooms: Mapping[str, type[RoomExtension[Any]]],
        *,
        double_login: str,
        limits: Limits,
        flusher: Flusher,
    ) -> None:
        self.name = name
        self.flusher = flusher
        """What writes to connections that are in no more eager application."""
        self.limits = limits
        self.sequence = Sequence(runtime.new_id(), limits, runtime.now)
        self.timer_lane = Lane(Level.CONNECTION, self, {"application": name}, limits)
        self._runtime = runtime
        self.turns: Turns = runtime.turns
        """What runs the turns of this server."""
        self.timers = self.new_timers()
        self._everybody: Audience | None = None
        self.tickets = Tickets(runtime.random)
        self.users = UserService(self, double_login)
        self.endings = Endings(self)
        self.absences = Absences(self)
        self.rooms = RoomService(self, rooms)
        self.extension = extension(self)

    def __repr__(self) -> str:
        return f"<Application {self.name!r}>"

    @property
    def random(self) -> Random:
        """The server's randomness."""
        return self._runtime.random

    def new_id(self) -> str:
        """Return 22 random URL-safe characters."""
        return self._runtime.new_id()

    def now(self) -> float:
        """Return `loop.time()` of the event loop that the server runs on."""
        return self._runtime.now()

    def new_timers(self) -> TimerGroup:
        """Return timers that end together."""
        return self._runtime.timers.group()

    # -- what authors do -------------------------------------------------------------------

    def broadcast(
        self,
        action: str,
        data: object = None,
        *,
        skip: Who | None = None,
        only: Who | None = None,
        sender: User | str | None = None,
        volatile: bool = False,
        key: Hashable = None,
    ) -> None:
        """
        Send *action* to every user of the application, in its own sequence.

        Order is kept within this sequence, not between it and those of rooms. Otherwise as
        `Room.broadcast`.

        Raises:
            PayloadError: *data* cannot be sent; nothing was.
        """
        push = Push(
            EventType.MESSAGE,
            self.name,
            action=action,
            sender=sender_of(sender),
            body=values.encode(data),
        )
        if volatile:
            push.volatile_key = volatile_key(push, key)
        if skip is None and only is None:
            number = None if volatile else self.sequence.number_shared
            perform(Announcement(push, number, self.everybody))
            return
        chosen = self.users if only is None else names_of(only)
        left_out = frozenset() if skip is None else names_of(skip)
        push.receiver = receiver_of(only)
        sequence = None if volatile else self.sequence
        perform(PrivateAnnouncement(push, sequence, lambda: self._some(chosen, left_out)))

    # -- what the core does ----------------------------------------------------------------

    def send_to(self, user: User, action: str, body: bytes, sender: str = "") -> None:
        """Send JSON bytes to *user* in the application's sequence."""
        perform(self.announcement_to(user, action, body, sender))

    def announcement_to(
        self, user: User, action: str, body: bytes, sender: str
    ) -> PrivateAnnouncement:
        """Return the effect of `send_to`."""
        push = Push(
            EventType.MESSAGE,
            self.name,
            action=action,
            sender=sender,
            body=body,
            receiver=user.name,
        )
        return PrivateAnnouncement(push, self.sequence, lambda: [user])

    def everybody(self) -> Audience:
        """Return the outboxes of all users."""
        if self._everybody is None:
            self._everybody = audience_of(
                link for user in self.users.values() for link in user.links
            )
        return self._everybody

    def forget_audience(self) -> None:
        """Make the audience anew: somebody came, went, or has other connections."""
        self._everybody = None

    def _some(self, chosen: Iterable[str], left_out: frozenset[str]) -> list[User]:
        present = (name for name in chosen if name in self.users and name not in left_out)
        return [self.users[name] for name in present]

    async def start(self) -> None:
        """
        Run ``init``; nobody can enter before it has returned.

        Raises:
            Refused: ``init`` failed; the log says why.
        """
        turn = Turn(self.timer_lane, f"{type(self.extension).__qualname__}.init")
        await self.turns.run(turn, self.extension.init)

    async def stop(self) -> None:
        """End every user, with reason ``shutdown``, then every timer."""
        users = list(self.users.values())
        await asyncio.gather(*(self.endings.end(user, LeaveReason.SHUTDOWN) for user in users))
        for room in list(self.rooms.values()):
            room.timers.end()
        self.timers.end()

    def turn_away(self) -> None:
        """Drop, unanswered, all requests that wait for a room or a user."""
        lanes = [room.lane for room in self.rooms.values()]
        lanes += [user.lane for user in self.users.values()]
        for lane in lanes:
            lane.turn_away(Stopping(), requests_only=True)
