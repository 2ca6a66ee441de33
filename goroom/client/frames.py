"""The client's half of the subprotocol ``goroom.json``, and the place in a sequence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import msgspec

from goroom import values
from goroom.errors import SUCCESS, RequestRefused

SUBPROTOCOL = "goroom.json"
"""The short form: what is at its default is left out."""


class ErrorPart(msgspec.Struct):
    """The ``error`` of a frame; its code is 0 where there is none."""

    code: int = 0
    message: str = ""
    reason: str = ""
    field: str = ""


class Frame(msgspec.Struct, rename="camel"):
    """A frame of the server. Keys that are not known here are passed over."""

    event_type: int
    app_name: str = ""
    room_name: str = ""
    action: str = ""
    sender: str = ""
    seq: int | None = None
    sub: int | None = None
    id: int | None = None
    data: Any = msgspec.field(default_factory=dict)
    code: int = SUCCESS
    error: ErrorPart = msgspec.field(default_factory=ErrorPart)

    @classmethod
    def read(cls, text: str) -> Frame:
        """
        Return the frame in *text*.

        Raises:
            ValueError: There is none.
        """
        try:
            return _decode(text)
        except RecursionError:
            raise ValueError("nested too deep") from None

    @property
    def details(self) -> dict[str, Any]:
        """
        The data of an event of goroom's own, which is always an object.

        Raises:
            ValueError: It is none.
        """
        if not isinstance(self.data, dict):
            raise ValueError(f"the data of event {self.event_type} is no object")  # noqa: TRY004 -- a frame's value
        return self.data

    def refusal(self) -> RequestRefused | None:
        """Return the error that it carries, or None."""
        if not self.error.code:
            return None
        return RequestRefused(
            self.error.code,
            self.error.message,
            reason=self.error.reason,
            field=self.error.field,
            data=self.data if isinstance(self.data, dict) else None,
        )


_decode = msgspec.json.Decoder(Frame).decode


def written(event_type: int, **keys: object) -> str:
    """
    Return a frame of the client as text; *keys* of the wire that are None or ``""`` are left out.

    Raises:
        PayloadError: It cannot be sent as JSON.
    """
    given = {key: value for key, value in keys.items() if value not in (None, "")}
    return values.encode({"eventType": int(event_type), **given}).decode()


def numbered(text: str, number: int) -> str:
    """Return *text*, which `written` has made without an id, with the id *number*."""
    return f'{text[:-1]},"id":{number}}}'


@attrs.define
class Place:
    """Where this client is in the sequence of a room or application."""

    epoch: str = ""
    """Names the sequence."""
    seq: int = 0
    """Number of the newest event for everybody."""
    sub: int = 0
    """Number of the newest event for some, counted from 1 after each ``seq``."""

    @classmethod
    def of(cls, data: Mapping[str, Any], seq: int | None = None, sub: int | None = None) -> Place:
        """
        Return the place that *data* of the wire names, or *seq* and *sub* in its sequence.

        Raises:
            ValueError: It names none.
        """
        place = msgspec.convert(data, cls)
        return place if seq is None else cls(place.epoch, seq, sub or 0)

    def is_before(self, seq: int, sub: int) -> bool:
        """Tell whether this client has yet to hear of *seq* and *sub*: it hears nothing twice."""
        return (self.seq, self.sub) < (seq, sub)

    def advance(self, frame: Frame) -> bool:
        """Take the place of *frame*; return False where it is not newer than what was seen."""
        if frame.seq is None:
            return True
        sub = frame.sub or 0
        if not self.is_before(frame.seq, sub):
            return False
        self.seq, self.sub = frame.seq, sub
        return True
