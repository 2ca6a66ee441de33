"""Handlers by number: one visible map, checked when the class is made."""

from __future__ import annotations

import pytest
from goroom_extensions.broadcaster import BroadcastRoom, Message, Response, handles_id

from goroom import User


class Base(BroadcastRoom):
    @handles_id(2)
    def second(self, user: User, message: Message) -> Response:
        return Response(b"second")

    @handles_id(1)
    @handles_id(-7)
    def first(self, user: User, message: Message) -> None: ...


def test_the_map_is_visible_and_in_order() -> None:
    assert [(-7, "first"), (1, "first"), (2, "second")] == [
        (handler_id, function.__name__) for handler_id, function in Base.message_handlers.items()
    ]
    with pytest.raises(TypeError):
        Base.message_handlers[3] = Base.first  # type: ignore[index]  # what is tested


def test_a_room_without_handlers_has_an_empty_map() -> None:
    assert {} == BroadcastRoom.message_handlers


def test_a_subclass_overrides_by_name_or_by_number() -> None:
    class Other(Base):
        def second(self, user: User, message: Message) -> Response:
            return Response(b"other")

        @handles_id(1)
        def one(self, user: User, message: Message) -> None: ...

    assert {-7: Other.first, 1: Other.one, 2: Other.second} == Other.message_handlers
    assert {-7: Base.first, 1: Base.first, 2: Base.second} == Base.message_handlers


def test_a_method_that_is_marked_anew_loses_its_old_numbers() -> None:
    class Other(Base):
        @handles_id(9)
        def first(self, user: User, message: Message) -> None: ...

    assert {2: Base.second, 9: Other.first} == Other.message_handlers


def test_two_methods_of_one_number_are_refused_when_the_class_is_made() -> None:
    with pytest.raises(TypeError, match="Twice handles 1 twice: renumber one or delete it"):

        class Twice(BroadcastRoom):
            @handles_id(1)
            def one(self, user: User, message: Message) -> None: ...

            @handles_id(1)
            def other(self, user: User, message: Message) -> None: ...


@pytest.mark.parametrize("number", ["1", True, None, 1.0])
def test_a_number_is_an_integer(number: object) -> None:
    with pytest.raises(TypeError, match="takes the number of a handler"):
        handles_id(number)  # type: ignore[arg-type]  # what is tested


def test_a_method_that_cannot_take_a_message_is_refused_when_it_is_marked() -> None:
    with pytest.raises(TypeError, match=r"must take \(self, user, message\) to handle 1"):

        @handles_id(1)
        def forgetful(self: object, message: Message) -> None: ...
