"""
Server frames of the WebSocket protocol (RFC 6455 section 5).

A server's frames are not masked, so one frame is right for every receiver and is built once.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

TEXT = 0x1
BINARY = 0x2
CLOSE = 0x8
PING = 0x9
PONG = 0xA
"""Opcodes (RFC 6455 section 5.2)."""

CONTROL_BYTES = 125
"""Largest payload of a control frame (RFC 6455 section 5.5)."""

_FIN = 0x80
_pack_16_bit = struct.Struct("!BBH").pack
_pack_64_bit = struct.Struct("!BBQ").pack
_SHORT, _LONG = 126, 127
_LARGEST_16_BIT = 0xFFFF


def frame(opcode: int, payload: bytes) -> bytes:
    """Return the complete, unfragmented, unmasked frame of *payload*."""
    length = len(payload)
    if length < _SHORT:
        return bytes((_FIN | opcode, length)) + payload
    if length <= _LARGEST_16_BIT:
        return _pack_16_bit(_FIN | opcode, _SHORT, length) + payload
    return _pack_64_bit(_FIN | opcode, _LONG, length) + payload


def close_frame(code: int, reason: str = "") -> bytes:
    """Return a close frame; *reason* is cut to what fits (123 bytes of UTF-8)."""
    text = reason.encode(errors="replace")[: CONTROL_BYTES - 2].decode(errors="ignore").encode()
    return frame(CLOSE, struct.pack("!H", code) + text)


def unframed(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield opcode and payload of each frame in *data*: complete frames as `frame` makes them."""
    start = 0
    while start < len(data):
        opcode, length = data[start] & 0x0F, data[start + 1]
        start += 2
        if length >= _SHORT:
            size = 2 if length == _SHORT else 8
            length = int.from_bytes(data[start : start + size], "big")
            start += size
        yield opcode, data[start : start + length]
        start += length


def batched(frames: Iterable[bytes], separator: bytes) -> bytes:
    """Return *frames* joined; messages that follow each other become one, with *separator*."""
    joined: list[bytes] = []
    messages: list[bytes] = []
    kind = TEXT
    for opcode, payload in unframed(b"".join(frames)):
        if opcode in {TEXT, BINARY}:
            kind = opcode
            messages.append(payload)
            continue
        if messages:
            joined.append(frame(kind, separator.join(messages)))
            messages = []
        joined.append(frame(opcode, payload))
    if messages:
        joined.append(frame(kind, separator.join(messages)))
    return b"".join(joined)
