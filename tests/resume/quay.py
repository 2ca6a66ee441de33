"""A hall that tells of drops and resumes, waves, and works for as long as a test wants."""

from __future__ import annotations

import asyncio

from goroom import LeaveReason, User, handles
from tests.protocol.worlds import Desk, Hall, Text


class Quay(Hall):
    """A `Hall` that writes down its hooks and what it was told to do."""

    def init(self) -> None:
        self.hooks: list[str] = []
        self.tides = 0
        self.gate = asyncio.Event()

    def on_join(self, user: User) -> None:
        self.hooks.append(f"join {user.name}")

    def on_leave(self, user: User, reason: LeaveReason) -> None:
        self.hooks.append(f"leave {user.name} {reason}")

    def on_drop(self, user: User) -> None:
        self.hooks.append(f"drop {user.name}")

    def on_resume(self, user: User) -> None:
        self.hooks.append(f"resume {user.name}")
        user.send("view", {"of": self.room.name})

    @handles("wave", Text)
    def wave(self, user: User, message: Text) -> None:
        self.room.broadcast("waved", {"text": message.text}, volatile=True)

    @handles("ebb")
    def ebb(self, _user: User) -> dict[str, int]:
        self.tides += 1
        self.room.broadcast("tide", {"tides": self.tides})
        return {"tides": self.tides}

    @handles("work")
    async def work(self, user: User) -> dict[str, int]:
        self.hooks.append(f"work {user.name}")
        await self.gate.wait()
        return self.ebb(user)


class Harbour(Desk):
    """A `Desk` that writes down its hooks."""

    async def init(self) -> None:
        self.hooks: list[str] = []
        await super().init()

    def on_drop(self, user: User) -> None:
        self.hooks.append(f"drop {user.name}")

    def on_resume(self, user: User) -> None:
        self.hooks.append(f"resume {user.name}")

    def on_disconnect(self, user: User, reason: LeaveReason) -> None:
        self.hooks.append(f"disconnect {user.name} {reason}")
