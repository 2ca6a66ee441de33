"""The WebSocket under a connection: how it opens, and all the ways it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from goroom.client import WebSocketTransport, transport
from goroom.errors import ConnectionLost

Behave = Callable[[web.WebSocketResponse, web.Request], Awaitable[None]]


@pytest.fixture
def stub(aiohttp_server: Any) -> Callable[..., Awaitable[str]]:
    """Return a function that serves one WebSocket behaviour and returns its URL."""

    async def serve(behave: Behave, protocols: tuple[str, ...] = ("goroom.json",)) -> str:
        async def handle(request: web.Request) -> web.WebSocketResponse:
            socket = web.WebSocketResponse(protocols=protocols, autoclose=False)
            await socket.prepare(request)
            await behave(socket, request)
            return socket

        site = web.Application()
        site.router.add_get("/", handle)
        running = await aiohttp_server(site)
        return f"ws://{running.host}:{running.port}/"

    return serve


async def echo(socket: web.WebSocketResponse, _request: web.Request) -> None:
    async for message in socket:
        await socket.send_str(message.data.upper())


async def test_frames_go_both_ways(stub: Any) -> None:
    link = await WebSocketTransport.open(await stub(echo))
    await link.send("hello")

    assert "HELLO" == await link.receive()
    await link.close()


async def test_a_closed_link_neither_sends_nor_receives(stub: Any) -> None:
    link = await WebSocketTransport.open(await stub(echo))
    await link.close()
    await link.close()

    with pytest.raises(ConnectionLost):
        await link.send("hello")
    with pytest.raises(ConnectionLost):
        await link.receive()


async def test_a_server_tells_why_it_closes(stub: Any) -> None:
    async def close(socket: web.WebSocketResponse, _request: web.Request) -> None:
        await socket.close(code=4010, message=b"slow_consumer")

    link = await WebSocketTransport.open(await stub(close))

    with pytest.raises(ConnectionLost) as caught:
        await link.receive()
    assert (4010, "slow_consumer") == (caught.value.code, caught.value.reason)
    await link.close()


async def test_a_link_that_just_goes_is_1006(stub: Any) -> None:
    async def cut(_socket: web.WebSocketResponse, request: web.Request) -> None:
        assert request.transport is not None
        request.transport.abort()

    link = await WebSocketTransport.open(await stub(cut))

    with pytest.raises(ConnectionLost) as caught:
        await link.receive()
    assert 1006 == caught.value.code
    await link.close()


async def test_a_binary_frame_is_none_of_ours(stub: Any) -> None:
    async def send(socket: web.WebSocketResponse, _request: web.Request) -> None:
        await socket.send_bytes(b"\x00")
        await socket.receive()

    link = await WebSocketTransport.open(await stub(send))

    with pytest.raises(ConnectionLost) as caught:
        await link.receive()
    assert 1003 == caught.value.code
    await link.close()


async def test_a_server_that_speaks_something_else_is_left(stub: Any) -> None:
    url = await stub(echo, protocols=("chat",))

    with pytest.raises(ConnectionLost, match=r"does not speak goroom\.json"):
        await WebSocketTransport.open(url)


async def test_where_nobody_listens_nothing_opens(unused_tcp_port: int) -> None:
    with pytest.raises(ConnectionLost, match="cannot connect to ws://127") as caught:
        await WebSocketTransport.open(f"ws://127.0.0.1:{unused_tcp_port}/")
    assert isinstance(caught.value.__cause__, aiohttp.ClientConnectorError)


async def test_what_is_no_url_cannot_be_opened() -> None:
    with pytest.raises(ConnectionLost, match="cannot connect to nowhere"):
        await WebSocketTransport.open("nowhere")


async def test_a_page_is_no_endpoint(stub: Any) -> None:
    with pytest.raises(ConnectionLost, match="404"):
        await WebSocketTransport.open(await stub(echo) + "missing")


async def test_a_session_that_was_lent_stays_open(stub: Any) -> None:
    async with aiohttp.ClientSession() as session:
        link = await WebSocketTransport.open(await stub(echo), session)
        await link.close()

        assert not session.closed


async def test_a_close_wakes_who_receives(stub: Any) -> None:
    link = await WebSocketTransport.open(await stub(echo))
    reader = asyncio.create_task(link.receive())
    await asyncio.sleep(0)
    await link.close(1000)

    with pytest.raises(ConnectionLost):
        await reader


async def test_a_server_that_does_not_answer_a_close_is_cut(
    stub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "CLOSE_SECONDS", 0.01)
    is_gone = asyncio.Event()

    async def chatter(socket: web.WebSocketResponse, request: web.Request) -> None:
        # It goes on talking and never reads the close.
        try:
            while True:
                await socket.send_str("on and on")
                await asyncio.sleep(0)
        finally:
            is_gone.set()

    link = await WebSocketTransport.open(await stub(chatter))
    await link.close()

    await asyncio.wait_for(is_gone.wait(), 10)


async def test_a_reason_is_cut_to_what_a_close_frame_holds(stub: Any) -> None:
    closed: asyncio.Future[tuple[int | None, str]] = asyncio.get_running_loop().create_future()

    async def listen(socket: web.WebSocketResponse, _request: web.Request) -> None:
        message = await socket.receive()
        closed.set_result((message.data, message.extra or ""))
        await socket.close()

    link = await WebSocketTransport.open(await stub(listen))
    await link.close(1002, "é" * 200)

    assert (1002, "?" * 123) == await closed
