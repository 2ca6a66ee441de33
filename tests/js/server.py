"""
A server for the tests of the JavaScript client: prints its port, ends with its standard input.

    python server.py [PORT]

Application ``game``: kind ``table`` (two seats, may be watched, made by clients), and the room
``hall`` of kind ``hall``. Application ``chat``: the same hall.
"""

from __future__ import annotations

import asyncio
import sys

import attrs
import structlog

from goroom import ApplicationExtension, Disconnect, Refused, RoomExtension, Server, User, handles


@attrs.frozen
class Text:
    """Something to say."""

    text: str


class Hall(RoomExtension):
    """Repeats what is said; does what it is told to."""

    def on_join(self, user: User) -> None:
        self.room.broadcast("welcomed", {"name": user.name})
        user.send("secret", {"for": user.name})

    @handles("say", Text)
    def say(self, user: User, said: Text) -> dict[str, int]:
        self.room.broadcast("said", {"text": said.text}, sender=user)
        return {"length": len(said.text)}

    @handles("refuse")
    def refuse(self, user: User) -> None:
        raise Refused("Not today.", code=1001, reason="not_today", field="day")

    @handles("kick_me")
    def kick_me(self, user: User) -> None:
        self.room.kick(user, "as you wish")

    @handles("close")
    def close(self, user: User) -> None:
        self.room.close()

    @handles("lock")
    def lock(self, user: User) -> None:
        self.room.update(locked=True, properties={"phase": "over"})


class Table(Hall):
    """A hall for two."""

    max_users = 2
    spectators = True
    client_options = ("password", "hidden")


class Game(ApplicationExtension):
    """Lets clients make tables; moves and bans them if they ask for it."""

    async def init(self) -> None:
        await self.application.rooms.create("hall", kind="hall")

    def may_create(self, user: User, kind: str) -> bool:
        return kind == "table"

    @handles("seat_me")
    def seat_me(self, user: User) -> None:
        user.move_to("hall")

    @handles("tell_all", Text)
    def tell_all(self, user: User, said: Text) -> None:
        self.application.broadcast("told", {"text": said.text})

    @handles("ban_me")
    def ban_me(self, user: User) -> None:
        raise Disconnect(4503, "banned")


async def main() -> None:
    """Serve until standard input ends."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    server = Server()
    for name in ("game", "chat"):
        server.add_application(name, Game, rooms={"hall": Hall, "table": Table})
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    sys.stdout.write(f"{await server.start('127.0.0.1', port)}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    await server.stop()


asyncio.run(main())
