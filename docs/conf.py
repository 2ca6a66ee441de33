"""Sphinx: `python3 dev.py docs` builds these pages without a network, each warning an error."""

from __future__ import annotations

import sys
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sphinx.ext.napoleon.docstring import GoogleDocstring

import goroom
from goroom import Connection, Request, turn

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "goroom"
author = "goroom contributors"
copyright = author  # noqa: A001 - Sphinx's name for it
version = release = goroom.__version__

sys.path.insert(0, str(Path(__file__).with_name("_ext")))

extensions = [
    "goroom_reference",
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
]
exclude_patterns = ["_build"]

default_role = "code"  # what docstrings put into `backticks`

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
napoleon_numpy_docstring = False

# There is no intersphinx, for the build needs no network: other projects' names are not links.
nitpick_ignore_regex = [
    ("py:.*", r"(aiohttp|attrs?|msgspec|structlog|typing_extensions)\..*"),
    ("py:.*", rf"({'|'.join(sys.stdlib_module_names)})(\..*)?"),
    ("py:.*", r"web\.\w+"),  # aiohttp.web, as our annotations spell it
    ("py:.*", r"Random|deque|Path|PasswordHasher"),  # likewise random, collections, pathlib, argon2
    ("py:.*", r"(goroom\.\w+\.)?[A-Z]"),  # TypeVars
]

html_theme = "furo"
html_title = "goroom"

_attribute_docstrings: dict[str, list[str]] = {}


def _read_as_function(  # noqa: PLR0917 -- Sphinx's event
    app: Sphinx, what: str, name: str, value: Any, options: Any, lines: list[str]
) -> None:
    if what in {"attribute", "data", "property"}:
        docstring = GoogleDocstring(lines, app.config, app, "function", name, value, options)
        _attribute_docstrings[name] = docstring.lines()


def _restore(
    _app: Sphinx, _what: str, name: str, _value: Any, _options: Any, lines: list[str]
) -> None:
    lines[:] = _attribute_docstrings.pop(name, lines)


def setup(app: Sphinx) -> None:
    """Read attributes' docstrings as functions': napoleon would take "Word: text" for a type."""
    # A Struct's signature evaluates its annotations, of which some are imported for checkers only.
    vars(turn).update(Connection=Connection, Future=Future, Request=Request)
    napoleons = 500  # the default, at which napoleon listens
    app.connect("autodoc-process-docstring", _read_as_function, priority=napoleons - 1)
    app.connect("autodoc-process-docstring", _restore, priority=napoleons + 1)
