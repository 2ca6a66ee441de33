"""Room: members by name, a capacity, an extension, a sequence of events."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from functools import partial
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import structlog

from goroom import values
from goroom.errors import NotAllowed, RoomNotFound
from goroom.events import Event, LeaveReason
from goroom.lane import Lane, Level
from goroom.membership import Membership
from goroom.messages import EventType, Push
from goroom.options import AutoRemove, RoomOptions, copied
from goroom.sequence import (
    Announcement,
    Change,
    PrivateAnnouncement,
    Sequence,
    deliver,
    volatile_key,
)
from goroom.turn import EndingTurn, perform
from goroom.user import User, sender_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from goroom.application import Application
    from goroom.extension import RoomExtension
    from goroom.timers import Timer

log = structlog.get_logger()

Who = User | str | Iterable[User | str]
"""One user, one name, or several of them."""


class Room:
    """
    Members by name, a capacity, an extension, a sequence of events.

    What happens in it happens one thing at a time (`goroom.lane`). Made by
    `RoomService.create`, ended by `close`.
    """

    def __init__(
        self,
        application: Application,
        name: str,
        kind: str,
        options: RoomOptions,
        *,
        extension: type[RoomExtension[Any]],
        maker: User | None = None,
    ) -> None:
        self.application = application
        self.name = name
        self.kind = kind
        self.options = options
        self.maker = maker
        """The user whose client made it; None for the server's."""
        self.is_closed = False
        """Whether it has ended: nobody is in it, its name is free."""
        self.lane = Lane(
            Level.ROOM,
            self,
            {"application": application.name, "room": name},
            application.limits,
            on_stuck=self._give_up,
        )
        self.sequence = Sequence(application.new_id(), application.limits, application.now)
        self.timers = application.new_timers()
        self.membership = Membership(self)
        self._unjoined: Timer | None = None
        self.extension = extension(self)

    def __repr__(self) -> str:
        return f"<Room {self.name!r} of {self.application.name!r}>"

    @property
    def capacity(self) -> int:
        """Most members."""
        return self.options.capacity

    @property
    def maker_name(self) -> str:
        """Name of the user who made it, or ``""``."""
        return "" if self.maker is None else self.maker.name

    @property
    def properties(self) -> Mapping[str, Any]:
        """Free values, shown in the list of rooms; `update` changes them."""
        return MappingProxyType(dict(self.options.properties))

    @property
    def members(self) -> Mapping[str, User]:
        """
        The members by name, in the order they joined.

        In ``on_join`` the newcomer is one of them and in ``on_leave`` the leaver is none;
        everybody else sees that when the hook has returned.
        """
        return self.membership.visible

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
        Send *action* to every member, the sender too, and to spectators.

        Encoded before this returns: later changes to *data* are not sent. Part of the current turn;
        from outside a turn of this room it is applied at once if the room is idle, else behind
        what runs and waits. Members receive a room's events in one order, each at most once. Never
        waits: a member that does not read is closed instead (4010).

        Args:
            action: Name that clients see.
            data: JSON value or attrs instance.
            skip: Members to leave out; absent ones are passed over.
            only: Members to send to, no others; absent ones are passed over. With *skip* or *only*,
                spectators receive nothing.
            sender: Shown to clients as ``sender``: a user, or any text of yours, as a bot's name.
            volatile: For positions, typing marks: it has no number and is never sent again; a
                member that reads too slowly misses it, and is not closed for it.
            key: Of volatile events of one *action* and key, only the newest of those that wait for
                a member is sent. None: each is sent.

        Raises:
            PayloadError: *data* cannot be sent; nothing was.
        """
        push = Push(
            EventType.MESSAGE,
            self.application.name,
            self.name,
            action,
            sender_of(sender),
            body=values.encode(data),
        )
        if volatile:
            push.volatile_key = volatile_key(push, key)
        if skip is None and only is None:
            number = None if volatile else self.sequence.number_shared
            perform(Announcement(push, number, self.membership.everybody, self.lane))
            return
        chosen = None if only is None else names_of(only)
        left_out = frozenset() if skip is None else names_of(skip)
        push.receiver = receiver_of(only)
        announcement = PrivateAnnouncement(
            push,
            None if volatile else self.sequence,
            lambda: self.membership.some(chosen, left_out),
            self.lane,
        )
        perform(announcement)

    def send_to(self, user: User, action: str, body: bytes, sender: str = "") -> None:
        """Send JSON bytes to *user*, as an event of this room if a member of it."""

        def seal() -> Callable[[], None] | None:
            if user not in self.membership:
                return self.application.announcement_to(user, action, body, sender).seal()
            push = Push(
                EventType.MESSAGE,
                self.application.name,
                self.name,
                action,
                sender,
                body=body,
                receiver=user.name,
            )
            return PrivateAnnouncement(push, self.sequence, lambda: [user]).seal()

        perform(Change(seal, self.lane))

    def kick(self, user: User | str, message: str = "") -> None:
        """
        Take *user* out of the room; who is no member is passed over.

        Takes effect with the current turn; ``on_leave`` with ``kicked`` runs after it.
        """
        name = user if isinstance(user, str) else user.name
        perform(Change(lambda: self.membership.kick(name, message), self.lane))

    def close(self) -> None:
        """
        End the room: all members are out and told, the name is free, then each ``on_leave`` runs.

        Takes effect with the current turn. A second call does nothing.
        """
        perform(Change(self._seal_close, self.lane))

    def update(self, **changes: Any) -> None:
        """
        Change options of the room, and tell its members and whoever watches the list of rooms.

        Takes effect with the current turn.

        Args:
            changes: Fields of `RoomOptions`. *properties* are merged into the room's, and a value
                of None takes one out.

        Raises:
            TypeError, ValueError: There is no such option, or it cannot have this value.
        """
        self.options.changed(changes)
        if "properties" in changes:
            changes["properties"] = copied(changes["properties"])
        perform(Change(lambda: self._seal_update(changes), self.lane))

    async def join(self, user: User) -> None:
        """
        Make *user* a member, whatever lock or password there is; the capacity counts.

        A turn of its own: it has happened when this returns.

        Raises:
            Refused: The room is full or closed, the user is in it or gone, ``on_join`` refused.
            RuntimeError: Called from a turn of a room: use `User.move_to`.
        """
        await self.membership.enter(user)

    async def leave(self, user: User, reason: LeaveReason = LeaveReason.LEFT) -> None:
        """
        Take *user* out; ``on_leave`` runs before anybody sees it, and cannot refuse.

        A turn of its own: it has happened when this returns.

        Raises:
            NotInRoom: *user* is no member.
            RuntimeError: Called from a turn of a room: use `kick` or `User.move_to`.
        """
        await self.membership.depart(user, reason)

    # -- what the services do --------------------------------------------------------------

    def check_client(self, password: str) -> None:
        """
        Check what holds for clients that ask to join.

        Raises:
            NotAllowed: The room is locked, or *password* is not its.
        """
        if self.options.locked:
            raise NotAllowed("The room is locked", reason="locked")
        self.check_password(password)

    def check_password(self, password: str) -> None:
        """
        Check what holds for clients that ask to join or to watch.

        Raises:
            NotAllowed: *password* is not the room's.
        """
        if self.options.password is not None and password != self.options.password:
            raise NotAllowed("The password is wrong", reason="wrong_password")

    def listing(self) -> dict[str, Any]:
        """Return what the list of rooms shows of it."""
        return {
            "roomName": self.name,
            "appName": self.application.name,
            "kind": self.kind,
            "count": len(self.membership),
            "capacity": self.capacity,
            "locked": self.options.locked,
            "password": self.options.password is not None,
            "spectators": self.options.spectators,
            "properties": dict(self.options.properties),
            "maker": self.maker_name,
        }

    def snapshot_data(self) -> dict[str, Any]:
        """Return what JOIN_ROOM answers: the room as it stands."""
        members = self.membership.visible
        listed = islice(members, self.application.limits.listed_members)
        away = self.membership.away
        return {
            "roomName": self.name,
            "appName": self.application.name,
            "kind": self.kind,
            "epoch": self.sequence.epoch,
            "capacity": self.capacity,
            "count": len(members),
            "members": list(listed),
            **({"away": away} if away else {}),
            "properties": dict(self.options.properties),
            "maker": self.maker_name,
        }

    def placed_data(self) -> dict[str, Any]:
        """Return `snapshot_data` with the place in the room's sequence among it."""
        return {**self.snapshot_data(), "seq": self.sequence.seq, "sub": self.sequence.sub}

    def snapshot(self, event_type: EventType = EventType.JOIN_ROOM) -> Push:
        """Return `snapshot_data` and the place in the room's sequence, as a frame."""
        return Push(
            event_type,
            self.application.name,
            self.name,
            seq=self.sequence.seq,
            sub=self.sequence.sub,
            body=values.encode(self.snapshot_data()),
        )

    def give_up(self) -> None:
        """End what began with a room whose ``init`` failed: nobody has seen it."""
        self.is_closed = True
        self.timers.end()

    def remove_unless_joined(self) -> None:
        """Close the room if nobody joins it in time: a client made it and went away."""
        if self.options.auto_remove is not AutoRemove.NEVER:
            seconds = self.application.limits.unjoined_room_seconds
            self._unjoined = self.timers.after(seconds, self._remove_if_empty)

    def members_changed(self) -> None:
        """Note that somebody joined or left."""
        if self._unjoined is not None:
            self._unjoined.cancel()
            self._unjoined = None
        self.application.rooms.room_changed(self)

    def remove_if_over(self) -> None:
        """Close the room if it is empty and its auto-remove mode says so."""
        if len(self.membership) or self.is_closed:
            return
        mode = self.options.auto_remove
        is_maker_gone = self.maker is None or not self.maker.is_present
        if mode is AutoRemove.WHEN_EMPTY or (
            mode is AutoRemove.WHEN_EMPTY_AND_MAKER_GONE and is_maker_gone
        ):
            self._remove_if_empty()

    def _remove_if_empty(self) -> None:
        # Who waits for the room now may still join it: look again when it is the turn.
        self.lane.apply(Change(self._seal_remove, self.lane))

    def _seal_remove(self) -> Callable[[], None] | None:
        return None if len(self.membership) else self._seal_close()

    def _seal_update(self, changes: Mapping[str, Any]) -> Callable[[], None] | None:
        if self.is_closed:
            return None
        self.options = self.options.changed(changes)
        push = Push(
            EventType.ROOM_UPDATE,
            self.application.name,
            self.name,
            body=values.encode(self.listing()),
        )
        self.sequence.number_shared(push)
        audience = self.membership.everybody()
        if not self.options.spectators:
            self.membership.unwatch_all()

        def release() -> None:
            deliver(push, audience)
            self.application.rooms.room_changed(self)

        return release

    def _seal_close(self) -> Callable[[], None] | None:
        if self.is_closed:
            return None
        self.is_closed = True
        self.timers.end()
        tell_members = self.membership.take_all()
        handler = self.extension.handlers.get(Event.CLOSE)
        if handler is not None:
            turn = EndingTurn(self.lane, handler.name)
            self.application.turns.cause(turn, partial(handler.function, self.extension))
        tell_application = self.application.rooms.forget(self)

        def release() -> None:
            tell_members()
            tell_application()

        return release

    def _give_up(self) -> None:
        """A handler that ran out of time never ends: close the room without its lane."""
        log.error("room_stuck", **self.lane.labels)
        self.lane.turn_away(RoomNotFound())
        release = self._seal_close()
        if release is not None:
            release()


def receiver_of(only: Who | None) -> str:
    """Return the name of the one user that *only* is, or ``""``."""
    if isinstance(only, User):
        return only.name
    return only if isinstance(only, str) else ""


def names_of(who: Who) -> frozenset[str]:
    """Return the names of *who*."""
    if isinstance(who, str):
        return frozenset((who,))
    if isinstance(who, User):
        return frozenset((who.name,))
    return frozenset(one if isinstance(one, str) else one.name for one in who)
