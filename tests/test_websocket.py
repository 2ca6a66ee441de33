"""WebSocket: one taken-over TCP connection, between aiohttp's upgrade and its end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from goroom.websocket import BYTES_IN_A_ROW, echoed
from tests.edge import LOGIN, chess_server


@pytest.mark.parametrize(
    ("sent", "answered"), [(None, 1000), (0, 1000), (1000, 1000), (1006, 1000), (3000, 3000)]
)
def test_a_close_code_is_echoed_where_it_may_be_sent(sent: int | None, answered: int) -> None:
    assert answered == echoed(sent)


async def test_much_at_once_is_answered_in_order_and_others_are_served_meanwhile(
    start: Callable[..., Any], session: aiohttp.ClientSession
) -> None:
    url = await start(chess_server())
    frame = {"eventType": 3, "appName": "chess"}
    count = 4 * BYTES_IN_A_ROW // len(json.dumps(frame))
    async with (
        session.ws_connect(url, protocols=["goroom.json"]) as many,
        session.ws_connect(url, protocols=["goroom.json"]) as other,
    ):
        await asyncio.gather(
            *(many.send_json({**frame, "id": number}) for number in range(1, count + 1))
        )
        await other.send_json(LOGIN)
        answer = await other.receive_json()
        replies = [await many.receive_json() for _ in range(count)]

    assert 6 == answer["eventType"]
    assert list(range(1, count + 1)) == [reply["id"] for reply in replies]
