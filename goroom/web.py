"""The aiohttp edge: endpoints, upgrades, sockets; `Server` with a port, `setup`, `init_func`."""

from __future__ import annotations

import asyncio
import socket
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import attrs
import structlog
from aiohttp import WSMsgType, web

from goroom import logs, targets
from goroom import server as core
from goroom.connection import Connection, Peer
from goroom.limits import Limits
from goroom.origins import OriginCheck
from goroom.pages import PAGE_HEADERS, helpful_page, helpful_text
from goroom.wire import Dialect, JsonDialect, MsgpackDialect, ShortJsonDialect, dialects_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aiohttp.abc import AbstractStreamWriter
    from aiohttp.typedefs import Handler

log = structlog.get_logger()

DIALECTS: tuple[type[Dialect], ...] = (JsonDialect, ShortJsonDialect, MsgpackDialect)
"""The forms of the goroom protocol, for endpoints that name no dialect."""

CLIENT_SCRIPT = Path(__file__).with_name("static") / "goroom.js"
"""The browser client."""

NOT_SENT_BYTES = 64 * 1024
"""What the kernel may hold unsent: else it hides megabytes, and no bound means anything."""

MESSAGES_IN_A_ROW = 64
"""Messages of one connection that are read before the loop serves others."""

NORMAL_CLOSURE = 1000

BODILESS_IF = frozenset(
    {"if-none-match", "if-modified-since", "if-match", "if-unmodified-since", "range"}
)
"""Headers of requests that may be answered without a body, or with a part of it (RFC 9110)."""


@attrs.frozen
class Endpoint:
    """A path that takes WebSockets."""

    path: str
    application: str | None
    dialects: Mapping[str | None, Dialect]
    limits: Limits
    origins: OriginCheck


class _SocketTransport:
    """The byte side of one WebSocket of aiohttp."""

    __slots__ = ("_transport", "_writer")

    def __init__(self, transport: asyncio.Transport, writer: AbstractStreamWriter) -> None:
        self._transport = transport
        self._writer = writer
        # The outbox holds what the peer does not take, so that it can be counted and dropped.
        transport.set_write_buffer_limits(high=0)
        raw = transport.get_extra_info("socket")
        option = getattr(socket, "TCP_NOTSENT_LOWAT", None)
        if raw is not None and option is not None and raw.family != socket.AF_UNIX:
            raw.setsockopt(socket.IPPROTO_TCP, option, NOT_SENT_BYTES)

    def write(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)

    def buffered(self) -> int:
        return self._transport.get_write_buffer_size()

    async def drained(self) -> None:
        await self._writer.drain()

    def close(self) -> None:
        self._transport.close()

    def abort(self) -> None:
        self._transport.abort()


