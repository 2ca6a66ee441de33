"""From the data of a request to the payload class that a handler declared."""

from __future__ import annotations

import re
import traceback
from typing import Generic, TypeVar

import attrs
import msgspec
from msgspec import inspect

from goroom import values
from goroom.errors import BadRequest
from goroom.wire.unreadable import split_path

P = TypeVar("P")

_REPR = re.compile(r"<[^<>]*[Vv]alidator|Validator\(|<function| at 0x")
"""Marks of a validator's repr in what it says: attrs' ``or_`` and ``not_`` quote theirs."""

_OBJECTS = (
    inspect.AnyType,
    inspect.DataclassType,  # attrs classes among them
    inspect.DictType,
    inspect.StructType,
    inspect.TypedDictType,
    inspect.UnionType,
)
"""Types that a JSON object can be decoded into."""


class PayloadDecoder(Generic[P]):
    """
    Reads a message's data into one attrs class and runs its validators.

    Unknown keys are ignored; where the class holds only text and booleans, whatever is in them.
    Made once per message name, when its extension class is made.

    Args:
        payload: The attrs class (or another type that msgspec decodes from a JSON object).

    Raises:
        TypeError: Data cannot be decoded into *payload*; or an attrs class in it has a converter,
            which would not run.
    """

    __slots__ = ("_decode", "_is_bounded", "payload")

    def __init__(self, payload: type[P]) -> None:
        self.payload = payload
        try:
            self._decode = msgspec.json.Decoder(payload).decode
            described = inspect.type_info(payload)
            if payload is not object and not isinstance(described, _OBJECTS):
                raise TypeError("a message's data is an object")  # noqa: TRY301 -- told below
            _check_type(described, set())
            self._is_bounded = _holds_only_text(described)
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
            if not self._is_bounded:
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
            raise BadRequest(str(values.in_plain_words(error, body)), field="data") from None
        return payload


def _joined(path: str, attribute: str) -> str:
    return f"{path}.{attribute}" if path and attribute else path or attribute


def _refused_attribute(cause: BaseException) -> str:
    """Return the name of the attribute that a validator was called with when it raised *cause*."""
    for frame, _ in traceback.walk_tb(cause.__traceback__):
        for name in frame.f_code.co_varnames[: frame.f_code.co_argcount]:
            argument = frame.f_locals.get(name)
            if isinstance(argument, attrs.Attribute):
                return argument.name
    return ""


def _words_of(cause: BaseException) -> str:
    """Return the validator's own words, which stand first, without the reprs behind them."""
    words = cause.args[0] if cause.args else ""
    is_plain = isinstance(words, str) and words and _REPR.search(words) is None
    return words if is_plain else "not a valid value"


def _missing_field(message: str) -> str:
    # "Object missing required field `square`": msgspec names it in the text alone.
    return message.split("`")[1] if "missing required field `" in message else ""


def _check_type(part: object, seen: set[int]) -> None:
    """Refuse what msgspec would take, and then never decode or not convert."""
    if isinstance(part, tuple):
        for one in part:
            _check_type(one, seen)
    elif isinstance(part, (inspect.Type, inspect.Field)) and id(part) not in seen:
        seen.add(id(part))  # a class may hold itself
        if isinstance(part, inspect.CustomType) and part.cls is not object:
            raise TypeError(f"{part.cls.__qualname__} is no type of JSON")
        if isinstance(part, inspect.DataclassType) and attrs.has(part.cls):
            _check_converters(part.cls)
        for name in part.__struct_fields__:
            _check_type(getattr(part, name), seen)


def _holds_only_text(described: inspect.Type) -> bool:
    """Tell whether no value of this class can hold a number, or be nested."""
    return isinstance(described, inspect.DataclassType) and all(
        isinstance(field.type, (inspect.StrType, inspect.BoolType)) for field in described.fields
    )


def _check_converters(cls: type[attrs.AttrsInstance]) -> None:
    for field in attrs.fields(cls):
        if field.converter is not None:
            raise TypeError(
                f"{cls.__qualname__}.{field.name} has a converter, which does not run when a "
                "message is read: validate here, and convert in the handler"
            )
