"""The wheel holds what users get, and nothing else; the project says truly what it is."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = {"goroom": ROOT / "goroom", "goroom_extensions": ROOT / "extensions/goroom_extensions"}


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.Path:
    """Build the wheel from a copy of the tree, for building leaves its traces, and offline."""
    tree = tmp_path_factory.mktemp("tree")
    generated = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for folder in ("goroom", "extensions", "compiling"):
        shutil.copytree(ROOT / folder, tree / folder, ignore=generated)
    for name in ("pyproject.toml", "setup.cfg", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    # Not through pip: an environment that dev.py made without ensurepip has none.
    done = subprocess.run(
        [sys.executable, "-c", "import backend; backend.build_wheel('dist')"],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": "compiling", "GOROOM_COMPILE": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # What setuptools finds amiss, such as a data folder taken for a package, it only prints.
    assert "Warning" not in done.stderr
    (built,) = (tree / "dist").iterdir()
    return zipfile.Path(built)


@pytest.fixture(scope="session")
def metadata(wheel: zipfile.Path) -> Message:
    (folder,) = [entry for entry in wheel.iterdir() if entry.name.endswith(".dist-info")]
    return Parser().parsestr((folder / "METADATA").read_text("utf-8"))


def test_the_list_of_packages_is_the_tree() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    found = {
        ".".join((name, *init.parent.relative_to(folder).parts))
        for name, folder in PACKAGES.items()
        for init in folder.rglob("__init__.py")
    }

    assert sorted(found) == sorted(listed["packages"])


def test_each_folder_of_python_is_a_package() -> None:
    """A folder without __init__.py would be importable from the tree and absent from the wheel."""
    bare = {
        str(path.parent.relative_to(ROOT))
        for folder in PACKAGES.values()
        for path in folder.rglob("*.py")
        if not (path.parent / "__init__.py").exists()
    }

    assert bare == set()


def test_the_wheel_has_two_top_level_names(wheel: zipfile.Path) -> None:
    names = {entry.name for entry in wheel.iterdir() if not entry.name.endswith(".dist-info")}

    assert names == {"goroom", "goroom_extensions"}


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_the_wheel_holds_each_file_of_the_package(package: str, wheel: zipfile.Path) -> None:
    """Modules, py.typed, and all of static/."""
    folder = PACKAGES[package]
    tree = {
        path.relative_to(folder.parent).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    names = wheel.root.namelist()
    packed = {name for name in names if name.startswith(f"{package}/") and name[-1] != "/"}

    assert tree == packed
    assert f"{package}/py.typed" in packed


def test_the_browser_client_is_in_the_wheel(wheel: zipfile.Path) -> None:
    assert (wheel / "goroom/static/goroom.js").is_file()


def test_goroom_requires_five_packages(metadata: Message) -> None:
    required = [
        re.split("[<>]", requirement)[0]
        for requirement in metadata.get_all("Requires-Dist", [])
        if "extra ==" not in requirement
    ]

    assert sorted(required) == ["aiohttp", "attrs", "msgspec", "structlog", "typing_extensions"]


def test_the_metadata_says_who_may_use_it_and_with_what(metadata: Message) -> None:
    assert metadata["Name"] == "goroom"
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License-Expression"] == "MIT"
    extras = ["fast", "auth", "sql", "postgres", "test", "docs", "dev"]
    assert extras == metadata.get_all("Provides-Extra")


def test_the_version_is_a_literal(metadata: Message) -> None:
    """So it is read without importing goroom, and with it aiohttp."""
    tree = ast.parse((ROOT / "goroom/__init__.py").read_text("utf-8"))
    (version,) = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__version__"
    ]

    assert version == metadata["Version"]


@pytest.mark.parametrize(
    "line", ["goroom = goroom.cli:main", "goroom = goroom.pytest_plugin"], ids=["script", "plugin"]
)
def test_the_entry_points_are_there(line: str, wheel: zipfile.Path) -> None:
    (folder,) = [entry for entry in wheel.iterdir() if entry.name.endswith(".dist-info")]

    assert line in (folder / "entry_points.txt").read_text("utf-8").splitlines()


def test_no_private_key_in_the_repository() -> None:
    ours = ["git", "-c", "safe.directory=*"]  # whoever runs the tests, and whosever the clone is
    listed = subprocess.run(
        [*ours, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    files = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    key = re.compile(b"BEGIN [A-Z ]*PRIVATE KEY")
    with_key = [path for path in files if path.is_file() and key.search(path.read_bytes())]

    assert len(files) > 100
    assert with_key == []
    assert [path for path in files if path.suffix in {".pem", ".key", ".rsa"}] == []
