"""Lost links and a real server: what the client sees, and what the others see of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

import goroom
from goroom.client import (
    App,
    Away,
    Back,
    Backoff,
    Dropped,
    Heartbeat,
    Joined,
    Left,
    Member,
    Message,
    Removed,
    Reset,
    Resumed,
    Room,
    RoomInfo,
    Seated,
)
from goroom.errors import ConnectionLost, RequestRefused
from tests.client.conftest import WAIT_SECONDS, Site, next_of, rest_of
from tests.client.worlds import Desk, Hall

QUICK = Backoff(min_seconds=0.001, max_seconds=0.01)


class Pair:
    """ada, whose link is lost, and bob, who looks on; both are in the hall."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.ada: App
        self.bob: App
        self.room: Room
        self.theirs: Room

    async def begin(self) -> Pair:
        self.ada = await self.site.login("ada", backoff=QUICK)
        self.bob = await self.site.login("bob")
        self.room = await self.ada.join("hall")
        self.theirs = await self.bob.join("hall")
        await self.texts(self.theirs, "welcome")
        await self.texts(self.room, "welcome", Joined("bob"))
        return self

    def cut(self) -> None:
        """Cut ada's link."""
        for link in self.site.server.applications["test"].users["ada"].links:
            link.connection.abort()

    async def lose(self) -> None:
        """Cut ada's link, and wait until both sides know."""
        self.cut()
        assert Dropped(1006, "") == await next_of(self.ada)

    def hold(self) -> asyncio.Event:
        """Return an event that ada's connection waits for before it dials."""
        may_dial = asyncio.Event()
        connection = self.ada.connection
        dial = connection._dial
        assert dial is not None

        async def later() -> Any:
            await may_dial.wait()
            return await dial()

        connection._dial = later
        return may_dial

    async def say(self, text: str) -> None:
        """Have bob say something in the hall."""
        await self.theirs.request("tell", {"text": text})

    async def texts(self, room: Room, *wanted: object) -> None:
        """Assert that these come next in *room*: events, names or texts of messages."""
        heard: list[object] = []
        while len(heard) < len(wanted):
            event = await next_of(room)
            match event:
                case Message("told", {"text": text}):
                    heard.append(text)
                case Message(action):
                    heard.append(action)
                case Away(name):
                    heard.append(f"{name} is away")
                case _:
                    heard.append(event)
        assert [*wanted] == heard


@pytest.fixture
async def pair(site: Site) -> Pair:
    return await Pair(site).begin()


@pytest.fixture
def held(pair: Pair) -> asyncio.Event:
    """What ada's connection waits for before it dials."""
    return pair.hold()


async def test_what_was_missed_comes_once_and_in_order(pair: Pair, held: asyncio.Event) -> None:
    await pair.say("before")
    await pair.lose()
    await pair.say("meanwhile")
    await pair.say("later")
    await pair.bob.request("shout", {"text": "all"})
    held.set()
    assert Resumed() == await next_of(pair.ada)
    await pair.say("after")

    await pair.texts(pair.room, "before", "meanwhile", "later", "after")
    assert Message("shouted", {"text": "all"}, "bob") == await next_of(pair.ada)


async def test_the_others_see_away_and_back_and_no_leave(pair: Pair, held: asyncio.Event) -> None:
    await pair.lose()
    await pair.texts(pair.theirs, "ada is away")
    assert Member("ada", is_away=True) == pair.theirs.members["ada"]
    held.set()

    assert Back("ada") == await next_of(pair.theirs)
    assert (Member("ada"), 2) == (pair.theirs.members["ada"], pair.theirs.count)


async def test_a_newcomer_knows_who_is_away(pair: Pair, held: asyncio.Event) -> None:
    await pair.lose()
    await pair.texts(pair.theirs, "ada is away")
    eve = await pair.site.login("eve")
    async with eve.join("hall") as room:
        assert [("ada", True), ("bob", False), ("eve", False)] == [
            (member.name, member.is_away) for member in room.members.values()
        ]


async def test_ten_links_in_a_row_are_lost_and_nothing_else(pair: Pair) -> None:
    for number in range(10):
        pair.cut()
        await pair.say(str(number))
        await pair.room.request("tell", {"text": f"my {number}"})

    told = [text for number in range(10) for text in (str(number), f"my {number}")]
    await pair.texts(pair.room, *told)
    link = [await next_of(pair.ada) for _ in range(20)]
    assert [Dropped(1006, ""), Resumed()] * 10 == link


