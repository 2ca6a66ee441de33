"""A compiled goroom is the same goroom: what is compiled, for whom, and that it plays."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = (ROOT / "compiling/modules.txt").read_text("utf-8").split()

PLAY = """
import asyncio
from importlib.machinery import EXTENSION_SUFFIXES

import goroom
from goroom import cli, outbox, turns, wire
from goroom.testing import Stage


class Hall(goroom.RoomExtension):
    @goroom.handles("say")
    def say(self, user):
        self.room.broadcast("said", {"by": user.name})
        return {"heard": len(self.room.members)}


class Lobby(goroom.ApplicationExtension):
    async def init(self):
        await self.application.rooms.create("hall", kind="hall")


async def main():
    server = goroom.Server()
    server.add_application("chat", Lobby, rooms={"hall": Hall})
    async with Stage(server) as stage:
        ann, bob = await stage.player("ann"), await stage.player("bob")
        for player in (ann, bob):
            await player.join("hall")
        print("heard", await ann.request("say", room="hall"), await bob.expect("said"))


print("version", cli.version())
suffixes = tuple(EXTENSION_SUFFIXES)
print("kinds", {module.__file__.endswith(suffixes) for module in (outbox, turns, wire.frames)})
asyncio.run(main())
"""


def wanted(**environment: str) -> list[str]:
    """Return what the backend asks pip for."""
    ask = "import backend; print('wanted', *backend.get_requires_for_build_wheel(), sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-c", ask],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": "compiling", **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.partition("wanted\n")[2].splitlines()


def test_what_is_compiled_is_there_and_sorted() -> None:
    assert sorted(MODULES) == MODULES
    assert all((ROOT / module).is_file() for module in MODULES)


@pytest.mark.parametrize("module", MODULES)
def test_no_class_of_attrs_or_msgspec_is_compiled(module: str) -> None:
    """mypyc drops the options of their classes, such as ``eq=False``."""
    source = (ROOT / module).read_text("utf-8")

    assert "@attrs." not in source
    assert "msgspec.Struct" not in source


def test_only_who_compiles_gets_a_compiler() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

    assert [] == wanted()
    assert project["dependencies"] == wanted(GOROOM_COMPILE="1")[1:]
    assert wanted(GOROOM_COMPILE="1")[0].startswith("mypy>=")


def test_another_word_than_0_or_1_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "setup.py", "--name"],
        cwd=ROOT,
        env={**os.environ, "GOROOM_COMPILE": "yes"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert 1 == done.returncode
    assert "GOROOM_COMPILE is 'yes': say 1 to compile, or 0" in done.stderr


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a copy of what is built, for building leaves its traces."""
    tree = tmp_path / "tree"
    generated = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for folder in ("goroom", "extensions", "compiling"):
        shutil.copytree(ROOT / folder, tree / folder, ignore=generated)
    for name in ("pyproject.toml", "setup.cfg", "setup.py", "MANIFEST.in", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    return tree


def build(tree: Path, what: str, **environment: str) -> Path:
    """Return what the backend builds of *tree*."""
    done = subprocess.run(
        [sys.executable, "-c", f"import backend; backend.build_{what}('dist')"],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": "compiling", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    (built,) = (tree / "dist").iterdir()
    return built


def test_an_sdist_can_be_built_from(tree: Path) -> None:
    with tarfile.open(build(tree, "sdist")) as packed:
        names = {name.partition("/")[2] for name in packed.getnames()}

    assert {"setup.py", "compiling/backend.py", "compiling/modules.txt"} <= names
    assert {f"goroom/{path.name}" for path in (ROOT / "goroom").glob("*.py")} <= names


@pytest.mark.requires("headers")
@pytest.mark.timeout(400)
def test_a_compiled_wheel_plays(tree: Path, tmp_path: Path) -> None:
    wheel = build(tree, "wheel", GOROOM_COMPILE="1")
    shutil.unpack_archive(wheel, tmp_path / "installed", "zip")
    played = subprocess.run(
        [sys.executable, "-c", PLAY],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "installed")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == played.returncode, played.stderr
    told = dict(line.split(" ", 1) for line in played.stdout.splitlines())

    assert "none-any" not in wheel.name
    assert told["version"].endswith("(compiled)")
    assert "{True}" == told["kinds"]
    assert "{'heard': 2} {'by': 'ann'}" == told["heard"]
