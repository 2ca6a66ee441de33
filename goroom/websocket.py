"""WebSocket: one client's TCP connection after its upgrade. Messages handled, frames written."""

from __future__ import annotations

import asyncio
import os
import socket
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import structlog
from aiohttp import WebSocketError, WSMsgType

from goroom.frame_reader import frame_reader

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from goroom.application import Application
    from goroom.connection import Connection
    from goroom.limits import Limits
    from goroom.peer import Peer
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
        "_descriptor",
        "_feed",
        "_is_beginning",
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
        self._is_beginning = False
        """Whether that has just begun to wait, on the stack of those who have read it."""
        self._is_lost = False
        self._relieved: asyncio.Future[None] | None = None
        hold_little(transport)
        self._descriptor = _descriptor_of(transport)
        self._is_blocked = transport.get_write_buffer_size() > 0
        """Whether the transport holds what the peer has not taken; aiohttp's answers, at first."""
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
            try:
                self._feed(data)
            except BaseException:
                self._drop()
                raise
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
            self._keep(kind, data)
        else:
            self._handle(kind, data)

    def _keep(self, kind: WSMsgType, data: Any) -> None:
        if self._messages is None:
            self._messages = deque()
        self._messages.append((kind, data))

    def _handle(self, kind: WSMsgType, data: Any) -> None:
        connection = self._connection
        if kind is _TEXT or kind is _BINARY:
            waiting = connection.receive(data, is_binary=kind is _BINARY)
            if waiting is not None or connection.outbox.is_over_bound():
                self._wait_for(waiting)
        elif kind is WSMsgType.PING:
            connection.pinged(bytes(data))
            if connection.outbox.is_over_bound():
                self._wait_for(None)
        elif kind is WSMsgType.PONG:
            connection.ponged(bytes(data))
        elif kind is WSMsgType.CLOSE:
            connection.close(echoed(data))
            self._hang_up(self.close)
        else:
            self._fail(data)

    def _wait_for(self, waiting: Awaitable[None] | None) -> None:
        """Handle nothing more before *waiting* is done, and the peer has taken its answers."""
        self._is_busy = self._is_beginning = True
        try:
            self._server.runtime.turns.begin(self._finish(self._connection.finish(waiting)))
        finally:
            self._is_beginning = False

    def _refuse(self, error: BaseException, *_: object) -> None:
        """Note that nothing more can be read; what came before is handled first."""
        if self._is_busy:
            self._keep(WSMsgType.ERROR, error)
        else:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        close_after(self._connection, error)
        self._hang_up(self._write_no_more)

    def _hang_up(self, hang_up: Callable[[], None]) -> None:
        """Call *hang_up* when the close frame and all before it are written."""
        outbox = self._connection.outbox
        outbox.flush()
        if outbox.waiting:
            self._server.runtime.turns.spawn(self._hang_up_later(hang_up))
        else:
            hang_up()

    async def _hang_up_later(self, hang_up: Callable[[], None]) -> None:
        outbox = self._connection.outbox
        while outbox.waiting:  # until the peer is given up, at the latest
            await outbox.relieved()
            outbox.flush()
        hang_up()

    def _write_no_more(self) -> None:
        """
        Have the peer see the end behind the close frame, but read on until it hangs up.

        A socket closed with unread bytes is reset, and the peer may lose the close frame by that.
        """
        if not self._transport.can_write_eof() or self._transport.is_closing():
            self.close()  # TLS does what is said above by itself
            return
        with suppress(OSError):  # the peer is gone; its end comes by itself
            self._transport.write_eof()

    async def _finish(self, waiting: Awaitable[object] | None) -> None:
        """Wait until one message is handled, then go on with those that came meanwhile."""
        try:
            if waiting is not None:
                await waiting
        except BaseException:
            self._drop()
            raise
        self._is_busy = False
        if not self._is_beginning:  # else whoever handles messages goes on by itself
            self._read_on()

    def _read_on(self) -> None:
        """Handle what waits here, in several turns of the loop if it is much, then read on."""
        try:
            while self._messages and not self._is_busy:
                self._handle(*self._messages.popleft())
            if self._is_busy:
                return
            if self._unread:
                data, self._unread = self._unread[:BYTES_IN_A_ROW], self._unread[BYTES_IN_A_ROW:]
                self._feed(data)
        except Exception as error:  # noqa: BLE001 -- border: the reader does so for its messages
            self._fail(error)
        except BaseException:
            self._drop()
            raise
        if self._is_busy:
            return
        if self._unread:
            self._connection.outbox.flush()  # before more answers come, it shows who takes none
            asyncio.get_running_loop().call_soon(self._read_on)
        elif self._is_lost:
            self._end()
        else:
            self._transport.resume_reading()

    def _drop(self) -> None:
        """Give the connection up, somewhere in a message: KeyboardInterrupt has come through."""
        self._is_busy = False
        self._messages, self._unread = None, b""
        self._transport.abort()
        if self._is_lost:
            self._end()

    def _end(self) -> None:
        self._feed = _ignore  # it holds this, which holds it
        self._server.disconnect(self._connection)

    # -- frames out ------------------------------------------------------------------------

    def write(self, data: bytes) -> bool:
        if self._descriptor is not None and not self._is_blocked and not self._is_lost:
            # The transport holds nothing, so what the system takes may go past it; its descriptor
            # is good until `connection_lost` has been called.
            try:
                sent = os.write(self._descriptor, data)
            except OSError:  # it takes nothing now, or the peer is gone: the transport will know
                sent = 0
            if sent == len(data):
                return False
            data = data[sent:]
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
            if not self._relieved.done():  # it is cancelled where the loop ends
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
        if not self._transport.is_closing():  # closed twice, one of TLS forgets what it was
            self._transport.close()

    def abort(self) -> None:
        self._transport.abort()


