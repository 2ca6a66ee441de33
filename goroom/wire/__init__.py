"""How Requests and Pushes look in bytes: the dialects and WebSocket frames."""

from __future__ import annotations

from goroom.wire.dialect import Dialect, dialects_for
from goroom.wire.json import JsonDialect, ShortJsonDialect
from goroom.wire.msgpack import MsgpackDialect
from goroom.wire.unreadable import UnreadableRequest

__all__ = [
    "Dialect",
    "JsonDialect",
    "MsgpackDialect",
    "ShortJsonDialect",
    "UnreadableRequest",
    "dialects_for",
]
