"""What conftest.py promises to every test, seen in runs of pytest on a file of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

LEAVES_A_TASK = """
import asyncio
async def test_leaves():
    test_leaves.task = asyncio.ensure_future(asyncio.sleep(99))
"""
ENDS_ITS_TASK = """
import asyncio
async def tidy_up():
    try: await asyncio.sleep(99)
    finally:
        for _ in range(5): await asyncio.sleep(0)
async def test_ends():
    test_ends.task = asyncio.ensure_future(tidy_up())
    await asyncio.sleep(0)
    test_ends.task.cancel()
"""
NEEDS_A_BROWSER = """
import pytest
@pytest.mark.requires("browser")
def test_looks(): ...
"""
NEEDS_AN_ABACUS = NEEDS_A_BROWSER.replace("browser", "abacus")
SKIPS_ITSELF = "import pytest\ndef test_skips(): pytest.skip('not today')"
SKIPS_ITS_MODULE = "import pytest\npytest.importorskip('abacus')"
FAILS_AS_EXPECTED = "import pytest\n@pytest.mark.xfail\ndef test_fails(): assert False"
WARNS = "import warnings\ndef test_warns(): warnings.warn('beware')"
DRAWS = """
from hypothesis import given, strategies
@given(strategies.integers())
def test_draws(number): print(number)
"""

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return a function that runs pytest on *source* under our conftest and settings."""

    def run(source: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "test_it.py").write_text(source)
        settings = [
            "-p",
            "tests.conftest",
            "-c",
            str(ROOT / "pyproject.toml"),
            "-p",
            "no:cacheprovider",
        ]
        inherited = {key: os.environ[key] for key in os.environ if key != "GOROOM_TEST_REQUIRE"}
        return subprocess.run(
            [sys.executable, "-m", "pytest", *settings, "test_it.py", *arguments],
            cwd=tmp_path,
            env={**inherited, "PYTHONPATH": str(ROOT), **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_a_task_left_behind_fails_its_test(run: Run) -> None:
    done = run(LEAVES_A_TASK)

    assert "1 passed, 1 error" in done.stdout
    assert "tasks left behind: <Task" in done.stdout


def test_a_task_that_was_cancelled_may_end_after_the_test(run: Run) -> None:
    assert run(ENDS_ITS_TASK).returncode == 0


def test_what_is_missing_is_skipped_with_the_remedy(run: Run) -> None:
    done = run(NEEDS_A_BROWSER, PATH="")

    assert "1 skipped" in done.stdout
    assert "chromium is not installed: apt-get install chromium" in done.stdout
    assert done.returncode == 0


@pytest.mark.parametrize("source", [NEEDS_A_BROWSER, SKIPS_ITSELF, SKIPS_ITS_MODULE])
def test_no_skip_passes_where_programs_are_required(source: str, run: Run) -> None:
    done = run(source, PATH="", GOROOM_TEST_REQUIRE="browser,node")

    assert "GOROOM_TEST_REQUIRE allows no skip" in done.stdout
    assert "skipped in" not in done.stdout
    assert done.returncode != 0


def test_an_expected_failure_is_no_skip(run: Run) -> None:
    assert "1 xfailed in" in run(FAILS_AS_EXPECTED, GOROOM_TEST_REQUIRE="browser").stdout


def test_a_requirement_that_nobody_knows_is_an_error(run: Run) -> None:
    assert (
        "no requirement is called 'abacus': choose from browser, node"
        in run(NEEDS_AN_ABACUS).stdout
    )


def test_a_warning_is_an_error(run: Run) -> None:
    done = run(WARNS)

    assert "::test_warns - UserWarning: beware" in done.stdout
    assert done.returncode == 1


def test_the_seed_in_the_header_repeats_the_examples_of_hypothesis(run: Run) -> None:
    def drawn(seed: int) -> list[str]:
        said = run(DRAWS, "-s", f"--randomly-seed={seed}", HYPOTHESIS_PROFILE="ci").stdout
        return [line for line in said.splitlines() if line.lstrip("-").isdigit()]

    first, again, other = drawn(1), drawn(1), drawn(2)

    assert len(first) > 1000
    assert first == again
    assert first != other
