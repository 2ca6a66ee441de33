"""Server: maps names to applications and owns the connections. No sockets here."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import attrs
import structlog

from goroom import names
from goroom.application import Application
from goroom.connection import GOING_AWAY, Connection
from goroom.conns import Conn, ConnTransport
from goroom.errors import BadRequest
from goroom.extension import ApplicationExtension, RoomExtension
from goroom.limits import Limits
from goroom.outbox import Flusher
from goroom.peer import Peer
from goroom.runtime import Runtime

if TYPE_CHECKING:
    from goroom.outbox import Transport
    from goroom.wire.dialect import Dialect

log = structlog.get_logger()

TOO_LARGE = 1009
"""Close code for a message over the bound (RFC 6455 section 7.4.1)."""

MOST_FLUSH_SECONDS = 1.0
"""How long frames may be made to wait for others: who waits longer takes a server for gone."""

LOOK_SECONDS = 1.0
"""How often connections are looked after, at most."""


class Server:
    """
    Several applications, and the connections to them.

    Args:
        limits: Bounds of everything here; applications and endpoints may have their own.
        seed: Makes ids and authors' randomness repeatable; for tests only.
    """

    def __init__(self, *, limits: Limits | None = None, seed: int | None = None) -> None:
        self.limits = limits or Limits()
        self.runtime = Runtime(self.limits, seed=seed)
        self.is_mounted = False
        """Whether it is too late to add applications: paths were made of them, or they run."""
        self.is_running = False
        """Whether the applications' ``init`` have run."""
        self.is_stopping = False
        """Whether the end has begun: nothing more is read."""
        self._applications: dict[str, Application] = {}
        self._connections: dict[Connection, None] = {}
        self._ends: dict[Connection, asyncio.Task[None]] = {}
        """What ends connections whose sockets are gone."""
        self._dialects: dict[tuple[type[Dialect], str | None], Dialect] = {}
        """Those of clients without an endpoint; see `spoken`."""
        self._all_gone = asyncio.Event()
        self._look_timer: asyncio.TimerHandle | None = None

    @property
    def applications(self) -> Mapping[str, Application]:
        """The applications by name."""
        return MappingProxyType(self._applications)

    @property
    def connections(self) -> tuple[Connection, ...]:
        """The connections, oldest first."""
        return tuple(self._connections)

    def add_application(
        self,
        name: str,
        extension: type[ApplicationExtension] = ApplicationExtension,
        rooms: Mapping[str, type[RoomExtension[Any]]] | None = None,
        *,
        double_login: str = "refuse",
        limits: Limits | None = None,
        flush: Literal["turn"] | float = "turn",
    ) -> Application:
        """
        Add an application before the server starts.

        Args:
            name: What clients send as ``appName``.
            extension: Its rules.
            rooms: The classes of its rooms by kind.
            double_login: What a second login under one name does: ``"refuse"`` it, ``"replace"``
                the first (closed with 4509), or ``"allow:n"`` connections of one user.
            limits: Bounds of this application; the server's where None.
            flush: When frames are written to its connections: at the end of each ``"turn"`` of the
                event loop, or when they have waited for so many seconds, such as ``0.02``: fewer
                writes for more latency. A connection in several applications is written to as the
                most eager one asks.

        Raises:
            ValueError: There is one of this name, the name is none, or a policy is unknown.
            TypeError: A class is no extension class.
            RuntimeError: The server runs already.
        """
        if self.is_mounted:
            raise RuntimeError("add applications before setup(), make_app(), run() or start()")
        try:
            name = names.normalised(name, "name", self.limits.name_characters)
        except BadRequest as error:
            raise ValueError(f"{name!r} cannot be an application's name: {error}") from None
        if name in self._applications:
            raise ValueError(f"there is an application {name!r} already: choose another name")
        kinds = dict(rooms or {})
        _check_class(extension, ApplicationExtension)
        for kind in kinds.values():
            _check_class(kind, RoomExtension)
        application = Application(
            name,
            self.runtime,
            extension,
            kinds,
            double_login=double_login,
            limits=limits or self.limits,
            flusher=self.runtime.flusher if flush == "turn" else Flusher(_seconds(flush)),
        )
        self._applications[name] = application
        return application

    async def open(self) -> None:
        """
        Run ``init`` of every application, in the order they were added.

        Raises:
            Refused: One of them failed; the log says why.
            RuntimeError: The server runs already, or has run.
        """
        if self.is_running or self.is_stopping:
            raise RuntimeError("a server starts once: make a new one")
        self.is_mounted = True
        self.is_running = True
        try:
            for application in self._applications.values():
                await application.start()
        except BaseException:
            await self.close()  # what the others have begun
            raise
        log.info("server_started", applications=list(self._applications))

    def connect(
        self, transport: Transport, dialect: Dialect, peer: Peer, limits: Limits | None = None
    ) -> Connection:
        """
        Take a new connection; see `Connection` for what its transport owes it.

        Raises:
            RuntimeError: The server does not run.
        """
        if not self.is_running or self.is_stopping:
            raise RuntimeError("the server does not run: start it first")
        connection = Connection(self, transport, dialect, limits or self.limits, peer)
        self._connections[connection] = None
        self._all_gone.clear()
        if self._look_timer is None:
            self._look_later()
        return connection

    def spoken(self, dialect: type[Dialect], application: str | None) -> Dialect:
        """
        Return the one *dialect* of clients without an endpoint, so that it encodes once for all.

        Args:
            dialect: Its class.
            application: The application that it is bound to, or None.
        """
        key = dialect, application
        if key not in self._dialects:
            self._dialects[key] = dialect(application)
        return self._dialects[key]

    async def serve(
        self,
        conn: Conn,
        dialect: type[Dialect],
        application: str | None = None,
        *,
        limits: Limits | None = None,
        peer: Peer | None = None,
    ) -> None:
        """
        Serve one client over whatever carries its messages, until it is gone.

        It is in the same rooms as those behind WebSockets, in the same order, within the same
        bounds; a message over `Limits.message_bytes` closes it. There is no heartbeat: whether the
        client is still there, *conn* must find out.

        Args:
            conn: The client. It is closed when this returns.
            dialect: How its messages look.
            application: The only application it may be in; it has entered before it is read.
            limits: Its bounds; the server's where None.
            peer: Where it came from, and what it brought along.

        Raises:
            RuntimeError: The server does not run.
            ValueError: There is no such application.
        """
        if application is not None and application not in self._applications:
            raise ValueError(f"there is no application {application!r}: add it first")
        bounds = attrs.evolve(limits or self.limits, ping_seconds=None)
        spoken = self.spoken(dialect, application)
        transport = ConnTransport(conn)
        try:
            connection = self.connect(transport, spoken, peer or Peer(), bounds)
        except RuntimeError:
            transport.abort()
            await transport.closed()
            raise
        try:
            if application is not None:
                await connection.enter(self._applications[application])
            while (message := await transport.receive()) is not None:
                if len(message) > bounds.message_bytes:
                    connection.close(TOO_LARGE, f"over {bounds.message_bytes} bytes")
                    continue
                waiting = connection.receive(message, is_binary=spoken.binary)
                if waiting is not None or connection.outbox.is_over_bound():
                    await connection.finish(waiting)
        finally:
            connection.outbox.flush()
            transport.close()
            loop = asyncio.get_running_loop()
            giving_up = loop.call_later(bounds.close_seconds, transport.abort)
            await asyncio.shield(self.disconnect(connection))
            await transport.closed()
            giving_up.cancel()

    def disconnect(self, connection: Connection) -> asyncio.Task[None]:
        """The socket of *connection* is gone: end what it was, in a task, which is returned."""
        before = self._ends.get(connection)
        task = self._ends[connection] = self.runtime.turns.spawn(self._end(connection, before))
        return task

    async def _end(self, connection: Connection, before: asyncio.Task[None] | None) -> None:
        """End *connection*; where that has begun *before*, it is over when both are."""
        try:
            if before is not None:
                await asyncio.wait({before})
            await connection.end()
        finally:
            if self._ends.get(connection) is asyncio.current_task():
                del self._ends[connection]
                self._connections.pop(connection, None)
            if not self._connections:
                self._all_gone.set()

    async def close(self) -> None:
        """
        Stop: read no more, let running turns end, end every user, close every connection (1001).

        Running turns have `Limits.drain_seconds`, then they are dropped as by their time limit;
        waiting ones are dropped unanswered; every user ends with reason ``shutdown``.
        """
        if self.is_stopping:
            return
        self.is_stopping = True
        turns = self.runtime.turns
        for application in self._applications.values():
            application.turn_away()
        if not await turns.idle(self.limits.drain_seconds):
            turns.expire_all()
            if not await turns.idle(self.limits.close_seconds):
                turns.abandon_all()
        for application in self._applications.values():
            await application.stop()
        for connection in self.connections:
            connection.close(GOING_AWAY, "the server stops")
        await self._wait_for_connections()
        if self._look_timer is not None:
            self._look_timer.cancel()
            self._look_timer = None
        if not await turns.settle(self.limits.drain_seconds):
            log.error("tasks_stuck")
        turns.close()
        self.is_running = False
        log.info("server_stopped")

    async def _wait_for_connections(self) -> None:
        if not self._connections:
            return
        try:
            async with asyncio.timeout(self.limits.close_seconds + self.limits.drain_seconds):
                await self._all_gone.wait()
        except TimeoutError:
            # A handler that swallows its cancellation keeps them; a server must stop all the same.
            log.error("connections_stuck", connections=len(self._connections))  # noqa: TRY400 -- no news

    def _look_later(self) -> None:
        bounds = (self.limits.login_seconds, self.limits.ping_seconds, self.limits.pong_seconds)
        seconds = min(LOOK_SECONDS, *(bound / 4 for bound in bounds if bound is not None))
        loop = asyncio.get_running_loop()
        self._look_timer = loop.call_later(seconds, self._look)

    def _look(self) -> None:
        """Look after every connection; stop looking when there is none."""
        self._look_timer = None
        now = asyncio.get_running_loop().time()
        for connection in list(self._connections):
            connection.pulse.look(connection, now)
            # Its reader waits for a handler, and sees nothing else.
            if connection.is_handling and connection.transport.is_lost():
                connection.is_handling = False
                self.disconnect(connection)
        if self._connections:
            self._look_later()


def _seconds(flush: str | float) -> float:
    is_number = isinstance(flush, (int, float)) and not isinstance(flush, bool)
    if is_number and 0 < float(flush) <= MOST_FLUSH_SECONDS:
        return float(flush)
    raise ValueError(
        f'flush is "turn", or seconds up to {MOST_FLUSH_SECONDS}, such as 0.02: not {flush!r}'
    )


def _check_class(given: object, wanted: type) -> None:
    if not (isinstance(given, type) and issubclass(given, wanted)):
        raise TypeError(f"{given!r} is no {wanted.__name__}: give the class, not an instance")
