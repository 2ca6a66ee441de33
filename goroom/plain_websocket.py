"""A WebSocket read in aiohttp's public way: where `frame_reader` cannot be used."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType, web

from goroom.websocket import NORMAL_CLOSURE, close_after, echoed, hold_little

if TYPE_CHECKING:
    from aiohttp.abc import AbstractStreamWriter

    from goroom.connection import Connection

MESSAGES_IN_A_ROW = 64
"""Messages and control frames of one connection that are read before the loop serves others."""


class PlainTransport:
    """The byte side of one WebSocket that stays aiohttp's."""

    __slots__ = ("_transport", "_writer")

    def __init__(self, transport: asyncio.Transport, writer: AbstractStreamWriter) -> None:
        self._transport = transport
        self._writer = writer
        hold_little(transport)

    def write(self, data: bytes) -> bool:
        if self._transport.is_closing():
            return False
        self._transport.write(data)
        return self._transport.get_write_buffer_size() > 0

    def buffered(self) -> int:
        # aiohttp may have closed it twice, and one of TLS forgets what it was then.
        return 0 if self._transport.is_closing() else self._transport.get_write_buffer_size()

    def is_lost(self) -> bool:
        return self._transport.is_closing()

    async def drained(self) -> None:
        await self._writer.drain()

    def close(self) -> None:
        if not self._transport.is_closing():
            self._transport.close()

    def abort(self) -> None:
        self._transport.abort()


class PlainResponse(web.WebSocketResponse[Any]):
    """A WebSocket whose close frame is the outbox's, which knows what has to go before it."""

    async def close(
        self,
        *,
        code: int = NORMAL_CLOSURE,  # noqa: ARG002 -- as aiohttp calls it
        message: bytes = b"",  # noqa: ARG002
        drain: bool = True,  # noqa: ARG002
    ) -> bool:
        return False


async def read(ws: web.WebSocketResponse[Any], connection: Connection) -> None:
    """Read and handle one message after the other until the socket is gone."""
    try:
        await _read_all(ws, connection)
    except Exception as error:  # noqa: BLE001 -- border: aiohttp would hang up without a word
        close_after(connection, error)


async def _read_all(ws: web.WebSocketResponse[Any], connection: Connection) -> None:
    outbox = connection.outbox
    in_a_row = 0
    while True:
        message = await ws.receive()
        in_a_row += 1
        if in_a_row >= MESSAGES_IN_A_ROW:
            in_a_row = 0
            await asyncio.sleep(0)
        kind = message.type
        if kind is WSMsgType.TEXT or kind is WSMsgType.BINARY:
            waiting = connection.receive(message.data, is_binary=kind is WSMsgType.BINARY)
            if waiting is not None or outbox.is_over_bound():
                await connection.finish(waiting)
        elif kind is WSMsgType.PING:
            connection.pinged(bytes(message.data))
        elif kind is WSMsgType.PONG:
            connection.ponged(bytes(message.data))
        elif kind is WSMsgType.CLOSE:
            connection.close(echoed(message.data))
            return
        elif kind is WSMsgType.ERROR:
            close_after(connection, message.data)
            return
        else:
            return


async def hang_up(connection: Connection) -> None:
    """Close the socket of *connection* when its last frames are written, or given up."""
    outbox = connection.outbox
    try:
        outbox.flush()
        while outbox.waiting and connection.is_closed:  # it is aborted after `close_seconds`
            await outbox.relieved()
            outbox.flush()
    finally:
        _close(connection)


def _close(connection: Connection) -> None:
    held = connection.transport.buffered()
    connection.transport.close()
    if held:
        # What the peer does not take would keep the socket open for ever.
        loop = asyncio.get_running_loop()
        loop.call_later(connection.limits.close_seconds, connection.transport.abort)
