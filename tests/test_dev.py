"""dev.py installs once, passes arguments on, and says what to do where it cannot go on."""

from __future__ import annotations

import ast
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import attrs
import pytest

ROOT = Path(__file__).parent.parent

LOBBY = """
import sys
print("lobby", sys.argv[1:], sys.prefix)
sys.exit(7)
"""

PIP = """
import sys
print("pip", sys.argv[1:])
sys.exit("install" in sys.argv and {fails!r})
"""


@attrs.frozen
class Checkout:
    """A small tree with a dev.py, its environment made by hand: no network, no tools."""

    root: Path

    def dev(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(self.root / "dev.py"), *arguments],
            cwd=self.root.parent,
            # A real pip that is asked for a package has nowhere to get it from.
            env={**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def in_dev(self, program: str) -> str:
        """Run *program* after `import dev`, and return what it prints."""
        done = subprocess.run(
            [sys.executable, "-c", f"import dev; {program}"],
            cwd=self.root,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def make_environment(self, stage: str, *, pip_fails: bool = False) -> None:
        """Make an environment as dev.py would leave it after *stage*, with a pip that only says."""
        folder = str(self.root / ".venv")
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
        (packages,) = (self.root / ".venv").glob("[Ll]ib/**/site-packages")
        (packages / "pip").mkdir()
        (packages / "pip/__main__.py").write_text(PIP.format(fails=pip_fails))
        stamp = self.in_dev("print(dev.digest())")
        (self.root / ".venv/goroom.stamp").write_text(f"{stamp} {stage}\n")


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    monkeypatch.delenv("GOROOM_VENV", raising=False)
    root = tmp_path / "checkout"
    (root / "examples").mkdir(parents=True)
    (root / "examples/lobby.py").write_text(LOBBY)
    for name in ("dev.py", "pyproject.toml"):
        shutil.copy(ROOT / name, root)
    return Checkout(root)


def test_python_3_8_can_read_it() -> None:
    source = (ROOT / "dev.py").read_text("utf-8")

    assert ast.parse(source, feature_version=(3, 8)).body


def test_an_old_python_is_told_what_to_do(checkout: Checkout) -> None:
    program = "import sys; sys.version_info = (3, 8, 20); import dev; sys.exit(dev.main(['demo']))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=checkout.root,
        env={**os.environ, "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr == (
        "dev.py: goroom needs Python 3.11 or newer; this is 3.8: "
        "install one, and run dev.py with it\n"
    )
    assert done.returncode == 1


def test_the_help_names_each_word(checkout: Checkout) -> None:
    said = checkout.dev("--help").stdout

    assert "demo, test, test-compiled, check, style, types, docs, bench" in said


@pytest.mark.parametrize("arguments", [(), ("tests",), ("style", "goroom")])
def test_what_it_does_not_know_it_refuses_before_it_installs(
    arguments: tuple[str, ...], checkout: Checkout
) -> None:
    done = checkout.dev(*arguments)

    assert done.returncode == 2
    assert "usage: dev.py" in done.stderr
    assert not (checkout.root / ".venv").exists()


def test_the_demo_gets_its_arguments_and_gives_its_exit_code(checkout: Checkout) -> None:
    checkout.make_environment("run")

    done = checkout.dev("demo", "--port", "8081", "--help")

    assert done.stdout == f"lobby ['--port', '8081', '--help'] {checkout.root / '.venv'}\n"
    assert done.returncode == 7


def test_who_ends_the_demo_ends_the_server(checkout: Checkout) -> None:
    """No server is left behind on the port, whatever the signal."""
    checkout.make_environment("run")
    (checkout.root / "examples/lobby.py").write_text(
        "import os; print(os.getpid(), flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "dev.py", "demo"],
        cwd=checkout.root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as demo:
        assert demo.stdout is not None
        server = int(demo.stdout.readline())
        demo.kill()

        assert server == demo.pid
    assert demo.returncode == -signal.SIGKILL


def test_what_is_installed_for_tests_is_enough_for_the_demo(checkout: Checkout) -> None:
    checkout.make_environment("dev")

    assert checkout.dev("demo").returncode == 7


@pytest.mark.parametrize("stage", ["run", "dev"])
def test_a_changed_pyproject_is_installed_once_again(stage: str, checkout: Checkout) -> None:
    checkout.make_environment(stage)
    with (checkout.root / "pyproject.toml").open("a") as file:
        file.write("# changed\n")

    first, second = checkout.dev("demo"), checkout.dev("demo")

    assert "dev.py: installing goroom and what it needs\n" in first.stdout
    assert (first.returncode, second.returncode) == (7, 7)
    assert "installing" not in second.stdout


def test_the_tools_are_installed_when_a_word_needs_them(checkout: Checkout) -> None:
    checkout.make_environment("run")

    first, second = checkout.dev("test"), checkout.dev("demo")

    assert "dev.py: installing goroom and its developers' tools\n" in first.stdout
    assert "installing" not in second.stdout


def test_a_program_beside_a_clone_called_goroom_gets_the_package_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a path of its own Python takes the clone's folder for a package without code."""
    monkeypatch.delenv("GOROOM_VENV", raising=False)
    root = tmp_path / "goroom"
    (root / "goroom").mkdir(parents=True)
    (root / "goroom/__init__.py").write_text("name = 'the package'\n")
    for name in ("dev.py", "pyproject.toml"):
        shutil.copy(ROOT / name, root)
    clone = Checkout(root)
    clone.make_environment("run")
    with (root / "pyproject.toml").open("a") as file:
        file.write("# changed\n")
    clone.dev("demo")
    (tmp_path / "hello.py").write_text("import goroom; print(goroom.name)")

    done = subprocess.run(
        [root / ".venv/bin/python", tmp_path / "hello.py"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert ("the package\n", "") == (done.stdout, done.stderr)


def test_an_installation_that_failed_is_shown_and_tried_again(checkout: Checkout) -> None:
    checkout.make_environment("run", pip_fails=True)

    for _ in range(2):
        done = checkout.dev("test")

        assert done.stderr == (
            "pip ['install', '--no-input', '--editable', '.[dev]']\n"
            "dev.py: pip failed: see above; mend it and run dev.py again\n"
        )
        assert done.returncode == 1


def test_an_environment_of_another_python_is_made_anew(checkout: Checkout) -> None:
    checkout.make_environment("run")
    python = checkout.root / ".venv/bin/python"
    python.unlink()
    python.write_text("#!/bin/sh\necho 3.9\n")
    python.chmod(0o755)
    (checkout.root / ".venv/goroom.stamp").write_text("another Python's digest run\n")

    done = checkout.dev("demo")

    assert f"dev.py: making .venv with Python 3.{sys.version_info[1]}" in done.stdout


def test_another_folder_can_hold_the_environment(checkout: Checkout) -> None:
    checkout.make_environment("run")
    (checkout.root / ".venv").rename(checkout.root / ".venv-other")

    assert checkout.dev("demo", GOROOM_VENV=".venv-other").returncode == 7


def test_check_runs_each_step_though_the_first_fails(checkout: Checkout) -> None:
    """In an empty environment all four fail."""
    checkout.make_environment("dev")

    done = checkout.dev("check")

    assert done.stdout.splitlines()[-1] == "dev.py: failed: style, types, docs, test"
    assert done.returncode == 1


def test_two_at_once_install_one_after_the_other(checkout: Checkout) -> None:
    """The second waits for the lock, then finds the work done."""
    pytest.importorskip("fcntl", reason="file locks are not on Windows: nobody waits there")
    checkout.make_environment("run")
    holder = "with dev.installing_alone(): print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", f"import dev\n{holder}"],
        cwd=checkout.root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as first:
        assert first.stdout is not None
        first.stdout.readline()
        with subprocess.Popen(
            [sys.executable, "dev.py", "demo"],
            cwd=checkout.root,
            stdout=subprocess.PIPE,
            text=True,
        ) as second:
            assert second.stdout is not None
            said = second.stdout.readline()
            first.communicate("\n")
            second.communicate()

    assert said == "dev.py: another dev.py is installing: waiting for it\n"
    assert second.returncode == 7
