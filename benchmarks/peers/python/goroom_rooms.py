"""
goroom with everything on: a declared payload with a validator, turns, numbered events, history.

usage: goroom_rooms.py ROOMS MEMBERS [--uvloop] [--timers PER_SECOND] [--flush SECONDS]
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys

import attrs
import structlog
from attrs.validators import max_len
from serving import serve, versions

import goroom
from goroom import collector
from goroom.cli import version


@attrs.frozen
class Say:
    """What a client says."""

    text: str = attrs.field(validator=max_len(60_000))


class Room(goroom.RoomExtension):
    """Everybody hears what one says."""

    ticks_per_second: float = 0

    def init(self) -> None:
        """Begin to tick, where that is measured."""
        if self.ticks_per_second:
            self.every(1 / self.ticks_per_second, self.tick)

    def tick(self) -> None:
        """Do what a game that stands still does."""

    @goroom.handles("say", Say)
    def say(self, user: goroom.User, say: Say) -> None:
        """Pass it on."""
        self.room.broadcast("said", {"text": say.text}, sender=user)

    @goroom.handles("fail")
    def fail(self, user: goroom.User) -> None:
        """Send something and fail: nobody may hear it."""
        self.room.broadcast("never", sender=user)
        raise goroom.Refused("this always fails")


def lobby(rooms: int) -> type[goroom.ApplicationExtension]:
    """Return an application with so many rooms, made at its start."""

    class Lobby(goroom.ApplicationExtension):
        """Rooms, and nothing else."""

        announce_rooms = False

        async def init(self) -> None:
            for number in range(rooms):
                await self.application.rooms.create(f"room-{number}", kind="room")

    return Lobby


def main() -> None:
    """Serve, and say what is on."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rooms", type=int)
    parser.add_argument("members", type=int)
    parser.add_argument("--uvloop", action="store_true")
    parser.add_argument("--timers", type=float, default=0.0)
    parser.add_argument("--flush", type=float, metavar="SECONDS")
    options = parser.parse_args()
    # Thousands come and go, and other programs hold the loop: log what is ours to mend.
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    Room.max_users = options.members
    Room.ticks_per_second = options.timers
    limits = goroom.Limits(rooms_per_application=max(10_000, options.rooms))
    server = goroom.Server(limits=limits)
    flush = options.flush or "turn"
    server.add_application("bench", lobby(options.rooms), rooms={"room": Room}, flush=flush)
    about: dict[str, object] = {"goroom": version(), "limits": attrs.asdict(limits)}
    about |= versions("aiohttp")
    loop = asyncio.new_event_loop
    if options.uvloop:
        import uvloop  # noqa: PLC0415 -- optional

        loop = uvloop.new_event_loop
        about |= versions("uvloop")
    with collector.tuned():  # as `goroom serve` and `Server.run` do
        serve(lambda: server.start("127.0.0.1", 0), about, loop)


if __name__ == "__main__":
    main()
