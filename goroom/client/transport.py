"""Transport: the link under a connection, and the one over WebSocket."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Protocol

import aiohttp

from goroom.client.frames import SUBPROTOCOL
from goroom.errors import ConnectionLost

CLOSE_SECONDS = 2.0
"""How long the server may take to answer a close before its socket is cut."""
MAX_REASON_BYTES = 123
"""Length of a close's reason (RFC 6455 section 5.5)."""


class Transport(Protocol):
    """
    Carries text frames to a server and back.

    One task receives and one sends at a time; `close` may be called beside both.
    """

    async def send(self, text: str) -> None:
        """
        Send one frame; returns when it may be forgotten here.

        Raises:
            ConnectionLost: The link is closed.
        """

    async def receive(self) -> str:
        """
        Return the next frame.

        Raises:
            ConnectionLost: The link is closed; with the code and reason that closed it.
        """

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """
        Close the link and free what it holds; a second call does nothing.

        Waits a few seconds at most. Who receives is told that the link is closed.
        """


class WebSocketTransport:
    """
    A WebSocket to a server, in the subprotocol ``goroom.json``.

    Args:
        socket: An open WebSocket.
        own_session: The session to close with it; None where it belongs to somebody else.
    """

    def __init__(
        self,
        socket: aiohttp.ClientWebSocketResponse,
        own_session: aiohttp.ClientSession | None = None,
    ) -> None:
        self._socket = socket
        self._own_session = own_session

    @classmethod
    async def open(
        cls, url: str, session: aiohttp.ClientSession | None = None
    ) -> WebSocketTransport:
        """
        Connect to *url* (``ws:``, ``wss:``, ``http:`` or ``https:``).

        Args:
            url: Of an endpoint.
            session: To connect with; it stays open. Without one, a session is made and closed.

        Raises:
            ConnectionLost: Nothing answers there, or what answers does not speak goroom.
        """
        own_session = None
        if session is None:
            session = own_session = aiohttp.ClientSession()
        try:
            socket = await session.ws_connect(url, protocols=(SUBPROTOCOL,))
        except BaseException as error:
            if own_session is not None:
                await own_session.close()
            if isinstance(error, aiohttp.ClientError):
                raise ConnectionLost(1006, f"cannot connect to {url}: {error}") from error
            raise
        transport = cls(socket, own_session)
        if socket.protocol != SUBPROTOCOL:
            await transport.close(1002, f"asked for {SUBPROTOCOL}")
            raise ConnectionLost(1002, f"{url} does not speak {SUBPROTOCOL}")
        return transport

    async def send(self, text: str) -> None:
        """Send one frame; see `Transport.send`."""
        try:
            await self._socket.send_str(text)
        except (ConnectionError, aiohttp.ClientError) as error:
            raise ConnectionLost(1006, str(error)) from error

    async def receive(self) -> str:
        """Return the next frame; see `Transport.receive`."""
        message = await self._socket.receive()
        if message.type is aiohttp.WSMsgType.TEXT:
            text: str = message.data
            return text
        if message.type is aiohttp.WSMsgType.BINARY:
            raise ConnectionLost(1003, "a binary frame")
        reason = message.extra if message.type is aiohttp.WSMsgType.CLOSE else ""
        raise ConnectionLost(int(self._socket.close_code or 1006), reason or "")

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the socket, and the session if it is its own; see `Transport.close`."""
        message = reason.encode("ascii", "replace")[:MAX_REASON_BYTES]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._socket.close(code=code, message=message)
        if self._own_session is not None:
            await self._own_session.close()
