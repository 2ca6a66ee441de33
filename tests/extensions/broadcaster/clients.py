"""What tests of the broadcaster share: a room of echoes, clients of its tongue, a Conn."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import TYPE_CHECKING, Any

from goroom_extensions.broadcaster import (
    Broadcaster,
    BroadcasterDialect,
    BroadcastRoom,
    Cast,
    Message,
    Response,
    handles_id,
)

from goroom import Limits, Server, User

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goroom.testing import Line, Stage

ALL, SELF, EXCLUSIVE, OTHERS = 1, 2, 3, 4


class Echo(BroadcastRoom):
    """Handlers 1 to 4 send the body back: to all, the sender, the sender by name, the others."""

    @handles_id(ALL)
    def to_all(self, user: User, message: Message) -> Response:
        return Response(message.body)

    @handles_id(SELF)
    def to_self(self, user: User, message: Message) -> Response:
        return Response(message.body, Cast.SELF)

    @handles_id(EXCLUSIVE)
    def to_sender_by_name(self, user: User, message: Message) -> list[Response]:
        return [Response(message.body, Cast.EXCLUSIVE, [user.name])]

    @handles_id(OTHERS)
    def to_others(self, user: User, message: Message) -> Response:
        return Response(message.body, Cast.OTHERS)


class HeadDialect(BroadcasterDialect):
    """The frames of the seed's newest source."""

    has_event_type = True


def echo_server(
    room: type[BroadcastRoom] = Echo,
    *,
    dialect: type[BroadcasterDialect] = BroadcasterDialect,
    limits: Limits | None = None,
) -> Server:
    """Return a server whose application ``echo`` has one *room*, and *dialect* at ``/``."""
    server = Server(limits=limits)
    server.add_application("echo", Broadcaster, rooms={"broadcaster": room})
    server.add_endpoint("/", "echo", dialect)
    server.add_endpoint("/goroom", "echo")
    return server


def frame(handler_id: object, body: bytes | None = b"", **keys: Any) -> str:
    """Return a client's frame."""
    text = None if body is None else base64.b64encode(body).decode()
    return json.dumps({"HandlerID": handler_id, "Body": text, **keys})


def body_of(message: Mapping[str, Any]) -> bytes | None:
    """Return the bytes in a Response's Body."""
    return None if message["Body"] is None else base64.b64decode(message["Body"])


async def heard(line: Line) -> list[dict[str, Any]]:
    """Return all frames that *line* has not taken yet."""
    return [json.loads(message) for message in await line.received()]


async def bodies(line: Line) -> list[bytes | None]:
    """Return the bodies of all Responses that *line* has not taken yet, other frames skipped."""
    return [body_of(message) for message in await heard(line) if "Body" in message]


class Client:
    """A client of the seed's form on a stage, its id known from its own plain event."""

    def __init__(self, line: Line, client_id: str) -> None:
        self.line = line
        self.id = client_id

    @classmethod
    async def connect(cls, stage: Stage) -> Client:
        """Connect; the plain event of its own coming is taken."""
        line = await stage.dial(BroadcasterDialect, "echo")
        added = json.loads(await line.receive())
        assert 1 == added["EventType"]
        return cls(line, added["ClientID"])

    def say(self, handler_id: object, body: bytes | None = b"", **keys: Any) -> None:
        """Send a message."""
        self.line.send(frame(handler_id, body, **keys))

    async def heard(self) -> list[dict[str, Any]]:
        """Return all frames that were not taken yet."""
        return await heard(self.line)


async def clients(stage: Stage, number: int) -> list[Client]:
    """Connect so many; the plain events of their coming are taken."""
    connected = [await Client.connect(stage) for _ in range(number)]
    for client in connected:
        await client.heard()
    return connected


class MemoryConn:
    """A `goroom.Conn` of which a test holds the other end; each of its ways may be made to fail."""

    def __init__(self) -> None:
        self.inbox: asyncio.Queue[bytes | Exception | None] = asyncio.Queue()
        self.sent: list[dict[str, Any]] = []
        self.is_closed = False
        self.takes = asyncio.Event()
        self.takes.set()
        self.send_error: Exception | None = None
        self.close_error: Exception | None = None

    async def receive(self) -> bytes | None:
        message = await self.inbox.get()
        if isinstance(message, Exception):
            raise message
        return message

    async def send(self, message: bytes) -> None:
        await self.takes.wait()
        if self.send_error is not None:
            raise self.send_error
        self.sent.append(json.loads(message))

    async def close(self) -> None:
        self.is_closed = True
        self.inbox.put_nowait(None)
        if self.close_error is not None:
            raise self.close_error

    def say(self, handler_id: object, body: bytes | None = b"") -> None:
        """Send a message to the server."""
        self.inbox.put_nowait(frame(handler_id, body).encode())

    @property
    def bodies(self) -> list[bytes | None]:
        """The bodies of all Responses so far."""
        return [body_of(message) for message in self.sent if "Body" in message]


def serve_conn(server: Server, conn: MemoryConn) -> asyncio.Task[None]:
    """Serve *conn* in a task, as a client of the application ``echo``."""
    return asyncio.create_task(server.serve(conn, BroadcasterDialect, "echo"))
