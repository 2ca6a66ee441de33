"""The aiohttp edge: `Server` with a port, `setup`, `init_func`."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from goroom import collector, compiled, files, logs, process, sockets, targets
from goroom import server as core
from goroom.limits import Limits
from goroom.origins import OriginCheck
from goroom.pages import PAGE_HEADERS, helpful_page, helpful_text
from goroom.sockets import Endpoint
from goroom.wire import Dialect, JsonDialect, MsgpackDialect, ShortJsonDialect, dialects_for

if TYPE_CHECKING:
    from collections.abc import Iterable

DIALECTS: tuple[type[Dialect], ...] = (JsonDialect, ShortJsonDialect, MsgpackDialect)
"""The forms of the goroom protocol, for endpoints that name no dialect."""


class Server(core.Server):
    """
    Several applications on one port.

    ::

        server = Server()
        server.add_application("tictactoe", Lobby, rooms={"table": TicTacToe})
        server.run(port=8080)

    Args:
        limits: Bounds of everything here; applications and endpoints may have their own.
        origins: Origins that may open sockets, exactly (``https://play.example``), and ``self`` for
            pages of the same host; None for these only, ``["*"]`` for all.
        seed: Makes ids and authors' randomness repeatable; for tests only.
    """

    def __init__(
        self,
        *,
        limits: Limits | None = None,
        origins: Iterable[str] | None = None,
        seed: int | None = None,
    ) -> None:
        compiled.hush()
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
            uses_cookies: Whether a cookie logs in there; the Origin check is then strict for
                requests that bring one.

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
        uvloop: bool = False,
        tuned_gc: bool = True,
    ) -> None:
        """
        Serve until SIGINT or SIGTERM, then stop in an orderly way; blocks.

        It returns at most twice `Limits.drain_seconds` and `Limits.close_seconds` after the signal
        (12 s), and two more. A handler that swallows its cancellation is left then, and one in a
        thread that does not end is cut off when Python ends; the log has both. A second signal ends
        the waiting.

        Args:
            host: Address to listen on; ``0.0.0.0`` for all of the machine's.
            port: Port to listen on; 0 for any free one, which is printed.
            path: Where WebSockets are taken.
            static: A folder of files to serve; its ``index.html`` is the page at ``/``.
            uvloop: Whether to run on uvloop, which the extra ``fast`` installs.
            tuned_gc: Whether Python's garbage collector leaves alone what is there once everything
                has started, and makes full collections, which stop everybody, more seldom. When
                this returns, it works as before.

        Raises:
            ImportError: There is no uvloop; the text says how to install it.
            OSError: The address cannot be listened on.
        """
        with ExitStack() as undone_at_the_end:

            def started(address: str) -> None:
                if tuned_gc:
                    undone_at_the_end.enter_context(collector.tuned())
                _print_address(path, address)

            app = self._page_app(path, static)
            process.serve(app, host, port, started, self.limits, uvloop=uvloop)

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
        app = web.Application()
        folder = None if static is None else Path(static)
        if folder is not None and not folder.is_dir():
            raise ValueError(f"there is no folder {folder}")
        index = None if folder is None else folder / "index.html"
        setup(app, self, path=path, index=index if index is not None and index.is_file() else None)
        if index is not None and path != "/":
            app.router.add_get("/", partial(files.send, index))
        if folder is None or not (folder / "favicon.ico").exists():
            app.router.add_get("/favicon.ico", files.send_nothing)  # every browser asks for it
        if folder is not None:
            files.serve_folder(app, folder)
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
        app.router.add_get(self._script, files.send_client_script)

    async def _serve(
        self, endpoint: Endpoint, index: Path | None, request: web.Request
    ) -> web.StreamResponse:
        answer = await sockets.serve(self, endpoint, request)
        return self._answer_plainly(request, index) if answer is None else answer

    def _answer_plainly(self, request: web.Request, index: Path | None) -> web.StreamResponse:
        if index is not None:
            return files.answer(request, index)
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

    Where the program has not set up structlog by then, `configure_logs` does it at the start.

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
        logs.configure_by_default()
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


def _print_address(path: str, address: str) -> None:
    print(f"goroom serves {address}{path} (Ctrl+C stops it)", flush=True)  # noqa: T201 -- for people
