"""An application whose hooks write down that they ran, wait and fail where a test tells them to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import attrs
import pytest

from goroom import (
    ApplicationExtension,
    Connection,
    LeaveReason,
    Limits,
    Request,
    RequestRefused,
    RoomExtension,
    Server,
    User,
    handles,
)
from goroom.testing import Player, Stage

APP = "test"
ROOM = "den"

LIMITS = Limits(login_seconds=None, ping_seconds=None)
"""Without a heartbeat, so that a test may turn the clock as far as it likes."""


@attrs.define
class Diary:
    """What happened, in order; which hooks are held up, and which fail."""

    lines: list[str] = attrs.field(factory=list)
    held: dict[str, asyncio.Event] = attrs.field(factory=dict)
    failures: dict[str, BaseException] = attrs.field(factory=dict)
    deeds: dict[str, Any] = attrs.field(factory=dict)
    """Called by the hook of this name with what it is about, before it may fail."""

    def hold(self, *hooks: str) -> None:
        """Have *hooks* wait until they are let go."""
        for hook in hooks:
            self.held[hook] = asyncio.Event()

    def let_go(self, *hooks: str) -> None:
        """Let *hooks* go on, and wait no more."""
        for hook in hooks:
            self.held.pop(hook).set()

    def of(self, *hooks: str) -> list[str]:
        """Return the lines that begin with one of *hooks*."""
        return [line for line in self.lines if line.split(" ")[0] in hooks]

    async def write(self, hook: str, *about: object) -> None:
        """Note that *hook* began; then wait, act and fail as the test has said."""
        self.lines.append(
            " ".join([hook, *(str(one.name if isinstance(one, User) else one) for one in about)])
        )
        if hook in self.held:
            await self.held[hook].wait()
        if hook in self.deeds:
            result = self.deeds[hook](*about)
            if result is not None:
                await result
        if hook in self.failures:
            raise self.failures[hook]


class Den(RoomExtension):
    """A room that keeps the diary."""

    diary: Diary
    spectators = True
    client_options = ("capacity", "password", "hidden", "locked", "auto_remove", "properties")

    async def init(self) -> None:
        await self.diary.write("room.init", self.room.name)

    async def on_join(self, user: User) -> None:
        await self.diary.write("on_join", user, self.room.name)

    async def on_leave(self, user: User, reason: LeaveReason) -> None:
        await self.diary.write("on_leave", user, self.room.name, reason)

    async def on_drop(self, user: User) -> None:
        await self.diary.write("on_drop", user, self.room.name)

    async def on_resume(self, user: User) -> None:
        await self.diary.write("on_resume", user, self.room.name)

    async def on_disconnect(self, user: User, reason: LeaveReason) -> None:
        await self.diary.write("room.on_disconnect", user, self.room.name, reason)

    @handles("act")
    async def act(self, user: User) -> None:
        await self.diary.write("act", user)

    @handles("sleep")
    async def sleep(self, user: User) -> None:
        await asyncio.sleep(3)

    @handles("say")
    def say(self, user: User) -> None:
        self.room.broadcast("said", {"by": user.name})


class Hall(ApplicationExtension):
    """An application that keeps the diary, with one room made at its start."""

    diary: Diary

    async def init(self) -> None:
        await self.diary.write("init")
        await self.application.rooms.create(ROOM, kind="den")

    async def on_connect(self, connection: Connection) -> None:
        await self.diary.write("on_connect", connection)

    async def on_login(self, user: User, credentials: dict[str, object]) -> None:
        await self.diary.write("on_login", user)

    async def on_logout(self, user: User) -> None:
        await self.diary.write("on_logout", user)

    async def on_drop(self, user: User) -> None:
        await self.diary.write("app.on_drop", user)

    async def on_resume(self, user: User) -> None:
        await self.diary.write("app.on_resume", user)

    async def on_disconnect(self, user: User, reason: LeaveReason) -> None:
        await self.diary.write("on_disconnect", user, reason)

    async def on_message(self, user: User, request: Request) -> None:
        await self.diary.write("on_message", user, request.action)

    def may_create(self, user: User, kind: str) -> bool:
        return True


def make_server(diary: Diary, *, limits: Limits = LIMITS, **options: Any) -> Server:
    """
    Return a server with two applications: one that keeps *diary*, and ``other``, which does not.

    Args:
        diary: What its hooks write to, and ask what to do.
        limits: Of everything.
        options: Of the first application.
    """
    server = Server(limits=limits, seed=1)
    hall = type("DiaryHall", (Hall,), {"diary": diary})
    den = type("DiaryDen", (Den,), {"diary": diary})
    server.add_application(APP, hall, rooms={"den": den}, **options)
    server.add_application("other")
    return server


async def refusal(request: Awaitable[object]) -> tuple[int, str]:
    """Return code and message with which *request* is refused."""
    with pytest.raises(RequestRefused) as caught:
        await request
    return caught.value.code, caught.value.message


ENDING = [
    "on_disconnect ann {reason}",
    "room.on_disconnect ann den {reason}",
    "on_leave ann den {reason}",
]
"""What the diary says of the end of a member."""
ENDING_HOOKS = ("on_disconnect", "room.on_disconnect", "on_leave")


def users_of(stage: Stage) -> Any:
    """Return who is logged in."""
    return stage.server.applications[APP].users


async def in_room(stage: Stage, name: str = "ann") -> Player:
    """Return a member of the room."""
    player = await stage.player(name, app=APP)
    await player.join(ROOM)
    return player
