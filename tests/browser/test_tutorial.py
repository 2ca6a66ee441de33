"""The pages of the README and the tutorial, in real windows."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from playwright.async_api import Browser, Dialog, expect

from tests.documentation import README, TUTORIALS, blocks, loaded, readme_server, written

pytestmark = pytest.mark.requires("browser")


async def test_the_readmes_lines_for_the_console_talk(tmp_path: Path, browser: Browser) -> None:
    server = readme_server(tmp_path)
    lines = next(block for block in blocks(README) if block.language == "javascript").text
    port = await server.start("127.0.0.1", 0)
    page = await browser.new_page()
    await page.goto(f"http://127.0.0.1:{port}/")

    async with page.expect_console_message(lambda message: message.type == "log") as said:
        await page.evaluate(f"async () => {{ {lines} }}")

    assert "ada: hello" == (await said.value).text
    await page.close()
    await server.stop()


async def test_the_chats_page_talks(tmp_path: Path, browser: Browser) -> None:
    for block in blocks(TUTORIALS["chat"]):
        if block.caption:
            written(tmp_path, block)
    server = loaded(tmp_path / "chat.py").server()
    port = await server.start("127.0.0.1", 0, static=tmp_path / "page")

    ada, bob = await browser.new_page(), await browser.new_page()
    for page, name in ((ada, "ada"), (bob, "bob")):
        page.on("dialog", partial(Dialog.accept, prompt_text=name))
        await page.goto(f"http://127.0.0.1:{port}/")
    await expect(ada.locator("li")).to_have_text(["bob came in"])
    await bob.get_by_label("What to say").fill("hello")
    await bob.get_by_role("button").click()
    await expect(ada.locator("li")).to_have_text(["bob came in", "bob: hello"])
    await ada.get_by_role("button").click()
    await expect(ada.get_by_role("alert")).to_contain_text("text")

    await ada.reload()
    await expect(ada.locator("li")).to_have_text(["bob: hello"])
    for page in (ada, bob):
        await page.close()
    await server.stop()


async def test_the_games_page_plays(tmp_path: Path, browser: Browser) -> None:
    for block in blocks(TUTORIALS["game"]):
        if block.caption:
            written(tmp_path, block)
    server = loaded(tmp_path / "tictactoe.py").server()
    port = await server.start("127.0.0.1", 0, static=tmp_path / "page")

    ada, bob = await browser.new_page(), await browser.new_page()
    for page, status in ((ada, "Waiting for somebody"), (bob, "Their turn")):
        await page.goto(f"http://127.0.0.1:{port}/")
        await expect(page.get_by_role("status")).to_have_text(status)
    await bob.get_by_label("Square 1").click()
    await expect(bob.get_by_role("alert")).to_have_text("It is not your turn.")
    for turn, square in enumerate((1, 4, 2, 5, 3)):
        page = (ada, bob)[turn % 2]
        await expect(page.get_by_role("status")).to_have_text("Your turn")
        await page.get_by_label(f"Square {square}").click()

    await expect(bob.get_by_role("status")).to_contain_text("has won")
    for page in (ada, bob):
        await page.close()
    await server.stop()
