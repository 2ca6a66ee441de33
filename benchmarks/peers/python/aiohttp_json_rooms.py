"""
aiohttp as a program of rooms uses it.

After https://docs.aiohttp.org/en/stable/web_quickstart.html#websockets, with `receive_json`,
`send_json` and `heartbeat` of its reference. Messages are JSON, as they must be read to know what
is asked: a client says who it is and which room it wants, and is answered; what it says then is
passed on with its name. Without order, history, limits or checks.
"""

from __future__ import annotations

import json
from collections import defaultdict

from aiohttp import WSMsgType, web
from serving import serve, versions
from serving_aiohttp import listen

HEARTBEAT_SECONDS = 20.0

rooms: defaultdict[str, set[web.WebSocketResponse]] = defaultdict(set)


async def pass_on(request: web.Request) -> web.WebSocketResponse:
    """Take a client in, then send what it says to everybody in its room."""
    ws = web.WebSocketResponse(heartbeat=HEARTBEAT_SECONDS)
    await ws.prepare(request)
    wanted = await ws.receive_json()
    room = rooms[wanted["room"]]
    room.add(ws)
    try:
        await ws.send_json({"joined": wanted["room"], "members": len(room)})
        async for message in ws:
            if message.type == WSMsgType.TEXT:
                said = message.json()
                text = json.dumps({"action": "said", "sender": wanted["name"], "data": said["say"]})
                for peer in list(room):
                    await peer.send_str(text)
    finally:
        room.discard(ws)
    return ws


async def start() -> int:
    """Listen on a free port, and return it."""
    app = web.Application()
    app.router.add_get("/", pass_on)
    return await listen(app)


if __name__ == "__main__":
    serve(start, versions("aiohttp"))
