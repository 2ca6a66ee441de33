"""Who is measured: how each server is started, and how its clients speak."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence

import attrs

from benchmarks.tools import (
    FOLDER,
    NODE_FOLDER,
    benchmark_python,
    compiled_goroom,
    node,
    program,
)

MARK = "@" + "-" * 30
"""Stands where the generator writes who sends, which of his messages it is, and when."""


@attrs.frozen
class Step:
    """One thing that a client does on its way into its room."""

    kind: str
    """``raw``, ``text`` and ``binary`` send; ``until``, ``upgrade`` and ``capture`` wait."""
    data: bytes = b""
    """``{user}``, ``{room}`` and ``{captured}`` in it are filled in for each client."""


def to_json(value: object) -> bytes:
    """Return *value* as JSON without blanks."""
    return json.dumps(value, separators=(",", ":")).encode()


def said(data_bytes: int) -> dict[str, str]:
    """Return what a member says, with the mark: *data_bytes* long as JSON."""
    filler = data_bytes - len(MARK) - len(to_json({"text": ""}))
    return {"text": MARK + "." * max(0, filler)}


def upgrade(path: str, port: int, subprotocol: str = "") -> list[Step]:
    """Return the opening handshake of a WebSocket."""
    wanted = f"Sec-WebSocket-Protocol: {subprotocol}\r\n" if subprotocol else ""
    request = (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        f"Sec-WebSocket-Version: 13\r\n{wanted}\r\n"
    )
    return [Step("raw", request.encode()), Step("upgrade")]


def to_path(port: int) -> list[Step]:
    """Return how a client goes to a room that the path names."""
    return upgrade("/{room}", port)


@attrs.frozen(kw_only=True)
class Peer:
    """One server, and how to talk to it."""

    name: str
    source: str
    """The page whose example it follows."""
    command: Callable[[], list[str]]
    """What starts it, installed; may raise `MissingToolError`."""
    greeting: Callable[[int], Sequence[Step]] = to_path
    """How a client gets into its room, for the server on this port."""
    message: Callable[[int], bytes] = lambda data_bytes: to_json(said(data_bytes))
    """What a member sends, so that *data_bytes* of JSON come to the others."""
    opcode: int = 1
    answers: Sequence[tuple[bytes, bytes]] = ()
    """Heartbeats above WebSocket's own, and what has to be said to them."""
    leave_and_join: Sequence[Step] = ()
    """How a client leaves its room and joins it again."""
    keeps_room_order: bool = False
    """Whether it promises that all of a room hear the same order."""


def script(name: str, *arguments: str) -> Callable[[], list[str]]:
    """Return what starts a server in Python, with the Python that has goroom."""
    return lambda: [sys.executable, str(FOLDER / "peers/python" / name), *arguments]


def compiled_script(name: str) -> Callable[[], list[str]]:
    """Return what starts a server in Python with the Python that has goroom, but one compiled."""
    run = script(name)
    return lambda: ["env", f"PYTHONPATH={compiled_goroom()}", *run()]


def other_script(name: str) -> Callable[[], list[str]]:
    """Return what starts a server in Python that needs packages which goroom does not."""
    return lambda: [str(benchmark_python()), str(FOLDER / "peers/python" / name)]


def node_script(name: str) -> Callable[[], list[str]]:
    """Return what starts a server on Node, as it is run for users."""
    return lambda: ["env", "NODE_ENV=production", str(node()), str(NODE_FOLDER / name)]


# goroom.


def goroom_greeting(subprotocol: str) -> Callable[[int], Sequence[Step]]:
    """Return how a client of goroom gets into its room: it may resume, as our clients may."""
    login = {"eventType": 6, "id": 1, "data": {"username": "user-{user}", "resume": True}}
    join = {"eventType": 4, "id": 2, "data": {"roomName": "room-{room}"}}
    return lambda port: [
        *upgrade("/bench", port, subprotocol),
        Step("text", to_json(login)),
        Step("text", to_json(join)),
        Step("until", b'"id":2'),
    ]


def goroom_message(data_bytes: int) -> bytes:
    """Return a message of goroom's clients."""
    frame = {"eventType": 11, "roomName": "room-{room}", "action": "say"}
    return to_json({**frame, "data": said(data_bytes)})


GOROOM = Peer(
    name="goroom",
    source="README.md",
    command=script("goroom_rooms.py"),
    greeting=goroom_greeting("goroom.json"),
    message=goroom_message,
    leave_and_join=[
        Step("text", to_json({"eventType": 5, "roomName": "room-{room}"})),
        Step("text", to_json({"eventType": 4, "roomName": "room-{room}"})),
        Step("until", b'"members":'),
    ],
    keeps_room_order=True,
)

# aiohttp where messages are read.


