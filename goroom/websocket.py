"""WebSocket: one client's TCP connection after its upgrade. Messages handled, frames written."""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from typing import TYPE_CHECKING, Any

import structlog
from aiohttp import WebSocketError, WSMsgType

from goroom.frame_reader import frame_reader

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from goroom.application import Application
    from goroom.connection import Peer
    from goroom.limits import Limits
    from goroom.server import Server
    from goroom.wire import Dialect

log = structlog.get_logger()

NOT_SENT_BYTES = 64 * 1024
"""What the kernel may hold unsent: else it hides megabytes, and no bound means anything."""

BYTES_IN_A_ROW = 16 * 1024
"""What of one client is read and handled before the event loop serves others."""
UNREAD_BYTES = 64 * 1024
"""What may have come and wait, while a message is handled, before TCP slows the client down."""

NORMAL_CLOSURE = 1000
INTERNAL_ERROR = 1011
"""Close code where reading fails for a reason of ours (RFC 6455 section 7.4.1)."""

_TEXT, _BINARY = WSMsgType.TEXT, WSMsgType.BINARY


class WebSocket(asyncio.Protocol):
    """
    The protocol of one TCP connection, taken over from aiohttp; to its `Connection` the transport.

    Messages are handled on the stack of the event loop that has read them, one after the other.
    Where one has to wait, what comes meanwhile is kept, and above `UNREAD_BYTES` it is not read. So
    no connection has a task while nothing of it waits.

    Args:
        server: Whose it is.
        transport: aiohttp's; this takes the place of aiohttp's protocol there.
        dialect: How messages look.
        peer: Where they come from.
        limits: Bounds of them.
    """

    __slots__ = (
        "_connection",
        "_feed",
        "_is_blocked",
        "_is_busy",
        "_is_lost",
        "_messages",
        "_relieved",
        "_server",
        "_transport",
        "_unread",
    )

    def __init__(
        self,
        server: Server,
        transport: asyncio.Transport,
        dialect: Dialect,
        peer: Peer,
        limits: Limits,
    ) -> None:
        self._server = server
        self._transport = transport
        self._feed = frame_reader(self._take, self._refuse, limits.message_bytes)
        self._messages: deque[tuple[WSMsgType, Any]] | None = None
        """Those that came while one was handled; made when needed."""
        self._unread = b""
        """What came behind these."""
        self._is_busy = True
        """Whether a message is being handled that has to wait; here, the upgrade."""
        self._is_blocked = False
        """Whether the transport holds what the peer has not taken."""
        self._is_lost = False
        self._relieved: asyncio.Future[None] | None = None
        hold_little(transport)
        self._connection = server.connect(self, dialect, peer, limits)
        transport.set_protocol(self)

    async def begin(self, application: Application | None, received: bytes) -> None:
        """
        Begin to read, once the client has entered *application*.

        Args:
            application: The one that its URL names, if any.
            received: What came behind the upgrade.
        """
        self._unread = received + self._unread
        await self._finish(None if application is None else self._connection.enter(application))

    # -- bytes in --------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if self._is_busy or self._unread:
            self._unread += data
            if len(self._unread) > UNREAD_BYTES:
                self._transport.pause_reading()
        elif len(data) <= BYTES_IN_A_ROW:
            self._feed(data)
        else:
            self._unread = data
            self._transport.pause_reading()
            self._read_on()

    def connection_lost(self, _exc: BaseException | None) -> None:
        self._is_lost = True
        self.resume_writing()
        if not self._is_busy and not self._unread:
            self._end()

    def _take(self, message: tuple[WSMsgType, Any, Any], _size: int) -> None:
        kind, data, _ = message
        if self._is_busy:
            if self._messages is None:
                self._messages = deque()
            self._messages.append((kind, data))
        else:
            self._handle(kind, data)

    def _handle(self, kind: WSMsgType, data: Any) -> None:
        connection = self._connection
        if kind is _TEXT or kind is _BINARY:
            waiting = connection.receive(data, is_binary=kind is _BINARY)
            if waiting is not None or connection.outbox.is_over_bound:
                self._is_busy = True
                self._server.runtime.turns.spawn(self._finish(connection.finish(waiting)))
        elif kind is WSMsgType.PING:
            connection.pinged(bytes(data))
        elif kind is WSMsgType.PONG:
            connection.ponged(bytes(data))
        else:
            connection.close(echoed(data))
            connection.outbox.flush()
            self._transport.close()

    def _refuse(self, error: BaseException, *_: object) -> None:
        """The peer has broken the protocol, or reading has failed: close, read nothing more."""
        if isinstance(error, WebSocketError):
            self._connection.close(error.code, str(error))
        else:
            log.error("reading_failed", connection=self._connection.id, exc_info=error)
            self._connection.close(INTERNAL_ERROR, "the server cannot read this message")

    async def _finish(self, waiting: Awaitable[object] | None) -> None:
        """Wait until one message is handled, then go on with those that came meanwhile."""
        try:
            if waiting is not None:
                await waiting
        except BaseException:
            self._messages, self._unread = None, b""
            self._transport.abort()
            raise
        finally:
            self._is_busy = False
            self._read_on()

    def _read_on(self) -> None:
        """Handle what waits here, in several turns of the loop if it is much, then read on."""
        while self._messages and not self._is_busy:
            self._handle(*self._messages.popleft())
        if self._is_busy:
            return
        if self._unread:
            data, self._unread = self._unread[:BYTES_IN_A_ROW], self._unread[BYTES_IN_A_ROW:]
            self._feed(data)
            if self._is_busy:
                return
        if self._unread:
            asyncio.get_running_loop().call_soon(self._read_on)
        elif self._is_lost:
            self._end()
        else:
            self._transport.resume_reading()

    def _end(self) -> None:
        self._server.disconnect(self._connection)

    # -- frames out ------------------------------------------------------------------------

    def write(self, data: bytes) -> bool:
        if not self._transport.is_closing():
            self._transport.write(data)
        return self._is_blocked

    def buffered(self) -> int:
        return self._transport.get_write_buffer_size()

    def is_lost(self) -> bool:
        return self._transport.is_closing()

    def pause_writing(self) -> None:
        self._is_blocked = True

    def resume_writing(self) -> None:
        self._is_blocked = False
        if self._relieved is not None:
            self._relieved.set_result(None)
            self._relieved = None

    async def drained(self) -> None:
        if self._is_blocked:
            if self._relieved is None:
                self._relieved = asyncio.get_running_loop().create_future()
            await self._relieved
        if self._is_lost:
            raise ConnectionResetError

    def close(self) -> None:
        self._transport.close()

    def abort(self) -> None:
        self._transport.abort()


def hold_little(transport: asyncio.Transport) -> None:
    """
    Have *transport* and the kernel hold little that is unsent.

    The outbox holds what the peer does not take, so that it can be counted and dropped.
    """
    transport.set_write_buffer_limits(high=0)
    raw = transport.get_extra_info("socket")
    option = getattr(socket, "TCP_NOTSENT_LOWAT", None)
    if raw is not None and option is not None and raw.family != socket.AF_UNIX:
        raw.setsockopt(socket.IPPROTO_TCP, option, NOT_SENT_BYTES)


def echoed(code: int | None) -> int:
    """Return the close code to answer with: the peer's, where one may be sent."""
    return (
        code
        if code is not None and (code in range(1000, 1004) or code in range(3000, 5000))
        else NORMAL_CLOSURE
    )
