"""Stage: a server, a clock and players in memory. No socket, no sleep."""

from __future__ import annotations

import asyncio
from collections import deque
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from goroom.peer import Peer
from goroom.testing.clock import Clock
from goroom.testing.line import Line
from goroom.testing.player import SHORT, Player
from goroom.web import DIALECTS
from goroom.wire import dialects_for
from goroom.wire.frames import BINARY, CLOSE, PING, PONG, TEXT, unframed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from goroom.connection import Connection
    from goroom.limits import Limits
    from goroom.server import Server
    from goroom.wire import Dialect

CLOSING_STEP_SECONDS = 0.25
MOST_CLOSING_SECONDS = 300.0
ABNORMAL = 1006
"""What a peer sees where no close frame came (RFC 6455 section 7.4.1)."""


class MemoryTransport:
    """The server's end of a link in memory: what it writes, the player at the other end takes."""

    def __init__(self, wire: MemoryWire) -> None:
        self._wire = wire
        self._held = bytearray()
        self._drained = asyncio.Event()
        self._drained.set()
        self.is_read = True
        """Whether the player takes what is written."""

    def write(self, data: bytes) -> bool:
        if self._wire.closed is None:
            self._held += data
            if self.is_read:
                self.take()
            else:
                self._drained.clear()
        return len(self._held) > 0

    def buffered(self) -> int:
        return len(self._held)

    def is_lost(self) -> bool:
        return self._wire.closed is not None

    async def drained(self) -> None:
        await self._drained.wait()
        if self._held:
            raise ConnectionResetError

    def close(self) -> None:
        self._wire.end(ABNORMAL, "")

    def abort(self) -> None:
        self._wire.end(ABNORMAL, "")

    def gone(self) -> None:
        """Wake what waits for the peer: it will take nothing more."""
        self._drained.set()

    def take(self) -> None:
        """Hand all complete frames to the player."""
        held, self._held = bytes(self._held), bytearray()
        for opcode, payload in unframed(held):
            self._wire.take(opcode, payload)
        self._drained.set()


class MemoryWire:
    """
    The player's end of a link in memory.

    It answers pings and closes by itself, as every WebSocket library does, unless it has stopped
    reading.
    """

    def __init__(self, server: Server, clock: Clock) -> None:
        self._server = server
        self._clock = clock
        self._inbox: asyncio.Queue[tuple[bytes, bool] | None] = asyncio.Queue()
        self._messages: deque[bytes] = deque()
        self._reader: asyncio.Task[None] | None = None
        self.connection: Connection | None = None
        self.transport = MemoryTransport(self)
        self.closed: tuple[int, str] | None = None
        self.answers_pings = True

    def serve(self, connection: Connection, application: str | None) -> None:
        """Have the server read from here, one message after the other, as the aiohttp edge does."""
        self.connection = connection
        self._reader = asyncio.get_running_loop().create_task(self._read(connection, application))

    async def _read(self, connection: Connection, application: str | None) -> None:
        try:
            if application is not None:
                await connection.enter(self._server.applications[application])
            while (item := await self._inbox.get()) is not None:
                message, is_binary = item
                waiting = connection.receive(message, is_binary=is_binary)
                if waiting is not None or connection.outbox.is_over_bound():
                    await connection.finish(waiting)
        finally:
            await asyncio.shield(self._server.disconnect(connection))

    def take(self, opcode: int, payload: bytes) -> None:
        """Take one frame of the server."""
        if opcode in {TEXT, BINARY}:
            self._messages.append(payload)
        elif opcode == CLOSE:
            self.end(int.from_bytes(payload[:2], "big"), payload[2:].decode())
        elif opcode == PING:
            if self.answers_pings and self.connection is not None:
                self.connection.ponged(payload)
        elif opcode != PONG:
            raise AssertionError(f"the server wrote a frame of opcode {opcode}")

    def end(self, code: int, reason: str) -> None:
        """The link is closed; what the player has received can still be read."""
        if self.closed is None:
            self.closed = code, reason
            self.transport.gone()
            self._inbox.put_nowait(None)

    def send(self, message: bytes, *, is_binary: bool) -> None:
        if self.closed is None:
            self._inbox.put_nowait((message, is_binary))

    async def receive(self, *, waits: bool = True) -> bytes | None:
        if waits and not self._messages:
            await self.settle()
        return self._messages.popleft() if self._messages else None

    async def settle(self) -> None:
        await self._clock.settle()

    async def close(self, code: int = 1000) -> None:
        self.end(code, "")
        await self._clock.settle()

    async def cut(self) -> None:
        self.end(ABNORMAL, "")
        await self._clock.settle()

    def stop_reading(self) -> None:
        """Take nothing more, as a client that hangs."""
        self.transport.is_read = False

    def read_again(self) -> None:
        """Take all that was held, and what comes."""
        self.transport.is_read = True
        self.transport.take()

    def cancel(self) -> None:
        """Give the reading task up: the server does not end it."""
        if self._reader is not None:
            self._reader.cancel()

    async def stop(self) -> None:
        """End the reading task."""
        self.end(ABNORMAL, "")
        if self._reader is not None:
            await self._reader


