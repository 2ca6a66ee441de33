"""Lines: clients over plain TCP, one message a line."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress

import structlog

from goroom import Dialect, Limits, Peer, Server
from goroom_extensions.broadcaster.dialect import BroadcasterDialect

log = structlog.get_logger()

NOT_SENT_BYTES = 64 * 1024
"""What the kernel may hold unsent: else it hides megabytes from the server's bounds."""


class LineConn:
    """
    A `goroom.Conn` over a stream: each message is a line, ended by a newline.

    Blank lines are passed over. Whose first line is one of HTTP is ended: a web page may send a
    form to any port, and there is no Origin check here. Memory is bounded by the reader's own
    limit: a longer line ends the client, and that is logged. The last line may lack its newline.

    Args:
        reader: Its ``limit`` is the most bytes of a line.
        writer: Its other half.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._is_first = True
        # So that `send` waits until the system has taken all: what waits is counted by the server.
        writer.transport.set_write_buffer_limits(high=0)

    async def receive(self) -> bytes | None:
        """Return the next line, or None when the client is gone."""
        while True:
            try:
                line = await self._reader.readuntil(b"\n")
            except asyncio.IncompleteReadError as error:
                line = error.partial
                if not line:
                    return None
            except asyncio.LimitOverrunError:
                log.warning("line_too_long", remote=remote_of(self._writer))
                return None
            if not (line := line.strip()):
                continue
            if self._is_first and line.endswith((b" HTTP/1.1", b" HTTP/1.0")):
                log.warning("http_on_lines", remote=remote_of(self._writer))
                return None
            self._is_first = False
            return line

    async def send(self, message: bytes) -> None:
        """
        Send *message* as a line; waits while the client does not read.

        Raises:
            ConnectionError: The client is gone.
        """
        self._writer.write(message + b"\n")
        await self._writer.drain()

    async def close(self) -> None:
        """Close the stream; what the system has not taken by now is lost."""
        if self._writer.transport.get_write_buffer_size():
            self._writer.transport.abort()  # who does not read would keep it open for ever
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()


def remote_of(writer: asyncio.StreamWriter) -> str:
    """Return the address of the client, or ``""`` where it has none."""
    name = writer.get_extra_info("peername")
    return str(name[0]) if isinstance(name, tuple) else ""


def _tune(raw: socket.socket) -> None:
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)  # lines have no ping
    option = getattr(socket, "TCP_NOTSENT_LOWAT", None)  # not on every platform
    if option is not None:
        raw.setsockopt(socket.IPPROTO_TCP, option, NOT_SENT_BYTES)


async def serve_lines(
    server: Server,
    application: str,
    dialect: type[Dialect] = BroadcasterDialect,
    *,
    host: str = "localhost",
    port: int = 0,
    limits: Limits | None = None,
) -> asyncio.Server:
    """
    Take TCP clients that send one message a line, until what is returned is closed.

    They are in the same rooms as those behind WebSockets. Anyone who reaches the port may connect:
    there is no Origin here.

    Args:
        server: One that runs.
        application: The application that they are in.
        dialect: How their messages look; none may hold a newline.
        host: Address to listen on.
        port: Port to listen on; 0 for any free one.
        limits: Bounds of these clients; the server's where None. A line may have
            `Limits.message_bytes`.

    Raises:
        OSError: The address cannot be listened on.
        ValueError: There is no such application.
    """
    if application not in server.applications:
        raise ValueError(f"there is no application {application!r}: add it first")
    bounds = limits or server.limits

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conn = LineConn(reader, writer)
        if not server.is_running or server.is_stopping:
            await conn.close()
            return
        _tune(writer.get_extra_info("socket"))
        peer = Peer(remote=remote_of(writer))
        await server.serve(conn, dialect, application, limits=bounds, peer=peer)

    return await asyncio.start_server(serve, host, port, limit=bounds.message_bytes)
