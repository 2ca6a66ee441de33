"""A server with one fault, to be found: ``faulty_rooms.py FAULT ROOMS MEMBERS``."""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

from aiohttp import WSMsgType, web

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks/peers/python"))

from serving import HOST, serve

FAULT = sys.argv[1]
TENTH = 10
"""The fault is made once, early enough that others follow."""
SENDER = slice(len('{"text":"@'), len('{"text":"@123456'))

rooms: defaultdict[str, list[web.WebSocketResponse]] = defaultdict(list)
count = 0
late: dict[web.WebSocketResponse, str] = {}


async def pass_on(request: web.Request) -> web.WebSocketResponse:
    global count  # noqa: PLW0603 -- one server, one fault
    ws = web.WebSocketResponse()
    await ws.prepare(request)
    members = rooms[request.path]
    members.append(ws)
    async for message in ws:
        if message.type != WSMsgType.TEXT:
            continue
        count += 1
        for peer in list(members):
            # The fault hits the last member only: the sender is the first, and goes on.
            is_hit = peer is members[-1] and count == TENTH
            await send(peer, message.data, fault=FAULT if is_hit else "")
    return ws


async def send(peer: web.WebSocketResponse, text: str, *, fault: str) -> None:
    if fault == "close":
        await peer.close()
    elif fault in {"reorder", "disorder"}:
        late[peer] = text
    elif fault != "lose" and not peer.closed:
        held = late.pop(peer, "")
        # Turned round with a message of the same sender, it would be the other fault.
        is_first = FAULT == "disorder" and held[SENDER] == text[SENDER]
        texts = [held, text] if is_first else [text, held]
        for one in texts if held else [text]:
            await peer.send_str(one)
        if fault == "double":
            await peer.send_str(text)
        if fault == "stray":
            await next(others[0] for others in rooms.values() if peer not in others).send_str(text)


async def start() -> int:
    app = web.Application()
    app.router.add_get("/{room}", pass_on)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, HOST, 0).start()
    port: int = runner.addresses[0][1]
    return port


if __name__ == "__main__":
    serve(start, {})
