"""Asks goroom to show that what the figures claim to be on is on."""

from __future__ import annotations

import json
import os
import socket
import struct
from typing import Any, Self

from benchmarks.generator import LoadError
from benchmarks.processes import Running
from benchmarks.registry import GOROOM, to_json

PATIENCE_SECONDS = 5.0
TEXT = 0x1
BAD_REQUEST, NOT_ALLOWED = 21, 26
FEATURES = ("validation", "turns", "seq", "history", "heartbeat", "bounded requests")


class _Asker:
    """A client that says one thing after the other and waits for each answer; a context manager."""

    def __init__(self, server: Running, subprotocol: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", server.port), PATIENCE_SECONDS)
        self._received = b""
        step = GOROOM.greeting(server.port)[0].data
        if not subprotocol:
            step = step.replace(b"Sec-WebSocket-Protocol: goroom.json\r\n", b"")
        self._socket.sendall(step)
        self.greeting = self._until(b"\r\n\r\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(self, number: int, message: dict[str, Any]) -> dict[str, Any]:
        """Send *message* with the id *number*, and return its answer."""
        payload = to_json({**message, "id": number})
        mask = os.urandom(4)
        body = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
        self._socket.sendall(struct.pack("!BBH", 0x80 | TEXT, 0x80 | 126, len(body)) + mask + body)
        while True:
            said = self.frame()
            if said.get("id") == number:
                return said

    def frame(self) -> dict[str, Any]:
        head = self._exactly(2)
        size = head[1] & 127
        if size == 126:  # noqa: PLR2004 -- RFC 6455 section 5.2
            size = int.from_bytes(self._exactly(2), "big")
        body = self._exactly(size)
        return json.loads(body) if head[0] & 15 == TEXT else {}

    def _exactly(self, size: int) -> bytes:
        while len(self._received) < size:
            self._read()
        taken, self._received = self._received[:size], self._received[size:]
        return taken

    def _until(self, wanted: bytes) -> bytes:
        while wanted not in self._received:
            self._read()
        taken, _, self._received = self._received.partition(wanted)
        return taken

    def _read(self) -> None:
        chunk = self._socket.recv(65536)
        if not chunk:
            raise LoadError("goroom closed instead of answering")
        self._received += chunk


def features_of(server: Running, subprotocol: str) -> dict[str, object]:
    """
    Return what is on, each thing shown by what the server answers or by the limits it runs with.

    Raises:
        LoadError: Something is off.
    """
    with _Asker(server, subprotocol) as first, _Asker(server, subprotocol) as second:
        found = _ask_for_all(first, second)
    limits = server.about["limits"]
    found |= {
        "heartbeat": limits["ping_seconds"] is not None,
        "bounded requests": limits["message_bytes"] > 0 and limits["bad_requests"] > 0,
        "limits": limits,
    }
    off = [name for name in FEATURES if not found[name]]
    if off:
        raise LoadError(f"off: {', '.join(off)}")
    return found


def _ask_for_all(first: _Asker, second: _Asker) -> dict[str, object]:
    """Let *first* do right and wrong things, and *second* go on where it was."""
    login = {"eventType": 6, "data": {"username": "somebody", "resume": True}}
    message = {"eventType": 11, "roomName": "room-0"}
    token = first.ask(1, login)["data"].get("token")
    joined = first.ask(2, {"eventType": 4, "data": {"roomName": "room-0"}})
    bad = first.ask(3, {**message, "action": "say", "data": {"text": 5}})
    long = first.ask(4, {**message, "action": "say", "data": {"text": "x" * 60_001}})
    failed = first.ask(5, {**message, "action": "fail"})
    first.ask(6, {**message, "action": "say", "data": {"text": "missed"}})
    # Come back as one who has heard nothing since joining: history has to bring it all.
    seq = joined.get("seq", 0)
    place = {"epoch": joined["data"]["epoch"], "seq": seq, "sub": joined.get("sub", 0)}
    second.ask(7, {"eventType": 8, "data": {"token": token, "rooms": {"room-0": place}}})
    missed = second.frame()
    while missed.get("action") not in {"said", "never"}:
        missed = second.frame()
    return {
        "validation": bad["error"].get("field") == "text" and long["error"]["code"] == BAD_REQUEST,
        "turns": failed["error"]["code"] == NOT_ALLOWED and missed["action"] == "said",
        "seq": missed.get("seq", 0) > seq,
        "history": missed.get("data") == {"text": "missed"},
        "frames": "short" if b"goroom.json" in first.greeting else "full",
    }
