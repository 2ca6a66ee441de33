"""One room over every transport: WebSocket, a plain TCP stream, a Conn in memory, and goroom."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from goroom_extensions.broadcaster import BroadcasterDialect, Conn, serve_lines

import goroom
from goroom.client import connect
from tests.extensions.broadcaster.clients import (
    ALL,
    OTHERS,
    MemoryConn,
    body_of,
    echo_server,
    frame,
    serve_conn,
)
from tests.websocket import WebSocket

WAIT_SECONDS = 10.0
MESSAGES = 50


def test_the_conn_of_the_seed_is_that_of_goroom() -> None:
    assert Conn is goroom.Conn


async def until(conn: MemoryConn, number: int) -> list[dict[str, Any]]:
    """Wait until *conn* was sent so many Responses, and return them."""
    async with asyncio.timeout(WAIT_SECONDS):
        while len(conn.bodies) < number:  # noqa: ASYNC110 -- it tells nobody
            await asyncio.sleep(0)
    return [message for message in conn.sent if "Body" in message]


async def test_all_hear_all_in_one_order_whatever_carries_their_messages() -> None:
    server = echo_server()
    port = await server.start("127.0.0.1", 0)
    lines = await serve_lines(server, "echo", host="127.0.0.1")
    conn = MemoryConn()
    serving = serve_conn(server, conn)
    socket = await WebSocket.connect(f"ws://127.0.0.1:{port}/")
    reader, writer = await asyncio.open_connection(*lines.sockets[0].getsockname())
    async with connect(f"http://127.0.0.1:{port}/goroom", app="echo", name="bob") as app:
        room = await app.join("broadcaster")
        everybody = server.applications["echo"].rooms["broadcaster"].members
        async with asyncio.timeout(WAIT_SECONDS):
            while len(everybody) < 4:  # noqa: ASYNC110 -- it tells nobody
                await asyncio.sleep(0)
        for number in range(MESSAGES):
            socket.send_text(frame(ALL, b"socket %d" % number))
            writer.write(frame(ALL, b"line %d" % number).encode() + b"\n")
            conn.say(ALL, b"conn %d" % number)
            await room.request("1", {"Body": b"bob %d" % number})
        in_memory = await until(conn, 4 * MESSAGES)
        over_socket = await responses(socket_messages(socket), 4 * MESSAGES)
        over_line = await responses(stream_messages(reader), 4 * MESSAGES)
    socket.abort()
    writer.close()
    conn.inbox.put_nowait(None)
    await serving
    lines.close()
    await server.stop()
    await lines.wait_closed()

    assert in_memory == over_socket == over_line
    assert 4 == len({message["SenderID"] for message in in_memory})
    for name in (b"socket", b"line", b"conn", b"bob"):
        own = [body for message in in_memory if (body := body_of(message) or b"").startswith(name)]
        assert [name + b" %d" % number for number in range(MESSAGES)] == own


async def socket_messages(socket: WebSocket) -> Any:
    while True:
        yield json.loads(str(await socket.receive()))


async def stream_messages(reader: asyncio.StreamReader) -> Any:
    while True:
        async with asyncio.timeout(WAIT_SECONDS):
            yield json.loads(await reader.readline())


async def responses(messages: Any, number: int) -> list[dict[str, Any]]:
    """Return the next so many Responses of *messages*; plain events are skipped."""
    found: list[dict[str, Any]] = []
    while len(found) < number:
        message = await anext(messages)
        if "Body" in message:
            found.append(message)
    return found


async def test_what_is_for_others_is_encoded_once_and_heard_by_each_but_the_sender() -> None:
    server = echo_server()
    await server.start("127.0.0.1", 0)
    conns = [MemoryConn() for _ in range(3)]
    serving = [serve_conn(server, conn) for conn in conns]
    await asyncio.gather(*(until_added(conn, 3 - number) for number, conn in enumerate(conns)))
    conns[0].say(OTHERS, b"hello")
    conns[0].say(ALL, b"end")
    heard = [await until(conn, 1 + (conn is not conns[0])) for conn in conns]
    for conn in conns:
        conn.inbox.put_nowait(None)
    await asyncio.gather(*serving)
    await server.stop()

    assert [[b"end"], [b"hello", b"end"], [b"hello", b"end"]] == [
        [body_of(message) for message in each] for each in heard
    ]


async def until_added(conn: MemoryConn, number: int) -> None:
    """Wait until *conn* was told of so many who have come."""
    async with asyncio.timeout(WAIT_SECONDS):
        while len(conn.sent) < number:  # noqa: ASYNC110 -- it tells nobody
            await asyncio.sleep(0)


async def test_conns_of_one_dialect_share_one_instance() -> None:
    server = echo_server()
    await server.start("127.0.0.1", 0)
    conns = [MemoryConn() for _ in range(3)]
    serving = [serve_conn(server, conn) for conn in conns]
    await asyncio.gather(*(until_added(conn, 1) for conn in conns))
    dialects = {connection.dialect for connection in server.connections}
    await server.stop()
    await asyncio.gather(*serving)

    assert [BroadcasterDialect] == [type(dialect) for dialect in dialects]
    assert all(conn.is_closed for conn in conns)
