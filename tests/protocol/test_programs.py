"""goroom as a program: `goroom serve`, goroomserver's file, `python -m aiohttp.web`, SIGTERM."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.rawclient import Client, Form
from tests.websocket import Closed, HandshakeRefused, WebSocket

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

WAIT_SECONDS = 20.0
GAME = """
from goroom import ApplicationExtension, LeaveReason, RoomExtension, Server, User


class Hall(RoomExtension):
    def on_leave(self, user: User, reason: LeaveReason) -> None:
        print("left", user.name, reason.value, flush=True)


class Desk(ApplicationExtension):
    async def init(self) -> None:
        await self.application.rooms.create("hall", kind="hall")

    def on_disconnect(self, user: User, reason: LeaveReason) -> None:
        print("ended", user.name, reason.value, flush=True)


def build() -> Server:
    server = Server()
    server.add_application("test", Desk, rooms={"hall": Hall})
    return server


server = build()

if __name__ == "__main__":
    import sys

    server.run(host="127.0.0.1", port=int(sys.argv[1]))
"""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def game(tmp_path: Path) -> Path:
    """Return a file with a server in it."""
    path = tmp_path / "game_of_the_test.py"
    path.write_text(GAME, "utf-8")
    return path


@asynccontextmanager
async def _running(
    *arguments: str, cwd: Path, port: int, path: str = "/"
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run Python with *arguments* until a WebSocket opens at *port*; kill it at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        cwd=cwd,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            while process.returncode is None:
                try:
                    opened = await WebSocket.connect(f"ws://127.0.0.1:{port}{path}")
                except ConnectionRefusedError:
                    await asyncio.sleep(0.05)  # it is not listening yet
                else:
                    await opened.close()
                    break
            else:
                output, _ = await process.communicate()
                raise AssertionError(f"ended with {process.returncode}: {output.decode()}")
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def _login(port: int, path: str = "/", name: str = "ann") -> Client:
    client = await Client.connect(f"ws://127.0.0.1:{port}{path}", Form.SHORT)
    assert 0 == (await client.login(name)).error_code
    assert 0 == (await client.join("hall")).error_code
    return client


async def _failure(*arguments: str, cwd: Path) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        cwd=cwd,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(WAIT_SECONDS):
        output, _ = await process.communicate()
    return process.returncode, output.decode()


@pytest.mark.parametrize(
    "target", ["game_of_the_test.py", "game_of_the_test:server", "game_of_the_test:build"]
)
async def test_serve_takes_a_file_a_module_and_a_callable(game: Path, target: str) -> None:
    port = _free_port()
    arguments = ("-m", "goroom", "serve", target, "--host", "127.0.0.1", "--port", str(port))
    async with _running(*arguments, cwd=game.parent, port=port):
        ann = await _login(port)
        ann.socket.abort()


async def test_serve_reads_the_file_of_goroomserver(game: Path) -> None:
    port = _free_port()
    config = game.with_name("server.json")
    config.write_text(json.dumps({"host": "127.0.0.1", "port": port, "requestPattern": "/play"}))
    arguments = ("-m", "goroom", "serve", game.name, "--config", config.name)
    async with _running(*arguments, cwd=game.parent, port=port, path="/play"):
        ann = await _login(port, "/play")
        ann.socket.abort()
        with pytest.raises(HandshakeRefused) as refusal:
            await WebSocket.connect(f"ws://127.0.0.1:{port}/")

    assert 404 == refusal.value.status


@pytest.mark.parametrize(
    "flags",
    [
        ["-addr", "127.0.0.1:{port}"],
        ["--addr", "127.0.0.1:{port}"],
        ["--host", "127.0.0.1", "--port", "{port}"],
    ],
    ids=lambda flags: flags[0],
)
async def test_flags_go_over_the_file(game: Path, flags: list[str]) -> None:
    port = _free_port()
    config = game.with_name("server.json")
    config.write_text('{"host": "192.0.2.1", "port": 1, "requestPattern": "/"}')
    filled = [flag.format(port=port) for flag in flags]
    arguments = ("-m", "goroom", "serve", game.name, "--config", config.name, *filled)
    async with _running(*arguments, cwd=game.parent, port=port):
        ann = await _login(port)
        ann.socket.abort()


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (None, "server.json"),
        ("{", "server.json"),
        ('{"port": "8080"}', "port"),
        ('{"port": 70000}', "port"),
        ('{"requestPattern": "play"}', "requestPattern"),
        ("[]", "server.json"),
    ],
)
async def test_a_bad_file_is_named_and_nothing_served(
    game: Path, content: str | None, named: str
) -> None:
    config = game.with_name("server.json")
    if content is not None:
        config.write_text(content)
    code, output = await _failure(
        "-m", "goroom", "serve", game.name, "--config", config.name, cwd=game.parent
    )

    assert code not in {0, None}
    assert named in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    "target",
    ["no_such_file.py", "no_such_module:server", "game_of_the_test:nothing", "json:decoder"],
)
async def test_a_bad_target_is_named_and_nothing_served(game: Path, target: str) -> None:
    code, output = await _failure("-m", "goroom", "serve", target, cwd=game.parent)

    assert code not in {0, None}
    assert target.partition(":")[0].removesuffix(".py") in output
    assert "Traceback" not in output


async def test_aiohttps_own_program_serves_the_init_func(game: Path) -> None:
    port = _free_port()
    arguments = ("-m", "aiohttp.web", "-H", "127.0.0.1", "-P", str(port))
    target = ("goroom:init_func", "game_of_the_test:server")
    async with _running(*arguments, *target, cwd=game.parent, port=port):
        ann = await _login(port)
        ann.socket.abort()


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
@pytest.mark.parametrize("how", ["run", "serve"])
async def test_a_signal_ends_every_user_closes_with_1001_and_exits_with_0(
    game: Path, how: str, stop: signal.Signals
) -> None:
    port = _free_port()
    arguments: tuple[str, ...] = (game.name, str(port))
    if how == "serve":
        arguments = ("-m", "goroom", "serve", game.name, "--host", "127.0.0.1", "--port", str(port))
    async with _running(*arguments, cwd=game.parent, port=port) as process:
        clients = [await _login(port, name=name) for name in ("ann", "bob")]
        process.send_signal(stop)
        codes = [await _close_code(client) for client in clients]
        async with asyncio.timeout(WAIT_SECONDS):
            output, _ = await process.communicate()

    lines: list[Any] = output.decode().splitlines()
    assert [1001, 1001] == codes
    assert 0 == process.returncode
    for name in ("ann", "bob"):
        assert 1 == lines.count(f"ended {name} shutdown")
        assert 1 == lines.count(f"left {name} shutdown")
        assert lines.index(f"ended {name} shutdown") < lines.index(f"left {name} shutdown")


async def _close_code(client: Client) -> int | None:
    while not isinstance(message := await client.socket.receive(), Closed):
        pass
    return message.code
