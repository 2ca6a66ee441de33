"""Hooks of ours around an author's, so that no author can forget to call them."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import Any

from goroom import Disconnect, Refused, Turn


def preceded(ours: Callable[..., None], authors: Callable[..., Any]) -> Callable[..., Any]:
    """Return a hook that calls *ours*, which may refuse, and then is *authors*."""

    @functools.wraps(authors)
    def hook(*arguments: Any) -> Any:
        ours(*arguments)
        return authors(*arguments)

    return hook


class Ending:
    """
    Calls something once, when what *turn* is about has ended, however an author's hook fares.

    An ending happens although its hook fails or runs out of time: only a refusal of what a client
    has asked for keeps it from happening.
    """

    def __init__(self, turn: Turn, call: Callable[[], None]) -> None:
        self._turn = turn
        self._call: Callable[[], None] | None = call
        turn.on_commit(self._finish)

    def run(self, hook: Callable[[], object]) -> Any:
        """Call *hook* within the turn; what it returns or raises is passed on."""
        try:
            result = hook()
        except BaseException as error:
            self._fail(error)
            raise
        return self._wait(result) if isinstance(result, Awaitable) else result

    async def _wait(self, result: Awaitable[object]) -> None:
        try:
            await result
        except BaseException as error:
            self._fail(error)
            raise
        self._finish_soon()  # it may have run out of time and not noticed

    def _fail(self, error: BaseException) -> None:
        is_asked_for = self._turn.request is not None
        if not (is_asked_for and isinstance(error, (Refused, Disconnect))):
            self._finish_soon()

    def _finish_soon(self) -> None:
        asyncio.get_running_loop().call_soon(self._finish)

    def _finish(self) -> None:
        call, self._call = self._call, None
        if call is not None:
            call()


def followed(authors: Callable[..., Any], ending: Callable[..., Ending]) -> Callable[..., Any]:
    """Return a hook that is *authors*, within the `Ending` that *ending* makes."""

    @functools.wraps(authors)
    def hook(*arguments: Any) -> Any:
        return ending(*arguments).run(lambda: authors(*arguments))

    return hook
