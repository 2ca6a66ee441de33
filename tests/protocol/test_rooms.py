"""Protocol section 3: JOIN_ROOM and LEAVE_ROOM, their checks in their order, their pushes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import goroom
from goroom import LeaveReason, Refused, User
from tests.protocol.worlds import Desk, Hall
from tests.rawclient import JOIN_ROOM, LEAVE_ROOM, MESSAGE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.protocol.conftest import Site

ROOM_KEYS = {
    "roomName",
    "appName",
    "kind",
    "epoch",
    "capacity",
    "count",
    "members",
    "properties",
    "maker",
}


class Bar(Hall):
    """Joins and leaves are refused by what the user is called."""

    max_users = 2

    def on_join(self, user: User) -> None:
        self.room.broadcast("nearly", {"name": user.name})
        if user.name.startswith("minor"):
            raise Refused("Come back at 18.", code=1018, reason="minor")
        if user.name.startswith("broken"):
            raise ZeroDivisionError

    def on_leave(self, user: User, reason: LeaveReason) -> None:
        if user.name == "debtor" and reason is LeaveReason.LEFT:
            raise Refused("Pay first.")
        if user.name == "clumsy":
            raise ZeroDivisionError
        self.room.broadcast("waved", {"name": user.name})


class BarDesk(Desk):
    async def init(self) -> None:
        await super().init()
        await self.application.rooms.create("bar", kind="bar")
        await self.application.rooms.create("guarded", kind="bar", password="sesame", locked=True)


async def test_a_join_is_answered_with_the_room(site: Site) -> None:
    ann = await site.login("ann")
    answer = await ann.join("hall")

    assert (JOIN_ROOM, 0, "hall") == (answer.event_type, answer.error_code, answer.room)
    assert ROOM_KEYS == answer.data.keys()
    assert {
        "roomName": "hall",
        "appName": "test",
        "kind": "hall",
        "capacity": 8,
        "count": 1,
        "members": ["ann"],
        "properties": {},
        "maker": "",
    }.items() <= answer.data.items()
    assert (1, 0) == (answer.seq, answer.sub or 0)


async def test_the_other_members_hear_of_a_join_with_the_same_number(site: Site) -> None:
    ann = await site.login("ann", "hall")
    bob = await site.login("bob")
    answer = await bob.join("hall")
    event = await ann.event()

    assert (JOIN_ROOM, "hall", "bob", answer.seq) == (
        event.event_type,
        event.room,
        event.sender,
        event.seq,
    )
    assert {"roomName": "hall", "appName": "test"}.items() <= event.data.items()
    assert ["ann", "bob"] == answer.data["members"]
    assert [] == await bob.events()


async def test_the_room_of_a_join_is_in_the_data_or_else_in_the_frame(site: Site) -> None:
    ann = await site.login("ann")
    from_frame = await ann.request(JOIN_ROOM, {}, roomName="hall")
    await ann.leave("hall")
    both = await ann.request(JOIN_ROOM, {"roomName": "hall"}, roomName="nowhere")
    await ann.leave("hall")
    blank = await ann.request(JOIN_ROOM, {"roomName": " "}, roomName="hall")
    null = await ann.request(JOIN_ROOM, {"roomName": None}, roomName="hall")
    number = await ann.request(JOIN_ROOM, {"roomName": 5}, roomName="hall")

    assert [0, 0, 6, 0, 21] == [
        answer.error_code for answer in (from_frame, both, blank, null, number)
    ]
    assert "roomName" == number.error["field"].removeprefix("data.")


async def test_a_leave_is_answered_and_told_to_the_others(site: Site) -> None:
    ann, bob = await site.login("ann", "hall"), await site.login("bob", "hall")
    await ann.events()
    answer = await bob.leave("hall")
    event = await ann.event()

    assert (LEAVE_ROOM, 0) == (answer.event_type, answer.error_code)
    assert {"roomName": "hall", "appName": "test"}.items() <= answer.data.items()
    assert (LEAVE_ROOM, "bob", "left") == (event.event_type, event.sender, event.data["reason"])
    assert [] == await bob.events()
    assert 9 == (await bob.leave("hall")).error_code
    assert ["ann"] == (await ann.say("hall", "who")).data


async def test_the_room_of_a_leave_is_in_the_data_or_else_in_the_frame(site: Site) -> None:
    ann = await site.login("ann", "hall")
    answers = [
        await ann.request(LEAVE_ROOM, {"roomName": ""}, roomName="hall"),
        await ann.request(LEAVE_ROOM, {}),
        await ann.request(LEAVE_ROOM, {"roomName": "nowhere"}, roomName="hall"),
        await ann.request(LEAVE_ROOM, {"roomName": ["hall"]}),
        await ann.request(LEAVE_ROOM, {}, roomName="hall"),
    ]

    assert [6, 6, 7, 21, 0] == [answer.error_code for answer in answers]


async def test_the_checks_of_a_join_come_in_their_order(serve: Callable[..., Any]) -> None:
    site = await serve(extension=BarDesk, rooms={"hall": Hall, "bar": Bar})
    rooms = site.application().rooms
    ann = await site.login("minor")
    answers = [
        await ann.join("", password=5),
        await ann.join("", password="x"),
        await ann.join("nowhere", password="x"),
        await ann.join("guarded", password="x"),
    ]
    rooms["guarded"].update(locked=False)
    answers.append(await ann.join("guarded", password="x"))
    cy, dan = await site.login("cy"), await site.login("dan")
    for client in (cy, dan):
        assert 0 == (await client.join("guarded", password="sesame")).error_code
    answers.append(await ann.join("guarded", password="x"))
    answers.append(await ann.join("guarded", password="sesame"))
    await cy.leave("guarded")
    answers.append(await ann.join("guarded", password="sesame"))
    rooms["guarded"].update(locked=True)
    answers.append(await dan.join("guarded", password="x"))

    assert [
        (21, "bad_request"),
        (6, "room_name_invalid"),
        (7, "room_not_found"),
        (26, "locked"),
        (26, "wrong_password"),
        (26, "wrong_password"),
        (20, "room_full"),
        (1018, "minor"),
        (8, "already_joined"),
    ] == [answer.failure for answer in answers]


async def test_a_refused_join_is_seen_by_nobody(serve: Callable[..., Any]) -> None:
    site = await serve(extension=BarDesk, rooms={"hall": Hall, "bar": Bar})
    ann, minor = await site.login("ann", "bar"), await site.login("minor")
    await ann.events()
    answer = await minor.join("bar")

    assert (1018, "minor", "Come back at 18.") == (*answer.failure, answer.error["message"])
    assert [] == await ann.events()
    assert [] == await minor.events()
    assert ["ann"] == (await ann.say("bar", "who")).data
    assert 9 == (await minor.say("bar", "who")).error_code


async def test_a_join_whose_handler_fails_is_undone(serve: Callable[..., Any]) -> None:
    site = await serve(extension=BarDesk, rooms={"hall": Hall, "bar": Bar})
    ann, broken = await site.login("ann", "bar"), await site.login("broken")
    await ann.events()
    answer = await broken.join("bar")

    assert (500, "Server Error") == (answer.error_code, answer.error["message"])
    assert [] == await ann.events()
    assert ["ann"] == (await ann.say("bar", "who")).data


async def test_what_a_join_handler_sends_follows_the_reply_and_the_push(
    serve: Callable[..., Any],
) -> None:
    site = await serve(extension=BarDesk, rooms={"hall": Hall, "bar": Bar})
    ann = await site.login("ann", "bar")
    await ann.events()
    bob = await site.connect()
    await bob.login("bob")
    bob.send(JOIN_ROOM, {"roomName": "bar"}, id=9)
    reply, nearly = await bob.event(), await bob.event()
    pushed, heard = await ann.event(), await ann.event()

    assert [(JOIN_ROOM, 9, 3), (MESSAGE, None, 4)] == [
        (frame.event_type, frame.id, frame.seq) for frame in (reply, nearly)
    ]
    assert [(JOIN_ROOM, 3), (MESSAGE, 4)] == [
        (frame.event_type, frame.seq) for frame in (pushed, heard)
    ]


async def test_what_a_leave_handler_sends_follows_the_push_and_misses_the_leaver(
    serve: Callable[..., Any],
) -> None:
    site = await serve(extension=BarDesk, rooms={"hall": Hall, "bar": Bar})
    ann, bob = await site.login("ann", "bar"), await site.login("bob", "bar")
    await ann.events()
    await bob.events()
    answer = await bob.leave("bar")
    pushed, waved = await ann.event(), await ann.event()

    assert [(LEAVE_ROOM, 5), (MESSAGE, 6)] == [
        (frame.event_type, frame.seq) for frame in (pushed, waved)
    ]
    assert 0 == answer.error_code
    assert [] == await bob.events()


async def test_a_refused_leave_changes_nothing(serve: Callable[..., Any]) -> None:
    site = await serve(extension=BarDesk, rooms={"hall": Hall, "bar": Bar})
    ann, debtor = await site.login("ann", "bar"), await site.login("debtor", "bar")
    await ann.events()
    answer = await debtor.leave("bar")

    assert (13, "Pay first.") == (answer.error_code, answer.error["message"])
    assert [] == await ann.events()
    assert ["ann", "debtor"] == (await debtor.say("bar", "who")).data


async def test_a_leave_whose_handler_fails_goes_on(serve: Callable[..., Any]) -> None:
    site = await serve(extension=BarDesk, rooms={"hall": Hall, "bar": Bar})
    ann, clumsy = await site.login("ann", "bar"), await site.login("clumsy", "bar")
    await ann.events()
    answer = await clumsy.leave("bar")
    [left] = await ann.events()

    assert (0, "clumsy") == (answer.error_code, left.sender)
    assert ["ann"] == (await ann.say("bar", "who")).data


async def test_at_most_200_members_are_named_and_all_are_counted(
    serve: Callable[..., Any],
) -> None:
    server = goroom.Server(limits=goroom.Limits(listed_members=3))
    server.add_application("test", Desk, rooms={"hall": Hall})
    site = await serve(server=server)
    for number in range(4):
        await site.login(f"guest {number}", "hall")
    ann = await site.login("ann")
    answer = await ann.join("hall")

    assert (5, 3) == (answer.data["count"], len(answer.data["members"]))
    assert 200 == goroom.Limits().listed_members


async def test_joins_and_leaves_by_the_server_are_frames_without_sender_and_id(
    site: Site,
) -> None:
    ann, bob = await site.login("ann", "hall"), await site.login("bob", "hall")
    await ann.events()
    await site.application().rooms.create("den", kind="hall")
    await bob.events()
    await ann.events()
    await bob.say("hall", "move", {"name": "den"})
    joined, left = await bob.event(), await bob.event()
    told = await ann.event()

    assert (JOIN_ROOM, "den", "", None) == (
        joined.event_type,
        joined.room,
        joined.sender,
        joined.id,
    )
    assert ROOM_KEYS == joined.data.keys()
    assert (LEAVE_ROOM, "hall", "", None) == (left.event_type, left.room, left.sender, left.id)
    assert "moved" == left.data["reason"]
    assert (LEAVE_ROOM, "bob", "moved") == (told.event_type, told.sender, told.data["reason"])
    assert 9 == (await bob.say("hall", "who")).error_code
    assert ["bob"] == (await bob.say("den", "who")).data


async def test_a_move_that_is_refused_is_told_and_changes_nothing(site: Site) -> None:
    ann = await site.login("ann", "hall")
    await site.application().rooms.create("den", kind="hall", capacity=1)
    await site.login("squatter", "den")
    await ann.events()
    await ann.say("hall", "move", {"name": "den"})
    full = await ann.event()
    await ann.say("hall", "move", {"name": "nowhere"})
    missing = await ann.event()

    assert (JOIN_ROOM, 20, "") == (full.event_type, full.error_code, full.sender)
    assert (JOIN_ROOM, 7) == (missing.event_type, missing.error_code)
    assert ["ann"] == (await ann.say("hall", "who")).data


async def test_a_move_without_leaving_keeps_the_room(site: Site) -> None:
    ann = await site.login("ann", "hall")
    await site.application().rooms.create("den", kind="hall")
    await ann.events()
    await ann.say("hall", "also", {"name": "den"})
    joined = await ann.event()

    assert (JOIN_ROOM, "den") == (joined.event_type, joined.room)
    assert ["ann"] == (await ann.say("hall", "who")).data


async def test_a_kick_is_told_to_the_kicked_and_to_the_others(site: Site) -> None:
    ann, bob = await site.login("ann", "hall"), await site.login("bob", "hall")
    await ann.events()
    await ann.say("hall", "kick", {"to": "bob", "text": "Too loud."})
    kicked, told = await bob.event(), await ann.event()

    assert (LEAVE_ROOM, "hall", "", None) == (
        kicked.event_type,
        kicked.room,
        kicked.sender,
        kicked.id,
    )
    assert ("kicked", "Too loud.") == (kicked.data["reason"], kicked.data["message"])
    assert (LEAVE_ROOM, "bob", "kicked", "Too loud.") == (
        told.event_type,
        told.sender,
        told.data["reason"],
        told.data["message"],
    )
    assert 9 == (await bob.say("hall", "who")).error_code
    assert 0 == (await bob.join("hall")).error_code


async def test_a_closed_room_is_told_to_its_members_and_is_gone(site: Site) -> None:
    ann, bob = await site.login("ann", "hall"), await site.login("bob", "hall")
    await ann.events()
    await ann.say("hall", "close")
    answers = [await client.join("hall") for client in (ann, bob)]

    for client in (ann, bob):
        frames = await client.events()
        [left] = [frame for frame in frames if frame.event_type == LEAVE_ROOM]
        assert ("hall", "room_closed", "") == (left.room, left.data["reason"], left.sender)
    assert [7, 7] == [answer.error_code for answer in answers]


async def test_a_room_of_that_name_made_again_is_another_one(site: Site) -> None:
    ann = await site.login("ann")
    first = await ann.join("hall")
    await ann.say("hall", "close")
    await site.application().rooms.create("hall", kind="hall")
    second = await ann.join("hall")

    assert first.data["epoch"] != second.data["epoch"]
    assert (1, ["ann"]) == (second.seq, second.data["members"])
