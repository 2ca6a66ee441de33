"""Locks by name: what must happen one at a time for one channel or account, and not for others."""

from __future__ import annotations

import asyncio
from weakref import WeakValueDictionary


class Locks:
    """
    One lock for each name, there while somebody holds it or waits for it.

    First come, first served.
    """

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def __len__(self) -> int:
        return len(self._locks)

    def __call__(self, name: str) -> asyncio.Lock:
        """Return the lock of *name*: ``async with locks("ada"): ...``."""
        lock = self._locks.get(name)
        if lock is None:
            lock = self._locks[name] = asyncio.Lock()
        return lock
