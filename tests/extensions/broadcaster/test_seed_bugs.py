"""The bugs of go-message-broadcaster: each has a test of its name that fails if it comes back."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from goroom_extensions.broadcaster import (
    BroadcasterDialect,
    BroadcastRoom,
    Message,
    Response,
    handles_id,
    serve_lines,
)
from structlog.testing import capture_logs

from goroom import Limits, Refused, Server, User
from goroom.testing import Stage
from tests.extensions.broadcaster.clients import (
    ALL,
    Client,
    Echo,
    HeadDialect,
    MemoryConn,
    bodies,
    body_of,
    clients,
    echo_server,
    frame,
    serve_conn,
)
from tests.websocket import Closed, WebSocket

WAIT_SECONDS = 10.0


class Served:
    """An echo server on sockets: WebSockets and lines."""

    def __init__(self, server: Server, port: int, lines: int) -> None:
        self.server = server
        self.url = f"ws://127.0.0.1:{port}/"
        self.lines = lines
        self.clients: list[WebSocket] = []

    async def connect(self) -> WebSocket:
        """Connect a client by WebSocket; the event of its own coming is taken."""
        client = await WebSocket.connect(self.url)
        self.clients.append(client)
        assert 1 == json.loads(str(await client.receive()))["EventType"]
        return client


@asynccontextmanager
async def sockets(server: Server) -> AsyncIterator[Served]:
    """Serve *server* on free ports."""
    port = await server.start("127.0.0.1", 0)
    lines = await serve_lines(server, "echo", host="127.0.0.1")
    served = Served(server, port, lines.sockets[0].getsockname()[1])
    try:
        yield served
    finally:
        for client in served.clients:
            client.abort()
        lines.close()
        await server.stop()
        await lines.wait_closed()


async def next_body(client: WebSocket) -> bytes | None:
    """Return the body of the next Response; plain events are skipped."""
    while True:
        message = await client.receive()
        assert not isinstance(message, Closed), message
        value: dict[str, Any] = json.loads(message)
        if "Body" in value:
            return body_of(value)


async def next_bodies(client: WebSocket, number: int) -> list[bytes | None]:
    """Return the bodies of so many Responses."""
    return [await next_body(client) for _ in range(number)]


# -- an event handler that returns an error deadlocks the server ----------------------------------


def failing(error: Exception, *, later: bool) -> type[Echo]:
    class Failing(Echo):
        def on_client_added(self, user: User) -> Any:
            return self.fail_later() if later else self.fail()

        def on_client_deleted(self, user: User) -> Any:
            return self.fail_later() if later else self.fail()

        def fail(self) -> Response:
            raise error

        async def fail_later(self) -> Response:
            await asyncio.sleep(0)
            raise error

    return Failing


@pytest.mark.parametrize("error", [ValueError("broken"), Refused("no")])
@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize("dialect", [BroadcasterDialect, HeadDialect])
async def test_an_event_handler_that_returns_an_error(
    error: Exception, *, later: bool, dialect: type[BroadcasterDialect]
) -> None:
    async with Stage(echo_server(failing(error, later=later))) as stage:
        with capture_logs() as logs:
            ann = await stage.dial(dialect, "echo")
            bob = await stage.dial(dialect, "echo")
            await bob.close()
            await stage.settle()
            ann.send(frame(ALL, b"still here"))

            assert [b"still here"] == await bodies(ann)
        assert 3 == [entry["event"] for entry in logs].count("handler_failed")
        assert 1 == len(stage.server.applications["echo"].users)


# -- Done deadlocks the same way ------------------------------------------------------------------


async def test_done_while_clients_speak_and_event_handlers_fail() -> None:
    server = echo_server(failing(ValueError("broken"), later=True))
    with capture_logs():
        await done_while_all_speak(server)


async def done_while_all_speak(server: Server) -> None:
    async with Stage(server) as stage:
        everybody = await clients(stage, 20)
        room = stage.server.applications["echo"].rooms["broadcaster"]
        assert isinstance(room.extension, Echo)
        for client in everybody:
            client.say(ALL, b"hello")
        room.extension.done()
        await stage.settle()

        assert [1000] * 20 == [client.line.closed and client.line.closed[0] for client in everybody]
        assert () == stage.server.connections
        assert {} == stage.server.applications["echo"].users


async def test_done_stops_clients_of_every_transport() -> None:
    async with sockets(echo_server()) as served:
        ann, conn = await served.connect(), MemoryConn()
        serving = serve_conn(served.server, conn)
        reader, writer = await asyncio.open_connection("127.0.0.1", served.lines)
        assert 1 == json.loads(await reader.readline())["EventType"]
        room = served.server.applications["echo"].rooms["broadcaster"]
        assert isinstance(room.extension, Echo)
        room.extension.done()

        async with asyncio.timeout(WAIT_SECONDS):
            while not isinstance(ended := await ann.receive(), Closed):
                pass
            await reader.read()
            await serving
        writer.close()
        assert (1000, True) == (ended.code, conn.is_closed)


# -- so does a connection whose Close fails -------------------------------------------------------


async def test_a_connection_whose_close_fails() -> None:
    async with Stage(echo_server()) as stage:
        ann, conn = await Client.connect(stage), MemoryConn()
        conn.close_error = OSError("cannot be closed")
        serving = serve_conn(stage.server, conn)
        await stage.settle()
        conn.inbox.put_nowait(None)
        await stage.settle()
        ann.say(ALL, b"still here")

        assert serving.done()
        assert serving.exception() is None
        assert [b"still here"] == await bodies(ann.line)
        assert [ann.id] == list(stage.server.applications["echo"].users)


# -- a write that fails while its client is being removed: two clients that close at once ---------


async def test_a_write_that_fails_while_its_client_is_being_removed() -> None:
    async with Stage(echo_server()) as stage:
        ann, conns = await Client.connect(stage), [MemoryConn() for _ in range(10)]
        serving = [serve_conn(stage.server, conn) for conn in conns]
        await stage.settle()
        for conn in conns:
            conn.takes.clear()
        ann.say(ALL, b"hello")  # is being written to each of them
        await ann.heard()
        for conn in conns:
            conn.inbox.put_nowait(None)  # and each is told of the others' going
        await stage.settle()
        for conn in conns:
            conn.send_error = BrokenPipeError("gone")
            conn.takes.set()
        await stage.settle()
        ann.say(ALL, b"still here")

        assert [None] * 10 == [done.exception() for done in serving]
        assert [b"still here"] == await bodies(ann.line)
        assert [ann.id] == list(stage.server.applications["echo"].users)


async def test_a_write_that_fails_before_anybody_has_read_that_its_client_is_gone() -> None:
    async with Stage(echo_server()) as stage:
        ann, conn = await Client.connect(stage), MemoryConn()
        serving = serve_conn(stage.server, conn)
        await stage.settle()
        conn.send_error = BrokenPipeError("gone")
        ann.say(ALL, b"hello")
        await stage.settle()

        assert serving.done()
        assert [2] == [message["EventType"] for message in (await ann.heard())[2:]]


async def test_two_clients_that_close_at_once() -> None:
    async with sockets(echo_server()) as served:
        witness = await served.connect()
        for _ in range(20):
            ann, bob = await served.connect(), await served.connect()
            await asyncio.gather(ann.close(), bob.close())
        witness.send_text(frame(ALL, b"still here"))

        assert b"still here" == await next_body(witness)


async def test_two_clients_that_are_cut_at_once_while_they_are_written_to() -> None:
    async with sockets(echo_server()) as served:
        witness = await served.connect()
        for number in range(20):
            ann, bob = await served.connect(), await served.connect()
            witness.send_text(frame(ALL, str(number).encode()))
            ann.abort()
            bob.abort()

            assert str(number).encode() == await next_body(witness)


# -- a read error that is not EOF loops for ever, and the client is never removed -----------------


def reset(raw: socket.socket) -> None:
    """Have *raw* closed with a reset instead of an end."""
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.parametrize("lines", [False, True])
async def test_a_connection_reset(*, lines: bool) -> None:
    async with sockets(echo_server()) as served:
        witness = await served.connect()
        if lines:
            reader, writer = await asyncio.open_connection("127.0.0.1", served.lines)
            assert 1 == json.loads(await reader.readline())["EventType"]
        else:
            writer = (await served.connect())._writer
        added = json.loads(str(await witness.receive()))
        reset(writer.get_extra_info("socket"))
        writer.transport.abort()
        deleted = json.loads(str(await witness.receive()))

        assert {**added, "EventType": 2} == deleted
        assert 1 == len(served.server.applications["echo"].users)


@pytest.mark.parametrize("error", [ConnectionResetError(), EOFError(), ValueError("broken")])
async def test_a_conn_that_fails_to_receive(error: Exception) -> None:
    async with Stage(echo_server()) as stage:
        ann, conn = await Client.connect(stage), MemoryConn()
        serving = serve_conn(stage.server, conn)
        await stage.settle()
        conn.inbox.put_nowait(error)
        await stage.settle()

        assert serving.done()
        assert conn.is_closed
        assert [1, 2] == [message["EventType"] for message in await ann.heard()]


# -- a frame that fails to decode still runs its handler ------------------------------------------


@pytest.mark.parametrize(
    "message",
    [
        '{"HandlerID":1,"Body":"no base64!"}',
        '{"HandlerID":1,"Body":5}',
        '{"HandlerID":1,"SenderID":5,"Body":""}',
        '{"HandlerID":1,"Body":"aGk="',
        '{"HandlerID":1,"HandlerID":"1"}',
        '{"HandlerID":1}{"HandlerID":1}',
    ],
)
async def test_a_frame_that_fails_to_decode_never_runs_its_handler(message: str) -> None:
    calls: list[Message] = []

    class Counting(BroadcastRoom):
        @handles_id(1)
        def count(self, user: User, message: Message) -> None:
            calls.append(message)

    async with Stage(echo_server(Counting)) as stage:
        ann = await Client.connect(stage)
        ann.line.send(message)
        ann.say(1, b"good")
        await stage.settle()

        assert [Message(1, b"good")] == calls
        assert ann.line.closed is None


# -- a goroutine per send: messages are reordered, and leak ---------------------------------------


async def test_1000_messages_of_two_clients_arrive_in_one_order() -> None:
    class Wavering(BroadcastRoom):
        @handles_id(1)
        async def echo(self, user: User, message: Message) -> Response:
            for _ in range(len(message.body or b"") % 3):
                await asyncio.sleep(0)
            return Response(message.body)

    async with sockets(echo_server(Wavering)) as served:
        ann, bob, eve = [await served.connect() for _ in range(3)]
        texts = [f"{number:x}".encode() for number in range(1000)]
        for text in texts:
            ann.send_text(frame(1, b"a" + text))
            bob.send_text(frame(1, b"b" + text))
        heard = await asyncio.gather(*(next_bodies(client, 2000) for client in (ann, bob, eve)))

    assert heard[0] == heard[1] == heard[2]
    for letter in (b"a", b"b"):
        own = [body for body in heard[0] if body is not None and body.startswith(letter)]
        assert [letter + text for text in texts] == own


async def test_sending_leaves_no_task_behind() -> None:
    async with Stage(echo_server()) as stage:
        ann, _ = await clients(stage, 2)
        before = asyncio.all_tasks()
        for _ in range(1000):
            ann.say(ALL, b"hello")
        await stage.settle()

        assert before == asyncio.all_tasks()


# -- one slow message handler blocks every client -------------------------------------------------


class Slow(Echo):
    @handles_id(10)
    async def think(self, user: User, message: Message) -> Response:
        await asyncio.sleep(3)
        return Response(message.body)


async def test_one_slow_message_handler_blocks_nobody_else() -> None:
    async with Stage(echo_server(Slow)) as stage:
        ann, bob = await clients(stage, 2)
        ann.say(10, b"slow")
        ann.say(ALL, b"after it")
        await stage.settle()
        bob.say(ALL, b"quick")

        assert [b"quick"] == await bodies(bob.line)
        assert [b"quick"] == await bodies(ann.line)
        eve = await Client.connect(stage)
        await bob.line.close()
        await stage.advance(3)

        # Each client's own messages stay in their order.
        assert [b"slow", b"after it"] == await bodies(ann.line)
        assert [b"slow", b"after it"] == await bodies(eve.line)


async def test_a_message_handler_that_never_ends_is_given_up() -> None:
    class Endless(Echo):
        @handles_id(10)
        async def wait(self, user: User, message: Message) -> None:
            await asyncio.Event().wait()

    async with Stage(echo_server(Endless)) as stage:
        (ann,) = await clients(stage, 1)
        ann.say(10)
        ann.say(ALL, b"next")
        await stage.advance(stage.server.limits.handler_seconds + 1)

        assert [b"next"] == await bodies(ann.line)


# -- no limits ------------------------------------------------------------------------------------


async def test_a_message_over_the_limit_closes_its_connection() -> None:
    async with sockets(echo_server(limits=Limits(message_bytes=1000))) as served:
        ann = await served.connect()
        ann.send_text(frame(ALL, b"x").ljust(1000))
        assert b"x" == await next_body(ann)
        ann.send_text(frame(ALL, b"x").ljust(1001))

        assert Closed(1009) == Closed((await closed(ann)).code)


async def closed(client: WebSocket) -> Closed:
    while not isinstance(message := await client.receive(), Closed):
        pass
    return message


async def test_a_room_has_a_capacity() -> None:
    class Small(Echo):
        max_users = 2

    async with Stage(echo_server(Small)) as stage:
        ann, bob = await clients(stage, 2)
        late = await stage.dial(BroadcasterDialect, "echo")

        assert (4501, "refused") == late.closed
        assert [ann.id, bob.id] == list(stage.server.applications["echo"].users)
        assert [] == [*await ann.heard(), *await bob.heard()]


async def test_a_client_that_does_not_read_is_closed_and_blocks_nobody() -> None:
    limits = Limits(outbox_frames=16)
    async with Stage(echo_server(limits=limits)) as stage:
        ann, deaf = await clients(stage, 2)
        deaf.line.wire.stop_reading()  # type: ignore[attr-defined]  # a wire in memory has it
        with capture_logs() as logs:
            for number in range(200):
                ann.say(ALL, str(number).encode())
                assert [str(number).encode()] == await bodies(ann.line)
            await stage.advance(limits.close_seconds + 1)

        assert "slow_consumer_closed" in [entry["event"] for entry in logs]
        assert [2] == [message["EventType"] for message in await ann.heard()]
