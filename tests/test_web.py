"""The aiohttp edge: where sockets are taken, pages, starts and stops."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

import goroom
from goroom import ApplicationExtension, LeaveReason, Limits, Server, User
from goroom.testing import SocketStage
from goroom.wire import ShortJsonDialect
from tests.diary import APP, LIMITS, ROOM, Diary, make_server

LOGIN = {"eventType": 6, "appName": APP, "data": {"username": "ann"}}


def one_application(**options: Any) -> Server:
    server = Server(**{"limits": LIMITS, **options})
    server.add_application(APP)
    return server


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def log_in(session: aiohttp.ClientSession, url: str, **options: Any) -> int:
    """Log in at *url* and return the code of the answer."""
    async with session.ws_connect(url, **options) as ws:
        await ws.send_json(LOGIN)
        code: int = (await ws.receive_json())["code"]
        return code


# -- mounting -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "taken"),
    [
        ("/", ["/", "/test"]),
        ("/goroom", ["/goroom", "/goroom/", "/goroom/test"]),
        ("/goroom/", ["/goroom", "/goroom/", "/goroom/test"]),
    ],
)
async def test_setup_takes_sockets_at_its_path_and_nowhere_else(
    path: str, taken: list[str], aiohttp_server: Any, session: aiohttp.ClientSession
) -> None:
    site = web.Application()
    goroom.setup(site, one_application(), path=path)
    running = await aiohttp_server(site)
    for place in taken:
        assert 200 == await log_in(session, str(running.make_url(place)))
    for place in ("/nowhere", "/goroom/nowhere"):
        async with session.get(running.make_url(place)) as response:
            assert 404 == response.status


async def test_a_sub_application_takes_sockets_under_its_prefix(
    aiohttp_server: Any, session: aiohttp.ClientSession
) -> None:
    site, server = web.Application(), one_application()
    site.add_subapp("/games/", server.make_app())
    running = await aiohttp_server(site)

    for place in ("/games/", "/games/test"):
        assert 200 == await log_in(session, str(running.make_url(place)))
    async with session.get(running.make_url("/games/goroom.js")) as response:
        assert "javascript" in response.content_type


async def test_a_view_of_the_site_sends_to_rooms(
    aiohttp_server: Any, session: aiohttp.ClientSession
) -> None:
    async def tell(request: web.Request) -> web.Response:
        goroom.get_server(request).applications[APP].broadcast("told", {"n": 1})
        return web.Response()

    site, server = web.Application(), one_application()
    goroom.setup(site, server)
    site.router.add_post("/tell", tell)
    running = await aiohttp_server(site)
    async with session.ws_connect(running.make_url("/goroom")) as ws:
        await ws.send_json(LOGIN)
        await ws.receive_json()
        async with session.post(running.make_url("/tell")):
            assert {"n": 1} == (await ws.receive_json())["data"]


async def test_a_view_without_a_server_is_told_so(
    aiohttp_server: Any, session: aiohttp.ClientSession
) -> None:
    async def tell(request: web.Request) -> web.Response:
        with pytest.raises(RuntimeError, match=r"goroom\.setup"):
            goroom.get_server(request)
        return web.Response(text="told")

    site = web.Application()
    site.router.add_get("/", tell)
    running = await aiohttp_server(site)
    async with session.get(running.make_url("/")) as response:
        assert "told" == await response.text()


def test_what_cannot_be_mounted_is_refused() -> None:
    server = one_application()
    with pytest.raises(ValueError, match="slash"):
        goroom.setup(web.Application(), server, path="goroom")
    server.make_app()
    with pytest.raises(RuntimeError, match="mounted once"):
        server.make_app()
    with pytest.raises(RuntimeError, match="add applications before"):
        server.add_application("late")
    with pytest.raises(RuntimeError, match="add endpoints before"):
        server.add_endpoint("/late")


@pytest.mark.parametrize(
    ("arguments", "match"),
    [(("x",), "slash"), (("/x", "unknown"), "no application"), (("/taken",), "already")],
)
def test_what_is_no_endpoint_is_refused(arguments: Any, match: str) -> None:
    server = one_application()
    server.add_endpoint("/taken")
    with pytest.raises(ValueError, match=match):
        server.add_endpoint(*arguments)


async def test_an_endpoint_has_its_own_dialect_limits_and_origins(
    aiohttp_server: Any, session: aiohttp.ClientSession
) -> None:
    server = one_application()
    limits = Limits(message_bytes=100)
    server.add_endpoint("/own", APP, ShortJsonDialect, limits, ["https://play.example"])
    server.add_endpoint("/strict", uses_cookies=True)
    running = await aiohttp_server(server.make_app())
    own = str(running.make_url("/own"))
    assert 200 == await log_in(session, str(running.make_url("/")))
    async with session.ws_connect(own, headers={"Origin": "https://play.example"}) as ws:
        await ws.send_json({"eventType": 6, "data": {"username": "bob"}})
        assert "code" not in await ws.receive_json()
        await ws.send_str("x" * 101)
        await ws.receive()
        assert 1009 == ws.close_code
    for url, headers in (
        (own, {"Origin": "https://evil.example"}),
        (running.make_url("/strict"), {}),
    ):
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await session.ws_connect(url, headers=headers)


# -- running ------------------------------------------------------------------------------------


async def test_start_serves_until_stop() -> None:
    diary = Diary()
    server = make_server(diary)
    async with SocketStage(server) as stage:
        ann = await stage.player("ann", app=APP)
        await ann.join(ROOM)
        with pytest.raises(RuntimeError, match="starts once"):
            await server.start(port=0)
        await server.stop()

        assert (1001, "the server stops") == await ann.closes()
        assert ["on_disconnect ann shutdown"] == diary.of("on_disconnect")
    with socket.socket() as client, pytest.raises(ConnectionRefusedError):
        client.connect(("127.0.0.1", stage.port))


async def test_a_port_that_is_taken_ends_what_was_begun() -> None:
    left: list[LeaveReason] = []

    class Lobby(ApplicationExtension):
        def init(self) -> None:
            self.every(1, lambda: None)

        def on_disconnect(self, user: User, reason: LeaveReason) -> None:
            left.append(reason)

    server = Server(limits=LIMITS)
    server.add_application(APP, Lobby)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="address already in use"):
            await server.start("127.0.0.1", taken.getsockname()[1])

    assert (0, False) == (len(server.runtime.timers), server.is_running)


async def test_a_server_that_never_started_stops() -> None:
    await one_application().stop()


async def test_files_are_served_beside_the_endpoint(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    (tmp_path / "index.html").write_text("<p>our page")
    (tmp_path / "style.css").write_text("p {}")
    for path in ("/", "/goroom"):
        server = one_application()
        port = await server.start("127.0.0.1", 0, path=path, static=tmp_path)
        url = f"http://127.0.0.1:{port}"
        for place, text in (("/", "<p>our page"), ("/style.css", "p {}")):
            async with session.get(url + place) as response:
                assert text == await response.text()
                assert "nosniff" == response.headers["X-Content-Type-Options"]
        async with session.get(url + "/../etc/passwd") as response:
            assert 404 == response.status
        assert 200 == await log_in(session, url + path)
        await server.stop()


async def test_a_folder_without_an_index_leaves_the_page_that_helps(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    server = one_application()
    port = await server.start("127.0.0.1", 0, static=tmp_path)
    async with session.get(f"http://127.0.0.1:{port}/") as response:
        assert "goroom endpoint" in await response.text()
    headers = {"Accept": "text/html"}
    async with session.get(f"http://127.0.0.1:{port}/", headers=headers) as response:
        assert "text/html" == response.content_type
        assert f"<li>{APP}</li>" in await response.text()
    await server.stop()


async def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no folder"):
        await one_application().start(port=0, static=tmp_path / "nowhere")


async def test_many_messages_of_one_connection_hold_up_nobody_else() -> None:
    async with SocketStage(one_application()) as stage:
        ann = await stage.player("ann")
        for number in range(200):
            ann.send_frame(eventType=3, appName=APP, id=1000 + number)
        numbers = [(await ann.expect_event(goroom.EventType.JOIN_APP))["id"] for _ in range(200)]

        assert list(range(1000, 1200)) == numbers


async def test_a_cut_while_on_connect_waits_leaves_nothing() -> None:
    diary = Diary()
    diary.hold("on_connect")
    async with SocketStage(make_server(diary)) as stage:
        ann = await stage.connect(application=APP)
        await ann.cut()
        diary.let_go("on_connect")
        await asyncio.wait_for(_nobody(stage.server), 5)

        assert {} == dict(stage.server.applications[APP].users)


async def _nobody(server: Server) -> None:
    while server.connections:  # noqa: ASYNC110 -- the server sets no event for tests
        await asyncio.sleep(0.001)


# -- init_func ----------------------------------------------------------------------------------


def test_init_func_takes_one_target_that_is_a_server_with_a_port(tmp_path: Path) -> None:
    good = tmp_path / "good_target.py"
    good.write_text("import goroom\nserver = goroom.Server()\n")
    core = tmp_path / "core_target.py"
    core.write_text("from goroom.server import Server\nserver = Server()\n")

    assert isinstance(goroom.init_func([str(good)]), web.Application)
    for argv, match in (
        ([], "one argument"),
        ([str(tmp_path / "none.py")], "no file"),
        ([str(core)], "without a port"),
    ):
        with pytest.raises(SystemExit, match=match):
            goroom.init_func(argv)
