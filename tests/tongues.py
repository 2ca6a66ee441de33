"""
Clients that sit in one room and talk, each in the dialect of its own system: no goroom in them.

`Speaker` is what they have in common: they `say` a text to the room, and `hear` what is said there,
with the name of who said it. Frames are written by hand from the seed systems' pages.
"""

from __future__ import annotations

import base64
import itertools
from abc import ABC, abstractmethod
from collections import deque
from typing import Any, ClassVar, Self

import attrs
import msgspec

from tests.rawclient import (
    JOIN_APP,
    JOIN_ROOM,
    LEAVE_ROOM,
    LOGIN,
    LOGOUT,
    MESSAGE,
    RECONNECT,
    SUBSCRIBE_ROOM,
    UNSUBSCRIBE_ROOM,
)
from tests.websocket import BINARY, TEXT, Closed, WebSocket

APPLICATION, ROOM = "tower", "hall"
"""Where everybody meets."""

_numbers = itertools.count(1)


@attrs.frozen
class Said:
    """What somebody said in the room."""

    sender: str
    text: str


@attrs.frozen
class Came:
    """Somebody has joined the room."""

    name: str


@attrs.frozen
class Went:
    """Somebody has left the room."""

    name: str


Heard = Said | Came | Went


class Speaker(ABC):
    """One client in one room; made by `sit`."""

    path: ClassVar[str] = "/"
    """Where its system's clients connect to."""
    subprotocol: ClassVar[str] = ""
    opcode: ClassVar[int] = TEXT
    samples: ClassVar[list[Any]] = []
    """Right frames of its dialect, as values."""
    hears_itself: ClassVar[bool] = True
    """Whether it is sent what it says."""

    def __init__(self, socket: WebSocket) -> None:
        self.socket = socket
        self.name = ""
        """What the others call it."""
        self._lines: deque[bytes] = deque()

    @classmethod
    async def sit(cls, address: str, *, path: str | None = None) -> Self:
        """Connect to *address* (``host:port``) and take a seat in the room."""
        url = f"ws://{address}{cls.path if path is None else path}"
        speaker = cls(await WebSocket.connect(url, subprotocol=cls.subprotocol))
        await speaker.enter()
        return speaker

    @abstractmethod
    async def enter(self) -> None:
        """Do what its system wants done before a client can talk, and learn `name`."""

    def opening(self) -> list[Any]:
        """Return the frames with which its system's clients come to the room under `name`."""
        return []

    @abstractmethod
    def say(self, text: str) -> None:
        """Say *text* to everybody in the room."""

    @abstractmethod
    def read(self, line: bytes) -> Heard | None:
        """Return what one frame tells of the room; None where it tells something else."""

    @abstractmethod
    def ask(self, number: int) -> None:
        """Send a request that the server answers, whatever became of this client."""

    @abstractmethod
    def is_answer(self, line: bytes, number: int) -> bool:
        """Tell whether this frame is the answer to `ask`; raise for a frame that is wrong."""

    async def line(self) -> bytes | Closed:
        """Return the next frame: several lines in one message are several frames."""
        while not self._lines:
            message = await self.socket.receive()
            if isinstance(message, Closed):
                return message
            assert isinstance(message, bytes) == (self.opcode == BINARY), message
            if isinstance(message, bytes):
                self._lines.append(message)
            else:
                self._lines += message.encode().splitlines()
        return self._lines.popleft()

    async def hear(self) -> Heard | Closed:
        """Return what happens in the room next."""
        while not isinstance(line := await self.line(), Closed):
            if (heard := self.read(line)) is not None:
                return heard
        return line

    async def outcome(self, number: int) -> Closed | None:
        """Wait for the answer to `ask`, all before it skipped; return how the link ended, if so."""
        while not isinstance(line := await self.line(), Closed):
            if self.is_answer(line, number):
                return None
        return line

    def send(self, frame: object) -> None:
        """Send one frame."""
        encode = msgspec.msgpack.encode if self.opcode == BINARY else msgspec.json.encode
        self.socket.send_frame(self.opcode, encode(frame))


# -- goroom ----------------------------------------------------------------------------------


def _goroom(event: int, room: str = "", action: str = "", **data: Any) -> dict[str, Any]:
    return {
        "appName": APPLICATION,
        "roomName": room,
        "eventType": event,
        "action": action,
        "id": 7,
        "data": data,
    }


