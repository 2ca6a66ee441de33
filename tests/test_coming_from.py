"""What the "Coming from" pages say runs: programs, frames of unchanged clients, JavaScript."""

from __future__ import annotations

import ast
import asyncio
import json
import pkgutil
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from goroom import Server
from goroom.testing import SocketStage, Stage
from tests.documentation import DOCS, ROOT, Block, blocks, loaded, written
from tests.websocket import WebSocket

FOLDER = DOCS / "coming-from"
PAGES = sorted(path for path in FOLDER.glob("*.md") if path.stem != "index")
RANDOM = {"sender", "SenderID", "ClientID"}
"""Keys whose values the server makes up: those of the page stand for others, each for one."""

Run = Callable[..., Awaitable[SocketStage]]


def of(page: Path, language: str) -> list[Block]:
    """Return the blocks of *page* in *language*."""
    return [block for block in blocks(page) if block.language == language]


def server_of(page: Path, folder: Path) -> Server:
    """Return the server of the program on *page*, which is written into *folder*."""
    (program,) = [block for block in of(page, "python") if block.caption == "hello.py"]
    written(folder, program)
    server: Server = loaded(folder / "hello.py").server
    return server


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[WebSocket]:
    """Open *url*, and close it, whatever comes of it."""
    socket = await WebSocket.connect(url)
    try:
        yield socket
        await socket.close()
    finally:
        socket.abort()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
async def test_the_program_of_a_page_is_a_server(page: Path, tmp_path: Path) -> None:
    async with Stage(server_of(page, tmp_path)) as stage:
        (name,) = stage.server.applications
        ada = await stage.player("ada")

        assert "ada" in stage.server.applications[name].users
        assert ada.closed is None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_else_is_python_on_a_page_runs_behind_its_program(page: Path, tmp_path: Path) -> None:
    server_of(page, tmp_path)
    names = dict(vars(loaded(tmp_path / "hello.py")))
    for block in of(page, "python"):
        if not block.caption:
            exec(compile(ast.parse(block.text), str(page), "exec"), names)  # noqa: S102 -- our page's


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_names_what_the_other_has_and_goroom_has_not(page: Path) -> None:
    text = page.read_text("utf-8")

    assert re.search(r"^## Words$", text, re.MULTILINE)
    assert re.search(r"^## Hello, world$", text, re.MULTILINE)
    assert re.search(r"^## What .+ has and goroom has not$", text, re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_names_of_ours_is_there(page: Path) -> None:
    named = re.findall(
        r"`((?:goroom|goroom_extensions)(?:\.[A-Za-z]\w*)+)", page.read_text("utf-8")
    )

    for name in named:
        pkgutil.resolve_name(name)


# The frames of the seed systems' own clients.

FRAMED = [page for page in PAGES if any(" at /" in block.caption for block in of(page, "text"))]


class Frames:
    """One client's lines of a page, played against *socket*."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._received: list[str] = []
        self._real: dict[str, str] = {}

    async def play(self, text: str) -> None:
        """Send what the page sends, and compare what comes with what it shows."""
        for sign, frame in re.findall(r"(?m)^([<>]) ((?:.|\n )*)$", text):
            if sign == ">":
                self._socket.send_text(frame)
            else:
                expected = json.loads(re.sub(r", \.\.\.\}", ', "...": 0}', frame))
                self._compare(expected, json.loads(await self._next()))

    async def _next(self) -> str:
        if not self._received:
            message = await self._socket.receive()
            assert isinstance(message, str), message
            self._received = message.split("\n")
        return self._received.pop(0)

    def _compare(self, expected: Any, real: Any, key: str = "") -> None:
        if isinstance(expected, dict):
            assert isinstance(real, dict)
            is_whole = expected.pop("...", None) is None
            assert expected.keys() == real.keys() if is_whole else expected.keys() <= real.keys()
            for name, value in expected.items():
                self._compare(value, real[name], name)
        elif key in RANDOM:
            assert real == self._real.setdefault(expected, real)
        else:
            assert expected == real


@pytest.mark.parametrize("page", FRAMED, ids=lambda page: page.stem)
async def test_the_frames_of_a_page_are_those_of_its_program(
    page: Path, tmp_path: Path, goroom_server: Run
) -> None:
    running = await goroom_server(server_of(page, tmp_path))
    shown = [block for block in of(page, "text") if block.caption]

    for block in shown:
        _name, _, path = block.caption.partition(", at ")
        async with connected(running.url + path) as socket:
            await Frames(socket).play(block.text)

    assert shown


def test_the_pages_with_clients_that_connect_unchanged_have_frames() -> None:
    unchanged = {"go-message-broadcaster", "goroomserver", "simplysocket"}

    assert unchanged == {page.stem for page in FRAMED}


# The clients in JavaScript of the other pages.

SCRIPTED = {"colyseus": "Welcome, ada!\nada: hello\n", "smartfoxserver": "5\n",
            "socketio": "ada: hello\n"}  # fmt: skip
"""What the program of a page prints."""


@pytest.mark.requires("node")
@pytest.mark.parametrize("name", SCRIPTED)
async def test_the_javascript_of_a_page_prints_what_it_should(
    name: str, tmp_path: Path, goroom_server: Run
) -> None:
    page = FOLDER / f"{name}.md"
    running = await goroom_server(server_of(page, tmp_path))
    (script,) = of(page, "js")
    client = (ROOT / "goroom/static/goroom.js").as_uri()
    program = script.text.replace("'/goroom.js'", f"'{client}'")
    program = re.sub(r"ws://localhost:\d+", running.url.replace("http", "ws"), program)
    program = (
        f"import WebSocket from 'ws'\nglobalThis.WebSocket = WebSocket\n{program}\napp.close()"
    )

    # Not subprocess.run: the server is on this loop.
    process = await asyncio.create_subprocess_exec(
        "node",
        "--input-type=module",
        f"--eval={program}",
        cwd=ROOT / "tests/js",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, complaints = await process.communicate()

    assert SCRIPTED[name] == printed.decode(), complaints.decode()


# Clients of goroom's own in the same rooms, as the pages say.


async def test_a_client_of_gorooms_own_hears_one_of_simplysocket(
    tmp_path: Path, goroom_server: Run
) -> None:
    running = await goroom_server(server_of(FOLDER / "simplysocket.md", tmp_path))
    bob = await running.player("bob")
    async with connected(f"{running.url}/ws?name=Ann") as ann:
        ann.send_text(
            '{"action":"join-room","message_body":{"roomname":"den"},"target":"mesh-global"}'
        )
        await ann.receive()  # that she is in
        await bob.join("den")

        ann.send_text('{"action":"send-message","message_body":{"message":"hi"},"target":"den"}')

        assert {"message": "hi"} == await bob.expect("send-message")


async def test_a_client_of_go_message_broadcaster_hears_one_of_gorooms_own(
    tmp_path: Path, goroom_server: Run
) -> None:
    running = await goroom_server(server_of(FOLDER / "go-message-broadcaster.md", tmp_path))
    bob = await running.player("bob", application="echo")
    async with connected(f"{running.url}/") as ann:
        await ann.receive()  # that she is there herself
        await bob.join("broadcaster")
        await ann.receive()  # that bob is there

        bob.send("1", {"Body": "aGk="})

        heard = json.loads(str(await ann.receive()))
        assert ("bob", 1, "aGk=") == (heard["SenderID"], heard["HandlerID"], heard["Body"])
