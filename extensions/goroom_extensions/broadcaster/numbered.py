"""Handlers by number: methods marked with `handles_id`, and the map that is made of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

_MARK = "_broadcaster_handles"


def handles_id(handler_id: int) -> Callable[[F], F]:
    """
    Mark a method as the handler of messages with *handler_id*.

    The method takes ``(self, user, message)`` and returns a `Response`, several, or None. One
    method may be marked several times. It may be ``async def``.

    Raises:
        TypeError: *handler_id* is no integer, or the method cannot be called so.
    """
    if isinstance(handler_id, bool) or not isinstance(handler_id, int):
        raise TypeError(f"handles_id() takes the number of a handler, not {handler_id!r}")

    def mark(function: F) -> F:
        try:
            inspect.signature(function).bind("self", "user", "message")
        except TypeError:
            raise TypeError(
                f"{function.__qualname__} must take (self, user, message) to handle {handler_id}"
            ) from None
        setattr(function, _MARK, (*_marks(function), handler_id))
        return function

    return mark


def collected(cls: type) -> Mapping[int, Callable[..., Any]]:
    """
    Return the handlers of *cls* by number; what a subclass defines stands over what its bases do.

    Raises:
        TypeError: Two methods of one class handle one number.
    """
    attributes: dict[int, str] = {}
    for base in reversed(cls.__mro__):
        own: dict[int, str] = {}
        for attribute, value in vars(base).items():
            for handler_id in _marks(value):
                if handler_id in own:
                    raise TypeError(
                        f"{base.__name__} handles {handler_id} twice: renumber one or delete it"
                    )
                own[handler_id] = attribute
        # Marked anew, perhaps for other numbers: its old ones are no longer its.
        attributes = {
            handler_id: attribute
            for handler_id, attribute in attributes.items()
            if attribute not in own.values()
        } | own
    found = {handler_id: getattr(cls, attribute) for handler_id, attribute in attributes.items()}
    return MappingProxyType(dict(sorted(found.items())))


def _marks(value: object) -> tuple[int, ...]:
    # Not getattr: some objects have every attribute.
    marks: tuple[int, ...] = getattr(value, "__dict__", {}).get(_MARK, ())
    return marks
