"""What the wire tests play against: extensions of goroom's public names, driven by messages."""

from __future__ import annotations

from typing import Any

import attrs

from goroom import (
    ApplicationExtension,
    Disconnect,
    LeaveReason,
    Refused,
    RoomExtension,
    User,
    handles,
)

SECRET = "/srv/secret.key"
"""What a failing handler has in its exception: no client may ever see it."""


@attrs.frozen
class Text:
    text: str


@attrs.frozen
class Whisper:
    to: str
    text: str


@attrs.frozen
class Name:
    name: str


@attrs.frozen
class Properties:
    properties: dict[str, Any]


@attrs.frozen
class Code:
    code: int


class Hall(RoomExtension):
    """A room whose members make the server do what the test is about."""

    max_users = 8
    spectators = True

    @handles("tell", Text)
    def tell(self, user: User, message: Text) -> dict[str, int]:
        self.room.broadcast("told", {"text": message.text}, sender=user)
        return {"length": len(message.text)}

    @handles("announce", Text)
    def announce(self, _user: User, message: Text) -> None:
        self.room.broadcast("told", {"text": message.text})

    @handles("tell_others", Text)
    def tell_others(self, user: User, message: Text) -> None:
        self.room.broadcast("told", {"text": message.text}, skip=user)

    @handles("whisper", Whisper)
    def whisper(self, user: User, message: Whisper) -> None:
        self.room.broadcast("whispered", {"text": message.text}, only=message.to, sender=user)

    @handles("remind", Text)
    def remind(self, user: User, message: Text) -> None:
        user.send("reminded", {"text": message.text})

    @handles("remind_anybody", Whisper)
    def remind_anybody(self, _user: User, message: Whisper) -> None:
        self.application.users[message.to].send("reminded", {"text": message.text})

    @handles("nameless")
    def nameless(self, _user: User) -> None:
        self.room.broadcast("", {"text": "nameless"})

    @handles("blob")
    def blob(self, _user: User) -> dict[str, bytes]:
        self.room.broadcast("blob", {"bytes": b"\x00\xff"})
        return {"bytes": b"\x00\xff"}

    @handles("fail", Text)
    def fail(self, _user: User, message: Text) -> None:
        self.room.broadcast("told", {"text": message.text})
        raise OSError(2, "No such file", SECRET)

    @handles("refuse", Text)
    def refuse(self, _user: User, message: Text) -> None:
        self.room.broadcast("told", {"text": message.text})
        raise Refused("It is not your turn.", code=1001, reason="not_your_turn", field="text")

    @handles("refuse_plainly")
    def refuse_plainly(self, _user: User) -> None:
        raise Refused

    @handles("disconnect", Code)
    def disconnect(self, _user: User, code: Code) -> None:
        raise Disconnect(code.code, "banned")

    @handles("kick", Whisper)
    def kick(self, _user: User, message: Whisper) -> None:
        self.room.kick(self.room.members[message.to], message.text)

    @handles("close")
    def close(self, _user: User) -> None:
        self.room.close()

    @handles("move", Name)
    def move(self, user: User, target: Name) -> None:
        user.move_to(target.name, leaving=self.room)

    @handles("also", Name)
    def also(self, user: User, target: Name) -> None:
        user.move_to(target.name)

    @handles("describe", Properties)
    def describe(self, _user: User, message: Properties) -> None:
        self.room.update(properties=message.properties)

    @handles("describe_and_fail", Properties)
    def describe_and_fail(self, _user: User, message: Properties) -> None:
        self.room.update(properties=message.properties)
        raise OSError(2, "No such file", SECRET)

    @handles("lock")
    def lock(self, _user: User) -> None:
        self.room.update(locked=True)

    @handles("unlock")
    def unlock(self, _user: User) -> None:
        self.room.update(locked=False)

    @handles("who")
    def who(self, _user: User) -> list[str]:
        return list(self.room.members)


class Secretive(Hall):
    """A hall that nobody may watch and whose members are told nothing of each other."""

    spectators = False
    announce_members = False


class Desk(ApplicationExtension):
    """The application ``test``: a hall ``hall`` from the start, and messages of its own."""

    async def init(self) -> None:
        await self.application.rooms.create("hall", kind="hall")

    def on_login(self, user: User, credentials: dict[str, object]) -> None:
        if credentials.get("password") == "wrong":
            raise Refused("Wrong password.")
        if credentials.get("password") == "none":
            raise Refused

    def on_logout(self, user: User) -> None:
        if user.name.startswith("stuck"):
            raise Refused

    def on_disconnect(self, user: User, reason: LeaveReason) -> None:
        if user.name == "stuck for good":
            raise Refused("Stay a while.")

    @handles("shout", Text)
    def shout(self, user: User, message: Text) -> None:
        self.application.broadcast("shouted", {"text": message.text}, sender=user)

    @handles("remind", Text)
    def remind(self, user: User, message: Text) -> dict[str, str]:
        user.send("reminded", {"text": message.text})
        return {"by": "application"}

    @handles("open", Name)
    async def open(self, user: User, message: Name) -> None:
        room = await self.application.rooms.create(message.name, kind="hall")
        await room.join(user)

    @handles("make", Name)
    async def make(self, _user: User, message: Name) -> None:
        await self.application.rooms.create(message.name, kind="hall")


class Other(Desk):
    """The application ``other``, with rooms of the same names."""
