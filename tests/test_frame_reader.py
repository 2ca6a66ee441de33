"""The frame reader: messages at once, in pieces or many together, and what breaks the protocol."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
from aiohttp import WebSocketError, WSMsgType

from goroom import frame_reader
from goroom.frame_reader import IS_USABLE


class Reading:
    """A reader, what it has handed on and what it has found wrong."""

    def __init__(self, most_bytes: int = 1000) -> None:
        self.messages: list[tuple[Any, ...]] = []
        self.failures: list[BaseException] = []
        self.feed = frame_reader.frame_reader(self.take, self.fail, most_bytes)

    def take(self, message: tuple[Any, ...], _size: int) -> None:
        self.messages.append(tuple(message[:2]))

    def fail(self, error: BaseException, *_: object) -> None:
        self.failures.append(error)


def masked(opcode: int, payload: bytes, *, is_last: bool = True) -> bytes:
    """Return a short client frame, masked with zeros."""
    return bytes(((0x80 if is_last else 0) | opcode, 0x80 | len(payload))) + bytes(4) + payload


def test_this_aiohttp_can_be_read_from() -> None:
    assert IS_USABLE


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_messages_come_out_whole_however_their_bytes_are_cut(size: int) -> None:
    reading = Reading()
    data = masked(1, b"one") + masked(2, b"two") + masked(9, b"") + masked(8, b"\x03\xe8")
    for start in range(0, len(data), size):
        reading.feed(data[start : start + size])

    assert [
        (WSMsgType.TEXT, b"one"),
        (WSMsgType.BINARY, b"two"),
        (WSMsgType.PING, b""),
        (WSMsgType.CLOSE, 1000),
    ] == reading.messages
    assert [] == reading.failures


def test_fragments_are_joined_and_a_ping_between_them_comes_first() -> None:
    reading = Reading()
    reading.feed(masked(1, b"hel", is_last=False) + masked(9, b"?") + masked(0, b"lo"))

    assert [(WSMsgType.PING, b"?"), (WSMsgType.TEXT, b"hello")] == reading.messages


def test_the_largest_message_is_read_and_one_byte_more_is_too_big() -> None:
    reading = Reading(most_bytes=3)
    reading.feed(masked(1, b"abc"))
    reading.feed(masked(1, b"abcd"))
    reading.feed(masked(1, b"a"))

    assert [(WSMsgType.TEXT, b"abc")] == reading.messages
    [error] = reading.failures
    assert isinstance(error, WebSocketError)
    assert 1009 == error.code


def test_what_the_taker_raises_is_told_and_ends_the_reading() -> None:
    broken = RuntimeError("broken")
    failures: list[BaseException] = []

    def take(_message: object, _size: int) -> None:
        raise broken

    feed = frame_reader.frame_reader(take, lambda error, *_: failures.append(error), 100)
    feed(masked(1, b"a"))
    feed(masked(1, b"b"))

    assert [broken] == failures


@pytest.mark.parametrize("size", [1, 7, 2048])
def test_a_message_in_very_many_pieces_is_whole(size: int) -> None:
    payload = bytes(range(256)) * 256
    reading = Reading(most_bytes=len(payload))
    data = b"\x82\xff" + len(payload).to_bytes(8, "big") + bytes(4) + payload
    for start in range(0, len(data), size):
        reading.feed(data[start : start + size])

    assert [(WSMsgType.BINARY, payload)] == reading.messages


def test_what_comes_behind_a_failure_is_ignored() -> None:
    reading = Reading()
    reading.feed(masked(1, b"a") + masked(3, b"") + masked(1, b"b"))
    reading.feed(masked(1, b"c") + masked(3, b""))

    assert [(WSMsgType.TEXT, b"a")] == reading.messages
    [error] = reading.failures
    assert isinstance(error, WebSocketError)
    assert 1002 == error.code


def test_the_reader_without_a_compiler_is_used_as_well() -> None:
    program = "from goroom import frame_reader as it; print(it.IS_USABLE, it.WebSocketReader)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "AIOHTTP_NO_EXTENSIONS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert "True <class 'aiohttp._websocket.reader_py.WebSocketReader'>" == done.stdout.strip()


def test_its_sockets_behave_as_the_compiled_ones(request: pytest.FixtureRequest) -> None:
    tests = request.path.parent
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "not compiled"),
            *(tests / "test_websocket.py", tests / "test_frame_reader.py"),
        ],
        env={**os.environ, "AIOHTTP_NO_EXTENSIONS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (0, True) == (done.returncode, " passed" in done.stdout), done.stdout[-2000:]


def test_a_reader_that_has_changed_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame_reader, "WebSocketReader", object)

    assert not frame_reader._reads()
