"""Membership: who is in one room and who watches it, and the turns in which that changes."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from goroom import values
from goroom.errors import (
    AlreadyJoined,
    NotAllowed,
    NotInRoom,
    NotLoggedIn,
    RoomFull,
    RoomNotFound,
)
from goroom.events import Event, LeaveReason
from goroom.messages import EventType, Push
from goroom.sequence import (
    Announcement,
    Audience,
    Change,
    audience_of,
    audience_with,
    audience_without,
    deliver,
)
from goroom.turn import EndingTurn, Turn, check_waiting, current

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from goroom.room import Room
    from goroom.user import Asker, Link, User


class Membership:
    """Members and spectators of *room*."""

    __slots__ = ("_away", "_everybody", "_leaver", "_members", "_newcomer", "_room", "_spectators")

    def __init__(self, room: Room) -> None:
        self._room = room
        self._members: dict[str, User] = {}
        self._spectators: dict[Link, None] = {}
        self._newcomer: User | None = None
        self._leaver: User | None = None
        self._everybody: Audience | None = None
        self._away: dict[User, None] = {}
        """Members whose ``on_drop`` has run, or is on its way, without its ``on_resume``."""

    def __len__(self) -> int:
        return len(self._members)

    def __contains__(self, user: User) -> bool:
        return self._members.get(user.name) is user

    @property
    def visible(self) -> Mapping[str, User]:
        """The members by name; a change that is going on is seen by its own turn only."""
        if self._newcomer is None and self._leaver is None:
            return MappingProxyType(self._members)
        turn = current()
        if turn is None or turn.lane is not self._room.lane:
            return MappingProxyType(self._members)
        members = dict(self._members)
        if self._newcomer is not None:
            members[self._newcomer.name] = self._newcomer
        if self._leaver is not None:
            members.pop(self._leaver.name, None)
        return MappingProxyType(members)

    @property
    def away(self) -> list[str]:
        """Names of the members that are away."""
        return [user.name for user in self._away]

    # -- audiences -------------------------------------------------------------------------

    def everybody(self) -> Audience:
        """Return the outboxes of all members and spectators, kept until these change."""
        if self._everybody is None:
            links = [link for member in self._members.values() for link in member.links]
            self._everybody = audience_of([*links, *self._spectators])
        return self._everybody

    def forget_audience(self) -> None:
        """Make the audience anew: somebody's connections have changed."""
        self._everybody = None

    def some(self, only: frozenset[str] | None, skip: frozenset[str]) -> list[User]:
        """Return the members chosen by name; absent ones are passed over."""
        members: Iterable[User] = self._members.values()
        if only is not None:
            members = [self._members[name] for name in only if name in self._members]
        return [member for member in members if member.name not in skip]

    # -- joining ---------------------------------------------------------------------------

    async def enter(
        self, user: User, check: Callable[[], None] | None = None, asker: Asker | None = None
    ) -> None:
        """
        Run the turn in which *user* joins.

        Args:
            user: Who joins.
            check: What is checked for clients only, before the capacity; refuses by raising.
            asker: Whose request it is, to be answered.
        """
        room = self._room
        check_waiting(room.lane)
        handler = room.extension.handlers.get(Event.JOIN)
        turn = Turn(
            room.lane,
            "on_join" if handler is None else handler.name,
            connection=None if asker is None else asker.link.connection,
            request=None if asker is None else asker.request,
        )

        has_begun = False

        def call() -> object:
            nonlocal has_begun
            self._check_newcomer(user)
            if check is not None:
                check()
            if len(self._members) >= room.capacity:
                raise RoomFull
            turn.add(Change(lambda: self._seal_join(user, asker), room.lane))
            if handler is None:
                return None
            has_begun = True
            self._newcomer = user
            user.joining[room] = None
            return handler.function(room.extension, user)

        try:
            await room.application.turns.run(turn, call)
        finally:
            # One that never got its turn leaves alone what another of the same user has begun.
            if has_begun and self._newcomer is user:
                self._newcomer = None
                user.joining.pop(room, None)

    def _check_newcomer(self, user: User) -> None:
        if self._room.is_closed:
            raise RoomNotFound
        if not user.is_present or user.is_ending:
            raise NotLoggedIn
        if user.name in self._members:
            raise AlreadyJoined

    def _seal_join(self, user: User, asker: Asker | None) -> Callable[[], None]:
        room = self._room
        self._newcomer = None
        user.joining.pop(room, None)
        for link in (*user.links, *user.absent):
            self.unwatch(link)
        before = self.everybody()
        self._members[user.name] = user
        self._everybody = audience_with(before, user.links)
        user.note_joined(room)
        push = Push(
            EventType.JOIN_ROOM,
            room.application.name,
            room.name,
            sender=user.name,
            body=values.encode({"roomName": room.name, "appName": room.application.name}),
        )
        announced = room.options.announce_members
        if announced:
            room.sequence.number_shared(push)
        if user.is_resumable:
            room.sequence.follow(user)
        others = before if announced else []
        own = room.snapshot()
        own.receiver = user.name
        links = list(user.links)

        def release() -> None:
            _tell_own(own, links, asker)
            deliver(push, others)
            room.members_changed()
            if user.is_away:  # its connection was lost while on_join ran
                self.tell_away(user)

        return release

    # -- leaving ---------------------------------------------------------------------------

    async def depart(
        self,
        user: User,
        reason: LeaveReason,
        *,
        asker: Asker | None = None,
        tell_leaver: bool = True,
    ) -> None:
        """
        Run the turn in which *user* leaves; where a client asked, ``on_leave`` may refuse.

        Raises:
            NotInRoom: *user* is no member (any more).
            Refused: ``on_leave`` refused the client.
        """
        room = self._room
        check_waiting(room.lane)
        handler = room.extension.handlers.get(Event.LEAVE)
        turn = EndingTurn(
            room.lane,
            "on_leave" if handler is None else handler.name,
            connection=None if asker is None else asker.link.connection,
            request=None if asker is None else asker.request,
        )

        has_begun = False

        def call() -> object:
            nonlocal has_begun
            if user not in self:
                raise NotInRoom
            leave = Change(
                lambda: self._seal_leave(user, reason, asker=asker, tell_leaver=tell_leaver),
                room.lane,
            )
            turn.begin(leave, is_refusable=asker is not None)
            if handler is None:
                return None
            has_begun = True
            self._leaver = user
            return handler.function(room.extension, user, reason)

        try:
            await room.application.turns.run(turn, call)
        finally:
            if has_begun and self._leaver is user:
                self._leaver = None

    def kick(self, name: str, message: str) -> Callable[[], None] | None:
        """Seal the removal of the member *name*, if there is one; ``on_leave`` runs after it."""
        user = self._members.get(name)
        if user is None:
            return None
        self._cause_on_leave(user, LeaveReason.KICKED)
        return self._seal_leave(user, LeaveReason.KICKED, message=message)

    def _seal_leave(
        self,
        user: User,
        reason: LeaveReason,
        *,
        message: str = "",
        asker: Asker | None = None,
        tell_leaver: bool = True,
    ) -> Callable[[], None]:
        room = self._room
        self._leaver = None
        self._members.pop(user.name, None)
        self._forget(user)
        data = {"roomName": room.name, "appName": room.application.name, "reason": reason}
        if message:
            data["message"] = message
        push = Push(
            EventType.LEAVE_ROOM,
            room.application.name,
            room.name,
            sender=user.name,
            body=values.encode(data),
        )
        announced = room.options.announce_members
        if announced:
            room.sequence.number_shared(push)
        others = self.everybody() if announced else []
        own = Push(
            EventType.LEAVE_ROOM,
            push.app_name,
            push.room_name,
            seq=push.seq,
            body=push.body,
            receiver=user.name,
        )
        links = list(user.links) if tell_leaver else []

        def release() -> None:
            _tell_own(own, links, asker)
            deliver(push, others)
            room.members_changed()
            room.remove_if_over()

        return release

    def _forget(self, user: User) -> None:
        room = self._room
        user.note_left(room)
        room.sequence.unfollow(user)
        self._away.pop(user, None)
        if self._everybody is not None:
            self._everybody = audience_without(self._everybody, user.links)

    def _cause_on_leave(self, user: User, reason: LeaveReason) -> None:
        room = self._room
        handler = room.extension.handlers.get(Event.LEAVE)
        if handler is not None:
            function = handler.function
            room.application.turns.cause(
                Turn(room.lane, handler.name), lambda: function(room.extension, user, reason)
            )

    def take_all(self) -> Callable[[], None]:
        """Seal the end of the room: nobody is in it any more, and all are told."""
        room = self._room
        audience = self.everybody()
        members = list(self._members.values())
        self._members.clear()
        self.unwatch_all()
        for user in members:
            self._forget(user)
        data = {
            "roomName": room.name,
            "appName": room.application.name,
            "reason": LeaveReason.ROOM_CLOSED,
        }
        push = Push(
            EventType.LEAVE_ROOM, room.application.name, room.name, body=values.encode(data)
        )
        room.sequence.number_shared(push)
        for user in members:
            self._cause_on_leave(user, LeaveReason.ROOM_CLOSED)
        return lambda: deliver(push, audience)

    # -- being away ------------------------------------------------------------------------

    def tell_away(self, user: User) -> None:
        """Run ``on_drop`` for *user*, with MEMBER_AWAY, in the room's order."""
        self._away[user] = None
        self._tell_presence(user, Event.DROP, EventType.MEMBER_AWAY)

    def tell_back(self, user: User) -> None:
        """Run ``on_resume`` for *user*, with MEMBER_BACK, after its ``on_drop``."""
        if user in self._away:
            del self._away[user]
            self._tell_presence(user, Event.RESUME, EventType.MEMBER_BACK)

    def _tell_presence(self, user: User, event: Event, event_type: EventType) -> None:
        room = self._room
        handler = room.extension.handlers.get(event)
        turn = EndingTurn(room.lane, f"on_{event.value}" if handler is None else handler.name)

        def call() -> object:
            if user not in self:
                return None  # it has left meanwhile
            telling = Change(lambda: self._seal_presence(user, event_type), room.lane)
            turn.begin(telling, is_refusable=False)
            return None if handler is None else handler.function(room.extension, user)

        room.application.turns.cause(turn, call)

    def _seal_presence(self, user: User, event_type: EventType) -> Callable[[], None] | None:
        room = self._room
        if not room.options.announce_members or user not in self:
            return None
        data: dict[str, object] = {"roomName": room.name, "appName": room.application.name}
        if event_type is EventType.MEMBER_AWAY:
            data["seconds"] = round(user.seconds_left(), 3)
        push = Push(
            event_type,
            room.application.name,
            room.name,
            sender=user.name,
            body=values.encode(data),
        )
        return Announcement(push, room.sequence.number_shared, self.everybody).seal()

    # -- watching --------------------------------------------------------------------------

    def watch(self, link: Link) -> None:
        """
        Make *link* a spectator.

        Raises:
            NotAllowed: The room is not to be watched.
            AlreadyJoined: Its user is a member.
        """
        if not self._room.options.spectators:
            raise NotAllowed("The room cannot be watched", reason="no_spectators")
        if link.user is not None and link.user in self:
            raise AlreadyJoined
        self._spectators[link] = None
        if link.ticket is not None:
            self._room.sequence.follow(link)
        link.watched[self._room.name] = self._room
        self.forget_audience()

    def unwatch_all(self) -> None:
        """Make nobody a spectator any more."""
        for link in list(self._spectators):
            self.unwatch(link)

    def unwatch(self, link: Link) -> bool:
        """Make *link* no spectator any more; return whether it was one."""
        if link not in self._spectators:
            return False
        del self._spectators[link]
        self._room.sequence.unfollow(link)
        link.watched.pop(self._room.name, None)
        self.forget_audience()
        return True


def _tell_own(push: Push, links: list[Link], asker: Asker | None) -> None:
    """Send *push* to the user's own connections, as the reply to the one that asked."""
    asking = None if asker is None else asker.link
    if asker is not None:
        asker.answer(push)
    deliver(push, audience_of(link for link in links if link is not asking))
