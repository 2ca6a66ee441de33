"""Lifecycle: what each request but MESSAGE answers."""

from __future__ import annotations

import pytest

from goroom import ApplicationExtension, EventType, RequestRefused, RoomExtension, Server
from goroom.testing import Player, Stage


class Hall(RoomExtension):
    spectators = True


class Application(ApplicationExtension):
    async def init(self) -> None:
        await self.application.rooms.create("hall", "hall")
        await self.application.rooms.create("secret", "hall", password="sesame")


def _server() -> Server:
    server = Server()
    server.add_application("app", Application, {"hall": Hall})
    return server


async def _code(player: Player, event: EventType, data: dict[str, object]) -> int:
    reply = await player.exchange(eventType=int(event), data=data)
    return int(reply.get("error", {}).get("code", 0))


async def test_an_application_is_joined_before_there_is_a_login() -> None:
    async with Stage(_server()) as stage:
        newcomer = await stage.connect(app="app")
        reply = await newcomer.call(EventType.JOIN_APP)

        assert {"appName": "app"} == reply["data"]


async def test_a_token_is_unknown_until_there_are_tokens() -> None:
    async with Stage(_server()) as stage:
        newcomer = await stage.connect(app="app")

        assert 30 == await _code(newcomer, EventType.RECONNECT, {"token": "x"})
        assert 21 == await _code(newcomer, EventType.RECONNECT, {"token": 5})
        assert newcomer.closed is None


async def test_logins_joins_leaves_and_logouts_are_answered() -> None:
    async with Stage(_server()) as stage:
        ann = await stage.player("ann")
        joined = await ann.call(EventType.JOIN_ROOM, {"roomName": "hall"})
        left = await ann.call(EventType.LEAVE_ROOM, {}, room="hall")
        out = await ann.call(EventType.LOGOUT)

        assert ["ann"] == joined["data"]["members"]
        assert "left" == left["data"]["reason"]
        assert "ann" == out["data"]["userName"]
        with pytest.raises(RequestRefused) as refused:
            await ann.join("hall")
        assert 2 == refused.value.code


async def test_a_client_may_end_its_login_by_a_disconnection() -> None:
    async with Stage(_server()) as stage:
        ann = await stage.player("ann")
        reply = await ann.call(EventType.DISCONNECTION)

        assert EventType.DISCONNECTION == reply["eventType"]
        assert {} == stage.server.applications["app"].users
        assert "ann" == (await ann.login("ann"))["userName"]


async def test_leaving_names_its_room() -> None:
    async with Stage(_server()) as stage:
        ann = await stage.player("ann")

        assert 6 == await _code(ann, EventType.LEAVE_ROOM, {})
        assert 7 == await _code(ann, EventType.LEAVE_ROOM, {"roomName": "nowhere"})
        assert 9 == await _code(ann, EventType.LEAVE_ROOM, {"roomName": "hall"})


async def test_a_room_is_watched_until_it_is_no_more() -> None:
    async with Stage(_server()) as stage:
        ann = await stage.player("ann")
        hall = stage.server.applications["app"].rooms["hall"]
        watched = await ann.watch("hall")
        hall.broadcast("first")
        await ann.call(EventType.UNSUBSCRIBE_ROOM, {"roomName": "hall"})
        hall.broadcast("second")

        assert "hall" == watched["roomName"]
        assert [{}] == await ann.received()
        assert 7 == await _code(ann, EventType.SUBSCRIBE_ROOM, {"roomName": "nowhere"})
        assert 7 == await _code(ann, EventType.UNSUBSCRIBE_ROOM, {"roomName": "nowhere"})


async def test_who_watches_hears_of_it_when_watching_ends() -> None:
    async with Stage(_server()) as stage:
        ann = await stage.player("ann")
        hall = stage.server.applications["app"].rooms["hall"]
        await ann.watch("hall")
        hall.update(spectators=False)
        hall.broadcast("unheard")
        update = await ann.expect_event(EventType.ROOM_UPDATE)

        assert update["data"]["spectators"] is False
        assert [] == await ann.received("unheard")


async def test_a_password_is_needed_to_watch() -> None:
    async with Stage(_server()) as stage:
        ann = await stage.player("ann")
        right = {"roomName": "secret", "password": "sesame"}

        assert 26 == await _code(ann, EventType.SUBSCRIBE_ROOM, {"roomName": "secret"})
        assert 0 == await _code(ann, EventType.SUBSCRIBE_ROOM, right)


async def test_the_list_of_rooms_is_live_until_it_is_no_more() -> None:
    async with Stage(_server()) as stage:
        ann, bob = await stage.player("ann"), await stage.player("bob")
        listed = await ann.rooms()
        await bob.join("hall")
        update = await ann.expect_event(EventType.ROOM_UPDATE)
        await ann.call(EventType.UNSUBSCRIBE_ROOM)
        await stage.advance(1)
        await bob.leave()
        await stage.advance(1)

        assert ["hall", "secret"] == [room["roomName"] for room in listed]
        assert 1 == update["data"]["count"]
        await ann.quiet()


async def test_a_resumed_login_is_told_who_it_is_and_where_it_stands() -> None:
    async with Stage(_server()) as stage:
        ann = await stage.player("ann", resume=True)
        await ann.join("hall")
        await ann.drop()
        back = await stage.connect(app="app")
        data = {"token": ann.token, "rooms": {"hall": ann.places["hall"]}}
        reply = await back.call(EventType.RECONNECT, data)

        assert {"eventType", "appName", "id", "data"} == set(reply)
        assert {"appName", "userName", "userId", "token", "app", "rooms"} == set(reply["data"])
        assert {"epoch", "seq", "sub"} == set(reply["data"]["app"])
        assert {"hall": {"epoch", "seq", "sub"}} == {
            name: set(room) for name, room in reply["data"]["rooms"].items()
        }
        assert reply["data"]["token"] != ann.token


async def test_a_resume_names_its_application_or_its_endpoint_does() -> None:
    async with Stage(_server()) as stage:
        ann = await stage.player("ann", application="app", resume=True)
        await ann.drop()
        stranger = await stage.connect()
        data: dict[str, object] = {"token": ann.token}
        nameless = await _code(stranger, EventType.RECONNECT, data)
        reply = await ann.resume()

        assert 1 == nameless
        assert {} == reply["rooms"]


async def test_a_resumed_spectator_may_stop_watching_and_watch_again() -> None:
    async with Stage(_server()) as stage:
        ann = await stage.player("ann", resume=True)
        await ann.watch("hall")
        await ann.drop()
        await ann.resume()
        codes = [
            await _code(ann, event, {"roomName": "hall"})
            for event in (
                EventType.SUBSCRIBE_ROOM,
                EventType.UNSUBSCRIBE_ROOM,
                EventType.UNSUBSCRIBE_ROOM,
                EventType.SUBSCRIBE_ROOM,
            )
        ]
        stage.server.applications["app"].rooms["hall"].broadcast("said")

        assert [0, 0, 0, 0] == codes
        assert [{}] == await ann.received("said")


async def test_the_list_of_rooms_is_live_again_once_after_a_resume() -> None:
    async with Stage(_server()) as stage:
        ann = await stage.player("ann", resume=True)
        await ann.rooms()
        await ann.drop()
        await ann.resume()
        await ann.rooms()
        stage.server.applications["app"].rooms["hall"].update(locked=True)
        await ann.received()

        updates = [one for one in ann.frames if one["eventType"] == EventType.ROOM_UPDATE]
        assert [True] == [one["data"]["locked"] for one in updates]
