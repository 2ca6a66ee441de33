"""From the data of a request to the payload class that a handler declared."""

from __future__ import annotations

from typing import Generic, TypeVar

import attrs
import msgspec

from goroom import values
from goroom.errors import BadRequest
from goroom.wire.unreadable import split_path

P = TypeVar("P")


class PayloadDecoder(Generic[P]):
    """
    Reads a message's data into one attrs class and runs its validators.

    Unknown keys are ignored. Made once per message name, when its extension class is made.

    Args:
        payload: The attrs class (or another type that msgspec decodes from a JSON object).

    Raises:
        TypeError: Data cannot be decoded into *payload*.
    """

    __slots__ = ("_decode", "payload")

    def __init__(self, payload: type[P]) -> None:
        self.payload = payload
        try:
            self._decode = msgspec.json.Decoder(payload).decode
        except TypeError as error:
            raise TypeError(
                f"{payload!r} is no payload class: declare an attrs class of JSON types ({error})"
            ) from error

    def __call__(self, body: bytes) -> P:
        """
        Return the payload in the JSON bytes *body*.

        Raises:
            BadRequest: A field is missing, of the wrong type or refused by its validator; the
                path of the field is named, and no repr of the validator.
        """
        try:
            payload: P = self._decode(body)
            values.check_bounds(body)
        except msgspec.ValidationError as error:
            message, path = split_path(error)
            cause = error.__cause__
            if cause is None:
                path = _joined(path, _missing_field(message))
            else:
                path = _joined(path, _refused_attribute(cause))
                message = _words_of(cause)
            raise BadRequest(message, field=path) from None
        except RecursionError:
            raise BadRequest("nested too deep", field="data") from None
        except ValueError as error:
            raise BadRequest(str(error), field="data") from None
        return payload


def _joined(path: str, attribute: str) -> str:
    return f"{path}.{attribute}" if path and attribute else path or attribute


def _refused_attribute(cause: BaseException) -> str:
    # attrs' own validators put the attribute among the arguments of what they raise.
    for argument in cause.args:
        if isinstance(argument, attrs.Attribute):
            return argument.name
    return ""


def _words_of(cause: BaseException) -> str:
    """Return the validator's own words, which stand first, without the reprs behind them."""
    words = cause.args[0] if cause.args else ""
    return words if isinstance(words, str) and words else "not a valid value"


def _missing_field(message: str) -> str:
    # "Object missing required field `square`": msgspec names it in the text alone.
    return message.split("`")[1] if "missing required field `" in message else ""
