"""DoubleLogin: what happens to a second login under one name."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class DoubleLogin:
    """
    What happens to a second login under one name.

    Args:
        policy: ``"refuse"`` (goroomserver's way), ``"replace"`` (the older one ends, 4509) or
            ``"allow:n"`` (one user with up to *n* connections).

    Raises:
        ValueError: It is none of these.
    """

    def __init__(self, policy: str) -> None:
        word, _, number = policy.partition(":")
        is_known = policy in {"refuse", "replace"} or (word == "allow" and number.isdecimal())
        if not is_known or (number and int(number) == 0):
            raise ValueError(f"double_login is 'refuse', 'replace' or 'allow:n', not {policy!r}")
        self.replaces = word == "replace"
        self.most = int(number) if number else 1
        """Connections that one user may have."""
        self._gates: dict[str, tuple[asyncio.Lock, int]] = {}

    def gate(self, key: str) -> AbstractAsyncContextManager[None]:
        """
        Let one login under a name pass at a time, where logins depend on each other.

        Under ``refuse`` they do not: the first whose ``on_login`` accepts is in.
        """
        return nullcontext() if not self.replaces and self.most == 1 else self._gate(key)

    @asynccontextmanager
    async def _gate(self, key: str) -> AsyncIterator[None]:
        lock, users = self._gates.get(key, (asyncio.Lock(), 0))
        self._gates[key] = lock, users + 1
        try:
            async with lock:
                yield
        finally:
            lock, users = self._gates.pop(key)
            if users > 1:
                self._gates[key] = lock, users - 1
