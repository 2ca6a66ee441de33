"""
Lane: a room, a user or a connection in its quality of doing one thing at a time.

Effects are what these things do to the world, together and in order: see `goroom.turn`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from enum import IntEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from goroom.limits import Limits
    from goroom.messages import Request


class Level(IntEnum):
    """Waiting goes from lower to higher levels only, so turns cannot deadlock."""

    CONNECTION = 0
    USER = 1
    ROOM = 2


class Effect(Protocol):
    """
    Something that a turn does to the world when it commits. It cannot fail.

    ``lane`` is where it must be applied, or None where any moment is right.
    """

    @property
    def lane(self) -> Lane | None: ...

    def seal(self) -> Callable[[], None] | None:
        """Number the event, change membership, fix the audience; return what releases it."""


class Lane:
    """
    One thing at a time, in order of arrival.

    Args:
        level: Where it stands in the order of waiting.
        owner: What it is the lane of.
        labels: What logs say of it.
        limits: The bounds of its turns.
        on_stuck: Called when a handler that ran out of time holds the lane for too long.
    """

    __slots__ = ("_waiting", "is_taken", "labels", "level", "limits", "on_stuck", "owner")

    def __init__(
        self,
        level: Level,
        owner: object,
        labels: dict[str, str],
        limits: Limits,
        *,
        on_stuck: Callable[[], None] | None = None,
    ) -> None:
        self.level = level
        self.owner = owner
        self.labels = labels
        self.limits = limits
        self.on_stuck = on_stuck
        self.is_taken = False
        self._waiting: deque[_Waiting] | None = None  # most lanes never have one: 0.7 KiB

    @property
    def waiting(self) -> int:
        """How many turns and sends wait for this lane."""
        return len(self._waiting or ())

    def apply(self, effect: Effect) -> None:
        """Apply *effect* from outside: at once if idle, else behind what runs and waits."""
        if self.is_taken:
            self._queue(_Waiting(lambda: apply_now(effect)))
        else:
            apply_now(effect)

    def wait(self, request: Request | None) -> asyncio.Future[None]:
        """Queue up; the future is done when the lane is handed over, or fails if turned away."""
        future = asyncio.get_running_loop().create_future()

        def hand_over() -> bool:
            if future.done():
                return False
            future.set_result(None)
            return True

        self._queue(_Waiting(hand_over, future, request))
        return future

    def queue(self, start: Callable[[], object]) -> None:
        """Have *start* called with the lane in hand: now if idle, else in order."""
        if not self.is_taken:
            self.is_taken = True
            start()
            return

        def hand_over() -> bool:
            start()
            return True

        self._queue(_Waiting(hand_over))

    def release(self) -> None:
        """Hand the lane to the next who waits, applying sends from outside on the way."""
        # Looked up each time: what a send does may turn the others away.
        while self._waiting:
            if self._waiting.popleft().hand_over():
                return
        self.is_taken = False

    def _queue(self, one: _Waiting) -> None:
        if self._waiting is None:
            self._waiting = deque()
        self._waiting.append(one)

    def turn_away(self, error: Exception, *, requests_only: bool = False) -> None:
        """Have turns that wait for this lane fail with *error*; other work stays in line."""
        staying: deque[_Waiting] = deque()
        for one in self._waiting or ():
            if one.future is None or (requests_only and one.request is None):
                staying.append(one)
            elif not one.future.done():
                one.future.set_exception(error)
        self._waiting = staying


class _Waiting:
    """Something in line for a lane: a turn (with a future), sends, or work of the server."""

    __slots__ = ("future", "hand_over", "request")

    def __init__(
        self,
        hand_over: Callable[[], bool],
        future: asyncio.Future[None] | None = None,
        request: Request | None = None,
    ) -> None:
        self.hand_over = hand_over
        """Takes the lane and returns True, or leaves it and returns False."""
        self.future = future
        self.request = request


def apply_now(effect: Effect) -> bool:
    """Do *effect* on this stack, and return that it keeps no lane."""
    release = effect.seal()
    if release is not None:
        release()
    return False