def _ignore(_: bytes) -> None:
    """Read nothing more."""


def _has_tls(transport: asyncio.Transport) -> bool:
    return transport.get_extra_info("sslcontext") is not None


def _descriptor_of(transport: asyncio.Transport) -> int | None:
    """
    Return the socket's descriptor, if it may be written to while *transport* holds nothing.

    That takes a sixth less time. Not with TLS, uvloop or Windows.
    """
    raw = transport.get_extra_info("socket")
    if os.name != "posix" or _has_tls(transport) or raw is None:
        return None
    # Not by the loop: a transport may wrap another one, and mean to change what is written.
    is_asyncios = type(transport).__module__ == "asyncio.selector_events"
    return raw.fileno() if is_asyncios else None


def hold_little(transport: asyncio.Transport) -> None:
    """
    Have *transport* and the kernel hold little that is unsent.

    The outbox holds what the peer does not take, so that it can be counted and dropped.
    """
    # TLS would take an empty buffer for one that is too full.
    transport.set_write_buffer_limits(high=1 if _has_tls(transport) else 0)
    raw = transport.get_extra_info("socket")
    option = getattr(socket, "TCP_NOTSENT_LOWAT", None)
    if raw is not None and option is not None:
        with suppress(OSError):  # it is no TCP; or the peer is gone, and its end comes by itself
            raw.setsockopt(socket.IPPROTO_TCP, option, NOT_SENT_BYTES)


def echoed(code: int | None) -> int:
    """Return the close code to answer with: the peer's, where one may be sent."""
    return (
        code
        if code is not None and (code in range(1000, 1004) or code in range(3000, 5000))
        else NORMAL_CLOSURE
    )


def close_after(connection: Connection, error: BaseException) -> None:
    """Close *connection* since its peer has broken the protocol, or reading it has failed."""
    if isinstance(error, WebSocketError):
        connection.close(error.code, str(error))
    else:
        log.error("reading_failed", connection=connection.id, exc_info=error)
        connection.close(INTERNAL_ERROR, "the server cannot read this message")
