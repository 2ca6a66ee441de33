"""Games beside an ordinary aiohttp site."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import mounted

from goroom.client import App, Message


async def test_the_site_lists_the_tables_and_speaks_to_the_players(
    aiohttp_client: Any, goroom_client: Callable[..., Awaitable[App]]
) -> None:
    browser = await aiohttp_client(mounted.make_site())
    address = browser.make_url("/games").with_scheme("ws")
    page = await (await browser.get("/")).text()
    assert "Nobody plays." in page
    assert f"Players connect to {address}" in page

    ada = await goroom_client(address, app="tictactoe", name="<ada>")
    room = await ada.create("table", name="<one>")
    page = await (await browser.get("/")).text()
    assert "<li>&lt;one&gt;: &lt;ada&gt;</li>" in page

    answer = await browser.post("/announcements", data="Tea is ready.")

    assert {"users": 1} == await answer.json()
    async for event in ada:
        if isinstance(event, Message):
            assert Message("announced", {"text": "Tea is ready."}) == event
            break
    await room.leave()
    script = await browser.get("/games/goroom.js")
    assert 200 == script.status
