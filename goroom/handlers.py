"""Handlers: the methods of an extension class that events and messages are given to, in one map."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, overload

import attrs

from goroom.events import Event
from goroom.payloads import PayloadDecoder

if TYPE_CHECKING:
    from goroom.user import User

P = TypeVar("P")
R = TypeVar("R")
E = TypeVar("E")

_MARK = "_goroom_handles"


@attrs.frozen(eq=False)
class Handler:
    """One entry of the handler map."""

    name: str
    """What logs call it."""
    function: Callable[..., Any]
    """Called with the extension, then what its key demands."""
    decode: PayloadDecoder[Any] | None = None
    """Makes the payload, or None where the handler takes none."""
    blocking: bool = False
    """Whether it runs in a thread."""


@overload
def handles(
    name: str, *, blocking: bool = False
) -> Callable[[Callable[[E, User], R]], Callable[[E, User], R]]: ...


@overload
def handles(
    name: str, payload: type[P], *, blocking: bool = False
) -> Callable[[Callable[[E, User, P], R]], Callable[[E, User, P], R]]: ...


def handles(
    name: str, payload: type[Any] | None = None, *, blocking: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """
    Mark a method as the handler of the messages named *name*.

    The method takes ``(self, user, payload)``, or ``(self, user)`` without a payload class. What it
    returns is the reply; None acknowledges. One method may be marked several times.

    Args:
        name: The ``action`` that clients send.
        payload: An attrs class; its validators run before the handler is called.
        blocking: Run in a thread of the bounded pool while the room keeps its turn. The handler may
            send and read members there, and may not await.

    Raises:
        TypeError: *name* is no string, *payload* cannot be decoded into, or the method is an
            ``async def`` although it is marked as blocking.
    """
    if not isinstance(name, str) or not name:
        raise TypeError(f"handles() takes the name of a message, not {name!r}")
    decode = None if payload is None else PayloadDecoder(payload)

    def mark(function: Callable[..., Any]) -> Callable[..., Any]:
        _refuse_blocking_coroutine(function, blocking=blocking)
        handler = Handler(function.__qualname__, function, decode, blocking)
        setattr(function, _MARK, (*_marks(function), (name, handler)))
        return function

    return mark


def _refuse_blocking_coroutine(function: Callable[..., Any], *, blocking: bool) -> None:
    if blocking and inspect.iscoroutinefunction(function):
        raise TypeError(
            f"{function.__qualname__} is async and blocking: a thread cannot await; "
            "make it a plain def, or take blocking=True away"
        )


def collected(cls: type, hooks: Mapping[str, Event], own: str) -> dict[Event | str, Handler]:
    """
    Return the handlers of *cls*, what a subclass defines over what its bases do.

    Args:
        cls: An extension class.
        hooks: The events that its kind sees, by the names of their methods.
        own: Module of goroom's own bases, whose hooks are no handlers.
    """
    found: dict[Event | str, Handler] = {}
    attributes: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if base.__module__ == own:
            continue
        marked = _marked(base)
        for name, attribute in list(attributes.items()):
            override = base.__dict__.get(attribute)
            if _marks(override):
                del attributes[name], found[name]  # it is marked anew, perhaps for other names
            elif inspect.isfunction(override):
                found[name] = _as_it_stands(found[name], override)
        for name, (attribute, handler) in marked.items():
            found[name], attributes[name] = handler, attribute
        for hook, event in hooks.items():
            function = base.__dict__.get(hook)
            if function is not None:
                found[event] = Handler(function.__qualname__, function)
    return found


def _marks(value: object) -> tuple[tuple[str, Handler], ...]:
    # Not getattr: some objects have every attribute.
    marks: tuple[tuple[str, Handler], ...] = getattr(value, "__dict__", {}).get(_MARK, ())
    return marks


def _marked(cls: type) -> dict[str, tuple[str, Handler]]:
    """Return the handlers in the body of *cls* by message, each with its attribute's name."""
    found: dict[str, tuple[str, Handler]] = {}
    for attribute, value in cls.__dict__.items():
        for name, handler in _marks(value):
            if name in found:
                raise TypeError(f"{cls.__name__} handles {name!r} twice: rename one or delete it")
            found[name] = attribute, _as_it_stands(handler, value)
    return found


def _as_it_stands(handler: Handler, function: Any) -> Handler:
    """Return *handler* with what its class has: decorators above `handles` must not be left out."""
    _refuse_blocking_coroutine(function, blocking=handler.blocking)
    return attrs.evolve(handler, name=function.__qualname__, function=function)
