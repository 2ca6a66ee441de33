"""The broadcaster: the transcript of the seed's README, played by the real wscat."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import broadcaster
import pytest

from goroom import targets
from tests.requirements import NODE_FOLDER
from tests.websocket import WebSocket

PROGRAM = Path(broadcaster.__file__)
WSCAT = NODE_FOLDER / "node_modules" / ".bin" / "wscat"
WAIT_SECONDS = 20.0
ID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
HELLO = '{"HandlerID": 1, "Body":"SGVsbG8sIHdvcmxkIQ=="}'


@asynccontextmanager
async def running(*arguments: str) -> AsyncIterator[int]:
    """Run the example on a free port and yield that."""
    command = [sys.executable, str(PROGRAM), "--port", "0", *arguments]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            url = None
            while url is None:
                url = re.search(rb"http://[^/]+:(\d+)/", await process.stdout.readline())
        yield int(url[1])
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(WAIT_SECONDS):
            await process.communicate()
        assert 0 == process.returncode
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


class Terminal:
    """A terminal in which wscat runs: what it shows, and what is typed into it."""

    def __init__(self, fd: int, reader: asyncio.StreamReader) -> None:
        self._fd = fd
        self._reader = reader
        self._shown = ""

    async def see(self, pattern: str) -> str:
        """Wait for *pattern* after what was seen before; return what matches."""
        async with asyncio.timeout(WAIT_SECONDS):
            while (found := re.search(pattern, self._shown)) is None:
                shown = (await self._reader.read(4096)).decode()
                assert shown, f"wscat has ended: {self._shown}"
                self._shown += re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", shown)
        self._shown = self._shown[found.end() :]
        return found[0]

    async def receive(self) -> dict[str, Any]:
        """Wait for the next frame that wscat shows."""
        frame: dict[str, Any] = json.loads((await self.see(r"< \{.*\}")).removeprefix("< "))
        return frame

    def type(self, text: str) -> None:
        """Type *text* and press Enter."""
        os.write(self._fd, text.encode() + b"\r")


@asynccontextmanager
async def wscat(*arguments: str) -> AsyncIterator[Terminal]:
    """Run wscat in a terminal of its own: without one it shows nothing. Ctrl+C ends it."""
    fd, its_fd = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        str(WSCAT), *arguments, stdin=its_fd, stdout=its_fd, stderr=its_fd
    )
    os.close(its_fd)
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(os.dup(fd), "rb", buffering=0)
    )
    try:
        yield Terminal(fd, reader)
        os.write(fd, b"\x03")
        async with asyncio.timeout(WAIT_SECONDS):
            await process.wait()
    finally:
        transport.close()
        os.close(fd)
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.requires("node")
async def test_the_transcript_of_the_seeds_readme() -> None:
    async with running() as port, AsyncExitStack() as terminals:
        # wscat -c ws://localhost:9218/ -o localhost:9218: an Origin without a scheme
        options = ("-c", f"ws://localhost:{port}/", "-o", f"localhost:{port}")
        ann = await terminals.enter_async_context(wscat(*options))
        await ann.see(r"Connected \(press CTRL\+C to quit\)")
        added = await ann.receive()
        assert re.fullmatch(ID, added["ClientID"])
        assert {"EventType": 1, "ClientID": added["ClientID"]} == added

        async with wscat(*options) as bob:
            bobs = await bob.receive()
            assert bobs == await ann.receive()
            ann.type(HELLO)
            shown = await ann.see(r"< \{.*\}")
            bob.type(HELLO)
            from_ann, from_bob = await bob.receive(), await bob.receive()
            assert from_bob == await ann.receive()
        assert {"EventType": 2, "ClientID": bobs["ClientID"]} == await ann.receive()

    expected = (
        f'< {{"SenderID":"{added["ClientID"]}","HandlerID":1,"CastType":1,"CastFor":null,'
        '"Body":"SGVsbG8sIHdvcmxkIQ=="}'
    )
    assert expected == shown
    assert {**from_ann, "SenderID": bobs["ClientID"]} == from_bob


@pytest.mark.requires("node")
async def test_wscat_that_says_one_thing_hears_it() -> None:
    async with running() as port:
        options = ("-c", f"ws://localhost:{port}/", "-o", f"localhost:{port}")
        async with wscat(*options, "-x", HELLO, "-w", "1") as terminal:
            await terminal.see('"EventType":1')
            await terminal.see('"HandlerID":1')


@pytest.mark.parametrize("path", ["/", "/ws"])
async def test_the_newer_form_at_a_path_of_ones_choice(path: str) -> None:
    async with running("--newer", "-e", path) as port:
        ann = await WebSocket.connect(f"ws://localhost:{port}{path}")
        added = json.loads(str(await ann.receive()))
        ann.send_text(HELLO)
        echoed = json.loads(str(await ann.receive()))
        await ann.close()

    event = {"EventType": 1, "HandlerID": 0, "Body": "T25BZGRDbGllbnQ="}
    assert event.items() <= added.items()
    echo = {"EventType": 0, "HandlerID": 1, "Body": "SGVsbG8sIHdvcmxkIQ=="}
    assert {**added, **echo} == echoed


async def test_those_who_stay_are_told_in_the_newer_form() -> None:
    async with running("--newer") as port:
        ann = await WebSocket.connect(f"ws://localhost:{port}/")
        bob = await WebSocket.connect(f"ws://localhost:{port}/")
        bobs = json.loads(str(await bob.receive()))
        await bob.close()
        frames = [json.loads(str(await ann.receive())) for _ in range(3)]
        await ann.close()

    assert {**bobs, "EventType": 2, "Body": "T25EZWxDbGllbnQ="} == frames[-1]


async def test_its_options_are_the_seeds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    runs: list[tuple[object, ...]] = []
    monkeypatch.setattr("goroom.Server.run", lambda _, *arguments: runs.append(arguments))

    assert 0 == broadcaster.main([])
    assert 0 == broadcaster.main(["-p", "1", "-e", "/ws"])
    assert 0 == broadcaster.main(["--port", "2", "--endpoint", "/ws", "--host", "0.0.0.0"])  # noqa: S104 -- not listened on
    assert [("localhost", 9218), ("localhost", 1), ("0.0.0.0", 2)] == runs  # noqa: S104 -- as above
    with pytest.raises(SystemExit):
        broadcaster.main(["-e", "ws"])
    assert "begins with a slash" in capsys.readouterr().err


def test_goroom_serve_finds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setitem(sys.modules, "broadcaster", broadcaster)

    assert ["echo"] == list(targets.load(str(PROGRAM)).applications)
