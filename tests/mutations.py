"""Frames that no client should send: right ones of a dialect, changed; and ones of no dialect."""

from __future__ import annotations

import enum
import json
from typing import TYPE_CHECKING, Any

import attrs
import msgspec

from tests.websocket import BINARY, TEXT

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    Value = Any
    """A JSON value whose objects are `Pairs`, and which may hold something `Odd`."""

MAX_BYTES = 64 * 1024
"""Size of the largest frame made on purpose: what goroom takes by default."""


class Odd(enum.Enum):
    """Values that JSON or msgpack has no right way to write: how each writes them all the same."""

    NAN = (b"NaN", b"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00")
    INFINITY = (b"-Infinity", b"\xcb\xff\xf0\x00\x00\x00\x00\x00\x00")
    HUGE_FLOAT = (b"1e400", b"\xcb\x7f\xef\xff\xff\xff\xff\xff\xff")
    HUGE_INTEGER = (b"9" * 400, b"\xcf" + b"\xff" * 8)
    OVER_64_BITS = (str(2**64).encode(), b"\xd3\x80" + b"\x00" * 7)
    BEYOND_SAFE = (str(2**53 + 1).encode(), b"\xcf\x00\x20\x00\x00\x00\x00\x00\x01")
    MINUS_ZERO = (b"-0", b"\xcb\x80" + b"\x00" * 7)
    SURROGATE = (rb'"\ud800"', b"\xa3\xed\xa0\x80")
    SWAPPED_SURROGATES = (rb'"\udc00\ud800"', b"\xa6\xed\xb0\x80\xed\xa0\x80")
    BAD_UTF8 = (b'"\xff\xc0\xaf"', b"\xa3\xff\xc0\xaf")
    NUL = (rb'"\u0000"', b"\xa1\x00")
    CONTROL = (b'"\x07\x1b[2J"', b"\xa5\x07\x1b[2J")
    BAD_ESCAPE = (rb'"\x41"', b"\xa5ab")
    UNQUOTED = (b"undefined", b"\xc1")
    BYTES = (b"'x'", b"\xc4\x02\x00\xff")
    EXTENSION = (b"\xef\xbb\xbf1", b"\xc7\x02\x05ab")
    TIMESTAMP = (b"0x10", b"\xd6\xff\x00\x00\x00\x00")
    DEEP_LIST = (b"[" * 40 + b"]" * 40, b"\x91" * 40 + b"\xc0")
    DEEP_OBJECT = (b'{"x":' * 40 + b"1" + b"}" * 40, b"\x81\xa1x" * 40 + b"\xc0")
    VERY_DEEP = (b"[" * 4000 + b"]" * 4000, b"\x91" * 4000 + b"\xc0")
    UNENDED = (b"[[[[", b"\xdd\xff\xff\xff\xff")
    UNENDED_STRING = (b'"x', b"\xdb\xff\xff\xff\xffx")


@attrs.frozen
class Pairs:
    """An object as a list of its keys and values, so that a key may stand in it twice."""

    items: list[tuple[Value, Value]]


@attrs.frozen
class Shot:
    """One WebSocket message, and what was done to make it."""

    opcode: int
    payload: bytes
    change: str


def write_json(value: Value) -> bytes:
    """Return *value* as JSON, or as what claims to be JSON."""
    match value:
        case Odd():
            return value.value[0]
        case Pairs(items):
            inside = (_json_key(key) + b":" + write_json(each) for key, each in items)
            return b"{" + b",".join(inside) + b"}"
        case list():
            return b"[" + b",".join(map(write_json, value)) + b"]"
        case _:
            return json.dumps(value).encode()


def _json_key(key: Value) -> bytes:
    return json.dumps(key).encode() if isinstance(key, str) else write_json(key)


def write_msgpack(value: Value) -> bytes:
    """Return *value* as msgpack, or as what claims to be msgpack."""
    match value:
        case Odd():
            return value.value[1]
        case Pairs(items):
            inside = (write_msgpack(key) + write_msgpack(each) for key, each in items)
            return b"\xde" + len(items).to_bytes(2) + b"".join(inside)
        case list():
            return b"\xdc" + len(value).to_bytes(2) + b"".join(map(write_msgpack, value))
        case int() if not -(2**63) <= value < 2**64:
            return Odd.HUGE_INTEGER.value[1]
        case _:
            return msgspec.msgpack.encode(value)


