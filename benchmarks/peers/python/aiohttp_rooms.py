"""
Plain aiohttp, after https://docs.aiohttp.org/en/stable/web_quickstart.html#websockets.

It sends to everybody in the room that the path names, instead of to one, and reads no message: the
least that a program on aiohttp can do.
"""

from __future__ import annotations

from collections import defaultdict

from aiohttp import WSMsgType, web
from serving import serve, versions
from serving_aiohttp import listen

rooms: defaultdict[str, set[web.WebSocketResponse]] = defaultdict(set)


async def pass_on(request: web.Request) -> web.WebSocketResponse:
    """Send each message to everybody in the room."""
    ws = web.WebSocketResponse()
    await ws.prepare(request)
    room = rooms[request.match_info["room"]]
    room.add(ws)
    try:
        async for message in ws:
            if message.type == WSMsgType.TEXT:
                for peer in list(room):
                    await peer.send_str(message.data)
    finally:
        room.discard(ws)
    return ws


async def start() -> int:
    """Listen on a free port, and return it."""
    app = web.Application()
    app.router.add_get("/{room}", pass_on)
    return await listen(app)


if __name__ == "__main__":
    serve(start, versions("aiohttp"))
