"""Protocol section 2: each error's number, text and reason, provoked once on the wire."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

import goroom
from goroom import LeaveReason, Refused, User, handles
from tests.protocol.worlds import Desk, Hall
from tests.rawclient import (
    DISCONNECTION,
    JOIN_ROOM,
    LEAVE_ROOM,
    LOGIN,
    LOGOUT,
    MESSAGE,
    RECONNECT,
    Client,
    Frame,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.protocol.conftest import Site


class Vault(Hall):
    def on_join(self, _user: User) -> None:
        raise Refused


class Cell(Hall):
    def on_leave(self, _user: User, reason: LeaveReason) -> None:
        if reason is LeaveReason.LEFT:
            raise Refused


class Closet(Hall):
    max_users = 1


class Trap(Hall):
    @handles("wait_for_ever")
    async def wait_for_ever(self, _user: User) -> None:
        await asyncio.Event().wait()


class CrookedDesk(Desk):
    async def init(self) -> None:
        for kind in ("hall", "vault", "cell", "closet"):
            await self.application.rooms.create(kind, kind=kind)


@pytest.fixture
async def crooked_site(serve: Callable[..., Any]) -> Site:
    """Return a site where everything can be refused, and whose closet is full."""
    server = goroom.Server(limits=goroom.Limits(handler_seconds=0.05))
    rooms = {"hall": Trap, "vault": Vault, "cell": Cell, "closet": Closet}
    server.add_application("test", CrookedDesk, rooms=rooms)
    site: Site = await serve(server=server)
    await site.login("squatter", "closet")
    return site


EVENT_TYPES = {
    1: ("CONNECTION", "Connection"),
    2: ("DISCONNECTION", "Disconnection"),
    3: ("JOIN_APP", "Join App"),
    4: ("JOIN_ROOM", "Join Room"),
    5: ("LEAVE_ROOM", "Leave Room"),
    6: ("LOGIN", "Login"),
    7: ("LOGOUT", "Logout"),
    8: ("RECONNECT", "Reconnect"),
    9: ("SUBSCRIBE_ROOM", "Subscribe"),
    10: ("UNSUBSCRIBE_ROOM", "Unsubscribe"),
    11: ("MESSAGE", "Message"),
    12: ("ROOM_ADD", "Room Add"),
    13: ("ROOM_REMOVE", "Room Remove"),
    20: ("ROOM_UPDATE", "Room Update"),
    21: ("MEMBER_AWAY", "Member Away"),
    22: ("MEMBER_BACK", "Member Back"),
}


def test_event_types_have_the_numbers_and_texts_of_the_protocol() -> None:
    assert EVENT_TYPES == {event.value: (event.name, event.text) for event in goroom.EventType}


async def _unknown_application(ann: Client) -> Frame:
    return await ann.request(LOGIN, {"username": "ann"}, appName="nope")


async def _not_logged_in(ann: Client) -> Frame:
    return await ann.join("hall")


async def _refused_login(ann: Client) -> Frame:
    return await ann.login("ann", password="none")


async def _second_login(ann: Client) -> Frame:
    await ann.login("ann")
    return await ann.login("bob")


async def _refused_logout(ann: Client) -> Frame:
    await ann.login("stuck")
    return await ann.request(LOGOUT)


async def _blank_room(ann: Client) -> Frame:
    await ann.login("ann")
    return await ann.join("  ")


async def _no_such_room(ann: Client) -> Frame:
    await ann.login("ann")
    return await ann.join("nowhere")


async def _joined_twice(ann: Client) -> Frame:
    await ann.login("ann")
    await ann.join("hall")
    return await ann.join("hall")


async def _left_without_joining(ann: Client) -> Frame:
    await ann.login("ann")
    return await ann.leave("hall")


async def _unknown_event(ann: Client) -> Frame:
    await ann.login("ann")
    return await ann.request(99)


async def _refused_disconnection(ann: Client) -> Frame:
    await ann.login("stuck for good")
    return await ann.request(DISCONNECTION)


async def _refused_join(ann: Client) -> Frame:
    await ann.login("ann")
    return await ann.join("vault")


async def _refused_leave(ann: Client) -> Frame:
    await ann.login("ann")
    await ann.join("cell")
    return await ann.leave("cell")


async def _full(ann: Client) -> Frame:
    await ann.login("ann")
    return await ann.join("closet")


async def _bad_request(ann: Client) -> Frame:
    return await ann.request(LOGIN, {})


async def _unknown_action(ann: Client) -> Frame:
    await ann.login("ann")
    return await ann.say("", "no_such_action")


async def _existing_room(ann: Client) -> Frame:
    await ann.login("ann")
    return await ann.join("hall", create=True, kind="hall")


async def _forbidden_room(ann: Client) -> Frame:
    await ann.login("ann")
    return await ann.join("mine", create=True, kind="hall")


async def _refused_message(ann: Client) -> Frame:
    await ann.login("ann")
    await ann.join("hall")
    return await ann.say("hall", "refuse_plainly")


async def _slow_message(ann: Client) -> Frame:
    await ann.login("ann")
    await ann.join("hall")
    return await ann.say("hall", "wait_for_ever")


async def _unknown_token(ann: Client) -> Frame:
    return await ann.request(RECONNECT, {"token": "no such token"})


async def _failed_message(ann: Client) -> Frame:
    await ann.login("ann")
    await ann.join("hall")
    return await ann.say("hall", "fail", {"text": "x"})


ERRORS: list[tuple[Callable[[Client], Awaitable[Frame]], int, int, str, str]] = [
    (_unknown_application, LOGIN, 1, "App name is invalid", "unknown_application"),
    (_not_logged_in, JOIN_ROOM, 2, "User unavailable in app", "not_logged_in"),
    (_refused_login, LOGIN, 3, "User login error", "login_refused"),
    (_second_login, LOGIN, 4, "User already logged in to app", "already_logged_in"),
    (_refused_logout, LOGOUT, 5, "User logout error", "logout_refused"),
    (_blank_room, JOIN_ROOM, 6, "Room name provided is invalid", "room_name_invalid"),
    (_no_such_room, JOIN_ROOM, 7, "Room does not exist in app", "room_not_found"),
    (_joined_twice, JOIN_ROOM, 8, "User has already joined the room", "already_joined"),
    (_left_without_joining, LEAVE_ROOM, 9, "User is not available in the room", "not_in_room"),
    (_unknown_event, 99, 10, "Invalid event provided", "invalid_event"),
    (_refused_disconnection, DISCONNECTION, 11, "Stay a while.", "disconnect_refused"),
    (_refused_join, JOIN_ROOM, 12, "There is an error while joining room", "join_refused"),
    (_refused_leave, LEAVE_ROOM, 13, "There is an error leaving the room", "leave_refused"),
    (_full, JOIN_ROOM, 20, "Room is full", "room_full"),
    (_bad_request, LOGIN, 21, "", "bad_request"),
    (_unknown_action, MESSAGE, 22, "Unknown action", "unknown_action"),
    (_existing_room, JOIN_ROOM, 25, "Room already exists", "room_exists"),
    (_forbidden_room, JOIN_ROOM, 26, "", "not_allowed"),
    (_refused_message, MESSAGE, 26, "Not allowed", "not_allowed"),
    (_slow_message, MESSAGE, 27, "Timed out", "timed_out"),
    (_unknown_token, RECONNECT, 30, "Unknown token", "unknown_token"),
    (_failed_message, MESSAGE, 500, "Server Error", "server_error"),
]


@pytest.mark.parametrize("row", ERRORS, ids=lambda row: row[0].__name__.strip("_"))
async def test_each_error_has_its_number_text_and_reason(
    crooked_site: Site, row: tuple[Callable[[Client], Awaitable[Frame]], int, int, str, str]
) -> None:
    provoke, event_type, code, text, reason = row
    answer = await provoke(await crooked_site.connect())

    assert (event_type, 500) == (answer.event_type, answer.code)
    assert (code, reason) == answer.failure
    # Where the table has no text, the server's own words say more than it.
    assert not text or text == answer.error["message"]
