"""The mirror's site: signing up, logging in, who I am, the chat page, its files."""

from __future__ import annotations

import hmac
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from functools import partial
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType

import attrs
import structlog
from aiohttp import web

from goroom import Application, BadRequest, Server
from goroom_extensions.mirror.application import COOKIE, Mirror
from goroom_extensions.mirror.channels import HISTORY, KINDS, SUBSCRIPTIONS
from goroom_extensions.mirror.dialect import MirrorDialect
from goroom_extensions.mirror.entrance import Entrance, Throttled
from goroom_extensions.mirror.forms import Forms
from goroom_extensions.mirror.pages import NO_STORE, Pages, with_headers
from goroom_extensions.mirror.passwords import Passwords, PasswordsBusy
from goroom_extensions.mirror.store import Account, Store, StoreFailed
from goroom_extensions.mirror.tokens import Tokens

log = structlog.get_logger()

OUTBOX_BYTES, OUTBOX_FRAMES = 4 * 1024 * 1024, SUBSCRIPTIONS * (HISTORY + 1)
"""What may wait for a socket: a history of the longest messages, or of all that it may hear."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def setup(
    app: web.Application,
    server: Server,
    *,
    database: str,
    keys: Path,
    path: str = "/",
    name: str = "mirror",
    hours: float = 72,
    is_secure: bool | None = None,
    passwords: Passwords | None = None,
) -> None:
    """
    Add the mirror to *app* and to *server*, before ``goroom.setup(app, server, path="/")``.

    Adds the pages at *path* (``/``, ``/chat``), ``/auth/login``, ``/auth/create``,
    ``/auth/logout``, ``/me``, ``/people``, ``/static/...``, the application *name* with the kinds
    of rooms ``public`` and ``direct``, and its endpoint ``/ws``. The database is opened when *app*
    starts, and closed when it ends. Behind a proxy, have a middleware of *app* set the request's
    remote address (the throttle counts by it), and let the proxy pass on the Host.

    Args:
        app: Yours, not started yet.
        server: Not mounted yet.
        database: ``sqlite:///mirror.sqlite`` or ``postgresql://user:password@host/name``.
        keys: Folder of the keys that sign log-ins; the first is made when there is none.
        path: Where the pages are; ends with a slash.
        name: The application's name.
        hours: How long a log-in is good.
        is_secure: Whether cookies go over https only; None: if the request came so. Say True
            behind a proxy that speaks https.
        passwords: How passwords are hashed; closed by whoever made it.

    Raises:
        ValueError: *path* has no slash at an end, *name* is taken, *database* is no database.
        ImportError: A library is missing; the text names the extra that has it.
        RuntimeError: *server* is mounted already, or a key cannot be used.
    """
    if not (path.startswith("/") and path.endswith("/")):
        raise ValueError(f"the pages' path begins and ends with a slash, unlike {path!r}")
    their_store, their_tokens = Store(database), Tokens(keys, hours=hours)

    class ThisMirror(Mirror):
        store = their_store
        tokens = their_tokens

    application = server.add_application(name, ThisMirror, rooms=KINDS)
    limits = attrs.evolve(server.limits, outbox_bytes=OUTBOX_BYTES, outbox_frames=OUTBOX_FRAMES)
    server.add_endpoint(f"{path}ws", name, MirrorDialect, limits, uses_cookies=True)
    hashing = passwords or Passwords()
    site = Site(
        their_store,
        their_tokens,
        hashing,
        path=path,
        secret=_secret_of(keys),
        on_log_out=partial(_log_out, application),
        is_secure=is_secure,
    )
    site.add_to(app)

    async def hold(_: web.Application) -> AsyncIterator[None]:
        async with their_store:
            yield
        if passwords is None:
            hashing.close()

    app.cleanup_ctx.append(hold)


def _log_out(application: Application, token: str) -> None:
    extension = application.extension
    if isinstance(extension, Mirror):
        extension.log_out(token)


def _secret_of(keys: Path) -> bytes:
    """Return a secret that is as old as the oldest key, so that open forms outlive a restart."""
    oldest = min(keys.glob("*.pem"), key=lambda path: path.stat().st_mtime)
    return hmac.digest(oldest.read_bytes(), b"goroom_extensions.mirror.forms", "sha256")


class Site:
    """
    The pages over one store.

    Args:
        store: Open while requests come.
        tokens: What signs log-ins.
        passwords: What looks at passwords.
        path: Where the pages are; begins and ends with a slash.
        secret: What forms are signed with.
        on_log_out: Called with the cookie of who logs out.
        is_secure: Whether cookies go over https only; None: if the request came so.
    """

    def __init__(
        self,
        store: Store,
        tokens: Tokens,
        passwords: Passwords,
        *,
        path: str,
        secret: bytes,
        on_log_out: Callable[[str], None] = lambda _: None,
        is_secure: bool | None = None,
    ) -> None:
        self.store = store
        self.tokens = tokens
        self._path = path
        self._on_log_out = on_log_out
        self._is_secure = is_secure
        self._forms = Forms(path, secret)
        self._pages = Pages(path)
        self._entrance = Entrance(store, passwords)

    def add_to(self, app: web.Application) -> None:
        """Add the routes to *app*."""
        gets: dict[str, Handler] = {
            "": self.show_form,
            "me": self.tell_me,
            "people": self.list_people,
            "chat": self.show_chat,
            "static/{name}": self._pages.send_file,
        }
        posts: dict[str, Handler] = {
            "auth/login": partial(self.enter, may_create=False),
            "auth/create": partial(self.enter, may_create=True),
            "auth/logout": self.leave,
        }
        for path, handler in gets.items():
            app.router.add_get(self._path + path, partial(self._serve, handler))
        for path, handler in posts.items():
            app.router.add_post(self._path + path, partial(self._serve, handler))

    async def _serve(self, handler: Handler, request: web.Request) -> web.StreamResponse:
        """Answer with the headers of every page, whatever becomes of *request*."""
        try:
            return with_headers(await handler(request))
        except web.HTTPForbidden as error:
            return with_headers(self._form(request, error.text or "", HTTPStatus.FORBIDDEN))
        except web.HTTPException as error:
            with_headers(error)
            raise
        except (StoreFailed, PasswordsBusy) as error:
            log.warning("mirror_unavailable", error=str(error))
            text = "We cannot do this at the moment. Try again in a minute."
            response = self._form(request, text, HTTPStatus.SERVICE_UNAVAILABLE)
            response.headers["Retry-After"] = "60"
            return with_headers(response)

    # -- the form --------------------------------------------------------------------------

    async def show_form(self, request: web.Request) -> web.Response:
        """Show the form for logging in and signing up."""
        return self._form(request, _NOTICES.get(request.query.get("no", ""), ""))

    def _form(
        self, request: web.Request, notice: str, status: HTTPStatus = HTTPStatus.OK
    ) -> web.Response:
        return self._page(request, "login.html", status, notice=notice)

    def _page(
        self, request: web.Request, page: str, status: HTTPStatus = HTTPStatus.OK, **texts: str
    ) -> web.Response:
        key = self._forms.key_of(request)
        response = self._pages.render(page, status, form_key=self._forms.field(key), **texts)
        self._forms.remember(response, key, is_secure=self._secure(request))
        return response

    async def enter(self, request: web.Request, *, may_create: bool) -> web.Response:
        """Log in, or sign up where nobody has the name, and show the chat; else the form again."""
        form = await self._forms.read(request)
        name, password = form.get("user", ""), form.get("pass", "")
        if not name.strip() or not password:
            return self._back("empty")
        try:
            account = await self._entrance.enter(
                name, password, address=request.remote or "", may_create=may_create
            )
        except BadRequest as error:
            return self._back(error.field if may_create else "wrong")
        except Throttled as throttled:
            return self._throttled(request, throttled)
        if account is None:
            return self._back("wrong")
        response = _see_other(f"{self._path}chat")
        response.set_cookie(
            COOKIE,
            self.tokens.issue(account),
            max_age=int(self.tokens.seconds),
            path=self._path,
            secure=self._secure(request),
            httponly=True,
            samesite="Lax",
        )
        return response

    def _back(self, reason: str) -> web.Response:
        return _see_other(f"{self._path}?no={reason}")

    def _throttled(self, request: web.Request, throttled: Throttled) -> web.Response:
        wait = math.ceil(throttled.seconds)
        text = f"{throttled}. Try again in {wait} seconds."
        response = self._form(request, text, HTTPStatus.TOO_MANY_REQUESTS)
        response.headers["Retry-After"] = str(wait)
        return response

    async def leave(self, request: web.Request) -> web.Response:
        """Log this browser out, and close its sockets."""
        await self._forms.read(request)
        token = request.cookies.get(COOKIE, "")
        if self.tokens.read(token) is not None:
            self._on_log_out(token)
        response = _see_other(self._path)
        response.del_cookie(
            COOKIE,
            path=self._path,
            secure=self._secure(request),
            httponly=True,
            samesite="Lax",
        )
        return response

    # -- who has logged in -----------------------------------------------------------------

    async def show_chat(self, request: web.Request) -> web.Response:
        """Show the chat to who has logged in, and the form to everybody else."""
        if await self._visitor(request) is None:
            return _see_other(self._path)
        return self._page(request, "chat.html")

    async def tell_me(self, request: web.Request) -> web.Response:
        """Tell who has logged in, as the claims of the cookie."""
        account = await self._visitor(request)
        claims = self.tokens.read(request.cookies.get(COOKIE, ""))
        if account is None or claims is None:
            return _see_other(self._path)
        return web.json_response({**_described(account), "exp": claims.expires}, headers=NO_STORE)

    async def list_people(self, request: web.Request) -> web.Response:
        """
        Tell of people, to who has logged in.

        Who has a ``name``, an ``id`` or a ``channel``: one, or nobody. Without any of these: with
        whom the visitor has talked, last with whom first.
        """
        visitor = await self._visitor(request)
        if visitor is None:
            raise web.HTTPUnauthorized(text="Log in first.\n", headers=NO_STORE)
        people = await self._people(visitor, request.query)
        described = [_described(person) for person in people if person is not None]
        return web.json_response({"people": described}, headers=NO_STORE)

    async def _people(self, visitor: Account, query: Mapping[str, str]) -> Iterable[Account | None]:
        if "name" in query:
            found = await self.store.find(query["name"])
            return [] if found is None else [found[0]]
        if "id" in query:
            return [await self.store.by_id(query["id"])]
        if "channel" in query:
            return [await self.store.by_channel(query["channel"])]
        ids: dict[str, None] = {}
        for channel in await self.store.direct_channels(visitor.id):
            one, _, other = channel.partition(".")
            ids[other if one == visitor.id else one] = None
        return [await self.store.by_id(user_id) for user_id in ids]

    async def _visitor(self, request: web.Request) -> Account | None:
        claims = self.tokens.read(request.cookies.get(COOKIE, ""))
        return None if claims is None else await self.store.by_id(claims.user_id)

    def _secure(self, request: web.Request) -> bool:
        return request.secure if self._is_secure is None else self._is_secure


_NOTICES: Mapping[str, str] = MappingProxyType(
    {
        "empty": "Give a name and a password.",
        "wrong": "The name or the password is wrong.",
        "user": "Choose another name: 1 to 64 characters that can be seen.",
        "pass": "Choose a password of at most 1024 characters.",
    }
)
"""Why somebody is back at the form, by the word in its address."""


def _see_other(path: str) -> web.Response:
    # Not 301, which a browser would remember.
    return web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": path, **NO_STORE})


def _described(account: Account) -> dict[str, str]:
    return {"UserId": account.id, "Username": account.name, "ChannelId": account.channel_id}
