"""The aiohttp edge: endpoints, pages, mounts; over real sockets of this machine."""

from __future__ import annotations

import gc
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import structlog
from aiohttp import web

from goroom import (
    ApplicationExtension,
    Limits,
    Server,
    User,
    get_server,
    init_func,
    process,
    setup,
)
from goroom.files import CLIENT_SCRIPT
from goroom.wire import JsonDialect
from tests.edge import LIMITS, LOGIN, chess_server, logs_in, upgrade_status

Mounted = Callable[[web.Application], Any]


# -- mounts ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "taken"),
    [
        ("/", ["/", "/chess"]),
        ("/goroom", ["/goroom", "/goroom/", "/goroom/chess"]),
    ],
)
async def test_setup_takes_sockets_at_its_path_beside_other_routes(
    aiohttp_server: Mounted, session: aiohttp.ClientSession, path: str, taken: list[str]
) -> None:
    async def hello(_: web.Request) -> web.Response:
        return web.Response(text="hello")

    app = web.Application()
    app.router.add_get("/hello", hello)
    setup(app, chess_server(), path=path)
    site = await aiohttp_server(app)

    assert [1] * len(taken) == [await logs_in(session, site.make_url(at)) for at in taken]
    async with session.get(site.make_url("/hello")) as response:
        assert "hello" == await response.text()
    async with session.get(site.make_url(path.rstrip("/") + "/goroom.js")) as response:
        assert CLIENT_SCRIPT.read_text("utf-8") == await response.text()
        assert "text/javascript; charset=utf-8" == response.headers["Content-Type"]


async def test_make_app_is_a_sub_application(
    aiohttp_server: Mounted, session: aiohttp.ClientSession
) -> None:
    app = web.Application()
    app.add_subapp("/games/", chess_server().make_app())
    site = await aiohttp_server(app)

    assert 1 == await logs_in(session, site.make_url("/games/"))
    assert 1 == await logs_in(session, site.make_url("/games/chess"))
    assert 404 == await upgrade_status(session, str(site.make_url("/games")))
    async with session.get(site.make_url("/games/goroom.js")) as response:
        assert 200 == response.status


def test_a_mount_path_begins_with_a_slash() -> None:
    with pytest.raises(ValueError, match="path begins with a slash, unlike 'goroom'"):
        setup(web.Application(), chess_server(), path="goroom")


def test_a_server_is_mounted_once() -> None:
    server = chess_server()
    server.make_app()

    with pytest.raises(RuntimeError, match="a server is mounted once: make a new one"):
        setup(web.Application(), server)


async def test_a_view_finds_the_server_that_is_mounted(
    aiohttp_server: Mounted, session: aiohttp.ClientSession
) -> None:
    first, second = chess_server(), chess_server()
    key = web.AppKey("second", Server)
    found = []

    async def look(request: web.Request) -> web.Response:
        found.extend([get_server(request), get_server(request, app_key=key)])
        return web.Response()

    app, nested = web.Application(), web.Application()
    setup(app, first)
    setup(app, second, path="/second", app_key=key)
    nested.router.add_get("/look", look)
    app.add_subapp("/nested/", nested)
    site = await aiohttp_server(app)
    async with session.get(site.make_url("/nested/look")) as response:
        assert 200 == response.status

    assert [first, second] == found


async def test_a_view_is_told_that_no_server_is_mounted(
    aiohttp_server: Mounted, session: aiohttp.ClientSession
) -> None:
    async def look(request: web.Request) -> web.Response:
        with pytest.raises(RuntimeError, match="no goroom server here"):
            get_server(request)
        return web.Response(text="told")

    app = web.Application()
    app.router.add_get("/", look)
    site = await aiohttp_server(app)

    async with session.get(site.make_url("/")) as response:
        assert "told" == await response.text()


async def test_no_local_variable_is_logged_wherever_a_server_is_mounted(
    aiohttp_server: Mounted,
    session: aiohttp.ClientSession,
    capfd: pytest.CaptureFixture[str],
) -> None:
    class Leaky(ApplicationExtension):
        async def on_login(self, user: User, credentials: dict[str, object]) -> None:
            raise LookupError("no such table")

    server = Server()
    server.add_application("chess", Leaky)
    site = await aiohttp_server(server.make_app())
    async with session.ws_connect(site.make_url("/")) as socket:
        await socket.send_json(
            {**LOGIN, "data": {"username": "ada", "password": "open sesame"}},
        )
        await socket.receive_json()
    out, err = capfd.readouterr()

    assert "LookupError: no such table" in err
    assert "open sesame" not in out + err


