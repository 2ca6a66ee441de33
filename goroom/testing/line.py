"""Line: a client of any dialect on a stage, its messages in and out as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from goroom.testing.player import Wire


class Line:
    """
    A client of any dialect: messages as they are, in and out. Made by `Stage.dial`.

    ::

        ann = await stage.dial(MeshDialect, "words", query={"name": "Ann"})
        ann.send('{"action":"say","message_body":{},"target":"den"}')
        assert "say" in await ann.receive()

    Messages are ``str``, of a binary dialect ``bytes``.
    """

    def __init__(self, wire: Wire, *, is_binary: bool) -> None:
        self.wire = wire
        self._is_binary = is_binary

    @property
    def closed(self) -> tuple[int, str] | None:
        """Code and reason of the close, or None while it is open."""
        return self.wire.closed

    def send(self, message: str | bytes) -> None:
        """Send one message: text as a ``str``, binary as ``bytes``."""
        if isinstance(message, str):
            self.wire.send(message.encode(), is_binary=False)
        else:
            self.wire.send(message, is_binary=True)

    async def receive(self) -> str | bytes:
        """
        Return the oldest message that was not taken yet, when all has happened that needs no time.

        Raises:
            AssertionError: There is none.
        """
        message = await self.wire.receive()
        if message is None:
            ended = "" if self.closed is None else f"; closed with {self.closed}"
            raise AssertionError(f"no message has come{ended}")
        return self._shown(message)

    async def received(self) -> list[str | bytes]:
        """Return all messages that were not taken yet, when all has happened that needs no time."""
        await self.wire.settle()
        messages = []
        while (message := await self.wire.receive(waits=False)) is not None:
            messages.append(self._shown(message))
        return messages

    async def settle(self) -> None:
        """Let everything happen that needs no time."""
        await self.wire.settle()

    async def close(self, code: int = 1000) -> None:
        """Close the socket, as a client that leaves."""
        await self.wire.close(code)

    async def cut(self) -> None:
        """Tear the link without a word."""
        await self.wire.cut()

    def _shown(self, message: bytes) -> str | bytes:
        return message if self._is_binary else message.decode()
