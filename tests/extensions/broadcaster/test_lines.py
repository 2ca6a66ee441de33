"""Lines: clients over plain TCP in the same room, bounded, and gone when they are gone."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from goroom_extensions.broadcaster import LineConn, serve_lines
from structlog.testing import capture_logs

from goroom import Limits, Server
from tests.extensions.broadcaster.clients import ALL, body_of, echo_server, frame

WAIT_SECONDS = 10.0


class LineClient:
    """A TCP client that sends and reads lines."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def say(self, handler_id: int, body: bytes = b"") -> None:
        self.writer.write(frame(handler_id, body).encode() + b"\n")

    async def hear(self) -> dict[str, Any]:
        """Return the next frame."""
        async with asyncio.timeout(WAIT_SECONDS):
            line = await self.reader.readline()
        assert line.endswith(b"\n"), line
        message: dict[str, Any] = json.loads(line)
        return message

    async def gone(self) -> bool:
        """Wait until the server has closed; return whether it said anything before."""
        async with asyncio.timeout(WAIT_SECONDS):
            try:
                return await self.reader.read() == b""
            except ConnectionError:
                return True

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


class World:
    """A server with a line port."""

    def __init__(self, server: Server, lines: asyncio.Server) -> None:
        self.server = server
        self.lines = lines
        self.port: int = lines.sockets[0].getsockname()[1]
        self.clients: list[LineClient] = []

    async def connect(self) -> LineClient:
        """Connect a client; the event of its own coming is taken."""
        client = LineClient(*await asyncio.open_connection("127.0.0.1", self.port))
        self.clients.append(client)
        assert 1 == (await client.hear())["EventType"]
        return client

    async def until_alone(self) -> None:
        """Wait until the server has no connection."""
        async with asyncio.timeout(WAIT_SECONDS):
            while self.server.connections:  # noqa: ASYNC110 -- it tells nobody
                await asyncio.sleep(0)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    server = echo_server(limits=Limits(message_bytes=1000))
    await server.start("127.0.0.1", 0)
    lines = await serve_lines(server, "echo", host="127.0.0.1")
    made = World(server, lines)
    yield made
    lines.close()
    await server.stop()
    for client in made.clients:
        await client.close()
    await lines.wait_closed()


async def test_two_clients_over_tcp_hear_each_other(world: World) -> None:
    ann, bob = await world.connect(), await world.connect()
    assert 1 == (await ann.hear())["EventType"]
    ann.say(ALL, b"hello")

    assert [b"hello", b"hello"] == [body_of(await client.hear()) for client in (ann, bob)]


async def test_lines_may_come_in_pieces_or_several_at_once_and_blank_ones_say_nothing(
    world: World,
) -> None:
    ann = await world.connect()
    whole = "\n".join([frame(ALL, b"1"), "", " \r", frame(ALL, b"2") + "\r", frame(ALL, b"3")])
    with capture_logs() as logs:
        for start in range(0, len(whole), 7):
            ann.writer.write(whole[start : start + 7].encode())
            await ann.writer.drain()
        ann.writer.write_eof()  # the last line lacks its newline

        assert [b"1", b"2", b"3"] == [body_of(await ann.hear()) for _ in range(3)]
    assert "request_refused" not in [entry["event"] for entry in logs]


async def test_a_client_that_closes_is_gone_and_the_others_know(world: World) -> None:
    ann, bob = await world.connect(), await world.connect()
    added = await ann.hear()
    await bob.close()

    assert {"EventType": 2, "ClientID": added["ClientID"]} == await ann.hear()


async def test_a_line_of_the_limit_is_read_and_a_longer_one_ends_the_client(world: World) -> None:
    ann = await world.connect()
    line = frame(ALL, b"x").encode()
    ann.writer.write(line.ljust(1000) + b"\n")
    assert b"x" == body_of(await ann.hear())
    with capture_logs() as logs:
        ann.writer.write(b"x" * 100_000)

        assert await ann.gone()
    assert "line_too_long" in [entry["event"] for entry in logs]
    await world.until_alone()


async def test_a_client_that_does_not_read_is_ended_and_blocks_nobody(world: World) -> None:
    deaf, ann = await world.connect(), await world.connect()
    deaf.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a socket's transport
    limit = world.server.limits.outbox_bytes
    with capture_logs() as logs:
        async with asyncio.timeout(60):
            while "slow_consumer_closed" not in [entry["event"] for entry in logs]:
                for _ in range(limit // 100_000):
                    ann.say(ALL, b"x" * 600)
                    assert 600 == len(body_of(await ann.hear()) or b"")
    async with asyncio.timeout(WAIT_SECONDS):
        while (await ann.hear()).get("EventType") != 2:
            pass

    assert 1 == len(world.server.connections)


async def test_a_web_page_that_sends_a_form_to_the_port_is_not_heard(world: World) -> None:
    page, ann = await world.connect(), await world.connect()
    assert 1 == (await page.hear())["EventType"]
    with capture_logs() as logs:
        page.writer.write(b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        page.say(ALL, b"hello")

        assert await page.gone()
    assert "http_on_lines" in [entry["event"] for entry in logs]
    assert 2 == (await ann.hear())["EventType"]
    ann.say(ALL, b"me")
    assert b"me" == body_of(await ann.hear())


async def test_no_port_is_opened_for_an_application_that_is_not_there(world: World) -> None:
    with pytest.raises(ValueError, match="no application 'other'"):
        await serve_lines(world.server, "other")


async def test_who_comes_when_the_server_has_stopped_is_turned_away(world: World) -> None:
    await world.server.stop()
    client = LineClient(*await asyncio.open_connection("127.0.0.1", world.port))
    world.clients.append(client)

    assert await client.gone()


async def test_the_server_stops_with_clients_on_lines(world: World) -> None:
    ann = await world.connect()
    await world.server.stop()

    assert await ann.gone()
    assert () == world.server.connections


async def test_a_line_conn_over_a_stream_without_an_address_works(tmp_path: Any) -> None:
    path = str(tmp_path / "socket")
    received: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conn = LineConn(reader, writer)
        received.put_nowait(await conn.receive())
        received.put_nowait(await conn.receive())
        await conn.send(b"bye")
        await conn.close()
        await conn.close()

    server = await asyncio.start_unix_server(serve, path, limit=10)
    client = LineClient(*await asyncio.open_unix_connection(path))
    client.writer.write(b"hello\n" + b"x" * 11)

    async with asyncio.timeout(WAIT_SECONDS):
        assert [b"hello", None] == [await received.get(), await received.get()]
        assert b"bye\n" == await client.reader.readline()
    server.close()
    await client.close()
    await server.wait_closed()
