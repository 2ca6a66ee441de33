"""aiohttp's reader of WebSocket frames, handing on each message at once instead of queueing it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType

try:
    from aiohttp._websocket.reader import WebSocketDataQueue, WebSocketReader
except ImportError:  # it is a private name of aiohttp's: `IS_USABLE` is False then
    WebSocketDataQueue = WebSocketReader = object  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Callable

    Take = Callable[[tuple[WSMsgType, Any, Any], int], None]
    """Given each message as ``(type, data, extra)``, and its size."""
    Fail = Callable[..., None]
    """Given what the peer did against the protocol, an `aiohttp.WebSocketError`, first."""


class _Outlet(WebSocketDataQueue):
    """Stands where aiohttp's reader expects its queue; keeps nothing."""

    __slots__ = ("feed_data", "set_exception")

    _size = 0
    """As the reader without a compiler asks for it: it never waits for a queue to be emptied."""
    _limit = 0

    def __init__(self, take: Take, fail: Fail) -> None:
        # The queue's own __init__ would make a queue, of 0.7 KiB for each connection.
        self.feed_data = take  # type: ignore[method-assign,assignment]
        self.set_exception = fail  # type: ignore[method-assign]


def frame_reader(take: Take, fail: Fail, most_bytes: int) -> Callable[[bytes], object]:
    """
    Return what is fed the bytes of one WebSocket, in any pieces.

    Messages are handed on before it returns. After *fail* it ignores all that comes.

    Args:
        take: Given each message, control frames among them. What it raises goes to *fail*.
        fail: Given what was wrong.
        most_bytes: Size of the largest message.
    """
    # aiohttp refuses what reaches its bound.
    return WebSocketReader(_Outlet(take, fail), most_bytes + 1, False, False).feed_data  # noqa: FBT003 -- compress, decode_text


def _reads() -> bool:
    """Return whether all that is private here is as it was: a masked frame comes out of it."""
    taken: list[Any] = []
    failed: list[Any] = []
    try:
        feed = frame_reader(
            lambda message, _: taken.append(message[:2]), lambda *error: failed.append(error), 3
        )
        feed(b"\x81\x83\0\0\0\0a")
        feed(b"bc\x89\x80\0\0\0\0\x81\x84\0\0\0\0")
    except Exception:  # noqa: BLE001 -- border: whatever a later aiohttp does
        return False
    return taken == [(WSMsgType.TEXT, b"abc"), (WSMsgType.PING, b"")] and len(failed) == 1


IS_USABLE = _reads()
"""Whether this aiohttp can be read from so; else its public way is taken, which is slower."""
