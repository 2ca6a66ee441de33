"""The demo's page in real windows: two people play, talk, watch, are refused, come back."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import OpenWindow, StartDemo
from tests.browser.demo import Demo

pytestmark = pytest.mark.requires("browser")


async def play(page: Page, square: int) -> None:
    """Click a square, counted from 1, once it is this window's turn."""
    await expect(page.locator(".status")).to_have_text("Your turn")
    await page.get_by_label(f"square {square}, empty").click()


async def focused(page: Page) -> str:
    """Return the label or text of what has the focus."""
    return str(
        await page.evaluate(
            "document.activeElement.ariaLabel ?? document.activeElement.textContent.trim()"
        )
    )


async def tab_to(page: Page, label: str) -> None:
    """Press Tab until *label* has the focus."""
    for _ in range(40):
        if await focused(page) == label:
            return
        await page.keyboard.press("Tab")
    pytest.fail(f"Tab never reaches {label!r}")


async def press(page: Page, keys: str) -> None:
    """Press *keys* one after the other."""
    for key in keys.split():
        await page.keyboard.press(key)


async def test_two_windows_play_a_whole_game(demo: Demo, windows: OpenWindow) -> None:
    ada = await windows(demo.url, name="ada")
    await ada.get_by_role("button", name="Play tic-tac-toe").click()
    await expect(ada.locator(".status")).to_have_text("Waiting for an opponent")
    assert ada.url == f"{demo.url}#tictactoe/table-1"

    bob = await windows(ada.url, name="bob")
    await expect(bob.locator(".status")).to_have_text("ada to move")
    await expect(ada).to_have_title("Your turn · table-1 · goroom")
    await expect(bob).to_have_title("ada to move · table-1 · goroom")

    refusal = bob.locator(".refusal")
    await bob.get_by_label("square 9, empty").click()
    await expect(refusal).to_have_text("It is not your turn.")
    square = await bob.get_by_label("square 9, empty").bounding_box()
    shown = await refusal.bounding_box()
    assert square is not None
    assert shown is not None
    assert 0 <= shown["y"] - (square["y"] + square["height"]) < 20

    await play(ada, 5)
    await expect(bob.locator(".status")).to_have_text("Your turn")
    await bob.get_by_label("square 5, X").click()
    await expect(refusal).to_have_text("That square is taken.")
    await play(bob, 1)
    await expect(refusal).to_have_count(0)
    await play(ada, 2)
    await play(bob, 3)
    await play(ada, 8)

    await expect(ada.locator(".status")).to_have_text("You won")
    await expect(bob.locator(".status")).to_have_text("ada won")
    await expect(bob.locator(".win")).to_have_count(3)
    await expect(bob.locator("#said")).to_contain_text("ada plays square 8. ada won.")

    await ada.get_by_role("button", name="Play again").click()
    await expect(bob.locator(".after")).to_contain_text("ada wants to play again.")
    await bob.get_by_role("button", name="Play again").click()
    await expect(bob.locator(".status")).to_have_text("Your turn")
    await expect(ada.locator(".status")).to_have_text("bob to move")
    await expect(ada.locator('.square[data-mark=""]')).to_have_count(9)


async def test_a_whole_game_is_played_by_keyboard_alone(demo: Demo, windows: OpenWindow) -> None:
    ada = await windows(demo.url, name="ada")
    await tab_to(ada, "Play tic-tac-toe")
    await press(ada, "Enter")
    await expect(ada.locator(".status")).to_have_text("Waiting for an opponent")
    bob = await windows(ada.url, name="bob")
    await expect(ada.locator(".status")).to_have_text("Your turn")

    assert await focused(ada) == "square 1, empty"
    outline = await ada.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    await press(ada, "ArrowDown ArrowRight Enter")
    await play(bob, 1)
    await expect(ada.locator(".status")).to_have_text("Your turn")
    await press(ada, "Enter")
    await expect(ada.locator(".refusal")).to_have_text("That square is taken.")
    await press(ada, "ArrowUp ArrowUp Home End ArrowLeft Enter")
    await play(bob, 3)
    await expect(ada.locator(".status")).to_have_text("Your turn")
    await press(ada, "ArrowDown ArrowDown ArrowDown Space")

    await expect(ada.locator(".status")).to_have_text("You won")
    await expect(bob.locator(".status")).to_have_text("ada won")
    await tab_to(ada, "Play again")
    await press(ada, "Enter")
    await bob.get_by_role("button", name="Play again").click()
    await expect(ada.locator(".status")).to_have_text("bob to move")
    assert (await focused(ada)).startswith("square")

    await press(ada, "Escape")
    await expect(ada.get_by_role("dialog")).to_contain_text("still going on")
    await press(ada, "Escape")
    await expect(ada.locator(".status")).to_have_text("bob to move")
    await press(ada, "Escape Tab Enter")
    await expect(ada.get_by_role("heading", name="Ready when you are")).to_be_visible()
    assert await focused(ada) == "Play tic-tac-toe"
    await expect(bob.locator(".after")).to_contain_text("ada gave the game up.")


