"""What authors write checks under mypy --strict, and is refused where it is wrong."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from goroom import RequestRefused
from goroom.testing import Stage
from tests.typing.author import make_server

HERE = Path(__file__).parent
ROOT = HERE.parent.parent


def _lines_refused(source: Path) -> list[int]:
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", str(source)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "" == done.stderr  # otherwise mypy itself has failed, and has refused nothing
    pattern = re.compile(rf"{source.name}:(\d+): error:")
    return sorted({int(number) for number in pattern.findall(done.stdout)})


def test_the_example_of_the_design_checks() -> None:
    assert [] == _lines_refused(HERE / "author.py")


def test_each_wrong_line_is_refused() -> None:
    source = HERE / "wrong.py"
    lines = source.read_text("utf-8").splitlines()
    wrong = {number for number, line in enumerate(lines, 1) if "# WRONG" in line}

    refused = _lines_refused(source)

    # mypy names the decorator's line where the decorated function is at fault.
    found = {number if number in wrong else number + 1 for number in refused}
    assert wrong == found


async def test_the_example_of_the_design_plays() -> None:
    async with Stage(make_server()) as stage:
        ada, bob = await stage.player("ada"), await stage.player("bob")
        await ada.request("open_table", {"table": "one"}, room="")
        ada.room = "one"
        await bob.join("one")
        for player, square in ((ada, 0), (bob, 3), (ada, 1), (bob, 4), (ada, 2)):
            await player.request("move", {"square": square})

        assert {"lines": 1} == await ada.request("score")
        assert 5 == await bob.request("solve")
        with pytest.raises(RequestRefused) as refused:
            await ada.request("move", {"square": 9})
        assert (21, "square") == (refused.value.code, refused.value.field)
        with pytest.raises(RequestRefused) as refused:
            await ada.request("move", {"square": 5})
        assert (1001, "illegal_move") == (refused.value.code, refused.value.reason)
        await bob.leave()
        assert [] == list(stage.server.applications["tictactoe"].rooms)
