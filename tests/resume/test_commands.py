"""Protocol section 5: what is sent again after a lost link runs once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.rawclient import (
    DISCONNECTION,
    JOIN_APP,
    JOIN_ROOM,
    LEAVE_ROOM,
    LOGIN,
    LOGOUT,
    MESSAGE,
    SUBSCRIBE_ROOM,
    UNSUBSCRIBE_ROOM,
)
from tests.resume.conftest import numbered_from

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.rawclient import Client, Frame
    from tests.resume.conftest import Life, Port

ALREADY_DONE = 28


async def _again(
    life: Life, number: int, event_type: int, data: object = None, **keys: Any
) -> Frame:
    """Send a request under the id *number* and return its answer."""
    client, ids = life.client, life.client._ids
    numbered_from(client, number)
    answer = await client.request(event_type, data, **keys)
    client._ids = ids
    return answer


async def _ebb(life: Life, number: int, **keys: Any) -> Frame:
    return await _again(life, number, MESSAGE, {}, roomName="hall", action="ebb", **keys)


async def _working(port: Port, life: Life) -> None:
    """Have the handler of the command 100 run, and wait there."""
    _send(life.client, 100, "work")
    while "work ann" not in port.quay().hooks:  # noqa: ASYNC110 -- no event to wait for
        await asyncio.sleep(0)


def _send(client: Client, number: int, action: str) -> None:
    client.send(MESSAGE, {}, roomName="hall", action=action, id=number)


async def test_a_command_sent_again_runs_once_and_is_answered_again(port: Port) -> None:
    ann, bob = await port.begin("ann", "hall"), await port.login("bob", "hall")
    first = await _ebb(ann, 100)
    await ann.vanish(bob)
    await ann.come_back()
    again = await _ebb(ann, 100)

    assert ({"tides": 1}, 1) == (first.data, port.quay().tides)
    assert first.raw == again.raw


async def test_a_command_whose_reply_was_lost_is_answered_after_the_resume(port: Port) -> None:
    ann, bob = await port.begin("ann", "hall"), await port.login("bob", "hall")
    _send(ann.client, 100, "ebb")
    while (await bob.event()).action != "tide":
        pass
    ann.drop()
    await ann.come_back()
    again = await _ebb(ann, 100)

    assert ({"tides": 1}, 1) == (again.data, port.quay().tides)
    assert ["tide"] == [frame.action for frame in await ann.events() if frame.action == "tide"]


async def test_a_command_that_never_came_runs_with_its_old_id(port: Port) -> None:
    """The RECONNECT's own id is higher, and does not count."""
    ann, bob = await port.begin("ann", "hall"), await port.login("bob", "hall")
    await ann.vanish(bob)
    numbered_from(ann.client, 200)
    await ann.come_back()

    assert [1, 2, 3] == [(await _ebb(ann, number)).data["tides"] for number in (100, 101, 102)]
    assert {"tides": 4} == (await _ebb(ann, 201)).data


async def test_a_command_sent_twice_on_one_connection_runs_once(port: Port) -> None:
    ann = await port.begin("ann", "hall")
    answers = [await _ebb(ann, 100) for _ in range(3)]

    assert [{"tides": 1}] * 3 == [answer.data for answer in answers]


async def test_a_command_still_being_handled_is_answered_once_on_the_newest_connection(
    port: Port,
) -> None:
    ann, bob = await port.begin("ann", "hall"), await port.login("bob", "hall")
    await _working(port, ann)
    ann.drop()
    await ann.come_back()
    _send(ann.client, 100, "work")
    await bob.request(JOIN_APP)
    waiting = ann.client.unread()
    port.quay().gate.set()
    await ann.client.request(JOIN_APP)  # it is read when the command before it has its answer
    frames = await ann.client.events()

    assert [] == [frame for frame in waiting if frame.id == 100]
    assert [{"tides": 1}] == [frame.data for frame in frames if frame.id == 100]
    assert ["work ann"] == [line for line in port.quay().hooks if "work" in line]


async def test_a_command_handled_while_its_client_is_away_is_answered_later(port: Port) -> None:
    ann, bob = await port.begin("ann", "hall"), await port.login("bob", "hall")
    await _working(port, ann)
    ann.drop()
    port.quay().gate.set()
    while (await bob.event()).action != "tide":
        pass
    await ann.come_back()

    assert {"tides": 1} == (
        await _again(ann, 100, MESSAGE, {}, roomName="hall", action="work")
    ).data
    assert 1 == port.quay().tides


async def test_a_refusal_is_given_again(port: Port) -> None:
    ann = await port.begin("ann", "hall")
    said = {"roomName": "hall", "action": "refuse"}
    first = await _again(ann, 100, MESSAGE, {"text": "x"}, **said)
    ann.drop()
    await ann.come_back()
    again = await _again(ann, 100, MESSAGE, {"text": "x"}, **said)

    assert (1001, "not_your_turn") == first.failure
    assert first.raw == again.raw


async def test_64_replies_are_kept_and_one_more_is_28(port: Port) -> None:
    ann = await port.begin("ann", "hall")
    for number in range(100, 165):
        await _ebb(ann, number)
    ann.drop()
    await ann.come_back()
    forgotten, oldest, newest = [await _ebb(ann, number) for number in (100, 101, 164)]

    assert (MESSAGE, ALREADY_DONE) == (forgotten.event_type, forgotten.error_code)
    assert [{"tides": 2}, {"tides": 65}] == [oldest.data, newest.data]
    assert 65 == port.quay().tides


async def test_as_many_replies_are_kept_as_the_limits_say(moor: Callable[..., Any]) -> None:
    port = await moor(kept_replies=2)
    ann = await port.begin("ann", "hall")
    for number in (100, 101, 102):
        await _ebb(ann, number)
    answers = [await _ebb(ann, number) for number in (100, 101, 102)]

    assert [ALREADY_DONE, 0, 0] == [answer.error_code for answer in answers]


