"""Feed: what happens, as an asynchronous iterator with a bound."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from goroom import GoroomError

if TYPE_CHECKING:
    from typing import Self

T = TypeVar("T")

FEED_ITEMS = 1024
"""What may wait in a feed for its reader."""


class FeedOverrun(GoroomError):  # noqa: N818 -- a state of the feed, as ConnectionLost is of a link
    """The reader was too slow: it has had everything up to here, and what came then is lost."""


class Feed(Generic[T]):
    """
    What happens, in order, each item once, from when the feed was made until it is closed.

    ::

        with mesh.events() as events:
            async for event in events:
                ...

    Nobody waits for a reader. One that falls *most* items behind gets what had come by then, and
    then `FeedOverrun`: there is never a gap that it does not know of. A feed has one reader.

    Args:
        most: Items that may wait.
        on_close: Called once, when nothing more is wanted.
    """

    def __init__(self, most: int = FEED_ITEMS, on_close: Callable[[], None] | None = None) -> None:
        self.is_closed = False
        """Whether nothing more comes in; what has come can still be read."""
        self._most = most
        self._on_close = on_close
        self._items: deque[T] = deque()
        self._is_overrun = False
        self._woken = asyncio.Event()

    def put(self, item: T) -> None:
        """Add *item*; the feed is closed where too many wait."""
        if self.is_closed:
            return
        if len(self._items) >= self._most:
            self._is_overrun = True
            self.close()
            return
        self._items.append(item)
        self._woken.set()

    def close(self) -> None:
        """Take in nothing more, and end the iteration behind what has come."""
        if not self.is_closed:
            self.is_closed = True
            self._woken.set()
            if self._on_close is not None:
                self._on_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        while not self._items:
            if self._is_overrun:
                raise FeedOverrun(f"over {self._most} items were not read")
            if self.is_closed:
                raise StopAsyncIteration
            self._woken.clear()
            await self._woken.wait()
        return self._items.popleft()
