"""Forms: what a page of ours sends is taken, what another site's sends is not."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlencode

import goroom_extensions.mirror.forms
import pytest
from aiohttp import web
from goroom_extensions.mirror.forms import FIELD, KEY_COOKIE, Forms
from yarl import URL

TYPE = {"Content-Type": "application/x-www-form-urlencoded"}


class Desk:
    """A site that shows what it has read of a form, and somebody who sends forms to it."""

    def __init__(self, client: Any, forms: Forms) -> None:
        self.client = client
        self.forms = forms
        self.origin = str(client.make_url("").origin())

    async def send(
        self,
        body: str,
        *,
        origin: str | None = None,
        cookie: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, str]:
        sent = dict(TYPE if headers is None else headers)
        if origin is not None:
            sent["Origin"] = origin
        if cookie is not None:
            sent["Cookie"] = f"{KEY_COOKIE}={cookie}"
        async with self.client.post("/", data=body.encode(), headers=sent) as answer:
            return answer.status, await answer.text()

    def form(self, key: str, **fields: str) -> str:
        return urlencode({FIELD: self.forms.field(key), **fields})


KEY = "k" * 22


@pytest.fixture
async def desk(aiohttp_client: Any) -> Desk:
    """Return the site."""
    forms = Forms("/", b"secret")

    async def show(request: web.Request) -> web.Response:
        return web.json_response(await forms.read(request))

    app = web.Application()
    app.router.add_post("/", show)
    return Desk(await aiohttp_client(app), forms)


async def test_a_form_of_ours_is_taken_with_its_cookie(desk: Desk) -> None:
    status, text = await desk.send(desk.form(KEY, user="ada"), cookie=KEY, origin=desk.origin)

    assert (200, True) == (status, '"user": "ada"' in text)


async def test_a_browser_that_sends_no_origin_needs_its_cookie(desk: Desk) -> None:
    assert 200 == (await desk.send(desk.form(KEY), cookie=KEY))[0]
    assert 403 == (await desk.send(desk.form(KEY)))[0]


async def test_who_sends_no_cookies_at_all_needs_an_origin(desk: Desk) -> None:
    assert 200 == (await desk.send(desk.form(KEY), origin=desk.origin))[0]


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "", "file://", "http://[", "http://127.0.0.1:1"]
)
async def test_another_sites_form_is_refused(desk: Desk, origin: str) -> None:
    assert 403 == (await desk.send(desk.form(KEY), origin=origin, cookie=KEY))[0]
    assert 403 == (await desk.send(desk.form(KEY), origin=origin))[0]


async def test_a_field_given_to_somebody_else_is_refused(desk: Desk) -> None:
    status, _ = await desk.send(desk.form("e" * 22), origin=desk.origin, cookie=KEY)

    assert 403 == status


@pytest.mark.parametrize("field", ["", "x", KEY, f"{KEY}.", f"{KEY}.{'0' * 64}", "é.é", f".{KEY}"])
async def test_a_field_that_we_have_not_made_is_refused(desk: Desk, field: str) -> None:
    body = urlencode({FIELD: field})

    assert 403 == (await desk.send(body, origin=desk.origin, cookie=KEY))[0]
    assert 403 == (await desk.send("user=ada", origin=desk.origin, cookie=KEY))[0]


async def test_another_server_s_field_is_refused(desk: Desk) -> None:
    body = urlencode({FIELD: Forms("/", b"another").field(KEY)})

    assert 403 == (await desk.send(body, origin=desk.origin, cookie=KEY))[0]


async def test_what_is_no_form_is_refused(desk: Desk) -> None:
    for kind in ("application/json", "multipart/form-data; boundary=x", "text/plain"):
        status, _ = await desk.send("{}", origin=desk.origin, headers={"Content-Type": kind})
        assert 415 == status
    for body in ("%ff=x", "&".join(f"f{number}=1" for number in range(50))):
        assert 400 == (await desk.send(body, origin=desk.origin))[0]


@pytest.mark.parametrize("coding", ["gzip", "deflate", "x"])
async def test_a_form_in_a_coding_is_refused(desk: Desk, coding: str) -> None:
    headers = {**TYPE, "Content-Encoding": coding}

    assert 415 == (await desk.send("user=ada&x", origin=desk.origin, headers=headers))[0]


async def test_a_form_is_bounded(desk: Desk) -> None:
    status, _ = await desk.send(desk.form(KEY, user="x" * 10_000), origin=desk.origin, cookie=KEY)

    assert 413 == status


async def test_a_form_that_dribbles_in_is_given_up(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(goroom_extensions.mirror.forms, "FORM_SECONDS", 0.05)
    url: URL = desk.client.make_url("/")
    reader, writer = await asyncio.open_connection(url.host, url.port)
    head = f"POST / HTTP/1.1\r\nHost: {url.authority}\r\nContent-Length: 10\r\n"
    writer.write(f"{head}Content-Type: {TYPE['Content-Type']}\r\n\r\na=".encode())

    async with asyncio.timeout(10):
        status = await reader.readline()
    writer.close()
    await writer.wait_closed()

    assert b"HTTP/1.1 408 Request Timeout\r\n" == status


async def test_a_key_is_kept_while_it_is_one(aiohttp_client: Any) -> None:
    forms = Forms("/here/", b"secret")

    async def give(request: web.Request) -> web.Response:
        response = web.Response(text=forms.key_of(request))
        forms.remember(response, response.text or "", is_secure=True)
        return response

    app = web.Application()
    app.router.add_get("/", give)
    client = await aiohttp_client(app)

    async def key(cookie: str) -> tuple[str, Any]:
        async with client.get("/", headers={"Cookie": f"{KEY_COOKIE}={cookie}"}) as answer:
            return await answer.text(), answer.cookies[KEY_COOKIE]

    kept, _ = await key(KEY)
    made, cookie = await key("rubbish")
    again, _ = await key("rubbish")
    assert kept == KEY
    assert made != again
    assert (made, "/here/", "Strict", True, True) == (
        cookie.value,
        cookie["path"],
        cookie["samesite"],
        cookie["httponly"],
        cookie["secure"],
    )
