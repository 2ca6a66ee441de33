"""SocketStage: the players of a `Stage` over real sockets."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import aiohttp

from goroom.testing.player import SHORT, Player
from goroom.testing.stage import ABNORMAL, log_in

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from goroom.web import Server

REPLY_SECONDS = 10.0
"""How long a player waits for a frame before the test fails."""
QUIET_SECONDS = 0.1
"""How long nothing must come before a player takes it that nothing will."""


class SocketWire:
    """A player's messages over one WebSocket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse[bool]) -> None:
        self._socket = socket
        self._sending: asyncio.Task[None] | None = None
        self._outgoing: list[tuple[bytes, bool]] = []
        self._kept: list[bytes] = []
        self.closed: tuple[int, str] | None = None

    def send(self, message: bytes, *, is_binary: bool) -> None:
        self._outgoing.append((message, is_binary))
        if self._sending is None or self._sending.done():
            self._sending = asyncio.get_running_loop().create_task(self._send_all())

    async def _send_all(self) -> None:
        while self._outgoing:
            message, is_binary = self._outgoing.pop(0)
            try:
                if is_binary:
                    await self._socket.send_bytes(message)
                else:
                    await self._socket.send_str(message.decode(errors="surrogateescape"))
            except ConnectionError:
                return

    async def receive(self, *, waits: bool = True) -> bytes | None:
        if self._kept:
            return self._kept.pop(0)
        return await self._receive(REPLY_SECONDS) if waits else None

    async def _receive(self, seconds: float) -> bytes | None:
        if self.closed is not None:
            return None
        try:
            message = await self._socket.receive(timeout=seconds)
        except TimeoutError:
            return None
        if message.type is aiohttp.WSMsgType.TEXT:
            return str(message.data).encode()
        if message.type is aiohttp.WSMsgType.BINARY:
            return bytes(message.data)
        if message.type is aiohttp.WSMsgType.CLOSE:
            self.closed = message.data or 1005, message.extra or ""
        else:
            self.closed = self._socket.close_code or ABNORMAL, ""
        return None

    async def settle(self) -> None:
        if self._sending is not None:
            await self._sending
        while (message := await self._receive(QUIET_SECONDS)) is not None:
            self._kept.append(message)

    async def close(self, code: int = 1000) -> None:
        if self._sending is not None:
            await self._sending
        await self._socket.close(code=code)
        self.closed = self.closed or (code, "")

    async def cut(self) -> None:
        if self._sending is not None:
            await self._sending
        transport = self._socket.get_extra_info("socket")
        self.closed = self.closed or (ABNORMAL, "")
        if transport is not None:
            connection = self._socket._conn  # noqa: SLF001 -- aiohttp offers no way to tear a link
            if connection is not None and connection.transport is not None:
                connection.transport.abort()
        await asyncio.sleep(0)


class SocketStage:
    """
    A running server on a free port, and players over real sockets; used as `Stage` is.

    Args:
        server: With its applications added, not started.
        path: Where it takes WebSockets.
    """

    def __init__(self, server: Server, *, path: str = "/") -> None:
        self.server = server
        self._path = path
        self._session: aiohttp.ClientSession | None = None
        self._players: list[Player] = []
        self.port = 0

    @property
    def url(self) -> str:
        """Where it listens: ``http://127.0.0.1:<port>``."""
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self.port = await self.server.start("127.0.0.1", 0, path=self._path)
        self._session = aiohttp.ClientSession()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Stop the server and let go of every socket."""
        for player in self._players:
            await player.close()
        if self._session is not None:
            await self._session.close()
        await self.server.stop()

    async def settle(self) -> None:
        """Wait until no player has received anything for a moment."""
        for player in self._players:
            await player.settle()

    async def connect(
        self,
        *,
        app: str = "",
        application: str | None = None,
        subprotocol: str | None = SHORT,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        cookies: Mapping[str, str] | None = None,
    ) -> Player:
        """Connect a client that is logged in nowhere; as `Stage.connect`."""
        base = self.url + self._path.rstrip("/") + "/"
        sent = dict(headers or {})
        if cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())

        async def dial() -> SocketWire:
            if self._session is None:
                raise RuntimeError("enter the stage first: async with SocketStage(server) as stage")
            socket = await self._session.ws_connect(
                base + (application or ""),
                params=dict(query or {}),
                headers=sent,
                protocols=[] if subprotocol is None else [subprotocol],
                max_msg_size=0,
            )
            return SocketWire(socket)

        player = Player(await dial(), subprotocol, application, dial)
        player.app = application or app
        self._players.append(player)
        return player

    async def player(self, name: str, *, app: str | None = None, **options: Any) -> Player:
        """Connect a client and log it in; as `Stage.player`."""
        return await log_in(self, name, app, options)
