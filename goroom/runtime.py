"""Runtime: what the applications of one server share. Time, turns, timers, chance, bounds."""

from __future__ import annotations

import asyncio
import base64
from random import Random, SystemRandom

from goroom.limits import Limits
from goroom.outbox import Flusher
from goroom.timers import Timers
from goroom.turns import Turns

ID_BYTES = 16
"""Randomness of an id: 128 bits, 22 URL-safe characters."""


class Runtime:
    """
    What the applications of one server share.

    Args:
        limits: The server's bounds.
        seed: Makes ids and authors' randomness repeatable, for tests only; None takes the
            system's.
    """

    def __init__(self, limits: Limits, *, seed: int | None = None) -> None:
        self.limits = limits
        self.random: Random = SystemRandom() if seed is None else Random(seed)  # noqa: S311 -- tests
        self._loop: asyncio.AbstractEventLoop | None = None
        self.turns = Turns(limits, self.now)
        self.timers = Timers()
        self.flusher = Flusher()

    def now(self) -> float:
        """
        Return `loop.time()` of the event loop that the server runs on.

        The loop is asked for once: up to Python 3.11, `asyncio.get_running_loop` is a system call.
        """
        loop = self._loop
        if loop is None:
            loop = self._loop = asyncio.get_running_loop()
        return loop.time()

    def new_id(self) -> str:
        """Return 22 random URL-safe characters."""
        return base64.urlsafe_b64encode(self.random.randbytes(ID_BYTES)).rstrip(b"=").decode()
