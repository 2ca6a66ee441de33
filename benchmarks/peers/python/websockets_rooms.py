"""
websockets, after https://websockets.readthedocs.io/en/stable/topics/broadcast.html.

Its ``broadcast`` sends to everybody in the room that the path names. Heartbeat as by default.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict

from serving import HOST, serve, versions
from websockets.asyncio.server import ServerConnection, broadcast
from websockets.asyncio.server import serve as listen
from websockets.exceptions import ConnectionClosed

rooms: defaultdict[str, set[ServerConnection]] = defaultdict(set)


async def pass_on(connection: ServerConnection) -> None:
    """Send each message to everybody in the room."""
    assert connection.request is not None  # noqa: S101 -- the handshake is over
    room = rooms[connection.request.path]
    room.add(connection)
    with contextlib.suppress(ConnectionClosed):
        async for message in connection:
            broadcast(room, message)
    room.discard(connection)


async def start() -> int:
    """Listen on a free port, and return it."""
    server = await listen(pass_on, HOST, 0, compression=None)
    port: int = next(iter(server.sockets)).getsockname()[1]
    return port


if __name__ == "__main__":
    serve(start, versions("websockets"))
