"""The goroom dialect in msgpack: the short form's maps in binary frames."""

from __future__ import annotations

from typing import Any

import msgspec

from goroom import values
from goroom.messages import Push, Request
from goroom.wire.dialect import Dialect
from goroom.wire.json import SafeInteger, short_frame
from goroom.wire.unreadable import UnreadableRequest, unreadable


class Envelope(msgspec.Struct, rename="camel"):
    """A client's frame; msgpack says more than JSON, so ``data`` is checked value by value."""

    event_type: SafeInteger
    app_name: str | None = None
    room_name: str | None = None
    action: str | None = None
    id: SafeInteger | None = None
    data: dict[Any, Any] | None = None


class MsgpackDialect(Dialect):
    """
    The short form in msgpack (https://msgpack.org), in binary frames.

    Data is what JSON can say: bin, ext and timestamps from a client are refused, keys are
    strings. Bytes that an author sends are base64 strings, as in the other forms.
    """

    subprotocol = "goroom.msgpack"
    binary = True

    def __init__(self, application: str | None = None) -> None:
        super().__init__(application)
        self._decode = msgspec.msgpack.Decoder(Envelope).decode
        self._encode = msgspec.msgpack.Encoder().encode

    def decode(self, message: bytes) -> Request:
        try:
            envelope = self._decode(message)
        except (ValueError, RecursionError) as error:
            raise unreadable(error, lambda: msgspec.msgpack.decode(message)) from None
        body = values.EMPTY
        if envelope.data:
            try:
                values.check(envelope.data)
            except ValueError as error:
                raise UnreadableRequest(str(error), "data", envelope.id) from None
            body = msgspec.json.encode(envelope.data)
        return Request(
            envelope.event_type,
            envelope.app_name or "",
            room_name=envelope.room_name or "",
            action=envelope.action or "",
            id=envelope.id,
            body=body,
        )

    def encode(self, push: Push) -> bytes:
        return self._encode(short_frame(push, push.data, self.application))
