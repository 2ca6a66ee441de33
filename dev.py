#!/usr/bin/env python3
"""
The developer's commands, with nothing but Python and its standard library.

    python3 dev.py demo [--port P] [--bots N] [--seconds S]   play at http://127.0.0.1:8080/
    python3 dev.py test [pytest's arguments]                  without arguments, coverage counts
    python3 dev.py test-compiled [pytest's arguments]         plays a compiled goroom from outside
    python3 dev.py check                                      style, types, docs and test
    python3 dev.py style | types | docs                       one of them
    python3 dev.py bench [--quick | --gate | --only T ...]     how fast goroom is, beside others

The first run makes .venv with the Python that runs this file and installs goroom into it; later
runs need no network until pyproject.toml changes. GOROOM_VENV names another folder for it.
"""

# This file is read by Python 3.8, too, so that it can say that it is too old.
from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Dict, List, Optional, Tuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent
VENV = ROOT / os.environ.get("GOROOM_VENV", ".venv")
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

# The demo needs goroom only; the other words need its tools as well.
STAGES = {"run": ".", "dev": ".[dev]"}


def say(text: str) -> None:
    """Print one line of progress, before what a child process prints."""
    print("dev.py: " + text, flush=True)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Do what the first word asks for, and return the exit code."""
    if sys.version_info < OLDEST:
        return too_old()
    parser = argparse.ArgumentParser(
        prog="dev.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("word", choices=sorted(WORDS), metavar="word", help=", ".join(WORDS))
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="are passed on")
    options = parser.parse_args(arguments)
    word, stage, takes_arguments = WORDS[options.word]
    if options.arguments and not takes_arguments:
        parser.error(f"{options.word} takes no arguments")
    os.chdir(str(ROOT))
    with installing_alone():
        install(stage)
    return word(options.arguments)


# The words.


def demo(arguments: Sequence[str]) -> int:
    """Serve the lobby with its bots, until Ctrl-C."""
    return become("examples/lobby.py", *arguments)


def test(arguments: Sequence[str]) -> int:
    """Run the tests; without arguments all of them, and print what they cover of goroom."""
    failed = python("-m", "coverage", "run", "-m", "pytest", *arguments)
    if failed or arguments:
        return failed
    return python("-m", "coverage", "report")


def test_compiled(arguments: Sequence[str]) -> int:
    """Compile goroom in a copy of this tree, and run there the tests that play it from outside."""
    folder = ROOT / "build" / "compiled-{}.{}".format(*sys.version_info)
    say("compiling goroom in " + str(folder.relative_to(ROOT)))
    if python("compiling/tree.py", str(folder)):
        return 1
    os.environ["GOROOM_TEST_COMPILED"] = "1"
    # Programs that a test starts, such as an example, are to have the compiled goroom, too.
    os.environ["PYTHONPATH"] = os.pathsep.join((str(folder), str(folder / "extensions")))
    os.chdir(str(folder))
    chosen = arguments or ["-m", "not requires and not inside", *OUTSIDE]
    return python("-m", "pytest", *chosen)


OUTSIDE = [
    "tests/" + folder
    for folder in ("client", "dialects", "examples", "extensions", "protocol", "resume")
]
"""Folders of tests that look at what goes over sockets, and at what authors are given."""


def style(_arguments: Sequence[str]) -> int:
    """Run ruff: its rules, and its formatter as a check."""
    checked = python("-m", "ruff", "check", ".")
    return python("-m", "ruff", "format", "--check", ".") or checked


def types(_arguments: Sequence[str]) -> int:
    """Run mypy, strict, on what authors read and on the tests of types."""
    folders = ["goroom", "extensions", "examples", "tests/typing"]
    return python("-m", "mypy", *[folder for folder in folders if any(Path(folder).rglob("*.py"))])


def docs(_arguments: Sequence[str]) -> int:
    """Build the documentation; each warning is an error."""
    return python("-m", "sphinx", "-E", "-n", "-W", "--keep-going", "-q", "docs", "docs/_build")


def bench(arguments: Sequence[str]) -> int:
    """Measure goroom beside other servers."""
    return become("-m", "benchmarks", *arguments)


def check(arguments: Sequence[str]) -> int:
    """Run style, types, docs and test: all of them, whatever fails first."""
    failed = []
    for step in (style, types, docs, test):
        say(f"{step.__name__}: {step.__doc__}")
        if step(arguments):
            failed.append(step.__name__)
    say("failed: " + ", ".join(failed) if failed else "style, types, docs and test are in order")
    return 1 if failed else 0


WORDS: Dict[str, Tuple[Callable[[Sequence[str]], int], str, bool]] = {
    "demo": (demo, "run", True),
    "test": (test, "dev", True),
    "test-compiled": (test_compiled, "dev", True),
    "check": (check, "dev", False),
    "style": (style, "dev", False),
    "types": (types, "dev", False),
    "docs": (docs, "dev", False),
    "bench": (bench, "dev", True),
}
"""Each word's function, the stage of installation it needs, and whether it takes arguments."""


# The environment.


