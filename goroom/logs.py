"""Logs: structlog for people at a terminal, JSON lines otherwise."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from threading import Lock

import structlog
from structlog.typing import EventDict, WrappedLogger

LONGEST_VALUE = 200
"""Characters of one value in a log line: what clients send may be long."""

LEVELS = ("debug", "info", "warning", "error")


def configure(level: str = "info", *, as_json: bool | None = None) -> None:
    """
    Set structlog up for a goroom process: lines on standard error.

    A line that cannot be written (the stream is closed, the disk is full) is lost: logging raises
    no OSError into a room.

    Args:
        level: The least level that is written, one of `LEVELS`.
        as_json: One JSON object a line; None for that where stderr is no terminal.

    Raises:
        ValueError: There is no such level.
    """
    if level not in LEVELS:
        raise ValueError(f"a level is one of {', '.join(LEVELS)}, not {level!r}")
    if as_json is None:
        as_json = not _is_terminal()
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
        cut_long_values,
    ]
    rendered: list[structlog.typing.Processor] = (
        # Characters beyond ASCII as escapes: JSON in whatever encoding standard error has.
        [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(default=str, skipkeys=True),
        ]
        if as_json
        else [
            structlog.dev.ConsoleRenderer(
                colors=_is_terminal(),
                # The fancy ones show local variables: passwords would be among them.
                exception_formatter=structlog.dev.plain_traceback,
            )
        ]
    )
    structlog.configure(
        processors=[*shared, *rendered],
        wrapper_class=structlog.make_filtering_bound_logger(_number(level)),
        logger_factory=_LineLogger,
        cache_logger_on_first_use=False,
    )


def configure_by_default() -> None:
    """
    Set structlog up unless the program has.

    Its own default shows the local variables of tracebacks, passwords among them.
    """
    if not structlog.is_configured():
        configure()


class _LineLogger:
    """Writes each line to what is standard error then, and loses what that does not take."""

    _lock = Lock()

    def __init__(self, *_: object) -> None:
        """Take the arguments of `structlog.get_logger`, as structlog asks."""

    def msg(self, line: str) -> None:
        with self._lock, suppress(OSError, ValueError, AttributeError):
            sys.stderr.write(line + "\n")
            sys.stderr.flush()

    debug = info = warning = error = critical = msg


def cut_long_values(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Cut strings of clients, and write what does not print as escapes, so a line stays one."""
    for key, value in event.items():
        if isinstance(value, str) and key not in {"event", "exception"}:
            shown = value[:LONGEST_VALUE]
            event[key] = shown if shown.isprintable() else ascii(shown)
    return event


def _is_terminal() -> bool:
    # Without a standard error (pythonw, a daemon) it is None.
    with suppress(AttributeError, ValueError):
        return sys.stderr.isatty()
    return False


def _number(level: str) -> int:
    return int(getattr(logging, level.upper()))
