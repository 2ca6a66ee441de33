"""UserService: who is logged in to one application, and how a login begins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import structlog

from goroom import names, values
from goroom.double_login import DoubleLogin
from goroom.errors import (
    AlreadyLoggedIn,
    BadRequest,
    NotLoggedIn,
    Refused,
)
from goroom.events import Event, LeaveReason
from goroom.messages import EventType, Push
from goroom.sequence import Change
from goroom.tickets import Ticket
from goroom.turn import LoginTurn, State, check_waiting, perform
from goroom.user import KICKED, Link, User

if TYPE_CHECKING:
    from collections.abc import Callable

    from goroom.application import Application
    from goroom.connection import Connection
    from goroom.messages import Request

log = structlog.get_logger()

REPLACED = 4509
"""Close code for a login that a newer one replaced."""


class UserService(Mapping[str, User]):
    """The users of one application, by name."""

    def __init__(self, application: Application, double_login: str) -> None:
        self._application = application
        self._double_login = DoubleLogin(double_login)
        self._users: dict[str, User] = {}
        self._by_key: dict[str, User] = {}

    def __getitem__(self, name: str) -> User:
        return self._users[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._users)

    def __len__(self) -> int:
        return len(self._users)

    # -- the beginning ---------------------------------------------------------------------

    async def login(
        self,
        connection: Connection,
        name: str,
        credentials: Mapping[str, Any] | None = None,
    ) -> User:
        """
        Log *connection* in as *name*, as a LOGIN of its client would.

        A turn of its own. ``on_login`` runs and may refuse.

        Args:
            connection: One that has entered the application, or is in its ``on_connect``.
            name: The user's name.
            credentials: What ``on_login`` is given.

        Raises:
            Refused: The name is none, ``on_login`` refused, the name is taken.
            RuntimeError: Called from a turn of a user or a room; or the connection is not here.
        """
        link = connection.links.get(self._application.name)
        if link is None:
            raise RuntimeError(f"{connection!r} is not in {self._application.name!r}")
        data = {**(credentials or {}), "username": name}
        return await self.login_link(link, name, data)

    async def login_link(
        self,
        link: Link,
        name: str,
        credentials: Mapping[str, Any],
        request: Request | None = None,
    ) -> User:
        """
        Log *link* in; with a *request*, it is answered. See `login`.

        Raises:
            BadRequest: The client's ``resume`` is neither true nor false.
        """
        resume = False if request is None else _flag(request, "resume")
        name = names.user_name(name, "username", self._application.limits.name_characters)
        async with self._double_login.gate(names.key(name)):
            new = User(self._application, name, self._application.new_id())
            user = self._candidate(new)
            check_waiting(user.lane)
            turn = await self._ask(user, link, credentials, request)
            while turn.is_void or user is not self._candidate(new):
                # The login that this one would have joined ended or went away meanwhile, or one
                # that was away is back.
                turn.state = State.DROPPED
                user = self._candidate(new)
                turn = await self._ask(user, link, credentials, request)
            older = self._by_key.get(names.key(name))
            if older is not None and link.user is None and not link.connection.is_closed:
                await self._end_older(older)
            try:
                self._check_free(user, link)
            except Refused:
                turn.state = State.DROPPED
                raise
            turn.commit(Change(lambda: self._seal_login(user, link, request, resume=resume)))
        log.info("user_logged_in", application=self._application.name, user=user.name)
        return user

    def _candidate(self, new: User) -> User:
        """Return whose login a connection joins, as things stand: somebody's, or *new*."""
        existing = self._by_key.get(names.key(new.name))
        if existing is None or existing.is_going or existing.is_away:
            return new
        return existing if self._double_login.most > 1 else new

    async def _end_older(self, older: User) -> None:
        """End the login that a newer one of its name takes the place of, if it does."""
        endings = self._application.endings
        message = "replaced by a newer login"
        if older.is_away:
            await endings.expel(older, REPLACED, message, LeaveReason.DISCONNECTED)
        elif self._double_login.replaces:
            await endings.expel(older, REPLACED, message, LeaveReason.REPLACED)
        elif len(older.links) + len(older.absent) >= self._double_login.most:
            for link in list(older.absent)[:1]:
                endings.unlink(older, link)

    async def _ask(
        self, user: User, link: Link, credentials: Mapping[str, Any], request: Request | None
    ) -> LoginTurn:
        extension = self._application.extension
        handler = extension.handlers.get(Event.LOGIN)
        turn = LoginTurn(
            user.lane,
            "on_login" if handler is None else handler.name,
            link.connection,
            request,
        )

        def call() -> object:
            if link.connection.is_closed:
                raise NotLoggedIn  # its socket was lost while this waited
            turn.is_void = user.is_ending or user.is_away
            if handler is None or turn.is_void:
                return None
            return handler.function(extension, user, dict(credentials))

        await self._application.turns.run(turn, call)
        return turn

    def _check_free(self, user: User, link: Link) -> None:
        """Refuse what stands against the login now that ``on_login`` has accepted it."""
        holder = self._by_key.get(names.key(user.name))
        if link.user is not None or link.connection.is_closed:
            raise AlreadyLoggedIn
        if link.connection.links.get(self._application.name) is not link:
            raise NotLoggedIn  # it was put out of the application while on_login ran
        if holder is None:
            return
        if holder is not user or user.is_going or len(user.links) >= self._double_login.most:
            raise AlreadyLoggedIn

    def _seal_login(
        self, user: User, link: Link, request: Request | None, *, resume: bool
    ) -> Callable[[], None]:
        application = self._application
        link.user = user
        link.has_said_goodbye = False
        user.links.append(link)
        user.is_present = True
        self._users[user.name] = user
        self._by_key[names.key(user.name)] = user
        user.forget_audiences()
        data: dict[str, Any] = {
            "appName": application.name,
            "userName": user.name,
            "userId": user.id,
            "epoch": application.sequence.epoch,
            "seq": application.sequence.seq,
            **({"sub": application.sequence.sub} if application.sequence.sub else {}),
            "rooms": [room.placed_data() for room in user.rooms.values()],
        }
        if resume and application.limits.resume_seconds is not None:
            link.ticket = Ticket(application.limits)
            data["token"] = application.tickets.issue(link, link.ticket)
            application.sequence.follow(user)
            for room in user.rooms.values():
                room.sequence.follow(user)
        push = Push(EventType.LOGIN, application.name, body=values.encode(data))
        return lambda: link.answer(request, push)

    # -- the end ---------------------------------------------------------------------------

    def kick(self, user: User, message: str = "", *, code: int = KICKED) -> None:
        """End *user*'s login with the current turn; its hooks run after it. See `User.kick`."""
        if not isinstance(message, str):
            raise TypeError(f"a message is text, not {message!r}: kick(message, code=...)")

        def seal() -> Callable[[], None] | None:
            if user.is_expelled or not user.is_present:
                return None
            user.is_expelled = True
            return release

        def release() -> None:
            work = self._application.endings.expel(user, code, message, LeaveReason.KICKED)
            self._application.turns.spawn(work)

        perform(Change(seal))

    def remove(self, user: User) -> None:
        """Forget *user*, whose end is over."""
        user.is_present = False
        if self._users.get(user.name) is user:
            del self._users[user.name]
            del self._by_key[names.key(user.name)]
        self._application.sequence.unfollow(user)
        self._application.forget_audience()
        self._application.rooms.maker_gone(user)
        user.gone.set()
        log.info("user_logged_out", application=self._application.name, user=user.name)


def _flag(request: Request, key: str) -> bool:
    value = request.data.get(key, False)
    if not isinstance(value, bool):
        raise BadRequest(f"{key} must be true or false", field=key)
    return value
