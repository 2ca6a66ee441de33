"""Random frames, right and wrong: each has an answer or a close, and nobody else suffers."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

import goroom
from tests.protocol.conftest import KINDS
from tests.protocol.worlds import Desk
from tests.rawclient import CONNECTION, JOIN_APP, Form
from tests.websocket import BINARY, TEXT, Closed

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.protocol.conftest import Site
    from tests.rawclient import Client

ROUNDS = 400
KEYS = ["eventType", "appName", "roomName", "action", "id", "data", "sender", "__proto__", ""]
DATA_KEYS = ["username", "roomName", "create", "kind", "capacity", "password", "token", "text", "x"]
WORDS = [
    "test",
    "other",
    "hall",
    "tell",
    "who",
    "ann",
    "if_missing",
    "",
    " ",
    "nope",
    "\u202e",
    "x" * 70,
]
NUMBERS: list[Any] = [*range(-1, 24), 99, 2**31, 2**53 - 1, -(2**53), 1.5, 1e308, True, False]


def _value(depth: int = 0) -> Any:
    kind = random.randrange(6 if depth < 3 else 4)
    if kind == 0:
        return random.choice(WORDS)
    if kind == 1:
        return random.choice(NUMBERS)
    if kind == 2:
        return None
    if kind == 3:
        return "".join(chr(random.choice([0, 10, 65, 0xE9, 0x1F469])) for _ in range(5))
    if kind == 4:
        return [_value(depth + 1) for _ in range(random.randrange(3))]
    return {random.choice(DATA_KEYS): _value(depth + 1) for _ in range(random.randrange(4))}


def _frame() -> dict[str, Any]:
    frame: dict[str, Any] = {
        "eventType": random.choice(NUMBERS),
        "appName": "test",
        "roomName": random.choice(["", "hall"]),
        "action": random.choice(WORDS),
        "data": {random.choice(DATA_KEYS): _value() for _ in range(random.randrange(4))},
    }
    for _ in range(random.randrange(3)):
        frame[random.choice(KEYS)] = _value()
    return frame


def _mutated(raw: bytes) -> bytes:
    changed = bytearray(raw)
    for _ in range(random.randrange(4)):
        place = random.randrange(len(changed) + 1)
        match random.randrange(3):
            case 0:
                changed[place:place] = bytes(random.randrange(256) for _ in range(3))
            case 1:
                del changed[place : place + random.randrange(1, 5)]
            case _:
                changed[place : place + 1] = b'"' if random.random() < 0.5 else b"["
    return bytes(changed)


def _encoded(form: Form) -> bytes:
    encode = msgspec.msgpack.encode if form is Form.MSGPACK else msgspec.json.encode
    raw = encode(_frame())
    return _mutated(raw) if random.random() < 0.4 else raw


@pytest.fixture
async def patient(serve: Callable[..., Any]) -> Site:
    """Return a site that closes nobody for what cannot be read."""
    server = goroom.Server(limits=goroom.Limits(bad_requests=10**9))
    server.add_application("test", Desk, rooms=KINDS)
    site: Site = await serve(server=server)
    return site


async def _probe(client: Client, number: int) -> bool:
    """Tell whether *client* still gets an answer; whatever it got before is a right frame."""
    client.send(JOIN_APP, id=number)
    while True:
        message = await client.socket.receive()
        if isinstance(message, Closed):
            assert message.code in {1007, 1009}, message
            return False
        frame = client._frame(message)
        assert frame.event_type != CONNECTION
        assert frame.code in {200, 500}
        assert (frame.code == 500) == (frame.error_code > 0)
        # 500 is a fault of ours, whatever the client sends.
        assert frame.error_code != 500, frame
        if frame.id == number and frame.event_type == JOIN_APP:
            return True


async def test_whatever_is_sent_is_answered_or_closed_and_nobody_else_hears(
    patient: Site,
) -> None:
    witness = await patient.login("witness", "hall")
    client = await patient.connect()
    opcode = BINARY if client.form is Form.MSGPACK else TEXT
    for number in range(ROUNDS):
        raw = _encoded(client.form)
        client.socket.send_frame(opcode, raw)
        if not await _probe(client, 1_000_000 + number):
            client = await patient.connect()
    heard = await witness.events()

    assert {"witness"} <= set((await witness.say("hall", "who")).data)
    assert not [frame for frame in heard if frame.error]
    await witness.socket.close()
