"""WebSockets of aiohttp: who may open one, the loop that reads it, the transport that writes it."""

from __future__ import annotations

import asyncio
import socket
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import attrs
import structlog
from aiohttp import WSMsgType, web

from goroom.connection import Connection, Peer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp.abc import AbstractStreamWriter

    from goroom.limits import Limits
    from goroom.origins import OriginCheck
    from goroom.server import Server
    from goroom.wire import Dialect

log = structlog.get_logger()

NOT_SENT_BYTES = 64 * 1024
"""What the kernel may hold unsent: else it hides megabytes, and no bound means anything."""

MESSAGES_IN_A_ROW = 64
"""Messages of one connection that are read before the loop serves others."""

NORMAL_CLOSURE = 1000


@attrs.frozen
class Endpoint:
    """A path that takes WebSockets."""

    path: str
    application: str | None
    dialects: Mapping[str | None, Dialect]
    limits: Limits
    origins: OriginCheck


class SocketTransport:
    """The byte side of one WebSocket of aiohttp."""

    __slots__ = ("_transport", "_writer")

    def __init__(self, transport: asyncio.Transport, writer: AbstractStreamWriter) -> None:
        self._transport = transport
        self._writer = writer
        # The outbox holds what the peer does not take, so that it can be counted and dropped.
        transport.set_write_buffer_limits(high=0)
        raw = transport.get_extra_info("socket")
        option = getattr(socket, "TCP_NOTSENT_LOWAT", None)
        if raw is not None and option is not None and raw.family != socket.AF_UNIX:
            raw.setsockopt(socket.IPPROTO_TCP, option, NOT_SENT_BYTES)

    def write(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)

    def buffered(self) -> int:
        return self._transport.get_write_buffer_size()

    def is_lost(self) -> bool:
        return self._transport.is_closing()

    async def drained(self) -> None:
        await self._writer.drain()

    def close(self) -> None:
        self._transport.close()

    def abort(self) -> None:
        self._transport.abort()


async def serve(
    server: Server, endpoint: Endpoint, request: web.Request
) -> web.StreamResponse | None:
    """
    Take the WebSocket that *request* asks for, and read it until it is gone.

    Returns:
        The answer, for aiohttp; None where *request* asks for no WebSocket.

    Raises:
        web.HTTPForbidden: The page's origin may not connect here.
        web.HTTPServiceUnavailable: The server stops.
    """
    ws = web.WebSocketResponse(
        timeout=endpoint.limits.close_seconds,
        autoclose=False,
        autoping=False,
        protocols=[name for name in endpoint.dialects if name is not None],
        compress=False,
        max_msg_size=endpoint.limits.message_bytes + 1,  # aiohttp refuses what reaches it
        decode_text=False,
    )
    if not ws.can_prepare(request).ok:
        return None
    origin, host = request.headers.get("Origin"), request.headers.get("Host", "")
    if not endpoint.origins.allows(origin, host, has_cookies="Cookie" in request.headers):
        log.warning("origin_refused", origin=(origin or "")[:200], remote=request.remote)
        raise web.HTTPForbidden(text="This page's origin may not connect here.\n")
    if not server.is_running or server.is_stopping:
        raise web.HTTPServiceUnavailable(text="The server stops; come back later.\n")
    try:
        writer = await ws.prepare(request)
    except ConnectionResetError:
        return web.Response()  # to nobody: it has gone between its request and the answer
    raw = request.transport
    if raw is None:
        return ws
    connection = server.connect(
        SocketTransport(raw, writer),
        endpoint.dialects.get(ws.ws_protocol) or next(iter(endpoint.dialects.values())),
        _peer_of(request),
        endpoint.limits,
    )
    try:
        if endpoint.application is not None:
            await connection.enter(server.applications[endpoint.application])
        await _read(ws, connection)
    finally:
        connection.outbox.flush()
        raw.close()
        if raw.get_write_buffer_size():
            # What the peer does not take would keep the socket open for ever.
            asyncio.get_running_loop().call_later(endpoint.limits.close_seconds, raw.abort)
        await server.disconnect(connection)
    return ws


async def _read(ws: web.WebSocketResponse[Any], connection: Connection) -> None:
    """Read and handle one message after the other until the socket is gone."""
    outbox = connection.outbox
    in_a_row = 0
    while True:
        message = await ws.receive()
        kind = message.type
        if kind is WSMsgType.TEXT or kind is WSMsgType.BINARY:
            waiting = connection.receive(message.data, is_binary=kind is WSMsgType.BINARY)
            if waiting is not None or outbox.is_over_bound:
                await connection.finish(waiting)
            in_a_row += 1
            if in_a_row >= MESSAGES_IN_A_ROW:
                in_a_row = 0
                await asyncio.sleep(0)
        elif kind is WSMsgType.PING:
            connection.pinged(bytes(message.data))
        elif kind is WSMsgType.PONG:
            connection.ponged(bytes(message.data))
        elif kind is WSMsgType.CLOSE:
            connection.close(_echoed(message.data))
            return
        else:
            return


def _peer_of(request: web.Request) -> Peer:
    return Peer(
        remote=request.remote or "",
        path=request.path,
        headers=request.headers,
        query=MappingProxyType(dict(request.query)),
        cookies=request.cookies,
    )


def _echoed(code: int | None) -> int:
    """Return the close code to answer with: the peer's, where one may be sent."""
    return (
        code
        if code is not None and (code in range(1000, 1004) or code in range(3000, 5000))
        else NORMAL_CLOSURE
    )
