"""
A tower: everything goroom hosts on one port, and a hall where five kinds of clients talk.

    python examples/tower.py [--host 127.0.0.1] [--port 8080] [--database URL] [--keys FOLDER]

In the hall, clients of goroom (JSON or msgpack), goroomserver, simplysocket, gomeshstream and
go-message-broadcaster hear each other, in one order. The page, in tower/, says what to try.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

import attrs
import broadcaster
import structlog
import wordsbattle
from aiohttp import web
from goroom_extensions import mirror
from goroom_extensions.broadcaster import Broadcaster, BroadcasterDialect, TextBroadcasterDialect
from goroom_extensions.chat import cleaned
from goroom_extensions.mesh import (
    MESH_LIMITS,
    BatchedMeshDialect,
    MeshApplication,
    MeshDialect,
    MeshRoom,
)
from words.application import KINDS, WordsBattle
from words.dictionary import english
from words.house import House

from goroom import BadRequest, RoomExtension, Server, User, handles, setup

PAGE = Path(__file__).with_name("tower")
DATA = Path("tower-data")
"""Where what has to last is, unless the command line says otherwise."""
HALL = "hall"
TEXT_CHARACTERS = 500
ROBOTS = 8


@attrs.frozen
class Say:
    """What somebody says."""

    text: str


class Hall(RoomExtension):
    """Where everybody hears everybody, whatever their dialect."""

    max_users = 1000

    @handles("say", Say)
    def say(self, user: User, message: Say) -> None:
        """
        Tell everybody, the speaker too.

        Raises:
            BadRequest: There is nothing to say, or too much.
        """
        text = cleaned(message.text)
        if not 0 < len(text) <= TEXT_CHARACTERS:
            raise BadRequest(f"Say 1 to {TEXT_CHARACTERS} characters.", field="text")
        self.room.broadcast("say", Say(text), sender=user)


class Talk(TextBroadcasterDialect):
    """A broadcaster client's handler 1 is what the others call ``say``; its body is the text."""

    room = HALL
    actions: ClassVar = {1: "say"}


class Tower(MeshApplication, Broadcaster):
    """
    Clients of the mesh and of the broadcaster are in the hall as soon as they connect.

    Those of goroom log in and join, as anywhere.
    """

    global_kind, room_kind = "lounge", HALL
    opens: ClassVar = {HALL: HALL}

    async def init(self) -> None:
        """Open the hall, and the room that every client of a mesh is in."""
        await MeshApplication.init(self)
        await Broadcaster.init(self)

    def on_login(self, user: User, credentials: dict[str, object]) -> None:  # noqa: ARG002 -- a hook
        """Send who came by a mesh's dialect on to the hall: it cannot ask for a room itself."""
        connection = self.turn.connection
        if connection is not None and isinstance(connection.dialect, MeshDialect):
            user.move_to(HALL)


PLACES = {
    "/": "a page that says what to try; goroom's endpoint: JSON, goroom.json, goroom.msgpack",
    "/tower/mesh": "the hall, for clients of simplysocket and gomeshstream",
    "/tower/broadcaster": "the hall, for clients of go-message-broadcaster",
    "/wsmesh": "the words game, for its clients; its page is at /words/",
    "/broadcaster": "go-message-broadcaster as its README has it",
    "/mirror/": "the mirror: accounts, direct messages, channels; its socket is at /mirror/ws",
}
"""What is where."""


def make_server() -> Server:
    """Return the server with all applications but the mirror's."""
    english()  # read now, not when the first game is made
    server = Server()
    server.add_application("tower", Tower, rooms={"lounge": MeshRoom, HALL: Hall})
    server.add_endpoint("/tower/mesh", "tower", BatchedMeshDialect, MESH_LIMITS)
    server.add_endpoint("/tower/broadcaster", "tower", Talk)
    server.add_application("words", WordsBattle, rooms={"lobby": MeshRoom, **KINDS})
    for path in ("/wsmesh", "/words/wsmesh"):
        server.add_endpoint(path, "words", MeshDialect, MESH_LIMITS)
    server.add_application("echo", Broadcaster, rooms={"broadcaster": broadcaster.Echo})
    server.add_endpoint("/broadcaster", "echo", BroadcasterDialect)
    return server


async def show_words(_: web.Request) -> web.FileResponse:
    """Show the page of the words game."""
    return web.FileResponse(wordsbattle.PAGE / "index.html")


async def keep_house(house: House, _: web.Application) -> AsyncIterator[None]:
    """Have robots play with who is alone at the page of the words game."""
    robots = asyncio.create_task(house.run())
    yield
    robots.cancel()
    await asyncio.wait({robots})


def make_site(database: str, keys: Path) -> web.Application:
    """Return the site with everything on it."""
    site, server = web.Application(), make_server()
    mirror.setup(site, server, database=database, keys=keys, path="/mirror/")
    setup(site, server, path="/", index=PAGE / "index.html")
    site.router.add_static("/page/", PAGE)
    site.router.add_get("/words/", show_words)
    site.router.add_static("/words/", wordsbattle.PAGE)
    site.cleanup_ctx.append(partial(keep_house, House(server, ROBOTS)))
    site.on_response_prepare.append(wordsbattle.add_headers)
    return site


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the tower as the command line says, and return the exit code."""
    parser = argparse.ArgumentParser(description="Everything that goroom hosts, on one port.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8080, help="port to listen on; 0 for any")
    parser.add_argument(
        "--database",
        help="the mirror's: sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME; "
        "by default a file in tower-data/, which is made",
    )
    parser.add_argument("--keys", type=Path, help="folder of the keys that sign its log-ins")
    options = parser.parse_args(arguments)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    database = options.database or f"sqlite:///{make_data_folder() / 'mirror.sqlite'}"
    keys = options.keys or make_data_folder() / "keys"
    for place, what in PLACES.items():
        print(f"{place:20} {what}")
    web.run_app(make_site(database, keys), host=options.host, port=options.port, access_log=None)
    return 0


def make_data_folder() -> Path:
    """Return the folder for what has to last, which no repository takes in."""
    DATA.mkdir(mode=0o700, exist_ok=True)
    (DATA / ".gitignore").write_text("*\n")
    return DATA


if __name__ == "__main__":
    raise SystemExit(main())
