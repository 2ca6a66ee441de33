"""The same conversation over every kind of link: TCP, TLS, a socket's file; on both event loops."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import logging
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
import uvloop
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from structlog.testing import capture_logs

from tests.links import (
    Office,
    answers,
    login,
    masked,
    nobody,
    opened,
    post_of,
    post_server,
    reading,
    said,
    until,
)
from tests.websocket import CLOSE, TEXT, Closed, WebSocket

__all__ = ["reading"]  # a fixture

pytestmark = pytest.mark.usefixtures("reading")

NORMAL = masked(CLOSE, b"\x03\xe8")

Talk = Callable[["Line"], Any]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for it, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path


@attrs.frozen
class Line:
    """A server, and how one gets to it."""

    office: Office
    where: int | str
    tls: ssl.SSLContext | None

    async def dial(self, behind: bytes = b"") -> WebSocket:
        """Open a WebSocket, with *behind* in the segment of its request."""
        return await opened(self.where, behind, self.tls)


@asynccontextmanager
async def line(kind: str, certificate: Path, folder: Path) -> AsyncIterator[Line]:
    """Serve over a link of *kind*; nothing may be left, nor be logged as an error."""
    server = post_server()
    runner = web.AppRunner(server.make_app())
    await runner.setup()
    where: int | str = str(folder / "socket")
    inside, outside = None, None
    if kind == "tls":
        inside = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        inside.load_cert_chain(certificate)
        outside = ssl.create_default_context(cafile=str(certificate))
    with capture_logs() as logs:
        if kind == "unix":
            await web.UnixSite(runner, str(where)).start()
        else:
            await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=inside).start()
            where = int(runner.addresses[0][1])
        yield Line(Office(server, 0), where, outside)
        post_of(server).goes_on.set()
        await nobody(server)
        await runner.cleanup()
    assert [] == [entry for entry in logs if entry["log_level"] == "error"]


@pytest.fixture(params=["asyncio", "uvloop"])
def loop_factory(request: pytest.FixtureRequest) -> Callable[[], asyncio.AbstractEventLoop]:
    """What makes the event loop."""
    factories: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
        "asyncio": asyncio.new_event_loop,
        "uvloop": uvloop.new_event_loop,
    }
    return factories[request.param]


@pytest.fixture(params=["tcp", "tls", "unix"])
def run(
    request: pytest.FixtureRequest,
    loop_factory: Callable[[], asyncio.AbstractEventLoop],
    certificate: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> Callable[[Talk], None]:
    """Run a talk over one kind of link, on one event loop."""

    def run(talk: Talk) -> None:
        async def main() -> None:
            async with line(request.param, certificate, tmp_path) as dialled:
                await talk(dialled)
            left = asyncio.all_tasks() - {asyncio.current_task()}
            assert not await asyncio.wait(left, timeout=5) if left else True

        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(main())
        assert [] == [one.message for one in caplog.records if one.levelno >= logging.WARNING]

    return run


def test_many_messages_at_once_are_answered_in_order_and_the_close_comes_last(
    run: Callable[[Talk], None],
) -> None:
    async def talk(line: Line) -> None:
        count = 2000
        socket = await line.dial(login() + said("note", 2))
        socket.send_bytes(b"".join(said("note", number) for number in range(count)) + NORMAL)

        assert ([1, 2, *range(count)], Closed(1000)) == await answers(socket)
        assert [2, *range(count)] == line.office.post.noted

    run(talk)


def test_big_answers_come_whole_to_one_who_reads(run: Callable[[Talk], None]) -> None:
    async def talk(line: Line) -> None:
        socket = await line.dial(login())
        for first in range(0, 100, 10):
            socket.send_bytes(b"".join(said("big", first + number) for number in range(10)))
        socket.send_bytes(NORMAL)

        assert ([1, *range(100)], Closed(1000)) == await answers(socket)

    run(talk)


def test_one_who_never_reads_is_cut_off_and_one_who_does_is_served(
    run: Callable[[Talk], None],
) -> None:
    async def talk(line: Line) -> None:
        deaf = await line.dial(login("deaf"))
        await deaf.receive()
        deaf._writer.transport.pause_reading()  # type: ignore[attr-defined]
        deaf.send_bytes(b"".join(said("big", number) for number in range(1500)))
        ada = await line.dial(login() + said("note", 2))
        await until(lambda: len(line.office.server.connections) == 1)
        ada.send_bytes(NORMAL)

        assert ([1, 2], Closed(1000)) == await answers(ada)
        deaf.abort()

    run(talk)


def test_a_breach_is_told_and_the_link_ends(run: Callable[[Talk], None]) -> None:
    async def talk(line: Line) -> None:
        socket = await line.dial(login() + masked(0x3) + masked(TEXT, b"{}") + NORMAL)
        ids, closed = await answers(socket)

        assert ([1], 1002) == (ids, closed.code)

    run(talk)


def test_a_server_closes_with_a_code_and_takes_the_echo(run: Callable[[Talk], None]) -> None:
    async def talk(line: Line) -> None:
        socket = await line.dial(login())
        await socket.receive()
        line.office.connection.close(4000, "enough")

        assert ([], Closed(4000, "enough")) == await answers(socket)

    run(talk)


def test_a_cut_while_a_handler_waits_leaves_nothing(run: Callable[[Talk], None]) -> None:
    async def talk(line: Line) -> None:
        socket = await line.dial(login() + said("wait", 2) + said("note", 3))
        await line.office.post.waits.wait()
        socket.abort()
        for user in line.office.server.applications["post"].users.values():
            for _ in range(20):
                user.send("lost", {})
                await asyncio.sleep(0)
        line.office.post.goes_on.set()
        await nobody(line.office.server)

        assert ["ada disconnected"] == line.office.post.hooks

    run(talk)


def test_one_who_closes_twice_and_reads_no_answer_is_cut_off(run: Callable[[Talk], None]) -> None:
    async def talk(line: Line) -> None:
        socket = await line.dial(login())
        await socket.receive()
        socket._writer.transport.pause_reading()  # type: ignore[attr-defined]
        transport = line.office.connection.transport
        socket.send_bytes(NORMAL + NORMAL)
        await nobody(line.office.server)

        assert (0, True) == (transport.buffered(), transport.is_lost())
        socket.abort()

    run(talk)