async def test_a_programs_own_logs_are_kept(aiohttp_server: Mounted) -> None:
    with structlog.testing.capture_logs() as logs:
        await aiohttp_server(chess_server().make_app())

    assert "server_started" in [line["event"] for line in logs]


# -- start, stop, run ------------------------------------------------------------------------


async def test_a_started_server_serves_until_it_is_stopped(session: aiohttp.ClientSession) -> None:
    server = chess_server()
    port = await server.start("127.0.0.1", 0, path="/play")
    async with session.ws_connect(f"http://127.0.0.1:{port}/play") as socket:
        await server.stop()
        message = await socket.receive()

    assert (aiohttp.WSMsgType.CLOSE, 1001) == (message.type, message.data)
    with pytest.raises(aiohttp.ClientConnectionError):
        await logs_in(session, f"http://127.0.0.1:{port}/play")
    with pytest.raises(RuntimeError, match="a server starts once: make a new one"):
        await server.start("127.0.0.1", 0)


async def test_a_taken_port_is_an_error_and_nothing_is_left_running(
    start: Callable[..., Any],
) -> None:
    url = await start(chess_server())
    second = chess_server()

    with pytest.raises(OSError, match="address already in use"):
        await second.start("127.0.0.1", int(url.rpartition(":")[2]))
    assert not second.is_running


async def test_a_server_that_never_started_can_be_stopped() -> None:
    server = chess_server()
    await server.stop()

    assert not server.is_running


def test_run_serves_at_the_address_and_prints_where(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[Any] = []

    def serve(
        _: web.Application,
        host: str,
        port: int,
        started: Callable[[str], None],
        limits: Limits,
        *,
        uvloop: bool,
    ) -> None:
        seen.extend([host, port, limits, uvloop])
        started("http://127.0.0.1:99")

    monkeypatch.setattr(process, "serve", serve)
    chess_server().run("127.0.0.1", 99, path="/play")

    assert ["127.0.0.1", 99, LIMITS, False] == seen
    assert "goroom serves http://127.0.0.1:99/play (Ctrl+C stops it)\n" == capsys.readouterr().out


@pytest.mark.parametrize("tuned_gc", [True, False])
def test_run_tunes_the_collector_once_it_has_started_and_puts_it_back(
    *, monkeypatch: pytest.MonkeyPatch, tuned_gc: bool
) -> None:
    seen: list[tuple[int, ...]] = []

    def serve(*arguments: Any, **_: Any) -> None:
        started = arguments[3]
        seen.append(gc.get_threshold())
        started("http://127.0.0.1:99")
        seen.append(gc.get_threshold())

    monkeypatch.setattr(process, "serve", serve)
    before = gc.get_threshold()
    chess_server().run(tuned_gc=tuned_gc)
    starting, serving = seen

    assert (before, before) == (starting, gc.get_threshold())
    assert tuned_gc == (serving > before)


async def test_a_server_in_somebody_elses_process_leaves_its_collector_alone(
    start: Callable[..., Any], session: aiohttp.ClientSession
) -> None:
    before = gc.get_threshold(), gc.get_freeze_count()
    url = await start(chess_server())
    await logs_in(session, f"{url}/")

    assert before == (gc.get_threshold(), gc.get_freeze_count())


# -- endpoints -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "application", "said"),
    [
        ("play", None, "an endpoint's path begins with a slash, unlike 'play'"),
        ("/there", None, "there is an endpoint at '/there' already"),
        ("/go", "go", "there is no application 'go': add it first"),
    ],
)
def test_a_bad_endpoint_is_named(path: str, application: str | None, said: str) -> None:
    server = chess_server()
    server.add_endpoint("/there")

    with pytest.raises(ValueError, match=re.escape(said)):
        server.add_endpoint(path, application)


