"""go-mirror-hw's own frames, played over real sockets against the mirror on both databases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from goroom_extensions import mirror

import goroom
from tests.golden.player import play

TRANSCRIPT = Path(__file__).with_name("mirror.jsonl")


@pytest.mark.parametrize(
    "kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.requires("postgres"))]
)
async def test_a_client_of_go_mirror_hw_gets_its_frames(
    kind: str, request: pytest.FixtureRequest, aiohttp_server: Any, tmp_path: Path
) -> None:
    database = f"sqlite:///{tmp_path / 'mirror.sqlite'}"
    if kind == "postgresql":
        database = request.getfixturevalue("postgres_url")
    server = goroom.Server()
    application = web.Application()
    mirror.setup(application, server, database=database, keys=tmp_path / "keys")
    goroom.setup(application, server, path="/")
    site = await aiohttp_server(application)

    await play(TRANSCRIPT, str(site.make_url("")))
