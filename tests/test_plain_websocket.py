"""The public way to read aiohttp's WebSockets serves as the other one does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from goroom import frame_reader
from goroom.plain_websocket import MESSAGES_IN_A_ROW, read
from tests.edge import LOGIN, chess_server
from tests.links import login, office, opened


class Endless:
    """A socket on which pings have come without end."""

    received = 0

    async def receive(self) -> aiohttp.WSMessage:
        self.received += 1
        return aiohttp.WSMessage(aiohttp.WSMsgType.PING, b"", None)


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame_reader, "IS_USABLE", False)


async def test_it_serves_and_closes(
    start: Callable[..., Any], session: aiohttp.ClientSession
) -> None:
    server = chess_server()
    url = await start(server)
    async with session.ws_connect(url, protocols=["goroom.json"], autoclose=False) as socket:
        await socket.send_json(LOGIN)
        answer = await socket.receive_json()
        users = set(server.applications["chess"].users)
        await socket._writer.close(4999)
        closed = await socket.receive()

    assert 6 == answer["eventType"]
    assert {"ada"} == users
    assert (aiohttp.WSMsgType.CLOSE, 4999) == (closed.type, closed.data)


async def test_control_frames_without_end_leave_room_for_others() -> None:
    async with office() as desk:
        socket = await opened(desk.port, login())
        await socket.receive()
        endless = Endless()
        reading = asyncio.create_task(read(endless, desk.connection))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        received = endless.received
        reading.cancel()
        await asyncio.wait({reading})
        socket.abort()

    assert 0 < received <= MESSAGES_IN_A_ROW