async def test_what_is_asked_while_the_link_is_lost_is_done_once_and_in_order(pair: Pair) -> None:
    hall = pair.site.hall()
    hall.door.clear()
    waiting = asyncio.create_task(pair.room.request("wait"))
    await hall.knocked.wait()
    pair.cut()
    for number in range(5):
        pair.room.send("tell", {"text": str(number)})
    last = asyncio.create_task(pair.room.request("tell", {"text": "last"}))
    hall.door.set()

    assert ("waited", {}) == (await waiting, await last)
    await pair.texts(pair.theirs, "ada is away", Back("ada"), *"01234", "last")
    await pair.texts(pair.room, *"01234", "last")


async def test_a_join_whose_link_is_cut_under_it_joins_once(pair: Pair) -> None:
    await pair.room.leave()
    hall = pair.site.hall()
    hall.door.clear()
    joining = asyncio.ensure_future(pair.ada.join("hall"))
    await hall.knocked.wait()
    pair.cut()
    hall.door.set()
    room = await joining
    await pair.say("hello")

    await pair.texts(room, "welcome", "hello")
    assert {"hall": room} == pair.ada.joined
    assert [Dropped(1006, ""), Resumed()] == [await next_of(pair.ada) for _ in range(2)]


async def test_a_seat_given_while_the_link_is_lost_is_told(pair: Pair, held: asyncio.Event) -> None:
    application = pair.site.server.applications["test"]
    den = await application.rooms.create("den", kind="hall")
    assert "den" == (await next_of(pair.ada)).room.name
    await pair.lose()
    await den.join(application.users["ada"])
    held.set()

    assert Resumed() == await next_of(pair.ada)
    assert Seated(pair.ada.joined["den"]) == await next_of(pair.ada)
    await pair.texts(pair.ada.joined["den"], "welcome")


async def test_a_kick_while_the_link_is_lost_is_told(pair: Pair, held: asyncio.Event) -> None:
    await pair.lose()
    await pair.theirs.request("kick", {"name": "ada"})
    held.set()

    assert [Reset("kicked", pair.room), Removed("kicked")] == await rest_of(pair.room)


async def test_who_was_put_out_while_the_link_is_lost_stays_out(
    pair: Pair, held: asyncio.Event
) -> None:
    users = pair.site.server.applications["test"].users
    await pair.lose()
    users["ada"].kick("be kind")
    held.set()
    with pytest.raises(ConnectionLost) as caught:
        await rest_of(pair.ada)

    assert (30, "kicked") == (caught.value.code, caught.value.reason)
    assert "closed" == pair.ada.state
    assert "ada" not in users


async def test_a_room_that_was_closed_while_the_link_was_lost_is_gone(
    pair: Pair, held: asyncio.Event
) -> None:
    await pair.lose()
    await pair.theirs.request("close")
    held.set()

    assert [Reset("gone", pair.room), Removed("gone")] == await rest_of(pair.room)


async def test_where_too_much_was_missed_the_room_is_as_it_is_now(
    serve: Callable[..., Any],
) -> None:
    pair = await Pair(await serve(limits=goroom.Limits(history_events=5))).begin()
    held = pair.hold()
    await pair.lose()
    await pair.theirs.request("count", {"count": 20})
    await pair.theirs.request("describe", {"properties": {"topic": "tea"}})
    held.set()

    assert Reset("history", pair.room) == await next_of(pair.room)
    assert {"topic": "tea"} == pair.room.properties
    await pair.say("after")
    await pair.texts(pair.room, "after")


async def test_after_the_grace_time_it_logs_in_and_joins_again(serve: Callable[..., Any]) -> None:
    limits = goroom.Limits(resume_seconds=0.05)
    pair = await Pair(await serve(limits=limits)).begin()
    held = pair.hold()
    await pair.lose()
    await pair.texts(pair.theirs, "ada is away")
    assert Left("ada", "disconnected") == await next_of(pair.theirs)
    held.set()

    assert [Resumed(), Reset("epoch"), Reset("epoch", pair.room)] == [
        await next_of(pair.ada) for _ in range(3)
    ]
    assert Joined("ada") == await next_of(pair.theirs)
    await pair.texts(pair.room, Reset("epoch", pair.room), "welcome")


async def test_a_name_that_was_taken_meanwhile_ends_the_login(serve: Callable[..., Any]) -> None:
    site = await serve(limits=goroom.Limits(resume_seconds=None))
    pair = await Pair(site).begin()
    held = pair.hold()
    await pair.lose()
    assert Left("ada", "disconnected") == await next_of(pair.theirs)
    await site.login("ada")
    held.set()

    with pytest.raises(ConnectionLost) as caught:
        await rest_of(pair.room)
    assert (4, "already_logged_in") == (caught.value.code, caught.value.reason)