def aiohttp_json_greeting(port: int) -> list[Step]:
    """Return how a client gets into its room, and is told so."""
    return [
        *upgrade("/", port),
        Step("text", to_json({"room": "room-{room}", "name": "user-{user}"})),
        Step("until", b'{"joined"'),
    ]


# Socket.IO's protocol, version 5, over Engine.IO's, version 4.


def socketio_greeting(port: int) -> list[Step]:
    """Return how a client of Socket.IO gets into its room; the room's join is acknowledged."""
    return [
        *upgrade("/socket.io/?EIO=4&transport=websocket", port),
        Step("until", b'0{"sid"'),
        Step("text", b"40"),
        Step("until", b'40{"sid"'),
        Step("text", b'420["join","room-{room}"]'),
        Step("until", b"430["),
    ]


def socketio_message(data_bytes: int) -> bytes:
    """Return a message of Socket.IO's clients."""
    return b"42" + to_json(["say", said(data_bytes)])


# Colyseus: a seat is reserved over HTTP, then taken on a WebSocket; messages are msgpack.


def colyseus_greeting(port: int) -> list[Step]:
    """Return how a client of Colyseus gets into its room."""
    request = (
        f"POST /matchmake/joinById/room-{{room}} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    )
    return [
        Step("raw", request.encode()),
        Step("capture", b'"sessionId":"'),
        *upgrade("/process/room-{room}?sessionId={captured}", port),
        Step("until", b"\x0a"),  # JOIN_ROOM, which is sent back
        Step("binary", b"\x0a"),
    ]


def colyseus_message(data_bytes: int) -> bytes:
    """Return a message of Colyseus' clients: ROOM_DATA, then msgpack."""
    text = said(data_bytes)["text"].encode()
    size = b"\xda" + len(text).to_bytes(2, "big")
    return b"\x0d\xa3say\x81\xa4text" + size + text


PEERS = [
    GOROOM,
    attrs.evolve(GOROOM, name="goroom compiled", command=compiled_script("goroom_rooms.py")),
    attrs.evolve(GOROOM, name="goroom on uvloop", command=script("goroom_rooms.py", "--uvloop")),
    attrs.evolve(GOROOM, name="goroom full frames", greeting=goroom_greeting("")),
    attrs.evolve(
        GOROOM, name="goroom flush 5 ms", command=script("goroom_rooms.py", "--flush", "0.005")
    ),
    Peer(
        name="aiohttp",
        source="https://docs.aiohttp.org/en/stable/web_quickstart.html#websockets",
        command=script("aiohttp_rooms.py"),
    ),
    Peer(
        name="aiohttp with JSON",
        source="https://docs.aiohttp.org/en/stable/web_reference.html#websocketresponse",
        command=script("aiohttp_json_rooms.py"),
        greeting=aiohttp_json_greeting,
        message=lambda data_bytes: to_json({"say": said(data_bytes)}),
    ),
    Peer(
        name="websockets",
        source="https://websockets.readthedocs.io/en/stable/topics/broadcast.html",
        command=other_script("websockets_rooms.py"),
    ),
    Peer(
        name="python-socketio",
        source="https://python-socketio.readthedocs.io/en/stable/server.html#rooms",
        command=other_script("socketio_rooms.py"),
        greeting=socketio_greeting,
        message=socketio_message,
        answers=[(b"2", b"3")],
    ),
    Peer(
        name="Socket.IO",
        source="https://socket.io/docs/v4/rooms/",
        command=node_script("socketio_rooms.js"),
        greeting=socketio_greeting,
        message=socketio_message,
        answers=[(b"2", b"3")],
    ),
    Peer(
        name="ws",
        source="https://github.com/websockets/ws#server-broadcast",
        command=node_script("ws_rooms.js"),
    ),
    Peer(
        name="Colyseus",
        source="https://docs.colyseus.io/room",
        command=node_script("colyseus_rooms.js"),
        greeting=colyseus_greeting,
        message=colyseus_message,
        opcode=2,
    ),
    Peer(
        name="picows",
        source="https://picows.readthedocs.io/en/stable/introduction.html",
        command=other_script("picows_rooms.py"),
    ),
    Peer(
        name="C one send each",
        source="RFC 6455",
        command=lambda: [str(program("relay")), "each"],
    ),
    Peer(
        name="C joined sends",
        source="RFC 6455",
        command=lambda: [str(program("relay")), "joined"],
    ),
]
"""All of them, in the order of the table."""


def peer_named(name: str) -> Peer:
    """
    Return the peer of this name.

    Raises:
        LookupError: There is none.
    """
    for peer in PEERS:
        if peer.name == name:
            return peer
    raise LookupError(f"no server is called {name!r}: {', '.join(peer.name for peer in PEERS)}")
