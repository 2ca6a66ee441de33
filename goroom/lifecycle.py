"""Lifecycle: what each request but MESSAGE does, in a table by its event."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from goroom import values
from goroom.errors import RoomNameInvalid, RoomNotFound
from goroom.events import LeaveReason
from goroom.messages import EventType, Push
from goroom.seating import room_name_of, seat

if TYPE_CHECKING:
    from goroom.user import Asker

Served = Callable[["Asker"], Awaitable[None]]
"""Serves one request and answers it; raises `Refused` where it is refused."""


async def _join_app(asker: Asker) -> None:
    name = asker.link.application.name
    body = values.encode({"appName": name})
    asker.answer(Push(EventType.JOIN_APP, name, body=body))


async def _reconnect(asker: Asker) -> None:
    asker.link.application.absences.resume(asker)


async def _login(asker: Asker) -> None:
    request = asker.request
    users = asker.link.application.users
    await users.login_link(asker.link, request.text("username"), request.data, request)


async def _logout(asker: Asker) -> None:
    await asker.link.application.endings.logout(asker)


async def _disconnection(asker: Asker) -> None:
    await asker.link.application.endings.disconnect(asker)


async def _join_room(asker: Asker) -> None:
    await seat(asker.link.application, asker)


async def _leave_room(asker: Asker) -> None:
    name = room_name_of(asker.request)
    if not name:
        raise RoomNameInvalid
    user = asker.link.user
    room = asker.link.application.rooms.get(name)
    if room is None or user is None:
        raise RoomNotFound
    await room.membership.depart(user, LeaveReason.LEFT, asker=asker)


async def _subscribe(asker: Asker) -> None:
    link, request = asker.link, asker.request
    rooms = link.application.rooms
    name = request.text("roomName") or request.room_name
    if not name:
        rooms.watch(link)
        body = values.encode({"appName": link.application.name, "rooms": rooms.listing()})
        asker.answer(Push(request.event_type, link.application.name, body=body))
        return
    room = rooms.get(name)
    if room is None:
        raise RoomNotFound
    room.check_password(request.text("password"))
    room.membership.watch(link)
    asker.answer(room.snapshot(EventType.SUBSCRIBE_ROOM))


async def _unsubscribe(asker: Asker) -> None:
    link, request = asker.link, asker.request
    name = request.text("roomName") or request.room_name
    application = link.application
    data = {"appName": application.name}
    if name:
        room = application.rooms.get(name)
        if room is None:
            raise RoomNotFound
        room.membership.unwatch(link)
        data["roomName"] = name
    else:
        application.rooms.unwatch(link)
    push = Push(request.event_type, application.name, name, body=values.encode(data))
    asker.answer(push)


OPEN_TO_ALL: Mapping[int, Served] = {
    EventType.JOIN_APP: _join_app,
    EventType.LOGIN: _login,
    EventType.RECONNECT: _reconnect,
}
"""What may be asked before there is a login."""

FOR_USERS: Mapping[int, Served] = {
    EventType.DISCONNECTION: _disconnection,
    EventType.JOIN_ROOM: _join_room,
    EventType.LEAVE_ROOM: _leave_room,
    EventType.LOGOUT: _logout,
    EventType.SUBSCRIBE_ROOM: _subscribe,
    EventType.UNSUBSCRIBE_ROOM: _unsubscribe,
}
"""What needs a login."""
