"""
Builds goroom: setuptools' backend (PEP 517), which fetches a compiler for who asks for one.

``GOROOM_COMPILE=1 pip install .`` builds a wheel whose hot path is compiled (`setup.py`). That
takes a C compiler, and mypyc, which is asked for here: everybody else does without it.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

from setuptools import build_meta
from setuptools.build_meta import (
    build_editable,
    build_sdist,
    build_wheel,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]


def get_requires_for_build_wheel(config_settings: Mapping[str, object] | None = None) -> list[str]:
    """Return what building takes: to compile, mypyc, and what goroom imports, for its types."""
    requires: list[str] = build_meta.get_requires_for_build_wheel(config_settings)
    if os.environ.get("GOROOM_COMPILE") == "1":
        project = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["project"]
        mypy = [one for one in project["optional-dependencies"]["dev"] if one.startswith("mypy")]
        requires += [*mypy, *project["dependencies"]]
    return requires
