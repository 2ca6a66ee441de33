"""The observer lobby: all rooms of another application, live."""

from __future__ import annotations

from typing import Any

import pytest
from goroom_extensions.mesh import (
    GLOBAL_ROOM,
    MeshEvent,
    ObserverLobby,
    ObserverRoom,
    Trigger,
)
from structlog.testing import capture_logs

from goroom import HandlerFailed, Server
from goroom.testing import Stage
from tests.extensions.mesh.clients import Client, Den, House, frame, mesh_in, mesh_server


def observed_server() -> Server:
    server = mesh_server()
    lobby = ObserverLobby.of(server.applications["mesh"])
    server.add_application("observer", lobby, rooms={"lobby": ObserverRoom})
    return server


async def told(client: Client) -> list[tuple[str, Any]]:
    return [(message["action"], message["message_body"]) for message in await client.heard()]


async def test_a_newcomer_sees_all_rooms_as_they_stand() -> None:
    async with Stage(observed_server()) as stage:
        ann = await Client.connect(stage, rooms=["den"])
        observer = await Client.connect(stage, application="observer")

        ((action, body),) = await told(observer)
        assert "rooms" == action
        assert [
            {
                "room": GLOBAL_ROOM,
                "kind": "hall",
                "maker": "Gawd",
                "count": 1,
                "capacity": 10_000,
                "clients": [ann.slug],
            },
            {
                "room": "den",
                "kind": "den",
                "maker": ann.slug,
                "count": 1,
                "capacity": 100,
                "clients": [ann.slug],
            },
        ] == body["rooms"]


async def test_it_sees_live_what_happens_in_one_order() -> None:
    async with Stage(observed_server()) as stage:
        observer = await Client.connect(stage, application="observer")
        await observer.heard()
        ann = await Client.connect(stage, rooms=["den"])
        bob = await Client.connect(stage, rooms=["den"])
        await ann.line.close()
        mesh_in(stage.server).delete_room("den")

        def moved(room: str, slug: str, count: int) -> dict[str, object]:
            return {"room": room, "client": slug, "count": count}

        assert [
            ("client-connected", {"client": ann.slug}),
            ("client-joined-room", moved(GLOBAL_ROOM, ann.slug, 1)),
            (
                "room-created",
                {
                    "room": "den",
                    "kind": "den",
                    "maker": ann.slug,
                    "count": 0,
                    "capacity": 100,
                    "clients": [],
                },
            ),
            ("client-joined-room", moved("den", ann.slug, 1)),
            ("client-connected", {"client": bob.slug}),
            ("client-joined-room", moved(GLOBAL_ROOM, bob.slug, 2)),
            ("client-joined-room", moved("den", bob.slug, 2)),
            ("client-left-room", moved(GLOBAL_ROOM, ann.slug, 1)),
            ("client-left-room", moved("den", ann.slug, 1)),
            ("client-disconnected", {"client": ann.slug}),
            ("client-left-room", moved("den", bob.slug, 0)),
            ("room-deleted", {"room": "den"}),
        ] == await told(observer)


async def test_what_an_observer_has_seen_adds_up_to_what_there_is() -> None:
    async with Stage(observed_server()) as stage:
        clients = [await Client.connect(stage, rooms=["den", "attic"][:n]) for n in (1, 2, 2)]
        observer = await Client.connect(stage, application="observer")
        await clients[0].line.close()
        mesh_in(stage.server).remove(clients[1].slug, "attic")
        mesh_in(stage.server).delete_room("den")
        clients.append(await Client.connect(stage, rooms=["cellar"]))
        await stage.settle()
        counts: dict[str, int] = {}
        for action, body in await told(observer):
            for room in body.get("rooms", []):
                counts[room["room"]] = room["count"]
            if action in {"room-created", "client-joined-room", "client-left-room"}:
                counts[body["room"]] = body["count"]
            elif action == "room-deleted":
                del counts[body["room"]]

        states = mesh_in(stage.server).states()
        assert {state.room: state.count for state in states} == counts


async def test_a_client_of_goroom_observes_as_well() -> None:
    async with Stage(observed_server()) as stage:
        ada = await stage.player("ada", app="observer")
        await stage.settle()
        ann = await Client.connect(stage)

        assert [GLOBAL_ROOM] == [room["room"] for room in (await ada.expect("rooms"))["rooms"]]
        assert {"client": ann.slug} == await ada.expect("client-connected")


async def test_observers_are_isolated_from_what_they_watch() -> None:
    async with Stage(observed_server()) as stage:
        ann = await Client.connect(stage, rooms=["den"])
        observer = await Client.connect(stage, application="observer")
        await observer.heard()
        observer.line.send(frame("say", "den"))
        observer.line.send(frame("say"))
        observer.line.send(frame("enter", body={"room": "den"}))
        await stage.settle()

        assert [] == await observer.heard()
        assert [] == await ann.heard()
        assert [ann.slug] == list(mesh_in(stage.server).clients())
        assert [ann.slug] == list(mesh_in(stage.server).clients_in("den"))


async def test_what_is_watched_must_be_a_mesh() -> None:
    server = Server()
    lobby = ObserverLobby.of(server.add_application("chess"))
    server.add_application("observer", lobby, rooms={"lobby": ObserverRoom})
    with capture_logs(), pytest.raises(HandlerFailed):
        async with Stage(server):
            pass


async def test_an_observer_lobby_without_an_application_says_how_to_hand_it_one() -> None:
    server = Server()
    server.add_application("observer", ObserverLobby, rooms={"lobby": ObserverRoom})
    with capture_logs() as logs, pytest.raises(HandlerFailed):
        async with Stage(server):
            pass

    assert "add it as ObserverLobby.of(application)" in str(logs[0]["exc_info"])


async def test_a_room_that_ends_as_it_is_made_is_shown_in_the_form_of_a_room() -> None:
    server = observed_server()
    async with Stage(server) as stage:
        watcher = await stage.player("watcher", app="observer")
        await stage.settle()
        mesh_in(server).triggers.fire(MeshEvent(Trigger.ROOM_CREATED, "gone"))

        state = await watcher.expect("room-created")
        assert ("gone", 0, []) == (state["room"], state["count"], state["clients"])


async def test_an_observer_room_belongs_to_an_observer_lobby() -> None:
    server = Server()
    server.add_application("mesh", House, rooms={"den": Den, "lobby": ObserverRoom})
    async with Stage(server) as stage:
        ann = await Client.connect(stage)
        with capture_logs(), pytest.raises(HandlerFailed):
            await mesh_in(server).join(ann.slug, "lobby", "lobby")


def test_the_class_for_another_application_is_a_class_like_this() -> None:
    server = mesh_server()
    lobby = ObserverLobby.of(server.applications["mesh"])

    assert issubclass(lobby, ObserverLobby)
    assert ("ObserverLobby", ObserverLobby.__module__) == (lobby.__name__, lobby.__module__)
