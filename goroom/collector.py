"""Python's garbage collector, tuned for a process that serves thousands of connections."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

THRESHOLDS = (5_000, 10, 40)
"""
What `gc.set_threshold` gets, where the program has chosen no higher ones.

A full collection looks at every object and stops everybody meanwhile: 0.3 s at 15,000 connections.
Beside other conditions it waits for the product of the three, two million new objects, ten times
as many as Python 3.13's own. Not all of it in the first: a collection of the middle generation
stops everybody, too, and looks at the product of the first two.

Python 3.14.0 to 3.14.4 collect the old objects a little at a time and ignore the third.
"""


@contextmanager
def tuned() -> Iterator[None]:
    """
    Collect what the start has left, look at what remains no more, and collect seldom.

    Garbage in a circle waits longer for it, up to two million objects of it; what goes out of use
    without a circle is freed at once, as ever. A collector that the program has switched off stays
    off, and a threshold that is higher stays as high.

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
