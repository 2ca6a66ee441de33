"""Timers: `every` and `after` of extensions, many of one period on few timers of the loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SLOT_TIMERS = 64
"""Ticks that run in one go, before the loop serves others."""
PHASES = 32
"""How many parts a period is spread over when many timers share it."""


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

        Timers of one period share the loop's timers; where many start at once, their phases are
        spread over the period, so a first tick may come up to one period late.
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

        self._single[timer] = asyncio.get_running_loop().call_later(seconds, run)
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
        self._slots: dict[float, dict[Timer, None]] = {}
        self._slot_of: dict[Timer, float] = {}
        self._handles: dict[float, asyncio.TimerHandle] = {}

    def __len__(self) -> int:
        return len(self._slot_of)

    def add(self, timer: Timer) -> None:
        due = asyncio.get_running_loop().time() + self._seconds
        phase = round(due % self._seconds, 6)
        if len(self._slots.get(phase, ())) >= SLOT_TIMERS or (
            phase not in self._slots and len(self._slots) >= 2 * PHASES
        ):
            phase, due = self._least_used(phase, due)
        slot = self._slots.setdefault(phase, {})
        slot[timer] = None
        self._slot_of[timer] = phase
        if phase not in self._handles:
            self._schedule(phase, due)

    def _least_used(self, phase: float, due: float) -> tuple[float, float]:
        step = self._seconds / PHASES
        candidates = [
            (len(self._slots.get(later, ())), part, later)
            for part in range(PHASES)
            for later in (round((phase + part * step) % self._seconds, 6),)
        ]
        _, part, later = min(candidates)
        return later, due + part * step

    def remove(self, timer: Timer) -> None:
        phase = self._slot_of.pop(timer)
        slot = self._slots[phase]
        del slot[timer]
        if not slot:
            del self._slots[phase]
            self._handles.pop(phase).cancel()

    def _schedule(self, phase: float, due: float) -> None:
        self._handles[phase] = asyncio.get_running_loop().call_at(due, self._tick, phase, due)

    def _tick(self, phase: float, due: float) -> None:
        # A loop that was held ticks once for all it missed.
        now = asyncio.get_running_loop().time()
        following = due + self._seconds
        if following <= now:
            following += (now - following) // self._seconds * self._seconds + self._seconds
        self._schedule(phase, following)
        for timer in list(self._slots[phase]):
            if timer.is_running:
                timer.tick()
