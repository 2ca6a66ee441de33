"""
The accounts behind ``/api/v1``: register, log in, ask whether a token is good.

The game itself asks for none. What is kept, hashed and signed is the mirror's: this module only
speaks JSON. Its passwords are never kept as they are, tries are throttled, and an unknown address
is answered as a wrong password is.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus
from pathlib import Path
from typing import TypeVar

import attrs
import msgspec
from aiohttp import web
from goroom_extensions.mirror import Passwords, Store, StoreFailed, Throttle, Tokens
from goroom_extensions.mirror.passwords import PasswordsBusy
from goroom_extensions.mirror.throttle import address_key

from goroom import BadRequest, name_key, user_name

ABOUT = [{"description": "Words battle"}, {"description": "A game of last and first letters"}]
WRONG = "Email address or password are not correct"
"""Said of an unknown address and of a wrong password alike."""

ACCOUNT_TRIES, ACCOUNT_SECONDS = 5, 60
"""Wrong passwords for one account, and the time in which they are counted."""
ADDRESS_TRIES, ADDRESS_SECONDS = 10, 600
"""Wrong passwords from one network address."""
NEW_ACCOUNTS, NEW_SECONDS = 100, 600
"""Accounts that one network address may make."""

NAME_CHARACTERS = 64
"""Of a name, and of an email address."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
T = TypeVar("T")


@attrs.frozen
class NewAccount:
    """What ``/api/v1/register`` takes."""

    username: str
    email: str
    password: str
    confirm_password: str | None = None


@attrs.frozen
class LogIn:
    """What ``/api/v1/login`` takes."""

    email: str
    password: str


class Accounts:
    """
    The accounts of one server, an email address each.

    Args:
        folder: Keeps the database and the keys that sign tokens.
        passwords: How passwords are hashed; closed with the accounts.
    """

    def __init__(self, folder: Path, passwords: Passwords | None = None) -> None:
        self.store = Store(f"sqlite:///{folder / 'accounts.sqlite'}")
        self.tokens = Tokens(folder / "keys")
        self.passwords = passwords or Passwords()
        self._by_account = Throttle(ACCOUNT_TRIES, ACCOUNT_SECONDS)
        self._by_address = Throttle(ADDRESS_TRIES, ADDRESS_SECONDS)
        self._new = Throttle(NEW_ACCOUNTS, NEW_SECONDS)

    def add_to(self, app: web.Application) -> None:
        """Add the routes to *app*; the database is open while it runs."""
        app.cleanup_ctx.append(self._open)
        app.router.add_get("/api/v1/home", self.home)
        app.router.add_post("/api/v1/register", answering(self.register))
        app.router.add_post("/api/v1/login", answering(self.log_in))
        app.router.add_get("/api/v1/isauthorized", answering(self.is_authorized))

    async def _open(self, _: web.Application) -> AsyncIterator[None]:
        async with self.store:
            yield
        self.passwords.close()

    async def home(self, _: web.Request) -> web.Response:
        """Say what this is."""
        return web.json_response(ABOUT)

    async def register(self, request: web.Request) -> web.Response:
        """Make an account: 201, or 412 where the address has one."""
        wish = decoded(await request.read(), NewAccount)
        address = address_key(request.remote or "")
        if not self._new.is_open(address):
            return too_many(self._new.seconds_left(address))
        if wish.confirm_password not in {None, wish.password}:
            raise BadRequest("The passwords differ", field="confirm_password")
        name = user_name(wish.username, "username", NAME_CHARACTERS)
        email = user_name(wish.email, "email", NAME_CHARACTERS)
        self._new.note(address)
        account = await self.store.add(email, await self.passwords.hash(wish.password))
        if account is None:
            return said("This email address has an account", HTTPStatus.PRECONDITION_FAILED)
        made = {"username": name, "userslug": account.id}
        return web.json_response(made, status=HTTPStatus.CREATED)

    async def log_in(self, request: web.Request) -> web.Response:
        """Return a token: 201, or 404 where address and password do not fit."""
        wish = decoded(await request.read(), LogIn)
        async with self._by_address.attempt(address_key(request.remote or "")) as from_address:
            if not from_address.is_open:
                return too_many(from_address.seconds_left)
            async with self._by_account.attempt(
                name_key(wish.email.strip()[:NAME_CHARACTERS])
            ) as to_account:
                if not to_account.is_open:
                    return too_many(to_account.seconds_left)
                found = await self.store.find(wish.email)
                password_hash = None if found is None else found[1]
                if not await self.passwords.matches(password_hash, wish.password) or found is None:
                    from_address.failed()
                    to_account.failed()
                    return said(WRONG, HTTPStatus.NOT_FOUND)
        account = found[0]
        made = {"access_token": self.tokens.issue(account), "userslug": account.id}
        return web.json_response(made, status=HTTPStatus.CREATED)

    async def is_authorized(self, request: web.Request) -> web.Response:
        """Tell whether the header ``Token`` is good: 200 or 400."""
        token = request.headers.get("Token")
        if token is None:
            return said("No token found", HTTPStatus.BAD_REQUEST)
        if self.tokens.read(token) is None:
            return said("The token is not good, or no more", HTTPStatus.BAD_REQUEST)
        return web.Response(text="authorized")


def answering(handler: Handler) -> Handler:
    """Return *handler* with what may go wrong in it turned into answers."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except BadRequest as error:
            return said(error.message, HTTPStatus.BAD_REQUEST)
        except (web.RequestPayloadError, ConnectionError):
            request.content.feed_eof()  # else aiohttp reads on, and logs that it cannot
            response = said("The request cannot be read", HTTPStatus.BAD_REQUEST)
            response.force_close()  # nobody knows where the next request begins
            return response
        except (StoreFailed, PasswordsBusy):
            return said("Try again in a moment", HTTPStatus.SERVICE_UNAVAILABLE)

    return answer


def decoded(body: bytes, kind: type[T]) -> T:
    """
    Return the JSON *body* as *kind*.

    Raises:
        BadRequest: It is none.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"The request cannot be read: {error}") from None


def said(text: str, status: HTTPStatus) -> web.Response:
    """Answer *text* as the message of a failure."""
    return web.json_response({"message": text}, status=status)


def too_many(seconds_left: float) -> web.Response:
    """Answer that there were too many tries."""
    response = said("Too many tries: wait a while", HTTPStatus.TOO_MANY_REQUESTS)
    response.headers["Retry-After"] = str(int(seconds_left) + 1)
    return response
