"""
Copies this tree into a folder and compiles goroom there, to be tested and measured.

usage: python compiling/tree.py FOLDER

What the copy has compiled already is compiled anew only if a source has changed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

GENERATED = (".*", "_build", "build", "node_modules", "results", "__pycache__", "*.egg-info")
"""What is not copied. Packages of npm are shared by a link."""

PACKAGES_OF_NPM = "tests/js/node_modules"


def compiled_tree(folder: Path) -> None:
    """
    Make *folder* a copy of this tree in which goroom is compiled.

    Raises:
        subprocess.CalledProcessError: It cannot be compiled; the reason has been printed.
    """
    stamp = folder / "compiled.txt"
    wanted = digest()
    is_compiled = stamp.exists() and stamp.read_text() == wanted
    if not is_compiled:
        stamp.unlink(missing_ok=True)
    for old in folder.iterdir() if folder.exists() else ():
        if old.is_dir() and not (is_compiled and old.name == "goroom"):
            shutil.rmtree(old)
    shutil.copytree(
        ROOT, folder, ignore=shutil.ignore_patterns(*GENERATED), dirs_exist_ok=True, symlinks=True
    )
    packages = folder / PACKAGES_OF_NPM
    if (ROOT / PACKAGES_OF_NPM).exists():
        packages.symlink_to(ROOT / PACKAGES_OF_NPM)
    if not is_compiled:
        command = [sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"]
        environment = {**os.environ, "GOROOM_COMPILE": "1"}
        subprocess.run(command, cwd=folder, env=environment, check=True)
        stamp.write_text(wanted)


def digest() -> str:
    """Return what the compiled modules depend on: Python, mypyc, all of goroom, and how."""
    found = hashlib.sha256(f"{sys.version} {version('mypy')}".encode())
    building = [ROOT / "compiling/modules.txt", ROOT / "setup.py", ROOT / "pyproject.toml"]
    for path in sorted([*ROOT.glob("goroom/**/*.py"), *building]):
        found.update(f"{path.name} ".encode() + path.read_bytes())
    return found.hexdigest()


if __name__ == "__main__":
    compiled_tree(Path(sys.argv[1]).resolve())
