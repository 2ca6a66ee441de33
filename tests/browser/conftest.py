"""What the browser tests share: demos, and windows of Chromium on them."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from tests.browser.demo import CHROMIUM_ARGUMENTS, Demo, start_demo
from tests.requirements import chromium

WAIT_MILLISECONDS = 15_000
"""How long a test waits for what must come: far beyond what a busy machine needs."""

LOST = re.compile("ERR_(CONNECTION_REFUSED|CONNECTION_RESET|INTERNET_DISCONNECTED)")
"""What the browser itself says of a lost link."""

expect.set_options(timeout=WAIT_MILLISECONDS)


StartDemo = Callable[..., Awaitable[Demo]]
OpenWindow = Callable[..., Awaitable[Page]]


@pytest.fixture
async def demos() -> AsyncIterator[StartDemo]:
    """Start demos that end with the test."""
    started: list[Demo] = []

    async def start(**options: Any) -> Demo:
        started.append(await start_demo(**options))
        return started[-1]

    yield start
    for demo in started:
        await demo.stop()


@pytest.fixture
async def demo(demos: StartDemo) -> Demo:
    """Return the demo without bots."""
    return await demos()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Start the machine's Chromium."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium(), args=list(CHROMIUM_ARGUMENTS)
        )
        yield browser
        await browser.close()


@pytest.fixture
async def windows(browser: Browser) -> AsyncIterator[OpenWindow]:
    """
    Open windows, each of a browser of its own, on an address; wait until it is connected.

    An error on the page fails the test, but for what the browser itself says of a lost link.
    """
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    async def open_window(
        url: str, *, name: str = "", beside: Page | None = None, script: str = "", **options: Any
    ) -> Page:
        if beside is None:
            options = {
                "reduced_motion": "reduce",
                "viewport": {"width": 1280, "height": 800},
            } | options
            context = await browser.new_context(**options)
            context.set_default_timeout(WAIT_MILLISECONDS)
            contexts.append(context)
            if script:
                await context.add_init_script(script)
            if name:
                script = f"if (location.port) localStorage.name ??= {json.dumps(name)}"
                await context.add_init_script(script)
        else:
            context = beside.context
        page = await context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on(
            "console",
            lambda said: (
                errors.append(said.text)
                if said.type == "error" and not LOST.search(said.text)
                else None
            ),
        )
        await page.goto(url)
        await expect(page.locator("#link")).to_have_text("Connected")
        return page

    yield open_window
    for context in contexts:
        await context.close()
    assert errors == []
