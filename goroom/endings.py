"""Endings: how a login ends, or loses one of its connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from goroom import values
from goroom.errors import Disconnect, NotInRoom, NotLoggedIn, Refused, RoomNotFound
from goroom.events import Event, LeaveReason
from goroom.messages import EventType, Push
from goroom.sequence import Change
from goroom.turn import EndingTurn, Turn

if TYPE_CHECKING:
    from collections.abc import Callable

    from goroom.application import Application
    from goroom.room import Room
    from goroom.user import Asker, Link, User

log = structlog.get_logger()


class Endings:
    """The ends of the logins to *application*."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def expel(self, user: User, code: int, message: str, reason: LeaveReason) -> None:
        """End *user* and every link of it, telling each with *code* and *message*."""
        user.is_expelled = True
        for link in [*user.links, *user.absent]:
            if reason is LeaveReason.KICKED and link.ticket is not None:
                # A client that is away hears it when it comes back.
                seconds = self._application.limits.resume_seconds or 0.0
                self._application.tickets.bar(link.ticket, message, seconds)
            self.void(link)
            link.connection.put_out(link, code, message)
        await self.end(user, reason)

    async def logout(self, asker: Asker) -> None:
        """
        Serve a LOGOUT: ``on_logout``, the reply, then the end unless other links stay.

        Raises:
            Refused: ``on_logout`` refused.
        """
        link, request = asker.link, asker.request
        user = link.user
        assert user is not None  # noqa: S101 -- the connection's table demands a login
        extension = self._application.extension
        handler = extension.handlers.get(Event.LOGOUT)
        turn = Turn(
            user.lane,
            "on_logout" if handler is None else handler.name,
            connection=link.connection,
            request=request,
        )

        def call() -> object:
            if user.is_ending:
                raise NotLoggedIn
            turn.add(Change(lambda: self._seal_goodbye(asker, EventType.LOGOUT)))
            return None if handler is None else handler.function(extension, user)

        await self._application.turns.run(turn, call)
        await self.detach(user, link, LeaveReason.LOGGED_OUT)

    async def disconnect(self, asker: Asker) -> None:
        """
        Serve a DISCONNECTION of a client: LOGOUT without ``on_logout``.

        Raises:
            Refused: The application's ``on_disconnect`` refused.
        """
        user = asker.link.user
        assert user is not None  # noqa: S101 -- the connection's table demands a login
        if not await self.end(user, LeaveReason.LOGGED_OUT, asker=asker, last=asker.link):
            self._seal_goodbye(asker, EventType.DISCONNECTION)()
            self.unlink(user, asker.link)
            self._application.absences.tell_if_away(user)
        asker.link.user = None

    def _seal_goodbye(self, asker: Asker, event_type: EventType) -> Callable[[], None]:
        user = asker.link.user
        name = "" if user is None else user.name
        data = {"appName": self._application.name, "userName": name}
        push = Push(event_type, self._application.name, body=values.encode(data))

        def release() -> None:
            asker.answer(push)
            # Its rooms are left one by one: what happens there meanwhile is not for it.
            asker.link.has_said_goodbye = True
            if user is not None:
                user.forget_audiences()
            for room in asker.link.watched.values():
                room.membership.forget_audience()

        return release

    async def detach(self, user: User, link: Link, reason: LeaveReason) -> None:
        """Take *link* from *user*, who ends with its last one."""
        if link in user.links and reason is not LeaveReason.DISCONNECTED:
            await self.end(user, reason, last=link)  # on_disconnect may still send to it
        was_here = link in user.links
        self.unlink(user, link)
        if link.user is user:
            link.user = None
        if was_here:
            self._application.absences.tell_if_away(user)
        if not user.links and not user.absent:
            await self.end(user, reason, last=link)

    def unlink(self, user: User, link: Link) -> None:
        """Take *link* from *user*: it hears nothing more and is not resumed."""
        self.void(link)
        user.absent.pop(link, None)
        self._application.absences.forget(link)
        if link in user.links:
            user.links.remove(link)
            user.forget_audiences()
        for room in list(link.watched.values()):
            room.membership.unwatch(link)
        self._application.rooms.unwatch(link)
        if not user.is_resumable:
            self._application.sequence.unfollow(user)
            for room in user.rooms.values():
                room.sequence.unfollow(user)

    def void(self, link: Link) -> None:
        """Let *link* not be resumed any more."""
        if link.ticket is not None:
            self._application.tickets.void(link.ticket)
            link.ticket.give_up()
            link.ticket = None
        if link.grace is not None:
            link.grace.cancel()
            link.grace = None

    async def end(
        self,
        user: User,
        reason: LeaveReason,
        *,
        asker: Asker | None = None,
        last: Link | None = None,
    ) -> bool:
        """
        End *user*: ``on_disconnect``, then each room's, each ``on_leave``, then it is gone.

        Where it is ending already, wait until it is gone.

        Args:
            user: Whose login ends.
            reason: Why.
            asker: The client that asked for it, if one did.
            last: The link with which it ends: if it has others by then, nothing happens.

        Returns:
            Whether it is gone.

        Raises:
            Refused: With an *asker*, the application's ``on_disconnect`` refused.
        """
        extension = self._application.extension
        handler = extension.handlers.get(Event.DISCONNECT)
        turn = EndingTurn(
            user.lane,
            "on_disconnect" if handler is None else handler.name,
            connection=None if asker is None else asker.link.connection,
            request=None if asker is None else asker.request,
        )
        is_ours = has_others = False

        def seal() -> Callable[[], None] | None:
            user.is_ending = True
            return None if asker is None else self._seal_goodbye(asker, EventType.DISCONNECTION)

        def call() -> object:
            nonlocal is_ours, has_others
            if user.is_ending:
                return None
            # Another connection may have logged in while this waited for its turn.
            has_others = last is not None and any(
                link is not last for link in (*user.links, *user.absent)
            )
            if has_others:
                return None
            is_ours = True
            turn.begin(Change(seal), is_refusable=asker is not None)
            return None if handler is None else handler.function(extension, user, reason)

        await self._application.turns.run(turn, call)
        if has_others:
            return False
        if not is_ours:
            await user.gone.wait()
            return True
        for link in [*user.links, *user.absent]:
            self.unlink(user, link)
        while rooms := [*user.rooms.values(), *user.joining]:
            for room in rooms:
                await self._leave(user, room, reason)
        self._application.users.remove(user)
        return True

    async def _leave(self, user: User, room: Room, reason: LeaveReason) -> None:
        extension = room.extension
        handler = extension.handlers.get(Event.DISCONNECT)
        if handler is not None:
            function = handler.function

            def call() -> object:
                return function(extension, user, reason) if user in room.membership else None

            try:
                await self._application.turns.run(Turn(room.lane, handler.name), call)
            except (Refused, Disconnect) as error:
                log.debug("refusal_ignored", handler=handler.name, error=str(error))
        try:
            await room.membership.depart(user, reason, tell_leaver=False)
        except (NotInRoom, RoomNotFound):
            return  # kicked or closed out meanwhile, or it never came in
