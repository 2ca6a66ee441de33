"""Targets: the server that ``module:attribute`` or ``file.py`` names."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from goroom.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

DEFAULT_ATTRIBUTE = "server"


class TargetError(Exception):
    """The target names no server; the text says what to write instead."""


def load(target: str) -> Server:
    """
    Return the server that *target* names.

    Args:
        target: ``module:attribute``, ``module``, ``file.py`` or ``file.py:attribute``; the
            attribute is ``server`` by default, and a callable is called.

    Raises:
        TargetError: There is none. What the module itself raises comes through as it is.
    """
    place, _, attribute = target.rpartition(":")
    if not place or "/" in attribute or "\\" in attribute:
        place, attribute = target, DEFAULT_ATTRIBUTE
    module = _from_file(Path(place)) if place.endswith(".py") else _from_module(place)
    try:
        found = getattr(module, attribute)
    except AttributeError:
        raise TargetError(
            f"{place} has no {attribute!r}: write {place}:<name of your server>"
        ) from None
    if callable(found):
        _check_factory(found, f"{place}:{attribute}")
        found = found()
    if not isinstance(found, Server):
        raise TargetError(f"{place}:{attribute} is a {type(found).__name__}, not a goroom.Server")
    return found


def _check_factory(found: Callable[..., object], name: str) -> None:
    try:
        inspect.signature(found).bind()
    except (TypeError, ValueError):
        raise TargetError(f"{name} cannot be called without arguments: name a server") from None


def _from_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise TargetError(f"there is no file {path}")
    # What lies beside the file can be imported, as when it is run as a script.
    sys.path.insert(0, str(path.parent.resolve()))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None  # noqa: S101 -- a name that ends with .py has a loader
    assert spec.loader is not None  # noqa: S101 -- the same
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def _from_module(name: str) -> ModuleType:
    missing = TargetError(f"there is no module {name!r} here")
    if not all(part.isidentifier() for part in name.split(".")):
        raise missing
    sys.path.insert(0, str(Path.cwd()))
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        # The module itself or a package above it, not one that it imports.
        if f"{name}.".startswith(f"{error.name}."):
            raise missing from None
        raise
