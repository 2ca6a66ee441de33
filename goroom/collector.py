"""Python's garbage collector, tuned for a process that serves thousands of connections."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

THRESHOLDS = (5_000, 10, 20)
"""
What `gc.set_threshold` gets, where the program has chosen no higher ones.

A full collection looks at every object and stops everybody meanwhile: 0.2 s at 15,000 connections.
It waits, beside other conditions, for as many new objects as the product of the three: a million,
where Python 3.13 has 200,000 and 3.11 70,000. The product is also how much garbage may wait for it.
The middle generation's collections look at the product of the first two, so these stay small.

Python 3.14.0 to 3.14.4 collect old objects a little at a time, and ignore the third.
"""


@contextmanager
def tuned() -> Iterator[None]:
    """
    Collect what the start has left, look at what remains no more, and collect seldom.

    Garbage in circles waits longer, see `THRESHOLDS`; what goes out of use without a circle is
    freed at once, as ever. A collector that the program has switched off stays off, and a threshold
    that is higher stays as high.

    At the end the thresholds are put back, and everything is looked at again: also what somebody
    else had frozen before, for Python keeps one list of it.
    """
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    if before[0]:  # 0 switches it off
        gc.set_threshold(*map(max, before, THRESHOLDS))
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
