"""Patience: a time limit that counts only time in which the event loop went round."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

STEP_SECONDS = 0.5
"""What one round of the loop counts at most, however long it was held."""
LAST_ROUNDS = 3
"""Rounds after the last step: what has come by then is read and handed on in them."""


@contextlib.asynccontextmanager
async def patience(seconds: float) -> AsyncIterator[None]:
    """
    Limit a block as `asyncio.timeout` does, but to *seconds* in which it could have gone on.

    A loop that is held, by much work or by a machine that sleeps, counts next to nothing, and what
    has come when the time is over is looked at before the block is given up.

    Raises:
        TimeoutError: The time is over.
    """
    loop = asyncio.get_running_loop()
    steps = _steps(seconds)
    timer: asyncio.TimerHandle
    async with asyncio.timeout(None) as limit:

        def step() -> None:
            nonlocal timer
            delay = next(steps, None)
            if delay is None:
                limit.reschedule(loop.time())
            else:
                timer = loop.call_later(delay, step)

        step()
        try:
            yield
        finally:
            timer.cancel()


def _steps(seconds: float) -> Iterator[float]:
    while seconds > STEP_SECONDS:
        yield STEP_SECONDS
        seconds -= STEP_SECONDS
    yield seconds
    for _ in range(LAST_ROUNDS):
        yield 0
