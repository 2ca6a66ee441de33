"""Player: requests, pushes and their order, in memory and over sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from goroom import ApplicationExtension, Request, RequestRefused, Server, User, handles
from goroom.messages import EventType
from goroom.testing import SocketStage, Stage
from goroom.testing.player import FULL, MSGPACK, SHORT
from tests.diary import APP, LIMITS


class Echo(ApplicationExtension):
    async def init(self) -> None:
        await self.application.rooms.create("hall")

    @handles("twice")
    def twice(self, user: User) -> str:
        for word in ("one", "two"):
            user.send(word, word)
        return "done"

    @handles("bye")
    def bye(self, user: User) -> None:
        user.kick("bye")

    def on_message(self, user: User, request: Request) -> object:
        return dict(request.data)

    def may_create(self, user: User, kind: str) -> bool:
        return True


@pytest.fixture(params=[Stage, SocketStage])
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    server = Server(limits=LIMITS)
    server.add_application(APP, Echo)
    async with request.param(server) as stage:
        yield stage


@pytest.fixture(params=[FULL, SHORT, MSGPACK], ids=str)
def form(request: pytest.FixtureRequest) -> str | None:
    form: str | None = request.param
    return form


async def test_a_request_returns_its_replys_data(stage: Any, form: str | None) -> None:
    ann = await stage.player("ann", subprotocol=form)

    assert {"a": [1, "ü"]} == await ann.request("echo", {"a": [1, "ü"]}, room="")
    assert "<Player ann>" == repr(ann)


async def test_a_reply_passes_over_pushes_which_are_asked_for_later(stage: Any) -> None:
    ann = await stage.player("ann")

    assert "done" == await ann.request("twice", room="")
    assert "one" == await ann.expect("one")
    assert ["two"] == await ann.received()
    assert [] == await ann.received()


async def test_what_is_expected_passes_over_what_came_before(stage: Any) -> None:
    ann = await stage.player("ann")
    ann.send("twice", room="")

    assert "two" == await ann.expect("two", room=None)
    assert [] == await ann.received("one")


async def test_a_refusal_is_raised_with_all_it_says(stage: Any) -> None:
    ann = await stage.player("ann")
    with pytest.raises(RequestRefused) as caught:
        await ann.join("nowhere")

    assert (7, "room_not_found") == (caught.value.code, caught.value.reason)
    assert {"roomName": "", "appName": APP} == caught.value.data


async def test_joins_leaves_lists_and_watches(stage: Any) -> None:
    ann = await stage.player("ann")
    await ann.join("mine", create=True, kind="room")
    assert "mine" == ann.room
    assert {"hall", "mine"} == {room["roomName"] for room in await ann.rooms()}
    await ann.leave()
    await ann.join("hall")
    await ann.leave("hall")
    with pytest.raises(RequestRefused):
        await ann.watch("hall")
    await ann.logout()
    assert [] == list(stage.server.applications[APP].users)


async def test_who_closes_says_why(stage: Any) -> None:
    ann = await stage.player("ann")
    assert ann.closed is None
    ann.send("bye", room="")

    assert (4500, "bye") == await ann.closes()
    assert (4500, "bye") == ann.closed


@pytest.mark.parametrize("way", ["close", "cut"])
async def test_who_goes_is_gone_when_the_server_says_so(stage: Any, way: str) -> None:
    ann, bob = [await stage.player(name) for name in ("ann", "bob")]
    for player in (ann, bob):
        await player.join("hall")
    await getattr(ann, way)()

    left = await bob.expect_event(EventType.LEAVE_ROOM, sender="ann")
    assert "disconnected" == left["data"]["reason"]
    assert (1000 if way == "close" else 1006) == ann.closed[0]


async def test_bound_endpoints_leave_the_application_out(stage: Any) -> None:
    ann = await stage.player("ann", application=APP)
    await ann.join("hall")

    assert {"x": 1} == await ann.request("echo", {"x": 1})
    assert APP == ann.app


async def test_headers_query_and_cookies_reach_the_server(stage: Any) -> None:
    await stage.connect(app=APP, headers={"X-A": "1"}, query={"b": "2"}, cookies={"c": "3"})
    (connection,) = stage.server.connections

    assert ("1", "2", "3") == (
        connection.headers["X-A"],
        connection.query["b"],
        connection.cookies["c"],
    )


async def test_what_does_not_come_fails_the_test_and_says_what_did() -> None:
    server = Server(limits=LIMITS)
    server.add_application(APP, Echo)
    async with Stage(server) as stage:
        ann = await stage.player("ann")
        ann.send("twice", room="")
        with pytest.raises(AssertionError, match=r"waits for 'three'.*'one'"):
            await ann.expect("three")
        with pytest.raises(AssertionError, match="LEAVE_ROOM"):
            await ann.expect_event(EventType.LEAVE_ROOM)
        with pytest.raises(AssertionError, match=r"received.*'two'"):
            await ann.quiet()
        await ann.received()
        with pytest.raises(AssertionError, match="still connected"):
            await ann.closes()
        await ann.cut()
        with pytest.raises(AssertionError, match="closed with"):
            await ann.receive()


async def test_who_loses_the_link_comes_back_and_hears_what_it_missed(
    stage: Any, form: str | None
) -> None:
    ann = await stage.player("ann", subprotocol=form, resume=True)
    await ann.join("hall")
    room = stage.server.applications[APP].rooms["hall"]
    room.broadcast("heard")
    await ann.expect("heard")
    tokens = {ann.token}
    for number in (1, 2):
        await ann.drop()
        await stage.settle()
        room.broadcast("missed", number)
        reply = await ann.resume()

        assert number == await ann.expect("missed")
        assert ("ann", ann.token) == (reply["userName"], reply["token"])
        tokens.add(ann.token)
    assert 3 == len(tokens)
    assert [] == await ann.received("heard")
    assert {"x": 1} == await ann.request("echo", {"x": 1})


async def test_a_resume_that_is_refused_is_raised(stage: Any) -> None:
    ann = await stage.player("ann")
    await ann.drop()
    with pytest.raises(RequestRefused) as caught:
        await ann.resume()

    assert 30 == caught.value.code
    assert "ann" == (await ann.login("ann", resume=True))["userName"]
    assert ann.token


async def test_a_resume_may_say_something_else_than_the_player_knows(stage: Any) -> None:
    ann = await stage.player("ann", resume=True)
    await ann.join("hall")
    await ann.drop()
    with pytest.raises(RequestRefused) as caught:
        await ann.resume(rooms=5)
    assert (21, "rooms") == (caught.value.code, caught.value.field)
    wrong = {"epoch": "another", "seq": 0}
    reply = await ann.resume(app=wrong, rooms={"hall": wrong})

    assert ["epoch", "epoch"] == [reply["app"]["reset"], reply["rooms"]["hall"]["reset"]]
    await ann.drop()
    again = await ann.resume()
    assert [False, False] == ["reset" in again["app"], "reset" in again["rooms"]["hall"]]


async def test_a_player_knows_its_places(stage: Any) -> None:
    application = stage.server.applications[APP]
    ann = await stage.player("ann", resume=True)
    await ann.join("hall")
    room = application.rooms["hall"]
    room.broadcast("told", only="ann")
    application.broadcast("all")
    await ann.received()
    inside = {name: (place["seq"], place["sub"]) for name, place in ann.places.items()}
    await ann.leave()

    assert {"": application.sequence.place, "hall": (1, 1)} == inside
    assert [""] == list(ann.places)
    await ann.join("hall")
    await ann.drop()
    room.close()
    await ann.resume()
    assert [""] == list(ann.places)