async def test_a_game_of_connect_four_is_won(demo: Demo, windows: OpenWindow) -> None:
    ada = await windows(demo.url, name="ada")
    await ada.get_by_role("button", name="Play connect four").click()
    await expect(ada.locator(".status")).to_have_text("Waiting for an opponent")
    bob = await windows(ada.url, name="bob")
    for page, column in zip([ada, bob] * 4, [1, 2, 1, 2, 1, 2, 1], strict=False):
        await expect(page.locator(".status")).to_have_text("Your turn")
        await page.locator(".column").nth(column - 1).click()

    await expect(bob.locator(".status")).to_have_text("ada won")
    await expect(bob.locator(".slot.win")).to_have_count(4)
    label = await bob.locator(".column").first.get_attribute("aria-label")
    assert label == "column 1, from below: ada, ada, ada, ada"


async def test_a_newcomer_alone_gets_a_bot(demos: StartDemo, windows: OpenWindow) -> None:
    demo = await demos(bots=2)
    ada = await windows(f"{demo.url}#tictactoe/mine", name="ada")
    await ada.get_by_role("button", name="Open it again").click()

    await expect(ada.locator(".seat").nth(1)).to_contain_text("bot-")
    await play(ada, 5)
    await expect(ada.locator(".status")).to_have_text("Your turn")
    await expect(ada.get_by_label(", O")).to_have_count(1)


async def test_the_list_of_rooms_is_live(demo: Demo, windows: OpenWindow) -> None:
    bob = await windows(demo.url, name="bob")
    await expect(bob.locator("#no-rooms")).to_have_text("No table is open. Open the first one.")
    ada = await windows(demo.url, name="ada")
    await ada.get_by_role("button", name="New table").click()
    await ada.get_by_label("Name", exact=True).fill("ada's den")
    await ada.get_by_role("button", name="Open", exact=True).click()

    row = bob.locator(".row", has_text="ada's den")
    await expect(row).to_contain_text("1 of 2 seats taken")
    await expect(row).to_contain_text("waiting")
    await row.get_by_role("button", name="Join").click()
    await expect(row.get_by_role("button")).to_have_text("Here")
    await expect(bob.locator(".status")).to_have_text("ada to move")
    cleo = await windows(demo.url, name="cleo")
    await expect(cleo.locator(".row").get_by_role("button")).to_have_text("Watch")
    for page in (ada, bob):
        await page.get_by_role("button", name="Leave").click()
        if await page.get_by_role("dialog").count():
            await page.get_by_role("dialog").get_by_role("button", name="Leave").click()
    await expect(cleo.locator("#no-rooms")).to_be_visible()


async def test_rows_stay_where_they_are_under_the_pointer(demo: Demo, windows: OpenWindow) -> None:
    bob = await windows(demo.url, name="bob")
    ada = await windows(f"{demo.url}#tictactoe/first", name="ada")
    await ada.get_by_role("button", name="Open it again").click()
    cleo = await windows(f"{demo.url}#tictactoe/second", name="cleo")
    await cleo.get_by_role("button", name="Open it again").click()
    second = bob.locator(".row", has_text="second")
    await second.hover()
    place = await second.bounding_box()
    await ada.get_by_role("button", name="Leave").click()

    first = bob.locator(".row", has_text="first")
    await expect(first.get_by_role("button")).to_have_text("Gone")
    assert await second.bounding_box() == place
    await bob.mouse.move(640, 20)
    await expect(first).to_have_count(0)


async def test_a_game_is_watched_and_a_free_seat_taken(demo: Demo, windows: OpenWindow) -> None:
    ada = await windows(demo.url, name="ada")
    await ada.get_by_role("button", name="Play tic-tac-toe").click()
    await expect(ada.locator(".status")).to_have_text("Waiting for an opponent")
    bob = await windows(ada.url, name="bob")
    await play(ada, 1)
    await expect(bob.locator(".status")).to_have_text("Your turn")
    cleo = await windows(ada.url, name="cleo")
    await expect(cleo.get_by_text("You are watching.", exact=True)).to_be_visible()
    await expect(cleo.get_by_label("square 1, X")).to_be_visible()
    await expect(cleo.get_by_label("Say something")).to_be_disabled()
    await cleo.get_by_label("square 9, empty").click()
    await play(bob, 2)
    await expect(cleo.get_by_label("square 2, O")).to_be_visible()
    await expect(cleo.locator('.square[data-mark=""]')).to_have_count(7)

    await bob.get_by_role("button", name="Leave").click()
    await bob.get_by_role("dialog").get_by_role("button", name="Leave").click()
    await cleo.get_by_role("button", name="Sit down").click()
    await expect(cleo.locator(".seats")).to_contain_text("cleo")
    await expect(cleo.get_by_label("Say something")).to_be_enabled()


