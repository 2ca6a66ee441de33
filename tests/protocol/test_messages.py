"""Protocol section 3: MESSAGE: who handles it, what is answered, and in which order."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from goroom import ApplicationExtension, Request, RoomExtension, User, handles
from tests.protocol.worlds import SECRET, Desk, Hall
from tests.rawclient import MESSAGE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.protocol.conftest import Site


class Plain(RoomExtension):
    """Handles no message by itself."""


class Listening(RoomExtension):
    @handles("named")
    def named(self, _user: User) -> str:
        return "room's handler"

    def on_message(self, _user: User, request: Request) -> dict[str, object]:
        return {"by": "room", "action": request.action, "data": dict(request.data)}


class Routes(ApplicationExtension):
    async def init(self) -> None:
        await self.application.rooms.create("plain", kind="plain")
        await self.application.rooms.create("listening", kind="listening")

    @handles("named")
    def named(self, _user: User) -> str:
        return "application's handler"

    def on_message(self, _user: User, request: Request) -> dict[str, object]:
        return {"by": "application", "action": request.action, "room": request.room_name}


class Ordered(Hall):
    """Handlers that wait, to see what that does to the order."""

    def init(self) -> None:
        self.heard: list[str] = []

    @handles("slow")
    async def slow(self, _user: User) -> list[str]:
        self.heard.append("slow begins")
        await asyncio.sleep(0.05)
        self.heard.append("slow ends")
        self.room.broadcast("slow")
        return self.heard

    @handles("quick")
    def quick(self, _user: User) -> list[str]:
        self.heard.append("quick")
        self.room.broadcast("quick")
        return self.heard


@pytest.fixture
async def routes(serve: Callable[..., Any]) -> Site:
    site: Site = await serve(extension=Routes, rooms={"plain": Plain, "listening": Listening})
    return site


@pytest.mark.parametrize(
    ("room", "action", "reply"),
    [
        ("listening", "named", "room's handler"),
        ("listening", "other", {"by": "room", "action": "other", "data": {"x": 1}}),
        ("listening", None, {"by": "room", "action": "", "data": {"x": 1}}),
        ("plain", "named", "application's handler"),
        ("plain", "other", {"by": "application", "action": "other", "room": "plain"}),
        ("plain", None, {"by": "application", "action": "", "room": "plain"}),
        ("", "named", "application's handler"),
        ("", None, {"by": "application", "action": "", "room": ""}),
    ],
)
async def test_the_room_handles_a_message_or_else_the_application(
    routes: Site, room: str, action: str | None, reply: object
) -> None:
    ann = await routes.login("ann", "plain", "listening")
    answer = await ann.request(MESSAGE, {"x": 1}, roomName=room, action=action)

    assert (0, reply) == (answer.error_code, answer.data)
    assert (MESSAGE, room) == (answer.event_type, answer.room)


async def test_a_message_goes_to_members_of_an_existing_room_only(site: Site) -> None:
    ann = await site.login("ann")
    answers = [
        await ann.say("nowhere", "tell", {"text": "x"}),
        await ann.say("hall", "tell", {"text": "x"}),
        await ann.say("hall", "no_such_action"),
    ]

    assert [7, 9, 9] == [answer.error_code for answer in answers]


async def test_an_unknown_action_is_22_with_and_without_id(site: Site) -> None:
    ann = await site.login("ann", "hall")
    with_id = await ann.say("hall", "no_such_action", {"x": 1})
    ann.send(MESSAGE, roomName="hall", action="no_such_action")
    without = await ann.event()
    ann.send(MESSAGE, action="no_such_action")

    assert (22, {"x": 1, "roomName": "hall", "appName": "test"}) == (
        with_id.error_code,
        with_id.data,
    )
    assert (22, None) == (without.error_code, without.id)
    assert 22 == (await ann.event()).error_code


async def test_a_message_without_action_that_nobody_handles_is_22_if_it_asks(site: Site) -> None:
    ann = await site.login("ann", "hall")
    answer = await ann.request(MESSAGE, {"x": 1}, roomName="hall")
    ann.send(MESSAGE, {"x": 1}, roomName="hall")
    ann.send(MESSAGE, {"x": 1})

    assert 22 == answer.error_code
    assert [] == await ann.events()


async def test_the_effects_come_first_and_the_reply_last(site: Site) -> None:
    ann = await site.login("ann", "hall")
    ann.send(MESSAGE, {"text": "hi"}, roomName="hall", action="tell", id=50)
    effect, reply = await ann.event(), await ann.event()

    assert (MESSAGE, "told", None, {"text": "hi"}) == (
        effect.event_type,
        effect.action,
        effect.id,
        effect.data,
    )
    assert (MESSAGE, 50, {"length": 2}) == (reply.event_type, reply.id, reply.data)


async def test_without_id_nothing_is_silent_and_a_value_or_an_error_is_sent(site: Site) -> None:
    ann = await site.login("ann", "hall")
    ann.send(MESSAGE, roomName="hall", action="lock")
    await ann.events()
    ann.send(MESSAGE, roomName="hall", action="who")
    value = await ann.event()
    ann.send(MESSAGE, roomName="hall", action="refuse_plainly")
    error = await ann.event()
    ann.send(MESSAGE, roomName="hall", action="unlock")

    assert (MESSAGE, ["ann"], None) == (value.event_type, value.data, value.id)
    assert (26, None) == (error.error_code, error.id)
    assert not [frame for frame in await ann.events() if frame.event_type == MESSAGE]


async def test_a_refusal_says_what_the_author_says_and_drops_the_effects(site: Site) -> None:
    ann, bob = await site.login("ann", "hall"), await site.login("bob", "hall")
    await ann.events()
    answer = await ann.say("hall", "refuse", {"text": "x"})

    assert {
        "code": 1001,
        "message": "It is not your turn.",
        "reason": "not_your_turn",
        "field": "text",
    } == answer.error
    assert {"text": "x", "roomName": "hall", "appName": "test"} == answer.data
    assert [[], []] == [await ann.events(), await bob.events()]
    assert 0 == (await ann.say("hall", "who")).error_code


async def test_a_handler_that_raises_half_way_has_sent_nothing_and_tells_nothing(
    site: Site,
) -> None:
    ann, bob = await site.login("ann", "hall"), await site.login("bob", "hall")
    await ann.events()
    answer = await ann.say("hall", "fail", {"text": "x"})
    next_answer = await ann.say("hall", "tell", {"text": "y"})

    assert (500, 500, "Server Error") == (
        answer.code,
        answer.error_code,
        answer.error["message"],
    )
    for detail in (SECRET, "OSError", "Traceback", "No such file", ".py"):
        assert detail not in str(answer.raw)
    assert 0 == next_answer.error_code
    assert [{"text": "y"}] == [frame.data for frame in await bob.events()]


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({}, "text"),
        ({"text": 5}, "text"),
        ({"text": None}, "text"),
        ({"text": True}, "text"),
        ({"text": ["x"]}, "text"),
        ({"text": {"x": 1}}, "text"),
        (None, "text"),
    ],
)
async def test_a_bad_payload_names_its_field_and_calls_no_handler(
    site: Site, data: object, field: str
) -> None:
    ann = await site.login("ann", "hall")
    answer = await ann.say("hall", "tell", data)

    assert (21, field) == (answer.error_code, answer.error["field"].removeprefix("data."))
    assert [] == await ann.events()


async def test_messages_of_one_connection_are_handled_in_order(serve: Callable[..., Any]) -> None:
    site = await serve(extension=Desk, rooms={"hall": Ordered})
    ann = await site.login("ann", "hall")
    for number, action in enumerate(["slow", "quick", "slow", "quick"]):
        ann.send(MESSAGE, roomName="hall", action=action, id=100 + number)
    frames = [await ann.event() for _ in range(8)]

    assert [100, 101, 102, 103] == [frame.id for frame in frames if frame.id is not None]
    one_round = ["slow begins", "slow ends", "quick"]
    assert one_round * 2 == frames[-1].data


async def test_messages_of_two_connections_never_interleave_in_a_room(
    serve: Callable[..., Any],
) -> None:
    site = await serve(extension=Desk, rooms={"hall": Ordered})
    ann, bob = await site.login("ann", "hall"), await site.login("bob", "hall")
    await ann.events()
    replies = await asyncio.gather(ann.say("hall", "slow"), bob.say("hall", "quick"))

    heard = max((reply.data for reply in replies), key=len)
    assert heard in [
        ["slow begins", "slow ends", "quick"],
        ["quick", "slow begins", "slow ends"],
    ]


async def test_sends_from_outside_a_handler_reach_the_members(site: Site) -> None:
    ann = await site.login("ann", "hall")
    application = site.application()
    application.rooms["hall"].broadcast("bell", {"rings": 1})
    application.users["ann"].send("note", {"n": 2})
    application.broadcast("notice", {"n": 3})
    bell, note, notice = [await ann.event() for _ in range(3)]

    assert ("bell", "hall", {"rings": 1}) == (bell.action, bell.room, bell.data)
    assert ("note", "", {"n": 2}) == (note.action, note.room, note.data)
    assert ("notice", "", {"n": 3}) == (notice.action, notice.room, notice.data)


async def test_absent_names_are_passed_over_and_the_others_still_get_it(site: Site) -> None:
    ann, bob = await site.login("ann", "hall"), await site.login("bob", "hall")
    await ann.events()
    room = site.application().rooms["hall"]
    room.broadcast("some", only=["nobody", "bob", "ann"])
    room.broadcast("most", skip=["nobody", "ann"])

    assert ["some"] == [frame.action for frame in await ann.events()]
    assert ["some", "most"] == [frame.action for frame in await bob.events()]


async def test_an_application_broadcast_reaches_its_users_and_nobody_else(site: Site) -> None:
    ann, bob = await site.login("ann"), await site.login("bob", application="other")
    entered = await site.connect()
    await ann.say("", "shout", {"text": "hi"})
    [heard] = await ann.events()

    assert ("shouted", "", "ann", "test") == (heard.action, heard.room, heard.sender, heard.app)
    assert [[], []] == [await bob.events(), await entered.events()]
