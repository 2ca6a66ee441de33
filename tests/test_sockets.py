"""Sockets: who may open a WebSocket, its upgrade, and its end, in both ways to read."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from goroom import setup, sockets
from goroom.plain_websocket import MESSAGES_IN_A_ROW
from goroom.testing import SocketStage
from goroom.websocket import NOT_SENT_BYTES
from tests.diary import APP, Diary, make_server
from tests.edge import LOGIN, Hall, chess_server, upgrade_status
from tests.links import (
    Office,
    answers,
    dial,
    login,
    masked,
    nobody,
    office,
    opened,
    post_of,
    post_server,
    reading,
    said,
    until,
    upgrade,
)
from tests.websocket import CLOSE, PING, Closed, WebSocket

__all__ = ["reading"]  # a fixture

Mounted = Callable[[web.Application], Any]

pytestmark = pytest.mark.usefixtures("reading")

NORMAL = masked(CLOSE, b"\x03\xe8")


@pytest.fixture
async def desk() -> AsyncIterator[Office]:
    """A running server of which nothing may be left."""
    async with office() as running:
        yield running


async def test_a_page_of_another_origin_is_refused_with_403(
    start: Callable[..., Any], session: aiohttp.ClientSession
) -> None:
    server = chess_server(origins=["https://play.example"])
    server.add_endpoint("/open", origins=["*"])
    server.add_endpoint("/cookies", uses_cookies=True)
    url = await start(server)
    evil, good = "https://evil.example", "https://play.example"

    assert 403 == await upgrade_status(session, url, Origin=evil)
    assert 101 == await upgrade_status(session, url, Origin=good)
    assert 101 == await upgrade_status(session, f"{url}/open", Origin=evil)
    assert 403 == await upgrade_status(session, f"{url}/cookies", Origin=good)
    assert 101 == await upgrade_status(session, f"{url}/cookies", Origin=url)


async def test_a_program_without_origin_is_refused_where_a_cookie_logs_in(
    start: Callable[..., Any], session: aiohttp.ClientSession
) -> None:
    server = chess_server()
    server.add_endpoint("/cookies", uses_cookies=True)
    url = await start(server)

    assert 403 == await upgrade_status(session, f"{url}/cookies", Cookie="AccessToken=x")
    assert 101 == await upgrade_status(session, f"{url}/cookies")


async def test_only_who_brings_no_cookie_is_forgiven_a_careless_origin(
    start: Callable[..., Any], session: aiohttp.ClientSession
) -> None:
    server = chess_server()
    server.add_endpoint("/cookies", uses_cookies=True)
    url = await start(server)
    careless = f"{url}/"

    assert 403 == await upgrade_status(
        session, f"{url}/cookies", Origin=careless, Cookie="AccessToken=x"
    )
    assert 101 == await upgrade_status(session, f"{url}/cookies", Origin=careless)


async def test_a_stopping_server_answers_503(
    start: Callable[..., Any], session: aiohttp.ClientSession, aiohttp_server: Mounted
) -> None:
    server = chess_server()
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
        status = await upgrade_status(session, str(site.make_url("/goroom")))
        hall.goes_on.set()
        await stopping

    assert 503 == status


@pytest.mark.parametrize(
    ("sent", "answered"), [(1000, 1000), (1003, 1003), (4999, 4999), (1011, 1000)]
)
async def test_a_close_is_answered_with_its_code_where_that_may_be_sent(
    start: Callable[..., Any], session: aiohttp.ClientSession, sent: int, answered: int
) -> None:
    url = await start(chess_server())
    async with session.ws_connect(url, autoclose=False) as socket:
        await socket._writer.close(sent)
        message = await socket.receive()

    assert (aiohttp.WSMsgType.CLOSE, answered) == (message.type, message.data)


async def test_a_ping_is_answered_and_a_pong_taken(
    start: Callable[..., Any], session: aiohttp.ClientSession
) -> None:
    url = await start(chess_server())
    async with session.ws_connect(url, autoping=False) as socket:
        await socket.pong(b"unasked")
        await socket.ping(b"there?")
        message = await socket.receive()

    assert (aiohttp.WSMsgType.PONG, b"there?") == (message.type, message.data)


async def test_many_messages_in_a_row_are_answered_in_order(
    start: Callable[..., Any], session: aiohttp.ClientSession
) -> None:
    url = await start(chess_server())
    count = 2 * MESSAGES_IN_A_ROW
    async with session.ws_connect(url, protocols=["goroom.json"]) as socket:
        for number in range(1, count + 1):
            await socket.send_json({"eventType": 3, "appName": "chess", "id": number})
        replies = [await socket.receive_json() for _ in range(count)]

    assert list(range(1, count + 1)) == [reply["id"] for reply in replies]


async def test_a_cut_while_on_connect_waits_leaves_nothing() -> None:
    diary = Diary()
    diary.hold("on_connect")
    async with SocketStage(make_server(diary)) as stage:
        ann = await stage.connect(application=APP)
        await ann.cut()
        diary.let_go("on_connect")
        await asyncio.wait_for(nobody(stage.server), 5)

        assert {} == dict(stage.server.applications[APP].users)


async def test_a_cut_while_a_handler_waits_is_noticed(
    start: Callable[..., Any], session: aiohttp.ClientSession
) -> None:
    server = chess_server()
    url = await start(server)
    application = server.applications["chess"]
    hall = application.extension
    assert isinstance(hall, Hall)
    async with session.ws_connect(url, protocols=["goroom.json"]) as socket:
        await socket.send_json({**LOGIN, "data": {"username": "ada", "resume": True}})
        await socket.send_json({"eventType": 11, "appName": "chess", "action": "wait", "id": 2})
        await hall.waits.wait()
        assert session.connector is not None
        await session.connector.close()
        await asyncio.wait_for(nobody(server), 5)

    assert application.users["ada"].is_away
    assert not hall.goes_on.is_set()
    hall.goes_on.set()


@pytest.mark.skipif(not hasattr(socket, "TCP_NOTSENT_LOWAT"), reason="the system has no such bound")
async def test_the_system_may_hold_little_that_the_peer_has_not_taken(desk: Office) -> None:
    link = await opened(desk.port)
    await until(lambda: desk.server.connections)
    transport: Any = desk.connection.transport
    raw = transport._transport.get_extra_info("socket")
    held = raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT)
    link.abort()

    assert NOT_SENT_BYTES == held


# -- the upgrade -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "request_",
    [
        upgrade(method="HEAD"),
        upgrade(version="1.0"),
        upgrade(Sec_WebSocket_Key="\xff" * 24),
        upgrade(Sec_WebSocket_Key="short"),
        upgrade(Upgrade="h2c"),
    ],
    ids=["HEAD", "HTTP/1.0", "key of no ASCII", "short key", "h2c"],
)
async def test_who_does_not_ask_rightly_gets_a_page(
    desk: Office, request_: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    status = await _status(desk.port, request_)

    assert 200 == status
    assert [] == caplog.records


@pytest.mark.parametrize(
    "request_",
    [
        upgrade(Content_Length="9") + b"only a pa",
        upgrade(Content_Length="9") + b"part",
        upgrade(Transfer_Encoding="chunked") + b"4\r\npart",
    ],
    ids=["whole", "part", "chunked"],
)
async def test_a_request_with_a_body_is_refused(desk: Office, request_: bytes) -> None:
    assert 400 == await _status(desk.port, request_)


async def _status(port: int, request: bytes) -> int:
    reader, writer = await dial(port)
    writer.write(request)
    status = (await asyncio.wait_for(reader.readline(), 5)).split()[1]
    writer.close()
    return int(status)


async def test_what_follows_a_refused_body_is_not_read(desk: Office) -> None:
    reader, writer = await dial(desk.port)
    writer.write(upgrade(Content_Length="9") + b"part")
    await reader.readuntil(b"\r\n\r\n")
    writer.write(upgrade())

    assert b"101" not in await asyncio.wait_for(reader.read(), 5)
    writer.close()


async def test_what_follows_the_upgrade_is_read_wherever_it_is_cut(desk: Office) -> None:
    head = upgrade()
    data = head + login() + masked(PING, b"?") + said("note", 2) + NORMAL
    for cut in [*range(1, len(head), 40), *range(len(head) - 3, len(data))]:
        reader, writer = await dial(desk.port)
        for piece in (data[:cut], data[cut:]):
            writer.write(piece)
            await _served()
        await reader.readuntil(b"\r\n\r\n")

        assert ([1, 2], Closed(1000)) == await answers(WebSocket(reader, writer, "")), cut
        await nobody(desk.server)


async def test_bytes_may_come_one_by_one(desk: Office) -> None:
    reader, writer = await dial(desk.port)
    for byte in upgrade() + login() + said("note", 2) + NORMAL:
        writer.write(bytes((byte,)))
        await _served()
    await reader.readuntil(b"\r\n\r\n")

    assert ([1, 2], Closed(1000)) == await answers(WebSocket(reader, writer, ""))


async def _served() -> None:
    """Let the server, on this loop, read what was written."""
    for _ in range(3):
        await asyncio.sleep(0)


async def test_what_comes_while_on_connect_waits_is_handled_behind_it(desk: Office) -> None:
    desk.post.open_door.clear()
    socket = await opened(desk.port, login() + said("note", 2)[:-3])
    await desk.post.has_come.wait()
    socket.send_bytes(said("note", 2)[-3:] + said("note", 3))
    socket.send_bytes(said("note", 4) + NORMAL)
    await _served()
    assert [] == desk.post.noted
    desk.post.open_door.set()

    assert ([1, 2, 3, 4], Closed(1000)) == await answers(socket)
    assert [2, 3, 4] == desk.post.noted


async def test_one_whose_upgrade_is_under_way_when_the_server_stops_is_told_so(
    aiohttp_server: Mounted, caplog: pytest.LogCaptureFixture
) -> None:
    server = post_server()
    app = web.Application()
    setup(app, server, path="/")

    async def stop(_request: web.Request, _response: web.StreamResponse) -> None:
        await server.close()

    app.on_response_prepare.append(stop)
    site = await aiohttp_server(app)
    socket = await opened(site.port, login())

    assert ([], Closed(1001, "the server stops")) == await answers(socket)
    assert [] == caplog.records


@pytest.mark.parametrize("is_cancelled_with_its_client", [False, True])
async def test_a_middleware_that_takes_its_time_is_not_cancelled_by_the_upgrade(
    *, is_cancelled_with_its_client: bool
) -> None:
    ended: list[str] = []
    goes_on = asyncio.Event()

    @web.middleware
    async def slowly(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        try:
            return await handler(request)
        finally:
            try:
                await goes_on.wait()
                ended.append("in peace")
            except asyncio.CancelledError:
                ended.append("cancelled")
                raise

    server = post_server()
    app = web.Application(middlewares=[slowly])
    app.add_subapp("/nested/", server.make_app())
    runner = web.AppRunner(app, handler_cancellation=is_cancelled_with_its_client)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    reader, writer = await dial(int(runner.addresses[0][1]))
    writer.write(upgrade("/nested/post") + login() + said("note", 2))
    await reader.readuntil(b"\r\n\r\n")
    socket = WebSocket(reader, writer, "")
    first = [await socket.receive(), await socket.receive()]
    socket.send_bytes(said("note", 3) + NORMAL)
    rest = await answers(socket)
    goes_on.set()
    await nobody(server)
    await runner.cleanup()

    assert 2 == len(first)
    assert ([3], Closed(1000)) == rest
    assert [2, 3] == post_of(server).noted
    assert ["in peace"] == ended


@pytest.mark.parametrize("answer", [web.Response(text="no"), web.HTTPNotFound(), LookupError("x")])
async def test_what_a_middleware_does_behind_the_upgrade_reaches_no_websocket(
    aiohttp_server: Mounted, answer: web.Response | Exception
) -> None:
    @web.middleware
    async def meddling(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        await handler(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    server = post_server()
    app = server.make_app()
    app.middlewares.append(meddling)
    site = await aiohttp_server(app)
    socket = await opened(site.port, login())
    await socket.receive()
    await _served()
    socket.send_bytes(said("note", 2) + NORMAL)

    assert ([2], Closed(1000)) == await answers(socket)
    await nobody(server)


async def test_a_link_that_becomes_no_websocket_is_closed(
    desk: Office, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        def __init__(self, *_: object) -> None:
            raise LookupError("a bug")

    monkeypatch.setattr(sockets, "WebSocket", Broken)
    monkeypatch.setattr(sockets, "PlainTransport", Broken)
    socket = await opened(desk.port)

    assert Closed(None) == await socket.receive()
    assert [logging.ERROR] == [record.levelno for record in caplog.records]
