"""Sockets: who may open a WebSocket at which path, and its upgrade."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

import attrs
import structlog
from aiohttp import HttpVersion11, web

from goroom import frame_reader
from goroom.connection import GOING_AWAY
from goroom.peer import Peer
from goroom.plain_websocket import PlainResponse, PlainTransport, hang_up, read
from goroom.websocket import WebSocket
from goroom.wire.frames import close_frame

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goroom.application import Application
    from goroom.limits import Limits
    from goroom.origins import OriginCheck
    from goroom.server import Server
    from goroom.wire import Dialect

log = structlog.get_logger()

_KEY_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""Makes the answer to a handshake's key (RFC 6455 section 1.3)."""

STOPPING = "the server stops"
"""Reason of the close frame to a client whose handshake was under way."""

_NOTHING: Mapping[str, str] = MappingProxyType({})


@attrs.frozen
class Endpoint:
    """A path that takes WebSockets."""

    path: str
    application: str | None
    dialects: Mapping[str | None, Dialect]
    limits: Limits
    origins: OriginCheck

    def dialect(self, subprotocol: str | None) -> Dialect:
        """Return the dialect that *subprotocol* names, else the first."""
        return self.dialects.get(subprotocol) or next(iter(self.dialects.values()))


async def serve(
    server: Server, endpoint: Endpoint, request: web.Request
) -> web.StreamResponse | None:
    """
    Upgrade *request* to a WebSocket, which lives on when this has returned.

    Returns:
        The answer, for aiohttp; None where *request* asks for no WebSocket.

    Raises:
        web.HTTPBadRequest: It asks for one and has a body, which would be read as frames.
        web.HTTPForbidden: The page's origin may not connect here.
        web.HTTPServiceUnavailable: The server stops.
    """
    ws = PlainResponse(
        timeout=endpoint.limits.close_seconds,
        autoclose=False,
        autoping=False,
        protocols=[name for name in endpoint.dialects if name is not None],
        compress=False,
        max_msg_size=endpoint.limits.message_bytes + 1,  # aiohttp refuses what reaches it
        decode_text=False,
    )
    if request.method != "GET" or request.version < HttpVersion11:
        return None
    try:
        asked = ws.can_prepare(request)
    except ValueError:  # a key that is no ASCII
        return None
    if not asked.ok:
        return None
    if request.body_exists:
        raise _refused_body(request)
    origin, host = request.headers.get("Origin"), request.headers.get("Host", "")
    if not endpoint.origins.allows(origin, host, has_cookies="Cookie" in request.headers):
        log.warning("origin_refused", origin=(origin or "")[:200], remote=request.remote)
        raise web.HTTPForbidden(text="This page's origin may not connect here.\n")
    if not server.is_running or server.is_stopping:
        raise web.HTTPServiceUnavailable(text="The server stops; come back later.\n")
    try:
        if frame_reader.IS_USABLE:
            return await _take_over(server, endpoint, request, asked.protocol)
        return await _read_plainly(server, endpoint, request, ws)
    except ConnectionResetError:
        return web.Response()  # to nobody: it has gone between its request and the answer


def _refused_body(request: web.Request) -> web.HTTPBadRequest:
    request.content.feed_eof()  # aiohttp would wait for the rest of it
    refusal = web.HTTPBadRequest(text="A request for a WebSocket has no body.\n")
    refusal.force_close()
    return refusal


async def _take_over(
    server: Server, endpoint: Endpoint, request: web.Request, protocol: str | None
) -> web.StreamResponse:
    response = _Upgraded(request.headers["Sec-WebSocket-Key"], protocol)
    await response.prepare(request)
    peer = _peer_of(request)
    taken = _taken(request)
    if taken is None:
        return response
    transport, received = taken
    if server.is_stopping:
        transport.write(close_frame(GOING_AWAY, STOPPING))
        transport.close()
        return response
    try:
        socket = WebSocket(server, transport, endpoint.dialect(protocol), peer, endpoint.limits)
    except BaseException:
        transport.abort()  # nobody else has it any more
        raise
    server.runtime.turns.spawn(socket.begin(_application(server, endpoint), received))
    return response


async def _read_plainly(
    server: Server, endpoint: Endpoint, request: web.Request, ws: web.WebSocketResponse[Any]
) -> web.StreamResponse:
    writer = await ws.prepare(request)
    if request.transport is None:
        return ws
    if server.is_stopping:
        request.transport.write(close_frame(GOING_AWAY, STOPPING))
        return ws
    transport = PlainTransport(request.transport, writer)
    dialect = endpoint.dialect(ws.ws_protocol)
    connection = server.connect(transport, dialect, _peer_of(request), endpoint.limits)
    try:
        application = _application(server, endpoint)
        if application is not None:
            await connection.enter(application)
        await read(ws, connection)
    finally:
        try:
            await hang_up(connection)
        finally:
            await asyncio.shield(server.disconnect(connection))
    return ws


def _application(server: Server, endpoint: Endpoint) -> Application | None:
    name = endpoint.application
    return None if name is None else server.applications[name]


class _Upgraded(web.StreamResponse):
    """The answer to a handshake (RFC 6455 section 4.2.2)."""

    def __init__(self, key: str, protocol: str | None) -> None:
        digest = hashlib.sha1(f"{key}{_KEY_SUFFIX}".encode(), usedforsecurity=False).digest()
        headers = {
            "Upgrade": "websocket",
            "Connection": "upgrade",
            "Sec-WebSocket-Accept": base64.b64encode(digest).decode(),
        }
        if protocol is not None:
            headers["Sec-WebSocket-Protocol"] = protocol
        super().__init__(status=101, headers=headers)
        self.force_close()

    async def write_eof(self, data: bytes = b"") -> None:
        """Write nothing: what follows is the WebSocket's."""


class _Received:
    """Takes from aiohttp what came behind an upgrade."""

    def __init__(self) -> None:
        self.data = b""

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        self.data += data
        return False, b""

    def feed_eof(self) -> None:
        """Do nothing: whoever has the transport hears of its end."""


def _taken(request: web.Request) -> tuple[asyncio.Transport, bytes] | None:
    """
    Take the TCP connection of *request* away from aiohttp, which takes it for lost.

    It is told when the request's handler and the middlewares around that have returned: they would
    be cancelled otherwise, where the application wants that for clients that leave.

    aiohttp would keep a task, the request and its HTTP parser for each WebSocket, and wake the task
    for each message: half of the memory of an idle connection, a fifth of the time of an echo.

    Returns:
        The transport, and what was received behind the request; None if it is lost indeed.
    """
    protocol = request.protocol
    transport = protocol.transport
    if transport is None or transport.is_closing():
        return None
    received = _Received()
    protocol.set_parser(cast("Any", received))
    protocol.transport = None
    request.task.add_done_callback(lambda _: protocol.connection_lost(None))
    return transport, received.data


def _peer_of(request: web.Request) -> Peer:
    query, cookies = request.query, request.cookies
    return Peer(
        remote=request.remote or "",
        path=request.path,
        headers=request.headers,
        query=MappingProxyType(dict(query)) if query else _NOTHING,
        cookies=cookies or _NOTHING,
    )
