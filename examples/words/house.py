"""
The house: robots that play with strangers whom nobody else has come to play with.

They come to those who said ``?robots=1`` when they connected, as our page does, and give their seat
to the next stranger who comes before the first turn. A robot is a client like any other, but for
the way that its frames take: it is a `goroom.Conn` in the server's own process.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from random import Random
from typing import Any

from goroom_extensions.mesh import GLOBAL_ROOM, MESH_LIMITS, MeshDialect
from words.application import RANDOM
from words.dictionary import OURS, read
from words.room import WordsRoom

from goroom import Application, Peer, Room, Server

NAME = "Robot"
PATIENCE_SECONDS = 0.75
"""How long a stranger is left to others, from when it is first seen to wait."""
LOOK_SECONDS = 0.25
"""How often the house looks who waits: with `PATIENCE_SECONDS`, a robot comes within a second."""
THINKING_SECONDS = (2.0, 6.0)
"""How long a robot looks for a word: at least, at most."""
IDEAS = 0.85
"""How often it finds one."""


class Robot:
    """One robot, for one game with a stranger. A `goroom.Conn`."""

    def __init__(self, random: Random, words: Mapping[str, list[str]]) -> None:
        self._random = random
        self._words = words
        """By their first letters."""
        self._said: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._heard: set[str] = set()
        self._room = self._slug = ""
        self._thinking: asyncio.TimerHandle | None = None
        self._say("join-random-room", GLOBAL_ROOM, roomname="")

    async def receive(self) -> bytes | None:
        """Return what it says next, None when it has left."""
        return await self._said.get()

    async def send(self, message: bytes) -> None:
        """Take in what it is told."""
        frame = json.loads(message)
        self._take(frame["action"], frame["message_body"])

    async def close(self) -> None:
        """Think no more, and leave."""
        self._said.put_nowait(None)
        if self._thinking is not None:
            self._thinking.cancel()

    def _take(self, action: str, body: dict[str, Any]) -> None:
        if action == "found-random-room-notify":
            self._room = body["roomname"]
        elif action == "know-yourself":
            self._slug = body["sender"]
            self._say("set-client-name", self._room, setname=NAME)
        elif action == "send-message":
            self._heard.add(body["message"].lower())
        elif action == "message-by-bot":
            self._look_for_a_word(body)
        elif action in {"is-room-maker", "fail-join-room-notify", "room-bot-end-game"}:
            self._said.put_nowait(None)  # nobody is here to play with, or no more

    def _look_for_a_word(self, body: dict[str, Any]) -> None:
        if body.get("whichclientturn", {}).get("slug") != self._slug:
            return
        if self._random.random() < IDEAS:
            seconds = self._random.uniform(*THINKING_SECONDS)
            loop = asyncio.get_running_loop()
            self._thinking = loop.call_later(seconds, self._attempt, body["letter"])

    def _attempt(self, letter: str) -> None:
        ideas = [word for word in self._words.get(letter, []) if word not in self._heard]
        if ideas:
            self._say("attempt-word", self._room, message=self._random.choice(ideas))

    def _say(self, action: str, target: str, **body: str) -> None:
        frame = {"action": action, "message_body": body, "target": target}
        self._said.put_nowait(json.dumps(frame).encode())


class House:
    """
    Sends robots to strangers who wait.

    Args:
        server: It runs.
        most: Robots that play at a time.
        random: What they think with.
    """

    def __init__(self, server: Server, most: int, random: Random | None = None) -> None:
        self._server = server
        self._most = most
        self._random = random or Random()
        self._words: dict[str, list[str]] = {}
        for word in read(OURS):
            self._words.setdefault(word[0], []).append(word)
        self._robots: set[asyncio.Task[None]] = set()
        self._waiting: dict[Room, float] = {}
        """Since when, by the loop's time."""

    async def run(self) -> None:
        """Look after strangers until cancelled; the robots leave then."""
        application = self._server.applications["words"]
        try:
            while True:
                self._look_after(application)
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            for robot in self._robots:
                robot.cancel()
            if self._robots:
                await asyncio.wait(self._robots)

    def _look_after(self, application: Application) -> None:
        now = asyncio.get_running_loop().time()
        self._waiting = {room: self._waiting.get(room, now) for room in waiting(application)}
        for room, since in self._waiting.items():
            if now - since >= PATIENCE_SECONDS and len(self._robots) < self._most:
                self._waiting[room] = now
                robot = asyncio.create_task(self._play())
                self._robots.add(robot)
                robot.add_done_callback(self._robots.discard)

    async def _play(self) -> None:
        robot = Robot(self._random, self._words)
        with suppress(RuntimeError):  # the server has begun to stop
            await self._server.serve(
                robot, MeshDialect, "words", limits=MESH_LIMITS, peer=Peer(query={"stand-in": "1"})
            )


def waiting(application: Application) -> Iterator[Room]:
    """Return the rooms in which one stranger, who has a name, waits for another or a robot."""
    for room in application.rooms.open_rooms(RANDOM):
        rules = room.extension
        if isinstance(rules, WordsRoom) and rules.is_gathering and rules.state.game.players:
            links = [link for user in room.members.values() for link in user.links]
            if all(link.connection.query.get("robots") == "1" for link in links):
                yield room
