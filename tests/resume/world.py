"""
A server for the hostile network: rooms that number all that they send, and keep the truth of it.

A program of its own. It prints its port and ends with its standard input. Application ``world`` has
goroom's own bounds, ``short`` keeps so few events that a client often comes back too late for them.
With ``--forgetful`` no reply is remembered, so that a command sent again runs again.
"""

from __future__ import annotations

import asyncio
import sys

import attrs
import structlog

from goroom import ApplicationExtension, LeaveReason, Limits, RoomExtension, Server, User, handles
from goroom.tickets import Ticket

UMPIRE = "umpire"
"""Begins the names of who runs the rounds: private events are for the others."""

SHORT_EVENTS = 4


@attrs.frozen
class Number:
    number: int


@attrs.frozen
class Kinds:
    kinds: list[str]


@attrs.frozen
class Whisper:
    to: str


@attrs.define
class Sent:
    """One event: its number in the room, its kind and who was to have it."""

    n: int
    kind: str
    to: set[str]


class Field(RoomExtension):
    """A room that says what it is told to say, with a number on everything."""

    spectators = True

    def init(self) -> None:
        self.sent: list[Sent] = []
        self.runs: list[tuple[str, int]] = []
        self.hooks: list[tuple[str, str]] = []
        self.sum = 0

    def on_join(self, user: User) -> None:
        self.hooks.append(("join", user.name))
        self._say_to("hello", user)

    def on_leave(self, user: User, reason: LeaveReason) -> None:
        self.hooks.append(("leave", user.name))

    def on_drop(self, user: User) -> None:
        self.hooks.append(("drop", user.name))

    def on_resume(self, user: User) -> None:
        self.hooks.append(("resume", user.name))
        self._say_to("own", user)

    @handles("add", Number)
    def add(self, user: User, message: Number) -> dict[str, int]:
        self.runs.append((user.name, message.number))
        self.sum += message.number
        self._say("shared")
        return {"number": message.number, "sum": self.sum}

    @handles("stir", Kinds)
    def stir(self, _user: User, message: Kinds) -> None:
        for kind in message.kinds:
            if kind == "own":
                for user in self._players():
                    self._say_to(kind, user)
            else:
                self._say(kind)

    @handles("kick", Whisper)
    def kick(self, _user: User, message: Whisper) -> None:
        self.room.kick(message.to)

    @handles("close")
    def close(self, _user: User) -> None:
        self.room.close()

    @handles("truth")
    def truth(self, _user: User) -> dict[str, object]:
        """What was sent, done and called, in order."""
        return {
            "sent": [[sent.n, sent.kind, sorted(sent.to)] for sent in self.sent],
            "runs": self.runs,
            "hooks": self.hooks,
        }

    def _players(self) -> list[User]:
        return [user for user in self.room.members.values() if not user.name.startswith(UMPIRE)]

    def _say(self, kind: str) -> None:
        to = list(self.room.members.values())
        if kind == "only":
            to = self._players()
        self.sent.append(sent := Sent(len(self.sent), kind, {user.name for user in to}))
        self.room.broadcast(
            kind,
            {"n": sent.n},
            only=to if kind == "only" else None,
            volatile=kind == "volatile",
        )

    def _say_to(self, kind: str, user: User) -> None:
        self.sent.append(sent := Sent(len(self.sent), kind, {user.name}))
        user.send(kind, {"n": sent.n})


class Whisperer(ApplicationExtension):
    """Lets everybody make rooms, and numbers what it tells each user outside them."""

    announce_rooms = False

    def init(self) -> None:
        self.whispers: dict[str, int] = {}

    def may_create(self, user: User, kind: str) -> bool:
        return True

    @handles("whisper", Whisper)
    def whisper(self, _user: User, message: Whisper) -> int:
        number = self.whispers[message.to] = self.whispers.get(message.to, 0) + 1
        self.application.users[message.to].send("whispered", {"n": number})
        return number


def make_server() -> Server:
    """Return a server with the applications ``world`` and ``short``."""
    limits = Limits(lane_waiting=10_000, login_seconds=60, handler_seconds=30, ping_seconds=None)
    server = Server(limits=limits)
    for name, events in (("world", limits.history_events), ("short", SHORT_EVENTS)):
        server.add_application(
            name,
            Whisperer,
            rooms={"field": Field},
            limits=attrs.evolve(limits, history_events=events),
        )
    return server


async def main() -> None:
    """Serve until standard input ends."""
    structlog.configure(
        processors=[structlog.dev.ConsoleRenderer(colors=False)],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(30),
    )
    if "--forgetful" in sys.argv:
        setattr(Ticket, "begin", lambda *_: None)  # noqa: B010 -- mypy lets no method be assigned
    server = make_server()
    sys.stdout.write(f"{await server.start('127.0.0.1', 0)}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    await server.stop()


if __name__ == "__main__":
    asyncio.run(main())