def paired(value: object) -> Value:
    """Return a JSON value with `Pairs` for its objects."""
    if isinstance(value, dict):
        return Pairs([(key, paired(each)) for key, each in value.items()])
    return [paired(each) for each in value] if isinstance(value, list) else value


STRANGE_KEYS = [
    "__proto__",
    "constructor",
    "__class__",
    "sender",
    "seq",
    "id",
    "error",
    "",
    "\u202e",
]
STRANGE_WORDS = [
    "",
    " ",
    "null",
    "admin",
    "__init__",
    "on_join",
    "../..",
    "\x00",
    "a" * 70,
    "\U0001f469",
]
STRANGE_NUMBERS = [0, -1, 1.5, 1e308, 2**31, 2**53 - 1, -(2**53), 2**63, -(2**63), 10**30]
TOP_LEVEL = [
    b"",
    b" ",
    b"null",
    b"0",
    b'"x"',
    b"[]",
    b"{}",
    b"[{}]",
    b"\xef\xbb\xbf{}",
    b"{}{}",
    b"\n\n",
]


class Mutations:
    """
    An endless row of `Shot`, the same for the same *random*.

    Args:
        samples: Right frames of the dialect: JSON values, whose strings a changed frame keeps
            mostly, so that many changed frames get as far as a handler.
        random: Where chance comes from.
        is_binary: Whether the dialect is msgpack in binary frames; else it is JSON in text.
        foreign: Right frames of other dialects.
    """

    def __init__(
        self,
        samples: Sequence[Value],
        random: random.Random,
        *,
        is_binary: bool = False,
        foreign: Sequence[bytes] = (),
    ) -> None:
        self._samples = [paired(sample) for sample in samples]
        self._random = random
        self._write = write_msgpack if is_binary else write_json
        self._opcode, self._other_opcode = (BINARY, TEXT) if is_binary else (TEXT, BINARY)
        self._foreign = [*foreign, *TOP_LEVEL]
        self._changes: list[Callable[[Value], Value]] = [
            self.key_missing,
            self.key_doubled,
            self.keys_swapped,
            self.key_added,
            self.key_of_other_case,
            self.key_of_other_type,
            self.value_of_other_type,
            self.value_of_other_frame,
            self.odd_value,
            self.strange_number,
            self.wrapped,
        ]

    def shot(self) -> Shot:
        """Return the next one."""
        chance = self._random
        frame = chance.choice(self._samples)
        match chance.randrange(20):
            case 0:
                return Shot(self._opcode, self._write(frame), "as it is")
            case 1:
                return Shot(self._other_opcode, self._write(frame), "other opcode")
            case 2:
                return Shot(self._opcode, chance.choice(self._foreign), "foreign")
            case 3:
                return Shot(self._opcode, self._noise(), "noise")
            case 4 | 5 | 6 | 7:
                return Shot(self._opcode, self._bytes_changed(self._write(frame)), "bytes changed")
        changes = chance.choices(self._changes, k=chance.choice([1, 1, 1, 2, 3]))
        for change in changes:
            if isinstance(frame, Pairs):
                frame = change(frame)
        raw, names = self._write(frame), ", ".join(change.__name__ for change in changes)
        if not chance.randrange(8):
            raw, names = self._bytes_changed(raw), f"{names}, bytes changed"
        return Shot(self._opcode, raw, names.replace("_", " "))

    # -- changes of bytes ------------------------------------------------------------------

    def _noise(self) -> bytes:
        chance = self._random
        size = chance.choice([1, 2, 7, 60, 300, 3000])
        if not chance.randrange(60):
            size = MAX_BYTES + chance.choice([0, 1, 1000])
        byte = chance.choice([b"[", b'{"a":', b"x", b"\x00", b"\x91", b"\xff", None])
        return chance.randbytes(size) if byte is None else (byte * size)[:size]

    def _bytes_changed(self, raw: bytes) -> bytes:
        chance, changed = self._random, bytearray(raw)
        for _ in range(chance.choice([1, 1, 2, 5])):
            place = chance.randrange(len(changed) + 1)
            match chance.randrange(6):
                case 0:
                    changed[place:place] = chance.randbytes(chance.randrange(1, 5))
                case 1:
                    del changed[place : place + chance.randrange(1, 5)]
                case 2:
                    del changed[place:]
                case 3:
                    changed[place:place] = changed[: chance.randrange(len(changed) + 1)]
                case 4 if place < len(changed):
                    changed[place] ^= 1 << chance.randrange(8)
                case _:
                    changed[place : place + 1] = chance.choice(
                        [b'"', b"[", b"}", b",", b"\\", b"\xff"]
                    )
        return bytes(changed)

    # -- changes of a frame ----------------------------------------------------------------

    def _place(self, frame: Pairs) -> int:
        return self._random.randrange(len(frame.items)) if frame.items else -1

    def _replaced(self, frame: Pairs, change: Callable[[Value], Value]) -> Pairs:
        """Return *frame* with one value changed, perhaps one deep inside."""
        place = self._place(frame)
        if place < 0:
            return frame
        items = list(frame.items)
        key, value = items[place]
        goes_in = isinstance(value, Pairs) and value.items and self._random.randrange(3)
        items[place] = (key, self._replaced(value, change) if goes_in else change(value))
        return Pairs(items)

    def key_missing(self, frame: Pairs) -> Value:
        place = self._place(frame)
        return Pairs([item for number, item in enumerate(frame.items) if number != place])

    def key_doubled(self, frame: Pairs) -> Value:
        if not frame.items:
            return frame
        key, value = self._random.choice(frame.items)
        again = value if self._random.randrange(2) else self._strange()
        items = [*frame.items, (key, again)]
        self._random.shuffle(items)
        return Pairs(items)

    def keys_swapped(self, frame: Pairs) -> Value:
        keys = [key for key, _ in frame.items]
        self._random.shuffle(keys)
        return Pairs([(key, value) for key, (_, value) in zip(keys, frame.items, strict=True)])

    def key_added(self, frame: Pairs) -> Value:
        added = (self._random.choice(STRANGE_KEYS), self._strange())
        if self._random.randrange(3):
            return Pairs([*frame.items, added])
        return self._replaced(frame, lambda _: Pairs([added]))

    def key_of_other_case(self, frame: Pairs) -> Value:
        return Pairs(
            [(key.swapcase(), value) for key, value in frame.items if isinstance(key, str)]
        )

    def key_of_other_type(self, frame: Pairs) -> Value:
        place, key = self._place(frame), self._strange()
        return Pairs(
            [
                (key if number == place else name, value)
                for number, (name, value) in enumerate(frame.items)
            ]
        )

    def value_of_other_type(self, frame: Pairs) -> Value:
        return self._replaced(frame, lambda _: self._strange())

    def value_of_other_frame(self, frame: Pairs) -> Value:
        other = self._random.choice(self._samples)
        values = [each for _, each in other.items] if isinstance(other, Pairs) else [other]
        return self._replaced(frame, lambda _: self._random.choice(values or [None]))

    def odd_value(self, frame: Pairs) -> Value:
        return self._replaced(frame, lambda _: self._random.choice(list(Odd)))

    def strange_number(self, frame: Pairs) -> Value:
        return self._replaced(frame, lambda _: self._random.choice(STRANGE_NUMBERS))

    def wrapped(self, frame: Pairs) -> Value:
        return self._random.choice([[frame], Pairs([("data", frame)]), Pairs([("", frame)])])

    def _strange(self) -> Value:
        chance = self._random
        match chance.randrange(9):
            case 0:
                return None
            case 1:
                return chance.choice([True, False])
            case 2:
                return chance.choice(STRANGE_NUMBERS)
            case 3:
                return []
            case 4:
                return [self._strange()]
            case 5:
                return Pairs([(chance.choice(STRANGE_KEYS), self._strange())])
            case 6:
                return chance.choice(list(Odd))
            case 7:
                return "".join(chr(chance.choice([0, 10, 65, 0xE9, 0x1F469])) for _ in range(5))
            case _:
                return chance.choice(STRANGE_WORDS)
