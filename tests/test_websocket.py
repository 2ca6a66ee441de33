"""WebSocket: one TCP connection between aiohttp's upgrade and its end, in both ways to read."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable, Iterator, MutableMapping
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.web_protocol import RequestHandler
from structlog.testing import capture_logs

from goroom.connection import Connection
from goroom.limits import Limits
from goroom.peer import Peer
from goroom.plain_websocket import PlainTransport
from goroom.websocket import BYTES_IN_A_ROW, WebSocket, echoed
from goroom.wire import JsonDialect, ShortJsonDialect
from tests.edge import LOGIN, chess_server
from tests.links import (
    Office,
    answers,
    login,
    masked,
    nobody,
    office,
    opened,
    reading,
    said,
    until,
)
from tests.websocket import BINARY, CLOSE, CONTINUATION, PING, TEXT, Closed

__all__ = ["reading"]  # a fixture

Logs = list[MutableMapping[str, Any]]

NORMAL = masked(CLOSE, b"\x03\xe8")
BAD = masked(0x3)


@pytest.fixture
def logs() -> Iterator[Logs]:
    """What goroom logs."""
    with capture_logs() as lines:
        yield lines


@pytest.fixture
async def desk(logs: Logs) -> AsyncIterator[Office]:
    """A server of which nothing may be left, or be logged as an error."""
    async with office() as running:
        yield running
    assert [] == errors(logs)


def errors(logs: Logs) -> list[str]:
    """Return the errors among *logs*, and forget them."""
    found = [line["event"] for line in logs if line["log_level"] == "error"]
    logs.clear()
    return found


@pytest.mark.parametrize(
    ("sent", "answered"), [(None, 1000), (0, 1000), (1000, 1000), (1006, 1000), (3000, 3000)]
)
def test_a_close_code_is_echoed_where_it_may_be_sent(sent: int | None, answered: int) -> None:
    assert answered == echoed(sent)


async def test_much_at_once_is_answered_in_order_and_others_are_served_meanwhile(
    start: Callable[..., Any], session: aiohttp.ClientSession
) -> None:
    url = await start(chess_server())
    frame = {"eventType": 3, "appName": "chess"}
    count = 4 * BYTES_IN_A_ROW // len(json.dumps(frame))
    async with (
        session.ws_connect(url, protocols=["goroom.json"]) as many,
        session.ws_connect(url, protocols=["goroom.json"]) as other,
    ):
        await asyncio.gather(
            *(many.send_json({**frame, "id": number}) for number in range(1, count + 1))
        )
        await other.send_json(LOGIN)
        answer = await other.receive_json()
        replies = [await many.receive_json() for _ in range(count)]

    assert 6 == answer["eventType"]
    assert list(range(1, count + 1)) == [reply["id"] for reply in replies]


# -- what breaks the protocol ------------------------------------------------------------------

BREACHES = {
    "reserved bit 1": (masked(TEXT, b"x", first_byte=0xC0), 1002),
    "reserved bit 2": (masked(TEXT, b"x", first_byte=0xA0), 1002),
    "reserved bit 3": (masked(TEXT, b"x", first_byte=0x90), 1002),
    "unknown message": (masked(0x3), 1002),
    "unknown control frame": (masked(0xB), 1002),
    "control frame in fragments": (masked(PING, first_byte=0), 1002),
    "control frame too long": (masked(PING, bytes(126)), 1002),
    "continuation of nothing": (masked(CONTINUATION, b"x"), 1002),
    "message in a message": (masked(TEXT, b"a", first_byte=0) + masked(TEXT, b"b"), 1002),
    "message too large": (masked(TEXT, bytes(2**16 + 1)), 1009),
    "fragments too large": (masked(BINARY, bytes(2**16), first_byte=0) + masked(0, b"x"), 1009),
    "length of 2**63 - 1": (struct.pack("!BBQ", 0x81, 0xFF, 2**63 - 1), 1009),
    "length of 2**63": (struct.pack("!BBQ", 0x81, 0xFF, 2**63), 1009),
    "length of 2**64 - 1": (struct.pack("!BBQ", 0x81, 0xFF, 2**64 - 1), 1009),
    "text that is none": (masked(TEXT, b"\xff"), 1007),
    "text that is none, in fragments": (
        masked(TEXT, b"\xc3", first_byte=0) + masked(CONTINUATION, b"("),
        1007,
    ),
    "close code 999": (masked(CLOSE, struct.pack("!H", 999)), 1002),
    "close code 1005": (masked(CLOSE, struct.pack("!H", 1005)), 1002),
    "half a close code": (masked(CLOSE, b"\x03"), 1002),
    "reason that is no text": (masked(CLOSE, b"\x03\xe8\xff"), 1007),
}


@pytest.mark.usefixtures("reading")
@pytest.mark.parametrize(("raw", "code"), BREACHES.values(), ids=BREACHES)
async def test_a_breach_is_told_by_its_code_after_the_answers_to_all_before(
    desk: Office, raw: bytes, code: int
) -> None:
    desk.post.goes_on.set()
    socket = await opened(desk.port, login() + said("wait", 2) + said("note", 3) + raw)
    ids, closed = await answers(socket)

    assert ([1, 2, 3], code) == (ids, closed.code)
    assert closed.reason
    await nobody(desk.server)
    assert ["ada disconnected"] == desk.post.hooks


async def test_a_breach_closes_at_once_and_the_link_ends_behind_it(desk: Office) -> None:
    socket = await opened(desk.port, BAD)
    ended = await asyncio.wait_for(socket._reader.read(), 5)

    assert b"\x88" == ended[:1]
    assert 1 == len(desk.server.connections)
    socket.abort()


async def test_one_who_still_sends_too_large_a_message_learns_why_it_is_closed(
    desk: Office,
) -> None:
    socket = await opened(desk.port, struct.pack("!BBQ", 0x82, 0xFF, 2**24) + bytes(4))
    for _ in range(2**6):
        socket.send_bytes(bytes(2**16))
    await asyncio.wait_for(socket._writer.drain(), 5)
    ids, closed = await answers(socket)

    assert ([], 1009) == (ids, closed.code)


# -- its end -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("reading")
@pytest.mark.parametrize("ending", ["close", "fin"])
async def test_all_that_came_before_the_end_is_handled_in_order_then_the_hooks_run_once(
    desk: Office, ending: str
) -> None:
    count = 500
    socket = await opened(desk.port, login() + said("wait", 2))
    await desk.post.waits.wait()
    socket.send_bytes(b"".join(said("note", number) for number in range(count)))
    if ending == "close":
        socket.send_bytes(NORMAL)
    else:
        socket._writer.write_eof()
        await until(desk.connection.transport.is_lost)
    desk.post.goes_on.set()
    await nobody(desk.server)

    assert list(range(count)) == desk.post.noted
    assert ["ada disconnected"] == desk.post.hooks
    if ending == "close":
        assert ([1, 2, *range(count)], Closed(1000)) == await answers(socket)
    socket.abort()


@pytest.mark.usefixtures("reading")
async def test_a_cut_while_a_handler_waits_is_no_error(desk: Office) -> None:
    socket = await opened(desk.port, login() + said("wait", 2) + said("note", 3))
    await desk.post.waits.wait()
    socket.abort()
    desk.post.goes_on.set()
    await nobody(desk.server)

    assert ["ada disconnected"] == desk.post.hooks


@pytest.mark.usefixtures("reading")
async def test_both_sides_may_close_at_once_and_twice(desk: Office) -> None:
    socket = await opened(desk.port, login())
    await socket.receive()
    desk.connection.close(4000, "enough")
    socket.send_bytes(NORMAL + NORMAL + BAD)
    ids, closed = await answers(socket)

    assert ([], Closed(4000, "enough")) == (ids, closed)


@pytest.mark.usefixtures("reading")
async def test_one_who_neither_reads_nor_answers_a_close_is_cut_off(desk: Office) -> None:
    socket = await opened(desk.port, login())
    await socket.receive()
    desk.connection.close(4000)
    await nobody(desk.server)
    socket.abort()


@pytest.mark.usefixtures("reading")
async def test_a_close_behind_answers_that_were_not_taken_yet_comes_behind_them(
    desk: Office,
) -> None:
    count = 30
    socket = await opened(desk.port, login())
    await socket.receive()
    socket._writer.transport.pause_reading()  # type: ignore[attr-defined]
    connection = desk.connection
    socket.send_bytes(b"".join(said("big", number) for number in range(count // 2)))
    await until(connection.transport.buffered)
    socket.send_bytes(b"".join(said("big", number) for number in range(count // 2, count)) + NORMAL)
    await until(lambda: connection.is_closed)
    assert connection.outbox.waiting
    socket._writer.transport.resume_reading()  # type: ignore[attr-defined]

    assert (list(range(count)), Closed(1000)) == await answers(socket)


class Held(asyncio.Transport):
    """A transport that the peer has not taken all of, before it becomes a WebSocket's."""

    held = 9

    def get_write_buffer_size(self) -> int:
        return self.held

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Do nothing: whoever had it before is paused already."""

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def is_closing(self) -> bool:
        return False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.held += len(data)


async def test_what_aiohttp_has_written_and_the_peer_not_taken_blocks_from_the_start(
    desk: Office,
) -> None:
    transport = Held()
    websocket = WebSocket(desk.server, transport, ShortJsonDialect(), Peer(), Limits())
    before = websocket.write(b"frame")
    websocket.resume_writing()

    assert [True, False] == [before, websocket.write(b"frame")]
    websocket._is_busy = False
    websocket.connection_lost(None)


class HeldTransport:
    """A transport on *raw* that keeps what it is given, and passes for one of asyncio's."""

    __module__ = "asyncio.selector_events"

    def __init__(self, raw: socket.socket, context: ssl.SSLContext | None = None) -> None:
        self.extra = {"socket": raw, "sslcontext": context}
        self.held: list[bytes] = []
        self.closing = False

    def get_extra_info(self, name: str) -> Any:
        return self.extra[name]

    def set_write_buffer_limits(self, high: int) -> None:
        self.high = high

    def get_write_buffer_size(self) -> int:
        return 0

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def is_closing(self) -> bool:
        return self.closing

    def write(self, data: bytes) -> None:
        self.held.append(data)


