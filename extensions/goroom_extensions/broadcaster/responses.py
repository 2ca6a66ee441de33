"""What handlers of a broadcaster are given and return: Message, Response, Cast."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

import attrs


class Cast(IntEnum):
    """Whom a Response is for, as it says on the wire."""

    ALL = 1
    """All clients. An unknown number means the same, and stays as it is on the wire."""
    SELF = 2
    """The sender of the message alone."""
    EXCLUSIVE = 3
    """The clients of `Response.cast_for`."""
    OTHERS = 4
    """All but the sender."""


@attrs.frozen
class Message:
    """What a client sends to a handler."""

    handler_id: int
    """Number of the handler."""
    body: bytes | None
    """Free bytes; None where the client sent none, or null."""


def _bytes_or_none(_: object, attribute: attrs.Attribute[bytes | None], value: object) -> None:
    if value is not None and not isinstance(value, bytes):
        raise TypeError(f"Response.{attribute.name} must be bytes or None, not {value!r}")


def _number(_: object, attribute: attrs.Attribute[int], value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"Response.{attribute.name} must be a Cast or a number, not {value!r}")


def _names_or_none(names: Iterable[str] | None) -> tuple[str, ...] | None:
    if names is None:
        return None
    # A name alone is an iterable of letters: nobody would get the Response.
    chosen = (names,) if isinstance(names, str) else tuple(names)
    if not all(isinstance(name, str) for name in chosen):
        raise TypeError(f"Response.cast_for must be names of clients, not {names!r}")
    return chosen


@attrs.frozen
class Response:
    """
    What a handler has sent, and to whom.

    ::

        return Response(message.body)
        return Response(b"psst", Cast.EXCLUSIVE, [client])

    Raises:
        TypeError: A value is of another type than its attribute.
    """

    body: bytes | None = attrs.field(default=None, validator=_bytes_or_none)
    """Free bytes."""
    cast: int = attrs.field(default=Cast.ALL.value, validator=_number)
    """A `Cast`, or another number: that means all, and is kept on the wire."""
    cast_for: tuple[str, ...] | None = attrs.field(default=None, converter=_names_or_none)
    """
    Names of clients, as they go over the wire; None for none given.

    They count with `Cast.EXCLUSIVE` only. Who is not connected is passed over.
    """


def responses_of(returned: object) -> tuple[Response, ...]:
    """
    Return what a handler has *returned* as Responses: one, several, or None.

    Raises:
        TypeError: It is something else.
    """
    if returned is None:
        return ()
    if isinstance(returned, Response):
        return (returned,)
    if isinstance(returned, Iterable):
        several = tuple(returned)
        if all(isinstance(one, Response) for one in several):
            return several
    raise TypeError(f"a handler returns a Response, several of them or None, not {returned!r}")
