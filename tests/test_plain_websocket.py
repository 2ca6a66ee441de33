"""The public way to read aiohttp's WebSockets serves as the other one does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from goroom import frame_reader
from tests.edge import LOGIN, chess_server


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
