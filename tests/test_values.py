"""Values: what cannot be said in JSON is refused on the way out and on the way in."""

from __future__ import annotations

import datetime as dt
import enum
import json
import math
import uuid
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goroom import values
from goroom.errors import PayloadError
from goroom.values import SMALL

SAFE = 2**53 - 1
SURROGATE = "\ud800"


def nested(depth: int, leaf: object = 1) -> Any:
    value = leaf
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


def shown(value: object) -> str:
    return repr(value)[:30] if not isinstance(value, int) else hex(value)[:30]


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-SAFE, SAFE)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


class Colour(enum.Enum):
    RED = "red"


@attrs.define
class Board:
    squares: list[str]
    winner: str | None = None


# -- out --------------------------------------------------------------------------------------


@given(json_values)
def test_what_json_can_say_comes_back_as_it_was(value: object) -> None:
    body = values.encode({"value": value})

    assert {"value": value} == values.decode(body) == json.loads(body)


def test_no_value_is_an_empty_object() -> None:
    assert b"{}" == values.encode(None)


@pytest.mark.parametrize(
    ("value", "body"),
    [
        (Board(["X", ""]), b'{"squares":["X",""],"winner":null}'),
        ((1, "a", None), b'[1,"a",null]'),
        (b"\xff\x00", b'"/wA="'),
        ({"bytes": b"\xff\x00", "none": None}, b'{"bytes":"/wA=","none":null}'),
        (dt.date(2024, 2, 29), b'"2024-02-29"'),
        ([uuid.UUID(int=1), None], b'["00000000-0000-0000-0000-000000000001",null]'),
        ({Colour.RED: Colour.RED}, b'{"red":"red"}'),
        ([SAFE, -SAFE, 0], b"[9007199254740991,-9007199254740991,0]"),
        (0.1234567890123456, b"0.1234567890123456"),
        ("null", b'"null"'),
        ("1234567890123456", b'"1234567890123456"'),
        (False, b"false"),
    ],
)
def test_python_values_are_written_as_json(value: object, body: bytes) -> None:
    assert body == values.encode(value)


@pytest.mark.parametrize(
    ("value", "body"),
    [
        ({1: 2}, b'{"1":2}'),
        ({1: None}, b'{"1":null}'),
        ({Colour.RED: None}, b'{"red":null}'),
    ],
)
def test_a_key_that_is_a_number_or_an_enum_becomes_a_string(value: object, body: bytes) -> None:
    assert body == values.encode(value)


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        -math.inf,
        SAFE + 1,
        -SAFE - 1,
        2**64,
        10**5000,
        SURROGATE,
        object(),
        1j,
        (square for square in range(9)),
    ],
    ids=shown,
)
@pytest.mark.parametrize(
    "wrap", [lambda v: v, lambda v: [v], lambda v: {"a": [{"b": v}]}], ids=[1, 2, 3]
)
def test_what_json_cannot_say_is_refused(value: object, wrap: Any) -> None:
    with pytest.raises(PayloadError, match="cannot be sent as JSON: "):
        values.encode(wrap(value))


def test_nan_in_an_attrs_instance_is_refused() -> None:
    with pytest.raises(PayloadError, match="NaN and infinity are no JSON numbers"):
        values.encode(Board([], math.nan))  # type: ignore[arg-type]


@pytest.mark.parametrize("key", [None, True, (1, 2), SURROGATE], ids=shown)
def test_a_key_that_cannot_be_a_string_is_refused(key: object) -> None:
    with pytest.raises(PayloadError, match="cannot be sent as JSON: "):
        values.encode({key: 1})


@pytest.mark.parametrize("leaf", [1, None])
def test_a_value_may_nest_32_deep(leaf: object) -> None:
    assert nested(32, leaf) == values.decode(values.encode(nested(32, leaf)))


@pytest.mark.parametrize("leaf", [1, None])
@pytest.mark.parametrize("depth", [33, 100, *range(300, 1100, 23), 100_000])
def test_a_value_that_nests_deeper_is_refused(leaf: object, depth: int) -> None:
    """At whatever depth: the limits of msgspec's encoder and decoder lie somewhere between."""
    with pytest.raises(PayloadError):
        values.encode(nested(depth, leaf))


def test_a_wide_value_is_not_a_deep_one() -> None:
    wide = [{"square": [square]} for square in range(100)]

    assert wide == values.decode(values.encode(wide))


def test_brackets_in_a_string_do_not_nest() -> None:
    assert "[" * 100 == values.decode(values.encode("[" * 100))


def test_a_value_that_holds_itself_is_refused() -> None:
    value: list[Any] = []
    value.append(value)

    with pytest.raises(PayloadError):
        values.encode(value)


# -- in ---------------------------------------------------------------------------------------


