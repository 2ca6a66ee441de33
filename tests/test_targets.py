"""Targets: what `goroom serve` and `init_func` are given."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from goroom import Server
from goroom.targets import TargetError, load

GAME = """
from goroom import Server
from {beside} import NAME

server = Server()
server.add_application(NAME)
other = Server()
number = 3


def build():
    return other


def build_for(name):
    return other


def fail():
    raise KeyError("broken")


@type.__call__
class uncallable_by_inspection:
    __signature__ = 3

    def __call__(self):
        return other
"""


@pytest.fixture
def game(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Write a module of its own for each test into the working directory; return its name."""
    name = f"game_{tmp_path.name}"
    beside = f"beside_{name}"
    (tmp_path / f"{name}.py").write_text(GAME.format(beside=beside), "utf-8")
    (tmp_path / f"{beside}.py").write_text("NAME = 'chess'\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    importlib.invalidate_caches()
    return name


@pytest.mark.parametrize("target", ["{}", "{}:server", "{}.py", "{}.py:server", "./{}.py"])
def test_a_module_and_a_file_have_a_server_by_default(game: str, target: str) -> None:
    assert ["chess"] == list(load(target.format(game)).applications)


def test_a_file_is_found_from_elsewhere_with_what_lies_beside_it(
    game: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")

    assert ["chess"] == list(load(str(tmp_path / f"{game}.py")).applications)


@pytest.mark.parametrize("attribute", ["other", "build"])
def test_an_attribute_is_named_and_a_callable_called(game: str, attribute: str) -> None:
    server = load(f"{game}:{attribute}")

    assert isinstance(server, Server)
    assert [] == list(server.applications)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("{}:nothing", "{} has no 'nothing': write {}:<name of your server>"),
        ("{}:number", "{}:number is a int, not a goroom.Server"),
        ("{}:build_for", "{}:build_for cannot be called without arguments: name a server"),
        (
            "{}:uncallable_by_inspection",
            "{}:uncallable_by_inspection cannot be called without arguments: name a server",
        ),
        ("nothing_{}.py", "there is no file nothing_{}.py"),
        ("nothing_{}:server", "there is no module 'nothing_{}' here"),
        ("nothing_{}.sub:server", "there is no module 'nothing_{}.sub' here"),
        ("", "there is no module '' here"),
        ("..{}", "there is no module '..{}' here"),
    ],
)
def test_a_target_without_a_server_is_named(game: str, target: str, said: str) -> None:
    with pytest.raises(TargetError) as caught:
        load(target.format(game))
    assert said.format(game, game) == str(caught.value)


def test_what_a_module_or_a_factory_raises_comes_through(game: str, tmp_path: Path) -> None:
    (tmp_path / f"needy_{game}.py").write_text("import a_package_that_is_missing\n", "utf-8")
    (tmp_path / "shopping.py").write_text("import shop\n", "utf-8")
    importlib.invalidate_caches()

    with pytest.raises(ModuleNotFoundError, match="No module named 'shop'"):
        load("shopping")
    with pytest.raises(KeyError, match="broken"):
        load(f"{game}:fail")
    with pytest.raises(ModuleNotFoundError, match="a_package_that_is_missing"):
        load(f"needy_{game}")