class Server(core.Server):
    """
    Several applications on one port.

    ::

        server = Server()
        server.add_application("tictactoe", Lobby, rooms={"table": TicTacToe})
        server.run(port=8080)

    Args:
        limits: Bounds of everything here; applications and endpoints may have their own.
        origins: Origins that may open sockets, exactly (``https://play.example``); None for pages
            of the same host only, ``["*"]`` for all.
        seed: Makes ids and authors' randomness repeatable; for tests only.
    """

    def __init__(
        self,
        *,
        limits: Limits | None = None,
        origins: Iterable[str] | None = None,
        seed: int | None = None,
    ) -> None:
        super().__init__(limits=limits, seed=seed)
        self._origins = OriginCheck(origins)
        self._endpoints: list[Endpoint] = []
        self._runner: web.AppRunner | None = None
        self._script = "/goroom.js"

    def add_endpoint(
        self,
        path: str,
        application: str | None = None,
        dialect: type[Dialect] | None = None,
        limits: Limits | None = None,
        origins: Iterable[str] | None = None,
        *,
        uses_cookies: bool = False,
    ) -> None:
        """
        Take WebSockets at one more path.

        Args:
            path: Where, from the mount on; begins with ``/``.
            application: The only application there; its name may be left out of frames.
            dialect: How frames look there; the three forms of goroom's own where None.
            limits: Bounds of connections there; the server's where None.
            origins: Who may connect; the server's where None.
            uses_cookies: Whether a cookie logs in there; the Origin check is then strict.

        Raises:
            ValueError: The path is none, or taken; there is no such application.
            RuntimeError: The server is mounted already.
        """
        if self.is_mounted:
            raise RuntimeError("add endpoints before setup(), make_app() or run()")
        if not path.startswith("/"):
            raise ValueError(f"an endpoint's path begins with a slash, unlike {path!r}")
        if any(endpoint.path == path for endpoint in self._endpoints):
            raise ValueError(f"there is an endpoint at {path!r} already")
        if application is not None and application not in self.applications:
            raise ValueError(f"there is no application {application!r}: add it first")
        is_default = origins is None and not uses_cookies
        kinds = DIALECTS if dialect is None else (dialect,)
        self._endpoints.append(
            Endpoint(
                path,
                application,
                dialects_for(kinds, application),
                limits or self.limits,
                self._origins if is_default else OriginCheck(origins, uses_cookies=uses_cookies),
            )
        )

    # -- three ways to run -----------------------------------------------------------------

    def make_app(self) -> web.Application:
        """
        Return an aiohttp application for ``parent.add_subapp("/games/", ...)``.

        It takes WebSockets at ``/games/`` (not at ``/games``) and ``/games/<application>``. At the
        root, use `setup`: aiohttp has no sub-applications there.
        """
        app = web.Application()
        setup(app, self, path="/")
        return app

    def run(
        self,
        host: str = "localhost",
        port: int = 8080,
        *,
        path: str = "/",
        static: str | Path | None = None,
    ) -> None:
        """
        Serve until SIGINT or SIGTERM, then stop in an orderly way; blocks.

        Args:
            host: Address to listen on; ``0.0.0.0`` for all of the machine's.
            port: Port to listen on; 0 for any free one, which is printed.
            path: Where WebSockets are taken.
            static: A folder of files to serve; its ``index.html`` is the page at ``/``.
        """
        if not structlog.is_configured():
            logs.configure()  # structlog's own default shows local variables, passwords among them
        web.run_app(
            self._page_app(path, static),
            host=host,
            port=port,
            print=partial(_print_addresses, path),
            access_log=None,
            shutdown_timeout=self.limits.drain_seconds,
        )

    async def start(
        self,
        host: str = "localhost",
        port: int = 8080,
        *,
        path: str = "/",
        static: str | Path | None = None,
    ) -> int:
        """
        Serve in the background until `stop`; returns the port, as `run` otherwise.

        Raises:
            OSError: The address cannot be listened on.
            RuntimeError: It was started before.
        """
        if self._runner is not None:
            raise RuntimeError("a server starts once: make a new one")
        runner = web.AppRunner(self._page_app(path, static), access_log=None)
        self._runner = runner
        await runner.setup()
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError:
            await runner.cleanup()
            raise
        return int(runner.addresses[0][1])

    async def stop(self) -> None:
        """Stop what `start` started: every user ends with ``shutdown``, sockets with 1001."""
        if self._runner is not None:
            await self._runner.cleanup()

    def _page_app(self, path: str, static: str | Path | None) -> web.Application:
        app = web.Application(middlewares=[_compress_files])
        folder = None if static is None else Path(static)
        if folder is not None and not folder.is_dir():
            raise ValueError(f"there is no folder {folder}")
        index = None if folder is None else folder / "index.html"
        setup(app, self, path=path, index=index if index is not None and index.is_file() else None)
        if folder is not None:
            app.on_response_prepare.append(_add_page_headers)
            if path != "/" and index is not None:
                app.router.add_get("/", partial(_send_file, index))
            app.router.add_static("/", folder)
        return app

    # -- one request -----------------------------------------------------------------------

    def mount(self, app: web.Application, path: str, index: Path | None) -> None:
        """Add the routes to *app*; see `setup`."""
        if self.is_mounted:
            raise RuntimeError("a server is mounted once: make a new one")
        base = path.rstrip("/")
        self._script = f"{base}/goroom.js"
        if not any(endpoint.path == "/" for endpoint in self._endpoints):
            self.add_endpoint("/")
        for name in self.applications:
            if not any(endpoint.path == f"/{name}" for endpoint in self._endpoints):
                self.add_endpoint(f"/{name}", name)
        self.is_mounted = True
        for endpoint in self._endpoints:
            page = index if endpoint.path == "/" else None
            handler = partial(self._serve, endpoint, page)
            if endpoint.path == "/" and base:
                app.router.add_get(base, handler)
            # Not add_get: a brace in a name is no pattern. aiohttp matches decoded paths, but "%".
            resource = web.PlainResource(base + endpoint.path.replace("%", "%25"))
            app.router.register_resource(resource)
            for method in ("HEAD", "GET"):
                resource.add_route(method, handler)
        app.router.add_get(self._script, _send_client_script)

    async def _serve(
        self, endpoint: Endpoint, index: Path | None, request: web.Request
    ) -> web.StreamResponse:
        ws = web.WebSocketResponse(
            timeout=endpoint.limits.close_seconds,
            autoclose=False,
            autoping=False,
            protocols=[name for name in endpoint.dialects if name is not None],
            compress=False,
            max_msg_size=endpoint.limits.message_bytes + 1,  # aiohttp refuses what reaches it
            decode_text=False,
        )
        if not ws.can_prepare(request).ok:
            return self._answer_plainly(request, index)
        if not endpoint.origins.allows(
            request.headers.get("Origin"), request.headers.get("Host", "")
        ):
            log.warning(
                "origin_refused",
                origin=request.headers.get("Origin", "")[:200],
                remote=request.remote,
            )
            raise web.HTTPForbidden(text="This page's origin may not connect here.\n")
        if not self.is_running or self.is_stopping:
            raise web.HTTPServiceUnavailable(text="The server stops; come back later.\n")
        writer = await ws.prepare(request)
        raw = request.transport
        if raw is None:
            return ws
        connection = self.connect(
            _SocketTransport(raw, writer),
            endpoint.dialects.get(ws.ws_protocol) or next(iter(endpoint.dialects.values())),
            _peer_of(request),
            endpoint.limits,
        )
        try:
            await self._read(ws, connection, endpoint)
        finally:
            connection.outbox.flush()
            raw.close()
            if raw.get_write_buffer_size():
                # What the peer does not take would keep the socket open for ever.
                asyncio.get_running_loop().call_later(endpoint.limits.close_seconds, raw.abort)
            await self.disconnect(connection)
        return ws

    async def _read(
        self, ws: web.WebSocketResponse[Any], connection: Connection, endpoint: Endpoint
    ) -> None:
        """Read and handle one message after the other until the socket is gone."""
        if endpoint.application is not None:
            await connection.enter(self.applications[endpoint.application])
        in_a_row = 0
        while True:
            message = await ws.receive()
            kind = message.type
            if kind is WSMsgType.TEXT or kind is WSMsgType.BINARY:
                waiting = connection.receive(message.data, is_binary=kind is WSMsgType.BINARY)
                if waiting is not None:
                    connection.is_handling = True
                    try:
                        await waiting
                    finally:
                        connection.is_handling = False
                in_a_row += 1
                if in_a_row >= MESSAGES_IN_A_ROW:
                    in_a_row = 0
                    await asyncio.sleep(0)
            elif kind is WSMsgType.PING:
                connection.pinged(bytes(message.data))
            elif kind is WSMsgType.PONG:
                connection.ponged(bytes(message.data))
            elif kind is WSMsgType.CLOSE:
                connection.close(_echoed(message.data))
                return
            else:
                return

    def _answer_plainly(self, request: web.Request, index: Path | None) -> web.StreamResponse:
        if index is not None:
            return _file(request, index)
        if "text/html" in request.headers.get("Accept", ""):
            page = helpful_page(self.applications, self._script)
            return web.Response(text=page, content_type="text/html", headers=PAGE_HEADERS)
        return web.Response(text=helpful_text(self.applications, request.path, self._script))