async def test_a_password_is_asked_for_and_refused_in_the_servers_words(
    demo: Demo, windows: OpenWindow
) -> None:
    ada = await windows(demo.url, name="ada")
    await ada.get_by_role("button", name="New table").click()
    await ada.get_by_label("Name", exact=True).fill("vault")
    await ada.get_by_label("Password, if any").fill("open sesame")
    await ada.get_by_role("button", name="Open", exact=True).click()
    await expect(ada.locator(".status")).to_have_text("Waiting for an opponent")

    bob = await windows(demo.url, name="bob")
    await bob.get_by_role("button", name="Join vault").click()
    await bob.get_by_label("Password", exact=True).fill("wrong")
    await bob.keyboard.press("Enter")
    await expect(bob.locator(".refusal")).to_have_text("The password is wrong")
    await bob.get_by_label("Password", exact=True).fill("open sesame")
    await bob.get_by_role("dialog").get_by_role("button", name="Join").click()
    await expect(bob.locator(".status")).to_have_text("ada to move")


async def test_a_name_is_numbered_where_it_is_taken_and_can_be_changed(
    demo: Demo, windows: OpenWindow
) -> None:
    ada = await windows(demo.url, name="ada")
    second = await windows(demo.url, beside=ada)
    await expect(second.get_by_label("Your name")).to_have_value("ada-2")

    await second.get_by_label("Your name").fill("ada")
    await second.get_by_role("button", name="Change").click()
    await expect(second.locator(".refusal")).to_have_text("User already logged in to app")
    await second.get_by_label("Your name").fill("Grace Hopper")
    await second.keyboard.press("Enter")
    await expect(second.locator("#me")).to_have_text("Grace Hopper")
    await expect(ada.locator("#people")).to_contain_text("Grace Hopper")
    await expect(ada.locator("#people")).not_to_contain_text("ada-2")


async def test_people_talk_and_nothing_they_say_is_markup(demo: Demo, windows: OpenWindow) -> None:
    text = '<img src="x" onerror="document.title=1"><b>bold</b>'
    ada = await windows(demo.url, name="ada")
    bob = await windows(demo.url, name="<i>bob</i>")
    await bob.get_by_label("Say something").fill(text)
    await bob.keyboard.press("Enter")

    await expect(ada.locator("#lines")).to_contain_text(text)
    await expect(ada.locator("#people")).to_contain_text("<i>bob</i>")
    await expect(ada.locator("#lines img")).to_have_count(0)
    await expect(bob.get_by_label("Say something")).to_have_value("")

    await ada.get_by_role("button", name="Play tic-tac-toe").click()
    await bob.get_by_label("Say something").fill("still there?")
    await bob.keyboard.press("Enter")
    await ada.get_by_role("button", name="Lobby (1 new)").click()
    await expect(ada.locator("#lines")).to_contain_text("still there?")
    late = await windows(demo.url, name="late")
    await expect(late.locator("#lines")).to_contain_text("still there?")


async def test_a_hall_is_opened_and_left(demo: Demo, windows: OpenWindow) -> None:
    ada = await windows(demo.url, name="ada")
    await ada.get_by_role("tab", name="Chat").click()
    await ada.get_by_role("button", name="New hall").click()
    await ada.get_by_label("Name", exact=True).fill("tea & cake")
    await ada.get_by_role("button", name="Open", exact=True).click()
    await expect(ada.get_by_role("heading", name="tea & cake Chat")).to_be_visible()
    bob = await windows(ada.url, name="bob")
    await bob.get_by_label("Say something").fill("sugar?")
    await bob.keyboard.press("Enter")
    await expect(ada.locator("#lines")).to_contain_text("sugar?")

    await bob.go_back()
    await bob.goto(demo.url)
    await expect(ada.locator("#people")).not_to_contain_text("bob")


async def test_the_way_back_of_the_browser_leaves_the_table(
    demo: Demo, windows: OpenWindow
) -> None:
    ada = await windows(demo.url, name="ada")
    await ada.get_by_role("button", name="Play tic-tac-toe").click()
    await expect(ada.locator(".status")).to_have_text("Waiting for an opponent")
    await ada.go_back()
    await expect(ada.get_by_role("heading", name="Ready when you are")).to_be_visible()
    await expect(ada.locator("#no-rooms")).to_be_visible()


async def test_a_table_that_is_gone_is_said_so_and_opened_again(
    demo: Demo, windows: OpenWindow
) -> None:
    ada = await windows(f"{demo.url}#tictactoe/table-9", name="ada")
    place = ada.locator("#place")
    await expect(place.get_by_text("Room does not exist in app", exact=True)).to_be_visible()
    await ada.get_by_role("button", name="Open it again").click()
    await expect(ada.get_by_role("heading", name="table-9 Tic-tac-toe")).to_be_visible()


async def test_light_and_dark_are_switched_and_kept(demo: Demo, windows: OpenWindow) -> None:
    ada = await windows(demo.url, color_scheme="dark")
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    dark = await ada.evaluate(ground)
    await ada.get_by_role("button", name="Switch between light and dark").click()
    light = await ada.evaluate(ground)
    await ada.reload()

    assert dark != light == await ada.evaluate(ground)
