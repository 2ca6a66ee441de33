"""User: what an author does with one."""

from __future__ import annotations

import pytest

from goroom import (
    ApplicationExtension,
    EventType,
    PayloadError,
    RoomExtension,
    Server,
    User,
    handles,
)
from goroom.testing import Stage


class Hall(RoomExtension):
    @handles("greet")
    def greet(self, user: User) -> None:
        user.send("greeted", {"in": "room"})

    @handles("go_on")
    def go_on(self, user: User) -> None:
        user.move_to("next", leaving=self.room)


class Application(ApplicationExtension):
    async def init(self) -> None:
        for name in ("hall", "next"):
            await self.application.rooms.create(name, "hall")

    @handles("greet")
    def greet(self, user: User) -> None:
        user.send("greeted", {"in": "application"})


def _server(double_login: str = "refuse") -> Server:
    server = Server()
    server.add_application("app", Application, {"hall": Hall}, double_login=double_login)
    return server


def _user(stage: Stage, name: str = "ann") -> User:
    return stage.server.applications["app"].users[name]


async def test_a_send_belongs_to_the_room_in_whose_turn_it_is_made() -> None:
    async with Stage(_server()) as stage:
        ann = await stage.player("ann")
        await ann.join("hall")
        await ann.request("greet", room="hall")
        await ann.request("greet", room="")
        _user(stage).send("greeted", {"in": "nothing"})
        await ann.received()
        frames = [frame for frame in ann.frames if frame.get("action") == "greeted"]

        assert ["hall", None, None] == [
            frame.get("roomName") for frame in frames if "id" not in frame
        ]


async def test_a_send_goes_to_all_connections_of_a_user() -> None:
    async with Stage(_server("allow:2")) as stage:
        first, second = await stage.player("ann"), await stage.player("ann")
        _user(stage).send("hello", {"n": 1})

        assert {"n": 1} == await first.expect("hello") == await second.expect("hello")


async def test_what_cannot_be_sent_raises_and_is_not_sent() -> None:
    async with Stage(_server()) as stage:
        ann = await stage.player("ann")
        with pytest.raises(PayloadError):
            _user(stage).send("hello", {"n": float("inf")})

        await ann.quiet()


async def test_a_move_joins_one_room_and_leaves_the_other() -> None:
    async with Stage(_server()) as stage:
        ann = await stage.player("ann")
        await ann.join("hall")
        await ann.request("go_on")
        joined = await ann.expect_event(EventType.JOIN_ROOM)
        left = await ann.expect_event(EventType.LEAVE_ROOM)

        assert ("next", "moved") == (joined["roomName"], left["data"]["reason"])
        assert ["next"] == list(_user(stage).rooms)


async def test_a_move_that_is_refused_is_told() -> None:
    async with Stage(_server()) as stage:
        ann = await stage.player("ann")
        _user(stage).move_to("nowhere")
        refusal = await ann.expect_event(EventType.JOIN_ROOM)

        assert 7 == refusal["error"]["code"]


async def test_a_user_who_is_kicked_ends_with_all_connections() -> None:
    async with Stage(_server("allow:2")) as stage:
        first, second = await stage.player("ann"), await stage.player("ann")
        user = _user(stage)
        user.kick("enough")

        assert (4500, "enough") == await first.closes() == await second.closes()
        assert not user.is_present
        assert user.is_going


async def test_data_of_a_user_is_never_sent_and_gone_with_the_login() -> None:
    async with Stage(_server()) as stage:
        ann = await stage.player("ann")
        _user(stage).data["secret"] = 1
        await ann.logout()
        await ann.login("ann")

        assert {} == _user(stage).data
        assert "'ann'" in repr(_user(stage))
