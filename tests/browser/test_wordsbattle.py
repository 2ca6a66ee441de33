"""The words game's page in real windows, in real time: a game by address, one with a stranger."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import OpenWindow
from tests.browser.demo import KEEP_SOCKETS, ROOT, Demo

pytestmark = pytest.mark.requires("browser")

AXE = ROOT / "tests" / "js" / "node_modules" / "axe-core" / "axe.min.js"
PHONE = {"viewport": {"width": 320, "height": 568}, "is_mobile": True, "has_touch": True}
DESK = {"viewport": {"width": 1280, "height": 800}}
PAGE_BYTES = 60 * 1024
CUT_NAMES = """[...document.querySelectorAll('#players .name')]
    .filter((it) => it.scrollWidth > it.clientWidth).map((it) => it.textContent)"""
SMALL_TARGETS = """[...document.querySelectorAll('button, input')]
    .filter((it) => it.checkVisibility())
    .map((it) => [it.id, it.getBoundingClientRect().height])
    .filter(([, height]) => height < 44)"""


@pytest.fixture
async def words(request: pytest.FixtureRequest) -> AsyncIterator[Demo]:
    """Run the words game with as many robots as the test's parameter says, by default none."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(ROOT / "examples" / "wordsbattle.py"),
        "--port=0",
        f"--robots={getattr(request, 'param', 0)}",
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    url = re.search(r"http://\S+", (await process.stdout.readline()).decode())
    assert url is not None
    running = Demo(process, url[0])
    yield running
    await running.stop()


async def seat_friends(words: Demo, windows: OpenWindow, **options: Any) -> tuple[Page, Page]:
    """Have Anna make a room, and Bobby join it by its address."""
    anna = await windows(words.url, name="Anna", **options)
    await anna.get_by_role("button", name="Play with friends").click()
    await expect(anna.locator("#room-hint")).to_have_text("Send the address to a friend.")
    bobby = await windows(anna.url, name="Bobby", **options)
    await bobby.get_by_role("button", name="Join").click()
    await expect(anna.locator("#players li")).to_have_count(2)
    return anna, bobby


