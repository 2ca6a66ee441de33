"""Dialect: one frame for all receivers, one dialect for each subprotocol."""

from __future__ import annotations

from typing import Any

import pytest

from goroom.messages import EventType, Push, Request
from goroom.wire import Dialect, JsonDialect, MsgpackDialect, ShortJsonDialect, dialects_for


class Shout(Dialect):
    """Stands for a dialect of another system."""

    def decode(self, message: bytes) -> Request:
        return Request(EventType.MESSAGE, action=message.decode().lower())

    def encode(self, push: Push) -> bytes:
        return push.action.upper().encode()


class BinaryShout(Shout):
    subprotocol = "shout"
    binary = True


def test_a_dialect_is_text_without_a_subprotocol_unless_it_says_otherwise() -> None:
    assert (None, False, None) == (Shout.subprotocol, Shout.binary, Shout().application)


@pytest.mark.parametrize(("kind", "first"), [(Shout, 0x81), (BinaryShout, 0x82)])
def test_a_frame_is_of_the_kind_that_the_dialect_declares(kind: type[Shout], first: int) -> None:
    assert bytes((first, 3)) + b"HEY" == kind().frame(Push(EventType.MESSAGE, action="hey"))


@pytest.mark.parametrize("encoded", [b"HEY", bytearray(b"HEY"), memoryview(b"HEY")])
def test_a_dialect_may_write_whatever_holds_bytes(encoded: Any) -> None:
    class Loose(Shout):
        def encode(self, push: Push) -> bytes:
            written: bytes = encoded
            return written

    assert b"\x81\x03HEY" == Loose().frame(Push(EventType.MESSAGE))


@pytest.mark.parametrize("encoded", [3, "HEY"])
def test_a_dialect_that_writes_no_bytes_is_refused(encoded: Any) -> None:
    class Wrong(Shout):
        def encode(self, push: Push) -> bytes:
            written: bytes = encoded
            return written

    with pytest.raises(TypeError, match="bytes-like"):
        Wrong().frame(Push(EventType.MESSAGE))


def test_a_dialect_has_to_say_how_it_reads_and_writes() -> None:
    with pytest.raises(TypeError, match="abstract"):
        Dialect()  # type: ignore[abstract]


def test_there_is_one_dialect_for_each_subprotocol() -> None:
    dialects = dialects_for([JsonDialect, ShortJsonDialect, MsgpackDialect], "chess")

    assert {
        None: (JsonDialect, "chess"),
        "goroom.json": (ShortJsonDialect, "chess"),
        "goroom.msgpack": (MsgpackDialect, "chess"),
    } == {name: (type(dialect), dialect.application) for name, dialect in dialects.items()}


def test_two_dialects_for_one_subprotocol_are_refused() -> None:
    with pytest.raises(ValueError, match="two dialects for the subprotocol None: keep one"):
        dialects_for([JsonDialect, Shout], None)
