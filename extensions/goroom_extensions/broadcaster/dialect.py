"""The broadcaster's frames: numbered messages with free bytes, and events of its clients."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import msgspec

from goroom import BadRequest, Dialect, EventType, Push, Request, UnreadableRequest
from goroom_extensions.broadcaster.responses import Cast

CLIENT_ADDED = 1
CLIENT_DELETED = 2
"""Numbers of events on the wire."""

EVENT_ACTIONS: Mapping[str, int] = MappingProxyType(
    {"client_added": CLIENT_ADDED, "client_deleted": CLIENT_DELETED}
)
"""Under which actions the Responses of event handlers go out, and their numbers on the wire."""

CAST_TYPE, CAST_FOR = "CastType", "CastFor"
"""Keys of a message's data beside its body, where a Response is not simply for all."""

_INTEGERS = range(-(2**63), 2**63)
"""What fits a HandlerID: an ``int`` of Go."""
_INTEGER_CHARACTERS = 20

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class BroadcasterDialect(Dialect):
    """
    go-message-broadcaster's frames, byte for byte.

    A client sends ``{"HandlerID": 1, "Body": "<base64>"}`` and gets ``{"SenderID", "HandlerID",
    "CastType", "CastFor", "Body"}``; a SenderID of its own counts for nothing. Keys are read
    whatever their case, as Go reads them. Bad frames are logged and dropped; nothing is answered.

    What members of other tongues say in the same room comes as such a Response too: SenderID is
    their name, HandlerID the number of the action (0 where it has none), CastType is All. What is
    for this client alone is Exclusive. A room that passes on whatever its members say lets them say
    the data of a Response, and in the newer form the actions of events, too: a `BroadcastRoom` does
    not.

    A subclass is a form: which room, which numbers, how a body looks to others.
    """

    is_tolerant = True

    room: ClassVar[str] = "broadcaster"
    """Name of the room in which all clients of this endpoint are."""
    has_event_type: ClassVar[bool] = False
    """
    Whether Responses carry ``EventType`` after SenderID (0: no event), as the seed's newest source
    has them. Events then go out only as Responses of event handlers.
    """
    has_plain_events: ClassVar[bool] = True
    """Whether ``{"EventType", "ClientID"}`` tells who joins and leaves; never in the newer form."""
    actions: ClassVar[Mapping[int, str]] = MappingProxyType({})
    """What members of other tongues call a HandlerID; the number in digits where it is not here."""

    def __init__(self, application: str | None = None) -> None:
        super().__init__(application)
        self._handler_ids = {action: handler_id for handler_id, action in self.actions.items()}
        if len(self._handler_ids) != len(self.actions):
            raise TypeError(f"{type(self).__name__}.actions has two numbers for one action")

    # -- what a subclass may say otherwise ---------------------------------------------------

    def to_action(self, handler_id: int) -> str:
        """Return what members of other tongues call *handler_id*."""
        return self.actions.get(handler_id, str(handler_id))

    def to_handler_id(self, action: str) -> int | None:
        """Return the number of *action*, or None where it has none."""
        handler_id = self._handler_ids.get(action)
        if handler_id is None and len(action) <= _INTEGER_CHARACTERS and action.isascii():
            digits = action.removeprefix("-")
            if digits.isdigit() and str(int(action)) == action:
                handler_id = int(action)
        return handler_id

    def to_data(self, handler_id: int, body: bytes | None) -> dict[str, object]:  # noqa: ARG002 -- for subclasses
        """
        Return *body* as members of other tongues get it: ``{"Body": <base64 or null>}``.

        Raises:
            UnreadableRequest: It cannot be said so.
        """
        return {"Body": body}

    def to_body(self, action: str, data: object) -> bytes | None:  # noqa: ARG002 -- for subclasses
        """
        Return as bytes what a member of another tongue said.

        That is the data's ``Body``; where it has none, all of the data as JSON, and None for
        nothing at all.

        Raises:
            BadRequest: ``Body`` is no base64.
        """
        if isinstance(data, dict):
            if "Body" in data:
                return _body_of(data["Body"])
            if not data.keys() - {CAST_TYPE, CAST_FOR}:
                return None
        return _encode(data)

    # -- bytes ---------------------------------------------------------------------------------

    def decode(self, message: bytes) -> Request:
        fields = _fields_of(message)
        if not isinstance(fields.get("senderid"), (str, type(None))):
            raise UnreadableRequest("SenderID must be a string", "SenderID")
        handler_id = fields.get("handlerid", 0)
        if handler_id is None:
            handler_id = 0  # null is no word for an int: Go leaves it as it was
        if type(handler_id) is not int or handler_id not in _INTEGERS:
            raise UnreadableRequest("HandlerID must be an integer", "HandlerID")
        try:
            body = _body_of(fields.get("body"))
        except BadRequest as error:
            raise UnreadableRequest(str(error), "Body") from None
        return Request(
            EventType.MESSAGE,
            self.application or "",
            room_name=self.room,
            action=self.to_action(handler_id),
            body=_encode(self.to_data(handler_id, body)),
        )

    def encode(self, push: Push) -> bytes | None:
        if push.error is not None:
            return None
        if push.event_type == EventType.MESSAGE:
            return self._response(push)
        if self.has_event_type or not self.has_plain_events or push.room_name != self.room:
            return None
        if push.event_type == EventType.JOIN_ROOM:
            client = push.sender or push.receiver
            return _encode({"EventType": CLIENT_ADDED, "ClientID": client}) if client else None
        if push.event_type == EventType.LEAVE_ROOM and push.sender:
            return _encode({"EventType": CLIENT_DELETED, "ClientID": push.sender})
        return None

    def _response(self, push: Push) -> bytes:
        data: Any = _decode(push.body)
        cast, cast_for = _cast_of(push, data)
        try:
            body = self.to_body(push.action, data)
        except BadRequest:
            body = None  # the room lets its members say what is no base64
        event = EVENT_ACTIONS.get(push.action, 0)
        return _encode(
            {
                "SenderID": push.sender,
                **({"EventType": event} if self.has_event_type else {}),
                "HandlerID": 0 if event else self.to_handler_id(push.action) or 0,
                "CastType": cast,
                "CastFor": cast_for,
                "Body": body,
            }
        )


