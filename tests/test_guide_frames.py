"""The frames in "Writing a client" are those of a server: the page is played, line by line."""

from __future__ import annotations

import json
import re
from typing import Any, ClassVar

import attrs

from goroom import ApplicationExtension, Limits, RoomExtension, Server, User, handles
from goroom.testing import Player, Stage
from tests.documentation import DOCS, blocks

PAGE = DOCS / "guide/writing-a-client.md"

SHORTENED = {"token", "epoch", "userId"}
"""Keys whose values are random: the page shows shorter ones, always the same for the same."""


@attrs.frozen
class Move:
    square: int


class Table(RoomExtension):
    """A room of the page's game."""

    max_users: ClassVar[int] = 2

    def on_join(self, user: User) -> None:
        user.send("mark", {"is": "X" if len(self.room.members) == 1 else "O"})

    def on_resume(self, user: User) -> None:
        user.send("clock", {"seconds": 42})

    @handles("move", Move)
    def move(self, user: User, move: Move) -> None:
        self.room.broadcast("moved", {"square": move.square}, sender=user)


class Games(ApplicationExtension):
    """The page's application."""

    def may_create(self, user: User, kind: str) -> bool:
        return True


class Reading:
    """The page, played against *stage* by one player for each caption."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._players: dict[str, Player] = {}
        self._real: dict[str, str] = {}
        """What stands for each shortened value of the page."""

    async def play(self, caption: str, text: str) -> None:
        """Do what the lines of one block say."""
        if caption not in self._players:
            self._players[caption] = await self._stage.connect(application="tictactoe")
        player = self._players[caption]
        for sign, frame in re.findall(r"(?m)^([<>*]) ((?:.|\n )*)$", text):
            if sign == ">":
                player.send_raw(self._lengthened(frame))
            elif sign == "<":
                received = await player.wire.receive()
                assert received is not None, f"{caption} does not receive {frame}"
                expected, real = json.loads(frame), json.loads(received)
                assert expected == self._shortened(expected, real), f"{caption}: {received!r}"
            elif "seconds pass" in frame:
                await self._stage.advance(float(frame.split()[0]))
            else:
                await player.cut()

    async def end(self) -> None:
        """Check that all is on the page which those who are still connected were sent."""
        for caption, player in self._players.items():
            if player.closed is None:
                received = await player.wire.receive(waits=False)
                assert received is None, f"not on the page: {caption} receives {received!r}"

    def _lengthened(self, frame: str) -> str:
        for short, real in self._real.items():
            frame = frame.replace(f'"{short}"', f'"{real}"')
        return frame

    def _shortened(self, expected: Any, real: Any) -> Any:
        """Return *real* with the page's own values where it may have others."""
        if isinstance(expected, list) and isinstance(real, list):
            return [self._shortened(*pair) for pair in zip(expected, real, strict=False)]
        if not isinstance(expected, dict) or not isinstance(real, dict):
            return real
        shortened = {}
        for key, value in real.items():
            wanted = expected.get(key)
            if key in SHORTENED and self._real.setdefault(str(wanted), value) == value:
                shortened[key] = wanted
            else:
                shortened[key] = self._shortened(wanted, value)
        return shortened


async def test_the_frames_of_the_page_are_those_of_a_server() -> None:
    server = Server(limits=Limits(history_events=2))
    server.add_application("tictactoe", Games, rooms={"table": Table})
    shown = [block for block in blocks(PAGE) if block.language == "text" and block.caption]
    async with Stage(server) as stage:
        reading = Reading(stage)
        for block in shown:
            await reading.play(block.caption, block.text)
        await stage.settle()
        await reading.end()

    assert len(shown) > 5