class GoroomSpeaker(Speaker):
    """goroomserver's protocol, the full form."""

    samples: ClassVar[list[Any]] = [
        _goroom(MESSAGE, ROOM, "say", text="hello"),
        _goroom(MESSAGE, ROOM, "say", text="x" * 300, more={"deep": [1, 2.5, None, {"": True}]}),
        _goroom(MESSAGE, "", "say", text="to nobody"),
        _goroom(JOIN_APP),
        _goroom(JOIN_ROOM, ROOM, roomName=ROOM),
        _goroom(JOIN_ROOM, roomName="mine", create="if_missing", kind="hall", capacity=3),
        _goroom(LEAVE_ROOM, ROOM, roomName=ROOM),
        _goroom(LOGIN, username="fuzz"),
        _goroom(LOGIN, username="fuzz", resume=True),
        _goroom(LOGOUT),
        _goroom(RECONNECT, token="x" * 43, app={"epoch": "a", "seq": 1, "sub": 0}, rooms={}),
        _goroom(SUBSCRIBE_ROOM),
        _goroom(SUBSCRIBE_ROOM, ROOM, roomName=ROOM),
        _goroom(UNSUBSCRIBE_ROOM),
    ]

    async def enter(self) -> None:
        self.name = f"goroom {next(_numbers)}"
        for asked in self.opening():
            self.send(asked)
            while (frame := self.decoded(await self.line())).get("id") != asked["id"]:
                pass
            assert frame.get("code", 200) == 200, frame

    def opening(self) -> list[Any]:
        return [_goroom(LOGIN, username=self.name), _goroom(JOIN_ROOM, ROOM, roomName=ROOM)]

    def decoded(self, line: bytes | Closed) -> dict[str, Any]:
        assert not isinstance(line, Closed), line
        decode = msgspec.msgpack.decode if self.opcode == BINARY else msgspec.json.decode
        frame: dict[str, Any] = decode(line, type=dict[str, Any])
        return frame

    def say(self, text: str) -> None:
        frame = _goroom(MESSAGE, ROOM, "say", text=text)
        del frame["id"]
        self.send(frame)

    def read(self, line: bytes) -> Heard | None:
        frame = self.decoded(line)
        if frame.get("roomName") != ROOM or frame.get("error", {}).get("code"):
            return None
        match frame:
            case {"eventType": 11, "action": "say", "sender": sender, "data": {"text": text}}:
                return Said(sender, text)
            case {"eventType": 4, "sender": name}:
                return Came(name)
            case {"eventType": 5, "sender": name}:
                return Went(name)
        return None

    def ask(self, number: int) -> None:
        self.send({"appName": APPLICATION, "eventType": JOIN_APP, "id": number})

    def is_answer(self, line: bytes, number: int) -> bool:
        frame = self.decoded(line)
        code, error = frame.get("code", 200), frame.get("error", {}).get("code", 0)
        assert frame["eventType"] != 1, frame
        # An error 500 is a fault of the server's, whatever the client sends.
        assert error != 500, frame
        assert (error > 0) == (code == 500), frame
        return bool(frame["eventType"] == JOIN_APP and frame.get("id") == number)


class ShortGoroomSpeaker(GoroomSpeaker):
    """The same without what is at its default."""

    subprotocol = "goroom.json"


class MsgpackSpeaker(GoroomSpeaker):
    """The short form in msgpack."""

    subprotocol = "goroom.msgpack"
    opcode = BINARY


# -- simplysocket and gomeshstream -----------------------------------------------------------


def _mesh(action: str, body: object, target: str = ROOM, **more: Any) -> dict[str, Any]:
    return {"action": action, "message_body": body, "target": target, **more}


class MeshSpeaker(Speaker):
    """A client of simplysocket or gomeshstream: it does not know its slug until it is told."""

    path = "/tower/mesh"
    samples: ClassVar[list[Any]] = [
        _mesh("say", {"text": "hello"}, sender="forged", IsTargetClient=False),
        _mesh("say", {"text": "x" * 300, "more": {"deep": [1, 2.5, None, {"": True}]}}),
        _mesh("say", {"text": "to everybody"}, "mesh-global"),
        _mesh("say", {"text": "to one"}, "axCbe690", IsTargetClient=True),
        _mesh("say", None),
        _mesh("leave-room", None),
        _mesh("join-room", {"roomname": "den", "playerlimit": 2, "setplayername": "Ann"}),
        {"action": "say", "target": ROOM},
        {"target": "no-such-room"},
    ]
    keys: ClassVar[list[str]] = ["action", "message_body", "IsTargetClient", "target", "sender"]

    async def enter(self) -> None:
        text = f"I am here {next(_numbers)}"
        self.say(text)
        while True:
            heard = await self.hear()
            assert not isinstance(heard, Closed), heard
            if isinstance(heard, Said) and heard.text == text:
                self.name = heard.sender
                return

    def decoded(self, line: bytes) -> dict[str, Any]:
        frame: dict[str, Any] = msgspec.json.decode(line, type=dict[str, Any])
        assert self.keys == list(frame), frame
        return frame

    def say(self, text: str) -> None:
        self.send(_mesh("say", {"text": text}, sender="forged"))

    def read(self, line: bytes) -> Heard | None:
        match self.decoded(line):
            case {
                "action": "say",
                "target": "hall",
                "sender": name,
                "message_body": {"text": text},
            }:
                return Said(name, text)
        return None

    def ask(self, number: int) -> None:
        self.say(f"asked {number}")

    def is_answer(self, line: bytes, number: int) -> bool:
        return self.read(line) == Said(self.name, f"asked {number}")


