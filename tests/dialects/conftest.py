"""A server with one room for all dialects, and proof that nothing is left on it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import attrs
import pytest
from aiohttp import web
from structlog.testing import capture_logs

import goroom
from tests.dialects.world import make_site
from tests.tongues import APPLICATION, ROOM


@attrs.define
class House:
    """A running server, and what it has logged."""

    server: goroom.Server
    application: goroom.Application
    """Where the clients are."""
    address: str
    """``host:port``."""
    logs: list[MutableMapping[str, Any]]

    @property
    def members(self) -> list[str]:
        """Who is in the room where everybody meets."""
        return list(self.application.rooms[ROOM].members)

    def logged(self, event: str) -> list[MutableMapping[str, Any]]:
        """Return the entries of one event."""
        return [entry for entry in self.logs if entry["event"] == event]


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what can be seen from outside only by looking: the end of a cut connection."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 -- there is no event for it
            await asyncio.sleep(0.01)


Build = Callable[[web.Application, goroom.Server, str], AbstractAsyncContextManager[House]]


@pytest.fixture
def build(aiohttp_server: Callable[..., Awaitable[Any]], caplog: pytest.LogCaptureFixture) -> Build:
    """
    Return a context manager that runs a site and looks after one of its applications.

    When the block is over, its clients must go: no user, room, connection or task may be left, and
    nothing may have been logged as an error, nor anything by what is not goroom.
    """

    @asynccontextmanager
    async def build(
        site: web.Application, server: goroom.Server, application: str
    ) -> AsyncIterator[House]:
        running = await aiohttp_server(site)
        with capture_logs() as logs, caplog.at_level(logging.WARNING):
            address = f"{running.host}:{running.port}"
            house = House(server, server.applications[application], address, logs)
            rooms, tasks = list(house.application.rooms), len(asyncio.all_tasks())
            yield house
            await until(lambda: not server.connections and not house.application.users)
            await until(lambda: len(asyncio.all_tasks()) <= tasks)
        assert rooms == list(house.application.rooms)
        assert [] == [name for room in house.application.rooms.values() for name in room.members]
        assert [] == [entry for entry in logs if entry["log_level"] in {"error", "critical"}]
        assert [] == [record.getMessage() for record in caplog.records]

    return build


@pytest.fixture
async def house(build: Build) -> AsyncIterator[House]:
    """A server with one room for all dialects."""
    site, server = make_site()
    async with build(site, server, APPLICATION) as house:
        yield house
