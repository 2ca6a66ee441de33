"""TypeScript types of the messages of a server's applications, from its extension classes."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import itertools
import re
import types
import uuid
from collections.abc import Awaitable, Collection, Coroutine, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, NewType, Union, get_args, get_origin

import attrs
from typing_extensions import TypeAliasType

from goroom import values
from goroom.events import Event
from goroom.extension import ApplicationExtension, Extension, RoomExtension
from goroom.shapes import Shape, returned, words_of

if TYPE_CHECKING:
    from goroom.application import Application
    from goroom.handlers import Handler

NOTHING = "Nothing"
"""Name of the type of what arrives where Python sends None."""

RESERVED = frozenset({"Applications", NOTHING, "Record"})
"""Names that no application and no class gets."""

_HEAD = """\
// The messages of {title}, as `goroom types --ts` writes them: change the Python classes instead.

/** What arrives where a handler returns None, or a message has no data: an empty object. */
export type {nothing} = Record<string, never>
"""

_SCALARS: Mapping[Any, str] = {
    type(None): "null",
    bool: "boolean",
    int: "number",
    float: "number",
    **dict.fromkeys(
        (
            str,
            bytes,
            dt.date,
            dt.datetime,
            dt.time,
            dt.timedelta,
            decimal.Decimal,
            uuid.UUID,
        ),
        "string",
    ),
}
"""Python's types that are one of TypeScript's: bytes are base64, dates ISO 8601."""

Lines = Iterator[str]


def written(applications: Mapping[str, Application], *, title: str) -> str:
    """
    Return a TypeScript module with one interface for each of *applications*.

    The same applications give the same text. What is not declared in Python (`Extension.sends`, a
    return annotation) is ``any`` or ``unknown`` here.

    Args:
        applications: By name.
        title: What the first line says they are.
    """
    draft = _Writer(applications, {})
    list(draft.module())
    writer = _Writer(applications, draft.named())
    head = _HEAD.format(title=" ".join(title.split()), nothing=NOTHING)
    return "\n".join([head, *writer.module()])


@attrs.frozen
class _Use:
    """A shape, as it is received or (where that differs) as it may be sent."""

    shape: Shape
    is_loose: bool = False

    @property
    def name(self) -> str:
        return "".join(map(_name_of, (self.shape.cls, *self.shape.arguments)))


class _Writer:
    """Writes a module; a first one, without names, finds out what has to be named."""

    def __init__(self, applications: Mapping[str, Application], names: Mapping[_Use, str]) -> None:
        self._applications = applications
        self._names = names
        self._uses: dict[_Use, None] = {}
        taken = set(RESERVED)
        self._interfaces = {name: _free(taken, pascal_case(name)) for name in applications}
        self._taken = taken

    def named(self) -> dict[_Use, str]:
        """Return names for the shapes found, the first that asks for a name getting it."""
        names: dict[_Use, str] = {}
        taken = set(self._taken)
        for use in self._uses:
            name = use.name
            if use.is_loose and _Use(use.shape) in self._uses:
                name += "Input"
            module = pascal_case(use.shape.cls.__module__.rpartition(".")[2])
            names[use] = _free(taken, name, module + name)
        return names

    def module(self) -> Lines:
        yield "export interface Applications {"
        for name, interface in self._interfaces.items():
            yield f"  {_key(name)}: {interface}"
        yield "}"
        for name, application in self._applications.items():
            yield from self._application(self._interfaces[name], application)
        done = 0
        while done < len(self._uses):  # a shape's fields may be shapes that were not seen yet
            yield from self._interface(list(self._uses)[done])
            done += 1
        yield ""

    def _application(self, interface: str, application: Application) -> Lines:
        extension = type(application.extension)
        yield ""
        yield from _comment(_rules_words(extension), "")
        yield f"export interface {interface} {{"
        yield "  app: {"
        yield from self._messages(extension, "    ")
        yield "  }"
        yield "  rooms: {"
        for kind, rules in application.rooms.kinds.items():
            yield from _comment(_rules_words(rules), "    ")
            yield f"    {_key(kind)}: {{"
            yield from self._messages(rules, "      ")
            yield "    }"
        yield "  }"
        yield "}"

    def _messages(self, extension: type[Extension], indent: str) -> Lines:
        yield f"{indent}sends: {{"
        declared = [vars(base)["sends"] for base in extension.__mro__ if "sends" in vars(base)]
        sends = {name: kind for sent in reversed(declared) for name, kind in sent.items()}
        if not sends:
            yield f"{indent}  [action: string]: any"
        for name, kind in sends.items():
            yield f"{indent}  {_key(name)}: {self._received(kind)}"
        yield f"{indent}}}"
        yield f"{indent}takes: {{"
        for key, handler in extension.handlers.items():
            if isinstance(key, str):
                yield from _comment(_summary(words_of(handler.function)), f"{indent}  ")
                yield f"{indent}  {_key(key)}: {self._taken_message(extension, handler)}"
        if Event.MESSAGE in extension.handlers:
            yield f"{indent}  [action: string]: {{ data: any, reply: any }}"
        yield f"{indent}}}"

    def _taken_message(self, extension: type[Extension], handler: Handler) -> str:
        data = "undefined"
        if handler.decode is not None:
            data = self._type(handler.decode.payload, is_input=True)
        annotation = returned(extension, handler.function)
        if get_origin(annotation) in {Awaitable, Coroutine}:
            annotation = get_args(annotation)[-1]
        return f"{{ data: {data}, reply: {self._received(annotation)} }}"

    def _interface(self, use: _Use) -> Lines:
        yield ""
        yield from _comment(use.shape.words, "")
        yield f"export interface {self._names.get(use, '')} {{"
        for field in use.shape.fields():
            yield from _comment(field.words, "  ")
            is_there = field.is_required and not (use.is_loose and field.has_default)
            mark = "" if is_there else "?"
            yield f"  {_key(field.name)}{mark}: {self._type(field.type, is_input=use.is_loose)}"
        yield "}"

    def _received(self, annotation: Any) -> str:
        """Return the type of data in a frame of the server, which is never null."""
        parts = _alternatives(annotation)
        return _union(NOTHING if part in {None, type(None)} else self._type(part) for part in parts)

    def _type(self, annotation: Any, *, is_input: bool = False) -> str:
        """Return the TypeScript of *annotation*, ``unknown`` where there is none."""
        return _union(self._part(part, is_input=is_input) for part in _alternatives(annotation))

    def _part(self, part: Any, *, is_input: bool) -> str:
        if get_origin(part) is Literal:
            return _union(map(_literal, get_args(part)))
        shape = Shape.of(part)
        if shape is not None:
            use = _Use(shape, is_loose=is_input and shape.is_loose())
            self._uses[use] = None
            return self._names.get(use, "")
        named = get_origin(part) or part
        if not isinstance(named, type):
            return "null" if part is None else "unknown"
        if issubclass(named, enum.Enum):
            is_flag = issubclass(named, enum.Flag)
            return "number" if is_flag else _union(_literal(member.value) for member in named)
        if named in _SCALARS:
            return _SCALARS[named]
        arguments = [self._type(one, is_input=is_input) for one in get_args(part) if one is not ...]
        if issubclass(named, Mapping):
            return f"Record<string, {arguments[1] if arguments else 'unknown'}>"
        if issubclass(named, tuple) and arguments and ... not in get_args(part):
            return f"[{', '.join(arguments)}]"
        if issubclass(named, Collection):
            item = arguments[0] if arguments else "unknown"
            return f"({item})[]" if " " in item else f"{item}[]"
        return "unknown"


def pascal_case(name: str) -> str:
    """Return *name* as that of a type: ``tic-tac-toe`` is ``TicTacToe``."""
    words = (word for word in re.split(r"\W|_", name) if word)
    joined = "".join(word[0].upper() + word[1:] for word in words)
    return joined if joined.isidentifier() else f"App{joined}"


def _name_of(annotation: Any) -> str:
    """Return ``PageMove`` for ``Page[Move]``, ``""`` for what has no name."""
    arguments = "".join(map(_name_of, get_args(annotation)))
    name = getattr(get_origin(annotation) or annotation, "__name__", "")
    return (pascal_case(name) if name else "") + arguments


def _free(taken: set[str], *wishes: str) -> str:
    """Return the first of *wishes* that is not in *taken*, else a numbered one; then it is."""
    numbered = (f"{wishes[0]}{number}" for number in itertools.count(2))
    name = next(name for name in itertools.chain(wishes, numbered) if name not in taken)
    taken.add(name)
    return name


def _alternatives(annotation: Any) -> list[Any]:
    """Return the types of which *annotation* is one, seen through other names for it."""
    if get_origin(annotation) in {Union, types.UnionType}:
        return [part for one in get_args(annotation) for part in _alternatives(one)]
    if get_origin(annotation) is Annotated:
        return _alternatives(get_args(annotation)[0])
    if isinstance(annotation, NewType):
        return _alternatives(annotation.__supertype__)
    if isinstance(annotation, TypeAliasType):
        return _alternatives(annotation.__value__)
    return [annotation]


def _union(parts: Iterable[str]) -> str:
    distinct = list(dict.fromkeys(parts))
    return "unknown" if "unknown" in distinct else " | ".join(distinct) or "never"


def _literal(value: object) -> str:
    if value is None or isinstance(value, (str, int)):
        return values.encode([value]).decode()[1:-1]
    return "unknown"


def _key(name: str) -> str:
    return name if name.isidentifier() else _literal(name)


def _rules_words(extension: type[Extension]) -> str:
    is_ours = extension in {ApplicationExtension, RoomExtension}
    return "" if is_ours else _summary(words_of(extension))


def _summary(words: str) -> str:
    return words.partition("\n\n")[0]


def _comment(words: str, indent: str) -> Lines:
    """Yield *words* as TSDoc, which has single backticks."""
    lines = words.replace("``", "`").replace("*/", "*\\/").splitlines()
    if len(lines) == 1:
        yield f"{indent}/** {lines[0]} */"
    elif lines:
        yield f"{indent}/**"
        yield from (f"{indent} * {line}".rstrip() for line in lines)
        yield f"{indent} */"
