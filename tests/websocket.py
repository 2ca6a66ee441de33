"""A WebSocket written by hand from RFC 6455 over asyncio's streams: no aiohttp, no goroom."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import os
import struct
import urllib.parse
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

WAIT_SECONDS = 10.0
"""How long a test waits for what must come: far beyond what a busy machine needs."""

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3


class HandshakeRefused(Exception):  # noqa: N818 -- an answer of the server, not a fault
    """The server answered the upgrade with another status than 101."""

    def __init__(self, status: int, headers: Mapping[str, str], body: str) -> None:
        super().__init__(f"HTTP {status}: {body[:200]}")
        self.status = status
        self.headers = headers
        self.body = body


class ProtocolBroken(AssertionError):  # noqa: N818 -- a finding about the server
    """The server sent what RFC 6455 or the protocol forbids."""


@attrs.frozen
class Closed:
    """The end of a connection: the server's close code, or None where the link just went."""

    code: int | None
    reason: str = ""


class WebSocket:
    """
    One WebSocket connection of a client (RFC 6455), without extensions.

    Pings are answered when `receive` meets them, unless `answers_pings` is False.
    """

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, subprotocol: str
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._buffer = bytearray()
        self._fragments: list[bytes] = []
        self._fragments_opcode = 0
        self._close_sent = False
        self.subprotocol = subprotocol
        self.answers_pings = True
        self.pings = 0
        self.closed: Closed | None = None

    @classmethod
    async def connect(
        cls, url: str, *, headers: Mapping[str, str] | None = None, subprotocol: str = ""
    ) -> WebSocket:
        """
        Open *url* (``ws:`` or ``http:``), with neither Origin nor subprotocol unless asked for.

        Raises:
            HandshakeRefused: The answer was not 101.
            ProtocolBroken: The answer was 101 and not as RFC 6455 section 4.1 wants it.
        """
        parts = urllib.parse.urlsplit(url)
        port = parts.port or 80
        reader, writer = await asyncio.open_connection(parts.hostname, port)
        key = base64.b64encode(os.urandom(16))
        fields = {
            "Host": parts.netloc,
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": key.decode(),
            "Sec-WebSocket-Version": "13",
            **({"Sec-WebSocket-Protocol": subprotocol} if subprotocol else {}),
            **(headers or {}),
        }
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        lines = [f"GET {target} HTTP/1.1", *(f"{name}: {text}" for name, text in fields.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                answer = await _read_answer(reader)
        except BaseException:
            writer.close()
            raise
        status, answered, body = answer
        if status != 101:
            writer.close()
            raise HandshakeRefused(status, answered, body)
        accept = base64.b64encode(hashlib.sha1(key + _GUID).digest()).decode()  # noqa: S324 -- RFC 6455 wants SHA-1
        if answered.get("sec-websocket-accept") != accept:
            raise ProtocolBroken("Sec-WebSocket-Accept is wrong")
        if "sec-websocket-extensions" in answered:
            raise ProtocolBroken("an extension was not asked for")
        return cls(reader, writer, answered.get("sec-websocket-protocol", ""))

    def send_text(self, text: str) -> None:
        """Send one text frame; it is in the kernel's or the stream's hands on return."""
        self.send_frame(TEXT, text.encode())

    def send_frame(self, opcode: int, payload: bytes = b"", *, first_byte: int = 0x80) -> None:
        """Send one masked frame; *first_byte* holds FIN and the reserved bits."""
        size = len(payload)
        if size < 126:
            head = struct.pack("!BB", first_byte | opcode, 0x80 | size)
        elif size < 2**16:
            head = struct.pack("!BBH", first_byte | opcode, 0x80 | 126, size)
        else:
            head = struct.pack("!BBQ", first_byte | opcode, 0x80 | 127, size)
        mask = os.urandom(4)
        self.send_bytes(head + mask + _masked(payload, mask))

    def send_bytes(self, raw: bytes) -> None:
        """Put *raw* on the link as it is, for what no client should send."""
        self._writer.write(raw)

    async def receive(self, seconds: float = WAIT_SECONDS) -> str | bytes | Closed:
        """
        Return the next message, or how the connection ended (again and again, once it has).

        Raises:
            TimeoutError: Nothing came for *seconds*; nothing is lost by that.
            ProtocolBroken: The server sent what RFC 6455 forbids.
        """
        while True:
            frame = self._next_frame()
            if frame is None:
                if self.closed is not None:
                    return self.closed
                async with asyncio.timeout(seconds):
                    await self._fill()
                continue
            message = self._handled(*frame)
            if message is not None:
                return message

    async def close(self, code: int = 1000, reason: str = "") -> Closed:
        """Close with *code* and return the server's answer; what came before it is skipped."""
        self._send_close(struct.pack("!H", code) + reason.encode())
        while not isinstance(message := await self.receive(), Closed):
            pass
        # The link may have gone under the close: how it ended is in the message.
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()
        return message

    def abort(self) -> None:
        """Cut the TCP link without a word."""
        self._writer.transport.abort()
        if self.closed is None:
            self.closed = Closed(None)

    async def _fill(self) -> None:
        try:
            chunk = await self._reader.read(2**18)
        except ConnectionError:
            chunk = b""
        if chunk:
            self._buffer += chunk
        else:
            self.closed = Closed(None)
            self._writer.close()

    def _next_frame(self) -> tuple[int, bytes] | None:
        """Take one whole frame out of the buffer: first byte and payload."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        first, size, start = buffer[0], buffer[1], 2
        if first & 0x70:
            raise ProtocolBroken("a reserved bit is set and no extension was negotiated")
        if size & 0x80:
            raise ProtocolBroken("a frame of the server is masked")
        if size == 126:
            if len(buffer) < 4:
                return None
            size, start = int.from_bytes(buffer[2:4], "big"), 4
        elif size == 127:
            if len(buffer) < 10:
                return None
            size, start = int.from_bytes(buffer[2:10], "big"), 10
        if len(buffer) < start + size:
            return None
        payload = bytes(buffer[start : start + size])
        del buffer[: start + size]
        return first, payload

    def _handled(self, first: int, payload: bytes) -> str | bytes | Closed | None:
        opcode, final = first & 0x0F, bool(first & 0x80)
        if opcode >= CLOSE:
            if not final or len(payload) > 125:
                raise ProtocolBroken("a control frame is fragmented or too long")
            return self._controlled(opcode, payload)
        if (opcode == CONTINUATION) != bool(self._fragments):
            raise ProtocolBroken("a continuation without a start, or a start inside a message")
        if not final:
            self._fragments_opcode = opcode or self._fragments_opcode
            self._fragments.append(payload)
            return None
        if self._fragments:
            opcode, payload = self._fragments_opcode, b"".join([*self._fragments, payload])
            self._fragments = []
        return payload.decode() if opcode == TEXT else payload

    def _controlled(self, opcode: int, payload: bytes) -> Closed | None:
        if opcode == PING:
            self.pings += 1
            if self.answers_pings and not self._close_sent:
                self.send_frame(PONG, payload)
        elif opcode == CLOSE:
            code = struct.unpack("!H", payload[:2])[0] if payload else 1005
            self.closed = Closed(code, payload[2:].decode())
            self._send_close(payload[:2])
            self._writer.close()
            return self.closed
        elif opcode != PONG:
            raise ProtocolBroken(f"opcode {opcode} is reserved")
        return None

    def _send_close(self, payload: bytes) -> None:
        if not self._close_sent:
            self._close_sent = True
            self.send_frame(CLOSE, payload)


async def _read_answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], str]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {}
    for line in head[1:-2]:
        name, _, text = line.partition(":")
        headers[name.lower()] = text.strip()
    status = int(head[0].split()[1])
    length = 0 if status == 101 else int(headers.get("content-length", 0))
    return status, headers, (await reader.readexactly(length)).decode()


def _masked(payload: bytes, mask: bytes) -> bytes:
    """Return *payload* under *mask* (RFC 6455 section 5.3), as one long integer for speed."""
    size = len(payload)
    stretched = (mask * (size // 4 + 1))[:size]
    mixed = int.from_bytes(payload, "big") ^ int.from_bytes(stretched, "big")
    return mixed.to_bytes(size, "big")
