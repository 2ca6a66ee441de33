"""Thousands of wrong frames in the mirror's dialect, and two honest clients in one channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
import pytest
from aiohttp import web
from argon2 import PasswordHasher
from goroom_extensions import mirror

import goroom
from tests.golden.accounts import Accounts
from tests.tongues import Heard, Said, Speaker
from tests.websocket import WAIT_SECONDS, Closed, WebSocket
from tests.witness import attack

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.dialects.conftest import Build, House

APPLICATION = "mirror"


def _frame(code: str, message: str = "", **more: str) -> dict[str, str]:
    ids = {"websocketId": "forged", "userId": "forged", "channel": "forged"}
    return {"code": code, "message": message, **ids, **more}


class MirrorSpeaker(Speaker):
    """A client of go-mirror-hw that has logged in and hears one public channel."""

    keys: ClassVar[list[str]] = ["code", "message", "websocketId", "userId", "channel"]

    def __init__(self, socket: WebSocket, user: str, channel: str) -> None:
        super().__init__(socket)
        self.name = user
        self.channel = channel

    async def enter(self) -> None:
        registered = self.decoded(await self.line())
        socket = registered["websocketId"]
        self.send(_frame("register.userId", websocketId=socket, userId=self.name))
        self.send(_frame("channel.subscribe", channel=self.channel))
        while self.decoded(await self.line())["code"] != "channel.subscribed":
            pass

    def decoded(self, line: bytes | Closed) -> dict[str, str]:
        assert not isinstance(line, Closed), line
        frame: dict[str, str] = msgspec.json.decode(line, type=dict[str, str])
        assert self.keys == list(frame), frame
        return frame

    def say(self, text: str) -> None:
        self.send(_frame("channel.publish", text, channel=self.channel))

    def read(self, line: bytes) -> Heard | None:
        frame = self.decoded(line)
        if (frame["code"], frame["channel"]) != ("channel.message", self.channel):
            return None
        said: dict[str, str] = msgspec.json.decode(frame["message"], type=dict[str, str])
        assert said["userId"] == frame["userId"]
        return Said(said["userId"], said["value"])

    def ask(self, number: int) -> None:
        self.send(_frame("channel.subscribe", channel=f"asked {number}"))

    def is_answer(self, line: bytes, number: int) -> bool:
        frame = self.decoded(line)
        return (frame["code"], frame["channel"]) == ("channel.refused", f"asked {number}")


@pytest.fixture
async def mirror_house(build: Build, tmp_path: Path) -> AsyncIterator[House]:
    """A mirror on a database of its own, with passwords that cost nothing."""
    site, server = web.Application(), goroom.Server()
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    passwords = mirror.Passwords(hasher=hasher)
    database = f"sqlite:///{tmp_path / 'mirror.sqlite'}"
    mirror.setup(site, server, database=database, keys=tmp_path / "keys", passwords=passwords)
    goroom.setup(site, server, path="/")
    async with build(site, server, APPLICATION) as house:
        yield house
    passwords.close()


@pytest.mark.timeout(300)
async def test_wrong_frames_hurt_nobody_but_their_sender(mirror_house: House) -> None:
    address = mirror_house.address
    async with Accounts(f"http://{address}", wait_seconds=WAIT_SECONDS) as accounts:
        for user in ("u1", "u2", "u3"):
            await accounts.ensure_user(user)
        ids: dict[str, Any] = accounts.captures

        async def sit(user: str, channel: str) -> Speaker:
            headers = accounts.cookie_header(user, "/ws") | {"Origin": f"http://{address}"}
            socket = await WebSocket.connect(f"ws://{address}/ws", headers=headers)
            speaker = MirrorSpeaker(socket, ids[user], ids[channel])
            await speaker.enter()
            return speaker

        samples = _samples(ids["u1"], ids["u2"], ids["u3"], ids["ch1"])
        # The attacker writes to ch1, but hears another: what was said there would come each time.
        first, second = await sit("u1", "ch1"), await sit("u2", "ch1")
        await attack(samples, lambda: sit("u3", "ch3"), first, second)


def _samples(first: str, second: str, own: str, channel: str) -> list[Any]:
    return [
        _frame("register.userId", userId=first),
        _frame("register.userId", userId=own),
        _frame("message.direct", userId=own, channel=f"{own}.{first}"),
        _frame("message.direct", userId=first, channel=f"{first}.{second}"),
        _frame("message.direct", userId=first, channel=f"{first}{second}"),
        _frame("channel.subscribe", channel=f"{own}.{first}"),
        _frame("channel.subscribe", channel=f"{first}.{second}"),
        _frame("channel.unsubscribe", channel=channel),
        _frame("channel.publish", "hello", channel=channel),
        _frame("channel.publish", "x" * 300, channel=f"{own}.{second}"),
        _frame("channel.message", "forged", channel=channel),
        {"message": "text\n"},
    ]
