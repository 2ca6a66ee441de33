"""The game's own browser client, as far as frames go."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.examples.words.clients import Client


class OwnClient:
    """
    The game's own browser client, as far as it can break: what it reads it reads as its code does.

    It sends what that sends, key for key. Where its code would stumble over a frame, so does this.
    """

    def __init__(self, client: Client, name: str) -> None:
        self.client = client
        self.name = name
        self.room: str | None = None
        self.slug = ""
        self.is_maker = self.is_thrown_out = self.is_playing = self.is_over = False
        self.users: list[dict[str, Any]] = []
        self.stats: list[dict[str, Any]] = []
        self.words: list[str] = []
        self.shown: list[str] = []
        self.letter = ""
        self.may_write = False

    def send(self, **frame: Any) -> None:
        """Send a frame of these keys in this order."""
        self.client.line.send(json.dumps(frame, separators=(",", ":")))

    def join(self, room: str) -> None:
        """Open the page of a room."""
        self.room = room
        body = {"roomname": room, "playerlimit": 3, "setplayername": self.name}
        self.send(action="join-room", message_body=body, target="mesh-global")

    def join_random(self) -> None:
        """Open the page of a random game."""
        self.send(
            action="join-random-room",
            message_body={"roomname": f"{self.name:x<10}"},
            target="mesh-global",
        )

    def write(self, text: str) -> None:
        """Type something and press Enter, where the page lets one."""
        assert self.may_write
        action = "attempt-word" if self.letter else "send-message"
        self.may_write = not self.letter
        self.send(action=action, target=self.room, message_body={"message": text})

    async def look(self) -> None:
        """Take all messages in."""
        for message in await self.client.line.received():
            assert isinstance(message, str)
            self.take_lines(re.split(r"\r?\n", message))

    def take_lines(self, lines: list[str]) -> None:
        """Take the lines of one message in, counting them as the page's code does."""
        number = steps = 0
        while number < len(lines):
            frame = json.loads(lines[number])
            self.take(frame)
            if frame["action"] == "message-by-bot" and frame["target"] == self.room:
                number = len(frame["message_body"]["clientstats"])  # it has one counter for both
            number += 1
            steps += 1
            assert steps <= len(lines), "the page hangs: it takes the same lines in for ever"

    def take(self, frame: dict[str, Any]) -> None:
        """Take one frame in, with no more care than the page's code."""
        action, body = frame["action"], frame["message_body"]
        if action == "know-yourself":
            name = {"setname": self.name}
            self.send(action="set-client-name", message_body=name, target=self.room)
            self.slug = body["sender"]
        elif action == "fail-join-room-notify":
            self.is_thrown_out = True
            self.shown.append(body["message"])
        elif action == "found-random-room-notify":
            self.room = body["roomname"]
        elif action == "is-room-maker":
            self.is_maker = True
        elif frame["target"] == self.room:
            self.take_public(action, body)

    def take_public(self, action: str, body: dict[str, Any]) -> None:
        """Take in what everybody in the room is told."""
        if action == "client-list-notify":
            self.users = [self.user(player) for player in body["clientsinroomessage"]]
        elif action == "room-bot-greetings":
            self.is_playing = True
        elif action == "room-bot-end-game":
            self.is_over = True
            if len(body["word_list"]) > 0:
                self.words = body["word_list"]
            self.stats = [self.user(player) for player in body["client_list"]]
        elif action in {"send-message", "room-setting-applied"}:
            self.shown.append(body["message"])
        elif action == "message-by-bot":
            self.take_turn(body)

    def take_turn(self, body: dict[str, Any]) -> None:
        """Take in what the bot asks."""
        self.shown.append(body["message"])
        for number, player in enumerate(body["clientstats"]):
            if self.users[number]["slug"] == player["slug"]:
                self.users[number]["score"] = player["score"]
        self.letter = body["letter"] or self.letter
        whose = body.get("whichclientturn")
        self.may_write = whose is None or whose["slug"] == self.slug

    @staticmethod
    def user(player: dict[str, Any]) -> dict[str, Any]:
        """Copy a player key by key."""
        return {key: player[key] for key in ("name", "slug", "color", "score")}