SERVER = web.AppKey("goroom.server", Server)
"""Where `setup` keeps the server in the aiohttp application."""


def setup(
    app: web.Application,
    server: Server,
    *,
    path: str = "/goroom",
    app_key: web.AppKey[Server] = SERVER,
    index: Path | None = None,
) -> None:
    """
    Mount *server* on an aiohttp application; it starts and stops with it.

    Adds *path*, ``path/``, one ``path/<application>`` each, every endpoint that was added, and
    ``path/goroom.js``: never a wildcard. Works at ``/`` too.

    Args:
        app: Yours; not started yet.
        server: With its applications added.
        path: Where WebSockets are taken.
        app_key: Where `get_server` finds it; another one for a second server.
        index: A file that a plain GET on *path* answers, instead of a short page that helps.

    Raises:
        ValueError: *path* does not begin with a slash.
        RuntimeError: *server* is mounted already.
    """
    if not path.startswith("/"):
        raise ValueError(f"path begins with a slash, unlike {path!r}")
    server.mount(app, path, index)
    app[app_key] = server

    async def start(_: web.Application) -> None:
        await server.open()

    async def stop(_: web.Application) -> None:
        await server.close()

    app.on_startup.append(start)
    app.on_shutdown.append(stop)


def get_server(request: web.Request, *, app_key: web.AppKey[Server] = SERVER) -> Server:
    """
    Return the server that `setup` mounted, from a view of the same or a nested application.

    Raises:
        RuntimeError: There is none.
    """
    server = request.config_dict.get(app_key)
    if server is None:
        raise RuntimeError("no goroom server here: call goroom.setup(app, server) first")
    return server


