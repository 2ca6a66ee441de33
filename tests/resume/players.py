"""
Players: the two clients of goroom in one shape, so that one test runs with both.

What a player hears is a list of short lists, in order: ``["message", action, n]``, ``["told", n]``
(outside rooms), ``["also", n]`` (in another application), ``["join" | "leave" | "away" | "back",
name]``, ``["reset", reason]``, ``["left", reason]``, ``["drop", code]``, ``["resume"]``, ``["reset
of the application", reason]``, ``["close", code]``.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

from goroom import ConnectionLost, RequestRefused
from goroom.client import (
    App,
    Away,
    Back,
    Backoff,
    Dropped,
    Heartbeat,
    Joined,
    Left,
    Message,
    Missed,
    Opening,
    Removed,
    Reset,
    Resumed,
    Room,
    SendLost,
    SendRefused,
    connect,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.resume.programs import Node

WAIT_SECONDS = 30.0
"""How long something may take that has to come: far beyond what a busy machine needs."""


HASTY_SECONDS = 2.0
"""How long a hasty player tries to log in before it begins anew."""


class Failed(Exception):  # noqa: N818 -- an answer, not a fault
    """A player's request failed."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason


class Player(ABC):
    """One login of one client, in at most one room."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.heard: list[list[Any]] = []
        self._news = asyncio.Event()

    def hear(self, heard: list[Any]) -> None:
        """Note that it has heard something."""
        self.heard.append(heard)
        self._news.set()

    async def until(self, is_enough: Callable[[list[list[Any]]], bool]) -> None:
        """Wait until what it has heard *is_enough*."""
        async with asyncio.timeout(WAIT_SECONDS):
            while not is_enough(self.heard):
                self._news.clear()
                await self._news.wait()

    @abstractmethod
    async def connect(self, url: str, app: str, *, deduplicates: bool = True) -> None:
        """Connect and log in."""

    @abstractmethod
    async def log_in_too(self, app: str) -> None:
        """Log in to one more application; what is heard outside its rooms is ``["also", n]``."""

    @abstractmethod
    async def join(self, room: str) -> None:
        """Join *room*."""

    @abstractmethod
    async def watch(self, room: str) -> None:
        """Watch *room*."""

    @abstractmethod
    async def leave(self) -> None:
        """Leave its room."""

    @abstractmethod
    async def request(self, action: str, data: dict[str, Any]) -> Any:
        """Ask something of its room."""

    @abstractmethod
    async def send(self, action: str, data: dict[str, Any], *, volatile: bool = False) -> None:
        """Send something to its room."""

    @abstractmethod
    async def look(self) -> dict[str, Any]:
        """Return its ``state``, and its room's ``members``, ``count`` and ``seq``."""

    @abstractmethod
    async def close(self) -> None:
        """Log out and close the connection."""


class NodePlayer(Player):
    """A player who uses goroom.js."""

    hasty: ClassVar = {
        "heartbeat": {"idleMs": 1000, "replyMs": 1000},
        "backoff": {"minMs": 5, "maxMs": 100},
    }

    def __init__(self, name: str, node: Node, *, is_patient: bool = False) -> None:
        super().__init__(name)
        self._node = node
        self._options = {} if is_patient else self.hasty
        self._room = ""
        node.listen(name, self.hear)

    async def _ask(self, deed: str, **details: Any) -> Any:
        answer = await self._node.ask(self.name, deed, **details)
        if "error" in answer:
            raise Failed(**answer["error"])
        return answer.get("value")

    async def connect(self, url: str, app: str, *, deduplicates: bool = True) -> None:
        options = {"options": self._options, "deduplicates": deduplicates}
        await self._ask("connect", url=url, app=app, user=self.name, **options)

    async def log_in_too(self, app: str) -> None:
        await self._ask("logInToo", app=app)

    async def join(self, room: str) -> None:
        self._room = room
        await self._ask("join", room=room)

    async def watch(self, room: str) -> None:
        self._room = room
        await self._ask("watch", room=room)

    async def leave(self) -> None:
        await self._ask("leave", room=self._room)

    async def request(self, action: str, data: dict[str, Any]) -> Any:
        return await self._ask("request", room=self._room, action=action, data=data)

    async def send(self, action: str, data: dict[str, Any], *, volatile: bool = False) -> None:
        options = {"volatile": volatile}
        await self._ask("send", room=self._room, action=action, data=data, options=options)

    async def look(self) -> dict[str, Any]:
        seen: dict[str, Any] = await self._ask("look", room=self._room)
        return seen

    async def close(self) -> None:
        await self._ask("close")
        self._node.forget(self.name)


