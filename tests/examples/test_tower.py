"""The tower: one room of many tongues, and everything else on the same port."""

from __future__ import annotations

import asyncio
import json
import random
import re
import signal
import subprocess
import sys
from html import unescape
from pathlib import Path
from subprocess import DEVNULL
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
import tower

from tests.rawclient import LEAVE_ROOM
from tests.requirements import NODE_FOLDER
from tests.tongues import (
    APPLICATION,
    ROOM,
    BroadcasterSpeaker,
    Came,
    GoroomSpeaker,
    MeshSpeaker,
    MsgpackSpeaker,
    Said,
    ShortGoroomSpeaker,
    Speaker,
    Went,
)
from tests.websocket import Closed, WebSocket

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.tongues import Heard

TONGUES: list[type[Speaker]] = [
    GoroomSpeaker,
    ShortGoroomSpeaker,
    MsgpackSpeaker,
    MeshSpeaker,
    BroadcasterSpeaker,
]
SAID = 40
"""How much each of them says."""
WAIT_SECONDS = 20.0
WSCAT = NODE_FOLDER / "node_modules" / ".bin" / "wscat"


@pytest.fixture
async def address(aiohttp_server: Callable[..., Awaitable[Any]], tmp_path: Path) -> str:
    """``host:port`` of a tower."""
    site = tower.make_site(f"sqlite:///{tmp_path / 'tower.sqlite'}", tmp_path / "keys")
    running = await aiohttp_server(site)
    return f"{running.host}:{running.port}"


async def _hear(speaker: Speaker, last: Heard) -> list[Heard]:
    """Return what *speaker* hears, up to *last*."""
    heard: list[Heard] = []
    while not heard or heard[-1] != last:
        event = await speaker.hear()
        assert not isinstance(event, Closed), event
        heard.append(event)
    return heard


async def _seated(address: str) -> list[Speaker]:
    """Return one client of each tongue; all have heard that the last one is there."""
    speakers = [await tongue.sit(address) for tongue in TONGUES]
    speakers[-1].say("all here")
    for speaker in speakers:
        await _hear(speaker, Said(speakers[-1].name, "all here"))
    return speakers


async def test_clients_of_five_systems_hear_each_other_in_one_order(address: str) -> None:
    speakers = await _seated(address)
    for number in range(SAID):
        for speaker in random.sample(speakers, len(speakers)):
            speaker.say(str(number))
    for speaker in speakers:
        speaker.say("last")
    sequences = await asyncio.gather(*(_hear_all(speaker) for speaker in speakers))
    for speaker in speakers:
        await speaker.socket.close()

    for speaker, sequence in zip(speakers, sequences, strict=True):
        assert sequences[0] == sequence
        own = [event.text for event in sequence if event.sender == speaker.name]
        assert [*map(str, range(SAID)), "last"] == own


async def _hear_all(speaker: Speaker) -> list[Said]:
    """Return all that is said until each of them has said its last word."""
    heard: list[Said] = []
    while sum(event.text == "last" for event in heard) < len(TONGUES):
        event = await speaker.hear()
        assert isinstance(event, Said), event
        heard.append(event)
    return heard


@pytest.mark.parametrize("leaver", range(len(TONGUES)))
@pytest.mark.parametrize("is_cut", [False, True])
async def test_who_leaves_is_heard_to_go_at_one_place(
    address: str,
    leaver: int,
    is_cut: bool,  # noqa: FBT001 -- a parameter
) -> None:
    speakers = await _seated(address)
    gone = speakers.pop(leaver)
    for speaker in speakers:
        speaker.say("before")
    if is_cut:
        gone.socket.abort()
    else:
        await gone.socket.close()
    listeners = [speaker for speaker in speakers if not isinstance(speaker, MeshSpeaker)]
    orders = [await _hear(speaker, Went(gone.name)) for speaker in listeners]
    late = await MsgpackSpeaker.sit(address)
    late.say("after")
    rest = [await _hear(speaker, Said(late.name, "after")) for speaker in listeners]

    assert orders[:1] * len(listeners) == orders
    assert [[Came(late.name), Said(late.name, "after")]] * len(listeners) == rest
    for speaker in (*speakers, late):
        await speaker.socket.close()