def init_func(argv: list[str]) -> web.Application:
    """
    Make the application for ``python -m aiohttp.web goroom:init_func TARGET``.

    Args:
        argv: The target as its only item, as `goroom serve` takes it.

    Raises:
        SystemExit: There is no target, or it names no server.
    """
    if len(argv) != 1:
        raise SystemExit("goroom:init_func takes one argument: module:server or file.py")
    try:
        server = targets.load(argv[0])
    except targets.TargetError as error:
        raise SystemExit(str(error)) from None
    if not isinstance(server, Server):
        raise SystemExit(f"{argv[0]} is a server without a port: make a goroom.Server")
    app = web.Application()
    setup(app, server, path="/")
    return app


def _peer_of(request: web.Request) -> Peer:
    return Peer(
        remote=request.remote or "",
        path=request.path,
        headers=request.headers,
        query=MappingProxyType(dict(request.query)),
        cookies=request.cookies,
    )


def _echoed(code: int | None) -> int:
    """Return the close code to answer with: the peer's, where one may be sent."""
    return (
        code
        if code is not None and (code in range(1000, 1004) or code in range(3000, 5000))
        else NORMAL_CLOSURE
    )


async def _send_file(path: Path, request: web.Request) -> web.StreamResponse:
    return _file(request, path)


async def _send_client_script(request: web.Request) -> web.StreamResponse:
    # RFC 9239 section 6: not what Python 3.11 knows.
    return _file(request, CLIENT_SCRIPT, {"Content-Type": "text/javascript; charset=utf-8"})


def _file(
    request: web.Request, path: Path, headers: Mapping[str, str] = PAGE_HEADERS
) -> web.FileResponse:
    response = web.FileResponse(path, headers={**PAGE_HEADERS, **headers})
    _compress(request, response)
    return response


def _compress(request: web.Request, response: web.FileResponse) -> None:
    # Where the answer may be without a body (304, HEAD), aiohttp 3.14 ends the compressed stream
    # all the same, and those bytes spoil the connection's next answer.
    if request.method == "GET" and not BODILESS_IF.intersection(map(str.lower, request.headers)):
        response.enable_compression()


@web.middleware
async def _compress_files(request: web.Request, handler: Handler) -> web.StreamResponse:
    response = await handler(request)
    if isinstance(response, web.FileResponse):
        _compress(request, response)
    return response


async def _add_page_headers(_: web.Request, response: web.StreamResponse) -> None:
    if not isinstance(response, web.WebSocketResponse):
        for name, value in PAGE_HEADERS.items():
            response.headers.setdefault(name, value)


def _print_addresses(path: str, text: str) -> None:
    for line in text.splitlines():
        if "Running on" in line:
            address = line.split("Running on ", 1)[1].split(" ")[0].rstrip("=").strip()
            print(f"goroom serves {address}{path} (Ctrl+C stops it)", flush=True)  # noqa: T201 -- for people
