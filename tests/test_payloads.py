"""Payloads: a bad one names its field and shows nothing of the code."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from attrs.validators import and_, deep_iterable, in_, instance_of, lt, max_len, not_, or_

from goroom.errors import BadRequest, Refused
from goroom.payloads import PayloadDecoder


@attrs.frozen
class Move:
    square: int = attrs.field(validator=[instance_of(int), in_(range(9))])


@attrs.frozen
class Moves:
    moves: list[Move]
    by: dict[str, Move] = attrs.field(factory=dict)
    comment: str = attrs.field(default="", validator=max_len(5))


@attrs.frozen
class Tree:
    name: str
    children: list[Tree] = attrs.field(factory=list)


@attrs.frozen
class Guarded:
    """Each field is refused by a validator of another make."""

    plain: str = attrs.field(default="")
    either: int = attrs.field(default=1, validator=or_(in_([1]), lt(0)))
    neither: int = attrs.field(default=1, validator=not_(in_([2])))
    both: int = attrs.field(default=1, validator=and_(lt(10), in_([1, 2])))
    items: list[int] = attrs.field(factory=list, validator=deep_iterable(in_([1])))
    silent: int = attrs.field(default=1)
    odd: int = attrs.field(default=1)
    rude: int = attrs.field(default=1)
    illegal: int = attrs.field(default=1)
    broken: int = attrs.field(default=1)

    @plain.validator
    def _is_not_taken(self, _: object, value: str) -> None:
        if value == "taken":
            raise ValueError("that name is taken")

    @silent.validator
    def _is_one(self, _: object, value: int) -> None:
        if value != 1:
            raise ValueError

    @odd.validator
    def _has_a_code(self, _: object, value: int) -> None:
        if value != 1:
            raise ValueError(value)

    @rude.validator
    def _shows_itself(self, _: object, value: int) -> None:
        if value != 1:
            raise TypeError(f"{self._shows_itself} at 0x7f0000000000 says no")

    @illegal.validator
    def _is_legal(self, _: object, value: int) -> None:
        if value != 1:
            raise Refused("No such move", code=1001, reason="illegal_move")

    @broken.validator
    def _is_there(self, _: object, value: int) -> None:
        if value != 1:
            raise KeyError("secret")


@attrs.frozen
class Whole:
    low: int
    high: int

    def __attrs_post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError("low is above high")


class Plain:
    """No attrs class: msgspec would look for a hook, and refuse every message."""


TWIG = "children[0].children[0].name"


def refusal(payload: type[Any], body: bytes) -> tuple[str, str]:
    with pytest.raises(BadRequest) as caught:
        PayloadDecoder(payload)(body)
    return caught.value.field, caught.value.message


def test_data_becomes_the_payload() -> None:
    assert Move(4) == PayloadDecoder(Move)(b'{"square":4}')


@attrs.frozen
class Said:
    text: str
    aloud: bool = False


def test_only_where_numbers_or_objects_are_wanted_the_bounds_are_checked() -> None:
    body = b'{"text":"hi","square":1,"unknown":9007199254740992}'

    assert Said("hi") == PayloadDecoder(Said)(body)
    with pytest.raises(BadRequest, match="an integer is outside"):
        PayloadDecoder(Move)(body)


def test_unknown_keys_are_ignored() -> None:
    assert Move(4) == PayloadDecoder(Move)(b'{"by":"ada","square":4,"__class__":"Move"}')


def test_absent_fields_take_their_default() -> None:
    assert Moves([]) == PayloadDecoder(Moves)(b'{"moves":[]}')


def test_a_key_given_twice_has_its_last_value() -> None:
    assert Move(5) == PayloadDecoder(Move)(b'{"square":4,"square":5}')


def test_a_payload_may_hold_its_own_kind() -> None:
    tree = PayloadDecoder(Tree)(b'{"name":"a","children":[{"name":"b"}]}')

    assert Tree("a", [Tree("b")]) == tree


@pytest.mark.parametrize(
    ("payload", "body", "field"),
    [
        (Move, b"{}", "square"),
        (Move, b'{"square":null}', "square"),
        (Move, b'{"square":true}', "square"),
        (Move, b'{"square":"4"}', "square"),
        (Move, b'{"square":4.0}', "square"),
        (Move, b'{"square":[4]}', "square"),
        (Move, b'{"square":{}}', "square"),
        (Move, b'{"square":9}', "square"),
        (Move, b'{"square":-1}', "square"),
        (Move, b'{"square":123456789012345678901234567890}', "square"),
        (Move, b"[]", ""),
        (Moves, b'{"moves":[{"square":1},{"square":9}]}', "moves[1].square"),
        (Moves, b'{"moves":[{"square":1},{"square":"1"}]}', "moves[1].square"),
        (Moves, b'{"moves":[{"square":1},{}]}', "moves[1].square"),
        (Moves, b'{"moves":[{"square":1},4]}', "moves[1]"),
        (Moves, b'{"moves":[],"by":{"ada":{"square":9}}}', "by[...].square"),
        (Moves, b'{"moves":[],"by":{"ada":{}}}', "by[...].square"),
        (Moves, b'{"moves":[],"comment":"too long"}', "comment"),
        (Moves, b'{"moves":{}}', "moves"),
        (Tree, b'{"name":"","children":[{"name":"","children":[{}]}]}', TWIG),
        (Guarded, b'{"plain":"taken"}', "plain"),
        (Guarded, b'{"either":2}', "either"),
        (Guarded, b'{"neither":2}', "neither"),
        (Guarded, b'{"both":3}', "both"),
        (Guarded, b'{"both":10}', "both"),
        (Guarded, b'{"items":[1,2]}', "items"),
        (Guarded, b'{"silent":2}', "silent"),
        (Guarded, b'{"odd":2}', "odd"),
        (Guarded, b'{"rude":2}', "rude"),
        (Whole, b'{"low":2,"high":1}', ""),
        (Move, b"", "data"),
        (Move, b"nonsense", "data"),
        (Move, b'{"square":4}x', "data"),
        (Move, b'{"square":NaN}', "data"),
        (Move, b'{"square":4,"x":9007199254740992}', "data"),
        (Move, b'{"square":4,"x":' + b"[" * 32 + b"]" * 32 + b"}", "data"),
        (Move, b'{"square":4,"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "data"),
        (Tree, b'{"name":"","children":[' * 5000, "data"),
    ],
    ids=lambda value: repr(value)[:60],
)  # fmt: skip
def test_a_bad_payload_names_its_field(payload: type[Any], body: bytes, field: str) -> None:
    path, message = refusal(payload, body)

    assert field == path
    assert message
    assert not any(mark in message for mark in ("validator", "Validator", " at 0x", "Traceback"))


@pytest.mark.parametrize(
    ("payload", "body", "message"),
    [
        (Move, b'{"square":"x"}', "Expected `int`, got `str`"),
        (Move, b"{}", "Object missing required field `square`"),
        (Tree, rb'{"name":"\ud800","children":[]}', "a lone surrogate is no text"),
        (Move, b'{"square":9}', "'square' must be in range(0, 9) (got 9)"),
        (Guarded, b'{"plain":"taken"}', "that name is taken"),
        (Guarded, b'{"either":2}', "not a valid value"),
        (Guarded, b'{"neither":2}', "not a valid value"),
        (Guarded, b'{"silent":2}', "not a valid value"),
        (Guarded, b'{"odd":2}', "not a valid value"),
        (Guarded, b'{"rude":2}', "not a valid value"),
        (Whole, b'{"low":2,"high":1}', "low is above high"),
        (Tree, b'{"name":"","children":[' * 5000, "nested too deep"),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_a_bad_payload_is_refused_in_the_validators_words(
    payload: type[Any], body: bytes, message: str
) -> None:
    assert message == refusal(payload, body)[1]


def test_a_validator_may_refuse_with_a_code_of_the_author() -> None:
    with pytest.raises(Refused, match="No such move") as caught:
        PayloadDecoder(Guarded)(b'{"illegal":2}')

    assert (1001, "illegal_move") == (caught.value.code, caught.value.reason)


def test_a_validator_that_fails_is_the_authors_fault_not_the_clients() -> None:
    with pytest.raises(KeyError, match="secret"):
        PayloadDecoder(Guarded)(b'{"broken":2}')


@pytest.mark.parametrize(
    "payload", [lambda: Move(1), complex, list[complex], 4, int, str, list[Move], Plain], ids=repr
)
def test_what_is_no_payload_class_is_refused_when_it_is_declared(payload: Any) -> None:
    with pytest.raises(TypeError, match="is no payload class: declare an attrs class"):
        PayloadDecoder(payload)


@pytest.mark.parametrize(
    "payload", [dict[str, int], object, Move | None, attrs.make_class("E", [])]
)
def test_other_types_that_an_object_can_be_are_payloads_too(payload: Any) -> None:
    assert PayloadDecoder(payload).payload == payload


def test_a_field_that_no_json_can_fill_is_refused_when_it_is_declared() -> None:
    @attrs.frozen
    class Sketch:
        point: list[Plain]

    @attrs.frozen
    class Anything:
        value: object

    assert 1 == PayloadDecoder(Anything)(b'{"value":1}').value
    with pytest.raises(TypeError, match=r"\(Plain is no type of JSON\)$"):
        PayloadDecoder(Sketch)


@attrs.frozen
class Stripped:
    text: str = attrs.field(converter=str.strip)


@attrs.frozen
class Lines:
    lines: list[Stripped | None]


@pytest.mark.parametrize("payload", [Stripped, Lines])
def test_a_converter_is_refused_for_it_would_not_run(payload: type[Any]) -> None:
    with pytest.raises(TypeError, match=r"\(Stripped\.text has a converter, which does not run"):
        PayloadDecoder(payload)


def test_an_error_without_a_validator_behind_it_names_no_attribute() -> None:
    """A dataclass has no attrs.Attribute to name."""

    @attrs.frozen
    class Wrapped:
        inner: dict[str, Whole]

    assert ("inner[...]", "low is above high") == refusal(
        Wrapped, b'{"inner":{"a":{"low":2,"high":1}}}'
    )
