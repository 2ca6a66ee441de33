"""Messaging: which handler takes a message, and what its sender gets."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from goroom import (
    ApplicationExtension,
    Disconnect,
    Event,
    Refused,
    Request,
    RequestRefused,
    RoomExtension,
    Server,
    User,
    handles,
)
from goroom.testing import Stage


@attrs.frozen
class Word:
    text: str


class Hall(RoomExtension):
    @handles("echo", Word)
    def echo(self, user: User, word: Word) -> dict[str, str]:
        return {"by": "room", "text": word.text}

    @handles("ping")
    def ping(self, user: User) -> None: ...

    @handles("refuse")
    def refuse(self, user: User) -> None:
        raise Refused("not now", code=1005, reason="not_now")

    @handles("crash")
    def crash(self, user: User) -> None:
        self.room.broadcast("never", {"seen": True})
        raise ValueError("the secret is 1234")

    @handles("unsendable")
    def unsendable(self, user: User) -> float:
        self.room.broadcast("never", {"seen": True})
        return float("nan")

    @handles("banned")
    async def banned(self, user: User) -> None:
        raise Disconnect(4503, "banned")

    @handles("slow", blocking=True)
    def slow(self, user: User) -> int:
        return len(self.room.members)


class Chatty(Hall):
    def on_message(self, user: User, request: Request) -> Any:
        return {"by": "on_message", "action": request.action}


class Application(ApplicationExtension):
    async def init(self) -> None:
        await self.application.rooms.create("hall", "hall")
        await self.application.rooms.create("chatty", "chatty")
        await self.application.rooms.create("other", "hall")

    @handles("echo", Word)
    def echo(self, user: User, word: Word) -> dict[str, str]:
        return {"by": "application", "text": word.text}


def _server() -> Server:
    server = Server()
    server.add_application("app", Application, {"hall": Hall, "chatty": Chatty})
    return server


@pytest.mark.parametrize(
    ("room", "action", "expected"),
    [
        ("hall", "echo", {"by": "room", "text": "a"}),
        ("", "echo", {"by": "application", "text": "a"}),
        ("chatty", "anything", {"by": "on_message", "action": "anything"}),
        ("hall", "ping", {}),
        ("hall", "slow", 1),
    ],
)
async def test_the_nearest_handler_takes_a_message(room: str, action: str, expected: Any) -> None:
    async with Stage(_server()) as stage:
        ann = await stage.player("ann")
        for name in ("hall", "chatty"):
            await ann.join(name)

        assert expected == await ann.request(action, {"text": "a"}, room=room)


@pytest.mark.parametrize(
    ("room", "action", "code"),
    [
        ("nowhere", "echo", 7),
        ("other", "echo", 9),
        ("hall", "nobody_knows", 22),
        ("hall", "on_join", 22),
        ("hall", "__class__", 22),
        ("hall", "refuse", 1005),
        ("hall", "crash", 500),
        ("hall", "unsendable", 500),
    ],
)
async def test_what_cannot_be_handled_is_refused_with_its_code(
    room: str, action: str, code: int
) -> None:
    async with Stage(_server()) as stage:
        ann = await stage.player("ann")
        await ann.join("hall")
        with pytest.raises(RequestRefused) as refused:
            await ann.request(action, {"text": "a"}, room=room)

        assert code == refused.value.code
        assert "1234" not in str(ann.frames)
        assert [] == await ann.received("never")
        assert {} == await ann.request("ping", room="hall")


async def test_data_that_cannot_be_read_is_refused_though_nobody_reads_it() -> None:
    async with Stage(_server()) as stage:
        ann = await stage.player("ann")
        await ann.join("hall")
        ann.send_raw(
            '{"eventType":11,"appName":"app","roomName":"hall","action":"ping","id":77,'
            '"data":{"x":1e400}}'
        )
        await ann.received()

        assert [21] == [frame["error"]["code"] for frame in ann.frames if frame.get("id") == 77]


async def test_without_an_id_nothing_is_answered_but_values_and_errors() -> None:
    async with Stage(_server()) as stage:
        ann = await stage.player("ann")
        await ann.join("hall")
        before = len(ann.frames)
        for action in ("ping", "echo", "refuse"):
            ann.send(action, {"text": "a"})
        ann.send("", {})
        await ann.settle()
        await ann.received()
        codes = [frame.get("error", {}).get("code") for frame in ann.frames[before:]]

        assert [None, 1005] == codes


async def test_who_is_disconnected_by_a_handler_is_told_and_closed() -> None:
    async with Stage(_server()) as stage:
        ann = await stage.player("ann")
        await ann.join("hall")
        ann.send("banned")

        assert (4503, "banned") == await ann.closes()
        assert 4503 == ann.frames[-1]["code"]
        assert {} == stage.server.applications["app"].users


async def test_a_handler_added_to_one_room_is_in_no_other() -> None:
    async with Stage(_server()) as stage:
        rooms = stage.server.applications["app"].rooms
        rooms["hall"].extension.add_handler("extra", lambda user: user.name)
        rooms["other"].extension.add_handler(Event.MESSAGE, lambda _, request: request.action)
        ann = await stage.player("ann")
        await ann.join("hall")
        await ann.join("other")

        assert "ann" == await ann.request("extra", room="hall")
        assert "extra" == await ann.request("extra", room="other")