def written_past(transport: Any) -> WebSocket:
    server: Any = SimpleNamespace(connect=lambda *_: None, disconnect=lambda _: None)
    return WebSocket(server, transport, JsonDialect(), Peer(), Limits())


async def test_what_the_system_takes_at_once_goes_past_the_transport_and_the_rest_through_it() -> (
    None
):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(0)
        transport = HeldTransport(ours)
        link = written_past(transport)
        is_blocked = link.write(b"first")
        taken = theirs.recv(100)
        link.write(large := b"0123456789" * 1_000_000)
        [rest] = transport.held
        theirs.settimeout(0)
        with suppress(BlockingIOError):
            while chunk := theirs.recv(1_000_000):
                taken += chunk

    assert not is_blocked
    assert b"first" + large == taken + rest
    assert 0 < len(rest) < len(large)


async def test_nothing_overtakes_what_the_transport_holds_and_tls_is_never_gone_past() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(0)
        theirs.settimeout(0)
        plain, tls = HeldTransport(ours), HeldTransport(ours, ssl.create_default_context())
        link = written_past(plain)
        link.pause_writing()
        answers = [link.write(b"second"), written_past(tls).write(b"secret")]
        plain.closing = True
        link.connection_lost(None)  # its descriptor is another's from now on
        link.write(b"late")
        with pytest.raises(BlockingIOError):
            theirs.recv(100)

    assert [True, False] == answers
    assert ([b"second"], [b"secret"]) == (plain.held, tls.held)


