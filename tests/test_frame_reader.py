"""The frame reader: messages at once, in pieces or many together, and what breaks the protocol."""

from __future__ import annotations

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


def test_a_reader_that_has_changed_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame_reader, "WebSocketReader", object)

    assert not frame_reader._reads()
