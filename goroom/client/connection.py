"""Connection: one link to a server, with a login to one or several applications over it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import structlog

from goroom.client.application import App
from goroom.client.frames import Frame, written
from goroom.client.opening import Opening
from goroom.client.requests import PROTOCOL_ERROR
from goroom.client.stream import Overflow, Settings
from goroom.client.transport import Transport, WebSocketTransport
from goroom.errors import ConnectionLost, RequestRefused

if TYPE_CHECKING:
    import aiohttp

    from goroom.messages import EventType

log = structlog.get_logger()

Credentials = Mapping[str, object] | Callable[[], Awaitable[Mapping[str, object]]]
"""What LOGIN carries beside the name, or an async function that returns it, called each time."""

MAX_UNSENT = 1000
"""Frames that may wait for a link that does not take them; asyncio.QueueFull beyond."""
CLOSE_SECONDS = 5.0
"""How long `Connection.close` waits for what is on its way and for the server."""

# RFC 6455 section 7.4.1
_NORMAL, _ABNORMAL = 1000, 1006


def connect(
    url: str,
    *,
    app: str,
    name: str,
    credentials: Credentials | None = None,
    session: aiohttp.ClientSession | None = None,
    timeout_seconds: float = 10.0,
    max_events: int = 1000,
    overflow: Overflow = "drop_oldest",
) -> Opening[App]:
    """
    Connect to a server and log in to one application.

    ``async with connect(...) as app`` closes the connection after the block; after ``await`` it is
    `App.close` that does.

    Args:
        url: Of the server's endpoint, such as ``ws://localhost:8080/``.
        app: Name of the application.
        name: Name of the user.
        credentials: Whatever else the application asks for at LOGIN.
        session: To connect with (its headers, cookies, TLS); it stays open. One is made otherwise.
        timeout_seconds: How long connecting may take, and a request by default.
        max_events: Unread events that one room, application or list of rooms may have.
        overflow: What happens beyond them.

    Raises (when awaited or entered):
        ConnectionLost: Nothing answers there, what answers does not speak goroom, or it closed.
        RequestRefused: The server refused the login.
        TimeoutError: No answer came in time.
    """
    settings = Settings(timeout_seconds=timeout_seconds, max_events=max_events, overflow=overflow)

    async def opened() -> App:
        async with asyncio.timeout(timeout_seconds):
            transport = await WebSocketTransport.open(url, session)
        connection = Connection(transport, settings)
        try:
            return await connection.login(app, name=name, credentials=credentials)
        except BaseException:
            await connection.close()
            raise

    return Opening(opened, App.close)


class Connection:
    """
    One link to a server; several applications may be logged in to over it.

    It reads until the link is closed, by either side; then every login on it is over and nothing of
    it is left, whether `close` is called or not.

    Args:
        transport: An open link; it belongs to the connection from now on.
        settings: What is chosen for it.
    """

    def __init__(self, transport: Transport, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self._transport = transport
        self._apps: dict[str, App] = {}
        self._unsent: asyncio.Queue[str | None] = asyncio.Queue()
        self._lost: ConnectionLost | None = None
        self._complaint = (_NORMAL, "")
        """Code and reason to close with."""
        self._is_closing = False
        self._task = asyncio.create_task(self._run(), name="goroom client")

    @property
    def apps(self) -> Mapping[str, App]:
        """The logins by application; a live view."""
        return MappingProxyType(self._apps)

    def login(self, app: str, *, name: str, credentials: Credentials | None = None) -> Opening[App]:
        """
        Log in to an application; with ``async with``, log out after the block.

        Raises (when awaited or entered):
            RuntimeError: This connection is logged in to *app* already.
            RequestRefused: The server refused.
            ConnectionLost: The link is closed.
            TimeoutError: No answer came in time.
        """

        async def opened() -> App:
            given = credentials or {}
            if not isinstance(given, Mapping):
                given = await given()
            if app in self._apps:
                raise RuntimeError(
                    f"this connection is logged in to {app!r} already: log out first"
                )
            login = self._apps[app] = App(self, app)
            try:
                await login.login({**given, "username": name})
            except RequestRefused:
                login.end()
                raise
            return login

        return Opening(opened, _log_out)

    async def close(self) -> None:
        """
        Close the link once what was sent is on its way; every login is over when this returns.

        Waits at most 5 s for a server that does not take or answer it, then cuts the link.
        """
        if not self._is_closing:
            self._is_closing = True
            self._unsent.put_nowait(None)
        _, running = await asyncio.wait({self._task}, timeout=CLOSE_SECONDS)
        if running:
            self._task.cancel()
            await asyncio.wait({self._task})

    # -- what its logins do with it ----------------------------------------------------------

    def write(self, event_type: EventType, **keys: object) -> None:
        """
        Send a frame behind those that were sent before.

        Raises:
            ConnectionLost: The link is closed.
            PayloadError: It cannot be sent as JSON.
            asyncio.QueueFull: `MAX_UNSENT` frames wait already.
        """
        if self._lost is not None:
            raise ConnectionLost(self._lost.code, self._lost.reason)
        if self._is_closing:
            raise ConnectionLost(_NORMAL, "closed here")
        text = written(event_type, **keys)
        if self._unsent.qsize() >= MAX_UNSENT:
            raise asyncio.QueueFull(
                f"{MAX_UNSENT} frames wait already: the link does not take them"
            )
        self._unsent.put_nowait(text)

    def forget(self, app: App) -> None:
        """Note that *app* is over."""
        if self._apps.get(app.name) is app:
            del self._apps[app.name]

    # -- the link ----------------------------------------------------------------------------

    async def _run(self) -> None:
        reader = asyncio.create_task(self._read(), name="goroom client reader")
        writer = asyncio.create_task(self._write_all(), name="goroom client writer")
        try:
            await asyncio.wait({reader, writer}, return_when=asyncio.FIRST_COMPLETED)
            if not self._is_closing:
                # The link is closed. Where the writer saw it first, the reader knows why.
                await asyncio.wait({reader}, timeout=CLOSE_SECONDS)
        finally:
            self._end(self._lost)
            try:
                await self._transport.close(*self._complaint)
            finally:
                reader.cancel()
                writer.cancel()
                await asyncio.wait({reader, writer})

    async def _read(self) -> None:
        try:
            while True:
                self._receive(await self._transport.receive())
        except ConnectionLost as lost:
            self._lost = lost
        except Exception:
            log.exception("client_reader_failed")
            self._lost = ConnectionLost(_ABNORMAL, "the client failed")

    def _receive(self, text: str) -> None:
        try:
            frame = Frame.read(text)
            app = self._app_of(frame)
            if app is not None:
                app.receive(frame)
        except ValueError as error:
            self._complaint = (PROTOCOL_ERROR, f"an unreadable frame: {error}")
            raise ConnectionLost(*self._complaint) from error
        except ConnectionLost as overflow:
            self._complaint = (overflow.code, overflow.reason)
            raise

    def _app_of(self, frame: Frame) -> App | None:
        if frame.app_name:
            return self._apps.get(frame.app_name)
        # An endpoint bound to one application does not name it.
        return next(iter(self._apps.values()), None)

    async def _write_all(self) -> None:
        try:
            while (text := await self._unsent.get()) is not None:
                await self._transport.send(text)
        except ConnectionLost as lost:
            self._lost = self._lost or lost
        except Exception:
            log.exception("client_writer_failed")
            self._lost = ConnectionLost(_ABNORMAL, "the client failed")

    def _end(self, lost: ConnectionLost | None) -> None:
        self._is_closing = True
        for app in [*self._apps.values()]:
            app.end(lost)


async def _log_out(app: App) -> None:
    if app.state == "open":
        with contextlib.suppress(ConnectionLost):
            await app.logout()
