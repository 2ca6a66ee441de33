"""Clock: time that tests turn, on asyncio's own event loop."""

from __future__ import annotations

import asyncio
import heapq
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

ROUNDING_SECONDS = 1e-9
"""How far sums of floats may be off: what is due so soon after a moment is due in it."""

THREAD_SECONDS = 0.001
"""How long to wait, really, before looking again whether a thread has ended."""

QUIET_PASSES = 2
"""Turns of the loop in which nothing but settling happens, before all is taken to wait."""


class Clock:
    """
    Stops the running loop's time; `advance` turns it.

    Everything that asks the loop for the time follows: goroom's limits and timers, and authors'
    own `asyncio.sleep` and `asyncio.timeout`. Code that asks `time.monotonic` does not.

    Args:
        is_busy: Tells whether something goes on outside the loop, such as a thread; `settle`
            then waits for it in real time.

    Raises:
        TypeError: The loop's time cannot be replaced (uvloop).
    """

    def __init__(self, is_busy: Callable[[], bool] = lambda: False) -> None:
        self._is_busy = is_busy
        self._loop: asyncio.AbstractEventLoop | None = None
        self._now = 0.0
        self._due: list[float] = []
        self._calls = 0
        self._settling = 0

    @property
    def now(self) -> float:
        """What `loop.time()` says."""
        return self._now

    def install(self) -> Self:
        """Stop the running loop's time."""
        loop: Any = asyncio.get_running_loop()
        call_at, call_soon = loop.call_at, loop.call_soon
        self._now = loop.time()

        def remember_due(when: float, *arguments: Any, **options: Any) -> asyncio.TimerHandle:
            if self._now < when <= self._now + ROUNDING_SECONDS:
                # The loop calls it at once. Who waits until then, and looks, must not find that it
                # is not yet then.
                self._now = when
            heapq.heappush(self._due, when)
            handle: asyncio.TimerHandle = call_at(when, *arguments, **options)
            return handle

        def count_call(*arguments: Any, **options: Any) -> asyncio.Handle:
            self._calls += 1
            handle: asyncio.Handle = call_soon(*arguments, **options)
            return handle

        try:
            loop.time = lambda: self._now
            loop.call_at = remember_due
            loop.call_soon = count_call
        except AttributeError:
            raise TypeError("Clock needs asyncio's own event loop: do not test on uvloop") from None
        self._loop = loop
        return self

    def remove(self) -> None:
        """Let the loop's time run again."""
        loop: Any = self._loop
        if loop is not None:
            self._loop = None
            del loop.time, loop.call_at, loop.call_soon

    async def settle(self) -> None:
        """Let everything happen that needs no time: until all tasks wait."""
        self._settling += 1
        try:
            await self._settle()
        finally:
            self._settling -= 1

    async def _settle(self) -> None:
        quiet_passes = 0
        while True:
            before = self._calls
            await asyncio.sleep(0)
            # The sleep of each who settles is one call: any other means that something goes on.
            if self._calls > before + self._settling:
                quiet_passes = 0
                continue
            quiet_passes += 1
            # Timers that have become due run behind us in the first pass.
            if quiet_passes < QUIET_PASSES:
                continue
            if not self._is_busy():
                return
            quiet_passes = 0
            await asyncio.get_running_loop().run_in_executor(None, time.sleep, THREAD_SECONDS)

    async def advance(self, seconds: float) -> None:
        """Turn the clock by *seconds*, stopping at every moment at which something is due."""
        end = self._now + seconds
        await self.settle()
        while self._due and self._due[0] <= end + ROUNDING_SECONDS:
            self._now = max(self._now, heapq.heappop(self._due))
            await self.settle()
        self._now = max(self._now, end)
        await self.settle()
