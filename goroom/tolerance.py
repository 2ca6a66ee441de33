"""Tolerance: how many bad requests one connection may send, and what is logged of refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from goroom.errors import SERVER_ERROR

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goroom.errors import ErrorDescription

log = structlog.get_logger()

SPAN_SECONDS = 60.0
"""The span in which `Limits.bad_requests` are counted."""

_BAD_REQUEST = 21


class Tolerance:
    """
    Counts what one connection is refused.

    Args:
        most: Bad requests in `SPAN_SECONDS` that are one too many.
        is_unlimited: Whether none is too many: refusals are logged instead, *most* in each span.
        labels: What logs say of the connection.
    """

    __slots__ = ("_is_unlimited", "_labels", "_moments", "_most")

    def __init__(self, most: int, labels: Mapping[str, str], *, is_unlimited: bool) -> None:
        self._most = most
        self._labels = labels
        self._is_unlimited = is_unlimited
        self._moments: list[float] = []

    def note(self, error: ErrorDescription, now: float) -> bool:
        """
        Take note of a refusal at *now*, a `loop.time()`; a handler that failed is logged already.

        Returns:
            Whether this was one bad request too many.
        """
        if error.code != _BAD_REQUEST and not self._is_unlimited:
            return False
        self._moments = [at for at in self._moments if now - at < SPAN_SECONDS]
        if self._is_unlimited:
            if len(self._moments) < self._most and error.code != SERVER_ERROR:
                self._moments.append(now)
                log.info(
                    "request_refused",
                    code=error.code,
                    error=error.message[:200],
                    field=error.field[:200],
                    **self._labels,
                )
            return False
        self._moments.append(now)
        if len(self._moments) < self._most:
            return False
        log.warning("bad_requests_closed", **self._labels)
        return True
