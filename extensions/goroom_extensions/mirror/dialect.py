"""MirrorDialect: go-mirror-hw's frames, five strings in a JSON object."""

from __future__ import annotations

import attrs
import msgspec

from goroom import Dialect, EventType, Push, Request, UnreadableRequest

CODES = frozenset(
    {
        "register.userId",
        "message.direct",
        "channel.subscribe",
        "channel.unsubscribe",
        "channel.publish",
    }
)
"""What a client can say; frames of any other code are nothing."""


@attrs.frozen
class Frame:
    """What a frame says beside its code."""

    message: str = ""
    websocket_id: str = ""
    """The socket's, as `registered.success` has given it."""
    user_id: str = ""
    channel: str = ""
    """A ChannelId, or two UserIds with a dot between them."""


class _Wire(msgspec.Struct, rename="camel", gc=False):
    """A frame in the order of its keys, all of them always there."""

    code: str = ""
    message: str = ""
    websocket_id: str = ""
    user_id: str = ""
    channel: str = ""


_read = msgspec.json.Decoder(_Wire).decode
_read_body = msgspec.json.Decoder(Frame).decode
_write = msgspec.json.Encoder().encode


class MirrorDialect(Dialect):
    """
    Writes ``{"code", "message", "websocketId", "userId", "channel"}``: strings, all always there.

    The action is the code, the data is a `Frame`; what is no message, and data that is no `Frame`,
    is never sent. A client may leave out whatever it does not need. Nothing it says is answered
    with an error or closes its connection.
    """

    is_tolerant = True

    def decode(self, message: bytes) -> Request | None:
        try:
            frame = _read(message)
        except RecursionError:
            raise UnreadableRequest("nested too deep") from None
        except ValueError as error:
            raise UnreadableRequest(str(error)) from None
        if frame.code not in CODES:
            return None
        said = Frame(frame.message, frame.websocket_id, frame.user_id, frame.channel)
        return Request(
            EventType.MESSAGE, self.application or "", action=frame.code, body=_write(said)
        )

    def encode(self, push: Push) -> bytes | None:
        if push.event_type != EventType.MESSAGE or push.error is not None:
            return None
        try:
            said = _read_body(push.body)
        except msgspec.ValidationError:
            return None
        return _write(
            _Wire(push.action, said.message, said.websocket_id, said.user_id, said.channel)
        )
