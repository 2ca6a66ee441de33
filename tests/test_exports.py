"""What goroom exports is there, is documented, and is all of it."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

import goroom
from tests.architecture import PUBLIC_MODULES, public_names

ROOT = Path(__file__).parent.parent
REFERENCE = ROOT / "docs/reference"


@pytest.mark.parametrize("name", goroom.__all__)
def test_an_exported_name_is_there(name: str) -> None:
    assert hasattr(goroom, name)


def test_the_exported_names_are_sorted_and_once_each() -> None:
    assert sorted(set(goroom.__all__)) == list(goroom.__all__)


@pytest.mark.parametrize("name", goroom.__all__)
def test_an_exported_class_or_function_says_what_it_is(name: str) -> None:
    """In its own words, for a class inherits the docstring of its base."""
    value = getattr(goroom, name)

    assert not callable(value) or vars(value).get("__doc__", value.__doc__)


def test_a_public_name_is_imported_into_goroom_only_to_be_exported() -> None:
    """So that `dir(goroom)` and the reference agree."""
    public = {
        name
        for name, value in vars(goroom).items()
        if not name.startswith("_") and not inspect.ismodule(value) and name != "annotations"
    }

    assert public <= set(goroom.__all__)


@pytest.mark.parametrize("module", PUBLIC_MODULES)
def test_a_public_module_says_what_is_public(module: str) -> None:
    assert public_names(ROOT, module)
