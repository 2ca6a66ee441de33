"""Protocol section 6: who may open a WebSocket from where; endpoints and their paths."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web

import goroom
from tests.protocol.worlds import Desk, Hall
from tests.rawclient import JOIN_APP, LOGIN, Client, Form
from tests.websocket import HandshakeRefused, WebSocket

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.protocol.conftest import Site


@pytest.fixture
def form() -> Form:
    """One form is enough: what is tested here comes before the first frame."""
    return Form.SHORT


async def _status(site: Site, path: str = "/", **headers: str) -> int:
    try:
        socket = await WebSocket.connect(f"ws://{site.address}{path}", headers=headers)
    except HandshakeRefused as refusal:
        return refusal.status
    socket.abort()
    return 101


@pytest.mark.parametrize(
    "origin",
    ["http://{host}:{port}", "http://{host}:{port}/", "{host}:{port}", "{host}:{port}/"],
)
async def test_the_same_host_is_let_in(site: Site, origin: str) -> None:
    assert 101 == await _status(site, Origin=_filled(origin, site))


async def test_a_native_client_without_origin_is_let_in(site: Site) -> None:
    assert 101 == await _status(site)


FOREIGN = [
    "http://evil.example",
    "http://evil.example:{port}",
    "http://{host}.evil.example",
    "http://{host}.evil.example:{port}",
    "http://evil-{host}:{port}",
    "http://x{host}:{port}",
    "null",
    "",
    "http://{host}",
    "http://{host}:1",
    "http://{host}:{port}0",
    "http://{host}:0{port}",
    "http://{host}:{port}@evil.example",
    "http://evil.example@{host}:{port}",
    "http://evil.example#{host}:{port}",
    "http://evil.example/?{host}:{port}",
    "http://{host}:{port}/path",
    "http://{host}:{port}//",
    "http://{host}:{port}, http://evil.example",
    "http://{host}:{port} http://evil.example",
    "file://{host}:{port}",
    "chrome-extension://{host}:{port}",
    "javascript:{host}:{port}",
    "//{host}:{port}",
    "http:/{host}:{port}",
    "http://localhost:{port}",
]


@pytest.mark.parametrize("origin", FOREIGN)
async def test_another_origin_is_403_before_the_upgrade(site: Site, origin: str) -> None:
    filled = _filled(origin, site)

    assert 403 == await _status(site, Origin=filled)
    assert 403 == await _status(site, "/test", Origin=filled)


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://play.example:8080", 101),
        ("play.example:8080", 101),
        ("http://play.example:8080/", 101),
        ("HTTP://play.example:8080", 403),
        ("http://PLAY.example:8080", 403),
        ("http://play.example.:8080", 403),
        ("http://play.ex\tample:8080", 403),
        ("http://play.example:+8080", 403),
        ("http://play.example:8_080", 403),
        ("http://play.example:\uff18\uff10\uff18\uff10", 403),
        ("http://play.example:", 403),
        ("http://play\u3002example:8080", 403),
    ],
)
async def test_an_origin_is_written_in_one_way(site: Site, origin: str, status: int) -> None:
    assert status == await _status(site, Host="play.example:8080", Origin=origin)


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://game.example", 101),
        ("https://game.example:8443", 403),
        ("http://game.example", 403),
        ("https://game.example.evil.example", 403),
        ("https://x.game.example", 403),
        ("http://{host}:{port}", 403),
        ("null", 403),
    ],
)
async def test_a_list_of_origins_is_exact(
    serve: Callable[..., Any], origin: str, status: int
) -> None:
    server = _server()
    server.add_endpoint("/far", origins=["https://game.example"])
    site = await serve(server=server)

    assert status == await _status(site, "/far", Origin=_filled(origin, site))


async def test_an_endpoint_may_have_limits_of_its_own(serve: Callable[..., Any]) -> None:
    server = _server()
    server.add_endpoint("/small", application="test", limits=goroom.Limits(message_bytes=100))
    site = await serve(server=server)
    small, wide = await site.connect(path="/small"), await site.connect()
    for client in (small, wide):
        client.send(LOGIN, {"username": "ann", "padding": "x" * 200})

    assert 1009 == (await small.closed()).code
    assert 0 == (await wide.event()).error_code


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/games", 101),
        ("/games/", 101),
        ("/games/test", 101),
        ("/games/test/", 404),
        ("/games/nope", 404),
        ("/games/test/more", 404),
        ("/", 404),
        ("/gamesx", 404),
    ],
)
async def test_a_path_has_its_routes_and_no_wildcard(
    aiohttp_server: Any, path: str, status: int
) -> None:
    site = web.Application()
    goroom.setup(site, _server(), path="/games")
    running = await aiohttp_server(site)
    try:
        socket = await WebSocket.connect(f"ws://{running.host}:{running.port}{path}")
        socket.abort()
        answered = 101
    except HandshakeRefused as refusal:
        answered = refusal.status

    assert status == answered


async def test_the_default_path_of_setup_is_goroom(aiohttp_server: Any) -> None:
    site = web.Application()
    goroom.setup(site, _server())
    running = await aiohttp_server(site)
    client = await Client.connect(f"ws://{running.host}:{running.port}/goroom/test")
    answer = await client.request(JOIN_APP, appName=None)
    client.socket.abort()

    assert {"appName": "test"} == answer.data


async def test_a_sub_application_serves_under_its_prefix(aiohttp_server: Any) -> None:
    site = web.Application()
    site.add_subapp("/games/", _server().make_app())
    running = await aiohttp_server(site)
    client = await Client.connect(f"ws://{running.host}:{running.port}/games/")
    bound = await Client.connect(f"ws://{running.host}:{running.port}/games/test")
    answers = [await client.login("ann"), await bound.request(JOIN_APP, appName=None)]
    for one in (client, bound):
        one.socket.abort()

    assert [0, 0] == [answer.error_code for answer in answers]


@pytest.mark.parametrize(
    ("path", "status", "shown"),
    [("/", 200, "the page"), ("/style.css", 200, "the style"), ("/nothing", 404, "")],
)
async def test_a_started_server_has_its_page_and_its_sockets_at_one_path(
    tmp_path: Path, path: str, status: int, shown: str
) -> None:
    (tmp_path / "index.html").write_text("<p>the page", "utf-8")
    (tmp_path / "style.css").write_text("/* the style */", "utf-8")
    server = _server()
    port = await server.start(host="127.0.0.1", port=0, static=tmp_path)
    client = await Client.connect(f"ws://127.0.0.1:{port}/")
    answer = await client.login("ann")
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}{path}") as response,
    ):
        body = await response.text()
    stopping = asyncio.create_task(server.stop())
    closed = await client.closed()
    await stopping

    assert 0 == answer.error_code
    assert status == response.status
    assert shown in body
    assert 1001 == closed.code


@pytest.mark.parametrize("path", ["/", "/test"])
async def test_a_plain_get_on_an_endpoint_says_something_helpful(site: Site, path: str) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://{site.address}{path}") as response,
    ):
        body = await response.text()

    assert "goroom" in body.lower()
    assert "websocket" in body.lower()


async def test_the_browser_client_is_served_beside_the_endpoint(site: Site) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://{site.address}/goroom.js") as response,
    ):
        assert 200 == response.status
        # Python's own table calls it so until 3.12; browsers take both for a module.
        assert response.content_type in {"text/javascript", "application/javascript"}


def _filled(origin: str, site: Site) -> str:
    host, port = site.address.split(":")
    return origin.format(host=host, port=port)


def _server() -> goroom.Server:
    server = goroom.Server()
    server.add_application("test", Desk, rooms={"hall": Hall})
    return server
