"""``python -m goroom`` is the command line."""

from __future__ import annotations

import subprocess
import sys

from goroom import __version__


def test_python_m_goroom_is_the_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "goroom", "--version"], capture_output=True, text=True, check=True
    )

    assert f"goroom {__version__}\n" == done.stdout


def test_it_exits_with_the_programs_code() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "goroom", "serve", "nowhere.py"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (2, "goroom: there is no file nowhere.py\n") == (done.returncode, done.stderr)
