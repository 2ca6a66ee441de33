"""Logs: structlog for people at a terminal, JSON lines otherwise."""

from __future__ import annotations

import logging
import sys

import msgspec
import structlog
from structlog.typing import EventDict, WrappedLogger

LONGEST_VALUE = 200
"""Characters of one value in a log line: what clients send may be long."""

LEVELS = ("debug", "info", "warning", "error")


def configure(level: str = "info", *, as_json: bool | None = None) -> None:
    """
    Set structlog up for a goroom process.

    Args:
        level: The least level that is written, one of `LEVELS`.
        as_json: One JSON object a line; None for that where stderr is no terminal.

    Raises:
        ValueError: There is no such level.
    """
    if level not in LEVELS:
        raise ValueError(f"a level is one of {', '.join(LEVELS)}, not {level!r}")
    if as_json is None:
        as_json = not sys.stderr.isatty()
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
        cut_long_values,
    ]
    if as_json:
        structlog.configure(
            processors=[
                *shared,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(serializer=_json),
            ],
            wrapper_class=structlog.make_filtering_bound_logger(_number(level)),
            logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
            cache_logger_on_first_use=False,
        )
        return
    structlog.configure(
        processors=[
            *shared,
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(),
                # The fancy ones show local variables: passwords would be among them.
                exception_formatter=structlog.dev.plain_traceback,
            ),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_number(level)),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def cut_long_values(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Cut strings of clients, and write what does not print as escapes, so a line stays one."""
    for key, value in event.items():
        if isinstance(value, str) and key not in {"event", "exception"}:
            shown = value[:LONGEST_VALUE]
            event[key] = shown if shown.isprintable() else ascii(shown)
    return event


def _json(event: object, **_: object) -> bytes:
    return msgspec.json.encode(event, enc_hook=str)


def _number(level: str) -> int:
    return int(getattr(logging, level.upper()))