async def mover(pages: tuple[Page, Page]) -> Page:
    """Return the window whose turn it is, once it is one's."""
    is_due = re.compile("^Your turn")
    watching = {
        asyncio.create_task(expect(page.locator("#status")).to_have_text(is_due)): page
        for page in pages
    }
    done, pending = await asyncio.wait(watching, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.wait(watching)
    (first,) = done
    await first
    return watching[first]


async def test_two_windows_play_a_game_by_its_address(words: Demo, windows: OpenWindow) -> None:
    anna, bobby = await seat_friends(words, windows)
    await anna.get_by_label("Seconds").fill("25")
    await anna.get_by_role("button", name="Set").click()
    await expect(bobby.locator("#lines")).to_contain_text("a game takes 25 seconds")
    await expect(bobby.get_by_role("button", name="Begin")).to_be_hidden()
    await anna.get_by_role("button", name="Begin").click()

    await expect(bobby).to_have_title("Get ready · Words battle")
    await bobby.get_by_label("Say something").fill("<b>hello</b> & good luck")
    await bobby.keyboard.press("Enter")
    await expect(anna.locator("#lines .other")).to_have_text("Bobby <b>hello</b> & good luck")
    await expect(anna.locator("#lines b")).not_to_contain_text(["hello"])
    await expect(anna.locator("#word")).to_be_disabled()

    first = await mover((anna, bobby))
    second = bobby if first is anna else anna
    await expect(first.locator("#letter")).to_have_text("W")
    await expect(first.get_by_label("Your word")).to_be_focused()
    await expect(second.locator("#word")).to_be_disabled()
    await expect(first.locator("#clock")).to_have_text(re.compile(r"^\d+$"))
    await expect(first).to_have_title("Your turn: W · Words battle")
    await first.keyboard.type("water")
    await first.keyboard.press("Enter")
    await expect(second.locator("#status")).to_have_text("Your turn: a word with R")
    await second.keyboard.type("rat")
    await second.keyboard.press("Enter")
    await expect(first.locator("#status")).to_have_text("Your turn: a word with T")
    await first.keyboard.type("nonsense")
    await first.keyboard.press("Enter")
    await expect(second.locator("#status")).to_have_text("Your turn: a word with T")
    await expect(second.locator("#said")).to_contain_text("another letter")
    await expect(second.locator("#players .turn .score")).to_have_text("1")

    await expect(first.locator("#over-title")).to_have_text("A draw")
    await expect(first.locator("#ranking .place")).to_have_text(["1", "1"])
    await expect(first.locator("#ranking .first")).to_have_count(2)
    await expect(second.locator("#words li")).to_have_text(["water", "rat"])
    await expect(first.get_by_role("button", name="Play again")).to_be_focused()
    await first.keyboard.press("Enter")
    await second.get_by_role("button", name="Play again").click()
    await expect(second.locator("#players li")).to_have_count(2)
    assert first.url == second.url


async def test_a_newcomer_plays_with_a_stranger_by_one_key(
    words: Demo, windows: OpenWindow
) -> None:
    anna = await windows(words.url)
    assert 4 <= len(await anna.get_by_label("Your name").input_value()) <= 9
    await anna.get_by_label("Your name").press("Enter")
    await expect(anna.locator("#room-title")).to_have_text("Waiting for somebody")
    bobby = await windows(words.url)
    await bobby.get_by_label("Your name").press("Enter")
    await expect(anna.locator("#game")).to_be_visible()
    await expect(bobby.locator("#status")).to_have_text("Welcome")
    await bobby.get_by_role("button", name="Leave").press("Enter")

    await expect(anna.locator("#over-title")).to_have_text("You won")
    await expect(anna.locator("#over-text")).to_contain_text("left")
    await expect(anna.locator("#ranking .place")).to_have_text(["1"])
    await expect(bobby.get_by_role("button", name="Play", exact=True)).to_be_focused()


async def test_the_page_promises_no_robot_where_there_is_none(
    words: Demo, windows: OpenWindow
) -> None:
    anna = await windows(words.url)
    robot = re.compile("robot", re.IGNORECASE)
    await expect(anna.locator("body")).not_to_contain_text(robot)
    await anna.get_by_label("Your name").press("Enter")
    await expect(anna.locator("#room-hint")).to_have_text("It begins as soon as somebody comes.")

    await expect(anna.locator("body")).not_to_contain_text(robot)


@pytest.mark.parametrize("words", [1], indirect=True)
async def test_a_newcomer_alone_is_in_a_game_within_two_seconds(
    words: Demo, windows: OpenWindow
) -> None:
    anna = await windows(words.url)
    await anna.get_by_label("Your name").press("Enter")

    await expect(anna.locator("#game")).to_be_visible(timeout=2000)
    await expect(anna.locator("#players .name")).to_contain_text(["Robot"])


@pytest.mark.parametrize("words", [1], indirect=True)
async def test_two_who_come_one_after_the_other_play_with_each_other(
    words: Demo, windows: OpenWindow
) -> None:
    anna = await windows(words.url, name="Anna")
    await anna.get_by_label("Your name").press("Enter")
    await expect(anna.locator("#lines li")).to_have_count(2)
    bobby = await windows(words.url, name="Bobby")
    await bobby.get_by_label("Your name").press("Enter")

    for page in (anna, bobby):
        names = page.locator("#players .name")
        await expect(names.filter(has_text="Anna")).to_have_count(1)
        await expect(names.filter(has_text="Bobby")).to_have_count(1)
        await expect(page.locator("#status")).to_have_text("Welcome")
    await expect(anna.locator("#clock")).to_be_empty()
    await (await mover((anna, bobby))).keyboard.type("water")


@pytest.mark.parametrize(
    "size", [DESK, PHONE, {**PHONE, "viewport": {"width": 360, "height": 740}}]
)
async def test_the_longest_name_is_shown_whole(
    words: Demo, windows: OpenWindow, size: dict[str, Any]
) -> None:
    anna, _ = await seat_friends(words, windows, **size)
    page = await windows(anna.url, name="Wwwwwwwww", **size)
    await page.get_by_role("button", name="Join").click()
    await expect(page.locator("#players li")).to_have_count(3)

    assert [] == await page.evaluate(CUT_NAMES)


async def test_who_comes_too_late_is_told_and_finds_back(words: Demo, windows: OpenWindow) -> None:
    anna, _ = await seat_friends(words, windows)
    await anna.get_by_label("Players, at most").fill("5")
    await anna.get_by_role("button", name="Set").click()
    await expect(anna.locator("#lines")).to_contain_text("5 players")
    await anna.get_by_role("button", name="Begin").click()
    await expect(anna.locator("#game")).to_be_visible()
    carl = await windows(anna.url, name="Carl")
    await carl.get_by_role("button", name="Join").click()

    await expect(carl.locator("#refused-text")).to_have_text(
        "The game in the room has already started"
    )
    await carl.get_by_role("button", name="Back to the start").click()
    await expect(carl.get_by_role("button", name="Play", exact=True)).to_be_visible()
    assert words.url == carl.url


async def test_a_lost_link_is_shown_and_made_again(words: Demo, windows: OpenWindow) -> None:
    anna, bobby = await seat_friends(words, windows, script=KEEP_SOCKETS)
    await anna.evaluate("sockets.at(-1).close()")
    await expect(anna.locator("#link")).to_have_text("Disconnected")
    await expect(bobby.locator("#players li")).to_have_count(1)
    await expect(bobby.locator("#room-hint")).to_have_text("Send the address to a friend.")
    await anna.get_by_role("button", name="Connect again").click()
    await anna.get_by_role("button", name="Join").click()

    await expect(bobby.locator("#players li")).to_have_count(2)


async def states(
    words: Demo, windows: OpenWindow, **options: Any
) -> AsyncIterator[tuple[str, Page]]:
    """Bring windows into one state of the page after the other."""
    start = await windows(words.url, name="Wwwwwwwww", **options)
    yield "start", start
    anna, bobby = await seat_friends(words, windows, script=KEEP_SOCKETS, **options)
    yield "gathering", anna
    await anna.get_by_label("Say something").fill("Oh" * 200)
    await anna.keyboard.press("Enter")
    await anna.get_by_role("button", name="Begin").click()
    await expect(anna.locator("#lines li")).to_have_count(2)
    yield "talking", anna
    await start.goto(anna.url)
    await start.get_by_role("button", name="Join").click()
    await expect(start.locator("#refused")).to_be_visible()
    yield "refused", start
    pages = (anna, bobby)
    first = await mover(pages)
    yield "my turn", first
    yield "another's turn", bobby if first is anna else anna
    await first.get_by_label("Your word").fill("water")
    await first.keyboard.press("Enter")
    await expect(first.locator("#lines")).to_contain_text("scores")
    await bobby.get_by_role("button", name="Leave").click()
    await expect(anna.locator("#over")).to_be_visible()
    yield "over", anna
    await anna.evaluate("sockets.at(-1).close()")
    await expect(anna.locator("#lost")).to_be_visible()
    yield "lost", anna


@pytest.mark.requires("node")
@pytest.mark.parametrize(("scheme", "size"), [("light", DESK), ("dark", PHONE)])
async def test_every_state_is_accessible_and_fits(
    words: Demo, windows: OpenWindow, scheme: str, size: dict[str, Any]
) -> None:
    findings: list[Any] = []
    async for state, page in states(words, windows, color_scheme=scheme, **size):
        await page.evaluate(AXE.read_text())
        result = await page.evaluate("axe.run()")
        findings += [
            (state, found["id"], [node["html"] for node in found["nodes"]])
            for found in result["violations"]
            if found["impact"] in {"serious", "critical"}
        ]
        width = await page.evaluate("document.documentElement.scrollWidth")
        findings += [(state, "scrolls sideways")] if width > size["viewport"]["width"] else []
        small = await page.evaluate(SMALL_TARGETS) if "has_touch" in size else []
        findings += [(state, "small", *found) for found in small]

    assert [] == findings


async def test_the_page_is_light_and_comes_from_one_host(words: Demo, windows: OpenWindow) -> None:
    page = await windows(words.url)
    files = await page.evaluate(
        """performance.getEntries().filter((it) => 'encodedBodySize' in it)
            .map((it) => [it.name, it.encodedBodySize])"""
    )

    assert {urlsplit(name).netloc for name, _ in files} == {urlsplit(words.url).netloc}
    assert sum(size for _, size in files) < PAGE_BYTES, files
