"""Conns: clients that come over anything that carries messages, served like all others."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from goroom import Conn, Limits, Peer, RoomExtension, Server
from goroom.conns import ConnTransport
from goroom.testing import Stage
from goroom.wire.frames import PING, TEXT, close_frame, frame
from tests.test_dialects import Talkers, Words

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Pipe:
    """A Conn whose other end a test holds."""

    def __init__(self) -> None:
        self.inbox: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.outbox: asyncio.Queue[bytes] = asyncio.Queue()
        self.taking = asyncio.Event()
        self.taking.set()
        self.closes = 0
        self.failure: Exception | None = None

    async def receive(self) -> bytes | None:
        message = await self.inbox.get()
        if self.failure is not None:
            raise self.failure
        return message

    async def send(self, message: bytes) -> None:
        await self.taking.wait()
        if self.failure is not None:
            raise self.failure
        self.outbox.put_nowait(message)

    async def close(self) -> None:
        self.closes += 1
        if self.failure is not None:
            raise self.failure
        self.inbox.put_nowait(None)

    def sent(self) -> list[bytes]:
        """Return what has come out."""
        return [self.outbox.get_nowait() for _ in range(self.outbox.qsize())]


def _server() -> Server:
    server = Server(limits=Limits(message_bytes=100))
    server.add_application("talk", Talkers, rooms={"hall": _speech()})
    return server


def _speech() -> type[RoomExtension]:
    from tests.test_dialects import Speech  # noqa: PLC0415 -- named here for its type alone

    return Speech


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with Stage(_server()) as opened:
        yield opened


def _serve(stage: Stage, conn: Conn, name: str) -> asyncio.Task[None]:
    peer = Peer(remote="a pipe", query={"name": name})
    work = stage.server.serve(conn, Words, "talk", peer=peer)
    return asyncio.get_running_loop().create_task(work)


async def test_a_conn_sits_in_the_room_of_a_socket(stage: Stage) -> None:
    pipe = Pipe()
    serving = _serve(stage, pipe, "ann")
    bob = await stage.player("bob", app="talk")
    await bob.join("hall")
    pipe.inbox.put_nowait(bytearray(b"hall say hello"))

    assert {"text": "hello"} == await bob.expect("said")
    await bob.request("say", {"text": "hi"}, room="hall")
    assert [b"hall said hello", b"hall said hi"] == pipe.sent()
    pipe.inbox.put_nowait(None)
    await serving
    assert ["bob"] == list(stage.server.applications["talk"].users)
    assert 1 == pipe.closes


async def test_a_conn_that_fails_is_gone_and_closed(stage: Stage) -> None:
    for failure in (ConnectionResetError(), EOFError(), ZeroDivisionError()):
        pipe = Pipe()
        serving = _serve(stage, pipe, "ann")
        await stage.settle()
        pipe.failure = failure
        pipe.inbox.put_nowait(None)
        with capture_logs() as log:
            await serving

        expected = {"conn_failed"} if isinstance(failure, ZeroDivisionError | EOFError) else set()
        assert expected == {line["event"] for line in log} & {"conn_failed"}
        assert {} == dict(stage.server.applications["talk"].users)
        assert 1 == pipe.closes


async def test_a_send_that_fails_ends_a_conn_that_is_being_read(stage: Stage) -> None:
    pipe = Pipe()
    serving = _serve(stage, pipe, "ann")
    await stage.settle()
    pipe.failure = BrokenPipeError()
    stage.server.applications["talk"].rooms["hall"].broadcast("said", {"text": "hello"})

    await serving

    assert {} == dict(stage.server.applications["talk"].users)


async def test_a_conn_that_does_not_take_is_given_up_as_a_slow_consumer() -> None:
    server = Server(limits=Limits(outbox_frames=4))
    server.add_application("talk", Talkers, rooms={"hall": _speech()})
    async with Stage(server) as stage:
        pipe = Pipe()
        serving = _serve(stage, pipe, "ann")
        await stage.settle()
        pipe.taking.clear()
        with capture_logs() as log:
            for number in range(20):
                server.applications["talk"].rooms["hall"].broadcast("said", {"text": str(number)})
                await stage.settle()
            await stage.advance(3)

        await serving
        assert "slow_consumer_closed" in [line["event"] for line in log]
        assert {} == dict(server.applications["talk"].users)


async def test_a_conn_that_ends_without_taking_what_it_was_sent_is_given_up(stage: Stage) -> None:
    pipe = Pipe()
    serving = _serve(stage, pipe, "ann")
    await stage.settle()
    pipe.taking.clear()
    stage.server.applications["talk"].rooms["hall"].broadcast("said", {"text": "hello"})
    await stage.settle()
    pipe.inbox.put_nowait(None)
    await stage.settle()
    assert not serving.done()
    await stage.advance(2)

    await serving
    assert [] == pipe.sent()


async def test_a_message_over_the_limit_closes_the_conn(stage: Stage) -> None:
    pipe = Pipe()
    serving = _serve(stage, pipe, "ann")
    pipe.inbox.put_nowait(b"hall say " + b"x" * 100)

    await serving

    assert [] == pipe.sent()
    assert 1 == pipe.closes


async def test_conns_alike_share_their_dialect() -> None:
    async with Stage(_server()) as stage:
        pipes = [Pipe(), Pipe()]
        serving = [_serve(stage, pipe, f"user{n}") for n, pipe in enumerate(pipes)]
        await stage.settle()

        assert 1 == len({connection.dialect for connection in stage.server.connections})
        for pipe in pipes:
            pipe.inbox.put_nowait(None)
        await asyncio.gather(*serving)


async def test_the_servers_end_closes_a_conn() -> None:
    pipe = Pipe()
    async with Stage(_server()) as stage:
        serving = _serve(stage, pipe, "ann")
        await stage.settle()

    await serving
    assert 1 == pipe.closes


async def test_a_server_that_does_not_run_serves_nobody() -> None:
    pipe = Pipe()
    with pytest.raises(RuntimeError, match="start it first"):
        await _server().serve(pipe, Words, "talk")

    assert 1 == pipe.closes


async def test_an_application_that_is_not_there_is_named(stage: Stage) -> None:
    with pytest.raises(ValueError, match="no application 'nowhere'"):
        await stage.server.serve(Pipe(), Words, "nowhere")


async def test_messages_leave_in_order_before_the_close_and_control_frames_not_at_all() -> None:
    pipe = Pipe()
    transport = ConnTransport(pipe)
    transport.write(
        frame(TEXT, b"one") + frame(PING, b"p") + frame(TEXT, b"two") + close_frame(1000)
    )
    transport.write(frame(TEXT, b"after the close"))
    await transport.closed()

    assert [b"one", b"two"] == pipe.sent()
    assert transport.is_lost()
    assert 0 == transport.buffered()


async def test_what_a_lost_conn_held_is_never_drained() -> None:
    pipe = Pipe()
    pipe.taking.clear()
    transport = ConnTransport(pipe)
    transport.write(frame(TEXT, b"one"))
    draining = asyncio.get_running_loop().create_task(transport.drained())
    await asyncio.sleep(0)
    transport.abort()
    with pytest.raises(ConnectionResetError):
        await draining

    await transport.closed()
