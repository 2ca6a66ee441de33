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

    def send(self, action: str, data: object = None, *, volatile: bool = False) -> None:
        """
        Send a message and wait for nothing; a refusal comes as the event `SendRefused`.

        Messages and requests of one login arrive in the order of calls, each once. While the link
        is lost they wait; where the login cannot be resumed, what was on its way comes as the event
        `SendLost`.

        Args:
            action: Name that the author of the room or application chose.
            data: A mapping or an attrs instance; encoded before this returns.
            volatile: It is worth nothing later: lost where the link is, without a word.

        Raises:
            ConnectionLost: This login is over.
            PayloadError: *data* cannot be sent as JSON.
            asyncio.QueueFull: 64 messages wait for a lost link already, or 1000 for one that does
                not take them.
        """
        requests, room_name = self._address()
        send = requests.send_volatile if volatile else requests.send
        send(EventType.MESSAGE, room_name=room_name, action=action, data=data)

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

        Events that the message caused have been taken in before this returns. While the link is
        lost, both wait, and the time goes on.

        Whoever stops waiting, by a cancel or a time-out, takes back only what was not sent. What
        was sent may have been done; where the link is lost before its answer, it is sent again
        under its id, so that it is done once, and its answer is passed over.

        Args:
            action: Name that the author of the room or application chose.
            data: A mapping or an attrs instance; encoded before this returns.
            into: What to put the reply into: an attrs class, or a type of JSON.
            timeout_seconds: How long to wait; the connection's by default.

        Raises:
            RequestRefused: The server refused, or takes no frame so large (24 ``too_large``: the
                link was lost by it, and comes back); nothing of it has happened.
            ConnectionLost: This login is over, or could not be resumed; whether it has happened is
                not known.
            TimeoutError: No answer came in time; nor is it known then.
            PayloadError: *data* cannot be sent as JSON.
            ValueError: The reply does not fit into *into*.
            asyncio.QueueFull: As for `send`.
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