async def test_a_spectator_comes_back_too(pair: Pair) -> None:
    await pair.room.leave()
    watched = await pair.ada.watch("hall")
    pair.cut()
    await pair.say("meanwhile")

    await pair.texts(watched, "meanwhile")
    assert watched.is_watching


async def test_all_applications_of_a_connection_come_back(pair: Pair) -> None:
    other = await pair.ada.connection.login("other", name="ada")
    room = await other.join("hall")
    await next_of(room)
    pair.cut()
    pair.room.send("tell", {"text": "here"})
    await room.request("tell", {"text": "there"})

    await pair.texts(pair.room, "here")
    await pair.texts(room, "there")
    for app in (pair.ada, other):
        assert [Dropped(1006, ""), Resumed()] == [await next_of(app) for _ in range(2)]


async def test_a_list_of_rooms_is_up_to_date_again(pair: Pair, held: asyncio.Event) -> None:
    async with pair.ada.watch_rooms() as listed:
        await pair.lose()
        await pair.bob.create("hall", name="den")
        held.set()
        names = set()
        while names != {"hall", "den"}:
            await next_of(listed)
            names = set(listed.rooms)

        assert isinstance(listed.rooms["den"], RoomInfo)


async def test_who_closes_is_not_waited_for(pair: Pair) -> None:
    await pair.ada.close()

    assert Left("ada", "logged_out") == await next_of(pair.theirs)


async def test_a_link_that_is_lost_for_the_client_only_is_replaced(pair: Pair) -> None:
    link = pair.ada.connection._link
    assert link is not None
    link.lose(ConnectionLost(1006))

    assert [Dropped(1006, ""), Resumed()] == [await next_of(pair.ada) for _ in range(2)]
    await pair.say("hello")
    await pair.texts(pair.room, "hello")


@pytest.mark.inside
async def test_a_server_that_stalls_is_left_and_come_back_to(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    heartbeat = Heartbeat(idle_seconds=0.05, reply_seconds=0.5)
    ada = await site.login("ada", backoff=QUICK, heartbeat=heartbeat)
    room = await ada.join("hall")
    await next_of(room)
    (link,) = site.server.applications["test"].users["ada"].links
    silent, receive = link.connection, goroom.Connection.receive

    def receive_unless_silent(
        self: goroom.Connection, message: bytes, *, is_binary: bool
    ) -> object:
        return None if self is silent else receive(self, message, is_binary=is_binary)

    monkeypatch.setattr(goroom.Connection, "receive", receive_unless_silent)

    assert Dropped(1006, "the server is silent") == await next_of(ada)
    assert Resumed() == await next_of(ada)
    assert {"name": "ada", "points": 7} == await room.request("score")


async def test_a_server_that_was_restarted_is_logged_in_to_and_joined_again() -> None:
    def server() -> goroom.Server:
        made = goroom.Server()
        made.add_application("test", Desk, rooms={"hall": Hall})
        return made

    first = server()
    port = await first.start("127.0.0.1", 0)
    url = f"ws://127.0.0.1:{port}/"
    async with goroom.client.connect(url, app="test", name="ada", backoff=QUICK) as app:
        room = await app.join("hall")
        made = await app.create("hall", name="den", capacity=2)
        await next_of(room)
        await next_of(made)
        await first.stop()
        assert Dropped(1001, "the server stops") == (await rest_until(app, Dropped))[-1]
        app.send("shout", {"text": "queued"})
        second = server()
        await second.start("127.0.0.1", port)
        heard = await rest_until(app, Message)

        resets = [Reset("epoch"), Reset("epoch", room), Reset("epoch", made)]
        assert resets == [event for event in heard if isinstance(event, Reset)]
        assert Message("shouted", {"text": "queued"}, "ada") == heard[-1]
        assert [Reset("epoch", made), Message("welcome", {"to": "ada"})] == [
            await next_of(made) for _ in range(2)
        ]
        assert (2, "ada") == (made.capacity, made.maker)
        with pytest.raises(RequestRefused):
            await app.create("hall", name="den")
    await second.stop()


async def rest_until(events: Any, kind: type) -> list[Any]:
    """Return the next events, up to one of *kind*."""
    heard: list[Any] = []
    async with asyncio.timeout(WAIT_SECONDS):
        async for event in events:
            heard.append(event)
            if isinstance(event, kind):
                break
    return heard
