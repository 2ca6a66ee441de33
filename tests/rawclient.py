"""
A client of the protocol written by hand from its page: no aiohttp, nothing of goroom.

It knows the three forms and puts what comes into one shape, so that one test runs in all of them.
"""

from __future__ import annotations

import enum
import itertools
from collections import deque
from typing import TYPE_CHECKING, Any

import attrs
import msgspec

from tests.websocket import BINARY, TEXT, Closed, ProtocolBroken, WebSocket

if TYPE_CHECKING:
    from collections.abc import Mapping

CONNECTION, DISCONNECTION, JOIN_APP, JOIN_ROOM, LEAVE_ROOM, LOGIN, LOGOUT, RECONNECT = range(1, 9)
SUBSCRIBE_ROOM, UNSUBSCRIBE_ROOM, MESSAGE, ROOM_ADD, ROOM_REMOVE = range(9, 14)
ROOM_UPDATE, MEMBER_AWAY, MEMBER_BACK = range(20, 23)


class Form(enum.Enum):
    """The three forms of the protocol, by the subprotocol that asks for each."""

    FULL = ""
    SHORT = "goroom.json"
    MSGPACK = "goroom.msgpack"

    def __str__(self) -> str:
        return self.name.lower()


@attrs.frozen
class Frame:
    """One frame of the server in one shape for all forms: what was left out is at its default."""

    event_type: int
    data: Any
    code: int
    error: dict[str, Any]
    """The error's keys, or an empty dict on success."""
    app: str = ""
    room: str = ""
    action: str = ""
    sender: str = ""
    seq: int | None = None
    sub: int | None = None
    id: int | None = None
    raw: dict[str, Any] = attrs.field(factory=dict, eq=False, repr=False)
    """The frame as it came."""

    @property
    def place(self) -> tuple[int | None, int | None]:
        """Where the frame stands in its sequence: ``(seq, sub)``."""
        return self.seq, self.sub

    @property
    def error_code(self) -> int:
        """Number of the error, or 0 on success."""
        return int(self.error.get("code", 0))

    @property
    def failure(self) -> tuple[int, str]:
        """Number and reason of the error."""
        return self.error_code, str(self.error.get("reason", ""))


class Client:
    """
    One client of the protocol in one form.

    Answers are found by their ``id``; what else comes waits in order for `event`.
    """

    def __init__(self, socket: WebSocket, form: Form, application: str) -> None:
        self.socket = socket
        self.form = form
        self.application = application
        self._ids = itertools.count(1)
        self._waiting: deque[Frame] = deque()

    @classmethod
    async def connect(
        cls,
        url: str,
        form: Form = Form.FULL,
        *,
        application: str = "test",
        headers: Mapping[str, str] | None = None,
    ) -> Client:
        """Open *url* in *form*; *application* is named in every frame unless one names another."""
        socket = await WebSocket.connect(url, headers=headers, subprotocol=form.value)
        if socket.subprotocol != form.value:
            raise ProtocolBroken(f"asked for {form.value!r}, given {socket.subprotocol!r}")
        return cls(socket, form, application)

    def send(self, event_type: object, data: object = None, **keys: Any) -> None:
        """Send one frame; *keys* are those of the wire, and None leaves one out."""
        frame = {"appName": self.application, "eventType": event_type, "data": data, **keys}
        self.send_value({key: value for key, value in frame.items() if value is not None})

    def send_value(self, value: object) -> None:
        """Send any value in this client's form, also one that is no frame."""
        if self.form is Form.MSGPACK:
            self.socket.send_frame(BINARY, msgspec.msgpack.encode(value))
        else:
            self.socket.send_frame(TEXT, msgspec.json.encode(value))

    async def request(self, event_type: object, data: object = None, **keys: Any) -> Frame:
        """Send one frame with the next ``id`` and return its answer."""
        number = next(self._ids)
        self.send(event_type, data, id=number, **keys)
        while (frame := await self._receive()).id != number:
            self._waiting.append(frame)
        return frame

    async def login(self, name: str, **credentials: Any) -> Frame:
        """Ask for LOGIN as *name* and return the answer."""
        return await self.request(LOGIN, {"username": name, **credentials})

    async def join(self, room: str, **data: Any) -> Frame:
        """Ask for JOIN_ROOM and return the answer."""
        return await self.request(JOIN_ROOM, {"roomName": room, **data})

    async def leave(self, room: str) -> Frame:
        """Ask for LEAVE_ROOM and return the answer."""
        return await self.request(LEAVE_ROOM, {"roomName": room})

    async def say(self, room: str, action: str, data: object = None) -> Frame:
        """Send a MESSAGE to *room*, or to the application where it is ``""``; return the answer."""
        return await self.request(MESSAGE, data, roomName=room, action=action)

    async def event(self) -> Frame:
        """Return the next frame that is not the answer to a `request`."""
        return self._waiting.popleft() if self._waiting else await self._receive()

    async def events(self) -> list[Frame]:
        """
        Return all frames that have come unasked so far.

        A JOIN_APP is asked and answered, so whatever was sent to this client before is here.
        """
        answer = await self.request(JOIN_APP)
        assert (0, {"appName": self.application}) == (answer.error_code, answer.data)
        return self.unread()

    def unread(self) -> list[Frame]:
        """Take what came unasked before the answers that were waited for."""
        frames = list(self._waiting)
        self._waiting.clear()
        return frames

    async def closed(self) -> Closed:
        """Wait for the server to close, nothing else coming before; return how it did."""
        assert not self._waiting, f"unread: {self._waiting}"
        message = await self.socket.receive()
        assert isinstance(message, Closed), f"not closed, but {message!r}"
        return message

    async def _receive(self) -> Frame:
        message = await self.socket.receive()
        if isinstance(message, Closed):
            raise AssertionError(f"waited for a frame, the connection ended: {message}")  # noqa: TRY004 -- a finding
        if isinstance(message, bytes) != (self.form is Form.MSGPACK):
            raise ProtocolBroken(f"a frame of the wrong kind for {self.form}: {message!r}")
        return self._frame(message)

    def _frame(self, message: str | bytes) -> Frame:
        if isinstance(message, bytes):
            raw = msgspec.msgpack.decode(message, type=dict[str, Any])
        else:
            raw = msgspec.json.decode(message, type=dict[str, Any])
        if self.form is Form.FULL and not raw.keys() >= {"eventType", "data", "code", "error"}:
            raise ProtocolBroken(f"the full form always has its four keys: {raw}")
        error = raw.get("error") or {}
        return Frame(
            event_type=raw["eventType"],
            data=raw.get("data", {}),
            code=raw.get("code", 200),
            error=error if error.get("code") else {},
            app=raw.get("appName", ""),
            room=raw.get("roomName", ""),
            action=raw.get("action", ""),
            sender=raw.get("sender", ""),
            seq=raw.get("seq"),
            sub=raw.get("sub"),
            id=raw.get("id"),
            raw=raw,
        )
