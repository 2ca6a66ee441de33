"""Resent: what a client asks again after a resume, for it cannot know whether that was heard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goroom import values
from goroom.errors import AlreadyDone
from goroom.events import LeaveReason
from goroom.messages import EventType, Push
from goroom.tickets import REMEMBERED

if TYPE_CHECKING:
    from goroom.messages import Request
    from goroom.tickets import Ticket
    from goroom.user import Link


def is_new(link: Link, ticket: Ticket, request: Request) -> bool:
    """
    Tell whether *request* is to be served; one that was answered before is answered here.

    Raises:
        StillHandled: It was sent before, and has no answer yet.
    """
    if request.event_type != EventType.JOIN_APP:  # a mere sign of life knows of no token
        link.application.tickets.confirm(ticket)
    if request.id is None or request.event_type not in REMEMBERED:
        return True
    try:
        reply = ticket.begin(request)
    except AlreadyDone as error:
        link.refuse(request, error)
        return False
    if reply is None:
        return True
    link.connection.send(reply)
    if reply.event_type == EventType.JOIN_ROOM and reply.error is None:
        _tell_if_out(link, reply.room_name)
    return False


def _tell_if_out(link: Link, room: str) -> None:
    """Tell that the user is no longer in *room*, for the answer to its JOIN_ROOM says it is."""
    if link.user is not None and room not in link.user.rooms:
        name = link.application.name
        data = {"roomName": room, "appName": name, "reason": LeaveReason.KICKED}
        link.connection.send(Push(EventType.LEAVE_ROOM, name, room, body=values.encode(data)))
