"""The mesh dialect: the JSON frames of simplysocket and gomeshstream."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from goroom import BadRequest, Dialect, EventType, Push, Request, UnreadableRequest

GLOBAL_ROOM = "mesh-global"
"""The room that every client joins when it connects, and that nobody deletes."""

ERROR_ACTION = "error"
"""The action of what answers a refused frame, where that is switched on."""


class ClientFrame(msgspec.Struct):
    """What a client sends; its ``sender`` and ``IsTargetClient`` are nobody's business."""

    action: str
    target: str
    message_body: msgspec.Raw = msgspec.Raw(b"null")


class ServerFrame(msgspec.Struct):
    """What clients get, in the order of the seed systems' keys."""

    action: str
    message_body: msgspec.Raw
    is_target_client: bool = msgspec.field(name="IsTargetClient")
    target: str
    sender: str


class MeshDialect(Dialect):
    """
    Text frames ``{"action", "message_body", "IsTargetClient", "target", "sender"}``.

    From a client, ``target`` names one of its rooms and ``message_body`` is an object, null or
    missing; a frame that cannot be read is logged and dropped. Who sends it is what the server
    knows, whatever the frame says.

    To a client, ``IsTargetClient`` is true for what was sent to it alone, and ``target`` is then
    its slug, else the room. Only messages are written: this dialect has no word for logins, rooms
    that come and go, and members who do.
    """

    is_tolerant = True

    answers_errors: ClassVar[bool] = False
    """
    Whether a client is told what of it was refused, as action ``error`` with ``message_body``
    {"code", "message"} and, where it had one, the refused "action". The seed systems tell nothing.
    """

    def __init__(self, application: str | None = None) -> None:
        super().__init__(application)
        self._decode = msgspec.json.Decoder(ClientFrame).decode
        self._encode = msgspec.json.Encoder().encode

    def decode(self, message: bytes) -> Request:
        """
        Read one frame of a client.

        Raises:
            UnreadableRequest: It is no such frame, or its body is no object.
        """
        try:
            frame = self._decode(message)
        except RecursionError:
            raise UnreadableRequest("nested too deep") from None
        except ValueError as error:
            raise UnreadableRequest(str(error)) from None
        if not frame.target:
            raise UnreadableRequest("target must name a room", "target")
        body = bytes(frame.message_body)
        request = Request(
            EventType.MESSAGE,
            self.application or "",
            room_name=frame.target,
            action=frame.action,
            body=b"{}" if body == b"null" else body,
        )
        try:
            _ = request.data  # now: what is outside of all bounds is not to reach a room's code
        except BadRequest as error:
            text = error.message.replace("data", "message_body", 1)
            raise UnreadableRequest(text, "message_body") from None
        return request

    def encode(self, push: Push) -> bytes | None:
        """Write a message; None for all else."""
        if push.error is not None:
            return self._encode_error(push) if self.answers_errors else None
        if push.event_type != EventType.MESSAGE:
            return None
        return self._encode_message(push, push.action, push.body)

    def _encode_error(self, push: Push) -> bytes | None:
        if push.error is None or push.event_type == EventType.DISCONNECTION:
            return None  # that is a goodbye: nothing was asked
        body = {"code": push.error.code, "message": push.error.message}
        if push.action:
            body["action"] = push.action
        return self._encode_message(push, ERROR_ACTION, self._encode(body))

    def _encode_message(self, push: Push, action: str, body: bytes) -> bytes:
        target = push.receiver or push.room_name or GLOBAL_ROOM
        is_target_client = bool(push.receiver)
        frame = ServerFrame(action, msgspec.Raw(body), is_target_client, target, push.sender)
        return self._encode(frame)


class BatchedMeshDialect(MeshDialect):
    """
    The same, where frames that wait for one client come as one, a line each.

    That is what the seed systems do; their clients split what they get at newlines.
    """

    separator = b"\n"
