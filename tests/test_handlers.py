"""Handlers: what `handles` takes, and what it refuses before anybody plays."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from goroom import Event, RoomExtension, User, handles

if TYPE_CHECKING:
    from collections.abc import Callable

    from goroom.extension import Extension


@attrs.frozen
class Move:
    square: int


def run(extension: type[Extension], key: Event | str, *arguments: Any) -> Any:
    """Call what handles *key*, as the server does."""
    return extension.handlers[key].function(*arguments)


def test_one_method_may_take_several_messages() -> None:
    class Doors(RoomExtension):
        @handles("open")
        @handles("push")
        def open(self, user: User) -> str:
            return "open"

    class Locked(Doors):
        def open(self, user: User) -> str:
            return "locked"

    assert {"open", "push"} == Doors.handlers.keys() == Locked.handlers.keys()
    assert ["locked", "locked"] == [run(Locked, name, None, None) for name in Locked.handlers]


def test_a_decorator_above_handles_is_not_left_out() -> None:
    """Or a check of rights would be passed by."""

    def refused(function: Callable[..., object]) -> Callable[..., object]:
        @functools.wraps(function)
        def wrapper(self: object, user: User) -> str:
            return "refused"

        return wrapper

    class Guarded(RoomExtension):
        @refused
        @handles("ban")
        def ban(self, user: User) -> str:
            return "banned"

    assert "refused" == run(Guarded, "ban", None, None)


def test_two_handlers_of_one_message_in_one_class_are_refused() -> None:
    with pytest.raises(TypeError, match="Twice handles 'move' twice: rename one or delete it"):

        class Twice(RoomExtension):
            @handles("move")
            def first(self, user: User) -> None: ...

            @handles("move")
            def second(self, user: User) -> None: ...


@pytest.mark.parametrize("name", ["", None, 1, Event.JOIN, b"move"])
def test_a_message_has_a_name(name: Any) -> None:
    with pytest.raises(TypeError, match=r"handles\(\) takes the name of a message, not"):
        handles(name)


def test_a_method_whose_mark_was_forgotten_to_be_called_is_refused() -> None:
    with pytest.raises(TypeError, match=r"handles\(\) takes the name of a message, not <function"):

        class Forgetful(RoomExtension):
            @handles  # type: ignore[call-overload]
            def move(self, user: User) -> None: ...


def test_a_payload_that_cannot_be_decoded_is_refused_at_import() -> None:
    with pytest.raises(TypeError, match="is no payload class"):
        handles("move", complex)


def test_a_blocking_handler_is_marked_so() -> None:
    class Solver(RoomExtension):
        @handles("solve", Move, blocking=True)
        def solve(self, user: User, move: Move) -> None: ...

    class Better(Solver):
        def solve(self, user: User, move: Move) -> None: ...

    assert (True, True) == (Solver.handlers["solve"].blocking, Better.handlers["solve"].blocking)


def test_a_blocking_handler_may_not_await() -> None:
    with pytest.raises(TypeError, match=r"solve is async and blocking: a thread cannot await;"):

        class Solver(RoomExtension):
            @handles("solve", blocking=True)
            async def solve(self, user: User) -> None: ...


def test_a_blocking_handler_that_awaits_is_refused_where_it_is_marked() -> None:
    async def solve(self: RoomExtension, user: User) -> None: ...

    with pytest.raises(TypeError, match=r"solve is async and blocking"):
        handles("solve", blocking=True)(solve)


def test_an_override_of_a_blocking_handler_may_not_await_either() -> None:
    class Solver(RoomExtension):
        @handles("solve", blocking=True)
        def solve(self, user: User) -> None: ...

    with pytest.raises(TypeError, match=r"solve is async and blocking"):

        class Waiting(Solver):
            async def solve(self, user: User) -> None: ...  # type: ignore[override]
