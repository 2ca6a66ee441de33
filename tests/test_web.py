"""The aiohttp edge: endpoints, pages, mounts; over real sockets of this machine."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from goroom import (
    ApplicationExtension,
    Limits,
    RoomExtension,
    Server,
    User,
    get_server,
    handles,
    init_func,
    setup,
)
from goroom.files import CLIENT_SCRIPT
from goroom.sockets import MESSAGES_IN_A_ROW
from goroom.testing import SocketStage
from goroom.wire import JsonDialect
from tests.diary import APP, Diary, make_server

LOGIN = {"eventType": 6, "appName": "chess", "data": {"username": "ada"}, "id": 1}
LIMITS = Limits(drain_seconds=2.0, close_seconds=0.2)
Mounted = Callable[[web.Application], Any]


class Hall(ApplicationExtension):
    """Waits where it is told to, so that a message can be under way."""

    async def init(self) -> None:
        self.goes_on = asyncio.Event()
        self.waits = asyncio.Event()

    @handles("wait")
    async def wait(self, user: User) -> None:
        self.waits.set()
        await self.goes_on.wait()


def _server(**options: Any) -> Server:
    server = Server(limits=LIMITS, **options)
    server.add_application("chess", Hall, rooms={"table": RoomExtension})
    return server


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """A client that keeps no connection alive after a response."""
    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(connector=connector) as opened:
        yield opened


@pytest.fixture
async def start(session: aiohttp.ClientSession) -> AsyncIterator[Callable[..., Any]]:
    """Start a server on a free port and return its URL without a path; stop it at the end."""
    started = []

    async def begin(server: Server, **options: Any) -> str:
        started.append(server)
        return f"http://127.0.0.1:{await server.start('127.0.0.1', 0, **options)}"

    yield begin
    for server in started:
        await server.stop()


async def _logs_in(session: aiohttp.ClientSession, url: Any) -> int:
    async with session.ws_connect(url, protocols=["goroom.json"]) as socket:
        await socket.send_json(LOGIN)
        reply = await socket.receive_json()
    return int(reply["id"])


async def _upgrade_status(session: aiohttp.ClientSession, url: str, **headers: str) -> int:
    try:
        async with session.ws_connect(url, headers=headers):
            return 101
    except aiohttp.WSServerHandshakeError as refusal:
        return refusal.status


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
    setup(app, _server(), path=path)
    site = await aiohttp_server(app)

    assert [1] * len(taken) == [await _logs_in(session, site.make_url(at)) for at in taken]
    async with session.get(site.make_url("/hello")) as response:
        assert "hello" == await response.text()
    async with session.get(site.make_url(path.rstrip("/") + "/goroom.js")) as response:
        assert CLIENT_SCRIPT.read_text("utf-8") == await response.text()
        assert "text/javascript; charset=utf-8" == response.headers["Content-Type"]


async def test_make_app_is_a_sub_application(
    aiohttp_server: Mounted, session: aiohttp.ClientSession
) -> None:
    app = web.Application()
    app.add_subapp("/games/", _server().make_app())
    site = await aiohttp_server(app)

    assert 1 == await _logs_in(session, site.make_url("/games/"))
    assert 1 == await _logs_in(session, site.make_url("/games/chess"))
    assert 404 == await _upgrade_status(session, str(site.make_url("/games")))
    async with session.get(site.make_url("/games/goroom.js")) as response:
        assert 200 == response.status


def test_a_mount_path_begins_with_a_slash() -> None:
    with pytest.raises(ValueError, match="path begins with a slash, unlike 'goroom'"):
        setup(web.Application(), _server(), path="goroom")


def test_a_server_is_mounted_once() -> None:
    server = _server()
    server.make_app()

    with pytest.raises(RuntimeError, match="a server is mounted once: make a new one"):
        setup(web.Application(), server)


async def test_a_view_finds_the_server_that_is_mounted(
    aiohttp_server: Mounted, session: aiohttp.ClientSession
) -> None:
    first, second = _server(), _server()
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


# -- start, stop, run ------------------------------------------------------------------------


async def test_a_started_server_serves_until_it_is_stopped(session: aiohttp.ClientSession) -> None:
    server = _server()
    port = await server.start("127.0.0.1", 0, path="/play")
    async with session.ws_connect(f"http://127.0.0.1:{port}/play") as socket:
        await server.stop()
        message = await socket.receive()

    assert (aiohttp.WSMsgType.CLOSE, 1001) == (message.type, message.data)
    with pytest.raises(aiohttp.ClientConnectionError):
        await _logs_in(session, f"http://127.0.0.1:{port}/play")
    with pytest.raises(RuntimeError, match="a server starts once: make a new one"):
        await server.start("127.0.0.1", 0)


async def test_a_taken_port_is_an_error_and_nothing_is_left_running(
    start: Callable[..., Any],
) -> None:
    url = await start(_server())
    second = _server()

    with pytest.raises(OSError, match="address already in use"):
        await second.start("127.0.0.1", int(url.rpartition(":")[2]))
    assert not second.is_running


async def test_a_server_that_never_started_can_be_stopped() -> None:
    server = _server()
    await server.stop()

    assert not server.is_running


def test_run_hands_aiohttp_the_address_and_prints_where(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: dict[str, Any] = {}

    def run_app(app: web.Application, **options: Any) -> None:
        seen.update(options)
        options["print"]("======== Running on http://127.0.0.1:99 ========\n(Press CTRL+C to quit)")

    monkeypatch.setattr(web, "run_app", run_app)
    _server().run("127.0.0.1", 99, path="/play")

    assert ("127.0.0.1", 99, 2.0) == (seen["host"], seen["port"], seen["shutdown_timeout"])
    assert "goroom serves http://127.0.0.1:99/play (Ctrl+C stops it)\n" == capsys.readouterr().out


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
    server = _server()
    server.add_endpoint("/there")

    with pytest.raises(ValueError, match=re.escape(said)):
        server.add_endpoint(path, application)


def test_an_endpoint_is_added_before_the_mount() -> None:
    server = _server()
    server.make_app()

    with pytest.raises(RuntimeError, match="add endpoints before"):
        server.add_endpoint("/late")


async def test_an_endpoint_has_an_application_a_dialect_and_a_path_of_its_own(
    start: Callable[..., Any], session: aiohttp.ClientSession
) -> None:
    server = _server()
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
    server = _server()
    server.add_application(name)
    url = await start(server)

    assert 101 == await _upgrade_status(session, f"{url}/{quoted}")


async def test_a_page_of_another_origin_is_refused_with_403(
    start: Callable[..., Any], session: aiohttp.ClientSession
) -> None:
    server = _server(origins=["https://play.example"])
    server.add_endpoint("/open", origins=["*"])
    server.add_endpoint("/cookies", uses_cookies=True)
    url = await start(server)
    evil, good = "https://evil.example", "https://play.example"

    assert 403 == await _upgrade_status(session, url, Origin=evil)
    assert 101 == await _upgrade_status(session, url, Origin=good)
    assert 101 == await _upgrade_status(session, f"{url}/open", Origin=evil)
    assert 403 == await _upgrade_status(session, f"{url}/cookies", Origin=good)
    assert 101 == await _upgrade_status(session, f"{url}/cookies", Origin=url)


async def test_a_program_without_origin_is_refused_where_a_cookie_logs_in(
    start: Callable[..., Any], session: aiohttp.ClientSession
) -> None:
    server = _server()
    server.add_endpoint("/cookies", uses_cookies=True)
    url = await start(server)

    assert 403 == await _upgrade_status(session, f"{url}/cookies")


async def test_a_stopping_server_answers_503(
    start: Callable[..., Any], session: aiohttp.ClientSession, aiohttp_server: Mounted
) -> None:
    server = _server()
    app = web.Application()
    setup(app, server)
    site = await aiohttp_server(app)
    hall = server.applications["chess"].extension
    assert isinstance(hall, Hall)
    async with session.ws_connect(site.make_url("/goroom"), protocols=["goroom.json"]) as socket:
        await socket.send_json(LOGIN)
        await socket.send_json({"eventType": 11, "appName": "chess", "action": "wait"})
        await hall.waits.wait()
        stopping = asyncio.create_task(server.close())
        await asyncio.sleep(0)
        status = await _upgrade_status(session, str(site.make_url("/goroom")))
        hall.goes_on.set()
        await stopping

    assert 503 == status


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
    url = await start(_server(), path="/play")
    async with session.get(f"{url}/play", headers={"Accept": accepts}) as response:
        text = await response.text()

    assert (200, kind) == (response.status, response.content_type)
    assert said in text


@pytest.mark.parametrize("path", ["/", "/play"])
async def test_a_folder_is_served_with_its_index(
    start: Callable[..., Any], session: aiohttp.ClientSession, tmp_path: Path, path: str
) -> None:
    (tmp_path / "index.html").write_text("<!doctype html>index", "utf-8")
    (tmp_path / "style.css").write_text("p { color: red }" * 100, "utf-8")
    url = await start(_server(), path=path, static=tmp_path)

    for name, wanted in (("", "<!doctype html>index"), ("style.css", "p { color: red }" * 100)):
        async with session.get(f"{url}/{name}") as response:
            assert wanted == await response.text()
            assert "nosniff" == response.headers["X-Content-Type-Options"]
    assert "deflate" == response.headers["Content-Encoding"]
    assert 1 == await _logs_in(session, f"{url}{path}")


async def test_a_folder_without_an_index_keeps_the_page_that_helps(
    start: Callable[..., Any], session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    url = await start(_server(), static=str(tmp_path))
    async with session.get(url) as response:
        text = await response.text()

    assert text.startswith("This is a goroom endpoint")


@pytest.mark.parametrize("path", ["/", "/style.css", "/goroom.js"])
async def test_a_file_that_has_not_changed_is_answered_without_a_body(
    start: Callable[..., Any], tmp_path: Path, path: str
) -> None:
    (tmp_path / "index.html").write_text("<p>the page", "utf-8")
    (tmp_path / "style.css").write_text("/* the style */", "utf-8")
    url = await start(_server(), static=tmp_path)
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
        await _server().start("127.0.0.1", 0, static=tmp_path / "missing")


# -- one socket ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "answered"), [(1000, 1000), (1003, 1003), (4999, 4999), (1011, 1000)]
)
async def test_a_close_is_answered_with_its_code_where_that_may_be_sent(
    start: Callable[..., Any], session: aiohttp.ClientSession, sent: int, answered: int
) -> None:
    url = await start(_server())
    async with session.ws_connect(url, autoclose=False) as socket:
        await socket._writer.close(sent)
        message = await socket.receive()

    assert (aiohttp.WSMsgType.CLOSE, answered) == (message.type, message.data)


async def test_a_ping_is_answered_and_a_pong_taken(
    start: Callable[..., Any], session: aiohttp.ClientSession
) -> None:
    url = await start(_server())
    async with session.ws_connect(url, autoping=False) as socket:
        await socket.pong(b"unasked")
        await socket.ping(b"there?")
        message = await socket.receive()

    assert (aiohttp.WSMsgType.PONG, b"there?") == (message.type, message.data)


async def test_many_messages_in_a_row_are_answered_in_order(
    start: Callable[..., Any], session: aiohttp.ClientSession
) -> None:
    url = await start(_server())
    count = 2 * MESSAGES_IN_A_ROW
    async with session.ws_connect(url, protocols=["goroom.json"]) as socket:
        for number in range(1, count + 1):
            await socket.send_json({"eventType": 3, "appName": "chess", "id": number})
        replies = [await socket.receive_json() for _ in range(count)]

    assert list(range(1, count + 1)) == [reply["id"] for reply in replies]


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

    assert 1 == await _logs_in(session, site.make_url("/"))


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
