"""
What some tests need beyond Python's packages, and how to get it.

A test says `@pytest.mark.requires("browser")` and is skipped by name where that is missing. What
`GOROOM_TEST_REQUIRE` names (a comma list) must be there: while it is set, every skip is a failure.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from tests.postgres import missing_postgres

NODE_FOLDER = Path(__file__).parent / "js"
OLDEST_NODE = 20
PEERS_FOLDER = Path(__file__).parent.parent / "benchmarks"
PEERS_OF_PYTHON = ".venv-{}.{}/installed.txt".format(*sys.version_info)
PEERS_OF_NODE = "peers/node/node_modules/.installed.json"


def chromium() -> str | None:
    """Return the path of the machine's Chromium, or None."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((path for name in names if (path := shutil.which(name))), None)


def missing_browser() -> str | None:
    """Return what a browser test lacks, with the remedy, or None."""
    if chromium() is None:
        return "chromium is not installed: apt-get install chromium"
    if find_spec("playwright") is None:
        return "playwright is not installed: pip install -e '.[test]'"
    return None


def missing_node() -> str | None:
    """Return what a test of the JavaScript client lacks, with the remedy, or None."""
    node = shutil.which("node")
    if node is None:
        return "node is not installed: apt-get install nodejs npm"
    version = subprocess.run([node, "--version"], capture_output=True, check=True, text=True).stdout
    if int(version.lstrip("v").partition(".")[0]) < OLDEST_NODE:
        return f"node {version.strip()} is older than {OLDEST_NODE}"
    for package in ("ws", "wscat"):
        if not (NODE_FOLDER / "node_modules" / package).is_dir():
            return f"{package} is not installed: npm ci --prefix tests/js"
    return None


def missing_compiler() -> str | None:
    """Return what a test of the load generator lacks, with the remedy, or None."""
    if shutil.which("cc") or shutil.which("gcc"):
        return None
    return "there is no C compiler: apt-get install gcc libc6-dev"


def missing_headers() -> str | None:
    """Return what compiling goroom lacks, with the remedy, or None."""
    if Path(sysconfig.get_path("include"), "Python.h").exists():
        return missing_compiler()
    return "Python's headers are not installed: apt-get install python3-dev"


def missing_peers() -> str | None:
    """Return what a test of the servers beside goroom lacks, with the remedy, or None."""
    for stamp in (PEERS_FOLDER / PEERS_OF_PYTHON, PEERS_FOLDER / PEERS_OF_NODE):
        if not stamp.exists():
            return "the benchmark's servers are not installed: python3 dev.py bench --install"
    return None


CHECKS: Mapping[str, Callable[[], str | None]] = {
    "browser": missing_browser,
    "node": missing_node,
    "postgres": missing_postgres,
    "compiler": missing_compiler,
    "headers": missing_headers,
    "peers": missing_peers,
}
"""Each requirement's name, and what tells what it lacks."""


@cache
def missing(name: str) -> str | None:
    """
    Return what requirement *name* lacks on this machine, or None.

    Raises:
        LookupError: No requirement is called that.
    """
    if name not in CHECKS:
        msg = f"no requirement is called {name!r}: choose from {', '.join(CHECKS)}"
        raise LookupError(msg)
    return CHECKS[name]()


def required() -> frozenset[str]:
    """Return the requirements that must be met in this run."""
    names = os.environ.get("GOROOM_TEST_REQUIRE", "").split(",")
    return frozenset(name.strip() for name in names if name.strip())
