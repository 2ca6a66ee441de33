"""Broadcaster: the application whose clients are logged in and seated as they connect."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from types import MappingProxyType
from typing import ClassVar

from goroom import (
    ApplicationExtension,
    Connection,
    Request,
    RoomNotFound,
    UnknownAction,
    User,
)
from goroom_extensions.broadcaster.dialect import BroadcasterDialect
from goroom_extensions.broadcaster.room import BroadcastRoom


class Broadcaster(ApplicationExtension):
    """
    The application around broadcast rooms.

    ::

        server.add_application("echo", Broadcaster, rooms={"broadcaster": Echo})
        server.add_endpoint("/", "echo", BroadcasterDialect)

    A connection at an endpoint of a `BroadcasterDialect` is logged in under an id of its own and
    joins the room of that dialect, before its first message is read. Connections of other dialects
    are left alone: whoever logs in by itself may join the same rooms.

    Messages for a `BroadcastRoom` are handled here, in the lane of the client that sent them. A
    subclass with an ``init``, ``on_connect`` or ``on_message`` of its own calls these.
    """

    opens: ClassVar[Mapping[str, str]] = MappingProxyType({"broadcaster": "broadcaster"})
    """The rooms that are there from the start: their kinds by name."""

    async def init(self) -> None:
        """Open the rooms that are there from the start."""
        if (waiting := super().init()) is not None:
            await waiting
        for name, kind in self.opens.items():
            await self.application.rooms.create(name, kind=kind)

    async def on_connect(self, connection: Connection) -> None:
        """
        Log *connection* in and seat it, if it speaks a `BroadcasterDialect`.

        Raises:
            RoomNotFound: Its dialect's room is not there, or done.
            RoomFull: It is full.
        """
        dialect = connection.dialect
        if not isinstance(dialect, BroadcasterDialect):
            if (waiting := super().on_connect(connection)) is not None:
                await waiting
            return
        room = self.application.rooms.get(dialect.room)
        if room is None:
            raise RoomNotFound
        user = await self.application.users.login(connection, client_id(self.application.random))
        await room.join(user)

    def on_message(self, user: User, request: Request) -> object:
        """
        Have the `BroadcastRoom` that *request* names handle it.

        Raises:
            UnknownAction: It names none, or nothing there handles it.
        """
        room = user.rooms.get(request.room_name)
        extension = None if room is None else room.extension
        if isinstance(extension, BroadcastRoom):
            return extension.take(user, request)
        if not request.action and request.id is None:
            return None  # asks for nothing and waits for nothing
        raise UnknownAction


def client_id(random: Random) -> str:
    """Return 16 random bytes as 8-4-4-4-12 hexadecimal digits: no UUID, as the seed has it."""
    digits = random.randbytes(16).hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
