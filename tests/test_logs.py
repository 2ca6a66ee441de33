"""Logs: JSON lines or a terminal's, values cut and escaped so that a line stays one."""

from __future__ import annotations

import errno
import io
import json
from collections.abc import Callable, Iterator

import pytest
import structlog

from goroom import logs


class Stderr(io.TextIOWrapper):
    """A standard error that a test can read."""

    def __init__(self, *, is_terminal: bool = False) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", write_through=True)
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal

    def lines(self) -> list[str]:
        buffer = self.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode().splitlines()


@pytest.fixture(autouse=True)
def _reset() -> Iterator[None]:
    yield
    structlog.reset_defaults()


Lines = Callable[[], list[str]]


@pytest.fixture
def lines(capfd: pytest.CaptureFixture[str]) -> Lines:
    """Return what has been written to the standard error, by line."""
    return lambda: capfd.readouterr().err.splitlines()  # noqa: PLW0108 -- read when asked


def test_a_line_is_one_json_object(lines: Lines) -> None:
    logs.configure()
    structlog.get_logger().info("room_made", room="a\r\n\x1b[31m\u2028b", members=3, odd=object)
    (line,) = lines()
    event = json.loads(line)

    assert ("room_made", "info", 3) == (event["event"], event["level"], event["members"])
    assert r"'a\r\n\x1b[31m\u2028b'" == event["room"]
    assert "timestamp" in event


def test_long_values_are_cut(lines: Lines) -> None:
    logs.configure()
    structlog.get_logger().info("room_made", room="x" * 1000)

    assert 200 >= len(json.loads(lines()[0])["room"])


def test_an_exception_is_told_with_its_traceback(lines: Lines) -> None:
    logs.configure()
    structlog.get_logger().error("handler_failed", exc_info=OSError("no disk"))

    assert "OSError: no disk" in json.loads(lines()[0])["exception"]


def test_less_than_the_level_is_left_out(lines: Lines) -> None:
    logs.configure("warning", as_json=True)
    structlog.get_logger().info("left_out")
    structlog.get_logger().warning("written")

    assert ["written"] == [json.loads(line)["event"] for line in lines()]


@pytest.mark.parametrize("is_terminal", [False, True])
def test_people_get_lines_to_read(is_terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001 -- an example
    stderr = Stderr(is_terminal=is_terminal)
    monkeypatch.setattr("sys.stderr", stderr)
    logs.configure(as_json=None if is_terminal else False)
    structlog.get_logger().info("room_made", room="a\nb")
    (line,) = stderr.lines()

    assert "room_made" in line
    assert not line.startswith("{")


class Broken(io.TextIOBase):
    """A standard error that takes nothing."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def write(self, text: str) -> int:
        raise self._error


@pytest.mark.parametrize(
    "stream",
    [
        Broken(BrokenPipeError()),
        Broken(OSError(errno.ENOSPC, "No space left on device")),
        Broken(ValueError("I/O operation on closed file.")),
        None,
    ],
)
@pytest.mark.parametrize("as_json", [True, False, None])
def test_a_line_that_cannot_be_written_is_lost(
    *, stream: Broken | None, as_json: bool | None, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("sys.stderr", stream)
        logs.configure(as_json=as_json)
        structlog.get_logger().info("lost")
    structlog.get_logger().info("written")

    assert 1 == len(lines())


def test_a_closed_standard_error_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = Stderr(is_terminal=True)
    monkeypatch.setattr("sys.stderr", stderr)
    stderr.isatty = io.TextIOWrapper.isatty.__get__(stderr)  # type: ignore[method-assign]
    stderr.close()
    logs.configure()
    structlog.get_logger().info("lost")

    assert stderr.closed


def test_by_default_no_local_variable_is_written(lines: Lines) -> None:
    logs.configure_by_default()
    _fail("open sesame")
    (line,) = lines()

    assert "OSError: no disk" in json.loads(line)["exception"]
    assert "open sesame" not in line


def _fail(password: str) -> None:
    try:
        raise OSError("no disk" if password else "")  # noqa: TRY301 -- its frame has the password
    except OSError:
        structlog.get_logger().exception("handler_failed")


def test_the_programs_own_configuration_is_kept() -> None:
    with structlog.testing.capture_logs() as captured:
        logs.configure_by_default()
        structlog.get_logger().info("captured")

    assert ["captured"] == [event["event"] for event in captured]


def test_a_level_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="debug, info, warning, error"):
        logs.configure("loud")
