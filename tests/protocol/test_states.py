"""Every event in every state of a connection in an application: threats, row 6; seeds, G8."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.rawclient import (
    CONNECTION,
    DISCONNECTION,
    JOIN_APP,
    JOIN_ROOM,
    LEAVE_ROOM,
    LOGIN,
    LOGOUT,
    MEMBER_AWAY,
    MEMBER_BACK,
    MESSAGE,
    RECONNECT,
    ROOM_ADD,
    ROOM_REMOVE,
    ROOM_UPDATE,
    SUBSCRIBE_ROOM,
    UNSUBSCRIBE_ROOM,
)

if TYPE_CHECKING:
    from tests.protocol.conftest import Site
    from tests.rawclient import Client

SILENCE = -1
"""Stands for no answer at all."""

EVENTS = [0, *range(1, 14), 14, 19, *range(20, 23), 23, 99, -1, 2**53 - 1]
DATA = {"username": "ann", "roomName": "hall", "token": "x"}
"""One data for all events, so that only the state decides."""

ALWAYS = {CONNECTION: SILENCE}
WITHOUT_LOGIN = {JOIN_APP: 0, LOGIN: 0, RECONNECT: 30}
LOGGED_IN = {
    DISCONNECTION: 0,
    JOIN_APP: 0,
    JOIN_ROOM: 0,
    LEAVE_ROOM: 9,
    LOGIN: 4,
    LOGOUT: 0,
    RECONNECT: 30,
    SUBSCRIBE_ROOM: 0,
    MESSAGE: 22,
}
IN_ROOM = {**LOGGED_IN, JOIN_ROOM: 8, LEAVE_ROOM: 0}
del IN_ROOM[SUBSCRIBE_ROOM]  # whether a member may watch too is not the table's affair

STATES: dict[str, tuple[dict[int, int], int]] = {
    "connected": (WITHOUT_LOGIN, 2),
    "entered": (WITHOUT_LOGIN, 2),
    "refused": (WITHOUT_LOGIN, 2),
    "logged out": (WITHOUT_LOGIN, 2),
    "disconnected": (WITHOUT_LOGIN, 2),
    "logged in to another application": (WITHOUT_LOGIN, 2),
    "logged in": (LOGGED_IN, 10),
    "in the room": (IN_ROOM, 10),
    "in an unknown application": ({}, 1),
    "in no application": ({}, 1),
}
"""For each state: the error code by event, and that of all other events."""


async def _client_in(site: Site, state: str) -> Client:
    client = await site.connect()
    if state in {"logged in", "in the room", "logged out", "disconnected"}:
        await client.login("ann")
    match state:
        case "entered":
            await client.request(JOIN_APP)
        case "refused":
            await client.login("ann", password="wrong")
        case "logged out":
            await client.request(LOGOUT)
        case "disconnected":
            await client.request(DISCONNECTION)
        case "in the room":
            await client.join("hall")
        case "logged in to another application":
            await client.request(LOGIN, {"username": "ann"}, appName="other")
            await client.request(JOIN_ROOM, {"roomName": "hall"}, appName="other")
        case "in an unknown application":
            client.application = "nope"
        case "in no application":
            client.application = ""
    return client


async def _answer(client: Client, event: int) -> int:
    """Send *event* and return the error code of its answer, or SILENCE."""
    client.send(event, DATA, id=5000)
    # An event that no state knows tells that nothing came before its answer.
    client.send(99, id=5001)
    frame = await client.event()
    if frame.id == 5001:
        return SILENCE
    assert (event, 5000) == (frame.event_type, frame.id)
    assert frame.error_code == 0 or frame.error["message"]
    assert 5001 == (await client.event()).id
    return frame.error_code


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("event", EVENTS)
async def test_each_event_in_each_state_has_its_one_answer(
    site: Site, state: str, event: int
) -> None:
    codes, otherwise = STATES[state]
    client = await _client_in(site, state)

    if event == UNSUBSCRIBE_ROOM and state in {"logged in", "in the room"}:
        # Ending what was never begun: done already, or refused; never silence or a crash.
        assert await _answer(client, event) in {0, 9}
    elif event == SUBSCRIBE_ROOM and state == "in the room":
        assert await _answer(client, event) in {0, 8}
    else:
        assert (codes | ALWAYS).get(event, otherwise) == await _answer(client, event)


@pytest.mark.parametrize("state", ["connected", "entered", "logged out"])
async def test_nothing_before_login_reaches_anybody(site: Site, state: str) -> None:
    bob = await site.login("bob", "hall")
    client = await _client_in(site, state)
    await bob.events()
    for event in EVENTS:
        if event not in {LOGIN, CONNECTION}:
            client.send(event, DATA, roomName="hall", action="tell")
    for event in (ROOM_ADD, ROOM_REMOVE, ROOM_UPDATE, MEMBER_AWAY, MEMBER_BACK):
        client.send(event, {"roomName": "hall"}, roomName="hall", sender="bob")
    await client.request(JOIN_APP)

    assert [] == await bob.events()
    assert ["bob"] == (await bob.say("hall", "who")).data


async def test_more_than_ten_refusals_close_nothing(site: Site) -> None:
    client = await site.login("ann")
    for _ in range(12):
        for frame in (
            {"event_type": JOIN_ROOM, "data": {"roomName": "nowhere"}},
            {"event_type": LEAVE_ROOM, "data": {"roomName": "hall"}},
            {"event_type": LOGIN, "data": {"username": "ann"}},
            {"event_type": 99, "data": {}},
            {"event_type": MESSAGE, "data": {}, "action": "no_such_action"},
        ):
            assert 500 == (await client.request(**frame)).code

    assert 0 == (await client.join("hall")).error_code
