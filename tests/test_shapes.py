"""Shapes: which fields a class has as JSON, of which types, with which words."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Generic, NotRequired, Required, TypeVar

import attrs
import msgspec
import pytest
from typing_extensions import TypedDict

from goroom.shapes import Field, Shape, bindings_of, returned, shapes_in, substituted, words_of

if TYPE_CHECKING:
    from decimal import Decimal as OnlyForCheckers

T = TypeVar("T")
N = TypeVar("N", bound=int)


@attrs.frozen
class Move:
    """Where a mark goes."""

    square: int
    """0 is top left."""
    mark: str = "X"


@dataclasses.dataclass
class Score:
    points: int
    names: list[str] = dataclasses.field(default_factory=list)


class Ping(msgspec.Struct, rename="camel"):
    """Asks whether somebody is there."""

    sent_at: float
    how_often: int = 1


class Talk(TypedDict, total=False):
    text: Required[str]
    to: NotRequired[str]
    loud: bool


@attrs.define
class Page(Generic[T]):
    items: list[T]
    more: Page[T] | None = None


@attrs.define
class Moves(Page[Move]):
    title: str = ""


@attrs.define
class Hidden:
    there: int
    _secret: int = 0


@attrs.define
class Around:
    moves: dict[str, list[Annotated[Move, "found all the same"]]]


@attrs.define
class Tree:
    branches: list[Tree]


@attrs.define
class Unreadable:
    price: OnlyForCheckers


def shape(annotation: Any) -> Shape:
    """Return the shape of *annotation*, which has one."""
    found = Shape.of(annotation)
    assert found is not None
    return found


def fields(annotation: Any) -> list[tuple[str, Any, bool, bool]]:
    """Return name, type, whether it has a default and whether it is required, of each field."""
    return [
        (field.name, field.type, field.has_default, field.is_required)
        for field in shape(annotation).fields()
    ]


@pytest.mark.parametrize(
    ("cls", "expected"),
    [
        (Move, [("square", int, False, True), ("mark", str, True, True)]),
        (Score, [("points", int, False, True), ("names", list[str], True, True)]),
        (Ping, [("sentAt", float, False, True), ("howOften", int, True, True)]),
        (
            Talk,
            [("text", str, False, True), ("to", str, False, False), ("loud", bool, False, False)],
        ),
    ],
)
def test_each_kind_of_class_has_its_fields(cls: Any, expected: list[Any]) -> None:
    assert expected == fields(cls)


@pytest.mark.parametrize("annotation", [int, None, "Move", list[Move], Move | None, Any, T])
def test_all_else_is_no_shape(annotation: Any) -> None:
    assert Shape.of(annotation) is None


def test_a_private_field_is_not_sent() -> None:
    assert [("there", int, False, True)] == fields(Hidden)


def test_the_keys_are_those_that_are_sent() -> None:
    values = [Move(1), Score(2), Ping(1.0), Moves([Move(1)]), Hidden(1)]

    for value in values:
        sent = msgspec.to_builtins(value)
        assert set(sent) == {field.name for field in shape(type(value)).fields()}


def test_types_are_filled_in_for_type_variables() -> None:
    assert [("items", list[int], False, True), ("more", Page[int] | None, True, True)] == fields(
        Page[int]
    )
    assert ("items", list[Move], False, True) in fields(Moves)
    assert ("items", list[Any], False, True) in fields(Page)


def test_a_type_that_only_checkers_see_is_any() -> None:
    assert [("price", Any, False, True)] == fields(Unreadable)


def test_words_stand_under_fields_and_classes() -> None:
    square, mark = shape(Move).fields()

    assert ("0 is top left.", "") == (square.words, mark.words)
    assert "Where a mark goes." == shape(Move).words


def test_a_class_without_source_has_no_words_for_its_fields() -> None:
    made = attrs.make_class("Made", {"there": attrs.field(type=int)})

    assert [Field("there", int, has_default=False, is_required=True, words="")] == list(
        shape(made).fields()
    )


def test_generated_and_inherited_docstrings_are_not_words() -> None:
    assert "" == words_of(Score)
    assert "" == words_of(attrs.make_class("Bare", {}, bases=(Move,)))


def test_a_shape_with_a_default_somewhere_is_loose() -> None:
    assert shape(Move).is_loose()
    assert shape(Around).is_loose()


def test_a_shape_without_defaults_is_not_loose() -> None:
    assert not shape(Tree).is_loose()
    assert not shape(Talk).is_loose()


def test_shapes_are_found_inside_other_types() -> None:
    found = shapes_in(dict[str, list[Move | Page[int]]] | None)

    assert [Shape(Move), Shape(Page, (int,))] == list(found)


class Base(Generic[T]):
    def get(self) -> T:
        raise NotImplementedError

    def all(self) -> list[T | None]:
        raise NotImplementedError

    async def later(self) -> T:
        raise NotImplementedError

    def awaitable(self) -> Awaitable[T]:
        raise NotImplementedError

    def bare(self): ...  # type: ignore[no-untyped-def]  # noqa: ANN201 -- what it is about

    def odd(self) -> OnlyForCheckers:
        raise NotImplementedError


class Middle(Base[list[T]], Generic[T]):
    """Its T is another one than that of its base."""


class Leaf(Middle[Move]): ...


@pytest.mark.parametrize(
    ("cls", "name", "expected"),
    [
        (Base, "get", Any),
        (Middle, "get", list[Any]),
        (Leaf, "get", list[Move]),
        (Leaf, "all", list[list[Move] | None]),
        (Leaf, "later", list[Move]),
        (Leaf, "awaitable", Awaitable[list[Move]]),
        (Leaf, "bare", Any),
        (Leaf, "odd", Any),
    ],
)
def test_what_a_method_returns_is_seen_from_the_subclass(
    cls: type, name: str, expected: Any
) -> None:
    assert expected == returned(cls, getattr(cls, name))


@contextmanager
def noted() -> Iterator[None]:
    yield


def test_a_method_decorated_elsewhere_returns_what_it_says() -> None:
    class Room:
        @noted()
        def move(self) -> Move:
            raise NotImplementedError

    assert Move is returned(Room, Room.move)


def test_type_variables_are_known_for_each_base() -> None:
    found = bindings_of(Leaf)

    assert ({T: Move}, {T: list[Move]}) == (found[Middle], found[Base])


def test_a_bound_stands_for_what_is_not_known() -> None:
    assert int is substituted(N, {})
    assert bool is substituted(N, {N: bool})