class Stage:
    """
    A server, a clock and players in memory.

    ::

        async with Stage(server) as stage:
            ada = await stage.player("ada", app="tictactoe")
            await ada.join(kind="table")
            await ada.request("move", {"square": 4})
            await stage.advance(30)

    Args:
        server: With its applications added, not started; the stage starts and stops it.
    """

    def __init__(self, server: Server) -> None:
        self.server = server
        for application in server.applications.values():
            application.flusher = server.runtime.flusher  # a test is not to wait for latency
        self.clock = Clock(lambda: server.runtime.turns.threads_busy > 0)
        self._wires: list[MemoryWire] = []

    async def __aenter__(self) -> Self:
        self.clock.install()
        try:
            await self.server.open()
        except BaseException:
            self.clock.remove()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """
        Stop the server, turning the clock where it waits for handlers that hang.

        Raises:
            RuntimeError: It does not stop, however late it gets.
        """
        stopping = asyncio.get_running_loop().create_task(self.server.close())
        passed = 0.0
        await self.clock.settle()
        while not stopping.done() and passed < MOST_CLOSING_SECONDS:
            await self.clock.advance(CLOSING_STEP_SECONDS)
            passed += CLOSING_STEP_SECONDS
        self.clock.remove()
        if not stopping.done():
            stopping.cancel()
            for wire in self._wires:
                wire.cancel()
            raise RuntimeError(f"the server has not stopped after {passed:.0f} s of its time")
        for wire in self._wires:
            await wire.stop()
        await stopping

    async def settle(self) -> None:
        """Let everything happen that needs no time."""
        await self.clock.settle()

    async def advance(self, seconds: float) -> None:
        """Turn the clock: timers tick, limits run out, authors' sleeps end."""
        await self.clock.advance(seconds)

    async def connect(
        self,
        *,
        app: str = "",
        application: str | None = None,
        subprotocol: str | None = SHORT,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        cookies: Mapping[str, str] | None = None,
    ) -> Player:
        """
        Connect a client that is logged in nowhere.

        Args:
            app: The application that its requests name.
            application: The application that its endpoint is bound to, if it is.
            subprotocol: ``goroom.json``, ``goroom.msgpack``, or None for the full form.
            headers: Headers of its upgrade request.
            query: Query of its URL.
            cookies: Its cookies.
        """
        peer = _peer(headers, query, cookies)
        dialect = dialects_for(DIALECTS, application)[subprotocol]

        async def dial() -> MemoryWire:
            return await self._dial(dialect, peer, self.server.limits)

        player = Player(await dial(), subprotocol, application, dial)
        player.app = application or app
        return player

    async def dial(
        self,
        dialect: type[Dialect],
        application: str | None = None,
        *,
        limits: Limits | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        cookies: Mapping[str, str] | None = None,
    ) -> Line:
        """
        Connect a client of any *dialect*, as if there were an endpoint of it.

        Args:
            dialect: How its messages look.
            application: The application that the endpoint is bound to, if it is.
            limits: The endpoint's bounds; the server's where None. Sizes of messages do not count.
            headers: Headers of its upgrade request.
            query: Query of its URL.
            cookies: Its cookies.
        """
        spoken = self.server.spoken(dialect, application)
        peer = _peer(headers, query, cookies)
        wire = await self._dial(spoken, peer, limits or self.server.limits)
        return Line(wire, is_binary=dialect.binary)

    async def _dial(self, dialect: Dialect, peer: Peer, limits: Limits) -> MemoryWire:
        wire = MemoryWire(self.server, self.clock)
        connection = self.server.connect(wire.transport, dialect, peer, limits)
        wire.serve(connection, dialect.application)
        self._wires.append(wire)
        await self.settle()
        return wire

    async def player(self, name: str, *, app: str | None = None, **options: Any) -> Player:
        """
        Connect a client and log it in.

        Args:
            name: Who it is.
            app: The application; may be left out where there is only one.
            options: As for `connect`; all others are credentials of the LOGIN.

        Raises:
            RequestRefused: The server refused it.
        """
        return await log_in(self, name, app, options)


def _peer(
    headers: Mapping[str, str] | None,
    query: Mapping[str, str] | None,
    cookies: Mapping[str, str] | None,
) -> Peer:
    return Peer(
        remote="memory",
        headers=MappingProxyType(dict(headers or {})),
        query=MappingProxyType(dict(query or {})),
        cookies=MappingProxyType(dict(cookies or {})),
    )


CONNECT_OPTIONS = frozenset({"application", "subprotocol", "headers", "query", "cookies"})


async def log_in(stage: Any, name: str, app: str | None, options: dict[str, Any]) -> Player:
    """Connect to *stage* and log in; what is no option of ``connect`` is a credential."""
    connecting = {key: options.pop(key) for key in CONNECT_OPTIONS & options.keys()}
    if app is None and connecting.get("application") is None:
        names = list(stage.server.applications)
        if len(names) != 1:
            raise TypeError(f"say which application: app= one of {names}")
        app = names[0]
    player: Player = await stage.connect(app=app or "", **connecting)
    await player.login(name, **options)
    return player
