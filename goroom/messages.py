"""
What passes between client and server, apart from its bytes: EventType, Request and Push.

These two are msgspec Structs: one is made for each message, in a quarter of the time.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from enum import IntEnum
from typing import Any

import msgspec

from goroom import values
from goroom.errors import SUCCESS, BadRequest, ErrorDescription


class EventType(IntEnum):
    """Number of an event on the wire. 1-13 are goroomserver's, 20-22 ours."""

    CONNECTION = 1
    DISCONNECTION = 2
    JOIN_APP = 3
    JOIN_ROOM = 4
    LEAVE_ROOM = 5
    LOGIN = 6
    LOGOUT = 7
    RECONNECT = 8
    SUBSCRIBE_ROOM = 9
    UNSUBSCRIBE_ROOM = 10
    MESSAGE = 11
    ROOM_ADD = 12
    ROOM_REMOVE = 13
    ROOM_UPDATE = 20
    MEMBER_AWAY = 21
    MEMBER_BACK = 22

    @property
    def text(self) -> str:
        """Name for people, as goroomserver spells it ("Join Room" is ours: it forgot one)."""
        return _TEXTS.get(self, self.name.replace("_", " ").title())


_TEXTS = {EventType.SUBSCRIBE_ROOM: "Subscribe", EventType.UNSUBSCRIBE_ROOM: "Unsubscribe"}


class Request(msgspec.Struct, eq=False, gc=False):
    """
    One frame of a client, read but not yet judged.

    Everything in it is the client's word: names are unchecked, data is untrusted.
    """

    event_type: int
    """The ``eventType``: perhaps no `EventType` at all."""
    app_name: str = ""
    """The ``appName``; the endpoint's application where it is bound to one; else ``""``."""
    room_name: str = ""
    """The frame's ``roomName``, or ``""``."""
    action: str = ""
    """Name of the message, or ``""``."""
    id: int | None = None
    """Number of the request, which its answer repeats; None where no answer is asked for."""
    body: bytes = values.EMPTY
    """The ``data`` as JSON bytes."""
    _data: Mapping[str, Any] | None = None

    @property
    def data(self) -> Mapping[str, Any]:
        """
        The ``data`` as a mapping, decoded when first asked for.

        Raises:
            BadRequest: It is no object, or holds a value outside the bounds of `goroom.values`.
        """
        if self._data is None:
            try:
                self._data = values.decode_object(self.body)
            except ValueError as error:
                raise BadRequest(f"data cannot be read: {error}", field="data") from None
        return self._data

    def text(self, key: str) -> str:
        """
        Return the string at *key* of the data, or ``""`` where it is missing or null.

        Raises:
            BadRequest: It is there and no string; the field is named.
        """
        value = self.data.get(key)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise BadRequest(f"{key} must be a string", field=key)
        return value


class Push(msgspec.Struct, eq=False, gc=False):
    """
    One frame of the server, apart from its bytes.

    Absent values are at their defaults and may be left out by a dialect. A Push that went out is
    never changed: several connections share the frames made of it.
    """

    event_type: int
    app_name: str = ""
    room_name: str = ""
    action: str = ""
    sender: str = ""
    seq: int | None = None
    """Number of the event in its room's or application's sequence."""
    sub: int | None = None
    """Number of an event for some, counted from 1 after each ``seq``."""
    id: int | None = None
    """Number of the request that this answers."""
    body: bytes = values.EMPTY
    """The ``data`` as JSON bytes."""
    code: int = SUCCESS
    """200, or 500 beside an error, or a close code on DISCONNECTION."""
    error: ErrorDescription | None = None
    receiver: str = ""
    """Name of the one user it is for; ``""`` where it is for several, or for whoever asked."""
    volatile_key: Hashable | None = None
    """Not on the wire. Of several volatile events of one key that wait, only the newest goes."""
    _data: Any = None

    @property
    def data(self) -> Any:
        """The ``data`` as a value, decoded when first asked for; not to be changed."""
        if self._data is None:
            self._data = values.decode(self.body)
        return self._data