def too_old() -> int:
    """Say what to do with a Python that is too old, and return the exit code."""
    wanted, this = ("%d.%d" % version[:2] for version in (OLDEST, sys.version_info))
    newer = [name for name in ("python3.%d" % n for n in range(20, 10, -1)) if shutil.which(name)]
    remedy = f"run: {newer[0]} dev.py" if newer else "install one, and run dev.py with it"
    sys.stderr.write(f"dev.py: goroom needs Python {wanted} or newer; this is {this}: {remedy}\n")
    return 1


def digest() -> str:
    """Return what an installation depends on: pyproject.toml, this folder, and this Python."""
    seed = f"{ROOT} {sys.version_info[:2]} "
    return hashlib.sha256(seed.encode() + (ROOT / "pyproject.toml").read_bytes()).hexdigest()


def is_installed(stage: str) -> bool:
    """Tell whether *stage*, or the one that holds it, is installed as pyproject.toml is now."""
    try:
        stamp = stamp_file().read_text().split()
    except FileNotFoundError:
        return False
    return PYTHON.exists() and stamp in ([digest(), stage], [digest(), "dev"])


def stamp_file() -> Path:
    """Return the file that says what was installed: the digest and the stage."""
    return VENV / "goroom.stamp"


@contextlib.contextmanager
def installing_alone() -> Iterator[None]:
    """Hold a lock, so that a demo and a test started together do not install over each other."""
    try:
        import fcntl  # noqa: PLC0415 - not on Windows, where nobody waits
    except ImportError:
        yield
        return
    with open(str(VENV) + ".lock", "w") as lock:  # noqa: PTH123 - Path has no + for a name
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another dev.py is installing: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def install(stage: str) -> None:
    """Bring the environment to *stage*; exit with what to do where that fails."""
    if is_installed(stage):
        return
    started = time.monotonic()
    make_environment()
    say("installing goroom and " + ("its developers' tools" if stage == "dev" else "what it needs"))
    run_pip([*find_pip(), "install", "--no-input", "--editable", STAGES[stage]])
    put_on_path()
    stamp_file().write_text(f"{digest()} {stage}\n")
    say(f"ready after {time.monotonic() - started:.0f} s")


def put_on_path() -> None:
    """
    Have the environment look for goroom in this folder, too.

    What pip has installed is asked last. A program beside a clone that is called goroom would get
    that folder instead, as a package without code.
    """
    program = "import sysconfig; print(sysconfig.get_path('purelib'))"
    done = subprocess.run([str(PYTHON), "-c", program], capture_output=True, text=True, check=True)
    Path(done.stdout.strip(), "goroom.pth").write_text(f"{ROOT}\n")


def make_environment() -> None:
    """Make VENV where it is missing or of another Python, with a pip where that is possible."""
    version = "%d.%d" % sys.version_info[:2]
    if environment_version() == version:
        return
    say(f"making {VENV.name} with Python {version} ({sys.executable})")
    command = [sys.executable, "-m", "venv", "--clear", str(VENV)]
    if call(command):
        # Debian without python3-venv: there is no ensurepip, but there may be a pip.
        subprocess.run([*command, "--without-pip"], check=True)


def environment_version() -> Optional[str]:
    """Return the version of the Python in VENV, as "3.11", or None where none runs there."""
    program = "import sys; print('%d.%d' % sys.version_info[:2])"
    if not PYTHON.exists():
        return None
    done = subprocess.run([str(PYTHON), "-c", program], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def find_pip() -> List[str]:
    """Return the command of a pip that installs into VENV, or exit with what to do."""
    if not call([str(PYTHON), "-m", "pip", "--version"]):
        return [str(PYTHON), "-m", "pip"]
    if call([sys.executable, "-m", "pip", "--version"]):
        sys.exit("dev.py: this Python has neither ensurepip nor pip: apt install python3-venv")
    return [sys.executable, "-m", "pip", "--python", str(PYTHON)]


def run_pip(command: Sequence[str]) -> None:
    """Run pip, show the package it is at, and exit with all it said where it fails."""
    said = []
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=dict(os.environ, PIP_DISABLE_PIP_VERSION_CHECK="1"),
    ) as pip:
        for line in pip.stdout or ():
            said.append(line)
            if sys.stdout.isatty() and line.startswith(("Collecting", "Installing", "Building")):
                print("\r\033[K  " + line.strip()[:70], end="", flush=True)
    if sys.stdout.isatty():
        print("\r\033[K", end="", flush=True)
    if pip.returncode:
        sys.exit("".join(said) + "dev.py: pip failed: see above; mend it and run dev.py again")


def call(command: Sequence[str]) -> int:
    """Run *command* in silence and return its exit code."""
    return subprocess.run(command, capture_output=True, check=False).returncode


def python(*arguments: str) -> int:
    """Run the environment's Python and return its exit code; signals are the child's to handle."""
    with subprocess.Popen([str(PYTHON), *arguments]) as child:
        signal.signal(signal.SIGTERM, lambda *_: child.terminate())
        while True:
            # A terminal sends Ctrl-C to the child, too.
            with contextlib.suppress(KeyboardInterrupt):
                return child.wait()


def become(*arguments: str) -> int:
    """Run the environment's Python in place of this one, so that who ends this ends that."""
    if os.name != "nt":
        sys.stdout.flush()
        os.execv(str(PYTHON), [str(PYTHON), *arguments])  # noqa: S606 - our own program
    return python(*arguments)


if __name__ == "__main__":
    sys.exit(main())
