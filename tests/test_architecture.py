"""The layers of setup.cfg hold, and so do the rules of tests/architecture.py."""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.architecture import (
    dangerous_code,
    misplaced_imports,
    private_imports,
    untested_modules,
)

ROOT = Path(__file__).parent.parent

LAYERS = """
    __main__
    cli
    admin pytest_plugin play typescript
    testing
    web client
    sockets files process
    plain_websocket
    websocket
    frame_reader
    targets pages origins logs collector compiled
    server
    connection
    dispatch
    lifecycle messaging pulse resent tolerance conns
    seating
    application
    absences
    rooms users endings
    room_list
    room
    membership
    extension
    handlers
    runtime
    timers
    user
    sequence
    turns
    turn
    lane
    payloads outbox history refusals tickets
    wire
    messages limits events options peer
    values names threads double_login shapes
    errors
"""
"""The design, written a second time on purpose: who moves a layer changes both and says why."""

Rule = Callable[[Path], list[str]]


def broken_layers(root: Path) -> list[str]:
    """Run the import-linter contract of *root* and return what it says is broken."""
    program = "from importlinter.cli import lint_imports_command as run; run()"
    done = subprocess.run(
        [sys.executable, "-c", program, "--no-cache"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    _title, _, breaches = (done.stdout + done.stderr).rpartition("Broken contracts")
    return [] if done.returncode == 0 else breaches.splitlines()


RULES: list[Rule] = [
    broken_layers,
    misplaced_imports,
    dangerous_code,
    private_imports,
    untested_modules,
]


@pytest.fixture
def planted(tmp_path: Path) -> Callable[[str, str], Path]:
    """Return a function that adds one file to a small, orderly tree."""
    tree = {
        "goroom/__init__.py": '__all__ = ["Room"]\nfrom goroom.room import Room\n',
        "goroom/errors.py": "",
        "goroom/room.py": "from goroom import errors\nclass Room: ...\n",
        "goroom/wire/__init__.py": "",
        "goroom/wire/json.py": "import msgspec\nencode = msgspec.json.encode\n",
        "goroom/web.py": "from aiohttp import web\nfrom goroom.room import Room\n",
        "extensions/goroom_extensions/__init__.py": "",
        "extensions/goroom_extensions/chat.py": "from goroom import Room\n",
        "examples/lobby.py": "import goroom\nroom = goroom.Room()\n",
        "tests/test_errors.py": "",
        "tests/test_room.py": "",
        "tests/test_web.py": "",
        "tests/wire/test_json.py": "",
        "tests/extensions/test_chat.py": "",
    }

    def plant(name: str, source: str) -> Path:
        for path, text in {**tree, name: source}.items():
            file = tmp_path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        shutil.copy(ROOT / "setup.cfg", tmp_path)
        return tmp_path

    return plant


@pytest.mark.parametrize("rule", RULES)
def test_the_tree_keeps_the_rule(rule: Rule) -> None:
    breaches = rule(ROOT)

    assert breaches == [], "\n".join(breaches)


def test_setup_cfg_has_the_layers_of_the_design() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    contract = config["importlinter:contract:layers"]
    layers = [
        sorted(name.strip(" ()") for name in line.split("|"))
        for line in contract["layers"].splitlines()
        if line.strip()
    ]

    assert [sorted(line.split()) for line in LAYERS.split("\n") if line.strip()] == layers
    assert contract["containers"] == "goroom"
    assert contract["exhaustive"] == "True"
    assert "ignore_imports" not in contract


@pytest.mark.parametrize("rule", RULES)
def test_an_orderly_tree_breaks_no_rule(rule: Rule, planted: Callable[[str, str], Path]) -> None:
    root = planted("goroom/__init__.py", '__all__ = ["Room"]\nfrom goroom.room import Room\n')

    assert rule(root) == []


@pytest.mark.parametrize(
    ("rule", "name", "source", "said"),
    [
        (broken_layers, "goroom/errors.py", "from goroom import room", "goroom.errors"),
        (broken_layers, "goroom/errors.py", "import goroom", "goroom.errors"),
        (broken_layers, "goroom/errors.py", "def f(): import goroom.web", "goroom.errors"),
        (broken_layers, "goroom/client.py", "import goroom.web", "goroom.client"),
        (broken_layers, "goroom/stray.py", "", "goroom.stray"),
        (misplaced_imports, "goroom/room.py", "import aiohttp", "aiohttp"),
        (misplaced_imports, "goroom/room.py", "from aiohttp import web", "aiohttp.web"),
        (misplaced_imports, "goroom/room.py", "def f(): import aiohttp.web", "aiohttp.web"),
        (misplaced_imports, "goroom/room.py", "import json", "json"),
        (misplaced_imports, "goroom/room.py", "from msgspec import json", "msgspec.json"),
        (misplaced_imports, "goroom/room.py", "import msgspec.msgpack", "msgspec.msgpack"),
        (misplaced_imports, "goroom/room.py", "import msgspec as m; m.json.encode", "msgspec.json"),
        (misplaced_imports, "goroom/room.py", "import socket", "socket"),
        (dangerous_code, "goroom/room.py", "import pickle", "pickle"),
        (dangerous_code, "examples/lobby.py", "from marshal import loads", "marshal"),
        (dangerous_code, "extensions/goroom_extensions/chat.py", "import shelve", "shelve"),
        (dangerous_code, "goroom/room.py", "eval('1')", "eval"),
        (dangerous_code, "goroom/room.py", "run = exec", "exec"),
        (dangerous_code, "goroom/room.py", "import builtins; builtins.eval('1')", "eval"),
        (private_imports, "examples/lobby.py", "from goroom.room import Room", "goroom.room"),
        (private_imports, "examples/lobby.py", "import goroom.room", "goroom.room"),
        (private_imports, "examples/lobby.py", "from goroom import errors", "goroom.errors"),
        (private_imports, "examples/lobby.py", "import goroom as g; g.errors", "goroom.errors"),
        (private_imports, "examples/lobby.py", "from goroom import *", "goroom.*"),
        (
            private_imports,
            "extensions/goroom_extensions/chat.py",
            "from goroom.testing import Secret",
            "goroom.testing.Secret",
        ),
        (untested_modules, "goroom/rooms.py", "", "tests/test_rooms.py"),
        (untested_modules, "goroom/wire/frames.py", "", "tests/wire/test_frames.py"),
        (untested_modules, "extensions/goroom_extensions/relay.py", "", "test_relay.py"),
    ],
)
def test_a_planted_breach_is_named(
    rule: Rule, name: str, source: str, said: str, planted: Callable[[str, str], Path]
) -> None:
    breaches = "\n".join(rule(planted(name, source + "\n")))

    assert said in breaches
    assert name.rpartition("/")[2].removesuffix(".py") in breaches
