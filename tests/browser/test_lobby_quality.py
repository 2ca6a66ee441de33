"""What every state of the demo's page keeps: accessible, no sideways scrolling, light."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import OpenWindow
from tests.browser.demo import KEEP_SOCKETS, ROOT, Demo

pytestmark = pytest.mark.requires("browser", "node")

AXE = ROOT / "tests" / "js" / "node_modules" / "axe-core" / "axe.min.js"
PHONE = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True}
NARROW = {"viewport": {"width": 320, "height": 568}, "is_mobile": True, "has_touch": True}
DESK = {"viewport": {"width": 1280, "height": 800}}
PAGE_BYTES = 60 * 1024
LONG_NAME = "a-name-of-sixty-four-characters-as-long-as-a-name-can-be-here-ok"


States = AsyncIterator[tuple[str, Page]]


async def states(demo: Demo, windows: OpenWindow, **options: Any) -> States:
    """Bring windows into one state of the page after the other."""
    ada = await windows(demo.url, name=LONG_NAME, script=KEEP_SOCKETS, **options)
    yield "start", ada
    await ada.get_by_role("button", name="New table").click()
    yield "new table", ada
    await ada.keyboard.press("Escape")
    async for state in table_states(ada, windows, **options):
        yield state
    await ada.get_by_role("button", name="Leave").click()
    async for state in connect_four_states(ada, windows):
        yield state
    await ada.get_by_role("tab", name="Chat").click()
    await ada.get_by_role("button", name="New hall").click()
    await ada.get_by_role("button", name="Open", exact=True).click()
    await expect(ada.locator("#place h1")).to_be_visible()
    yield "hall", ada
    await ada.goto(f"{demo.url}#tictactoe/{'gone' * 16}")
    await expect(ada.get_by_role("button", name="Open it again")).to_be_visible()
    yield "gone", ada
    await ada.evaluate("sockets.at(-1).close(4503)")
    await expect(ada.locator("#link")).to_have_text("Disconnected")
    yield "disconnected", ada


async def table_states(ada: Page, windows: OpenWindow, **options: Any) -> States:
    """Play a game of tic-tac-toe to its end, with somebody watching."""
    await ada.get_by_role("button", name="Play tic-tac-toe").click()
    await expect(ada.locator(".status")).to_have_text("Waiting for an opponent")
    yield "waiting", ada
    bob = await windows(ada.url, name="bob")
    await expect(ada.locator(".status")).to_have_text("Your turn")
    await ada.get_by_label("Say something").fill("Oh" * 200)
    await ada.keyboard.press("Enter")
    await expect(ada.locator("#lines")).to_contain_text("OhOhOh")
    yield "playing", ada
    await bob.context.set_offline(True)
    await expect(ada.locator(".after")).to_contain_text("bob is away")
    yield "opponent away", ada
    await bob.context.set_offline(False)
    await expect(bob.locator("#lost")).to_be_hidden()
    await ada.context.set_offline(True)
    await expect(ada.locator("#link")).to_contain_text("Away")
    yield "away", ada
    await ada.context.set_offline(False)
    await expect(ada.locator("#lost")).to_be_hidden()
    await ada.get_by_label("square 3, empty").click()
    await expect(ada.locator(".status")).to_have_text("bob to move")
    await ada.get_by_label("square 3, X").click()
    await expect(ada.locator(".refusal")).to_be_visible()
    yield "refused", ada
    for page, square in ((bob, 1), (ada, 5), (bob, 2), (ada, 7)):
        await expect(page.locator(".status")).to_have_text("Your turn")
        await page.get_by_label(f"square {square}, empty").click()
    await expect(ada.locator(".status")).to_have_text("You won")
    yield "over", ada
    watcher = await windows(ada.url, name="cleo", **options)
    await expect(watcher.get_by_text("You are watching.", exact=True)).to_be_visible()
    yield "watching", watcher


async def connect_four_states(ada: Page, windows: OpenWindow) -> States:
    """Begin a game of connect four, and want to leave it."""
    await ada.get_by_role("button", name="Play connect four").click()
    await expect(ada.locator(".status")).to_have_text("Waiting for an opponent")
    bob = await windows(ada.url, name="bob")
    await expect(ada.locator(".status")).to_have_text("Your turn")
    await ada.locator(".column").nth(3).click()
    await expect(bob.locator(".status")).to_have_text("Your turn")
    await bob.locator(".column").nth(3).click()
    await expect(ada.locator(".slot.Y")).to_have_count(1)
    yield "connect four", ada
    await ada.get_by_role("button", name="Leave").click()
    await expect(ada.get_by_role("dialog")).to_be_visible()
    yield "asked", ada
    await ada.get_by_role("dialog").get_by_role("button", name="Leave").click()
    await expect(ada.get_by_role("dialog")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
async def test_axe_finds_nothing_serious(
    demo: Demo, windows: OpenWindow, scheme: str, size: dict[str, Any]
) -> None:
    findings = []
    async for state, page in states(demo, windows, color_scheme=scheme, **size):
        await page.evaluate(AXE.read_text())
        result = await page.evaluate("axe.run()")
        findings += [
            (state, found["id"], [node["html"] for node in found["nodes"]])
            for found in result["violations"]
            if found["impact"] in {"serious", "critical"}
        ]

    assert findings == []


async def test_nothing_scrolls_sideways_on_a_narrow_phone(demo: Demo, windows: OpenWindow) -> None:
    widths = {
        state: await page.evaluate("document.documentElement.scrollWidth")
        async for state, page in states(demo, windows, **NARROW)
    }

    assert widths == dict.fromkeys(widths, 320)


async def test_touch_targets_are_large_enough(demo: Demo, windows: OpenWindow) -> None:
    small = {}
    async for state, page in states(demo, windows, **PHONE):
        small[state] = await page.evaluate(
            """[...document.querySelectorAll('button, input:not([type=checkbox]), .check')]
                .filter((it) => it.checkVisibility() && !it.closest('.board'))
                .map((it) => [it.textContent, it.getBoundingClientRect().height])
                .filter(([, height]) => height < 44)"""
        )

    assert [] == [(state, found) for state, found in small.items() if found]


async def test_the_page_is_light_and_comes_from_one_host(demo: Demo, windows: OpenWindow) -> None:
    page = await windows(demo.url)
    files = await page.evaluate(
        """performance.getEntries().filter((it) => 'encodedBodySize' in it)
            .map((it) => [it.name, it.encodedBodySize])"""
    )

    assert {urlsplit(name).netloc for name, _ in files} == {urlsplit(demo.url).netloc}
    assert sum(size for _, size in files) < PAGE_BYTES, files
