"""
WebSocket clients on raw sockets, which check all they receive.

Each message carries a mark, ``@`` and twelve digits: who sent it, and which of his it is. What a
client receives is searched for marks; a room's marks must come to all of its members in one order,
none missing, none twice.
"""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import struct

import attrs

HOST = "127.0.0.1"
DATA_BYTES = 100
"""Size of what is sent to the others, as JSON: ``{"text": ...}``."""

RECEIVE_BYTES = 64 * 1024
PATIENCE_SECONDS = 5.0
"""How long to wait for what must come."""

TEXT, CLOSE = 0x1, 0x8
"""Opcodes (RFC 6455 section 5.2)."""

_MARK = re.compile(rb"@\d{12}")
_MARK_BYTES = 13
_NO_MARK = b"@" + b"-" * 12
_SHORT, _LONG = 126, 127


class LoadError(Exception):
    """The server lost, repeated or reordered something, or did not answer in time."""


def to_json(value: object) -> bytes:
    """Return *value* as JSON without blanks."""
    return json.dumps(value, separators=(",", ":")).encode()


def frame(opcode: int, payload: bytes) -> bytes:
    """Return a client's frame, masked with zeroes: the server unmasks it as any other."""
    length = len(payload)
    if length < _SHORT:
        return struct.pack("!BB4x", 0x80 | opcode, 0x80 | length) + payload
    return struct.pack("!BBH4x", 0x80 | opcode, 0x80 | _SHORT, length) + payload


@attrs.frozen
class Server:
    """A server that runs, and how to talk to it."""

    name: str
    port: int
    pid: int
    about: dict[str, object]

    @property
    def is_goroom(self) -> bool:
        """Whether it speaks goroom's protocol; else the path names the room."""
        return self.name == "goroom"

    def request(self, room: str) -> bytes:
        """Return the upgrade request of a client that goes to *room*."""
        path, subprotocol = f"/{room}", ""
        if self.is_goroom:
            path, subprotocol = "/bench", "Sec-WebSocket-Protocol: goroom.json\r\n"
        key = base64.b64encode(os.urandom(16)).decode()
        return (
            f"GET {path} HTTP/1.1\r\nHost: {HOST}:{self.port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            f"Sec-WebSocket-Version: 13\r\n{subprotocol}\r\n"
        ).encode()

    def greeting(self, user: str, room: str) -> bytes:
        """Return what a client sends first, to be in *room*; its last answer has the id 2."""
        login = {"eventType": 6, "id": 1, "data": {"username": user}}
        join = {"eventType": 4, "id": 2, "data": {"roomName": room}}
        return frame(TEXT, to_json(login)) + frame(TEXT, to_json(join))

    def message(self, room: str) -> tuple[bytes, bytes]:
        """Return what stands before and behind the mark in the frame of a message to *room*."""
        filler = "." * (DATA_BYTES - _MARK_BYTES - len(to_json({"text": ""})))
        message: dict[str, object] = {"text": _NO_MARK.decode() + filler}
        if self.is_goroom:
            message = {"eventType": 11, "roomName": room, "action": "say", "data": message}
        before, _, behind = frame(TEXT, to_json(message)).partition(_NO_MARK)
        return before, behind


class Room:
    """What was heard in one room, in the order of the member who is ahead of all others."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.heard: list[bytes] = []
        self.senders: list[Member] = []

    def hear(self, place: int, marks: list[bytes]) -> None:
        """
        Take what a member heard after *place* others.

        Raises:
            LoadError: Others heard something else.
        """
        known = self.heard[place : place + len(marks)]
        if known != marks[: len(known)]:
            raise LoadError(f"members of {self.name} hear different things")
        self.heard += marks[len(known) :]

    def check(self) -> None:
        """
        Compare what was heard with what was sent.

        Raises:
            LoadError: Something is missing or comes twice, or in another order than it was sent.
        """
        for sender in self.senders:
            heard = [mark for mark in self.heard if mark.startswith(sender.signature)]
            if heard != [sender.mark(number) for number in range(sender.sent)]:
                raise LoadError(f"of {sender.sent} messages {len(heard)} came, or out of order")


class Member:
    """One client in one room."""

    def __init__(self, server: Server, room: Room, number: int) -> None:
        self.room = room
        self.signature = b"@%04d" % number
        self.window = 0
        """Messages it may have under way, sent and not received back; 0: it does not send."""
        self.sent = 0
        self.heard = 0
        """Messages received, of all senders."""
        self._returned = 0
        self._tail = b""
        self._before, self._behind = server.message(room.name)
        self.socket = socket.create_connection((HOST, server.port), timeout=PATIENCE_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(server.request(room.name))

    def mark(self, number: int) -> bytes:
        """Return the mark of this member's message *number*."""
        return b"%b%08d" % (self.signature, number)

    def wait_for(self, wanted: bytes) -> bytes:
        """
        Return what comes, up to the read in which *wanted* is.

        Raises:
            LoadError: The server closed the connection.
            TimeoutError: It does not come.
        """
        received = b""
        while wanted not in received:
            chunk = self.socket.recv(RECEIVE_BYTES)
            if not chunk:
                raise LoadError(f"the server closed instead of answering: {received[-300:]!r}")
            received += chunk
        return received

    def send(self) -> None:
        """Send as many messages as the window has room for."""
        count = self.window - (self.sent - self._returned)
        if count > 0:
            numbers = range(self.sent, self.sent + count)
            frames = [self._before + self.mark(number) + self._behind for number in numbers]
            self.sent += count
            # The windows are small against the sockets' buffers: this never has to wait.
            self.socket.sendall(b"".join(frames))

    def receive(self) -> int:
        """
        Read once, check what is there, and return how many messages it was.

        Raises:
            LoadError: The server closed the connection, or the room heard something else.
        """
        chunk = self.socket.recv(RECEIVE_BYTES)
        if not chunk:
            raise LoadError("the server closed a connection")
        data = self._tail + chunk
        marks = _MARK.findall(data)
        cut = data.rfind(b"@", max(0, len(data) - _MARK_BYTES + 1))
        self._tail = data[cut:] if cut >= 0 else b""
        self.room.hear(self.heard, marks)
        self.heard += len(marks)
        if self.window:
            is_alone = len(self.room.senders) == 1
            own = marks if is_alone else [m for m in marks if m.startswith(self.signature)]
            self._returned += len(own)
        return len(marks)