def test_an_endpoint_is_added_before_the_mount() -> None:
    server = chess_server()
    server.make_app()

    with pytest.raises(RuntimeError, match="add endpoints before"):
        server.add_endpoint("/late")


async def test_an_endpoint_has_an_application_a_dialect_and_a_path_of_its_own(
    start: Callable[..., Any], session: aiohttp.ClientSession
) -> None:
    server = chess_server()
    server.add_endpoint("/", "chess", JsonDialect)
    server.add_endpoint("/chess", "chess", limits=LIMITS)
    url = await start(server)
    async with session.ws_connect(f"{url}/", protocols=["goroom.msgpack"]) as socket:
        assert socket.protocol is None
        await socket.send_json({"eventType": 6, "data": {"username": "ada"}})
        reply = await socket.receive_json()

    assert ("chess", 200) == (reply["appName"], reply["code"])


@pytest.mark.parametrize(
    ("name", "quoted"), [("a b", "a%20b"), ("schön", "sch%C3%B6n"), ("{x}", "%7Bx%7D")]
)
async def test_an_application_has_its_path_whatever_its_name(
    start: Callable[..., Any], session: aiohttp.ClientSession, name: str, quoted: str
) -> None:
    server = chess_server()
    server.add_application(name)
    url = await start(server)

    assert 101 == await upgrade_status(session, f"{url}/{quoted}")


# -- pages -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accepts", "kind", "said"),
    [
        ("*/*", "text/plain", "connect a WebSocket to /play\nApplications: chess\n"),
        ("text/html,*/*", "text/html", "import { connect } from '/play/goroom.js'"),
    ],
)
async def test_a_plain_get_on_an_endpoint_is_helped(
    *,
    start: Callable[..., Any],
    session: aiohttp.ClientSession,
    accepts: str,
    kind: str,
    said: str,
) -> None:
    url = await start(chess_server(), path="/play")
    async with session.get(f"{url}/play", headers={"Accept": accepts}) as response:
        text = await response.text()

    assert (200, kind) == (response.status, response.content_type)
    assert said in text


async def test_a_folder_without_an_index_keeps_the_page_that_helps(
    start: Callable[..., Any], session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    url = await start(chess_server(), static=str(tmp_path))
    async with session.get(url) as response:
        text = await response.text()

    assert text.startswith("This is a goroom endpoint")


@pytest.mark.parametrize("options", [{}, {"path": "/play"}])
async def test_a_browser_that_asks_for_an_icon_is_told_that_there_is_none(
    start: Callable[..., Any],
    session: aiohttp.ClientSession,
    tmp_path: Path,
    options: dict[str, str],
) -> None:
    for more in ({}, {"static": tmp_path}):
        url = await start(chess_server(), **options, **more)
        async with session.get(f"{url}/favicon.ico") as response:
            assert (204, b"") == (response.status, await response.read())


async def test_an_authors_icon_is_sent(
    start: Callable[..., Any], session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    (tmp_path / "favicon.ico").write_bytes(b"icon")
    url = await start(chess_server(), static=tmp_path)
    async with session.get(f"{url}/favicon.ico") as response:
        assert (200, b"icon") == (response.status, await response.read())


# -- init_func -------------------------------------------------------------------------------


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a file with two servers in it."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    path = tmp_path / f"program_{tmp_path.name}.py"
    path.write_text(
        "import goroom, goroom.server\n"
        "server = goroom.Server()\n"
        "portless = goroom.server.Server()\n"
        "server.add_application('chess')\n",
        "utf-8",
    )
    return str(path)


async def test_init_func_makes_an_application_of_a_target(
    aiohttp_server: Mounted, session: aiohttp.ClientSession, target: str
) -> None:
    site = await aiohttp_server(init_func([target]))

    assert 1 == await logs_in(session, site.make_url("/"))


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ([], "takes one argument"),
        (["server", "server"], "takes one argument"),
        (["nothing"], "has no 'nothing'"),
        (["portless"], "is a server without a port"),
    ],
)
def test_init_func_says_what_is_wrong(target: str, attributes: list[str], said: str) -> None:
    with pytest.raises(SystemExit, match=re.escape(said)):
        init_func([f"{target}:{attribute}" for attribute in attributes])
