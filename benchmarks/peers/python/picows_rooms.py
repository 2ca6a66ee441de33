"""
picows, after https://picows.readthedocs.io/en/stable/introduction.html.

Its listener sends each frame to everybody in the room that the path names.
"""

from __future__ import annotations

from collections import defaultdict

from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server
from serving import HOST, serve, versions

rooms: defaultdict[bytes, set[WSTransport]] = defaultdict(set)


class Member(WSListener):  # type: ignore[misc]  # picows has no types
    """One connection."""

    def __init__(self, room: set[WSTransport]) -> None:
        super().__init__()
        self._room = room

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Join the room."""
        self._room.add(transport)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Send a message to everybody in the room, and answer what else there is."""
        if frame.msg_type == WSMsgType.TEXT:
            message = frame.get_payload_as_bytes()
            for peer in self._room:
                peer.send(WSMsgType.TEXT, message)
        elif frame.msg_type == WSMsgType.PING:
            transport.send_pong(frame.get_payload_as_bytes())
        elif frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """Leave the room."""
        self._room.discard(transport)


def member(request: WSUpgradeRequest) -> Member:
    """Return who listens to a new connection."""
    return Member(rooms[request.path])


async def start() -> int:
    """Listen on a free port, and return it."""
    server = await ws_create_server(member, HOST, 0)
    port: int = server.sockets[0].getsockname()[1]
    return port


if __name__ == "__main__":
    serve(start, versions("picows"))
