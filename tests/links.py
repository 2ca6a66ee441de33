"""Links to a server below its WebSockets, byte by byte: TCP, TLS, a file; and who serves them."""

from __future__ import annotations

import asyncio
import json
import struct
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from goroom import (
    ApplicationExtension,
    Connection,
    LeaveReason,
    Limits,
    Server,
    User,
    frame_reader,
    handles,
)
from tests.websocket import TEXT, WAIT_SECONDS, Closed, WebSocket

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable

LIMITS = Limits(drain_seconds=2.0, close_seconds=0.2)
BIG = 30_000
"""Characters of a big answer."""


@pytest.fixture(params=["taken over", "plain"])
def reading(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of the two ways to read."""
    if request.param == "plain":
        monkeypatch.setattr(frame_reader, "IS_USABLE", False)


@attrs.frozen
class Number:
    number: int = 0


class Post(ApplicationExtension):
    """Notes what reaches it, and waits where it is told to."""

    async def init(self) -> None:
        self.noted: list[int] = []
        self.hooks: list[str] = []
        self.open_door, self.goes_on = asyncio.Event(), asyncio.Event()
        self.open_door.set()
        self.has_come, self.waits = asyncio.Event(), asyncio.Event()

    async def on_connect(self, connection: Connection) -> None:
        self.has_come.set()
        await self.open_door.wait()

    async def on_disconnect(self, user: User, reason: LeaveReason) -> None:
        self.hooks.append(f"{user.name} {reason}")

    @handles("note", Number)
    def note(self, _user: User, message: Number) -> None:
        self.noted.append(message.number)

    @handles("wait")
    async def wait(self, _user: User) -> None:
        self.waits.set()
        await self.goes_on.wait()

    @handles("big")
    def big(self, _user: User) -> dict[str, str]:
        return {"text": "x" * BIG}

    @handles("interrupt")
    def interrupt(self, _user: User) -> None:
        raise KeyboardInterrupt


def post_server() -> Server:
    """Return a server with the application ``post``."""
    server = Server(limits=LIMITS)
    server.add_application("post", Post)
    return server


def post_of(server: Server) -> Post:
    """Return the extension of a started `post_server`."""
    extension = server.applications["post"].extension
    assert isinstance(extension, Post)
    return extension


@attrs.frozen
class Office:
    """A running `post_server`."""

    server: Server
    port: int

    @property
    def post(self) -> Post:
        """Its application's extension."""
        return post_of(self.server)

    @property
    def connection(self) -> Connection:
        """Its only connection."""
        [connection] = self.server.connections
        return connection


@asynccontextmanager
async def office() -> AsyncIterator[Office]:
    """Run a `post_server`; in the end nothing of its clients may be left."""
    server = post_server()
    running = Office(server, await server.start("127.0.0.1", 0))
    try:
        yield running
        running.post.goes_on.set()
        await nobody(server)
    finally:
        await server.stop()


# -- bytes -------------------------------------------------------------------------------------


def upgrade(
    path: str = "/post", *, method: str = "GET", version: str = "1.1", **headers: str
) -> bytes:
    """Return the request for a WebSocket; an underscore in a header's name is a dash."""
    fields = {
        "Host": "localhost",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Protocol": "goroom.json",
        **{name.replace("_", "-"): text for name, text in headers.items()},
    }
    lines = [f"{method} {path} HTTP/{version}", *(f"{key}: {text}" for key, text in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def masked(opcode: int, payload: bytes = b"", *, first_byte: int = 0x80) -> bytes:
    """Return a client's frame, masked with zeros; *first_byte* holds FIN and the reserved bits."""
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", first_byte | opcode, 0x80 | size)
    elif size < 2**16:
        head = struct.pack("!BBH", first_byte | opcode, 0xFE, size)
    else:
        head = struct.pack("!BBQ", first_byte | opcode, 0xFF, size)
    return head + bytes(4) + payload


def said(action: str, number: int) -> bytes:
    """Return the frame that says *action* to the application, with *number* as its id, too."""
    message = {"eventType": 11, "action": action, "id": number, "data": {"number": number}}
    return masked(TEXT, json.dumps(message).encode())


def login(name: str = "ada") -> bytes:
    """Return the frame that logs in, with the id 1."""
    message = {"eventType": 6, "id": 1, "data": {"username": name}}
    return masked(TEXT, json.dumps(message).encode())


# -- links -------------------------------------------------------------------------------------


async def dial(
    where: int | str, tls: ssl.SSLContext | None = None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a link to a port of this machine or a socket's file."""
    if isinstance(where, str):
        return await asyncio.open_unix_connection(where)
    return await asyncio.open_connection("127.0.0.1", where, ssl=tls)


async def opened(
    where: int | str, behind: bytes = b"", tls: ssl.SSLContext | None = None
) -> WebSocket:
    """Open a WebSocket, with *behind* in the same segment as its request."""
    reader, writer = await dial(where, tls)
    writer.write(upgrade() + behind)
    async with asyncio.timeout(WAIT_SECONDS):
        head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 "), head
    return WebSocket(reader, writer, "goroom.json")


async def answers(socket: WebSocket) -> tuple[list[int], Closed]:
    """Return the ids of all that comes, and how the link ends."""
    ids = []
    while not isinstance(message := await socket.receive(), Closed):
        frame: dict[str, Any] = json.loads(message)
        ids.append(frame["id"])
    return ids, message


async def until(condition: Callable[[], object]) -> None:
    """Wait until *condition* holds, of something that sets no event for tests."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not condition():  # noqa: ASYNC110 -- there is no event to wait for
            await asyncio.sleep(0)


async def nobody(server: Server) -> None:
    """Wait until *server* has no connection."""
    await until(lambda: not server.connections)
