"""What a measurement needs is compiled once, and what is missing is named with its remedy."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest

from benchmarks import tools
from benchmarks.tools import LOCK, MissingToolError, alone, pinned, program

RIGHT = "int main(void) { return 0; }\n"


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program in C, the only one."""
    folder = tmp_path / "small"
    folder.mkdir()
    (folder / "small.c").write_text(RIGHT)
    monkeypatch.setattr(tools, "SOURCES", {"small": folder})
    monkeypatch.setattr(tools, "BUILD", tmp_path / "build")
    return folder / "small.c"


@pytest.mark.requires("compiler")
def test_a_program_is_compiled_again_only_where_its_source_has_changed(source: Path) -> None:
    first = program("small")
    made = first.stat().st_mtime_ns
    again = program("small")
    source.write_text(RIGHT + "/* changed */\n")

    assert first == again
    assert made == again.stat().st_mtime_ns
    assert first != program("small")


@pytest.mark.requires("compiler")
def test_a_program_that_does_not_compile_is_shown(source: Path) -> None:
    source.write_text("int main(void) { return nothing; }\n")

    with pytest.raises(MissingToolError, match="nothing"):
        program("small")


def test_a_missing_compiler_is_named_with_the_remedy(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tools.shutil, "which", lambda _: None)

    with pytest.raises(MissingToolError, match="apt-get install gcc libc6-dev"):
        program("small")


def test_a_missing_node_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools.shutil, "which", lambda _: None)

    with pytest.raises(MissingToolError, match="apt-get install nodejs npm"):
        tools.node()


def test_a_command_runs_on_its_core_or_on_any() -> None:
    assert ["taskset", "--cpu-list", "1", "true"] == pinned(["true"], 1)
    assert ["true"] == pinned(["true"], None)


def test_one_measurement_runs_at_a_time() -> None:
    with alone(), LOCK.open("w") as lock, pytest.raises(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
