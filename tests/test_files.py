"""Files over HTTP: an author's pages, their headers and compression."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.edge import chess_server, logs_in


@pytest.mark.parametrize("path", ["/", "/play"])
async def test_a_folder_is_served_with_its_index(
    start: Callable[..., Any], session: aiohttp.ClientSession, tmp_path: Path, path: str
) -> None:
    (tmp_path / "index.html").write_text("<!doctype html>index", "utf-8")
    (tmp_path / "style.css").write_text("p { color: red }" * 100, "utf-8")
    url = await start(chess_server(), path=path, static=tmp_path)

    for name, wanted in (("", "<!doctype html>index"), ("style.css", "p { color: red }" * 100)):
        async with session.get(f"{url}/{name}") as response:
            assert wanted == await response.text()
            assert "nosniff" == response.headers["X-Content-Type-Options"]
    assert "deflate" == response.headers["Content-Encoding"]
    assert 1 == await logs_in(session, f"{url}{path}")


@pytest.mark.parametrize("path", ["/", "/style.css", "/goroom.js"])
async def test_a_file_that_has_not_changed_is_answered_without_a_body(
    start: Callable[..., Any], tmp_path: Path, path: str
) -> None:
    (tmp_path / "index.html").write_text("<p>the page", "utf-8")
    (tmp_path / "style.css").write_text("/* the style */", "utf-8")
    url = await start(chess_server(), static=tmp_path)
    connector = aiohttp.TCPConnector(limit=1)  # what is left over would spoil the next answer
    async with aiohttp.ClientSession(connector=connector) as session:
        async with session.get(url + path) as first:
            tag, encoding = first.headers["Etag"], first.headers["Content-Encoding"]
        answers = []
        for _ in range(3):
            async with session.get(url + path, headers={"If-None-Match": tag}) as again:
                answers.append((again.status, await again.read()))

    assert "deflate" == encoding
    assert [(304, b"")] * 3 == answers


async def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is no folder"):
        await chess_server().start("127.0.0.1", 0, static=tmp_path / "missing")