class TextBroadcasterDialect(BroadcasterDialect):
    """
    The same frames where bodies are text: others get and send ``{"text": ...}``.

    So a client that sends base64 of UTF-8 and members of a room that say ``{"text": "hello"}``
    understand each other. A body that is no UTF-8 is a bad frame.
    """

    def to_data(self, handler_id: int, body: bytes | None) -> dict[str, object]:  # noqa: ARG002 -- all alike
        """Return *body* as ``{"text": ...}``; null for None."""
        try:
            return {"text": None if body is None else body.decode()}
        except UnicodeDecodeError:
            raise UnreadableRequest("Body must be UTF-8", "Body") from None

    def to_body(self, action: str, data: object) -> bytes | None:
        """Return the data's ``text`` as UTF-8; where it has none, what the base class would."""
        if isinstance(data, dict) and "text" in data:
            text = data["text"]
            if isinstance(text, str):
                return text.encode()
            if text is None:
                return None
        return super().to_body(action, data)


def _fields_of(message: bytes) -> dict[str, Any]:
    try:
        frame = _decode(message)
    except RecursionError:
        raise UnreadableRequest("nested too deep") from None
    except ValueError as error:
        raise UnreadableRequest(str(error)) from None
    if not isinstance(frame, dict):
        raise UnreadableRequest("a message is an object")
    return {key.lower(): value for key, value in frame.items()}


def _body_of(value: object) -> bytes | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise BadRequest("Body must be base64", field="Body")
    try:
        # RFC 4648 section 3.3 lets a decoder pass over line breaks, and the seed's does.
        return base64.b64decode(value.replace("\r", "").replace("\n", ""), validate=True)
    except (ValueError, binascii.Error):
        raise BadRequest("Body must be base64", field="Body") from None


def _cast_of(push: Push, data: object) -> tuple[int, list[str] | None]:
    """Return CastType and CastFor: what the data says beside its body, else what *push* is."""
    if isinstance(data, dict) and type(data.get(CAST_TYPE)) is int:
        names = data.get(CAST_FOR)
        is_list = isinstance(names, list) and all(isinstance(name, str) for name in names)
        return data[CAST_TYPE], names if is_list else None
    if push.receiver:
        return Cast.EXCLUSIVE, [push.receiver]
    return Cast.ALL, None
