"""Runtime: what the applications of one server share. Time, turns, timers, chance, bounds."""

from __future__ import annotations

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
        self.turns = Turns(limits)
        self.timers = Timers()
        self.flusher = Flusher()

    def new_id(self) -> str:
        """Return 22 random URL-safe characters."""
        return base64.urlsafe_b64encode(self.random.randbytes(ID_BYTES)).rstrip(b"=").decode()
