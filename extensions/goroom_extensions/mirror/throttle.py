"""Throttle: who has failed too often waits before trying again."""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import attrs

KEYS_KEPT = 10_000
"""Keys that a throttle remembers; beyond them, it forgets what has failed longest ago."""
_NETWORK_BITS = 64
"""What one customer has of IPv6: single addresses are free to change."""


@attrs.define(eq=False)
class Attempt:
    """One try, while it lasts."""

    seconds_left: float
    """How long it has to be put off; 0 if it may be made now."""
    has_failed: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it may be made."""
        return self.seconds_left == 0

    def failed(self) -> None:
        """Count it."""
        self.has_failed = True


@attrs.define(eq=False)
class _Line:
    """Who tries, or waits to, with one key."""

    people: int = 0
    trying: int = 0
    moved: asyncio.Event = attrs.field(factory=asyncio.Event)


class Throttle:
    """
    Counts tries that failed, by key: an account, an address.

    What succeeded never counts. A key is closed while *most* of its tries have failed within the
    last *seconds*, and open again when the first of these is older.

    Args:
        most: Failures after which a key is closed.
        seconds: For how long a failure counts.
        now: The time in seconds.
    """

    def __init__(
        self, most: int, seconds: float, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = most
        self._seconds = seconds
        self._now = now
        self._failures: dict[str, deque[float]] = {}
        """By key, the one that failed last at the end."""
        self._lines: dict[str, _Line] = {}

    def is_open(self, key: str) -> bool:
        """Tell whether *key* may be tried."""
        return self.seconds_left(key) == 0

    def seconds_left(self, key: str) -> float:
        """Return how long *key* stays closed; 0 if it is open."""
        now = self._now()
        failures = self._recent(key, now)
        return failures[0] + self._seconds - now if len(failures) == self._most else 0

    def note(self, key: str) -> None:
        """Count a failure of *key*."""
        now = self._now()
        failures = self._recent(key, now)
        failures.append(now)
        self._failures.pop(key, None)
        self._failures[key] = failures
        if len(self._failures) > KEYS_KEPT:
            del self._failures[next(iter(self._failures))]

    @asynccontextmanager
    async def attempt(self, key: str) -> AsyncIterator[Attempt]:
        """
        Try *key*: the block looks at `Attempt.is_open`, and calls `Attempt.failed` when it fails.

        No more are tried at a time than may still fail; the others wait here for how those end.
        So a thousand tries at once are no better than one after the other.
        """
        line = self._lines.setdefault(key, _Line())
        line.people += 1
        try:
            while self._most > self._failed(key) >= self._most - line.trying:
                await line.moved.wait()
            attempt = Attempt(self.seconds_left(key))
            if not attempt.is_open:
                yield attempt
                return
            line.trying += 1
            try:
                yield attempt
            finally:
                line.trying -= 1
                if attempt.has_failed:
                    self.note(key)
                line.moved.set()
                line.moved = asyncio.Event()
        finally:
            line.people -= 1
            if not line.people:
                del self._lines[key]

    def _failed(self, key: str) -> int:
        return len(self._recent(key, self._now()))

    def _recent(self, key: str, now: float) -> deque[float]:
        """Return the failures of *key* that still count; those that do not are forgotten."""
        failures = self._failures.get(key) or deque(maxlen=self._most)
        while failures and failures[0] + self._seconds <= now:
            failures.popleft()
        if not failures:
            self._failures.pop(key, None)
        return failures


def address_key(address: str) -> str:
    """Return what the addresses of one customer share: of IPv6 the network, of IPv4 all of it."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.version == 4:  # noqa: PLR2004 -- of the internet protocol
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, _NETWORK_BITS), strict=False))
