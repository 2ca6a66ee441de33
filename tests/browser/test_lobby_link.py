"""The demo's page and its link: two windows play on through a network that goes and comes."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import OpenWindow, StartDemo
from tests.browser.demo import KEEP_SOCKETS, Demo

pytestmark = pytest.mark.requires("browser")

CLOSE_SOCKET = "sockets.at(-1).close()"


async def at_a_table(demo: Demo, windows: OpenWindow) -> tuple[Page, Page]:
    """Open two windows and a game between them; ada is to move."""
    ada = await windows(demo.url, name="ada", script=KEEP_SOCKETS)
    await ada.get_by_role("button", name="Play tic-tac-toe").click()
    await expect(ada.locator(".status")).to_have_text("Waiting for an opponent")
    bob = await windows(ada.url, name="bob", script=KEEP_SOCKETS)
    await expect(ada.locator(".status")).to_have_text("Your turn")
    return ada, bob


async def play(page: Page, square: int) -> None:
    """Click a square, counted from 1, once it is this window's turn."""
    await expect(page.locator(".status")).to_have_text("Your turn")
    await page.get_by_label(f"square {square}, empty").click()


async def win(ada: Page, bob: Page) -> None:
    """Play on from ada's 5 and bob's 1 until ada has won."""
    await play(ada, 2)
    await play(bob, 3)
    await play(ada, 8)
    await expect(ada.locator(".status")).to_have_text("You won")
    await expect(bob.locator(".status")).to_have_text("ada won")
    for page in (ada, bob):
        await expect(page.locator("#lines")).not_to_contain_text("left")


async def test_a_game_goes_on_after_its_player_was_offline(demo: Demo, windows: OpenWindow) -> None:
    ada, bob = await at_a_table(demo, windows)
    await play(ada, 5)
    await ada.context.set_offline(True)

    await expect(ada.locator("#link")).to_contain_text("Away")
    await expect(ada.locator("#link")).to_contain_text("s left")
    await expect(ada.locator("#lost")).to_contain_text("Your seats are kept for")
    await expect(ada.get_by_role("button", name="Come back")).to_be_hidden()
    await expect(ada.get_by_label("square 5, X")).to_be_visible()
    await expect(ada).to_have_title("Away · goroom")
    await expect(bob.locator(".after")).to_contain_text("ada is away, with")
    await expect(bob.locator(".seats")).to_contain_text("away")
    await expect(bob.locator("#people .away")).to_contain_text("ada")
    await play(bob, 1)
    await expect(bob.locator(".status")).to_have_text("ada to move")
    await ada.context.set_offline(False)

    await expect(ada.locator("#lost")).to_be_hidden()
    await expect(ada.get_by_label("square 1, O")).to_be_visible()
    await expect(bob.locator("#people .away")).to_have_count(0)
    await expect(bob.locator("#lines")).to_contain_text("ada is away")
    await expect(bob.locator("#lines")).to_contain_text("ada is back")
    await expect(ada.locator("#link")).to_have_text("Connected")
    await win(ada, bob)


async def test_a_game_goes_on_after_its_sockets_were_closed(
    demo: Demo, windows: OpenWindow
) -> None:
    ada, bob = await at_a_table(demo, windows)
    await play(ada, 5)
    await ada.evaluate(CLOSE_SOCKET)
    await expect(bob.locator("#lines")).to_contain_text("ada is back")
    await play(bob, 1)
    await bob.evaluate(CLOSE_SOCKET)
    await expect(ada.locator("#lines")).to_contain_text("bob is back")

    assert [await page.evaluate("sockets.length") for page in (ada, bob)] == [2, 2]
    await win(ada, bob)


async def test_a_click_while_away_is_done_on_coming_back(demo: Demo, windows: OpenWindow) -> None:
    ada, bob = await at_a_table(demo, windows)
    await ada.context.set_offline(True)
    await expect(ada.locator("#link")).to_contain_text("Away")
    await ada.get_by_label("square 5, empty").click()
    await ada.context.set_offline(False)

    await expect(bob.get_by_label("square 5, X")).to_be_visible()
    await expect(ada.get_by_label("square 5, X")).to_be_visible()


async def test_a_server_that_comes_back_has_the_page_back(
    demos: StartDemo, windows: OpenWindow
) -> None:
    demo = await demos()
    ada = await windows(demo.url, name="ada")
    await ada.get_by_role("button", name="Play tic-tac-toe").click()
    await expect(ada.locator(".status")).to_have_text("Waiting for an opponent")
    await demo.stop()
    await expect(ada.locator("#link")).to_contain_text("Away")
    await expect(ada.locator(".board")).to_be_visible()
    await demos(port=demo.port)

    await expect(ada.locator("#link")).to_have_text("Connected")
    await expect(ada.locator("#people")).to_contain_text("ada")
    bob = await windows(ada.url, name="bob")
    await expect(bob.locator(".status")).to_have_text("ada to move")
    await play(ada, 5)
    await expect(bob.get_by_label("square 5, X")).to_be_visible()


async def test_a_link_that_is_closed_for_good_is_said_and_a_button_brings_back(
    demos: StartDemo, windows: OpenWindow
) -> None:
    demo = await demos()
    ada = await windows(demo.url, name="ada", script=KEEP_SOCKETS)
    await ada.get_by_role("button", name="Play tic-tac-toe").click()
    await expect(ada.locator(".status")).to_have_text("Waiting for an opponent")
    await ada.evaluate("sockets.at(-1).close(4503)")  # which the server repeats

    await expect(ada.locator("#link")).to_have_text("Disconnected")
    await expect(ada.locator("#lost")).to_contain_text("was lost.")
    await expect(ada).to_have_title("Disconnected · goroom")
    await expect(ada.locator(".board")).to_be_visible()
    assert await ada.evaluate("document.activeElement.textContent") == "Come back"
    await demo.stop()
    await ada.get_by_role("button", name="Come back").click()
    await expect(ada.locator("#lost")).to_contain_text("The server cannot be reached.")
    await demos(port=demo.port)
    await ada.get_by_role("button", name="Come back").click()
    await expect(ada.locator("#link")).to_have_text("Connected")


async def test_who_closes_the_page_has_left_at_once(demo: Demo, windows: OpenWindow) -> None:
    ada, bob = await at_a_table(demo, windows)
    await ada.close()

    await expect(bob.locator("#lines")).to_contain_text("ada left")
    await expect(bob.locator("#lines")).not_to_contain_text("away")
