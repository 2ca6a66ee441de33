"""Ledger: who is connected and which rooms there are, turned into events of the triggers."""

from __future__ import annotations

import asyncio
from contextvars import Context
from typing import TYPE_CHECKING

import attrs

from goroom import NotAllowed
from goroom_extensions.mesh.triggers import MeshEvent, Trigger, Triggers

if TYPE_CHECKING:
    from goroom import Room, User


@attrs.define(eq=False)
class _Client:
    """What has been told of one client."""

    stays: int = 0
    """Joins that were told without their leave."""
    has_ended: bool = False
    """Whether its login is over, which is told when no leave is owed."""


@attrs.define(eq=False)
class _Room:
    """What has been told of one room."""

    room: Room
    stays: dict[User, int] = attrs.field(factory=dict)
    """Joins of each client that were told without their leave."""
    count: int = 0
    """Sum of these."""
    has_ended: bool = False
    """Whether its hooks are done, so that it is told to be deleted when no leave is owed."""


class Ledger:
    """
    Fires each trigger once, in an order that makes sense to whoever listens.

    A client connects, joins and leaves rooms, disconnects; a room is created, joined, left,
    deleted, and only then created again. A client has connected when it has joined its first room,
    whatever its dialect.

    Args:
        triggers: What is fired.
        rooms_per_client: Most rooms that one client may have made and that are still there.
    """

    def __init__(self, triggers: Triggers, rooms_per_client: int) -> None:
        self._triggers = triggers
        self._rooms_per_client = rooms_per_client
        self._clients: dict[User, _Client] = {}
        self._rooms: dict[str, _Room] = {}
        self._endings: dict[User, asyncio.Task[None]] = {}

    def check_maker(self, maker: User | None) -> None:
        """
        Check that *maker* may make one more room; the server may make any number.

        Raises:
            NotAllowed: It has made its share.
        """
        if maker is None:
            return
        rooms = (account.room for account in self._rooms.values())
        made = sum(room.maker is maker and not room.is_closed for room in rooms)
        if made >= self._rooms_per_client:
            raise NotAllowed(f"You have made {made} rooms already", reason="quota")

    def note_created(self, room: Room) -> None:
        """Everybody can see *room*; may be noted again."""
        account = self._rooms.get(room.name)
        if account is not None and account.room is not room:
            # Its name was free, so it is over, though some of its hooks are still to run.
            for user, stays in list(account.stays.items()):
                for _ in range(stays):
                    self.note_left(account.room, user)
            self.note_closed(account.room)
            account = None
        if account is None:
            self._rooms[room.name] = _Room(room)
            self._triggers.fire(MeshEvent(Trigger.ROOM_CREATED, room.name))

    def note_joined(self, room: Room, user: User) -> None:
        """*user* is a member of *room*."""
        self.note_created(room)
        client = self._clients.get(user)
        if client is None:
            client = self._clients[user] = _Client()
            self._triggers.fire(MeshEvent(Trigger.CLIENT_CONNECTED, client=user.name))
        account = self._rooms[room.name]
        account.stays[user] = account.stays.get(user, 0) + 1
        account.count += 1
        client.stays += 1
        self._fire_of(Trigger.CLIENT_JOINED, account, user)

    def note_left(self, room: Room, user: User) -> None:
        """*user* is a member of *room* no more; may be noted again."""
        account = self._rooms.get(room.name)
        if account is None or account.room is not room or user not in account.stays:
            return
        account.stays[user] -= 1
        if not account.stays[user]:
            del account.stays[user]
        account.count -= 1
        self._clients[user].stays -= 1
        self._fire_of(Trigger.CLIENT_LEFT, account, user)
        self._end_room(account)
        self._end_client(user)

    def note_closed(self, room: Room) -> None:
        """*room* has ended; some of its leaves may still be owed."""
        account = self._rooms.get(room.name)
        if account is not None and account.room is room:
            account.has_ended = True
            self._end_room(account)

    def note_ending(self, user: User) -> None:
        """*user*'s login ends, unless that is refused."""
        if user not in self._endings:
            loop = asyncio.get_running_loop()
            self._endings[user] = loop.create_task(self._note_end(user), context=Context())

    async def _note_end(self, user: User) -> None:
        await user.gone.wait()
        del self._endings[user]
        if user in self._clients:
            self._clients[user].has_ended = True
            self._end_client(user)

    def _end_room(self, account: _Room) -> None:
        if account.has_ended and not account.stays:
            del self._rooms[account.room.name]
            self._triggers.fire(MeshEvent(Trigger.ROOM_DELETED, account.room.name))

    def _end_client(self, user: User) -> None:
        client = self._clients[user]
        if client.has_ended and not client.stays:
            del self._clients[user]
            self._triggers.fire(MeshEvent(Trigger.CLIENT_DISCONNECTED, client=user.name))

    def _fire_of(self, trigger: Trigger, account: _Room, user: User) -> None:
        self._triggers.fire(MeshEvent(trigger, account.room.name, user.name, account.count))
