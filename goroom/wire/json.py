"""The goroom dialect in JSON: goroomserver's full form, and the short form `goroom.json`."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from goroom import values
from goroom.errors import SUCCESS, ErrorDescription
from goroom.messages import Push, Request
from goroom.wire.dialect import Dialect
from goroom.wire.unreadable import UnreadableRequest, unreadable

_NO_ERROR = {"code": 0, "message": ""}

SafeInteger = Annotated[int, msgspec.Meta(ge=-values.MAX_SAFE_INTEGER, le=values.MAX_SAFE_INTEGER)]


class Envelope(msgspec.Struct, rename="camel", gc=False):
    """A client's frame; ``data`` stays as the bytes it came in."""

    event_type: SafeInteger
    app_name: str | None = None
    room_name: str | None = None
    action: str | None = None
    id: SafeInteger | None = None
    data: msgspec.Raw = msgspec.Raw(values.EMPTY)


class FullFrame(msgspec.Struct, rename="camel", omit_defaults=True, gc=False):
    """A server's frame in goroomserver's form: the first four keys are always there."""

    event_type: int
    data: Any
    code: int
    error: dict[str, Any]
    app_name: str = ""
    room_name: str = ""
    action: str = ""
    sender: str = ""
    seq: int | UnsetType = UNSET
    sub: int | UnsetType = UNSET
    id: int | UnsetType = UNSET


class ShortFrame(msgspec.Struct, rename="camel", omit_defaults=True, gc=False):
    """A server's frame without what is at its default."""

    event_type: int
    app_name: str = ""
    room_name: str = ""
    action: str = ""
    sender: str = ""
    seq: int | UnsetType = UNSET
    sub: int | UnsetType = UNSET
    id: int | UnsetType = UNSET
    data: Any = UNSET
    code: int = SUCCESS
    error: dict[str, Any] | UnsetType = UNSET


def described(error: ErrorDescription) -> dict[str, Any]:
    """Return *error* as the map that goes over the wire."""
    shown: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.reason:
        shown["reason"] = error.reason
    if error.field:
        shown["field"] = error.field
    return shown


def short_frame(push: Push, data: object, bound_application: str | None) -> ShortFrame:
    """Return the short form of *push*, its data already in the shape the encoder wants."""
    seq, sub, number, error = push.seq, push.sub, push.id, push.error
    return ShortFrame(
        push.event_type,
        "" if push.app_name == bound_application else push.app_name,
        push.room_name,
        push.action,
        push.sender,
        UNSET if seq is None else seq,
        UNSET if sub is None else sub,
        UNSET if number is None else number,
        UNSET if push.body == values.EMPTY else data,
        push.code,
        UNSET if error is None else described(error),
    )


_encode = msgspec.json.Encoder().encode


class JsonDialect(Dialect):
    """goroomserver's protocol, unchanged: JSON text frames in the full form."""

    def __init__(self, application: str | None = None) -> None:
        super().__init__(application)
        self._decode = msgspec.json.Decoder(Envelope).decode

    def decode(self, message: bytes) -> Request:
        try:
            envelope = self._decode(message)
        except (ValueError, RecursionError) as error:
            plain = values.in_plain_words(error, message)
            raise unreadable(plain, lambda: msgspec.json.decode(message)) from None
        body = bytes(envelope.data)
        if body[:1] != b"{":
            if body != b"null":
                raise UnreadableRequest("data must be an object", "data", envelope.id)
            body = values.EMPTY
        return Request(
            envelope.event_type,
            envelope.app_name or "",
            room_name=envelope.room_name or "",
            action=envelope.action or "",
            id=envelope.id,
            body=body,
        )

    def encode(self, push: Push) -> bytes:
        frame = FullFrame(
            push.event_type,
            msgspec.Raw(push.body),
            push.code,
            _NO_ERROR if push.error is None else described(push.error),
            push.app_name,
            push.room_name,
            push.action,
            push.sender,
            UNSET if push.seq is None else push.seq,
            UNSET if push.sub is None else push.sub,
            UNSET if push.id is None else push.id,
        )
        return _encode(frame)


class ShortJsonDialect(JsonDialect):
    """The same maps without what is at its default: what our own clients ask for."""

    subprotocol = "goroom.json"

    def encode(self, push: Push) -> bytes:
        return _encode(short_frame(push, msgspec.Raw(push.body), self.application))
