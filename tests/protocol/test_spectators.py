"""Protocol section 3: watching a room without joining it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.rawclient import (
    JOIN_ROOM,
    LEAVE_ROOM,
    LOGOUT,
    MESSAGE,
    ROOM_UPDATE,
    SUBSCRIBE_ROOM,
    UNSUBSCRIBE_ROOM,
)

if TYPE_CHECKING:
    from tests.protocol.conftest import Site
    from tests.rawclient import Client


async def _watching(site: Site, name: str = "watcher") -> Client:
    client = await site.login(name)
    answer = await client.request(SUBSCRIBE_ROOM, {"roomName": "hall"})
    assert 0 == answer.error_code
    return client


async def test_watching_is_answered_as_a_join_is(site: Site) -> None:
    ann, watcher = await site.login("ann"), await site.login("watcher")
    joined = await ann.join("hall")
    answer = await watcher.request(SUBSCRIBE_ROOM, {"roomName": "hall"})

    assert (SUBSCRIBE_ROOM, "hall") == (answer.event_type, answer.data["roomName"])
    assert joined.data == answer.data
    assert joined.seq == answer.seq
    assert [] == await ann.events()


async def test_the_room_to_watch_is_in_the_data_or_else_in_the_frame(site: Site) -> None:
    watcher = await site.login("watcher")
    answers = [
        await watcher.request(SUBSCRIBE_ROOM, roomName="hall"),
        await watcher.request(SUBSCRIBE_ROOM, {"roomName": "nowhere"}),
    ]

    assert [0, 7] == [answer.error_code for answer in answers]
    assert "members" in answers[0].data


async def test_a_spectator_sees_the_shared_events_and_no_private_ones(site: Site) -> None:
    watcher, ann = await _watching(site), await site.login("ann", "hall")
    bob = await site.login("bob", "hall")
    await ann.say("hall", "tell", {"text": "all"})
    await ann.say("hall", "tell_others", {"text": "not ann"})
    await ann.say("hall", "whisper", {"to": "bob", "text": "psst"})
    await ann.say("hall", "remind", {"text": "mine"})
    await ann.say("hall", "describe", {"properties": {"level": 3}})
    await bob.leave("hall")
    frames = await watcher.events()

    assert [JOIN_ROOM, JOIN_ROOM, MESSAGE, ROOM_UPDATE, LEAVE_ROOM] == [
        frame.event_type for frame in frames
    ]
    assert [1, 2, 3, 4, 5] == [frame.seq for frame in frames]


async def test_a_spectator_is_no_member(site: Site) -> None:
    watcher, ann = await _watching(site), await site.login("ann", "hall")

    assert 9 == (await watcher.say("hall", "tell", {"text": "x"})).error_code
    assert 9 == (await watcher.leave("hall")).error_code
    assert ["ann"] == (await ann.say("hall", "who")).data
    assert [] == await ann.events()


async def test_nothing_comes_after_the_reply_to_unsubscribing(site: Site) -> None:
    watcher, ann = await _watching(site), await site.login("ann", "hall")
    await watcher.events()
    answer = await watcher.request(UNSUBSCRIBE_ROOM, {"roomName": "hall"})
    await ann.say("hall", "tell", {"text": "x"})

    assert (UNSUBSCRIBE_ROOM, 0) == (answer.event_type, answer.error_code)
    assert [] == await watcher.events()


async def test_an_unknown_room_is_7_for_watching_and_for_ending_it(site: Site) -> None:
    watcher = await site.login("watcher")
    answers = [
        await watcher.request(event_type, {"roomName": "nowhere"})
        for event_type in (SUBSCRIBE_ROOM, UNSUBSCRIBE_ROOM)
    ]

    assert [7, 7] == [answer.error_code for answer in answers]


async def test_a_spectator_who_joins_sees_each_event_once(site: Site) -> None:
    watcher, ann = await _watching(site), await site.login("ann", "hall")
    await watcher.events()
    await watcher.join("hall")
    await ann.say("hall", "tell", {"text": "x"})

    assert ["told"] == [frame.action for frame in await watcher.events()]


async def test_a_spectator_takes_no_seat(site: Site) -> None:
    await site.application().rooms.create("den", kind="hall", capacity=1)
    watcher = await site.login("watcher")
    await watcher.request(SUBSCRIBE_ROOM, {"roomName": "den"})
    ann = await site.login("ann")
    answer = await ann.join("den")

    assert (0, 1) == (answer.error_code, answer.data["count"])


async def test_a_full_room_may_be_watched(site: Site) -> None:
    await site.application().rooms.create("den", kind="hall", capacity=1)
    await site.login("ann", "den")
    watcher = await site.login("watcher")

    assert 0 == (await watcher.request(SUBSCRIBE_ROOM, {"roomName": "den"})).error_code


async def test_a_spectator_hears_that_the_room_has_closed(site: Site) -> None:
    watcher = await _watching(site)
    site.application().rooms["hall"].close()
    frames = [frame for frame in await watcher.events() if frame.event_type == LEAVE_ROOM]

    assert [("hall", "room_closed")] == [(frame.room, frame.data["reason"]) for frame in frames]


async def test_watching_ends_with_the_login(site: Site) -> None:
    watcher, ann = await _watching(site), await site.login("ann", "hall")
    await watcher.events()
    await watcher.request(LOGOUT)
    await ann.say("hall", "tell", {"text": "x"})

    assert [] == await watcher.events()


async def test_a_room_with_a_password_is_watched_with_it_only(site: Site) -> None:
    await site.application().rooms.create("den", kind="hall", password="sesame")
    watcher = await site.login("watcher")
    answers = [
        await watcher.request(SUBSCRIBE_ROOM, {"roomName": "den"}),
        await watcher.request(SUBSCRIBE_ROOM, {"roomName": "den", "password": "sesame"}),
    ]

    assert [(26, "wrong_password"), (0, "")] == [answer.failure for answer in answers]
