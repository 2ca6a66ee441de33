"""The programs of the guide's page "The Python client" do what it says, on the demo's server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from random import Random
from typing import Any

import lobby
import pytest
from bots import Habits, keep_house

from goroom.client import App
from goroom.testing import SocketStage
from tests.client.conftest import WAIT_SECONDS
from tests.documentation import DOCS, blocks


class Page:
    """All that the page defines, and what that prints."""

    def __init__(self) -> None:
        self.printed: list[str] = []
        self._more = asyncio.Event()
        self._names: dict[str, Any] = {"__name__": "page", "print": self._print}
        for block in blocks(DOCS / "guide/python-client.md"):
            exec(block.text, self._names)  # noqa: S102 -- a block of our own guide

    def __getitem__(self, name: str) -> Any:
        return self._names[name]

    def _print(self, line: str) -> None:
        self.printed.append(line)
        self._more.set()

    async def prints(self, *lines: str) -> None:
        """Wait until it has printed so many lines: these."""
        async with asyncio.timeout(WAIT_SECONDS):
            while len(self.printed) < len(lines):
                self._more.clear()
                await self._more.wait()
        assert [*lines] == self.printed
        self.printed.clear()


@pytest.fixture
async def page() -> Page:
    return Page()


@pytest.fixture
async def demo() -> AsyncIterator[SocketStage]:
    async with SocketStage(lobby.server()) as running:
        yield running


@pytest.fixture
async def ada(demo: SocketStage, goroom_client: Callable[..., Any]) -> App:
    app: App = await goroom_client(demo.url, app="tictactoe", name="ada")
    return app


def connection_of(demo: SocketStage, name: str) -> Any:
    """Return the server's end of a user's only connection."""
    (link,) = demo.server.applications["tictactoe"].users[name].links
    return link.connection


async def test_the_first_program_plays_a_game(page: Page, demo: SocketStage) -> None:
    habits = Habits(random=Random(1), pace_seconds=0.01)
    house = asyncio.create_task(keep_house(demo.url, 1, habits))
    async with asyncio.timeout(WAIT_SECONDS):
        await page["play"](demo.url)
    house.cancel()
    await asyncio.wait({house})

    assert ["The winner is bot-maple."] == page.printed


async def test_events_are_told(
    page: Page, demo: SocketStage, ada: App, goroom_client: Callable[..., Any]
) -> None:
    room = await ada.create("table")
    telling = asyncio.create_task(page["tell"](room))
    bob = await goroom_client(demo.url, app="tictactoe", name="bob")
    theirs = await bob.join(room.name)
    await theirs.request("say", {"text": "hello"})
    connection_of(demo, "bob").abort()
    await page.prints("bob is here", "bob: hello", "bob is away", "bob is back")
    await theirs.leave()
    await page.prints("bob has gone: left")
    demo.server.applications["tictactoe"].rooms[room.name].close()
    await telling

    assert ["You are out: room_closed"] == page.printed


async def test_a_refusal_is_told(page: Page, ada: App) -> None:
    room = await ada.create("table")

    assert not await page["try_to_move"](room, 4)
    assert ["The game has not started."] == page.printed


async def test_the_link_is_watched(page: Page, demo: SocketStage, ada: App) -> None:
    watching = asyncio.create_task(page["watch_link"](ada))
    connection_of(demo, "ada").abort()
    await page.prints("The link is lost: 1006 ", "Back")
    connection_of(demo, "ada").close(4500, "go away")
    await watching

    assert ["Over: 4500 go away"] == page.printed


async def test_times_and_credentials_are_taken(page: Page, demo: SocketStage) -> None:
    for name in ("impatient", "once", "enter"):
        app = await page[name](demo.url)
        assert "open" == app.state
        await app.close()


async def test_several_applications_share_the_connection(
    page: Page, demo: SocketStage, ada: App
) -> None:
    await page["talk"](ada)

    hall = demo.server.applications["chat"].rooms["lobby"].extension
    assert ["Anybody for a game?"] == [line.text for line in hall.lines]
