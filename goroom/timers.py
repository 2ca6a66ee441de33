"""Timers: `every` and `after` of extensions, many of one period on few timers of the loop."""

from __future__ import annotations

import asyncio
from contextvars import Context
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SLOT_TIMERS = 64
"""Ticks that run in one go, before the loop serves others."""
PHASES = 32
"""How many parts a period is spread over when many timers start at once."""
MOST_SLOTS = 64
"""Timers of the loop that all timers of one period share."""


class Timer:
    """
    A running `every` or `after`; `cancel` ends it.

    Args:
        tick: Called each time, on the loop.
    """

    __slots__ = ("_end", "is_cancelled", "tick")

    def __init__(self, tick: Callable[[], None], end: Callable[[Timer], None]) -> None:
        self.tick = tick
        self.is_cancelled = False
        """Whether it was cancelled, not merely over: a tick that waits is then dropped."""
        self._end: Callable[[Timer], None] | None = end

    @property
    def is_running(self) -> bool:
        """Whether it may tick again."""
        return self._end is not None

    def cancel(self) -> None:
        """Never tick again; a tick that waits for its room is dropped too."""
        self.is_cancelled = True
        self.finish()

    def finish(self) -> None:
        """Note that it is over: it never ticks again, but its last tick may still wait."""
        if self._end is not None:
            end, self._end = self._end, None
            end(self)


class Timers:
    """All timers of one server."""

    def __init__(self) -> None:
        self._periods: dict[float, _Period] = {}
        self._single: dict[Timer, asyncio.TimerHandle] = {}

    def __len__(self) -> int:
        return len(self._single) + sum(map(len, self._periods.values()))

    def group(self) -> TimerGroup:
        """Return a group whose timers can be cancelled together."""
        return TimerGroup(self)

    def every(
        self,
        seconds: float,
        tick: Callable[[], None],
        on_end: Callable[[Timer], None] | None = None,
    ) -> Timer:
        """
        Call *tick* each *seconds*, first when they have passed.

        Timers of one period share the loop's timers: where there are many, a first tick may come up
        to one period late. It never comes early. A loop that was held ticks once for all it missed.
        """
        period = self._periods.get(seconds)
        if period is None:
            period = self._periods[seconds] = _Period(seconds)

        def end(timer: Timer) -> None:
            if on_end is not None:
                on_end(timer)
            period.remove(timer)
            if not len(period):
                self._periods.pop(seconds, None)

        timer = Timer(tick, end)
        period.add(timer)
        return timer

    def after(
        self,
        seconds: float,
        tick: Callable[[], None],
        on_end: Callable[[Timer], None] | None = None,
    ) -> Timer:
        """Call *tick* once, when *seconds* have passed."""

        def end(timer: Timer) -> None:
            if on_end is not None:
                on_end(timer)
            self._single.pop(timer).cancel()

        timer = Timer(tick, end)

        def run() -> None:
            timer.finish()
            tick()

        loop = asyncio.get_running_loop()
        self._single[timer] = loop.call_later(seconds, run, context=Context())
        return timer


class TimerGroup:
    """Timers that end together: those of one room or application."""

    __slots__ = ("_has_ended", "_running", "_timers")

    def __init__(self, timers: Timers) -> None:
        self._timers = timers
        self._has_ended = False
        self._running: dict[Timer, None] = {}

    def __len__(self) -> int:
        return len(self._running)

    def every(self, seconds: float, tick: Callable[[], None]) -> Timer:
        """See `Timers.every`."""
        return self._kept(self._timers.every(seconds, tick, self._forget))

    def after(self, seconds: float, tick: Callable[[], None]) -> Timer:
        """See `Timers.after`."""
        return self._kept(self._timers.after(seconds, tick, self._forget))

    def end(self) -> None:
        """Cancel all that still run; what is started later never ticks."""
        self._has_ended = True
        for timer in list(self._running):
            timer.cancel()

    def _kept(self, timer: Timer) -> Timer:
        self._running[timer] = None
        if self._has_ended:
            timer.cancel()
        return timer

    def _forget(self, timer: Timer) -> None:
        self._running.pop(timer, None)


class _Period:
    """All timers of one period, in slots that tick together."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._slots: dict[float, dict[Timer, float]] = {}
        """By phase: the timers, and when each is to tick first."""
        self._slot_of: dict[Timer, float] = {}
        self._handles: dict[float, asyncio.TimerHandle] = {}

    def __len__(self) -> int:
        return len(self._slot_of)

    def add(self, timer: Timer) -> None:
        first = asyncio.get_running_loop().time() + self._seconds
        phase = round(first % self._seconds, 6)
        is_new = phase not in self._slots
        if len(self._slots) >= MOST_SLOTS if is_new else len(self._slots[phase]) >= SLOT_TIMERS:
            delay, phase = self._next_place(phase)
            first += delay
        self._slots.setdefault(phase, {})[timer] = first
        self._slot_of[timer] = phase
        if phase not in self._handles:
            self._schedule(phase, first)

    def _next_place(self, phase: float) -> tuple[float, float]:
        """Return the next phase with room, or else that with the fewest, and how far it is."""
        seconds = self._seconds
        phases = set(self._slots)
        if len(phases) < MOST_SLOTS:
            steps = (phase + part * seconds / PHASES for part in range(PHASES))
            phases.update(round(step % seconds, 6) for step in steps)

        def cost(other: float) -> tuple[int, float]:
            over = len(self._slots.get(other, ())) - SLOT_TIMERS
            return max(over + 1, 0), (other - phase) % seconds

        best = min(phases, key=cost)
        return (best - phase) % seconds, best

    def remove(self, timer: Timer) -> None:
        phase = self._slot_of.pop(timer)
        slot = self._slots[phase]
        del slot[timer]
        if not slot:
            del self._slots[phase]
            self._handles.pop(phase).cancel()

    def _schedule(self, phase: float, due: float) -> None:
        # In a context of its own: timers of several rooms share it.
        self._handles[phase] = asyncio.get_running_loop().call_at(
            due, self._tick, phase, due, context=Context()
        )

    def _tick(self, phase: float, due: float) -> None:
        seconds = self._seconds
        # A loop that was held ticks once for all it missed.
        missed = (asyncio.get_running_loop().time() - due) // seconds
        self._schedule(phase, due + (max(missed, 0) + 1) * seconds)
        for timer, first in list(self._slots[phase].items()):
            # One that joined the slot just now has to wait for a whole period.
            if timer.is_running and first - due < seconds / 2:
                timer.tick()
