"""User: a name logged in to one application; Link: what one connection is in it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol

import attrs
import msgspec

from goroom import values
from goroom.errors import Refused, Stopping
from goroom.lane import Lane, Level
from goroom.refusals import refusal
from goroom.turn import current

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goroom.application import Application
    from goroom.connection import Connection
    from goroom.messages import Push, Request
    from goroom.room import Room
    from goroom.tickets import Ticket
    from goroom.timers import Timer


KICKED = 4500
"""Close code for a login that the server ended; the client should not come back by itself."""


class Addresser(Protocol):
    """What can send an event to one user in a sequence of its own: a room, an application."""

    def send_to(self, user: User, action: str, body: bytes, sender: str = "") -> None: ...


@attrs.define(eq=False)
class Link:
    """
    What one connection is in one application: entered, perhaps logged in as a user.

    With a ticket it outlives its connection for the grace time, and goes on with another one.
    """

    connection: Connection
    application: Application
    user: User | None = None
    has_said_goodbye: bool = False
    """Whether its LOGOUT was answered: it hears nothing more of this login."""
    is_absent: bool = False
    """Whether its connection is lost: it hears nothing until it is resumed."""
    ticket: Ticket | None = None
    """What its login may come back with, where its client asked for that."""
    grace: Timer | None = None
    """Ends its grace time while it is absent."""
    absent_until: float = 0.0
    """When that is, by `loop.time()`."""
    watched: dict[str, Room] = attrs.field(factory=dict)
    """The rooms it watches as a spectator, by name."""

    def answer(self, request: Request | None, push: Push) -> None:
        """
        Send *push* as the answer to *request*, or unasked where there is none.

        Where the request may be sent again, the answer is kept for that, also if nobody hears it.
        """
        if request is not None and request.id is not None:
            if push.id is None:
                push = msgspec.structs.replace(push, id=request.id)
            if self.ticket is not None:
                self.ticket.end(push)
        self.connection.send(push)

    def retract(self, request: Request | None) -> None:
        """Note that *request* was given up without effect: sent again, it is handled."""
        if request is not None and self.ticket is not None:
            self.ticket.retract(request)

    def refuse(self, request: Request, error: Refused) -> None:
        """Answer *request* with *error*."""
        if isinstance(error, Stopping):
            return
        receiver = "" if self.user is None else self.user.name
        push = refusal(request, error, self.application.name, receiver=receiver)
        self.answer(request, push)
        self.connection.note_refusal(push)


@attrs.frozen(eq=False)
class Asker:
    """The link and the request of a client that asks for something of its user."""

    link: Link
    request: Request

    def answer(self, push: Push) -> None:
        """Send *push* as the answer."""
        self.link.answer(self.request, push)


class User:
    """
    A name logged in to one application.

    It has one or more connections (as the application's ``double_login`` allows) and the rooms
    it has joined. Where its client can resume, it stays for a grace time without any. A user
    object is good until its login ends; the next login is another one.

    Args:
        application: Where it is logged in.
        name: As the client gave it, normalised.
        id: Unique and random.
    """

    __slots__ = (
        "_gone",
        "_rooms",
        "absent",
        "application",
        "data",
        "id",
        "is_ending",
        "is_expelled",
        "is_present",
        "joining",
        "lane",
        "links",
        "moves",
        "name",
        "rooms",
    )

    def __init__(self, application: Application, name: str, id: str) -> None:  # noqa: A002
        self.application = application
        self.name = name
        self.id = id
        self.data: dict[str, Any] = {}
        """Free for the author: what it holds is never sent. Gone with the login."""
        self.links: list[Link] = []
        """Its connections in this application, oldest first. Read-only for authors."""
        self.absent: dict[Link, None] = {}
        """What waits, within its grace time, to be resumed."""
        self.lane = Lane(
            Level.USER, None, {"application": application.name, "user": name}, application.limits
        )
        self.is_present = False
        """Whether it is logged in: not yet in ``on_login``, no more after ``on_disconnect``."""
        self.is_expelled = False
        """Whether the server has decided to put it out."""
        self.is_ending = False
        """Whether its end has begun: it joins nothing more."""
        self._rooms: dict[str, Room] = {}
        self.rooms: Mapping[str, Room] = self._rooms
        """The rooms it has joined, by name, oldest first."""
        self.joining: dict[Room, None] = {}
        """Rooms whose ``on_join`` is running for it."""
        self.moves: set[asyncio.Task[None]] | None = None
        """What `move_to` has begun and not finished."""
        self._gone: asyncio.Event | None = None

    def __repr__(self) -> str:
        return f"<User {self.name!r} of {self.application.name!r}>"

    @property
    def gone(self) -> asyncio.Event:
        """Set when its login has ended."""
        if self._gone is None:
            self._gone = asyncio.Event()  # few are waited for, and each is 0.4 KiB
        return self._gone

    def note_move(self, move: asyncio.Task[None]) -> None:
        """Have what its clients say next wait for *move*."""
        if self.moves is None:
            self.moves = set()
        self.moves.add(move)
        move.add_done_callback(self.moves.discard)

    @property
    def is_going(self) -> bool:
        """Whether its end has begun or is decided: no connection logs in to it any more."""
        return self.is_ending or self.is_expelled

    @property
    def is_away(self) -> bool:
        """Whether its last connection is lost and it may still resume: its seats are kept."""
        return not self.links and bool(self.absent)

    def seconds_left(self) -> float:
        """Return how long it stays, if it is away and does not come back."""
        until = max((link.absent_until for link in self.absent), default=0.0)
        return max(until - asyncio.get_running_loop().time(), 0.0)

    @property
    def is_resumable(self) -> bool:
        """Whether a client of it may come back and ask for what it has missed."""
        return bool(self.absent) or any(link.ticket is not None for link in self.links)

    def send(self, action: str, data: object = None, *, sender: User | str | None = None) -> None:
        """
        Send *action* to this user, on all its connections.

        Part of the current turn where there is one; in a room's turn, and if the user is a member,
        it belongs to the room's sequence, else to the application's. Never waits. At most once: a
        connection that does not read is closed. Who is away gets it on resuming.

        Args:
            action: Name that the client sees.
            data: JSON value or attrs instance, encoded before this returns.
            sender: Shown to the client as ``sender``: a user, or any text of yours.

        Raises:
            PayloadError: *data* cannot be sent; nothing was.
        """
        body = values.encode(data)
        turn = current()
        owner: object = None if turn is None else turn.lane.owner
        addresser: Addresser = self.application
        if turn is not None and turn.lane.level is Level.ROOM:
            addresser = owner  # type: ignore[assignment]  # the owner of a room's lane is a Room
        addresser.send_to(self, action, body, sender_of(sender))

    def move_to(
        self,
        room: Room | str,
        leaving: Room | str | None = None,
        *,
        kind: str | None = None,
        **options: Any,
    ) -> None:
        """
        Join *room* once the current turn has committed, and leave *leaving* on success.

        A refusal is told to the user and logged. Never waits, so it may be called from anywhere.
        What this user's clients say next is handled when the move is over.

        Args:
            room: Where to.
            leaving: The room to leave.
            kind: Makes *room* as one of this kind, the user being its maker, where there is none.
            options: Fields of `RoomOptions`, for the room that is made.

        Raises:
            TypeError, ValueError: No such kind or option, or options without a kind.
        """
        self.application.rooms.move(self, room, leaving, kind, options)

    def kick(self, message: str = "", *, code: int = KICKED) -> None:
        """
        End this login: all rooms are left and all its connections here end, with *code*.

        Takes effect with the current turn; the hooks run after it.

        Args:
            message: Shown to the client as the reason.
            code: Close code of connections that are in no other application; the client of one of
                4000-4499 may come back by itself.

        Raises:
            TypeError: *message* is no text.
        """
        self.application.users.kick(self, message, code=code)

    def forget_audiences(self) -> None:
        """Note that it has other connections, or that one of them hears nothing more."""
        self.application.forget_audience()
        for room in self._rooms.values():
            room.membership.forget_audience()

    def note_joined(self, room: Room) -> None:
        """Keep the ledger: *room* has this member now."""
        self._rooms[room.name] = room

    def note_left(self, room: Room) -> None:
        """Keep the ledger: *room* has this member no more."""
        if self._rooms.get(room.name) is room:
            del self._rooms[room.name]


def sender_of(sender: User | str | None) -> str:
    """Return the name that clients see as the sender, or ``""``."""
    if isinstance(sender, User):
        return sender.name
    return sender or ""
