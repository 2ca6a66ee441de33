"""What the client's tests play against: a hall and an application driven by messages."""

from __future__ import annotations

import asyncio

import attrs

from goroom import (
    ApplicationExtension,
    Disconnect,
    LeaveReason,
    NotAllowed,
    Refused,
    RoomExtension,
    User,
    handles,
)


@attrs.frozen
class Text:
    text: str


@attrs.frozen
class Name:
    name: str


@attrs.frozen
class Count:
    count: int


@attrs.frozen
class Properties:
    properties: dict[str, object]


class Hall(RoomExtension):
    """A room whose members make the server do what the test is about."""

    max_users = 4
    spectators = True
    client_options = ("capacity", "password", "auto_remove", "properties")

    def init(self) -> None:
        self.door = asyncio.Event()
        """Joins wait before it while it is closed."""
        self.door.set()
        self.knocked = asyncio.Event()
        """Set when somebody waits before the door."""

    async def on_join(self, user: User) -> None:
        if not self.door.is_set():
            self.knocked.set()
            await self.door.wait()
        user.send("welcome", {"to": user.name})

    def on_leave(self, user: User, reason: LeaveReason) -> None:
        if user.name.startswith("stuck"):
            raise Refused("Stay a while.")

    @handles("tell", Text)
    def tell(self, user: User, message: Text) -> None:
        self.room.broadcast("told", {"text": message.text}, sender=user)

    @handles("tell_others", Text)
    def tell_others(self, user: User, message: Text) -> None:
        self.room.broadcast("told", {"text": message.text}, sender=user, skip=user)

    @handles("score")
    def score(self, user: User) -> dict[str, object]:
        return {"name": user.name, "points": 7}

    @handles("count", Count)
    def count(self, _user: User, message: Count) -> None:
        for number in range(1, message.count + 1):
            self.room.broadcast("number", {"number": number})

    @handles("wait")
    async def wait(self, _user: User) -> str:
        self.knocked.set()
        await self.door.wait()
        return "waited"

    @handles("refuse", Text)
    def refuse(self, _user: User, message: Text) -> None:
        raise Refused(message.text, code=1001, reason="not_your_turn", field="text")

    @handles("kick", Name)
    def kick(self, _user: User, target: Name) -> None:
        self.room.kick(target.name, "go away")

    @handles("close")
    def close(self, _user: User) -> None:
        self.room.close()

    @handles("describe", Properties)
    def describe(self, _user: User, message: Properties) -> None:
        self.room.update(properties=message.properties, locked=True)

    @handles("move", Name)
    def move(self, user: User, target: Name) -> None:
        user.move_to(target.name, leaving=self.room)


class Desk(ApplicationExtension):
    """An application with a hall ``hall`` from the start."""

    async def init(self) -> None:
        await self.application.rooms.create("hall", kind="hall")

    def on_login(self, user: User, credentials: dict[str, object]) -> None:
        if credentials.get("password", "right") != "right":
            raise NotAllowed("The password is wrong.", reason="wrong_password")

    def on_logout(self, user: User) -> None:
        if user.name.startswith("stuck"):
            raise Refused("Stay a while.")

    def may_create(self, user: User, kind: str) -> bool:
        return True

    @handles("shout", Text)
    def shout(self, user: User, message: Text) -> None:
        self.application.broadcast("shouted", {"text": message.text}, sender=user)

    @handles("seat", Name)
    def seat(self, user: User, target: Name) -> None:
        user.move_to(target.name)

    @handles("throw_out")
    def throw_out(self, _user: User) -> None:
        raise Disconnect(4503, "banned")