async def test_an_id_that_was_left_out_is_never_run_later(port: Port) -> None:
    ann = await port.begin("ann", "hall")
    await _ebb(ann, 100)
    answer = await _ebb(ann, 99)

    assert (ALREADY_DONE, 1) == (answer.error_code, port.quay().tides)


async def test_a_join_sent_again_is_answered_as_it_was(port: Port) -> None:
    ann, bob = await port.begin("ann"), await port.login("bob", "hall")
    first = await _again(ann, 100, JOIN_ROOM, {"roomName": "hall"})
    await bob.say("hall", "tell", {"text": "later"})
    ann.take_room(first)
    ann.drop()
    await ann.come_back()
    again = await _again(ann, 100, JOIN_ROOM, {"roomName": "hall"})

    assert first.raw == again.raw
    assert ["join bob", "join ann"] == [line for line in port.quay().hooks if "join" in line]


async def test_a_room_is_made_once(port: Port) -> None:
    ann = await port.begin("ann")
    first = await _again(ann, 100, MESSAGE, {"name": "den"}, action="make")
    ann.drop()
    await ann.come_back()
    again = await _again(ann, 100, MESSAGE, {"name": "den"}, action="make")

    assert (0, 0) == (first.error_code, again.error_code)


async def test_a_leave_sent_again_leaves_once(port: Port) -> None:
    ann, bob = await port.begin("ann", "hall"), await port.login("bob", "hall")
    await _again(ann, 100, LEAVE_ROOM, {"roomName": "hall"})
    ann.drop()
    answer = await ann.come_back()
    again = await _again(ann, 100, LEAVE_ROOM, {"roomName": "hall"})
    left = [frame for frame in await bob.events() if frame.event_type == LEAVE_ROOM]

    assert {"reset": "kicked"} == answer.data["rooms"]["hall"]
    assert (0, 1) == (again.error_code, len(left))


async def test_commands_go_on_counting_over_many_resumes(port: Port) -> None:
    ann = await port.begin("ann", "hall")
    for number in range(20):
        _send(ann.client, 100 + number, "ebb")
        ann.drop()
        await ann.come_back()
        assert {"tides": number + 1} == (await _ebb(ann, 100 + number)).data

    assert 20 == port.quay().tides


async def test_a_message_without_id_is_run_each_time(port: Port) -> None:
    ann = await port.begin("ann", "hall")
    for _ in range(2):
        ann.client.send(MESSAGE, {}, roomName="hall", action="ebb")
        await ann.events()

    assert 2 == port.quay().tides


async def test_who_cannot_resume_runs_an_id_as_often_as_it_is_sent(port: Port) -> None:
    """A client of goroomserver may count as it likes."""
    client = await port.open()
    await client.login("ann")
    await client.join("hall")
    for _ in range(2):
        numbered_from(client, 100)
        await client.say("hall", "ebb")

    assert 2 == port.quay().tides


@pytest.mark.parametrize(
    ("event_type", "data"),
    [
        (JOIN_APP, None),
        (SUBSCRIBE_ROOM, None),
        (SUBSCRIBE_ROOM, {"roomName": "hall"}),
        (UNSUBSCRIBE_ROOM, {"roomName": "hall"}),
    ],
)
async def test_what_does_no_harm_is_run_each_time_and_not_remembered(
    moor: Callable[..., Any], event_type: int, data: object
) -> None:
    port = await moor(kept_replies=1)
    ann = await port.begin("ann")
    await port.application().rooms.create("den", kind="hall")
    await ann.join("den")
    await _again(ann, 100, MESSAGE, {}, roomName="den", action="ebb")
    answers = [await _again(ann, number, event_type, data) for number in (90, 200, 90)]
    kept = await _again(ann, 100, MESSAGE, {}, roomName="den", action="ebb")

    assert [event_type] * 3 == [answer.event_type for answer in answers]
    assert ALREADY_DONE not in [answer.error_code for answer in answers]
    assert {"tides": 1} == kept.data


async def test_the_replies_of_one_login_are_not_those_of_the_next(port: Port) -> None:
    ann = await port.begin("ann", "hall")
    await _ebb(ann, 100)
    await _again(ann, 101, LOGOUT)
    ann.take_login(await ann.client.login("ann", resume=True))
    await ann.join("hall")

    assert {"tides": 2} == (await _ebb(ann, 100)).data


async def test_a_logout_sent_again_finds_the_token_gone(port: Port) -> None:
    ann = await port.begin("ann", "hall")
    await _again(ann, 100, LOGOUT)
    ann.drop()

    assert 30 == (await ann.knock()).error_code


async def test_a_disconnection_ends_the_token(port: Port) -> None:
    ann = await port.begin("ann", "hall")
    await _again(ann, 100, DISCONNECTION)
    ann.drop()

    assert 30 == (await ann.knock()).error_code


async def test_two_applications_count_their_ids_apart(port: Port) -> None:
    ann = await port.begin("ann", "hall")
    await _ebb(ann, 100)
    other = {"appName": "other"}
    await _again(ann, 1, LOGIN, {"username": "ann", "resume": True}, **other)
    answers = [
        await _again(ann, 2, JOIN_ROOM, {"roomName": "hall"}, **other),
        await _again(ann, 3, MESSAGE, {"text": "x"}, roomName="hall", action="tell", **other),
        await _again(ann, 3, MESSAGE, {"text": "x"}, roomName="hall", action="tell", **other),
    ]

    assert [0, 0, 0] == [answer.error_code for answer in answers]
    assert {"tides": 2} == (await _ebb(ann, 101)).data
