"""Protocol sections 3 and 5: being away, coming back, and what ends the grace time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.rawclient import (
    DISCONNECTION,
    JOIN_ROOM,
    LEAVE_ROOM,
    LOGIN,
    LOGOUT,
    MEMBER_AWAY,
    MEMBER_BACK,
    MESSAGE,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.rawclient import Client, Frame
    from tests.resume.conftest import Port

UNKNOWN_TOKEN = 30


async def _until(client: Client, event_type: int) -> Frame:
    """Read until *event_type* comes, and nothing of a leave before it."""
    while (frame := await client.event()).event_type != event_type:
        assert frame.event_type != LEAVE_ROOM
    return frame


async def test_the_others_see_away_and_back_and_no_leave(port: Port) -> None:
    ann, bob = await port.begin("ann", "hall"), await port.login("bob", "hall")
    await bob.events()
    ann.drop()
    away = await bob.event()
    await ann.come_back()
    back = await bob.event()

    assert (MEMBER_AWAY, "hall", "ann", (3, None)) == (
        away.event_type,
        away.room,
        away.sender,
        away.place,
    )
    assert {"roomName": "hall", "appName": "test", "seconds": away.data["seconds"]} == away.data
    assert 29 < away.data["seconds"] <= 30
    assert (MEMBER_BACK, "hall", "ann", (4, None)) == (
        back.event_type,
        back.room,
        back.sender,
        back.place,
    )
    assert {"roomName": "hall", "appName": "test"} == back.data
    assert [] == await bob.events()


async def test_the_hooks_run_in_their_order(port: Port) -> None:
    ann, bob = await port.begin("ann", "hall"), await port.login("bob", "hall")
    await ann.vanish(bob)
    await ann.come_back()
    frames = await ann.events()

    assert ["drop ann", "resume ann"] == port.harbour().hooks
    assert ["join ann", "join bob", "drop ann", "resume ann"] == port.quay().hooks
    shared = [(frame.event_type, frame.action) for frame in frames]
    assert shared.index((MEMBER_BACK, "")) < shared.index((MESSAGE, "view"))


async def test_who_is_away_keeps_the_seat(port: Port) -> None:
    ann, bob = await port.begin("ann", "hall"), await port.login("bob", "hall")
    await ann.vanish(bob)

    assert ["ann", "bob"] == (await bob.say("hall", "who")).data
    assert "ann" in port.application().users
    assert (await port.begin("cat", "hall")).rooms["hall"]["seq"] == 4


async def test_who_joins_is_told_who_is_away(port: Port) -> None:
    ann, bob = await port.begin("ann", "hall"), await port.login("bob", "hall")
    cat, dan = await port.open(), await port.open()
    await cat.login("cat")
    before = await cat.join("hall")
    await ann.vanish(bob)
    await dan.login("dan")
    joined = await dan.join("hall")
    await ann.come_back()
    await cat.leave("hall")
    after = await cat.join("hall")

    assert ["ann"] == joined.data["away"]
    assert {"away"}.isdisjoint({*before.data, *after.data})
    assert ["ann", "bob", "cat", "dan"] == joined.data["members"]


async def test_a_reset_tells_who_is_away(moor: Callable[..., Any]) -> None:
    port = await moor(history_events=1)
    ann, bob = await port.begin("ann", "hall"), await port.begin("bob", "hall")
    cat = await port.login("cat", "hall")
    await ann.vanish(cat)
    await bob.vanish(cat)
    for text in ("1", "2"):
        await cat.say("hall", "tell", {"text": text})
    answer = await bob.come_back()
    entry = answer.data["rooms"]["hall"]

    assert ("history", True) == (entry["reset"], "ann" in entry["away"])


async def test_who_may_not_resume_leaves_at_once(port: Port) -> None:
    plain, bob = await port.login("plain", "hall"), await port.login("bob", "hall")
    plain.socket.abort()
    left = await _until(bob, LEAVE_ROOM)

    assert ("plain", "disconnected") == (left.sender, left.data["reason"])


async def test_when_the_grace_time_is_over_the_user_leaves(moor: Callable[..., Any]) -> None:
    port = await moor(resume_seconds=0.1)
    ann, bob = await port.begin("ann", "hall"), await port.login("bob", "hall")
    ann.drop()
    away = await _until(bob, MEMBER_AWAY)
    left = await _until(bob, LEAVE_ROOM)

    assert ("ann", "ann", "disconnected") == (away.sender, left.sender, left.data["reason"])
    assert ["join ann", "join bob", "drop ann", "leave ann disconnected"] == port.quay().hooks
    assert UNKNOWN_TOKEN == (await ann.knock()).error_code


async def test_a_resume_ends_the_grace_time(moor: Callable[..., Any]) -> None:
    port = await moor(resume_seconds=0.5)
    ann, bob = await port.begin("ann", "hall"), await port.begin("bob", "hall")
    cat = await port.login("cat", "hall")
    await ann.vanish(cat)
    await ann.come_back()
    await bob.vanish(cat)
    left = await _until(cat, LEAVE_ROOM)  # bob's time began after ann's

    assert "bob" == left.sender
    assert ["ann", "cat"] == (await cat.say("hall", "who")).data


@pytest.mark.parametrize("event_type", [LOGOUT, DISCONNECTION])
async def test_who_says_goodbye_has_no_grace_time(port: Port, event_type: int) -> None:
    ann, bob = await port.begin("ann", "hall"), await port.login("bob", "hall")
    await bob.events()
    await ann.client.request(event_type)
    ann.drop()
    frames = await bob.events()

    assert [LEAVE_ROOM] == [frame.event_type for frame in frames]
    assert UNKNOWN_TOKEN == (await ann.knock()).error_code


async def test_a_close_without_logout_keeps_the_seat(port: Port) -> None:
    ann, bob = await port.begin("ann", "hall"), await port.login("bob", "hall")
    await ann.client.socket.close(1000)
    away = await _until(bob, MEMBER_AWAY)

    assert "ann" == away.sender
    assert "ann" == (await ann.come_back()).data["userName"]


async def test_a_login_under_an_away_users_name_ends_its_grace_time(port: Port) -> None:
    ann, bob = await port.begin("ann", "hall"), await port.login("bob", "hall")
    await ann.vanish(bob)
    newcomer = await port.open()
    answer = await newcomer.login("ann", resume=True)
    left = await _until(bob, LEAVE_ROOM)

    assert (LOGIN, 0, []) == (answer.event_type, answer.error_code, answer.data["rooms"])
    assert ("ann", "disconnected") == (left.sender, left.data["reason"])
    assert "leave ann disconnected" in port.quay().hooks
    assert UNKNOWN_TOKEN == (await ann.knock()).error_code
    assert 0 == (await newcomer.join("hall")).error_code


async def test_a_refused_login_under_an_away_users_name_changes_nothing(port: Port) -> None:
    ann, bob = await port.begin("ann", "hall"), await port.login("bob", "hall")
    await ann.vanish(bob)
    stranger = await port.open()

    assert 3 == (await stranger.login("ann", password="wrong")).error_code
    await ann.come_back()
    assert ["ann", "bob"] == (await bob.say("hall", "who")).data


async def test_a_login_under_the_name_of_one_who_is_back_is_4(port: Port) -> None:
    ann = await port.begin("ann", "hall")
    ann.drop()
    await ann.come_back()
    stranger = await port.open()

    assert 4 == (await stranger.login("ann")).error_code


async def test_a_replacing_login_ends_the_token(moor: Callable[..., Any]) -> None:
    port = await moor(double_login="replace")
    ann = await port.begin("ann", "hall")
    await ann.client.events()
    newcomer = await port.open()
    await newcomer.login("ann")
    bye = await ann.client.event()

    assert (DISCONNECTION, 4509) == (bye.event_type, bye.code)
    assert UNKNOWN_TOKEN == (await ann.knock()).error_code


async def test_who_is_put_out_of_the_application_may_not_come_back(port: Port) -> None:
    ann, bob = await port.begin("ann", "hall"), await port.login("bob", "hall")
    ann.client.send(MESSAGE, {"code": 4503}, roomName="hall", action="disconnect")
    left = await _until_left(bob)

    assert ("ann", "kicked") == (left.sender, left.data["reason"])
    assert UNKNOWN_TOKEN == (await ann.knock()).error_code


async def _until_left(client: Client) -> Frame:
    while (frame := await client.event()).event_type != LEAVE_ROOM:
        assert frame.event_type == JOIN_ROOM
    return frame


async def test_who_is_closed_for_good_may_not_come_back(port: Port) -> None:
    ann, bob = await port.begin("ann", "hall"), await port.login("bob", "hall")
    for _ in range(10):
        ann.client.send("no number")
    left = await _until_left(bob)

    assert ("ann", "disconnected") == (left.sender, left.data["reason"])
    assert UNKNOWN_TOKEN == (await ann.knock()).error_code


async def test_who_is_kicked_out_of_the_application_while_away_is_gone(port: Port) -> None:
    ann, bob = await port.begin("ann", "hall"), await port.login("bob", "hall")
    await ann.vanish(bob)
    port.application().users["ann"].kick()
    left = await _until(bob, LEAVE_ROOM)

    assert ("ann", "kicked") == (left.sender, left.data["reason"])
    assert UNKNOWN_TOKEN == (await ann.knock()).error_code


async def test_the_room_of_one_who_is_away_may_be_closed(port: Port) -> None:
    ann, bob = await port.begin("ann", "hall"), await port.login("bob", "hall")
    await ann.vanish(bob)
    port.application().rooms["hall"].close()
    await bob.events()
    await ann.come_back()

    assert 7 == (await ann.client.say("hall", "who")).error_code


async def test_a_server_that_stops_does_not_wait_for_who_is_away(port: Port) -> None:
    ann, bob = await port.begin("ann", "hall"), await port.begin("bob", "hall")
    await ann.vanish(bob.client)
    hooks = port.quay().hooks
    await port.server.stop()

    assert {"leave ann shutdown", "leave bob shutdown"} <= set(hooks)
    assert {"disconnect ann shutdown", "disconnect bob shutdown"} <= set(port.harbour().hooks)
    assert "drop bob" not in hooks


async def test_a_spectator_who_drops_is_no_news(port: Port) -> None:
    ann, bob = await port.begin("ann"), await port.login("bob", "hall")
    await ann.client.request(9, {"roomName": "hall"})
    await bob.events()
    ann.drop()
    while not port.application().users["ann"].is_away:
        await bob.say("hall", "who")

    assert [] == await bob.events()
