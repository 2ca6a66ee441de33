"""Refusals: an error as the frame that answers a request, or that comes unasked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goroom import values
from goroom.errors import SERVER_ERROR, Refused
from goroom.messages import EventType, Push, Request

if TYPE_CHECKING:
    from collections.abc import Mapping

NOT_ALLOWED = 26
"""Code of a refusal without one, where its event has none of its own."""

DEFAULT_CODES: Mapping[int, int] = {
    EventType.LOGIN: 3,
    EventType.LOGOUT: 5,
    EventType.DISCONNECTION: 11,
    EventType.JOIN_ROOM: 12,
    EventType.LEAVE_ROOM: 13,
}
"""Code of a refusal without one, by event (goroomserver's)."""


def refusal(
    request: Request,
    error: Refused,
    application: str,
    *,
    receiver: str = "",
    code: int | None = None,
) -> Push:
    """
    Return the answer to *request* that says *error*; its data is echoed (goroomserver's way).

    Args:
        request: Whose ``id`` and data go back.
        error: Why.
        application: Whose frame this is, or ``""``.
        receiver: Name of the user whose request it is, or ``""``.
        code: The code of an *error* that has none; the event's own where None.
    """
    try:
        data: dict[str, Any] = dict(request.data)
    except Refused:
        data = {}
    data["roomName"] = request.room_name
    data["appName"] = request.app_name
    return Push(
        request.event_type,
        application,
        request.room_name,
        request.action,
        id=request.id,
        body=values.encode(data),
        code=SERVER_ERROR,
        error=error.described(code or DEFAULT_CODES.get(request.event_type, NOT_ALLOWED)),
        receiver=receiver,
    )


def unasked_refusal(event: EventType, error: Refused, application: str, room: str) -> Push:
    """Return the frame that tells of something refused which no request had asked for."""
    return Push(
        event,
        application,
        room,
        body=values.encode({"roomName": room, "appName": application}),
        code=SERVER_ERROR,
        error=error.described(DEFAULT_CODES.get(event, NOT_ALLOWED)),
    )
