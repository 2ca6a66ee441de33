"""Opening: what can be awaited, or entered to have it closed afterwards."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Generator
from types import TracebackType
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Opening(Generic[T]):
    """
    Something that is opened when awaited: ``room = await app.join("hall")``.

    With ``async with app.join("hall") as room`` it is closed when the block ends, whatever ends it.
    Nothing happens before one or the other. Each ``await`` opens anew.
    """

    def __init__(
        self, opened: Callable[[], Coroutine[Any, Any, T]], close: Callable[[T], Awaitable[None]]
    ) -> None:
        self._opened = opened
        self._close = close

    def __await__(self) -> Generator[Any, Any, T]:
        return self._opened().__await__()

    async def __aenter__(self) -> T:
        self._value = await self._opened()
        return self._value

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._close(self._value)
