"""Addressee: what a client can send messages to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, TypeVar, overload

import msgspec

from goroom.messages import EventType

if TYPE_CHECKING:
    from goroom.client.requests import Requests

T = TypeVar("T")


class Addressee(ABC):
    """A room, or an application, that messages can be sent to."""

    @abstractmethod
    def _address(self) -> tuple[Requests, str]:
        """Return what sends messages there, and the room's name or ``""``."""

    def send(self, action: str, data: object = None) -> None:
        """
        Send a message and wait for nothing; a refusal comes as the event `SendRefused`.

        Messages and requests of one connection arrive in the order of calls.

        Args:
            action: Name that the author of the room or application chose.
            data: A mapping or an attrs instance; encoded before this returns.

        Raises:
            ConnectionLost: The link is closed, or this login is over.
            PayloadError: *data* cannot be sent as JSON.
            asyncio.QueueFull: 1000 frames wait already, for the link does not take them.
        """
        requests, room_name = self._address()
        requests.send(EventType.MESSAGE, room_name=room_name, action=action, data=data)

    @overload
    async def request(
        self, action: str, data: object = None, *, timeout_seconds: float | None = None
    ) -> Any: ...

    @overload
    async def request(
        self,
        action: str,
        data: object = None,
        *,
        into: type[T],
        timeout_seconds: float | None = None,
    ) -> T: ...

    async def request(
        self,
        action: str,
        data: object = None,
        *,
        into: type[Any] | None = None,
        timeout_seconds: float | None = None,
    ) -> Any:
        """
        Send a message and return what its handler returned; ``{}`` where that was nothing.

        Events that the message caused have been taken in before this returns. Cancelling the wait
        does not take the message back.

        Args:
            action: Name that the author of the room or application chose.
            data: A mapping or an attrs instance; encoded before this returns.
            into: What to put the reply into: an attrs class, or a type of JSON.
            timeout_seconds: How long to wait; the connection's by default.

        Raises:
            RequestRefused: The server refused; nothing of it has happened.
            ConnectionLost: The link is closed; whether it has happened is not known.
            TimeoutError: No answer came in time; nor is it known then.
            PayloadError: *data* cannot be sent as JSON.
            ValueError: The reply does not fit into *into*.
            asyncio.QueueFull: 1000 frames wait already, for the link does not take them.
        """
        requests, room_name = self._address()
        reply = await requests.ask(
            EventType.MESSAGE,
            room_name=room_name,
            action=action,
            data=data,
            take=lambda frame: frame.data,
            timeout_seconds=timeout_seconds,
        )
        return reply if into is None else msgspec.convert(reply, into)
