"""Dialect: how Requests and Pushes look in bytes on one connection."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from goroom.wire.frames import BINARY, TEXT, frame

if TYPE_CHECKING:
    from collections.abc import Iterable

    from goroom.messages import Push, Request


class Dialect(ABC):
    """
    One way to write Requests and Pushes.

    An instance belongs to an endpoint and serves all connections there, so it keeps nothing about
    any of them. A broadcast is encoded once per instance present among its receivers. Clients of
    different dialects sit in the same rooms and hear the same events in the same order.

    Args:
        application: The application that the endpoint is bound to, or None.
    """

    subprotocol: str | None = None
    """WebSocket subprotocol that chooses this dialect (RFC 6455 section 1.9); None: no name."""
    binary: bool = False
    """Whether messages are binary frames; they are text otherwise."""
    is_tolerant: bool = False
    """
    Whether bad requests are forgiven: they are logged, but never close the connection.

    For protocols that have no word for an error, or whose clients are known to send nonsense.
    """
    separator: bytes | None = None
    """
    What joins messages that go out together: those that wait for one connection at the end of a
    turn of the event loop become one frame. None: each message is a frame of its own.
    """

    def __init__(self, application: str | None = None) -> None:
        self.application = application

    @abstractmethod
    def decode(self, message: bytes) -> Request | None:
        """
        Read one message of a client.

        Args:
            message: The payload of a WebSocket message of this dialect's kind; text is UTF-8.

        None where it asks for nothing. A request that names no application is for that of the
        endpoint.

        Raises:
            UnreadableRequest: It cannot be read; the text and field say why. The refusal goes
                through `encode`, as every other.
        """

    @abstractmethod
    def encode(self, push: Push) -> bytes | None:
        """
        Write *push* as the payload of one WebSocket message.

        Called once for all receivers of a broadcast, and for whatever else goes out: replies,
        refusals, joins and leaves of others, rooms that come and go.

        None where this dialect has no word for it: then nothing is sent. What it raises is logged,
        and the connections of this dialect are closed with 1011.
        """

    def frame(self, push: Push) -> bytes | None:
        """Return the complete server frame of *push*, the same bytes for every receiver."""
        message = self.encode(push)
        if message is None:
            return None
        # Bytes of a bytearray, too; `bytes` would take an integer for a number of zeros.
        return frame(BINARY if self.binary else TEXT, b"".join((message,)))


def dialects_for(
    kinds: Iterable[type[Dialect]], application: str | None
) -> dict[str | None, Dialect]:
    """
    Return one instance of each of *kinds* by its subprotocol.

    Raises:
        ValueError: Two of them ask for one subprotocol.
    """
    found: dict[str | None, Dialect] = {}
    for kind in kinds:
        if kind.subprotocol in found:
            raise ValueError(f"two dialects for the subprotocol {kind.subprotocol!r}: keep one")
        found[kind.subprotocol] = kind(application)
    return found
