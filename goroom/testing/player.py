"""Player: a client that speaks the protocol frame by frame, for tests."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import msgspec

from goroom import values
from goroom.errors import RequestRefused
from goroom.messages import EventType

FULL: str | None = None
"""The form that goroomserver speaks: no subprotocol."""
SHORT = "goroom.json"
MSGPACK = "goroom.msgpack"

Frame = dict[str, Any]


class Wire(Protocol):
    """How a player's messages get to the server and back."""

    @property
    def closed(self) -> tuple[int, str] | None:
        """Close code and reason, or None while it is open; 1006 where no close frame came."""

    def send(self, message: bytes, *, is_binary: bool) -> None: ...

    async def receive(self, *, waits: bool = True) -> bytes | None:
        """Return the next message; None where there is none (any more, or yet if not *waits*)."""

    async def settle(self) -> None:
        """Let everything sent so far be handled, as well as one can tell."""

    async def close(self, code: int = 1000) -> None:
        """Close politely, and wait until the server has noticed."""

    async def cut(self) -> None:
        """Tear the link without a word, and wait until the server has noticed."""


class Player:
    """
    One client of a server in a test.

    Requests wait for their reply and return its data, or raise `RequestRefused`. Pushes are kept
    until asked for: `expect`, `received`. Made by `Stage.connect` or `Stage.player`.
    """

    def __init__(
        self,
        wire: Wire,
        subprotocol: str | None,
        application: str | None,
        dial: Callable[[], Awaitable[Wire]],
    ) -> None:
        self._wire = wire
        self._dial = dial
        self._subprotocol = subprotocol
        self._bound = application
        self.app = application or ""
        """The application that requests name, unless they name another."""
        self.room = ""
        """The room joined last, which messages go to."""
        self.name = ""
        """The name logged in with, as the server gave it."""
        self.frames: list[Frame] = []
        """Every frame received so far, oldest first, replies too."""
        self.token = ""
        """What `resume` comes back with, after ``login(name, resume=True)``."""
        self.places: dict[str, dict[str, Any]] = {}
        """The place that it has come to in each room, and in the application (``""``)."""
        self._waiting: deque[Frame] = deque()
        self._last_id = 0

    @property
    def wire(self) -> Wire:
        """The link: a `MemoryWire` on a `Stage`, which can be told to stop reading."""
        return self._wire

    def __repr__(self) -> str:
        return f"<Player {self.name or '?'}>"

    @property
    def closed(self) -> tuple[int, str] | None:
        """Code and reason with which the server closed, or None while the link is open."""
        return self._wire.closed

    # -- sending ---------------------------------------------------------------------------

    def send_raw(self, message: bytes | str, *, is_binary: bool | None = None) -> None:
        """Send a message as it is."""
        if is_binary is None:
            is_binary = self._subprotocol == MSGPACK
        self._wire.send(
            message.encode() if isinstance(message, str) else message, is_binary=is_binary
        )

    def send_frame(self, **frame: Any) -> None:
        """Send a frame of these keys, encoded in the player's form."""
        if self._subprotocol == MSGPACK:
            self.send_raw(msgspec.msgpack.encode(frame))
        else:
            self.send_raw(values.encode(frame))

    def send(
        self, action: str, data: Mapping[str, Any] | None = None, *, room: str | None = None
    ) -> None:
        """Send a message without asking for a reply."""
        self.send_frame(**self._message(action, data, room))

    def _message(
        self, action: str, data: Mapping[str, Any] | None, room: str | None
    ) -> dict[str, Any]:
        frame: dict[str, Any] = {"eventType": int(EventType.MESSAGE), "action": action}
        if self._bound is None:
            frame["appName"] = self.app
        frame["roomName"] = self.room if room is None else room
        if data is not None:
            frame["data"] = dict(data)
        return frame

    # -- requests --------------------------------------------------------------------------

    async def exchange(self, **frame: Any) -> Frame:
        """Send a frame with an ``id`` and return the frame that answers it, a refusal too."""
        self._last_id += 1
        number = self._last_id
        if self._bound is None:
            frame.setdefault("appName", self.app)
        self.send_frame(**frame, id=number)
        return await self._next(lambda reply: reply.get("id") == number, f"the reply {number}")

    async def call(
        self, event: EventType, data: Mapping[str, Any] | None = None, *, room: str = ""
    ) -> Frame:
        """
        Send a request and return its reply's frame.

        Raises:
            RequestRefused: The server refused it.
        """
        frame: dict[str, Any] = {"eventType": int(event), "data": dict(data or {})}
        if room:
            frame["roomName"] = room
        return _checked(await self.exchange(**frame))

    async def request(
        self, action: str, data: Mapping[str, Any] | None = None, *, room: str | None = None
    ) -> Any:
        """
        Send a message to the room (``room=""``: to the application) and return the reply's data.

        Raises:
            RequestRefused: The server refused it.
        """
        reply = await self.exchange(**self._message(action, data, room))
        return _checked(reply).get("data", {})

    async def login(self, name: str, **credentials: Any) -> Frame:
        """Log in to the player's application and return the reply's data."""
        reply = await self.call(EventType.LOGIN, {**credentials, "username": name})
        data: Frame = reply["data"]
        self.name = data["userName"]
        self.token = data.get("token", "")
        self.places = {"": _place_of(data)}
        self.places |= {room["roomName"]: _place_of(room) for room in data["rooms"]}
        return data

    async def logout(self) -> None:
        """Log out."""
        await self.call(EventType.LOGOUT)

    async def join(
        self,
        room: str = "",
        *,
        kind: str | None = None,
        create: bool | str | None = None,
        **options: Any,
    ) -> Frame:
        """
        Join a room, or with *create* make it, or with a *kind* alone find any; return its data.

        Raises:
            RequestRefused: The server refused it.
        """
        data: dict[str, Any] = dict(options)
        named = {"roomName": room or None, "kind": kind, "create": create}
        data.update({key: value for key, value in named.items() if value is not None})
        joined: Frame = (await self.call(EventType.JOIN_ROOM, data))["data"]
        self.room = joined["roomName"]
        return joined

    async def drop(self) -> None:
        """Lose the link: a login with ``resume=True`` stays for its grace time."""
        await self.cut()

    async def resume(self, **data: Any) -> Frame:
        """
        Come back on a new link with `token` and `places`, and return the reply's data.

        What was missed follows, as any other frame.

        Args:
            data: Further keys of the RECONNECT, or others for those that a player knows.

        Raises:
            RequestRefused: The server refused it.
        """
        self._wire = await self._dial()
        rooms = {name: place for name, place in self.places.items() if name}
        known = {"token": self.token, "app": self.places.get(""), "rooms": rooms}
        reply: Frame = (await self.call(EventType.RECONNECT, known | data))["data"]
        self.name, self.token = reply["userName"], reply["token"]
        for name, room in reply["rooms"].items():
            if room.get("reset") in {"gone", "kicked"}:
                self.places.pop(name, None)
            elif "roomName" in room:
                self.places[name] = _place_of(room)
        if "reset" in reply["app"]:
            self.places[""] = _place_of(reply["app"])
        return reply

    async def leave(self, room: str | None = None) -> None:
        """Leave the room."""
        name = self.room if room is None else room
        await self.call(EventType.LEAVE_ROOM, {"roomName": name})

    async def watch(self, room: str) -> Frame:
        """Watch a room without joining it; return its data."""
        watched: Frame = (await self.call(EventType.SUBSCRIBE_ROOM, {"roomName": room}))["data"]
        return watched

    async def rooms(self) -> list[Frame]:
        """Return the list of rooms, and watch it from now on."""
        listed: list[Frame] = (await self.call(EventType.SUBSCRIBE_ROOM))["data"].get("rooms", [])
        return listed

    # -- receiving -------------------------------------------------------------------------

    async def receive(self) -> Frame:
        """Return the next frame that nobody has asked for yet."""
        return await self._next(lambda _: True, "a frame")

    async def expect(self, action: str, *, room: str | None = None) -> Any:
        """
        Return the data of the next message *action*, passing over what came before it.

        Raises:
            AssertionError: None came; the text says what did.
        """

        def is_it(frame: Frame) -> bool:
            is_message = frame["eventType"] == EventType.MESSAGE and "id" not in frame
            in_room = room is None or frame.get("roomName") == room
            return is_message and in_room and frame.get("action") == action

        return (await self._next(is_it, repr(action))).get("data", {})

    async def expect_event(self, event: EventType, **keys: Any) -> Frame:
        """
        Return the next frame of *event* with these values, passing over what came before it.

        Raises:
            AssertionError: None came; the text says what did.
        """

        def is_it(frame: Frame) -> bool:
            return frame["eventType"] == event and all(
                frame.get(key) == value for key, value in keys.items()
            )

        return await self._next(is_it, f"{event.name} {keys}")

    async def received(self, action: str | None = None) -> list[Any]:
        """Return the data of all messages (named *action*) so far, and forget what waits."""
        await self._wire.settle()
        await self._read_all()
        waiting, self._waiting = list(self._waiting), deque()
        return [
            frame.get("data", {})
            for frame in waiting
            if frame["eventType"] == EventType.MESSAGE
            and "id" not in frame
            and action in {None, frame.get("action")}
        ]

    async def quiet(self) -> None:
        """
        Check that nothing waits to be read.

        Raises:
            AssertionError: Something does.
        """
        await self._wire.settle()
        await self._read_all()
        if self._waiting:
            raise AssertionError(f"{self!r} received {list(self._waiting)}")

    async def closes(self) -> tuple[int, str]:
        """Wait until the server has closed the link; return code and reason."""
        while await self._read():
            pass
        if self._wire.closed is None:
            raise AssertionError(f"{self!r} is still connected")
        return self._wire.closed

    async def settle(self) -> None:
        """Let everything sent so far be handled, as well as one can tell."""
        await self._wire.settle()

    async def close(self, code: int = 1000) -> None:
        """Close the link politely."""
        await self._wire.close(code)

    async def cut(self) -> None:
        """Tear the link without a word."""
        await self._wire.cut()

    async def _next(self, is_it: Callable[[Frame], bool], wanted: str) -> Frame:
        passed: deque[Frame] = deque()
        while True:
            while self._waiting:
                frame = self._waiting.popleft()
                if is_it(frame):
                    if "id" in frame:  # a reply passes over nothing: pushes are asked for later
                        self._waiting.extendleft(reversed(passed))
                    return frame
                passed.append(frame)
            if not await self._read():
                self._waiting = passed
                state = "" if self._wire.closed is None else f", closed with {self._wire.closed}"
                raise AssertionError(f"{self!r} waits for {wanted}; received {list(passed)}{state}")

    async def _read(self, *, waits: bool = True) -> bool:
        message = await self._wire.receive(waits=waits)
        if message is None:
            return False
        self._keep(message)
        return True

    async def _read_all(self) -> None:
        # What has settled is here: over a socket, waiting for more would take seconds.
        while await self._read(waits=False):
            pass

    def _keep(self, message: bytes) -> None:
        if self._subprotocol == MSGPACK:
            frame = msgspec.msgpack.decode(message)
        else:
            frame = values.decode(message)
        self.frames.append(frame)
        self._waiting.append(frame)
        self._note_place(frame)

    def _note_place(self, frame: Frame) -> None:
        """Take the place of an event, or that of the room that this client has joined."""
        room, data = frame.get("roomName", ""), frame.get("data")
        if isinstance(data, dict) and "epoch" in data and "roomName" in data:
            self.places[data["roomName"]] = _place_of({**data, **frame})
        elif "seq" in frame and room in self.places:
            self.places[room] |= {"seq": frame["seq"], "sub": frame.get("sub", 0)}
            if frame["eventType"] == EventType.LEAVE_ROOM and "sender" not in frame:
                del self.places[room]


def _place_of(data: Mapping[str, Any]) -> dict[str, Any]:
    return {"epoch": data["epoch"], "seq": data.get("seq", 0), "sub": data.get("sub", 0)}


def _checked(reply: Frame) -> Frame:
    error = reply.get("error") or {}
    if not error.get("code"):
        return reply
    raise RequestRefused(
        error["code"],
        error.get("message", ""),
        reason=error.get("reason", ""),
        field=error.get("field", ""),
        data=reply.get("data"),
    )
