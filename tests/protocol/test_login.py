"""Protocol section 3: LOGIN, LOGOUT, DISCONNECTION, and several connections of one name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.rawclient import (
    CONNECTION,
    DISCONNECTION,
    JOIN_APP,
    JOIN_ROOM,
    LEAVE_ROOM,
    LOGIN,
    LOGOUT,
    Form,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.protocol.conftest import Site


async def test_a_login_is_answered_with_the_user_and_the_place_in_the_application(
    site: Site,
) -> None:
    ann = await site.connect()
    answer = await ann.login("ann")

    assert 0 == answer.error_code
    assert {"appName", "userName", "userId", "epoch", "seq", "rooms"} == answer.data.keys()
    assert ("test", "ann", []) == tuple(
        answer.data[key] for key in ("appName", "userName", "rooms")
    )
    assert isinstance(answer.data["seq"], int)
    assert answer.data["userId"]
    assert answer.data["epoch"]


async def test_two_logins_have_two_ids_and_one_epoch(site: Site) -> None:
    ann, bob = await site.connect(), await site.connect()
    first, second = await ann.login("ann"), await bob.login("bob")

    assert first.data["userId"] != second.data["userId"]
    assert first.data["epoch"] == second.data["epoch"]


async def test_only_who_logs_in_hears_of_it(site: Site) -> None:
    ann = await site.login("ann")
    await site.login("bob")

    assert [] == await ann.events()


async def test_a_bad_user_name_comes_before_the_handler_and_the_handler_before_a_taken_name(
    site: Site,
) -> None:
    await site.login("ann")
    bob = await site.connect()
    codes = [
        (await bob.login("", password="wrong")).error_code,
        (await bob.login("ann", password="wrong")).error_code,
        (await bob.login("ann")).error_code,
        (await bob.login("bob")).error_code,
    ]

    assert [21, 3, 4, 0] == codes


async def test_a_refusal_is_told_in_the_words_of_the_handler(site: Site) -> None:
    ann = await site.connect()
    answer = await ann.login("ann", password="wrong")

    assert (3, "Wrong password.") == (answer.error_code, answer.error["message"])
    assert {
        "username": "ann",
        "password": "wrong",
        "roomName": "",
        "appName": "test",
    } == answer.data


async def test_names_that_differ_by_case_alone_are_one_name(site: Site) -> None:
    await site.login("Straße")
    other = await site.connect()

    assert 4 == (await other.login("STRASSE")).error_code


async def test_a_logout_frees_the_name_and_the_connection_may_log_in_again(site: Site) -> None:
    ann = await site.login("ann", "hall")
    out = await ann.request(LOGOUT)
    refused = await ann.join("hall")
    other = await site.connect()
    taken = await other.login("ann")
    again = await ann.login("bob")

    assert (LOGOUT, {"appName": "test", "userName": "ann"}) == (out.event_type, out.data)
    assert [2, 0, 0] == [refused.error_code, taken.error_code, again.error_code]
    assert ["bob"] == (await ann.join("hall")).data["members"]


async def test_a_logout_is_told_to_the_rooms_with_its_reason(site: Site) -> None:
    ann, bob = await site.login("ann", "hall"), await site.login("bob", "hall")
    await ann.events()
    await bob.request(LOGOUT)
    event = await ann.event()

    assert (LEAVE_ROOM, "hall", "bob") == (event.event_type, event.room, event.sender)
    assert {
        "roomName": "hall",
        "appName": "test",
        "reason": "logged_out",
    }.items() <= event.data.items()
    assert [] == await bob.events()


async def test_a_refused_logout_changes_nothing(site: Site) -> None:
    ann = await site.login("stuck", "hall")

    assert 5 == (await ann.request(LOGOUT)).error_code
    assert ["stuck"] == (await ann.say("hall", "who")).data


async def test_a_disconnection_by_the_client_is_a_logout_without_its_handler(site: Site) -> None:
    ann, stuck = await site.login("ann", "hall"), await site.login("stuck", "hall")
    await ann.events()
    answer = await stuck.request(DISCONNECTION)
    event = await ann.event()

    assert (DISCONNECTION, 0) == (answer.event_type, answer.error_code)
    assert (LEAVE_ROOM, "stuck") == (event.event_type, event.sender)
    assert 2 == (await stuck.join("hall")).error_code
    assert 0 == (await stuck.login("another")).error_code


async def test_a_disconnection_may_be_refused(site: Site) -> None:
    stuck = await site.login("stuck for good", "hall")
    answer = await stuck.request(DISCONNECTION)

    assert (11, "Stay a while.") == (answer.error_code, answer.error["message"])
    assert ["stuck for good"] == (await stuck.say("hall", "who")).data


async def test_a_refusal_does_not_keep_a_user_whose_socket_has_gone(site: Site) -> None:
    ann, stuck = await site.login("ann", "hall"), await site.login("stuck for good", "hall")
    await ann.events()
    stuck.socket.abort()
    event = await ann.event()

    assert (LEAVE_ROOM, "stuck for good") == (event.event_type, event.sender)
    assert "disconnected" == event.data["reason"]


async def test_a_connection_frame_is_never_answered(site: Site) -> None:
    ann = await site.connect()
    for frame in ({}, {"appName": "test"}, {"appName": "nope"}, {"Connection": {"id": 1}}):
        ann.send_value({"eventType": CONNECTION, "id": 77, "data": {}, **frame})

    assert [] == await ann.events()


async def test_a_connection_is_in_several_applications_at_once(site: Site) -> None:
    ann = await site.login("ann", "hall")
    bob = await site.login("bob", "hall", application="other")
    other = await ann.request(LOGIN, {"username": "anna"}, appName="other")
    await ann.request(JOIN_ROOM, {"roomName": "hall"}, appName="other")
    heard = await bob.event()
    await ann.request(LOGOUT, appName="other")

    assert ("other", "anna") == (other.data["appName"], other.data["userName"])
    assert ("other", "hall", "anna") == (heard.app, heard.room, heard.sender)
    assert ["ann"] == (await ann.say("hall", "who")).data


async def test_joining_an_application_twice_is_no_error(site: Site) -> None:
    ann = await site.connect()
    answers = [await ann.request(JOIN_APP), await ann.request(JOIN_APP)]

    assert [{"appName": "test"}] * 2 == [answer.data for answer in answers]


async def test_the_policy_refuse_keeps_the_first(site: Site) -> None:
    first, second = await site.login("ann"), await site.connect()

    assert 4 == (await second.login("ann")).error_code
    assert 0 == (await first.join("hall")).error_code


async def test_the_policy_replace_closes_the_first(serve: Callable[..., Any]) -> None:
    site = await serve(double_login="replace")
    bob = await site.login("bob", "hall")
    first = await site.login("ann", "hall")
    await bob.events()
    second = await site.connect()
    answer = await second.login("ann")
    told = await first.event()
    left = await bob.event()

    assert (0, []) == (answer.error_code, answer.data["rooms"])
    assert (DISCONNECTION, 4509) == (told.event_type, told.code)
    assert 4509 == (await first.closed()).code
    assert ("ann", "replaced") == (left.sender, left.data["reason"])
    assert 0 == (await second.join("hall")).error_code


async def test_the_policy_replace_leaves_the_other_applications_of_a_connection(
    serve: Callable[..., Any],
) -> None:
    site = await serve(double_login="replace")
    first = await site.login("ann")
    await first.request(LOGIN, {"username": "ann"}, appName="other")
    second = await site.login("ann")
    told = await first.event()

    assert (DISCONNECTION, 4509, "test") == (told.event_type, told.code, told.app)
    assert 2 == (await first.join("hall")).error_code
    assert 0 == (await first.request(JOIN_ROOM, {"roomName": "hall"}, appName="other")).error_code
    assert 0 == (await second.join("hall")).error_code


async def test_the_policy_replace_does_not_hit_the_connection_that_asks(
    serve: Callable[..., Any],
) -> None:
    site = await serve(double_login="replace")
    ann = await site.login("ann")

    assert 4 == (await ann.login("ann")).error_code
    assert 0 == (await ann.join("hall")).error_code


async def test_the_policy_allow_lets_so_many_connections_in(serve: Callable[..., Any]) -> None:
    site = await serve(double_login="allow:2")
    first = await site.login("ann", "hall")
    second, third = await site.connect(), await site.connect()
    answer = await second.login("ann")
    refused = await third.login("ann")

    assert 4 == refused.error_code
    assert 0 == answer.error_code
    [room] = answer.data["rooms"]
    wanted = {"roomName", "appName", "kind", "epoch", "capacity", "count", "members"}
    assert wanted | {"properties", "maker"} <= room.keys()
    assert ("hall", 1, ["ann"]) == (room["roomName"], room["count"], room["members"])
    assert 8 == (await second.join("hall")).error_code
    assert [] == await first.events()


async def test_each_connection_of_a_user_hears_broadcasts_and_the_asking_one_the_reply(
    serve: Callable[..., Any],
) -> None:
    site = await serve(double_login="allow:2")
    first, second = await site.login("ann", "hall"), await site.login("ann")
    await first.say("hall", "tell", {"text": "hi"})

    for client in (first, second):
        [told] = await client.events()
        assert ("told", {"text": "hi"}) == (told.action, told.data)


async def test_the_other_connections_of_a_user_see_what_one_asked_for(
    serve: Callable[..., Any],
) -> None:
    site = await serve(double_login="allow:2")
    first, second = await site.login("ann"), await site.login("ann")
    await first.join("hall")
    joined = await second.event()
    await second.leave("hall")
    left = await first.event()

    for event, event_type in ((joined, JOIN_ROOM), (left, LEAVE_ROOM)):
        assert (event_type, "hall", "", None) == (
            event.event_type,
            event.data["roomName"],
            event.sender,
            event.id,
        )
    assert ["ann"] == joined.data["members"]
    assert 9 == (await first.leave("hall")).error_code


async def test_a_logout_detaches_one_connection_and_the_last_ends_the_user(
    serve: Callable[..., Any],
) -> None:
    site = await serve(double_login="allow:2")
    bob = await site.login("bob", "hall")
    first, second = await site.login("ann", "hall"), await site.login("ann")
    await bob.events()
    await first.request(LOGOUT)

    assert [] == await bob.events()
    assert 2 == (await first.join("hall")).error_code
    second.socket.abort()
    left = await bob.event()
    assert ("ann", "disconnected") == (left.sender, left.data["reason"])


@pytest.mark.parametrize("form", [Form.FULL], ids=str)
@pytest.mark.parametrize("policy", ["allow", "allow:0", "allow:x", "REPLACE", "", "allow:-1"])
async def test_a_policy_that_does_not_exist_is_a_programmers_error(
    serve: Callable[..., Any], policy: Any
) -> None:
    with pytest.raises(ValueError, match="double_login"):
        await serve(double_login=policy)
