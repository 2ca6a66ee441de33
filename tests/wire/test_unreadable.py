"""Unreadable: what the sender of an unreadable frame is told."""

from __future__ import annotations

from typing import Any

import pytest

from goroom.errors import BadRequest
from goroom.wire.unreadable import UnreadableRequest, split_path, unreadable


def refuse_to_read() -> object:
    raise ValueError


def run_out_of_stack() -> object:
    raise RecursionError


@pytest.mark.parametrize(
    ("text", "message", "path"),
    [
        ("Expected `int`, got `str` - at `$.eventType`", "Expected `int`, got `str`", "eventType"),
        ("Expected `int` - at `$.moves[1].square`", "Expected `int`", "moves[1].square"),
        ("Expected `int` - at `$[0].a`", "Expected `int`", "[0].a"),
        ("Expected `int` - at `$.by[...].a`", "Expected `int`", "by[...].a"),
        ("Expected `object`, got `array`", "Expected `object`, got `array`", ""),
        ("Expected `str` - at `key` in `$.data`", "Expected `str`", "data"),
        ("Expected `str` - at `key` in `$`", "Expected `str`", ""),
        ("Look - at `this` - at `$.a`", "Look - at `this`", "a"),
    ],
)
def test_the_path_of_a_field_is_told_apart_from_the_words(
    text: str, message: str, path: str
) -> None:
    assert (message, path) == split_path(ValueError(text))


def test_an_unreadable_frame_is_a_bad_request() -> None:
    refusal = UnreadableRequest("Expected `int`", "eventType", 7)

    assert isinstance(refusal, BadRequest)
    assert (21, "Expected `int`", "eventType", 7) == (
        refusal.described(0).code,
        refusal.message,
        refusal.field,
        refusal.id,
    )


def test_the_refusal_is_answered_under_the_id_of_the_frame() -> None:
    error = ValueError("Expected `int`, got `str` - at `$.eventType`")

    refusal = unreadable(error, lambda: {"eventType": "6", "id": 7})

    assert ("Expected `int`, got `str`", "eventType", 7) == (
        refusal.message,
        refusal.field,
        refusal.id,
    )


def test_a_missing_event_type_is_named() -> None:
    error = ValueError("Object missing required field `eventType`")

    assert "eventType" == unreadable(error, dict).field


def test_a_malformed_frame_names_no_field() -> None:
    assert "" == unreadable(ValueError("JSON is malformed: trailing characters"), dict).field


@pytest.mark.parametrize(
    "number", [True, False, 1.0, "1", None, 2**53, -(2**53), [1], {}], ids=repr
)
def test_an_id_that_is_no_number_is_not_repeated(number: object) -> None:
    assert unreadable(ValueError("Expected"), lambda: {"id": number}).id is None


@pytest.mark.parametrize("number", [0, -1, 2**53 - 1, -(2**53) + 1])
def test_an_id_that_every_peer_can_read_is_repeated(number: int) -> None:
    assert number == unreadable(ValueError("Expected"), lambda: {"id": number}).id


@pytest.mark.parametrize("decode", [list, lambda: "id", refuse_to_read, run_out_of_stack])
def test_a_frame_that_is_no_object_has_no_id(decode: Any) -> None:
    assert unreadable(ValueError("JSON is malformed"), decode).id is None


def test_a_frame_nested_too_deep_is_not_read_again() -> None:
    error = RecursionError("maximum recursion depth exceeded while deserializing")

    refusal = unreadable(error, lambda: pytest.fail("read again"))

    assert ("nested too deep", "", None) == (refusal.message, refusal.field, refusal.id)
