"""The pytest plugin: its three fixtures, as an author's test uses them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from goroom import Server
from goroom.client import App
from goroom.testing import SocketStage, Stage
from tests.diary import APP, LIMITS


@pytest.fixture
def server() -> Server:
    server = Server(limits=LIMITS)
    server.add_application(APP)
    return server


async def test_a_stage_runs_in_memory_and_ends_with_the_test(
    stage: Callable[[Server], Awaitable[Stage]], server: Server
) -> None:
    on_stage = await stage(server)
    ann = await on_stage.player("ann")

    assert "ann" == ann.name


async def test_a_server_runs_on_a_port_and_clients_connect_to_it(
    goroom_server: Callable[..., Awaitable[SocketStage]],
    goroom_client: Callable[..., Awaitable[App]],
    server: Server,
) -> None:
    running = await goroom_server(server, path="/games")
    ann = await goroom_client(f"{running.url}/games", app=APP, name="ann")

    assert "ann" == ann.user
    assert ["ann"] == list(server.applications[APP].users)