async def test_a_goroom_client_that_leaves_the_hall_alone_is_heard_to_go(address: str) -> None:
    speakers = await _seated(address)
    ann = speakers[0]
    ann.send({"appName": APPLICATION, "eventType": LEAVE_ROOM, "data": {"roomName": ROOM}})
    for speaker in speakers[1:]:
        if not isinstance(speaker, MeshSpeaker):  # there is no word for it
            assert [Went(ann.name)] == await _hear(speaker, Went(ann.name))
    for speaker in speakers:
        await speaker.socket.close()


@pytest.mark.parametrize(
    ("path", "page"),
    [("/", "The tower"), ("/mirror/", "<form"), ("/words/", "<html"), ("/page/main.js", "connect")],
)
async def test_it_serves_its_pages(
    address: str, session: aiohttp.ClientSession, path: str, page: str
) -> None:
    async with session.get(f"http://{address}{path}") as answer:
        assert 200 == answer.status
        assert page in await answer.text()


async def test_each_system_has_its_own_place_too(
    address: str, session: aiohttp.ClientSession
) -> None:
    words = await WebSocket.connect(f"ws://{address}/wsmesh")
    words.send_text(
        '{"action":"join-room","message_body":{"roomname":"den","playerlimit":2},"target":"mesh-global"}'
    )
    clients = await WebSocket.connect(f"ws://{address}/broadcaster")
    clients.send_text('{"HandlerID":1,"Body":"aGk="}')

    assert "join-room-notify" in str(await words.receive())
    assert '{"EventType":1,' in str(await clients.receive())
    for socket in (words, clients):
        await socket.close()


def _commands(address: str) -> list[str]:
    """Return the commands on the page, as they are for a tower at *address*."""
    page = (tower.PAGE / "index.html").read_text()
    marked_up = re.findall(r"<code>(npx wscat .*?)</code>", page, re.DOTALL)
    commands = [unescape(re.sub("<.*?>", "", command)) for command in marked_up]
    # -w 30 would stay for half a minute.
    changes = {"npx wscat": str(WSCAT), "localhost:8080": address, "-w 30": "-w 1"}
    for old, new in changes.items():
        commands = [command.replace(old, new) for command in commands]
    return commands


@pytest.mark.requires("node")
async def test_who_is_alone_at_the_words_game_plays_with_a_robot(address: str) -> None:
    socket = await WebSocket.connect(f"http://{address}/words/wsmesh?robots=1")

    def say(action: str, target: str, **body: str) -> None:
        socket.send_text(json.dumps({"action": action, "target": target, "message_body": body}))

    say("join-random-room", "mesh-global", roomname="alone")
    frame: dict[str, Any] = {"action": ""}
    while frame["action"] != "room-bot-greetings":
        message = await socket.receive(WAIT_SECONDS)
        assert isinstance(message, str)
        frame = json.loads(message)
        if frame["action"] == "know-yourself":
            say("set-client-name", "alone", setname="Anna")

    assert "alone" == frame["target"]
    await socket.close()


async def test_the_commands_on_its_page_say_hello_in_the_hall(address: str) -> None:
    witness = await GoroomSpeaker.sit(address)
    processes = [
        # wscat shows nothing, and ends at once, without a terminal.
        await asyncio.create_subprocess_exec("script", "-qec", command, "/dev/null", stdout=DEVNULL)
        for command in _commands(address)
    ]
    said: dict[str, str] = {}
    while len(said) < len(processes):
        event = await witness.hear()
        assert not isinstance(event, Closed), event
        if isinstance(event, Said):
            said[event.sender] = event.text
    for process in processes:
        assert 0 == await process.wait()
    await witness.socket.close()

    assert ["hello"] * 3 == list(said.values())
    assert "gopher" in said


def test_help_tells_the_options() -> None:
    done = subprocess.run(
        [sys.executable, tower.__file__, "--help"], capture_output=True, check=True, text=True
    )

    for option in ("--host", "--port", "--database", "--keys"):
        assert option in done.stdout


async def test_the_program_says_what_is_where_and_ends_when_told(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, tower.__file__, "--port", "0", cwd=tmp_path, stdout=asyncio.subprocess.PIPE
    )
    told = ""
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            assert process.stdout is not None
            while (found := re.search(r"http://([^/\s]+:[1-9]\d*)", told)) is None:
                told += (await process.stdout.readline()).decode()
            speaker = await GoroomSpeaker.sit(found[1])
            await speaker.socket.close()
            process.send_signal(signal.SIGTERM)
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()

    assert 0 == process.returncode
    for place in tower.PLACES:
        assert f"{place} " in told
