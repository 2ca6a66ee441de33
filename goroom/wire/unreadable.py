"""Frames that cannot be read: what their sender is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goroom import values
from goroom.errors import BadRequest

if TYPE_CHECKING:
    from collections.abc import Callable


class UnreadableRequest(BadRequest):
    """A frame that cannot be read; ``id`` is the number it asks to be answered under, if any."""

    def __init__(self, message: str, field: str = "", id: int | None = None) -> None:  # noqa: A002
        super().__init__(message, field=field)
        self.id = id


def split_path(error: Exception) -> tuple[str, str]:
    """Return msgspec's words and the path of the field, which stands only at their end."""
    message, _, place = str(error).rpartition(" - at `")
    if not message:
        return place, ""
    # "Expected `str` - at `key` in `$.data`": a key is at fault, so its object is named.
    path = place.removeprefix("key` in `").removesuffix("`")
    return message, path.removeprefix("$").removeprefix(".")


def unreadable(error: Exception, decode: Callable[[], object]) -> UnreadableRequest:
    """
    Return the refusal of a frame that *error* says is unreadable.

    Args:
        error: What msgspec raised.
        decode: Reads the frame without its schema, for the ``id`` in it.
    """
    if isinstance(error, RecursionError):
        return UnreadableRequest("nested too deep")
    message, path = split_path(error)
    if not path and "missing required field" in message:
        path = "eventType"
    return UnreadableRequest(message, path, _id_in(decode))


def _id_in(decode: Callable[[], object]) -> int | None:
    try:
        frame = decode()
    except (ValueError, RecursionError):
        return None
    number = frame.get("id") if isinstance(frame, dict) else None
    is_readable = type(number) is int and abs(number) <= values.MAX_SAFE_INTEGER
    return number if is_readable else None
