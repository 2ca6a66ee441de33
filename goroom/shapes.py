"""Shapes: the fields that values of a Python class have as JSON, with type arguments filled in."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import itertools
import textwrap
import typing
from collections.abc import Callable, Iterator
from typing import Any, NotRequired, Required, TypeVar, get_args, get_origin

import attrs
import msgspec
from typing_extensions import is_typeddict

Bindings = dict[Any, Any]
"""What stands for each type variable."""


@attrs.frozen
class Field:
    """A field of an object."""

    name: str
    """Its key in JSON."""
    type: Any
    """Its annotation; Any where that cannot be read."""
    has_default: bool
    """Whether it may be left out on the way in; on the way out it is there."""
    is_required: bool
    """False where it may be missing in both directions."""
    words: str
    """Its docstring, or ``""``."""


@attrs.frozen
class Shape:
    """A class whose values are JSON objects: of attrs, msgspec, a dataclass or a TypedDict."""

    cls: type
    arguments: tuple[Any, ...] = ()
    """What its type variables stand for, in their order."""

    @classmethod
    def of(cls, annotation: Any) -> Shape | None:
        """Return the shape that *annotation* names, None where it names none."""
        named = get_origin(annotation) or annotation
        if not isinstance(named, type) and not is_typeddict(named):
            return None
        if (
            attrs.has(named)
            or dataclasses.is_dataclass(named)
            or issubclass(named, msgspec.Struct)
            or is_typeddict(named)
        ):
            return cls(named, get_args(annotation))
        return None

    @property
    def words(self) -> str:
        """The docstring of the class itself, or ``""``."""
        return words_of(self.cls)

    def fields(self) -> Iterator[Field]:
        """Yield the fields that clients see, in their order."""
        bindings = bindings_of(self.cls, self.arguments)
        owners = {
            name: owner
            for owner in reversed(inspect.getmro(self.cls))
            for name in inspect.get_annotations(owner)
        }
        hints = _hints(self.cls)
        for name, key, has_default in _members(self.cls):
            if name.startswith("_"):
                continue  # they are not sent
            owner = owners.get(name, self.cls)
            annotation = substituted(hints.get(name, Any), bindings.get(owner, {}))
            is_required = True
            if is_typeddict(self.cls):
                is_required = name in self.cls.__required_keys__  # type: ignore[attr-defined]
            if get_origin(annotation) in {Required, NotRequired}:
                # Where annotations are strings, __required_keys__ does not know of these.
                is_required = get_origin(annotation) is Required
                (annotation,) = get_args(annotation)
            yield Field(key, annotation, has_default, is_required, _field_words(owner, name))

    def is_loose(self) -> bool:
        """Tell whether less may be sent of it than is received: some field has a default."""
        return _is_loose(self, set())


def shapes_in(annotation: Any) -> Iterator[Shape]:
    """Yield the shapes that *annotation* names, those of their fields not among them."""
    shape = Shape.of(annotation)
    if shape is not None:
        yield shape
        return
    for argument in get_args(annotation):
        yield from shapes_in(argument)


def words_of(described: type | Callable[..., Any]) -> str:
    """Return the docstring of *described* itself, or ``""``; one that was generated is none."""
    words = described.__dict__.get("__doc__") if isinstance(described, type) else described.__doc__
    is_generated = dataclasses.is_dataclass(described) and str(words).startswith(
        f"{described.__name__}("
    )
    return "" if words is None or is_generated else inspect.cleandoc(words)


def bindings_of(cls: type, arguments: tuple[Any, ...] = ()) -> dict[type, Bindings]:
    """Return what the type variables of *cls* and each of its bases stand for."""
    parameters = getattr(cls, "__parameters__", ())
    found: dict[type, Bindings] = {cls: dict(zip(parameters, arguments, strict=False))}
    for base in getattr(cls, "__orig_bases__", cls.__bases__):
        named = get_origin(base) or base
        if isinstance(named, type) and named not in {typing.Generic, object}:
            given = tuple(substituted(argument, found[cls]) for argument in get_args(base))
            found = {**bindings_of(named, given), **found}
    return found


def substituted(annotation: Any, bindings: Bindings) -> Any:
    """Return *annotation* with types for its type variables: their bound where nothing is known."""
    if isinstance(annotation, TypeVar):
        bound = annotation.__bound__
        return bindings.get(annotation, Any if bound is None else bound)
    parameters = () if isinstance(annotation, type) else getattr(annotation, "__parameters__", ())
    if not parameters:
        return annotation
    return annotation[tuple(substituted(parameter, bindings) for parameter in parameters)]


def returned(cls: type, function: Callable[..., Any]) -> Any:
    """
    Return the annotation of what *function*, a method of *cls*, returns when awaited.

    Any where there is none, or one that cannot be read at run time.
    """
    written = inspect.unwrap(function)
    annotation = getattr(written, "__annotations__", {}).get("return", Any)
    holder = type("Holder", (), {"__annotations__": {"return": annotation}})
    try:
        hints = typing.get_type_hints(
            holder, globalns=written.__globals__, localns={}, include_extras=True
        )
    except (NameError, TypeError, AttributeError):
        return Any
    owner = next((base for base in inspect.getmro(cls) if function in vars(base).values()), cls)
    return substituted(hints["return"], bindings_of(cls).get(owner, {}))


def _members(cls: Any) -> Iterator[tuple[str, str, bool]]:
    """Yield each field's name, its key, and whether it has a default."""
    if attrs.has(cls):
        for attribute in attrs.fields(cls):
            yield attribute.name, attribute.name, attribute.default is not attrs.NOTHING
    elif isinstance(cls, type) and issubclass(cls, msgspec.Struct):
        for member in msgspec.structs.fields(cls):
            yield member.name, member.encode_name, not member.required
    elif dataclasses.is_dataclass(cls):
        missing = dataclasses.MISSING
        for field in dataclasses.fields(cls):
            has_default = field.default is not missing or field.default_factory is not missing
            yield field.name, field.name, has_default
    else:
        for name in cls.__annotations__:
            yield name, name, False


def _hints(cls: type) -> dict[str, Any]:
    try:
        return typing.get_type_hints(cls, include_extras=True)
    except (NameError, TypeError):
        return {}  # names that only type checkers import


def _field_words(owner: type, name: str) -> str:
    """Return the string under the field *name* in the source of *owner*, or ``""``."""
    try:
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(owner))).body
    except (OSError, SyntaxError, TypeError):
        return ""
    body = tree.body if isinstance(tree, ast.ClassDef) else []
    for field, below in itertools.pairwise(body):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and field.target.id == name
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
            and isinstance(below.value.value, str)
        ):
            return inspect.cleandoc(below.value.value)
    return ""


def _is_loose(shape: Shape, seen: set[Shape]) -> bool:
    if shape in seen:
        return False
    seen.add(shape)
    return any(
        field.has_default or any(_is_loose(inner, seen) for inner in shapes_in(field.type))
        for field in shape.fields()
    )
