"""The mirror in two real windows: accounts, channels, direct messages, and a restart between."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import LOST, WAIT_MILLISECONDS
from tests.browser.demo import ROOT

pytestmark = pytest.mark.requires("browser", "node")

AXE = ROOT / "tests" / "js" / "node_modules" / "axe-core" / "axe.min.js"
PASSWORD = "correct horse"


@attrs.define(eq=False)
class Program:
    """`examples/mirror.py` with its data in a folder, which outlives it."""

    folder: Path
    port: int = 0
    process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    async def start(self) -> None:
        """Start it, on the port that it had before."""
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(ROOT / "examples" / "mirror.py"),
            f"--port={self.port}",
            f"--database=sqlite:///{self.folder / 'mirror.sqlite'}",
            f"--keys={self.folder / 'keys'}",
            stdout=asyncio.subprocess.PIPE,
        )
        assert self.process.stdout is not None
        first = (await self.process.stdout.readline()).decode()
        found = re.search(r"http://127.0.0.1:(\d+)/", first)
        assert found is not None, first
        self.port = int(found[1])

    async def stop(self) -> None:
        """End it as an operator would; it must end well."""
        assert self.process is not None
        self.process.terminate()
        await self.process.communicate()
        assert 0 == self.process.returncode


@pytest.fixture
async def program(tmp_path: Path) -> AsyncIterator[Program]:
    """Run the mirror."""
    running = Program(tmp_path)
    await running.start()
    yield running
    await running.stop()


OpenWindow = Callable[..., Awaitable[Page]]


@pytest.fixture
async def window(browser: Browser) -> AsyncIterator[OpenWindow]:
    """Open windows, each of a browser of its own; an error on a page fails the test."""
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def note(message: Any) -> None:
        if message.type == "error" and not LOST.search(message.text):
            errors.append(message.text)

    async def open_window(url: str, **options: Any) -> Page:
        options = {"reduced_motion": "reduce", "viewport": {"width": 1280, "height": 800}} | options
        context = await browser.new_context(**options)
        context.set_default_timeout(WAIT_MILLISECONDS)
        contexts.append(context)
        page = await context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", note)
        await page.goto(url)
        return page

    yield open_window
    for context in contexts:
        await context.close()
    assert errors == []


async def enter(page: Page, name: str, button: str = "Sign up") -> None:
    """Fill in the form, and wait for the chat."""
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name=button).click()
    await expect(page.locator("#link")).to_have_text("Connected")


async def say(page: Page, text: str) -> None:
    """Write *text* where the window is."""
    await page.get_by_label("Write something").fill(text)
    await page.keyboard.press("Enter")


async def begin(page: Page, name: str, button: str) -> None:
    """Find somebody by name."""
    await page.get_by_label("Somebody\N{RIGHT SINGLE QUOTATION MARK}s name").fill(name)
    await page.get_by_role("button", name=button).click()


def lines(page: Page) -> Any:
    """Return what is said where the window is."""
    return page.locator("#lines li span")


async def test_two_people_talk_and_all_of_it_lasts(program: Program, window: OpenWindow) -> None:
    ada, bob = await window(program.url), await window(program.url)
    await enter(ada, "ada")
    await enter(bob, "bob")
    await expect(ada.locator("#title")).to_have_text("My channel")
    await expect(ada.locator("#about")).to_contain_text("You are ada.")
    await write_directly(ada, bob)
    await meet_in_a_channel(ada, bob)
    await write_while_bob_is_away(program, ada, bob)
    await bob.get_by_role("button", name="Log out").click()
    await bob.get_by_label("Name").fill("bob")
    await bob.get_by_label("Password").fill("guessed")
    await bob.get_by_role("button", name="Log in").click()
    await expect(bob.get_by_role("alert")).to_have_text("The name or the password is wrong.")
    await enter(bob, "bob", "Log in")
    await expect(bob.locator("#about")).to_contain_text("You are bob.")


async def write_directly(ada: Page, bob: Page) -> None:
    """Have bob see that there is a message before he sees what it says."""
    await begin(ada, "BOB", "Write to")
    await expect(ada.locator("#title")).to_have_text("bob")
    await say(ada, "hello <b>bob</b>")
    await expect(lines(ada)).to_have_text(["hello <b>bob</b>"])
    await expect(bob.get_by_role("link", name="ada new")).to_be_visible()
    await expect(bob).to_have_title("(1) My channel · mirror")
    await bob.get_by_role("link", name="ada").click()
    await expect(lines(bob)).to_have_text(["hello <b>bob</b>"])
    await expect(bob).to_have_title("ada · mirror")
    await say(bob, "hello ada")
    await expect(lines(ada)).to_have_text(["hello <b>bob</b>", "hello ada"])
    await expect(ada.locator("#lines b")).to_have_text(["ada", "bob"])


async def meet_in_a_channel(ada: Page, bob: Page) -> None:
    """Have bob come to a public channel by its link."""
    await ada.get_by_role("link", name="My channel", exact=True).click()
    link = ada.url
    await say(ada, "who is there?")
    await bob.goto(link)
    await expect(bob.locator("#title")).to_have_text("ada\N{RIGHT SINGLE QUOTATION MARK}s channel")
    await expect(lines(bob)).to_have_text(["who is there?"])
    await say(bob, "me")
    await expect(lines(ada)).to_have_text(["who is there?", "me"])


async def write_while_bob_is_away(program: Program, ada: Page, bob: Page) -> None:
    """Restart the server between a message and its reader."""
    await bob.goto("about:blank")
    await ada.get_by_role("link", name="bob").click()
    await say(ada, "are you there?")
    await expect(lines(ada)).to_have_text(["hello <b>bob</b>", "hello ada", "are you there?"])
    await program.stop()
    await expect(ada.locator("#link")).to_contain_text("Away")
    await program.start()
    await expect(ada.locator("#link")).to_have_text("Connected")
    await expect(lines(ada)).to_have_text(["hello <b>bob</b>", "hello ada", "are you there?"])
    await ada.reload()
    await expect(lines(ada)).to_have_text(["hello <b>bob</b>", "hello ada", "are you there?"])

    await bob.goto(program.url + "chat")
    await expect(bob.get_by_role("link", name="ada new")).to_be_visible()
    await bob.get_by_role("link", name="ada new").click()
    await expect(lines(bob)).to_have_text(["hello <b>bob</b>", "hello ada", "are you there?"])
    await say(bob, "I am")
    await expect(lines(ada)).to_have_text(
        ["hello <b>bob</b>", "hello ada", "are you there?", "I am"]
    )
    await bob.reload()
    await expect(lines(bob)).to_have_count(4)
    await expect(bob.get_by_role("link", name="ada new")).to_have_count(0)


async def test_another_browser_knows_with_whom_one_has_talked(
    program: Program, window: OpenWindow
) -> None:
    ada, bob = await window(program.url), await window(program.url)
    await enter(ada, "ada")
    await enter(bob, "bob")
    await begin(bob, "ada", "Write to")
    await expect(bob.locator("#title")).to_have_text("ada")
    await say(bob, "hello")
    await ada.get_by_role("link", name="bob new").click()
    await expect(ada.locator("#title")).to_have_text("bob")
    await say(ada, "hello bob")
    await expect(lines(bob)).to_have_text(["hello", "hello bob"])

    phone = await window(program.url)
    await enter(phone, "bob", "Log in")
    await phone.get_by_role("link", name="ada", exact=True).click()
    await expect(lines(phone)).to_have_text(["hello", "hello bob"])

    await phone.get_by_role("button", name="Remove").click()
    await expect(phone.get_by_role("link", name="ada")).to_have_count(0)
    await phone.reload()
    await expect(phone.locator("#link")).to_have_text("Connected")
    await expect(phone.get_by_role("link", name="ada")).to_have_count(0)


async def test_html_is_shown_as_the_text_that_it_is(program: Program, window: OpenWindow) -> None:
    ada = await window(program.url)
    await enter(ada, "<img src=x onerror=alert()>")
    await say(ada, "<img src=x onerror=alert()><script>alert()</script>")

    await expect(lines(ada)).to_have_text("<img src=x onerror=alert()><script>alert()</script>")
    await expect(ada.locator("#lines b")).to_have_text("<img src=x onerror=alert()>")
    await expect(ada.locator("main img, main script, #places img")).to_have_count(0)


async def test_a_reader_who_loses_the_link_misses_nothing(
    program: Program, window: OpenWindow
) -> None:
    ada, bob = await window(program.url), await window(program.url)
    await enter(ada, "ada")
    await enter(bob, "bob")
    await begin(bob, "ada", "Read channel")
    await say(ada, "one")
    await expect(lines(bob)).to_have_text(["one"])

    await bob.context.set_offline(True)
    await expect(bob.locator("#lost-text")).to_contain_text("The link is lost.")
    await say(bob, "can you hear me?")
    await expect(bob.get_by_role("alert").last).to_contain_text("this has not been sent")
    await say(ada, "two")
    await bob.context.set_offline(False)

    await expect(lines(bob)).to_have_text(["one", "two"])
    await expect(bob.locator("#lost")).to_be_hidden()


async def test_a_page_that_is_back_shows_who_wrote_for_the_first_time_meanwhile(
    program: Program, window: OpenWindow
) -> None:
    ada, bob, phone = [await window(program.url) for _ in range(3)]
    await enter(ada, "ada")
    await enter(bob, "bob")
    await enter(phone, "bob", "Log in")
    await bob.context.set_offline(True)
    await expect(bob.locator("#lost-text")).to_contain_text("The link is lost.")
    await begin(ada, "bob", "Write to")
    await expect(ada.locator("#title")).to_have_text("bob")
    await say(ada, "hello")
    # The notice goes to the other window, and to nobody else.
    await expect(phone.get_by_role("link", name="ada new")).to_be_visible()
    await bob.context.set_offline(False)

    await bob.get_by_role("link", name="ada new").click()
    await expect(lines(bob)).to_have_text(["hello"])


async def test_who_was_logged_out_elsewhere_is_told(program: Program, window: OpenWindow) -> None:
    ada = await window(program.url)
    await enter(ada, "ada")
    other = await ada.context.new_page()
    await other.goto(ada.url)
    await expect(other.locator("#link")).to_have_text("Connected")

    await other.get_by_role("button", name="Log out").click()

    await expect(ada.locator("#link")).to_have_text("Logged out")
    await ada.get_by_role("button", name="Log in").click()
    await expect(ada.get_by_label("Password")).to_be_visible()


async def test_it_all_works_by_keyboard(program: Program, window: OpenWindow) -> None:
    ada = await window(program.url)
    await expect(ada.get_by_label("Name")).to_be_focused()
    await ada.keyboard.type("ada")
    await ada.keyboard.press("Tab")
    await ada.keyboard.type(PASSWORD)
    await ada.keyboard.press("Tab")
    await ada.keyboard.press("Tab")
    await ada.keyboard.press("Enter")
    await expect(ada.locator("#link")).to_have_text("Connected")

    await ada.get_by_label("Somebody\N{RIGHT SINGLE QUOTATION MARK}s name").focus()
    await ada.keyboard.type("ada")
    await ada.keyboard.press("Enter")
    await expect(ada.locator("#title")).to_have_text("ada")
    await expect(ada.get_by_label("Write something")).to_be_focused()
    await ada.keyboard.type("a note to myself")
    await ada.keyboard.press("Enter")

    await expect(lines(ada)).to_have_text(["a note to myself"])


@pytest.mark.parametrize("width", [360, 1280])
async def test_axe_finds_nothing_serious_and_nothing_scrolls_sideways(
    program: Program, window: OpenWindow, width: int
) -> None:
    size = {"width": width, "height": 740}
    page = await window(program.url, viewport=size)
    findings: list[tuple[str, str]] = []

    async def look(state: str) -> None:
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of them
            await page.evaluate(AXE.read_text())
            result = await page.evaluate("axe.run()")
            findings.extend(
                (f"{state}, {scheme}", found["id"] + str([node["html"] for node in found["nodes"]]))
                for found in result["violations"]
                if found["impact"] in {"serious", "critical"}
            )
        overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if overflow > 0:
            findings.append((state, f"{overflow} px too wide"))

    await look("door")
    await page.get_by_label("Name").fill("nobody")
    await page.get_by_label("Password").fill("guessed")
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_role("alert")).not_to_be_empty()
    await look("refused")
    await enter(page, "a-name-of-sixty-four-characters-as-long-as-a-name-can-be-here-ok")
    await look("empty")
    await say(page, "Oh" * 200)
    await say(page, "hello")
    await begin(page, "nobody at all", "Write to")
    await expect(page.locator("#not-found")).not_to_be_empty()
    await look("talk")
    await begin(
        page, "a-name-of-sixty-four-characters-as-long-as-a-name-can-be-here-ok", "Write to"
    )
    await expect(page.get_by_role("button", name="Remove")).to_be_visible()
    await look("person")
    await page.context.set_offline(True)
    await expect(page.locator("#lost")).to_be_visible()
    await look("away")
    await page.context.set_offline(False)

    assert findings == []
