"""
Take the pictures of the demo that the README and the documentation show.

    python docs/screenshots.py

Needs Chromium. Two people play in real windows, bots play beside them; look at the pictures before
you commit them.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, async_playwright, expect

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.browser.demo import CHROMIUM_ARGUMENTS, start_demo  # noqa: E402 -- needs the path
from tests.requirements import chromium  # noqa: E402 -- needs the path

PICTURES = ROOT / "docs" / "_static"
DESK = {"viewport": {"width": 1280, "height": 800}, "device_scale_factor": 1.5}
PHONE = {"viewport": {"width": 360, "height": 740}, "device_scale_factor": 2, "is_mobile": True}
BOTS = 8


async def window(browser: Browser, url: str, name: str, **options: Any) -> Page:
    """Open a window of its own under *name*."""
    context = await browser.new_context(reduced_motion="reduce", **options)
    await context.add_init_script(f"if (location.port) localStorage.name = '{name}'")
    page = await context.new_page()
    await page.goto(url)
    await expect(page.locator("#link")).to_have_text("Connected")
    return page


async def say(page: Page, text: str) -> None:
    """Say *text* in the room of *page*."""
    await page.get_by_label("Say something").fill(text)
    await page.keyboard.press("Enter")
    await expect(page.locator("#lines")).to_contain_text(text)


async def picture(page: Page, name: str) -> None:
    """Write *page* as it is now, with the focus nowhere."""
    await page.evaluate("document.activeElement.blur()")
    await page.mouse.move(0, 0)
    await page.screenshot(path=PICTURES / f"{name}.png")


async def play(browser: Browser, url: str) -> None:
    """Play a game up to a moment worth a picture, and take the pictures."""
    robin = await window(browser, url, "robin", **DESK, color_scheme="light")
    await expect(robin.locator(".row .detail").nth(1)).to_contain_text("bot-")
    await robin.get_by_role("button", name="New table").click()
    await robin.get_by_label("Name", exact=True).fill("tea time")
    # With a password no bot takes the seat.
    await robin.get_by_label("Password, if any").fill("sesame")
    await robin.get_by_role("button", name="Open", exact=True).click()
    await expect(robin.locator(".status")).to_have_text("Waiting for an opponent")
    ada = await window(browser, url, "ada", **PHONE, color_scheme="dark")
    await ada.get_by_role("button", name="Join tea time").click()
    await ada.get_by_label("Password", exact=True).fill("sesame")
    await ada.keyboard.press("Enter")
    moves = ((robin, 5), (ada, 1), (robin, 3), (ada, 7), (robin, 4), (ada, 6))
    for page, square in moves:
        await expect(page.locator(".status")).to_have_text("Your turn")
        await page.get_by_label(f"square {square}, empty").click()
    await say(ada, "Hello! Best of three?")
    await say(robin, "You are on.")
    await expect(robin.locator(".status")).to_have_text("Your turn")
    await picture(robin, "lobby")
    await robin.get_by_role("button", name="Switch between light and dark").click()
    await picture(robin, "lobby-dark")
    await ada.evaluate("scrollTo(0, 0)")
    await picture(ada, "lobby-phone")


async def main() -> None:
    """Start the demo, take the pictures, end it."""
    PICTURES.mkdir(exist_ok=True)
    demo = await start_demo(bots=BOTS)
    try:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=chromium(), args=CHROMIUM_ARGUMENTS
            )
            await play(browser, demo.url)
            await browser.close()
    finally:
        await demo.stop()


if __name__ == "__main__":
    asyncio.run(main())
