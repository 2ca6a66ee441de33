"""The guide's page about dialects is carried out: its files are written, its tests are run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.documentation import DOCS, blocks, written

PAGE = DOCS / "guide/writing-a-dialect.md"


def pytest_says(folder: Path) -> str:
    """Return what pytest prints in *folder*, as a reader runs it there."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=folder,
        capture_output=True,
        check=False,
        text=True,
    )
    return done.stdout + done.stderr


def test_the_page_does_what_it_says(tmp_path: Path) -> None:
    """Each test run that it prints is run on what is written up to there."""
    runs = 0
    for block in blocks(PAGE):
        if block.caption:
            written(tmp_path, block)
        elif block.language == "console":
            _command, told = block.text.rstrip("\n").split("\n", 1)
            said = pytest_says(tmp_path)
            assert re.search(rf"^{told} in ", said, re.MULTILINE), said
            runs += 1

    assert 4 == runs


def test_all_python_of_the_page_is_carried_out() -> None:
    """No block of code stands there that nobody runs."""
    assert all(block.caption for block in blocks(PAGE) if block.language == "python")
