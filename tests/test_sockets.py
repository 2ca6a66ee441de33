"""One WebSocket of aiohttp: who may open it, how it is read and closed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from goroom import Server, setup
from goroom.plain_websocket import MESSAGES_IN_A_ROW
from goroom.testing import SocketStage
from tests.diary import APP, Diary, make_server
from tests.edge import LOGIN, Hall, chess_server, upgrade_status

Mounted = Callable[[web.Application], Any]


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
        await asyncio.wait_for(_nobody(stage.server), 5)

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
        await asyncio.wait_for(_nobody(server), 5)

    assert application.users["ada"].is_away
    assert not hall.goes_on.is_set()
    hall.goes_on.set()


async def _nobody(server: Server) -> None:
    while server.connections:  # noqa: ASYNC110 -- the server sets no event for tests
        await asyncio.sleep(0.001)
