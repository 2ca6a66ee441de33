"""The JavaScript client's own tests, its types, and what is shipped beside it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import goroom

HERE = Path(__file__).parent
LOBBY = HERE.parents[1] / "examples" / "lobby.py"
GUIDE = HERE.parents[1] / "docs" / "guide" / "browser-client.md"
STATIC = Path(goroom.__file__).parent / "static"

pytestmark = pytest.mark.requires("node")


def run(*command: str) -> str:
    """Run *command* in this folder and return what it prints, the message of what fails, too."""
    # The tests' server runs on the Python that runs this, with goroom in it.
    environment = {**os.environ, "PYTHON": sys.executable}
    done = subprocess.run(
        command,
        check=False,
        cwd=HERE,
        env=environment,
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def compiler() -> str:
    """Return the path of the TypeScript compiler."""
    return str(HERE / "node_modules" / ".bin" / "tsc")


def test_the_client_passes_its_own_tests() -> None:
    run("node", "--test", "--test-timeout=30000")


def test_the_types_of_the_client_and_of_the_page_check() -> None:
    run(compiler(), "--project", "tsconfig.json")


def test_the_declarations_are_those_of_the_client(tmp_path: Path) -> None:
    run(compiler(), "--project", "tsconfig.declarations.json", "--outDir", str(tmp_path))

    made = (tmp_path / "goroom.d.ts").read_text()
    assert made == (STATIC / "goroom.d.ts").read_text(), "run: npm run declarations in tests/js"


def test_messages_are_checked_against_the_types_of_an_application(tmp_path: Path) -> None:
    shutil.copy(HERE / "types" / "use.ts", tmp_path)
    shutil.copy(STATIC / "goroom.d.ts", tmp_path)
    schema = run(sys.executable, "-m", "goroom", "types", "--ts", f"{LOBBY}:server")
    (tmp_path / "lobby.ts").write_text(schema)
    (code,) = re.findall(r"^```ts\n(.*?)^```$", GUIDE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    (tmp_path / "guide.ts").write_text(code)
    options = {
        "strict": True,
        "noEmit": True,
        "types": [],
        "target": "es2022",
        "module": "es2022",
        "moduleResolution": "bundler",
    }
    project = {"compilerOptions": options, "files": ["use.ts", "guide.ts"]}
    (tmp_path / "tsconfig.json").write_text(json.dumps(project))

    run(compiler(), "--project", str(tmp_path))


def test_the_package_has_the_version_of_goroom() -> None:
    package = json.loads((STATIC / "package.json").read_text())

    assert goroom.__version__ == package["version"]
    assert all((STATIC / name).is_file() for name in package["files"])


def test_the_lockfile_names_no_registry() -> None:
    assert "resolved" not in (HERE / "package-lock.json").read_text()
