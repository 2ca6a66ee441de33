"""Each option of a room over a socket: one request that is refused and one that passes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.protocol.worlds import Desk
from tests.rawclient import JOIN_ROOM, ROOM_ADD, ROOM_REMOVE, ROOM_UPDATE, SUBSCRIBE_ROOM

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.protocol.conftest import Site


class Quiet(Desk):
    announce_rooms = False


async def test_capacity_refuses_one_too_many_and_lets_in_who_comes_after_one_left(
    site: Site,
) -> None:
    await site.application().rooms.create("den", kind="hall", capacity=2)
    ann, bob, cy = await site.login("ann", "den"), await site.login("bob"), await site.login("cy")
    codes = [(await client.join("den")).error_code for client in (bob, cy)]
    await ann.leave("den")
    answer = await cy.join("den")

    assert [0, 20] == codes
    assert (0, 2, ["bob", "cy"]) == (
        answer.error_code,
        answer.data["capacity"],
        answer.data["members"],
    )


async def test_capacity_is_the_kinds_unless_the_room_has_its_own(site: Site) -> None:
    await site.application().rooms.create("den", kind="hall", capacity=3)
    ann = await site.login("ann")

    assert [8, 3] == [(await ann.join(name)).data["capacity"] for name in ("hall", "den")]


async def test_a_password_is_asked_for(site: Site) -> None:
    await site.application().rooms.create("den", kind="hall", password="sesame")
    ann = await site.login("ann")
    answers = [
        await ann.join("den"),
        await ann.join("den", password=""),
        await ann.join("den", password="Sesame"),
        await ann.join("den", password=5),
        await ann.join("den", password="sesame"),
    ]

    assert [26, 26, 26, 21, 0] == [answer.error_code for answer in answers]
    assert {"wrong_password"} == {answer.error["reason"] for answer in answers[:3]}
    assert "sesame" not in str([answer.raw for answer in answers[:4]])
    assert "password" == answers[3].error["field"].removeprefix("data.")


async def test_a_password_is_shown_to_nobody(site: Site) -> None:
    watcher = await site.login("watcher")
    await watcher.request(SUBSCRIBE_ROOM)
    await site.application().rooms.create("den", kind="hall", password="sesame")
    ann = await site.login("ann")
    joined = await ann.join("den", password="sesame")
    listed = await ann.request(SUBSCRIBE_ROOM)
    seen = [joined.raw, listed.raw, *(frame.raw for frame in await watcher.events())]

    assert "sesame" not in str(seen)
    [den] = [room for room in listed.data["rooms"] if room["roomName"] == "den"]
    assert True is den["password"]


async def test_an_open_room_takes_any_password(site: Site) -> None:
    ann = await site.login("ann")

    assert 0 == (await ann.join("hall", password="whatever")).error_code


async def test_locked_refuses_clients_and_not_the_server(site: Site) -> None:
    ann, bob = await site.login("ann", "hall"), await site.login("bob")
    await ann.say("hall", "lock")
    refused = await bob.join("hall")
    await site.application().rooms["hall"].join(site.application().users["bob"])
    seated = await bob.say("hall", "who")
    await bob.leave("hall")
    await ann.say("hall", "unlock")

    assert (26, "locked") == refused.failure
    assert ["ann", "bob"] == seated.data
    assert 0 == (await bob.join("hall")).error_code


async def test_hidden_is_in_no_list_and_no_announcement_and_joined_by_name(site: Site) -> None:
    ann = await site.login("ann")
    listed = await ann.request(SUBSCRIBE_ROOM)
    den = await site.application().rooms.create("den", kind="hall", hidden=True)
    shown = await site.application().rooms.create("shown", kind="hall")
    joined = await ann.join("den")
    again = await ann.request(SUBSCRIBE_ROOM)
    den.close()
    shown.close()
    heard = {
        frame.data["roomName"]
        for frame in await ann.events()
        if frame.event_type in {ROOM_ADD, ROOM_REMOVE}
    }

    assert ["hall"] == [room["roomName"] for room in listed.data["rooms"]]
    assert ["hall", "shown"] == [room["roomName"] for room in again.data["rooms"]]
    assert (0, {"shown"}) == (joined.error_code, heard)


async def test_properties_are_in_answers_lists_and_announcements(site: Site) -> None:
    ann = await site.login("ann")
    await site.application().rooms.create("den", kind="hall", properties={"level": 3})
    [added] = [frame for frame in await ann.events() if frame.event_type == ROOM_ADD]
    joined = await ann.join("den")
    listed = await ann.request(SUBSCRIBE_ROOM)

    assert {"level": 3} == added.data["properties"]
    assert {"level": 3} == joined.data["properties"]
    assert [{}, {"level": 3}] == [room["properties"] for room in listed.data["rooms"]]


async def test_a_change_of_properties_is_told_to_the_members_with_a_number(site: Site) -> None:
    ann, bob = await site.login("ann", "hall"), await site.login("bob")
    await ann.say("hall", "describe", {"properties": {"level": 3}})
    [told] = [frame for frame in await ann.events() if frame.seq is not None]

    assert (ROOM_UPDATE, "hall", 2) == (told.event_type, told.room, told.seq)
    assert {"level": 3} == told.data["properties"]
    assert [] == await bob.events()
    assert {"level": 3} == (await bob.join("hall")).data["properties"]


async def test_a_change_that_fails_is_told_to_nobody(site: Site) -> None:
    ann = await site.login("ann", "hall")
    answer = await ann.say("hall", "describe_and_fail", {"properties": {"level": 3}})

    assert 500 == answer.error_code
    assert [] == await ann.events()
    assert {} == (await (await site.login("bob")).join("hall")).data["properties"]


async def test_the_maker_is_who_the_server_says(site: Site) -> None:
    ann = await site.login("ann")
    maker = site.application().users["ann"]
    await site.application().rooms.create("hers", kind="hall", maker=maker)
    mine, servers = await ann.join("hers"), await ann.join("hall")

    assert "ann" == mine.data["maker"]
    assert not servers.data["maker"]


async def test_announce_members_off_tells_nobody_who_comes_and_goes(site: Site) -> None:
    await site.application().rooms.create("den", kind="secretive")
    ann, bob = await site.login("ann", "den"), await site.login("bob", "den")
    await bob.leave("den")
    await ann.events()
    await bob.join("den")
    bob.socket.abort()
    await (await site.login("cy", "den")).say("den", "tell", {"text": "hi"})

    assert ["told"] == [frame.action for frame in await ann.events()]


async def test_announce_members_on_tells_the_others(site: Site) -> None:
    await site.application().rooms.create("den", kind="hall")
    ann = await site.login("ann", "den")
    await site.login("bob", "den")

    assert [(JOIN_ROOM, "bob")] == [
        (frame.event_type, frame.sender) for frame in await ann.events()
    ]


async def test_announce_rooms_off_tells_only_who_watches_the_list(
    serve: Callable[..., Any],
) -> None:
    site = await serve(extension=Quiet)
    ann, bob = await site.login("ann"), await site.login("bob")
    await bob.request(SUBSCRIBE_ROOM)
    room = await site.application().rooms.create("den", kind="hall")
    room.close()

    assert [] == await ann.events()
    assert [ROOM_ADD, ROOM_REMOVE] == [frame.event_type for frame in await bob.events()]


async def test_announce_rooms_on_tells_the_users_of_the_application_only(site: Site) -> None:
    ann, other = await site.login("ann"), await site.login("ann", application="other")
    entered = await site.connect()
    await entered.events()
    room = await site.application().rooms.create("den", kind="hall")
    room.close()
    room.close()
    added, removed = await ann.events()

    assert [ROOM_ADD, ROOM_REMOVE] == [added.event_type, removed.event_type]
    assert {
        "roomName": "den",
        "appName": "test",
        "kind": "hall",
        "count": 0,
        "capacity": 8,
        "properties": {},
    }.items() <= added.data.items()
    assert {"roomName": "den", "appName": "test"}.items() <= removed.data.items()
    assert [[], []] == [await other.events(), await entered.events()]


async def test_spectators_off_refuses_and_on_lets_watch(site: Site) -> None:
    await site.application().rooms.create("den", kind="secretive")
    ann = await site.login("ann")
    refused = await ann.request(SUBSCRIBE_ROOM, {"roomName": "den"})
    watching = await ann.request(SUBSCRIBE_ROOM, {"roomName": "hall"})

    assert [26, 0] == [refused.error_code, watching.error_code]


@pytest.mark.parametrize(
    "wish", [{"color": "red"}, {"capacity": 0}, {"capacity": True}, {"properties": []}], ids=str
)
async def test_an_option_that_cannot_be_is_a_programmers_error(
    site: Site, wish: dict[str, Any]
) -> None:
    rooms = site.application().rooms
    with pytest.raises((TypeError, ValueError)):
        await rooms.create("den", kind="hall", **wish)

    assert ["hall"] == list(rooms)
