"""Pages: blanks become text, files are those of the folder, every answer has its headers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from goroom_extensions.mirror.pages import FOLDER, HEADERS, Pages, with_headers


@pytest.fixture
def pages() -> Pages:
    """Return the pages under a path."""
    return Pages("/here/")


def test_what_goes_into_a_blank_is_text(pages: Pages) -> None:
    response = pages.render("login.html", notice='<b>"no"</b>', form_key="key")

    assert response.text is not None
    assert "&lt;b&gt;&quot;no&quot;&lt;/b&gt;" in response.text
    assert 'value="key"' in response.text
    assert "no-store" == response.headers["Cache-Control"]


def test_every_address_is_under_the_path(pages: Pages) -> None:
    for page in ("login.html", "chat.html"):
        text = pages.render(page, notice="", form_key="").text or ""
        addresses = [part.partition('"')[0] for part in text.split('="/')[1:]]
        assert addresses
        assert all(address.startswith("here/") for address in addresses)
        assert "${" not in text


@pytest.mark.parametrize("path", sorted(FOLDER.iterdir()), ids=lambda path: path.name)
def test_html_is_not_injected_with_inner_html(path: Path) -> None:
    """Bug of the seed: HTML injected with innerHTML."""
    text = path.read_text("utf-8")

    for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert forbidden not in text
    for inline in ("<script>", " onclick=", " onload=", " style=", "javascript:"):
        assert inline not in text
    assert "http://" not in text.replace("http://www.w3.org/", "")
    assert "https://" not in text


async def test_only_files_of_the_folder_are_sent(aiohttp_client: Any, pages: Pages) -> None:
    app = web.Application()
    app.router.add_get("/static/{name}", pages.send_file)
    client = await aiohttp_client(app)

    statuses = {}
    for name in ("chat.js", "style.css", "icon.svg", "chat.html", "..%2Fsite.py", "x", "%00"):
        async with client.get(f"/static/{name}") as answer:
            statuses[name] = answer.status, answer.content_type

    assert (200, "text/javascript") == statuses["chat.js"]
    assert (200, "text/css") == statuses["style.css"]
    assert (200, "image/svg+xml") == statuses["icon.svg"]
    assert {404} == {statuses[name][0] for name in ("chat.html", "..%2Fsite.py", "x", "%00")}


def test_an_answer_keeps_headers_of_its_own() -> None:
    response = with_headers(web.Response(headers={"Cache-Control": "no-store"}))

    assert {**HEADERS, "Cache-Control": "no-store"}.items() <= dict(response.headers).items()


def test_the_pages_are_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 60 * 1024
