"""The demo: its three applications, its page, its command line."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import lobby
import pytest

from goroom import RequestRefused, Server, targets
from goroom.client import connect
from goroom.testing import Stage

PROGRAM = Path(lobby.__file__)
WAIT_SECONDS = 20.0


@asynccontextmanager
async def running(*arguments: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """Run the demo on a free port; yield its process and its URL."""
    command = [sys.executable, str(PROGRAM), "--port", "0", *arguments]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            assert process.stdout is not None
            first = (await process.stdout.readline()).decode()
        url = re.search(r"http://\S+", first)
        assert url is not None, first
        yield process, url[0]
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_it_ends_after_its_seconds_with_a_summary() -> None:
    async with running("--bots", "4", "--seconds", "2") as (process, _), asyncio.timeout(20):
        rest, _ = await process.communicate()

    assert 0 == process.returncode
    summary = r"Bots: \d+ games played, (\d+) moves, (\d+) messages, 0 refusals\n"
    told = re.fullmatch(summary, rest.decode())
    assert told is not None, rest
    assert int(told[1]) > 0
    assert int(told[2]) > int(told[1])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_it_ends_in_order_when_it_is_told_to(number: signal.Signals) -> None:
    async with running("--bots", "1") as (process, _), asyncio.timeout(20):
        process.send_signal(number)
        rest, _ = await process.communicate()

    assert (0, True) == (process.returncode, rest.startswith(b"Bots: "))


async def test_it_serves_the_page_and_the_games_at_one_address() -> None:
    async with running("--bots", "0") as (_, url), aiohttp.ClientSession() as session:
        for path, kind in (("", "html"), ("goroom.js", "javascript"), ("main.js", "javascript")):
            async with session.get(url + path) as answer:
                assert 200 == answer.status
                assert kind == answer.content_type.rpartition("/")[2]
        async with connect(url, app="tictactoe", name="ada") as app:
            room = await app.join_or_create("table")

    assert "table-1" == room.name


@pytest.fixture
async def demo(stage: Callable[[Server], Awaitable[Stage]]) -> Stage:
    """The demo's server on a stage."""
    return await stage(lobby.server())


async def test_there_are_three_applications(demo: Stage) -> None:
    assert ["tictactoe", "connectfour", "chat"] == [*demo.server.applications]


async def test_the_chat_has_a_hall_for_everybody(demo: Stage) -> None:
    ada, bob = await demo.player("ada", app="chat"), await demo.player("bob", app="chat")
    for player in (ada, bob):
        assert 200 == (await player.join("lobby"))["capacity"]
    await ada.request("say", {"text": "hello"})
    assert {"text": "hello"} == await bob.expect("said")

    for player in (ada, bob):
        await player.leave()

    assert ["lobby"] == [room["roomName"] for room in await ada.rooms()]


@pytest.mark.parametrize(
    ("app", "kind"), [("tictactoe", "table"), ("connectfour", "table"), ("chat", "hall")]
)
async def test_guests_open_rooms_with_a_password_or_out_of_the_list(
    demo: Stage, app: str, kind: str
) -> None:
    ada, bob = await demo.player("ada", app=app), await demo.player("bob", app=app)
    await ada.join("mine", kind=kind, create=True, password="key", hidden=True)

    assert "mine" not in [room["roomName"] for room in await bob.rooms()]
    with pytest.raises(RequestRefused) as caught:
        await bob.join("mine")
    assert "wrong_password" == caught.value.reason
    assert 2 == (await bob.join("mine", password="key"))["count"]


@pytest.mark.parametrize("app", ["tictactoe", "connectfour", "chat"])
async def test_a_guest_opens_five_rooms_at_most(demo: Stage, app: str) -> None:
    ada = await demo.player("ada", app=app)
    kind = "hall" if app == "chat" else "table"
    for number in range(5):
        await ada.join(f"room {number}", kind=kind, create=True)

    with pytest.raises(RequestRefused) as caught:
        await ada.join("one more", kind=kind, create=True)
    assert "quota" == caught.value.reason


def test_goroom_serve_finds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setitem(sys.modules, "lobby", lobby)

    assert "chat" in targets.load(str(PROGRAM)).applications
