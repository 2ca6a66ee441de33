"""Protocol section 4: the numbers of events, shared and private."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.protocol.worlds import Desk, Hall, Secretive
from tests.rawclient import JOIN_ROOM, LEAVE_ROOM, ROOM_ADD, ROOM_UPDATE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.protocol.conftest import Site


class SecretiveDesk(Desk):
    async def init(self) -> None:
        await self.application.rooms.create("hall", kind="secretive")


async def test_shared_events_are_numbered_without_holes(site: Site) -> None:
    ann = await site.login("ann")
    places = [(await ann.join("hall")).place]
    bob = await site.login("bob", "hall")
    for text in ("one", "two"):
        await bob.say("hall", "tell", {"text": text})
    await bob.say("hall", "describe", {"properties": {"colour": "red"}})
    await bob.leave("hall")
    frames = await ann.events()

    assert [JOIN_ROOM, 11, 11, ROOM_UPDATE, LEAVE_ROOM] == [frame.event_type for frame in frames]
    assert [1, 2, 3, 4, 5, 6] == [places[0][0], *(frame.seq for frame in frames)]
    assert {None} == {frame.sub for frame in frames}


async def test_private_events_have_the_number_before_and_count_from_1_after_each(
    site: Site,
) -> None:
    ann, bob = await site.login("ann", "hall"), await site.login("bob", "hall")
    await ann.events()
    await ann.say("hall", "remind", {"text": "a"})
    await bob.say("hall", "whisper", {"to": "ann", "text": "b"})
    await bob.say("hall", "whisper", {"to": "bob", "text": "not for ann"})
    await ann.say("hall", "remind", {"text": "c"})
    await ann.say("hall", "tell", {"text": "all"})
    await ann.say("hall", "remind", {"text": "d"})
    await bob.say("hall", "tell_others", {"text": "e"})

    assert [(2, 1), (2, 2), (2, 4), (3, None), (3, 1), (3, 2)] == [
        frame.place for frame in await ann.events()
    ]
    assert [(2, 3), (3, None)] == [frame.place for frame in await bob.events()]


async def test_who_is_no_member_is_sent_to_in_the_applications_sequence(site: Site) -> None:
    ann, bob = await site.login("ann", "hall"), await site.login("bob")
    await ann.say("hall", "remind_anybody", {"to": "ann", "text": "a"})
    await ann.say("hall", "remind_anybody", {"to": "bob", "text": "b"})
    [inside], [outside] = await ann.events(), await bob.events()

    assert ("hall", (1, 1)) == (inside.room, inside.place)
    assert ("", {"text": "b"}) == (outside.room, outside.data)
    assert outside.sub


async def test_a_newcomer_is_told_the_current_place(site: Site) -> None:
    ann = await site.login("ann", "hall")
    await ann.say("hall", "tell", {"text": "one"})
    bob = await site.login("bob")
    answer = await bob.join("hall")
    await ann.say("hall", "tell", {"text": "two"})
    told = await bob.event()

    assert 3 == answer.seq
    assert (4, None) == told.place


async def test_the_place_of_a_reply_is_no_event(site: Site) -> None:
    ann = await site.login("ann", "hall")
    answer = await ann.say("hall", "who")
    await ann.say("hall", "tell", {"text": "x"})

    assert None is answer.seq
    assert 2 == (await ann.event()).seq


async def test_a_room_that_announces_no_members_numbers_no_joins(
    serve: Callable[..., Any],
) -> None:
    site = await serve(extension=SecretiveDesk, rooms={"secretive": Secretive, "hall": Hall})
    ann, bob = await site.login("ann"), await site.login("bob")
    first = await ann.join("hall")
    await ann.say("hall", "tell", {"text": "one"})
    second = await bob.join("hall")
    await bob.leave("hall")
    await ann.say("hall", "tell", {"text": "two"})

    assert [0, 1] == [first.seq, second.seq]
    assert [1, 2] == [frame.seq for frame in await ann.events()]


async def test_the_application_has_a_sequence_of_its_own(site: Site) -> None:
    ann = await site.connect()
    login = await ann.login("ann")
    await ann.join("hall")
    await ann.say("hall", "tell", {"text": "in the room"})
    await ann.say("", "make", {"name": "den"})
    await ann.say("", "shout", {"text": "x"})
    await ann.say("", "remind", {"text": "y"})
    frames = [
        frame for frame in await ann.events() if not frame.room and frame.event_type != ROOM_UPDATE
    ]
    start = login.data["seq"]

    assert [(ROOM_ADD, ""), (11, "shouted"), (11, "reminded")] == [
        (frame.event_type, frame.action) for frame in frames
    ]
    assert [(start + 1, None), (start + 2, None), (start + 2, 1)] == [
        frame.place for frame in frames
    ]


async def test_every_member_sees_the_same_events_under_the_same_numbers(site: Site) -> None:
    clients = [await site.login(f"user {number}", "hall") for number in range(5)]
    for client in clients:
        await client.events()
    for turn in range(20):
        await clients[turn % 5].say("hall", "tell", {"text": str(turn)})
    views = [
        [(frame.seq, frame.data["text"]) for frame in await client.events()] for client in clients
    ]

    assert [(6 + turn, str(turn)) for turn in range(20)] == views[0]
    assert [views[0]] * 5 == views
