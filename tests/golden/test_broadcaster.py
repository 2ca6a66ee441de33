"""go-message-broadcaster's own frames, played over a real socket."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import broadcaster
from aiohttp import web

import goroom
from tests.extensions.broadcaster.clients import echo_server
from tests.golden.player import play

TRANSCRIPT = Path(__file__).with_name("broadcaster.jsonl")


async def test_the_example_plays_the_transcript(aiohttp_server: Any) -> None:
    application = web.Application()
    goroom.setup(application, broadcaster.server(), path="/")
    site = await aiohttp_server(application)

    await play(TRANSCRIPT, str(site.make_url("")))


async def test_a_client_of_the_broadcaster_gets_its_frames(aiohttp_server: Any) -> None:
    # Its Echo has the four handlers that the note at the transcript's top asks for.
    application = web.Application()
    goroom.setup(application, echo_server(), path="/")
    site = await aiohttp_server(application)

    await play(TRANSCRIPT, str(site.make_url("")))
