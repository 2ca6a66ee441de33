"""Responses: what handlers may return, and what is refused in the author's own line."""

from __future__ import annotations

import pytest
from goroom_extensions.broadcaster import Cast, Response
from goroom_extensions.broadcaster.responses import responses_of


def test_the_casts_have_the_seeds_numbers() -> None:
    assert {"ALL": 1, "SELF": 2, "EXCLUSIVE": 3, "OTHERS": 4} == {
        cast.name: cast.value for cast in Cast
    }


def test_a_response_is_for_all_and_has_no_body_unless_it_says_otherwise() -> None:
    assert Response(None, Cast.ALL, None) == Response()


@pytest.mark.parametrize("names", [["a", "b"], ("a", "b"), iter(["a", "b"])])
def test_names_are_kept_in_their_order(names: object) -> None:
    assert ("a", "b") == Response(b"", Cast.EXCLUSIVE, names).cast_for  # type: ignore[arg-type]  # each of them


def test_one_name_is_a_name_and_not_its_letters() -> None:
    assert ("ann",) == Response(b"", Cast.EXCLUSIVE, "ann").cast_for


def test_no_names_are_not_the_same_as_none_given() -> None:
    assert () == Response(b"", Cast.EXCLUSIVE, []).cast_for


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("text",), "body must be bytes or None"),
        ((b"", "all"), "cast must be a Cast or a number"),
        ((b"", True), "cast must be a Cast or a number"),
        ((b"", Cast.EXCLUSIVE, [1]), "cast_for must be names"),
    ],
)
def test_a_value_of_another_type_is_refused(arguments: tuple[object, ...], said: str) -> None:
    with pytest.raises(TypeError, match=said):
        Response(*arguments)  # type: ignore[arg-type]  # what is tested


def test_a_handler_returns_one_or_several_or_none() -> None:
    one, other = Response(b"1"), Response(b"2")

    assert () == responses_of(None)
    assert (one,) == responses_of(one)
    assert (one, other) == responses_of([one, other])
    assert (one, other) == responses_of(each for each in (one, other))


@pytest.mark.parametrize("returned", [b"bytes", "text", 1, [Response(), None]])
def test_anything_else_that_a_handler_returns_is_refused(returned: object) -> None:
    with pytest.raises(TypeError, match="a handler returns a Response, several of them or None"):
        responses_of(returned)
