"""Connection: one link to a server after the other, with logins to applications over it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import structlog

from goroom.client.application import App
from goroom.client.frames import Frame, written
from goroom.client.link import ABNORMAL, FINAL_CODES, NORMAL, TOO_LARGE, Link
from goroom.client.login import Credentials, Login
from goroom.client.opening import Opening
from goroom.client.patience import patience
from goroom.client.requests import PROTOCOL_ERROR
from goroom.client.stream import Backoff, Heartbeat, Overflow, Settings
from goroom.client.transport import Transport, WebSocketTransport
from goroom.errors import ConnectionLost
from goroom.messages import EventType

if TYPE_CHECKING:
    import aiohttp

log = structlog.get_logger()

Dial = Callable[[], Awaitable[Transport]]
"""
Opens a new link to the same server.

Raises:
    ConnectionLost, OSError: It cannot now; it is asked again later.
    Exception: It never will: the connection is over.
"""

MAX_UNSENT = 1000
"""Frames that may wait for a link that does not take them; asyncio.QueueFull beyond."""
CLOSE_SECONDS = 5.0
"""How long `Connection.close` waits for what is on its way and for the server."""


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
    resume: bool = True,
    heartbeat: Heartbeat | None = None,
    backoff: Backoff | None = None,
) -> Opening[App]:
    """
    Connect to a server and log in to one application.

    ``async with connect(...) as app`` logs out and closes the connection after the block; after
    ``await`` it is `App.close` that does. A link that is lost later comes back by itself.

    Args:
        url: Of the server's endpoint, such as ``ws://localhost:8080/``.
        app: Name of the application.
        name: Name of the user.
        credentials: Whatever else the application asks for at LOGIN.
        session: To connect with (its headers, cookies, TLS); it stays open. One is made otherwise.
            Once you close it, the connection is over when its link is lost.
        timeout_seconds: How long connecting may take, and a request by default.
        max_events: Unread events that one room, application or list of rooms may have.
        overflow: What happens beyond them.
        resume: Whether to come back. With False, the login is over when the link is lost.
        heartbeat: When a silent link counts as lost.
        backoff: How long to wait before each try to come back.

    Raises (when awaited or entered):
        ConnectionLost: Nothing answers there, what answers does not speak goroom, or it closed.
        RequestRefused: The server refused the login.
        TimeoutError: No answer came in time.
        RuntimeError: *session* is closed.
    """
    settings = Settings(
        timeout_seconds=timeout_seconds,
        max_events=max_events,
        overflow=overflow,
        heartbeat=heartbeat or Heartbeat(),
        backoff=backoff or Backoff(),
    )

    async def dial() -> Transport:
        return await WebSocketTransport.open(url, session)

    async def opened() -> App:
        async with asyncio.timeout(timeout_seconds):
            transport = await dial()
        connection = Connection(transport, settings, dial=dial)
        try:
            return await connection.login(app, name=name, credentials=credentials, resume=resume)
        except BaseException:
            await connection.close()
            raise

    return Opening(opened, App.close)


class Connection:
    """
    One link to a server, and the next one when that is lost; it may carry several logins.

    It comes back as long as there is a login to come back for, unless the server says not to (close
    codes 4500-4999). When it is over, every login on it is, and nothing is left of it, whether
    `close` is called or not.

    Args:
        transport: An open link; it belongs to the connection from now on.
        settings: What is chosen for it.
        dial: Opens the next link. Without it the connection does not come back.
    """

    def __init__(
        self, transport: Transport, settings: Settings | None = None, *, dial: Dial | None = None
    ) -> None:
        self.settings = settings or Settings()
        self._dial = dial
        self._apps: dict[str, App] = {}
        self._link: Link | None = self._new_link(transport)
        self._has_link = asyncio.Event()
        self._has_link.set()
        self._old_links: set[asyncio.Task[None]] = set()
        self._tries = 0
        """How often it was tried to come back since a link has proven itself."""
        self._over: ConnectionLost | None = None
        """Why it is over."""
        self._task = asyncio.create_task(self._run(), name="goroom client")

    @property
    def apps(self) -> Mapping[str, App]:
        """The logins by application; a live view."""
        return MappingProxyType(self._apps)

    def login(
        self,
        app: str,
        *,
        name: str,
        credentials: Credentials | None = None,
        resume: bool = True,
    ) -> Opening[App]:
        """
        Log in to an application; with ``async with``, log out after the block.

        While the link is lost, this waits for it.

        Raises (when awaited or entered):
            RuntimeError: This connection is logged in to *app* already.
            RequestRefused: The server refused.
            ConnectionLost: The connection is over, or the link was lost meanwhile.
            TimeoutError: No answer came in time.
        """
        may_resume = resume and self._dial is not None

        async def opened() -> App:
            login = Login(name, credentials, may_resume=may_resume)
            data = await login.data()
            async with asyncio.timeout(self.settings.timeout_seconds):
                await self._has_link.wait()
            self.check()
            if app in self._apps:
                raise RuntimeError(
                    f"this connection is logged in to {app!r} already: log out first"
                )
            self._apps[app] = opened = App(self, app, login)
            await opened.open(data)
            return opened

        return Opening(opened, App.logout)

    async def close(self) -> None:
        """
        Log out everywhere and close the link; every login is over when this returns.

        What was sent before goes on its way. Waits at most 5 s for a server that does not take or
        answer it, then cuts the link. While the link is lost, nothing is waited for, and the
        server keeps this user's seats for its grace time.
        """
        if self._over is None:
            for app in self._apps.values():
                app.say_goodbye()
            self._over = ConnectionLost(NORMAL, "closed here")
            if self._link is None:
                self._task.cancel()
            else:
                self._link.finish()
        _, running = await asyncio.wait({self._task}, timeout=CLOSE_SECONDS)
        if running:
            self._task.cancel()
            await asyncio.wait({self._task})

    # -- what its logins do with it ----------------------------------------------------------

    def check(self) -> None:
        """
        Refuse what is new where it cannot be sent.

        Raises:
            ConnectionLost: The connection is over.
            asyncio.QueueFull: `MAX_UNSENT` frames wait already.
        """
        if self._over is not None:
            raise ConnectionLost(self._over.code, self._over.reason)
        if self._link is not None and self._link.unsent >= MAX_UNSENT:
            raise asyncio.QueueFull(
                f"{MAX_UNSENT} frames wait already: the link does not take them"
            )

    def write(self, text: str) -> None:
        """Send a frame behind those that were sent before; it is lost where the link is."""
        if self._link is not None:
            self._link.write(text)

    def lose(self, lost: ConnectionLost) -> None:
        """Give up the link that is now."""
        if self._link is not None:
            self._link.lose(lost)

    def forget(self, app: App) -> None:
        """Note that *app* is over."""
        if self._apps.get(app.name) is app:
            del self._apps[app.name]

    # -- one link after the other --------------------------------------------------------------

    def _new_link(self, transport: Transport) -> Link:
        self._linked_at = asyncio.get_running_loop().time()
        return Link(transport, self._receive, self._probe, self.settings.heartbeat)

    async def _run(self) -> None:
        link = self._link
        lost = ConnectionLost(ABNORMAL)
        try:
            while link is not None:
                lost = await self._serve(link)
                if lost.code == TOO_LARGE:
                    self._refuse(link.largest)
                is_over = self._over is not None or link.complaint is not None
                link = None if is_over else await self._next_link(lost)
        except ConnectionLost as final:
            lost = final  # there is no next link, or nobody could be told that this one is lost
        finally:
            is_ended_here = self._over is not None
            self._over = self._over or lost
            self._has_link.set()
            for app in [*self._apps.values()]:
                app.end(None if is_ended_here else lost)
            if self._old_links:
                await asyncio.wait(self._old_links)

    async def _serve(self, link: Link) -> ConnectionLost:
        """Use *link* until it is lost."""
        greeting = None
        if self._tries:
            greeting = asyncio.create_task(self._greet(), name="goroom client greeting")
        try:
            return await link.run()
        finally:
            self._link = None
            self._has_link.clear()
            self._close_soon(link)
            if greeting is not None:
                greeting.cancel()
                await asyncio.wait({greeting})

    async def _next_link(self, lost: ConnectionLost) -> Link | None:
        """Come back, if the server lets us and there is something to come back for."""
        if lost.code in FINAL_CODES or self._dial is None:
            return None
        settings = self.settings
        if self._has_proven_itself():
            self._tries = 0
        for app in [*self._apps.values()]:
            app.drop(lost)
        while self._apps:
            await asyncio.sleep(settings.backoff.delay(self._tries))
            self._tries += 1
            try:
                async with patience(settings.heartbeat.reply_seconds):
                    transport = await self._dial()
            except (ConnectionLost, OSError):
                continue  # the time-out is one, too
            except Exception as error:
                raise ConnectionLost(ABNORMAL, f"cannot connect any more: {error}") from error
            self._link = self._new_link(transport)
            self._has_link.set()
            return self._link
        return None

    def _has_proven_itself(self) -> bool:
        """
        Tell whether the link that is lost was good for as long as the longest wait.

        Less does not count: what breaks each link as soon as it is there would do so without end.
        """
        seconds = asyncio.get_running_loop().time() - self._linked_at
        was_used = any(app.state == "open" for app in self._apps.values())
        return was_used and seconds >= self.settings.backoff.max_seconds

    def _refuse(self, text: str) -> None:
        """
        Settle what was sent as the frame *text*, the largest, where the server takes none so large.

        It is that one or a smaller one that broke the link, and would break the next one, too.
        """
        for app in [*self._apps.values()]:
            app.refuse(text)

    async def _greet(self) -> None:
        """Have every login resume on the new link, or log in again."""
        try:
            async with asyncio.TaskGroup() as group:
                for app in self._apps.values():
                    group.create_task(self._bring_back(app))
        except* ConnectionLost:
            self.lose(ConnectionLost(ABNORMAL, "lost while logging in"))  # if it is not already
        except* TimeoutError:
            self.lose(ConnectionLost(ABNORMAL, "the server is silent"))

    async def _bring_back(self, app: App) -> None:
        """Greet for *app*, again and again where its credentials fail: the others go on."""
        for tries in itertools.count():
            try:
                await app.greet()
            except (ConnectionLost, TimeoutError):
                if app.state != "closed":
                    raise
            except Exception:
                log.exception("client_login_failed", application=app.name)
            if app.state != "suspended":
                return
            await asyncio.sleep(self.settings.backoff.delay(tries))

    def _close_soon(self, link: Link) -> None:
        closing = asyncio.create_task(link.close(), name="goroom client closing")
        self._old_links.add(closing)
        closing.add_done_callback(self._old_links.discard)

    def _probe(self) -> str:
        # Nothing may come between a RECONNECT and its answer: the server would take it for the
        # sign that the new token has arrived, and not let the attempt be repeated.
        for app in self._apps.values():
            if app.state == "open":
                # The server does not remember this one, so that it needs no id of a login.
                return written(EventType.JOIN_APP, appName=app.name, id=0)
        return ""

    def _receive(self, text: str) -> None:
        try:
            frame = Frame.read(text)
            app = self._app_of(frame)
            if app is not None:
                app.receive(frame)
        except ValueError as error:
            raise ConnectionLost(PROTOCOL_ERROR, f"an unreadable frame: {error}") from error

    def _app_of(self, frame: Frame) -> App | None:
        if frame.app_name:
            return self._apps.get(frame.app_name)
        # An endpoint bound to one application does not name it.
        return next(iter(self._apps.values()), None)