class BatchedMeshSpeaker(MeshSpeaker):
    """One whose frames come several at a time."""

    path = "/tower/mesh-batched"


class AnsweredMeshSpeaker(MeshSpeaker):
    """One that is told what of it was refused."""

    path = "/tower/mesh-answered"

    def read(self, line: bytes) -> Heard | None:
        frame = self.decoded(line)
        if frame["action"] != "error":
            return super().read(line)
        body = frame["message_body"]
        assert body["code"] != 500, frame
        assert body.keys() <= {"code", "message", "action"}, frame
        return None


# -- go-message-broadcaster ------------------------------------------------------------------


class BroadcasterSpeaker(Speaker):
    """A client of go-message-broadcaster; handler 1 sends what it is told to all."""

    path = "/tower/broadcaster"
    samples: ClassVar[list[Any]] = [
        {"SenderID": "forged", "HandlerID": 1, "Body": "aGVsbG8="},
        {"HandlerID": 1, "Body": base64.b64encode(b"x" * 300).decode()},
        {"HandlerID": 1, "Body": None},
        {"HandlerID": 1, "Body": ""},
        {"HandlerID": 2, "Body": "/+8="},
        {"HandlerID": 77, "Body": "eA=="},
        {"HandlerID": 0},
        {"EventType": 1, "HandlerID": 1, "Body": "eA==", "CastType": 3, "CastFor": ["forged"]},
        {"EventType": 2, "ClientID": "forged"},
    ]
    keys: ClassVar[list[str]] = ["SenderID", "HandlerID", "CastType", "CastFor", "Body"]

    async def enter(self) -> None:
        text = f"I am here {next(_numbers)}"
        self.say(text)
        while True:
            heard = await self.hear()
            assert not isinstance(heard, Closed), heard
            if isinstance(heard, Said) and heard.text == text:
                self.name = heard.sender
                return

    def say(self, text: str) -> None:
        self.send({"HandlerID": 1, "Body": base64.b64encode(text.encode()).decode()})

    def read(self, line: bytes) -> Heard | None:
        frame: dict[str, Any] = msgspec.json.decode(line, type=dict[str, Any])
        if list(frame) == ["EventType", "ClientID"]:
            return (Came if frame["EventType"] == 1 else Went)(frame["ClientID"])
        assert self.keys == list(frame), frame
        if frame.get("EventType"):
            return (Came if frame["EventType"] == 1 else Went)(frame["SenderID"])
        if frame["HandlerID"] != 1 or frame["Body"] is None:
            return None
        text = base64.b64decode(frame["Body"], validate=True).decode(errors="replace")
        return Said(frame["SenderID"], text)

    def ask(self, number: int) -> None:
        self.say(f"asked {number}")

    def is_answer(self, line: bytes, number: int) -> bool:
        return self.read(line) == Said(self.name, f"asked {number}")


class NewBroadcasterSpeaker(BroadcasterSpeaker):
    """A client of its newer form, which has an ``EventType`` in each frame."""

    path = "/tower/broadcaster-new"
    keys: ClassVar[list[str]] = [
        "SenderID",
        "EventType",
        "HandlerID",
        "CastType",
        "CastFor",
        "Body",
    ]


TONGUES: list[type[Speaker]] = [
    GoroomSpeaker,
    ShortGoroomSpeaker,
    MsgpackSpeaker,
    MeshSpeaker,
    BatchedMeshSpeaker,
    AnsweredMeshSpeaker,
    BroadcasterSpeaker,
    NewBroadcasterSpeaker,
]
"""All that can sit in one room."""