@given(st.text(), json_values)
def test_an_object_in_json_is_read(key: str, value: object) -> None:
    assert {key: value} == values.decode_object(json.dumps({key: value}).encode())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"nonsense",
        b"null",
        b"[]",
        b'"a"',
        b"1",
        b"true",
        b"{",
        b'{"a"}',
        b'{"a":1,}',
        b"{'a':1}",
        b"{a:1}",
        b"{} {}",
        b"{}x",
        b"\xef\xbb\xbf{}",
        b"{}\x00",
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":-Infinity}',
        b'{"a":1e400}',
        b'{"a":-1e400}',
        b'{"a":01}',
        b'{"a":+1}',
        b'{"a":0x10}',
        b'{"a":9007199254740992}',
        b'{"a":-9007199254740992}',
        b'{"a":[{"b":18446744073709551616}]}',
        b'{"a":%s}' % (b"9" * 5000),
        b'{"a":"\\ud800"}',
        b'{"a":"\\udc00\\ud800"}',
        b'{"\\ud800":1}',
        b'{"a":"\xff"}',
        b'{"a":"\xed\xa0\x80"}',
        b'{"\xff":1}',
        b'{"a":"\n"}',
        b'{"a":"\\x"}',
        b'{"a":' * 33 + b"1" + b"}" * 33,
        b'{"a":' + b"[" * 32 + b"]" * 32 + b"}",
        b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a":' * 100_000,
    ],
    ids=shown,
)
def test_what_is_no_json_object_within_the_bounds_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".+") as caught:
        values.decode_object(body)

    assert "Traceback" not in str(caught.value)


@pytest.mark.parametrize("body", [b'{"a":' + b"[" * 3000 + b"]" * 3000 + b"}"])
def test_depth_is_refused_in_the_same_words_by_whoever_meets_it_first(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"^nested too deep$"):
        values.decode_object(body)
    with pytest.raises(ValueError, match=r"^nested too deep$"):
        values.check_bounds(body)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a":9007199254740991,"b":-9007199254740991}', {"a": SAFE, "b": -SAFE}),
        (b' {"a" : 1 }\n', {"a": 1}),
        (b'{"a":1e15}', {"a": 1e15}),
        (b'{"a":0.12345678901234567}', {"a": 0.12345678901234567}),
        (b'{"a":"1234567890123456789"}', {"a": "1234567890123456789"}),
        (b'{"a":"\\ud83c\\udfb2"}', {"a": "🎲"}),
        (b'{"a":"' + b"[" * 100 + b'"}', {"a": "[" * 100}),
    ],
    ids=shown,
)
def test_what_is_just_within_the_bounds_is_read(body: bytes, value: object) -> None:
    assert value == values.decode_object(body)


def test_an_object_that_nests_32_deep_is_read() -> None:
    body = b'{"a":' * 32 + b"1" + b"}" * 32

    assert json.loads(body) == values.decode_object(body)


def test_a_key_given_twice_has_its_last_value() -> None:
    assert {"a": 2} == values.decode_object(b'{"a":1,"a":2}')


def test_true_is_not_1() -> None:
    read = values.decode_object(b'{"a":true,"b":1}')

    assert (True, False) == (read["a"] is True, read["b"] is True)


@pytest.mark.parametrize("outside", [SAFE + 1, -SAFE - 1, float("nan"), [2**70], {"a": 2**70}])
@pytest.mark.parametrize("others", [0, SMALL])
def test_a_value_outside_the_bounds_is_found_in_small_objects_and_large_ones(
    outside: object, others: int
) -> None:
    value = {**{f"key{number}": "9" * 20 for number in range(others)}, "last": outside}

    with pytest.raises(PayloadError):
        values.encode(value)


@pytest.mark.parametrize("body", [b'{"a":9007199254740992}', b"[" * 33 + b"]" * 33])
def test_bounds_are_checked_on_bytes_that_a_schema_has_read(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        values.check_bounds(body)


@pytest.mark.parametrize("body", [b'{"a":9007199254740991}', b'{"a":1}', b"[" * 32 + b"]" * 32])
def test_bytes_within_the_bounds_pass(body: bytes) -> None:
    values.check_bounds(body)


# -- values that no JSON decoder has seen -----------------------------------------------------


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (math.nan, "NaN and infinity are no JSON numbers"),
        (-math.inf, "NaN and infinity are no JSON numbers"),
        (SAFE + 1, r"an integer is outside \+-\(2\*\*53 - 1\)"),
        (b"x", "a bytes is no JSON value"),
        (dt.date(2024, 1, 1), "a date is no JSON value"),
        (SURROGATE, "a lone surrogate is no text"),
        ({1: 2}, "a key of an object must be a string"),
        (nested(33), "nested too deep"),
    ],
    ids=shown,
)
def test_a_value_outside_the_bounds_is_refused_in_plain_words(value: object, words: str) -> None:
    with pytest.raises(ValueError, match=f"^{words}$"):
        values.check(value)
    with pytest.raises(ValueError, match=f"^{words}$"):
        values.check({"a": [value]})


@given(json_values)
def test_a_json_value_passes(value: object) -> None:
    values.check(value)


def test_bytes_pass_where_an_author_sends_them() -> None:
    values.check([b"x", {"a": b"y"}], allow_bytes=True)


@pytest.mark.parametrize(
    "body", [rb'{"a":"\ud800"}', rb'{"a":"\ud83dx"}', rb'{"a":"\udc00"}', rb'{"\ud800":1}']
)
def test_half_a_surrogate_pair_is_named(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"^a lone surrogate is no text$"):
        values.decode_object(body)


@pytest.mark.parametrize("body", [b'{"a":', rb'{"a":"\ud83d', b'{"a":' + b"[" * 100_000])
def test_json_that_ends_too_early_is_named(body: bytes) -> None:
    error = values.in_plain_words(ValueError(values.TRUNCATED), body)

    assert values.TRUNCATED == str(error)


@pytest.mark.parametrize("value", [SURROGATE, {SURROGATE: 1}, [SURROGATE]], ids=shown)
def test_an_author_is_told_of_half_a_surrogate_pair(value: object) -> None:
    with pytest.raises(PayloadError, match=r"sent as JSON: a lone surrogate is no text$"):
        values.encode(value)