class PythonPlayer(Player):
    """A player who uses goroom.client, in this process."""

    hasty: ClassVar = {
        "heartbeat": Heartbeat(idle_seconds=1, reply_seconds=1),
        "backoff": Backoff(min_seconds=0.005, max_seconds=0.1),
        "timeout_seconds": WAIT_SECONDS,
    }

    def __init__(self, name: str, *, is_patient: bool = False) -> None:
        super().__init__(name)
        self._is_patient = is_patient
        self._app: App | None = None
        self._room: Room | None = None
        self._listening: list[asyncio.Task[None]] = []

    async def connect(self, url: str, app: str, *, deduplicates: bool = True) -> None:
        del deduplicates  # a test switches it off for all at once
        options: dict[str, Any] = {} if self._is_patient else self.hasty
        try:
            async with asyncio.timeout(WAIT_SECONDS if self._is_patient else HASTY_SECONDS):
                self._app = await connect(url, app=app, name=self.name, **options)
        except TimeoutError as error:
            raise Failed(0, "timed_out") from error
        except (ConnectionLost, RequestRefused) as error:
            raise Failed(error.code, error.reason) from error
        self._listening.append(asyncio.create_task(self._listen_to_app(self._app)))

    async def log_in_too(self, app: str) -> None:
        other = await self._logged_in.connection.login(app, name=self.name)
        self._listening.append(asyncio.create_task(self._listen_to_other(other)))

    async def join(self, room: str) -> None:
        await self._enter(self._logged_in.join(room))

    async def watch(self, room: str) -> None:
        await self._enter(self._logged_in.watch(room))

    @property
    def _logged_in(self) -> App:
        assert self._app is not None
        return self._app

    @property
    def _joined(self) -> Room:
        assert self._room is not None
        return self._room

    async def _enter(self, opening: Opening[Room]) -> None:
        try:
            self._room = await opening
        except (ConnectionLost, RequestRefused) as error:
            raise Failed(error.code, error.reason) from error
        self._listening.append(asyncio.create_task(self._listen_to_room(self._room)))

    async def _listen_to_app(self, app: App) -> None:
        try:
            async for event in app:
                match event:
                    case Message(_, {"n": n}):
                        self.hear(["told", n])
                    case Dropped(code):
                        self.hear(["drop", code])
                    case Resumed():
                        self.hear(["resume"])
                    case Reset(reason, None):
                        self.hear(["reset of the application", reason])
                    case SendLost() | SendRefused():
                        self.hear(["close", repr(event)])
        except ConnectionLost as lost:
            self.hear(["close", lost.code])

    async def _listen_to_other(self, app: App) -> None:
        async for event in app:
            if isinstance(event, Message):
                self.hear(["also", event.data["n"]])

    async def _listen_to_room(self, room: Room) -> None:
        with suppress(ConnectionLost):  # the application hears of it
            async for event in room:
                match event:
                    case Message(action, {"n": n}):
                        self.hear(["message", action, n])
                    case Joined(name) | Left(name) | Away(name) | Back(name):
                        self.hear([_WORDS[type(event)], name])
                    case Reset(reason):
                        self.hear(["reset", reason])
                    case Removed(reason):
                        self.hear(["left", reason])
                    case SendLost() | SendRefused() | Missed():
                        self.hear(["close", repr(event)])

    async def leave(self) -> None:
        try:
            await self._joined.leave()
        except (ConnectionLost, RequestRefused) as error:
            raise Failed(error.code, error.reason) from error
        self.hear(["left", "left"])  # its loop has ended

    async def request(self, action: str, data: dict[str, Any]) -> Any:
        try:
            return await self._joined.request(action, data)
        except (ConnectionLost, RequestRefused) as error:
            raise Failed(error.code, error.reason) from error

    async def send(self, action: str, data: dict[str, Any], *, volatile: bool = False) -> None:
        self._joined.send(action, data, volatile=volatile)

    async def look(self) -> dict[str, Any]:
        room = self._joined
        state = self._logged_in.state
        return {"state": state, "members": list(room.members), "count": room.count}

    async def close(self) -> None:
        if self._app is not None:
            await self._app.close()
        await asyncio.gather(*self._listening)


_WORDS = {Joined: "join", Left: "leave", Away: "away", Back: "back"}
