"""A server with one room for all dialects, and proof that nothing is left on it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from structlog.testing import capture_logs

from tests.dialects.world import make_site
from tests.tongues import APPLICATION, ROOM

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping

    import goroom


@attrs.define
class House:
    """A running server, and what it has logged."""

    server: goroom.Server
    address: str
    """``host:port``."""
    logs: list[MutableMapping[str, Any]]

    @property
    def application(self) -> goroom.Application:
        """Where the room is."""
        return self.server.applications[APPLICATION]

    @property
    def members(self) -> list[str]:
        """Who is in the room."""
        return list(self.application.rooms[ROOM].members)

    def logged(self, event: str) -> list[MutableMapping[str, Any]]:
        """Return the entries of one event."""
        return [entry for entry in self.logs if entry["event"] == event]


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what can be seen from outside only by looking: the end of a cut connection."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 -- there is no event for it
            await asyncio.sleep(0.01)


@pytest.fixture
async def house(
    aiohttp_server: Callable[..., Awaitable[Any]], caplog: pytest.LogCaptureFixture
) -> AsyncIterator[House]:
    """
    A server for the test.

    When the test is over and its clients are gone, no user, room, connection or task may be left,
    and nothing may have been logged as an error, nor anything by what is not goroom.
    """
    site, server = make_site()
    running = await aiohttp_server(site)
    with capture_logs() as logs, caplog.at_level(logging.WARNING):
        house = House(server, f"{running.host}:{running.port}", logs)
        rooms, tasks = list(house.application.rooms), len(asyncio.all_tasks())
        yield house
        await until(lambda: not server.connections and not house.application.users)
        await until(lambda: len(asyncio.all_tasks()) <= tasks)
    assert [] == house.members
    assert rooms == list(house.application.rooms)
    assert [] == [entry for entry in logs if entry["log_level"] in {"error", "critical"}]
    assert [] == [record.getMessage() for record in caplog.records]
