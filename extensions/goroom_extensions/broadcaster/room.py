"""BroadcastRoom: the clients of a broadcaster, the handlers of their messages and events."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from inspect import isawaitable
from types import MappingProxyType
from typing import Any, ClassVar

import structlog

from goroom import LeaveReason, Request, Room, RoomExtension, UnknownAction, User
from goroom_extensions.broadcaster.dialect import (
    CAST_FOR,
    CAST_TYPE,
    CLIENT_ADDED,
    CLIENT_DELETED,
    EVENT_ACTIONS,
    BroadcasterDialect,
)
from goroom_extensions.broadcaster.numbered import collected
from goroom_extensions.broadcaster.responses import Cast, Message, Response, responses_of

log = structlog.get_logger()

Returned = Response | Iterable[Response] | None
"""What a handler returns: one Response, several, or none."""

NORMAL_CLOSURE = 1000
"""Close code of clients whose broadcaster is done, as the seed has it (RFC 6455 section 7.4.1)."""

_EVENT_NAMES = {number: action for action, number in EVENT_ACTIONS.items()}


class BroadcastRoom(RoomExtension):
    """
    The room of a broadcaster: what a client sends to a number goes to the method marked with it.

    ::

        class Echo(BroadcastRoom):
            @handles_id(1)
            def echo(self, user: User, message: Message) -> Response:
                return Response(message.body)

    Handlers may be ``async def``. Messages of one client are handled one at a time, in order;
    handlers of different clients interleave where they await, so that a slow one delays nobody
    else. All members hear all Responses in one order: that in which their handlers returned. Where
    a handler raises, that is logged and nothing of it is sent; an unknown number is logged.

    Members of other tongues take part: they send the action that the dialect has for a number
    (``"1"``), and get Responses as messages of that name, with the client as sender.

    The application must be a `Broadcaster`. A subclass with an ``on_join`` or ``on_leave`` of its
    own calls these.
    """

    max_users = 1000

    dialect: ClassVar[type[BroadcasterDialect]] = BroadcasterDialect
    """How numbers and bodies look to members of other tongues."""
    message_handlers: ClassVar[Mapping[int, Callable[..., Any]]] = MappingProxyType({})
    """The methods by the numbers they handle; made with the class."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.message_handlers = collected(cls)

    def __init__(self, room: Room) -> None:
        super().__init__(room)
        self._words = self.dialect(room.application.name)

    # -- what authors define ---------------------------------------------------------------

    def on_client_added(self, user: User) -> Returned | Awaitable[Returned]:  # noqa: ARG002 -- for authors
        """
        Return what is sent when *user* has joined; it hears it, too.

        Runs while the room waits: do nothing slow here. What it raises is logged, nothing is sent,
        and *user* is in all the same.
        """
        return None

    def on_client_deleted(self, user: User) -> Returned | Awaitable[Returned]:  # noqa: ARG002 -- for authors
        """Return what is sent when *user* has left, to those who are still there; else as above."""
        return None

    # -- what authors call -----------------------------------------------------------------

    def cast(self, response: Response, *, sender: User | None = None, handler_id: int = 0) -> None:
        """
        Send *response* to whom it is for, as part of the current turn. Never waits.

        May be called from anywhere. Handlers return their Responses instead.

        Args:
            response: What to send. `Cast.SELF` without a sender is for nobody.
            sender: Who is shown as its sender.
            handler_id: The number that is shown.
        """
        self._send(self._words.to_action(handler_id), response, handler_id, sender)

    def done(self) -> None:
        """
        Stop: the room closes, and the connections of all clients of the seed's tongue, with 1000.

        Takes effect with the current turn. Members of other tongues are told that the room is
        closed and stay logged in. Who connects after that is refused. A second call does nothing.
        """
        clients = [user for user in self.room.members.values() if _is_client(user)]
        self.room.close()
        for user in clients:
            user.kick("the broadcaster is done", code=NORMAL_CLOSURE)

    # -- what goroom calls -----------------------------------------------------------------

    def take(self, user: User, request: Request) -> Awaitable[None] | None:
        """
        Handle a message of *user*, a member, in the turn of its own that is running.

        Raises:
            UnknownAction: There is no handler of this number.
            BadRequest: The body cannot be read.
        """
        handler_id = self._words.to_handler_id(request.action)
        handler = None if handler_id is None else self.message_handlers.get(handler_id)
        if handler is None or handler_id is None:
            raise UnknownAction(f"there is no handler {request.action!r}")
        message = Message(handler_id, self._words.to_body(request.action, request.data))
        returned = handler(self, user, message)
        if isawaitable(returned):
            return self._cast_later(returned, user, handler_id)
        self._cast_all(returned, user, handler_id)
        return None

    async def on_join(self, user: User) -> None:
        """Tell what `on_client_added` returns."""
        await self._tell(CLIENT_ADDED, self.on_client_added, user)

    async def on_leave(self, user: User, reason: LeaveReason) -> None:  # noqa: ARG002 -- the same for all
        """Tell what `on_client_deleted` returns."""
        await self._tell(CLIENT_DELETED, self.on_client_deleted, user)

    async def _tell(self, event: int, handler: Callable[[User], object], user: User) -> None:
        try:
            returned = handler(user)
            if isawaitable(returned):
                returned = await returned
            responses = responses_of(returned)
        except Exception:  # border: who joins must not be turned away for a handler that fails
            log.exception(
                "handler_failed",
                handler=handler.__qualname__,
                application=self.application.name,
                room=self.room.name,
            )
            return
        for response in responses:
            self._send(_EVENT_NAMES[event], response, 0, user)

    async def _cast_later(self, returned: Awaitable[object], user: User, handler_id: int) -> None:
        self._cast_all(await returned, user, handler_id)

    def _cast_all(self, returned: object, user: User, handler_id: int) -> None:
        for response in responses_of(returned):
            self.cast(response, sender=user, handler_id=handler_id)

    def _send(self, action: str, response: Response, handler_id: int, sender: User | None) -> None:
        data = self._words.to_data(handler_id, response.body)
        if response.cast != Cast.ALL or response.cast_for is not None:
            data = {**data, CAST_TYPE: response.cast, CAST_FOR: response.cast_for}
        broadcast = self.room.broadcast
        if response.cast == Cast.SELF:
            broadcast(action, data, only=sender or (), sender=sender)
        elif response.cast == Cast.EXCLUSIVE:
            broadcast(action, data, only=response.cast_for or (), sender=sender)
        elif response.cast == Cast.OTHERS:
            broadcast(action, data, skip=sender or (), sender=sender)
        else:
            broadcast(action, data, sender=sender)


def _is_client(user: User) -> bool:
    return any(isinstance(link.connection.dialect, BroadcasterDialect) for link in user.links)
