"""Seating: which room a JOIN_ROOM asks for, made where the kind allows, and joined."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from goroom import names, values
from goroom.errors import (
    BadRequest,
    NotAllowed,
    RoomExists,
    RoomFull,
    RoomNameInvalid,
    RoomNotFound,
    TooLarge,
)
from goroom.options import AutoRemove
from goroom.turn import Turn

if TYPE_CHECKING:
    from goroom.application import Application
    from goroom.extension import RoomExtension
    from goroom.messages import Request
    from goroom.room import Room
    from goroom.user import Asker, User

WIRE_NAMES = {
    "capacity": "capacity",
    "password": "password",
    "hidden": "hidden",
    "locked": "locked",
    "spectators": "spectators",
    "auto_remove": "autoRemove",
    "announce_members": "announceMembers",
    "properties": "properties",
}
"""What a client calls each option of a room."""


def room_name_of(request: Request) -> str:
    """
    Return the room that *request* names in its data, else in its frame; ``""`` for neither.

    Raises:
        BadRequest: The name is no string.
        RoomNameInvalid: The data names a blank one.
    """
    if request.data.get("roomName") is None:
        return request.room_name
    name = request.text("roomName")
    if not name.strip():
        raise RoomNameInvalid
    return name


async def seat(application: Application, asker: Asker) -> None:
    """
    Serve a JOIN_ROOM.

    Raises:
        Refused: In the order that the protocol gives: 21, 6, 7, 8, locked, password, full, 12.
    """
    request = asker.request
    user = asker.link.user
    assert user is not None  # noqa: S101 -- the connection's table demands a login
    password, kind = request.text("password"), request.text("kind")
    create = request.data.get("create")
    if not (create is None or isinstance(create, bool) or create == "if_missing"):
        raise BadRequest("create must be true or 'if_missing'", field="create")
    name = room_name_of(request)
    if not name and kind and create is not True:
        await _join_any(application, asker, user, kind)
        return
    if not name and not (create and kind):
        raise RoomNameInvalid
    if name:
        await application.rooms.made(name)
    room = application.rooms.get(name)
    if room is not None and create is True:
        raise RoomExists
    if room is None:
        if not create:
            raise RoomNotFound
        room = await _make(application, user, request, name, kind)
        await room.membership.enter(user, None, asker)
        return
    await room.membership.enter(user, partial(room.check_client, password), asker)


async def _join_any(application: Application, asker: Asker, user: User, kind: str) -> None:
    """Join the oldest open room of *kind*, or make one."""
    _check_kind(application, kind)
    for room in application.rooms.open_rooms(kind):
        if user in room.membership:
            continue
        try:
            await room.membership.enter(user, partial(room.check_client, ""), asker)
        except (RoomFull, RoomNotFound, NotAllowed):
            continue  # somebody was faster
        return
    room = await _make(application, user, asker.request, "", kind)
    await room.membership.enter(user, None, asker)


async def _make(
    application: Application, user: User, request: Request, name: str, kind: str
) -> Room:
    kinds = application.rooms.kinds
    if not kind and len(kinds) == 1:
        kind = next(iter(kinds))
    _check_kind(application, kind)
    if name:
        names.normalised(name, "roomName", application.limits.name_characters)
    options = _chosen_options(application, kinds[kind], request)
    if not await _may_create(application, user, kind):
        raise NotAllowed("You may not make such a room", reason="not_allowed")
    return await application.rooms.create(name or None, kind, maker=user, **options)


async def _may_create(application: Application, user: User, kind: str) -> bool:
    """Ask the author in a turn of the user, so that what fails is logged and answered 500."""
    extension = application.extension
    turn = Turn(user.lane, f"{type(extension).__qualname__}.may_create")
    return bool(await application.turns.run(turn, lambda: extension.may_create(user, kind)))


def _check_kind(application: Application, kind: str) -> None:
    if kind not in application.rooms.kinds:
        raise BadRequest("There is no such kind of room", field="kind")


def _chosen_options(
    application: Application, extension: type[RoomExtension[Any]], request: Request
) -> dict[str, Any]:
    """Return what the client chose of what its kind lets it choose."""
    limits = application.limits
    options: dict[str, Any] = {}
    for option in extension.client_options:
        field = WIRE_NAMES[option]
        value = request.data.get(field)
        if value is None or (option == "password" and value == ""):
            continue
        _check_option(option, field, value, extension, limits.password_characters)
        if option == "properties" and len(values.encode(value)) > limits.properties_bytes:
            raise TooLarge(f"properties are over {limits.properties_bytes} bytes", field=field)
        options[option] = value
    return options


def _check_option(  # noqa: C901 -- one branch for each option, side by side
    option: str,
    field: str,
    value: object,
    extension: type[RoomExtension[Any]],
    password_characters: int,
) -> None:
    if option == "capacity":
        if type(value) is not int or not 1 <= value <= extension.max_users:
            raise BadRequest(f"capacity must be 1 to {extension.max_users}", field=field)
    elif option == "password":
        if not isinstance(value, str):
            raise BadRequest("password must be a string", field=field)
        if len(value) > password_characters:
            raise TooLarge(f"password is over {password_characters} characters", field=field)
    elif option == "properties":
        if not isinstance(value, dict):
            raise BadRequest("properties must be an object", field=field)
    elif option == "auto_remove":
        if not isinstance(value, str) or value not in set(AutoRemove):
            raise BadRequest("autoRemove must name an auto-remove mode", field=field)
    elif not isinstance(value, bool):
        raise BadRequest(f"{field} must be true or false", field=field)
