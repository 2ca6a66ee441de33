"""How an expected value of a transcript matches a received one: ``$re``, ``$any``, ``$in`` ..."""

from __future__ import annotations

import json
import re
from typing import Any

Captures = dict[str, str]
"""What a transcript has kept of received frames, by name."""

_ABSENT = object()


class Mismatch(AssertionError):  # noqa: N818 -- a finding about the server, as a failed test is
    """What was received is not what the line expects; the text says where and why."""


def fill(text: str, captures: Captures) -> str:
    """Return *text* with ``{name}`` replaced where *name* has been captured."""
    return re.sub(r"\{([^{}]+)\}", lambda found: captures.get(found[1], found[0]), text)


def match(expected: Any, received: Any, captures: Captures) -> Captures:
    """
    Return *captures* and what *expected* captures of *received*; *captures* stays as it was.

    Raises:
        Mismatch: They differ, or *expected* uses a matcher that does not exist.
    """
    kept = dict(captures)
    _match(expected, received, kept, "the frame")
    return kept


def match_unordered(expected: list[Any], received: list[Any], captures: Captures) -> Captures:
    """
    Match *received* with *expected* in whatever order fits; return all captures.

    Raises:
        Mismatch: No order fits.
    """
    if not expected:
        return captures
    for index, candidate in enumerate(received):
        try:
            kept = match(expected[0], candidate, captures)
            return match_unordered(expected[1:], received[:index] + received[index + 1 :], kept)
        except Mismatch:
            continue
    raise Mismatch(f"in no order do {received!r} match {expected!r}")


def _match(expected: Any, received: Any, captures: Captures, path: str) -> None:
    if isinstance(expected, dict) and any(key.startswith("$") for key in expected):
        _match_special(expected, received, captures, path)
    elif received is _ABSENT:
        raise Mismatch(f"{path} is missing, expected {expected!r}")
    elif isinstance(expected, dict):
        if not isinstance(received, dict):
            raise Mismatch(f"{path} is no object: {received!r}")
        for key, value in expected.items():
            _match(value, received.get(key, _ABSENT), captures, f"{path}.{key}")
    elif isinstance(expected, list):
        if not isinstance(received, list) or len(expected) != len(received):
            raise Mismatch(f"{path}: expected {len(expected)} items, received {received!r}")
        for index, (value, item) in enumerate(zip(expected, received, strict=True)):
            _match(value, item, captures, f"{path}[{index}]")
    else:
        wanted = fill(expected, captures) if isinstance(expected, str) else expected
        # True == 1 in Python; in JSON they are different values.
        if wanted != received or isinstance(wanted, bool) != isinstance(received, bool):
            raise Mismatch(f"{path}: expected {wanted!r}, received {received!r}")


def _match_special(expected: dict[str, Any], received: Any, captures: Captures, path: str) -> None:
    matcher = expected.keys() - {"$capture"}
    if matcher == {"$absent"} and expected["$absent"] is True and "$capture" not in expected:
        if received is not _ABSENT:
            raise Mismatch(f"{path} should be absent, received {received!r}")
        return
    if received is _ABSENT:
        raise Mismatch(f"{path} is missing, expected {expected!r}")
    if matcher == {"$re"}:
        # Captured values stand for themselves, whatever is in them.
        escaped = {name: re.escape(value) for name, value in captures.items()}
        pattern = fill(expected["$re"], escaped)
        if not isinstance(received, str) or re.fullmatch(pattern, received) is None:
            raise Mismatch(f"{path}: {received!r} does not match {pattern!r} whole")
    elif matcher == {"$in"}:
        if not any(_matches(value, received, captures, path) for value in expected["$in"]):
            raise Mismatch(f"{path}: {received!r} is none of {expected['$in']!r}")
    elif matcher != {"$any"} or expected["$any"] is not True:
        raise Mismatch(f"{path}: the player does not know {expected!r}")
    if "$capture" in expected:
        text = received if isinstance(received, str) else json.dumps(received)
        captures[expected["$capture"]] = text


def _matches(expected: Any, received: Any, captures: Captures, path: str) -> bool:
    try:
        _match(expected, received, dict(captures), path)
    except Mismatch:
        return False
    return True
