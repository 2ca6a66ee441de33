"""RoomService: the rooms of one application, made by kind, found, listed, ended."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import structlog

from goroom import names
from goroom.errors import (
    Disconnect,
    NotAllowed,
    NotInRoom,
    Refused,
    RoomExists,
    RoomNotFound,
)
from goroom.events import LeaveReason
from goroom.extension import RoomExtension
from goroom.lane import Lane, Level
from goroom.messages import EventType
from goroom.options import OPTION_NAMES, AutoRemove, RoomOptions
from goroom.refusals import unasked_refusal
from goroom.room import Room
from goroom.room_list import RoomList
from goroom.sequence import Change, audience_of, deliver
from goroom.turn import Turn, check_waiting, perform

if TYPE_CHECKING:
    from collections.abc import Callable

    from goroom.application import Application
    from goroom.user import Link, User

log = structlog.get_logger()

DEFAULT_KIND = "room"
"""The kind of rooms where an application registers none: they have no rules of their own."""


MOST_TRIES = 10
"""How often a room that ends at once is made again for one who joins it."""


class RoomService(Mapping[str, Room]):
    """The rooms of one application, by name, oldest first."""

    def __init__(
        self, application: Application, kinds: Mapping[str, type[RoomExtension[Any]]]
    ) -> None:
        self._application = application
        self.kinds = dict(kinds) or {DEFAULT_KIND: RoomExtension}
        """The extension classes by kind: rooms are made by kind, never by class."""
        for extension in self.kinds.values():
            _check_settings(extension)
        self._rooms: dict[str, Room] = {}
        self._keys: set[str] = set()
        self._being_made: dict[str, asyncio.Future[None]] = {}
        self._numbers: dict[str, int] = {}
        self._list = RoomList(application)

    def __getitem__(self, name: str) -> Room:
        return self._rooms[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rooms)

    def __len__(self) -> int:
        return len(self._rooms)

    # -- making ----------------------------------------------------------------------------

    async def create(
        self,
        name: str | None = None,
        kind: str | None = None,
        *,
        maker: User | None = None,
        **options: Any,
    ) -> Room:
        """
        Make a room, and return it once its ``init`` has run and everybody can see it.

        A turn of its own; may be awaited from any handler, for nobody waits in the room yet.

        Args:
            name: Its name; None numbers it: ``table-1``, ``table-2`` ...
            kind: One of the application's kinds; may be left out where there is only one.
            maker: The user who made it, if one did; the room then goes when it is empty.
            options: Fields of `RoomOptions`, over the kind's class attributes.

        Raises:
            RoomExists: There is a room of this name.
            Refused: *name* is no name; the application has its limit of rooms; ``init`` refused.
            TypeError, ValueError: No such kind or option.
        """
        kind = self._known_kind(kind)
        extension = self.kinds[kind]
        chosen = options_of(extension, made_by_client=maker is not None).changed(options)
        if name is None:
            name = self._numbered(kind)
        else:
            limit = self._application.limits.name_characters
            name = names.normalised(name, "roomName", limit)
        key = names.key(name)
        if key in self._keys:
            raise RoomExists
        if len(self._keys) >= self._application.limits.rooms_per_application:
            raise NotAllowed("There are too many rooms", reason="quota")
        self._keys.add(key)
        made = self._being_made[name] = asyncio.get_running_loop().create_future()
        room: Room | None = None
        try:
            room = Room(self._application, name, kind, chosen, extension=extension, maker=maker)
            turn = Turn(room.lane, f"{type(room.extension).__qualname__}.init")

            def call() -> object:
                turn.add(Change(lambda: self._seal_visible(room)))
                return room.extension.init()

            await self._application.turns.run(turn, call)
        except BaseException:
            self._keys.discard(key)
            if room is not None:
                room.give_up()
            raise
        finally:
            del self._being_made[name]
            made.set_result(None)
        if maker is not None:
            room.remove_unless_joined()
        log.info("room_made", application=self._application.name, room=name, kind=kind)
        return room

    def _known_kind(self, kind: str | None) -> str:
        if kind is None and len(self.kinds) == 1:
            return next(iter(self.kinds))
        if kind is None or kind not in self.kinds:
            known = ", ".join(map(repr, self.kinds))
            raise TypeError(f"no kind of room {kind!r} here: add_application() was given {known}")
        return kind

    def _numbered(self, kind: str) -> str:
        while True:
            number = self._numbers[kind] = self._numbers.get(kind, 0) + 1
            if names.key(f"{kind}-{number}") not in self._keys:
                return f"{kind}-{number}"

    def _seal_visible(self, room: Room) -> Callable[[], None]:
        self._rooms[room.name] = room
        return lambda: self._list.add(room)

    async def made(self, name: str) -> None:
        """Wait until the room *name* is made, if that has begun."""
        pending = self._being_made.get(name)
        if pending is not None:
            await asyncio.shield(pending)

    # -- finding ---------------------------------------------------------------------------

    def open_rooms(self, kind: str) -> Iterator[Room]:
        """Return the rooms of *kind* that any client may join now, oldest first."""
        for room in list(self._rooms.values()):
            options = room.options
            is_barred = options.hidden or options.locked or options.password is not None
            if room.kind == kind and not is_barred and len(room.membership) < options.capacity:
                yield room

    def listing(self) -> list[dict[str, Any]]:
        """Return the list of rooms as clients see it: without the hidden ones."""
        return [room.listing() for room in self._rooms.values() if not room.options.hidden]

    # -- moving ----------------------------------------------------------------------------

    async def join(
        self, user: User, room: Room | str, kind: str | None = None, **options: Any
    ) -> Room:
        """
        Make *user* a member of *room*, and return it: see `Room.join`.

        A turn of its own: it has happened when this returns.

        Args:
            user: Who joins.
            room: The room, or its name.
            kind: Makes the room as one of this kind, *user* being its maker, where there is none;
                also where the last member leaves it, and ends it, at this moment.
            options: Fields of `RoomOptions`, for the room that is made.

        Raises:
            RoomNotFound: There is none, and no *kind* to make it of.
            Refused: As `Room.join` and `create`.
            RuntimeError: Called from a turn of a room: use `User.move_to`.
            TypeError, ValueError: No such kind or option, or options without a kind.
        """
        self._check_making(kind, options)
        name = room if isinstance(room, str) else room.name
        labels = {"application": self._application.name, "room": name}
        check_waiting(Lane(Level.ROOM, self, labels, self._application.limits))
        tries = MOST_TRIES
        while True:
            await self.made(name)
            target = self._rooms.get(name)
            try:
                if target is None:
                    if kind is None:
                        raise RoomNotFound  # noqa: TRY301 -- as when it closes meanwhile
                    target = await self.create(name, kind, maker=user, **options)
                await target.membership.enter(user)
            except RoomExists:
                if name not in self._rooms and name not in self._being_made:
                    raise  # one whose name people would take for this
            except RoomNotFound:
                tries -= 1
                if kind is None or not tries:
                    raise
            else:
                return target

    def _check_making(self, kind: str | None, options: Mapping[str, Any]) -> None:
        if kind is not None:
            extension = self.kinds[self._known_kind(kind)]
            options_of(extension, made_by_client=True).changed(options)
        elif options:
            raise TypeError(f"say the kind of room to make with {min(options)!r}: kind=")

    def move(
        self,
        user: User,
        room: Room | str,
        leaving: Room | str | None,
        kind: str | None,
        options: Mapping[str, Any],
    ) -> None:
        """See `User.move_to`."""
        self._check_making(kind, options)

        def release() -> None:
            move = self._application.turns.spawn(self._move(user, room, leaving, kind, options))
            user.note_move(move)

        perform(Change(lambda: release))

    async def _move(
        self,
        user: User,
        room: Room | str,
        leaving: Room | str | None,
        kind: str | None,
        options: Mapping[str, Any],
    ) -> None:
        name = room if isinstance(room, str) else room.name
        try:
            await self.join(user, name, kind, **options)
        except Disconnect as error:
            self._application.users.kick(user, error.message, code=error.code)
            return
        except Refused as error:
            log.warning(
                "move_refused",
                application=self._application.name,
                room=name,
                user=user.name,
                error=str(error) or type(error).__name__,
            )
            push = unasked_refusal(EventType.JOIN_ROOM, error, self._application.name, name)
            push.receiver = user.name
            deliver(push, audience_of(user.links))
            return
        await self._leave_behind(user, leaving)

    async def _leave_behind(self, user: User, leaving: Room | str | None) -> None:
        old = self._rooms.get(leaving) if isinstance(leaving, str) else leaving
        if old is None or user not in old.membership:
            return
        try:
            await old.membership.depart(user, LeaveReason.MOVED)
        except (NotInRoom, RoomNotFound):
            return  # kicked or closed out meanwhile

    # -- changes ---------------------------------------------------------------------------

    def forget(self, room: Room) -> Callable[[], None]:
        """Take a closing room out; return what announces it."""
        self._keys.discard(names.key(room.name))
        if self._rooms.get(room.name) is not room:
            return lambda: None
        del self._rooms[room.name]
        log.info("room_closed", application=self._application.name, room=room.name)
        return lambda: self._list.remove(room)

    def room_changed(self, room: Room) -> None:
        """Tell those who watch the list that *room* has other members or options."""
        if self._rooms.get(room.name) is room:
            self._list.update(room)

    def maker_gone(self, user: User) -> None:
        """Close the empty rooms that were kept for *user* alone."""
        for room in list(self._rooms.values()):
            if room.maker is user:
                room.remove_if_over()

    def watch(self, link: Link) -> None:
        """Tell *link* of every change to the list of rooms from now on."""
        self._list.watch(link)

    def unwatch(self, link: Link) -> None:
        """Tell *link* no more."""
        self._list.unwatch(link)


def _check_settings(extension: type[RoomExtension[Any]]) -> None:
    """Refuse, before anybody plays, what every making of such a room would stumble over."""
    unknown = set(extension.client_options) - OPTION_NAMES
    if unknown:
        raise TypeError(
            f"{extension.__name__}.client_options names {min(unknown)!r}: see goroom.RoomOptions"
        )
    options_of(extension, made_by_client=False)


def options_of(extension: type[RoomExtension[Any]], *, made_by_client: bool) -> RoomOptions:
    """Return the options of a kind, as its class attributes say."""
    default = AutoRemove.WHEN_EMPTY if made_by_client else AutoRemove.NEVER
    return RoomOptions(
        capacity=extension.max_users,
        password=extension.password,
        hidden=extension.hidden,
        locked=extension.locked,
        spectators=extension.spectators,
        auto_remove=default if extension.auto_remove is None else extension.auto_remove,
        announce_members=extension.announce_members,
    )
