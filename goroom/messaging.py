"""Messaging: a MESSAGE on its way to the handler that takes it, and its reply."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goroom import values
from goroom.errors import (
    Disconnect,
    NotInRoom,
    NotLoggedIn,
    Refused,
    RoomNotFound,
    TimedOut,
    UnknownAction,
)
from goroom.events import Event
from goroom.messages import EventType, Push
from goroom.turn import Turn

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from goroom.application import Application
    from goroom.extension import Extension
    from goroom.handlers import Handler
    from goroom.lane import Lane
    from goroom.messages import Request
    from goroom.room import Room
    from goroom.user import Link, User


class MessageTurn(Turn):
    """
    The handling of one MESSAGE; it answers with its commit.

    Args:
        lane: The room's or the user's.
        link: Where it came from.
        request: The message.
        user: Who says it.
        room: Where, if in one.
        extension: Whose handler it is.
        handler: What handles it.
        takes_request: Whether that is an ``on_message``.
    """

    __slots__ = ("_extension", "_handler", "_link", "_room", "_takes_request", "_user")

    def __init__(
        self,
        lane: Lane,
        link: Link,
        request: Request,
        *,
        user: User,
        room: Room | None,
        extension: Extension,
        handler: Handler,
        takes_request: bool,
    ) -> None:
        super().__init__(lane, handler.name, link.connection, request)
        self._link = link
        self._user = user
        self._room = room
        self._extension = extension
        self._handler = handler
        self._takes_request = takes_request

    def call(self) -> object:
        user, request, room = self._user, self.request, self._room
        assert request is not None  # noqa: S101 -- made with one
        if user.is_ending:
            raise NotLoggedIn
        if room is not None and user.rooms.get(room.name) is not room:
            raise RoomNotFound if room.is_closed else NotInRoom
        handler = self._handler
        if self._takes_request:
            return handler.function(self._extension, user, request)
        if handler.decode is None:
            _ = request.data  # refused if it cannot be read, although nobody will
            return handler.function(self._extension, user)
        return handler.function(self._extension, user, handler.decode(request.body))

    def succeed(self, result: object) -> None:
        request = self.request
        assert request is not None  # noqa: S101 -- made with one
        if result is None:
            super().succeed(None)
            if request.id is not None:
                self._reply(request, values.EMPTY)
        else:
            body = values.encode(result)
            super().succeed(None)
            self._reply(request, body)

    def _reply(self, request: Request, body: bytes) -> None:
        link = self._link
        link.answer(
            request,
            Push(
                EventType.MESSAGE,
                link.application.name,
                request.room_name,
                request.action,
                id=request.id,
                body=body,
                receiver=self._user.name,
            ),
        )

    def fail(self, error: BaseException) -> None:
        super().fail(error)
        if isinstance(self.error, Refused) and not isinstance(self.error, TimedOut):
            self._refuse(self.error)

    def cancel(self) -> None:
        super().cancel()
        self._link.retract(self.request)

    def expire(self) -> None:
        super().expire()
        self._refuse(TimedOut())

    def _refuse(self, error: Refused) -> None:
        assert self.request is not None  # noqa: S101 -- made with one
        self._link.refuse(self.request, error)


def serve_message(link: Link, request: Request, user: User) -> Awaitable[None] | None:
    """
    Handle a MESSAGE of *user*: now if its room or user is idle, else in order.

    Returns:
        None if it has been handled, else something to await before the next message is read.
    """
    application = link.application
    room: Room | None = None
    try:
        if request.room_name:
            room = user.rooms.get(request.room_name)
            if room is None:
                known = request.room_name in application.rooms
                raise NotInRoom if known else RoomNotFound
        found = handler_of(request.action, room, application)
    except Refused as error:
        link.refuse(request, error)
        return None
    if found is None:
        if request.action or request.id is not None:
            link.refuse(request, UnknownAction())
        return None
    extension, handler, takes_request = found
    turn = MessageTurn(
        room.lane if room is not None and extension is room.extension else user.lane,
        link,
        request,
        user=user,
        room=room,
        extension=extension,
        handler=handler,
        takes_request=takes_request,
    )
    turns = application.turns
    call = turns.in_thread(turn.call) if handler.blocking else turn.call
    waiting = turns.handle(turn, call)
    if waiting is None and not isinstance(turn.error, Disconnect):
        return None
    return _finish(link, turn, waiting)


async def _finish(link: Link, turn: Turn, waiting: Awaitable[None] | None) -> None:
    if waiting is not None:
        await waiting
    if isinstance(turn.error, Disconnect):
        await link.connection.expel(link, turn.error.code, turn.error.message)


def handler_of(
    action: str, room: Room | None, application: Application
) -> tuple[Extension, Handler, bool] | None:
    """Return who handles *action*: the room's handler, its on_message, then the application's."""
    owners = (application,) if room is None else (room, application)
    for owner in owners:
        extension: Extension = owner.extension
        handlers = extension.handlers
        handler = handlers.get(action)
        if handler is not None:
            return extension, handler, False
        handler = handlers.get(Event.MESSAGE)
        if handler is not None:
            return extension, handler, True
    return None
