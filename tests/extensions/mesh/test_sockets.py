"""Clients of the mesh over real sockets: what a Stage has not."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from goroom_extensions.mesh import MESH_LIMITS, BatchedMeshDialect, MeshDialect

from tests.extensions.mesh.clients import frame, mesh_in, mesh_server
from tests.websocket import Closed, HandshakeRefused, WebSocket

Start = Callable[..., Any]


async def join(socket: WebSocket, *rooms: str) -> None:
    """Join *rooms*, and wait until that has happened."""
    for room in rooms:
        socket.send_text(frame("enter", body={"room": room}))
        socket.send_text(frame("ready", room))
        while (await receive(socket))["target"] != room:
            pass


async def receive(socket: WebSocket) -> dict[str, Any]:
    message = await socket.receive()
    assert isinstance(message, str), message
    decoded: dict[str, Any] = json.loads(message)
    return decoded


def of_size(size: int, target: str) -> str:
    """Return a frame of *size* bytes."""
    bare = frame("say", target, {"text": ""})
    return frame("say", target, {"text": "x" * (size - len(bare))})


async def test_a_message_of_ten_thousand_bytes_passes(start: Start) -> None:
    url = await start(mesh_server()) + "/ws"
    socket = await WebSocket.connect(url)
    await join(socket, "den")
    text = of_size(10_000, "den")
    socket.send_text(text)

    assert 10_000 == len(text)
    assert json.loads(text)["message_body"] == (await receive(socket))["message_body"]
    await socket.close()


async def test_a_message_of_one_byte_more_closes_with_1009(start: Start) -> None:
    url = await start(mesh_server()) + "/ws"
    socket = await WebSocket.connect(url)
    socket.send_text(of_size(10_001, "den"))

    closed = await socket.receive()
    assert isinstance(closed, Closed)
    assert 1009 == closed.code


@pytest.mark.parametrize(
    ("dialect", "texts"), [(BatchedMeshDialect, 1), (MeshDialect, 5)], ids=["batched", "single"]
)
async def test_frames_that_wait_come_in_one_text_frame_where_that_is_asked_for(
    start: Start, dialect: type[MeshDialect], texts: int
) -> None:
    server = mesh_server(dialect=dialect)
    socket = await WebSocket.connect(await start(server) + "/ws")
    await join(socket, "den")
    for number in range(5):
        mesh_in(server).push("tick", {"number": number}, room="den")
    received = [await socket.receive() for _ in range(texts)]

    lines = [line for text in received for line in str(text).split("\n")]
    assert [0, 1, 2, 3, 4] == [json.loads(line)["message_body"]["number"] for line in lines]
    await socket.close()


async def test_every_origin_is_not_accepted(start: Start) -> None:
    url = await start(mesh_server()) + "/ws"
    for origin in ("https://evil.example", "null"):
        with pytest.raises(HandshakeRefused) as caught:
            await WebSocket.connect(url, headers={"Origin": origin})
        assert 403 == caught.value.status

    for origin in (url.removesuffix("/ws"), None):
        socket = await WebSocket.connect(url, headers={} if origin is None else {"Origin": origin})
        await socket.close()


async def test_a_client_that_does_not_read_does_not_block_the_others(start: Start) -> None:
    limits = attrs.evolve(MESH_LIMITS, outbox_frames=16, close_seconds=0.2)
    server = mesh_server(limits=limits)
    url = await start(server) + "/ws"
    ann, deaf = [await WebSocket.connect(url) for _ in range(2)]
    await join(deaf, "den")
    await join(ann, "den")
    count = 0
    while len(mesh_in(server).clients()) == 2:
        ann.send_text(of_size(9_000, "den"))
        assert "say" == (await receive(ann))["action"]
        count += 1
        assert count < 5000, "the other one was never given up"

    assert 1 == len(mesh_in(server).clients_in("den"))
    await ann.close()
    deaf.abort()


async def test_two_clients_are_in_many_rooms_at_once(start: Start) -> None:
    server = mesh_server()
    url = await start(server) + "/ws"
    ann, bob = [await WebSocket.connect(url) for _ in range(2)]
    rooms = [f"den-{number}" for number in range(20)]
    await join(ann, *rooms)
    for room in rooms:
        bob.send_text(frame("enter", body={"room": room}))
        bob.send_text(frame("say", room))

    heard = [(await receive(ann))["target"] for _ in rooms]
    assert rooms == heard
    ann.send_text(frame("exit", body={"room": "den-7"}))
    ann.send_text(frame("say", "den-7"))
    ann.send_text(frame("say", "den-8"))
    assert "den-8" == (await receive(ann))["target"]
    users = list(mesh_in(server).clients().values())
    await ann.close()
    await bob.close()
    for user in users:
        await user.gone.wait()
    assert ["mesh-global"] == list(mesh_in(server).rooms())


async def test_the_role_and_name_come_with_the_upgrade_request(start: Start) -> None:
    server = mesh_server()
    url = await start(server) + "/ws?name=Ann"
    socket = await WebSocket.connect(url, headers={"Role": "admin"})
    await join(socket, "den")
    (user,) = mesh_in(server).clients().values()

    assert {"name": "Ann", "auth_metadata": []} == user.data
    await socket.close()