async def test_one_who_waited_for_room_to_write_may_have_been_cancelled(desk: Office) -> None:
    websocket = WebSocket(desk.server, Held(), ShortJsonDialect(), Peer(), Limits())
    waiting = asyncio.create_task(websocket.drained())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait({waiting})
    websocket._is_busy = False
    websocket.connection_lost(None)

    assert waiting.cancelled()


# -- what fails in here ------------------------------------------------------------------------


@pytest.mark.usefixtures("reading")
@pytest.mark.parametrize("first", ["note", "wait"])
async def test_a_bug_of_ours_is_logged_and_closes_with_1011(
    desk: Office, logs: Logs, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    receive = Connection.receive

    def broken(self: Connection, message: bytes, *, is_binary: bool) -> Any:
        if b'"id": 3' in message:
            raise LookupError("a bug")
        return receive(self, message, is_binary=is_binary)

    monkeypatch.setattr(Connection, "receive", broken)
    desk.post.goes_on.set()
    socket = await opened(desk.port, login() + said(first, 2) + said("note", 3) + said("note", 4))

    ids, closed = await answers(socket)
    assert ([1, 2], 1011) == (ids, closed.code)
    await nobody(desk.server)
    assert 4 not in desk.post.noted
    assert ["reading_failed"] == errors(logs)


@pytest.mark.parametrize("behind", [[], ["wait"], ["note"] * 300])
def test_a_keyboard_interrupt_gets_through_and_its_connection_is_dropped(
    behind: list[str],
) -> None:
    async def begin() -> tuple[Any, Office, Any]:
        context = office()
        desk = await context.__aenter__()
        desk.post.goes_on.set()
        socket = await opened(desk.port, login())
        await socket.receive()
        return context, desk, socket

    async def interrupt() -> None:
        before = b"".join(said(action, number) for number, action in enumerate(behind, 2))
        socket.send_bytes(before + said("interrupt", 999) + said("note", 1000))
        await asyncio.Event().wait()

    with asyncio.Runner() as runner:
        context, desk, socket = runner.run(begin())
        with pytest.raises(KeyboardInterrupt):
            runner.run(interrupt())
        runner.run(nobody(desk.server))
        socket.abort()
        runner.run(context.__aexit__(None, None, None))

    assert 1000 not in desk.post.noted
    assert ["ada disconnected"] == desk.post.hooks


# -- what is left ------------------------------------------------------------------------------

ENDINGS: list[Callable[[Any], object]] = [
    lambda socket: socket.send_bytes(NORMAL),
    lambda socket: socket.send_bytes(BAD),
    lambda socket: socket._writer.write_eof(),
    lambda socket: socket.abort(),
]


def living() -> int:
    """Return how many objects there are of those that serve one connection, circles apart."""
    gc.collect()
    kinds = {WebSocket, PlainTransport, Connection, RequestHandler, web.Request}
    return sum(type(found) in kinds for found in gc.get_objects())


@pytest.mark.usefixtures("reading")
async def test_nothing_is_left_of_connections_that_came_and_went(desk: Office) -> None:
    tasks, before = asyncio.all_tasks(), living()
    count = 200
    for number in range(count):
        socket = await opened(desk.port, login(f"user-{number}") + said("note", 2))
        await socket.receive()
        ENDINGS[number % len(ENDINGS)](socket)
        await answers(socket)
    await until(lambda: asyncio.all_tasks() <= tasks and living() == before)

    assert count == len(desk.post.noted)
