"""What measuring needs of this machine: C programs, Python's and Node's packages, cores."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
BUILD = FOLDER / "build"
PYTHON_FOLDER = FOLDER / ".venv-{}.{}".format(*sys.version_info)
NODE_FOLDER = FOLDER / "peers/node"
REQUIREMENTS = FOLDER / "peers/python/requirements.txt"

SOURCES = {"load": FOLDER / "load", "relay": FOLDER / "peers/c"}
"""Each C program's name, and the folder of its files."""

MOST_FILES = 20_000
"""Sockets that a server and the generator each have open, at most."""


LOCK = Path(tempfile.gettempdir(), f"goroom-bench-{os.getuid()}.lock")
"""Held while a server runs, by whichever measurement on this machine it is of."""


class MissingToolError(Exception):
    """A program that the measurements need is not there; the text says how to get it."""


def program(name: str) -> Path:
    """
    Return the C program *name*, compiled anew where its sources have changed.

    Raises:
        MissingToolError: There is no C compiler, or it does not compile.
    """
    sources = sorted(SOURCES[name].glob("*.[ch]"))
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    built = BUILD / f"{name}-{digest[:16]}"
    if built.exists():
        return built
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise MissingToolError("there is no C compiler: apt-get install gcc libc6-dev")
    BUILD.mkdir(exist_ok=True)
    fresh = built.with_suffix(f".{os.getpid()}")
    files = [str(source) for source in sources if source.suffix == ".c"]
    done = _call([compiler, "-O2", "-o", str(fresh), *files])
    if done.returncode:
        raise MissingToolError(
            f"{name} does not compile (apt-get install libc6-dev?):\n{done.stderr}"
        )
    fresh.rename(built)
    return built


def benchmark_python() -> Path:
    """
    Return the Python that has the peers' packages, installed anew where their list has changed.

    Raises:
        MissingToolError: pip cannot install them.
    """
    python = PYTHON_FOLDER / "bin/python"
    wanted = REQUIREMENTS.read_text()
    stamp = PYTHON_FOLDER / "installed.txt"
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    # Debian without python3-venv has no ensurepip, but there is a pip somewhere.
    _install([sys.executable, "-m", "venv", "--clear", "--without-pip", str(PYTHON_FOLDER)])
    _install([*_pip(), "--python", str(python), "install", "--requirement", str(REQUIREMENTS)])
    stamp.write_text(wanted)
    return python


def _pip() -> list[str]:
    for python in (sys.executable, str(Path(sys.base_prefix, "bin/python3"))):
        if not _call([python, "-m", "pip", "--version"]).returncode:
            return [python, "-m", "pip"]
    raise MissingToolError("there is no pip: apt-get install python3-venv")


@functools.cache
def compiled_goroom() -> Path:
    """
    Return a copy of this tree whose goroom is compiled, anew where its sources have changed.

    Raises:
        MissingToolError: It cannot be compiled.
    """
    folder = BUILD / "compiled-{}.{}".format(*sys.version_info)
    _install([sys.executable, str(FOLDER.parent / "compiling/tree.py"), str(folder)])
    return folder


def node() -> Path:
    """
    Return Node, with the packages of its peers installed.

    Raises:
        MissingToolError: There is no Node, or npm cannot install them.
    """
    found, npm = shutil.which("node"), shutil.which("npm")
    if found is None or npm is None:
        raise MissingToolError("there is no Node: apt-get install nodejs npm")
    lock = (NODE_FOLDER / "package-lock.json").read_text()
    stamp = NODE_FOLDER / "node_modules/.installed.json"
    if not stamp.exists() or stamp.read_text() != lock:
        # Colyseus names peers that no release of theirs satisfies, and builds one we do not use.
        options = ["--legacy-peer-deps", "--ignore-scripts", "--no-audit", "--no-fund"]
        # Not `npm ci`: it misses optional packages of other platforms in a lock that npm has made.
        options += ["--omit=optional", "--no-save"]
        _install([npm, "install", "--prefix", str(NODE_FOLDER), *options])
        stamp.write_text(lock)
    return Path(found)


def _install(command: Sequence[str]) -> None:
    done = _call(command)
    if done.returncode:
        raise MissingToolError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")


def _call(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 -- our own tools
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def two_cores() -> tuple[int | None, int | None]:
    """Return a core for the servers and one for the load, or two times None."""
    if not hasattr(os, "sched_getaffinity"):
        return None, None
    cores = sorted(os.sched_getaffinity(0))
    return (cores[0], cores[1]) if len(cores) > 1 else (None, None)


def pinned(command: Sequence[str], core: int | None) -> list[str]:
    """Return *command* so that it runs on *core* alone."""
    return list(command) if core is None else ["taskset", "--cpu-list", str(core), *command]


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Hold a lock of this machine, so that two measurements take turns, run by run."""
    import fcntl  # noqa: PLC0415 -- not on Windows, where nothing of this runs

    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def open_many_files() -> None:
    """
    Let this process and its children open as many files as the machine allows, up to the bound.

    Raises:
        MissingToolError: That is too few for the measurements.
    """
    import resource  # noqa: PLC0415 -- not on Windows, where nothing of this runs

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < MOST_FILES // 2:
        raise MissingToolError(f"a process may have {most} files open: ulimit -Hn {MOST_FILES}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, MOST_FILES), most))
