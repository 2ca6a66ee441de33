"""A server on a real socket, clients of it, and a link in memory for what no server sends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import msgspec
import pytest
from aiohttp import web

import goroom
from goroom.client import App, Backoff, Connection, connect
from goroom.client.stream import Settings
from goroom.errors import ConnectionLost
from goroom.testing import Clock
from tests.client.worlds import Desk, Hall

WAIT_SECONDS = 10.0
"""How long a test waits for what must come: far beyond what a busy machine needs."""


async def next_of(events: Any) -> Any:
    """Return the next event of a room, an application or a list."""
    async with asyncio.timeout(WAIT_SECONDS):
        return await anext(aiter(events))


async def rest_of(events: Any) -> list[Any]:
    """Return all events up to the end of the loop."""
    async with asyncio.timeout(WAIT_SECONDS):
        return [event async for event in events]


def hold(clock: Clock, seconds: float) -> None:
    """Let time pass in which nothing happens: the loop is held."""
    clock._now += seconds


@pytest.fixture
async def clock() -> AsyncIterator[Clock]:
    """The loop's time, stopped."""
    clock = Clock().install()
    yield clock
    clock.remove()


class Site:
    """A running server and the clients that a test has opened to it."""

    def __init__(self, server: goroom.Server, url: str, clients: AsyncExitStack) -> None:
        self.server = server
        self.url = url
        self._clients = clients

    async def login(self, name: str, app: str = "test", **options: Any) -> App:
        """Open a connection and log in; it is closed when the test ends."""
        opening = connect(self.url, app=app, name=name, **options)
        return await self._clients.enter_async_context(opening)

    def hall(self, name: str = "hall") -> Any:
        """Return the extension of a hall of the application ``test``."""
        return self.server.applications["test"].rooms[name].extension


@pytest.fixture
async def serve(aiohttp_server: Any) -> AsyncIterator[Callable[..., Any]]:
    """Return a function that serves the applications ``test`` and ``other``."""
    async with AsyncExitStack() as clients:

        async def serve(**options: Any) -> Site:
            server = goroom.Server()
            server.add_application("test", Desk, rooms={"hall": Hall}, **options)
            server.add_application("other", Desk, rooms={"hall": Hall})
            site = web.Application()
            goroom.setup(site, server, path="/")
            running = await aiohttp_server(site)
            return Site(server, f"ws://{running.host}:{running.port}/", clients)

        yield serve


@pytest.fixture
async def site(serve: Callable[..., Any]) -> Site:
    """The server with its defaults."""
    served: Site = await serve()
    return served


class Wire:
    """A `Transport` in memory: the test is the server."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        """The frames of the client."""
        self.closed_with: tuple[int, str] | None = None
        self._coming: asyncio.Queue[str | ConnectionLost] = asyncio.Queue()
        self._sent_more = asyncio.Event()

    async def send(self, text: str) -> None:
        self.sent.append(msgspec.json.decode(text))
        self._sent_more.set()

    async def receive(self) -> str:
        frame = await self._coming.get()
        if isinstance(frame, ConnectionLost):
            raise frame
        return frame

    async def close(self, code: int = 1000, reason: str = "") -> None:
        if self.closed_with is None:
            self.closed_with = (code, reason)
            self.lose(code, reason)

    def push(self, event_type: int, data: Any = None, **keys: Any) -> None:
        """Send one frame to the client."""
        frame = {"eventType": event_type, "appName": "test", **keys}
        if data is not None:
            frame["data"] = data
        self.push_text(msgspec.json.encode(frame).decode())

    def push_text(self, text: str) -> None:
        """Send any text to the client."""
        self._coming.put_nowait(text)

    def lose(self, code: int, reason: str = "") -> None:
        """Cut the link."""
        self._coming.put_nowait(ConnectionLost(code, reason))

    async def frame(self, number: int) -> dict[str, Any]:
        """Return the client's frame *number* from 0, once it is sent."""
        async with asyncio.timeout(WAIT_SECONDS):
            while len(self.sent) <= number:
                self._sent_more.clear()
                await self._sent_more.wait()
        return self.sent[number]

    async def login(self, connection: Connection) -> App:
        """Log ada in to the application ``test``."""
        data = {"appName": "test", "userName": "ada", "userId": "1", "epoch": "e", "seq": 4}
        self.push(6, {**data, "token": "one", "rooms": []}, id=1)
        return await connection.login("test", name="ada")


class Network:
    """Where a connection gets its links in memory: the test is the server on each `Wire`."""

    def __init__(self) -> None:
        self.wires: list[Wire] = []
        self.dialled = 0
        """How often a link was asked for."""
        self.is_down = False
        self.way = asyncio.Event()
        """Links open while it is set, as at first."""
        self.way.set()
        self._dialled_more = asyncio.Event()

    async def dial(self) -> Wire:
        """Return a new link."""
        self.dialled += 1
        self._dialled_more.set()
        await self.way.wait()
        if self.is_down:
            raise ConnectionLost(1006, "the network is down")
        self.wires.append(Wire())
        return self.wires[-1]

    async def wire(self, number: int) -> Wire:
        """Return link *number* from 0, once the client has dialled it."""
        await self._until(lambda: len(self.wires) > number)
        return self.wires[number]

    async def dialled_times(self, number: int) -> None:
        """Wait until links have been asked for so often."""
        await self._until(lambda: self.dialled >= number)

    async def _until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_SECONDS):
            while not is_so():
                self._dialled_more.clear()
                await self._dialled_more.wait()


@pytest.fixture
async def wire() -> Wire:
    """A link in memory."""
    return Wire()


@pytest.fixture
async def connection(wire: Wire) -> AsyncIterator[Connection]:
    """A connection over the link in memory, which does not come back."""
    connection = Connection(wire)
    yield connection
    await connection.close()


@pytest.fixture
async def network() -> Network:
    """Links in memory."""
    return Network()


@pytest.fixture
async def lasting(network: Network) -> AsyncIterator[Connection]:
    """A connection that comes back at once, over links in memory."""
    settings = Settings(backoff=Backoff(min_seconds=0, max_seconds=0))
    connection = Connection(await network.dial(), settings, dial=network.dial)
    yield connection
    await connection.close()
