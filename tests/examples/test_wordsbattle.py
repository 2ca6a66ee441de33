"""The words game as a program, and with a client that is not ours."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import wordsbattle

from goroom import targets
from tests.examples.words.clients import hall
from tests.examples.words.own_client import OwnClient

PROGRAM = Path(wordsbattle.__file__)
WAIT_SECONDS = 20.0


@asynccontextmanager
async def running(*arguments: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """Run the program on a free port; yield its process and its URL."""
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
        await process.communicate()


async def next_frame(socket: aiohttp.ClientWebSocketResponse) -> dict[str, Any]:
    """Return the next frame."""
    async with asyncio.timeout(WAIT_SECONDS):
        text = await socket.receive_str()
    frame: dict[str, Any] = json.loads(text)
    return frame


JOIN = (
    '{"action":"join-room","message_body":{"roomname":"den","playerlimit":3},'
    '"target":"mesh-global"}'
)


async def test_page_game_and_accounts_are_at_one_address() -> None:
    async with running() as (_, url), aiohttp.ClientSession() as session:
        for path, kind in (("", "html"), ("main.js", "javascript"), ("style.css", "css")):
            async with session.get(url + path) as answer:
                assert 200 == answer.status
                assert kind == answer.content_type.rpartition("/")[2]
                assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
                assert "nosniff" == answer.headers["X-Content-Type-Options"]
        async with session.get(url + "api/v1/home") as answer:
            assert 200 == answer.status
        for path in ("room.py", "words.txt", "../wordsbattle.py", "%2e%2e/words.txt"):
            async with session.get(url + path) as answer:
                assert 404 == answer.status
        async with session.ws_connect(url + "wsmesh") as socket:
            await socket.send_str(JOIN)

            assert "join-room-notify" == (await next_frame(socket))["action"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_it_ends_in_order_when_it_is_told_to(number: signal.Signals) -> None:
    async with running() as (process, url), aiohttp.ClientSession() as session:
        async with session.ws_connect(url + "wsmesh") as socket:
            await socket.send_str(JOIN)
            await next_frame(socket)
            process.send_signal(number)
            async with asyncio.timeout(WAIT_SECONDS):
                while (await socket.receive()).type is aiohttp.WSMsgType.TEXT:
                    pass
            assert 1001 == socket.close_code
        async with asyncio.timeout(WAIT_SECONDS):
            await process.communicate()

        assert 0 == process.returncode


async def upgraded(session: aiohttp.ClientSession, url: str, origin: str) -> bool:
    """Tell whether a page of *origin* may open a socket."""
    try:
        async with session.ws_connect(url + "wsmesh", origin=origin):
            return True
    except aiohttp.WSServerHandshakeError as error:
        return error.status != HTTPStatus.FORBIDDEN


async def test_pages_of_this_host_and_of_the_games_own_client_may_connect() -> None:
    async with running() as (_, url), aiohttp.ClientSession() as session:
        own = url.rstrip("/")

        assert await upgraded(session, url, own)
        assert await upgraded(session, url, "http://localhost:8081")
        assert await upgraded(session, url, "http://localhost:3030")
        assert not await upgraded(session, url, "http://localhost:9999")
        assert not await upgraded(session, url, "https://evil.example")
        assert not await upgraded(session, url, "null")


async def test_an_operator_names_the_pages_that_may_connect() -> None:
    wanted = ("--origin", "https://play.example", "--origin", "https://game.example")
    async with running(*wanted) as (_, url), aiohttp.ClientSession() as session:
        assert await upgraded(session, url, "https://play.example")
        assert await upgraded(session, url, "https://game.example")
        assert await upgraded(session, url, url.rstrip("/"))
        assert not await upgraded(session, url, "http://localhost:8081")


async def test_accounts_stay_in_the_folder_that_was_named(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    account = {"username": "Ann", "email": "ann@example.com", "password": "correct horse"}
    async with (
        running("--data", str(folder)) as (process, url),
        aiohttp.ClientSession() as session,
        session.post(url + "api/v1/register", json=account) as answer,
    ):
        assert 201 == answer.status
        process.terminate()
        await process.wait()

    assert (folder / "accounts.sqlite").exists()


def test_goroom_serve_finds_the_server() -> None:
    assert ["words"] == list(targets.load(f"{PROGRAM}").applications)


async def test_the_games_own_client_plays_a_whole_game_with_friends() -> None:
    async with hall() as game:
        ann, bob = [OwnClient(await game.client(), name) for name in ("Anna", "Bobby")]
        for player in (ann, bob):
            player.join("fRiEnDs123")
            await player.look()
        await ann.look()
        assert (True, False) == (ann.is_maker, bob.is_maker)
        assert ["Anna", "Bobby"] == sorted(user["name"] for user in ann.users)

        wish = {"game_duration": "30", "player_limit": "3"}
        ann.send(action="room-settings", message_body=wish, target=ann.room)
        ann.send(action="start-the-game", message_body={"message": ann.room}, target=ann.room)
        await game.stage.settle()
        await game.stage.advance(2)
        await ann.look()
        await bob.look()
        assert ann.is_playing
        bob.write("good luck")
        await game.stage.advance(10)
        for word in ("water", "rabbit", "tiger"):
            await ann.look()
            await bob.look()
            (mover,) = (player for player in (ann, bob) if player.may_write)
            mover.write(word)
            await game.stage.advance(1)
        await ann.look()
        await bob.look()
        assert "good luck" in ann.shown
        assert [1, 2] == sorted(user["score"] for user in bob.users)
        await game.stage.advance(20)
        for player in (ann, bob):
            await player.look()
            assert player.is_over
            assert [2, 1] == [user["score"] for user in player.stats]
            assert ["water", "rabbit", "tiger"] == player.words
            player.send(
                action="leave-room", message_body={"message": player.room}, target=player.room
            )
            player.send(action="leave-room", target=player.room)
            await player.client.line.close()


async def test_the_games_own_client_does_not_hang_where_frames_had_to_wait() -> None:
    async with hall() as game:
        ann, bob = [OwnClient(await game.client(), name) for name in ("Anna", "Bobby")]
        for player in (ann, bob):
            player.join("den")
            await player.look()
        await ann.look()
        ann.client.line.wire.stop_reading()
        ann.send(action="start-the-game", message_body={"message": "den"}, target="den")
        await game.stage.settle()
        for number in range(10):
            bob.send(action="send-message", message_body={"message": str(number)}, target="den")
            await game.stage.advance(2)
        ann.client.line.wire.read_again()
        await ann.look()

        assert {str(number) for number in range(10)} <= set(ann.shown)


async def test_the_games_own_client_plays_a_random_game() -> None:
    async with hall() as game:
        ann, bob = [OwnClient(await game.client(), name) for name in ("Anna", "Bobby")]
        for player in (ann, bob):
            player.join_random()
            await player.look()
        await ann.look()
        await bob.look()
        assert (ann.room, True, True) == (bob.room, ann.is_playing, bob.is_playing)
        await game.stage.advance(61)
        await ann.look()

        assert ann.is_over
        assert [] == ann.words


async def test_the_games_own_client_is_thrown_out_where_it_comes_too_late() -> None:
    async with hall() as game:
        friends = await game.friends("Anna", "Bobby")
        friends[0].say("start-the-game", message="den")
        await game.stage.settle()
        carl = OwnClient(await game.client(), "Carl")
        carl.join("den")
        await carl.look()
        await game.stage.advance(61)
        await carl.look()

        assert (True, [], False) == (carl.is_thrown_out, carl.users, carl.is_playing)
        assert ["The game in the room has already started"] == carl.shown
