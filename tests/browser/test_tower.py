"""The tower's page in real windows: what is said in the hall, and commands to take along."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import expect

from tests.browser.conftest import OpenWindow
from tests.browser.demo import KEEP_SOCKETS, ROOT, Demo

pytestmark = pytest.mark.requires("browser")

AXE = ROOT / "tests" / "js" / "node_modules" / "axe-core" / "axe.min.js"
PHONE = {"viewport": {"width": 320, "height": 568}, "is_mobile": True, "has_touch": True}
DESK = {"viewport": {"width": 1280, "height": 800}}
LOSE_THE_LINK = """
window.WebSocket = function () { return new sockets[0].constructor('ws://127.0.0.1:49151') }
sockets[0].close()
"""
"""No server listens there, so the page cannot come back."""
WIDTHS = "[...document.querySelectorAll('html, pre')].map((it) => [it.scrollWidth, it.clientWidth])"
SMALL_TARGETS = """[...document.querySelectorAll('button, input')]
    .filter((it) => it.getBoundingClientRect().height < 44).map((it) => it.outerHTML)"""


@pytest.fixture
async def tower(tmp_path: Path) -> AsyncIterator[Demo]:
    """Run the tower."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(ROOT / "examples" / "tower.py"),
        "--port=0",
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    url = None
    while url is None:
        line = (await process.stdout.readline()).decode()
        assert line, "it ended without an address"
        url = re.search(r"http://[^/\s]+:[1-9]\d*", line)
    running = Demo(process, f"{url[0]}/")
    yield running
    await running.stop()


async def test_two_windows_hear_each_other_in_the_hall(tower: Demo, windows: OpenWindow) -> None:
    anna = await windows(tower.url)
    bobby = await windows(tower.url)
    await expect(anna.locator("#people")).to_have_text("1 more is here")
    await bobby.get_by_label("Say something").fill("<b>hello</b>")
    await bobby.keyboard.press("Enter")

    await expect(anna.locator("#log")).to_contain_text("<b>hello</b>")
    await bobby.goto("about:blank")
    await expect(anna.locator("#people")).to_have_text("nobody else is here", timeout=5000)


async def test_who_has_lost_the_link_is_said_to_be_away(tower: Demo, windows: OpenWindow) -> None:
    anna = await windows(tower.url)
    bobby = await windows(tower.url, script=KEEP_SOCKETS)
    await bobby.evaluate(LOSE_THE_LINK)

    await expect(anna.locator("#people")).to_have_text("1 more is here, 1 away")


async def test_the_page_is_light_or_dark_as_one_likes(tower: Demo, windows: OpenWindow) -> None:
    page = await windows(tower.url, color_scheme="light")
    await page.get_by_role("button", name="Switch between light and dark").click()
    await expect(page.locator("html")).to_have_css("color-scheme", "dark")
    await page.reload()
    await expect(page.locator("html")).to_have_css("color-scheme", "dark")
    await page.get_by_role("button", name="Switch between light and dark").press("Enter")

    await expect(page.locator("html")).to_have_css("color-scheme", "light")


async def test_a_button_copies_each_command_as_it_is_for_this_tower(
    tower: Demo, windows: OpenWindow
) -> None:
    page = await windows(tower.url, permissions=["clipboard-read", "clipboard-write"])
    copied = []
    for command in await page.locator(".command").all():
        await command.get_by_role("button", name="Copy").click()
        await expect(command.get_by_role("button", name="Copied")).to_be_focused()
        copied.append(await page.evaluate("navigator.clipboard.readText()"))

    assert await page.locator("pre").all_inner_texts() == copied
    assert 3 == len(set(copied))
    for text in copied:
        assert text.startswith("npx wscat -c ")
        assert f"ws://{urlsplit(tower.url).netloc}/" in text
    await expect(page.get_by_role("button", name="Copied")).to_have_count(1)


async def test_a_command_that_cannot_be_copied_is_selected(
    tower: Demo, windows: OpenWindow
) -> None:
    refuse = "navigator.clipboard.writeText = () => Promise.reject(new Error('not allowed'))"
    page = await windows(tower.url, script=refuse)
    await page.get_by_role("button", name="Copy").last.click()
    await expect(page.locator("#said")).to_have_text("Selected: copy it by hand")

    selected = await page.evaluate("String(getSelection())")
    assert await page.locator("pre").last.inner_text() == selected


@pytest.mark.requires("node")
@pytest.mark.parametrize(
    ("scheme", "size"), [("light", DESK), ("dark", DESK), ("light", PHONE), ("dark", PHONE)]
)
async def test_the_page_is_accessible_and_fits(
    tower: Demo, windows: OpenWindow, scheme: str, size: dict[str, Any]
) -> None:
    page = await windows(tower.url, color_scheme=scheme, **size)
    await page.evaluate(AXE.read_text())
    result = await page.evaluate("axe.run()")
    serious = [
        (found["id"], [node["html"] for node in found["nodes"]])
        for found in result["violations"]
        if found["impact"] in {"serious", "critical"}
    ]

    assert [] == serious
    assert [] == [widths for widths in await page.evaluate(WIDTHS) if widths[0] > widths[1]]
    if "has_touch" in size:
        assert [] == await page.evaluate(SMALL_TARGETS)
