"""The six triggers, as a whole mesh fires them: once each, in an order that makes sense."""

from __future__ import annotations

import asyncio

from goroom_extensions.mesh import GLOBAL_ROOM, Mesh, MeshEvent, Trigger

from goroom import LeaveReason, Request, User
from goroom.testing import Stage
from tests.extensions.mesh.clients import Client, Den, House, mesh_in, mesh_server, seen


async def test_all_six_come_in_order() -> None:
    async with Stage(mesh_server()) as stage:
        ann = await Client.connect(stage, rooms=["den"])
        await ann.line.close()

        assert [
            ("room-created", "mesh-global", "", 0),
            ("client-connected", "", ann.slug, 0),
            ("client-joined-room", "mesh-global", ann.slug, 1),
            ("room-created", "den", "", 0),
            ("client-joined-room", "den", ann.slug, 1),
            ("client-left-room", "mesh-global", ann.slug, 0),
            ("client-left-room", "den", ann.slug, 0),
            ("room-deleted", "den", "", 0),
            ("client-disconnected", "", ann.slug, 0),
        ] == sorted_end(seen(stage.server))


def sorted_end(events: list[tuple[str, str, str, int]]) -> list[tuple[str, str, str, int]]:
    """The last two are of a room and of a client: neither waits for the other."""
    return [*events[:-2], *sorted(events[-2:], reverse=True)]


async def test_a_room_that_the_server_deletes_is_left_by_all_and_then_deleted() -> None:
    async with Stage(mesh_server()) as stage:
        slugs = [(await Client.connect(stage, rooms=["den"])).slug for _ in range(2)]
        seen(stage.server)
        mesh_in(stage.server).delete_room("den")
        await stage.settle()

        assert [
            ("client-left-room", "den", slugs[0], 1),
            ("client-left-room", "den", slugs[1], 0),
            ("room-deleted", "den", "", 0),
        ] == seen(stage.server)


async def test_a_room_that_nobody_ever_joined_is_created_and_deleted() -> None:
    async with Stage(mesh_server()) as stage:
        mesh = mesh_in(stage.server)
        seen(stage.server)
        await mesh.create_room("den")
        assert [("room-created", "den", "", 0)] == seen(stage.server)

        mesh.delete_room("den")
        await stage.settle()
        assert [("room-deleted", "den", "", 0)] == seen(stage.server)


class Forgetful(Den):
    """Calls nothing of its base."""

    def init(self) -> None:
        self.diary = []

    def on_join(self, user: User) -> None:
        pass

    def on_leave(self, user: User, reason: LeaveReason) -> None:
        pass


class ForgetfulHouse(House):
    def on_login(self, user: User, credentials: dict[str, object]) -> None:
        pass

    def on_disconnect(self, user: User, reason: LeaveReason) -> None:
        pass


async def test_authors_need_not_call_the_hooks_of_their_bases() -> None:
    async with Stage(mesh_server(ForgetfulHouse, forgetful=Forgetful)) as stage:
        ann = await Client.connect(stage)
        seen(stage.server)
        mesh_in(stage.server).move(ann.slug, "den", "forgetful")
        await ann.line.settle()
        await ann.line.close()

        assert [
            ("room-created", "den", "", 0),
            ("client-joined-room", "den", ann.slug, 1),
            ("client-left-room", "mesh-global", ann.slug, 0),
            ("client-left-room", "den", ann.slug, 0),
            ("room-deleted", "den", "", 0),
            ("client-disconnected", "", ann.slug, 0),
        ] == sorted_end(seen(stage.server))


async def test_leaving_the_global_room_is_no_disconnecting_and_joining_it_again_no_connecting() -> (
    None
):
    async with Stage(mesh_server()) as stage:
        ann = await Client.connect(stage)
        mesh = mesh_in(stage.server)
        seen(stage.server)
        mesh.remove(ann.slug, GLOBAL_ROOM)
        await stage.settle()
        await mesh.join(ann.slug, GLOBAL_ROOM)
        await ann.line.close()

        assert [
            ("client-left-room", "mesh-global", ann.slug, 0),
            ("client-joined-room", "mesh-global", ann.slug, 1),
            ("client-left-room", "mesh-global", ann.slug, 0),
            ("client-disconnected", "", ann.slug, 0),
        ] == seen(stage.server)


async def test_who_is_in_no_room_at_all_disconnects_all_the_same() -> None:
    async with Stage(mesh_server()) as stage:
        ann = await Client.connect(stage)
        mesh_in(stage.server).remove(ann.slug, GLOBAL_ROOM)
        await stage.settle()
        seen(stage.server)
        await ann.line.cut()

        assert [("client-disconnected", "", ann.slug, 0)] == seen(stage.server)


async def test_a_client_of_another_dialect_connects_and_disconnects_too() -> None:
    async with Stage(mesh_server()) as stage:
        seen(stage.server)
        ada = await stage.player("ada", app="mesh")
        await stage.settle()
        await ada.logout()

        assert [
            ("client-connected", "", "ada", 0),
            ("client-joined-room", "mesh-global", "ada", 1),
            ("client-left-room", "mesh-global", "ada", 0),
            ("client-disconnected", "", "ada", 0),
        ] == seen(stage.server)


async def test_whoever_looks_at_an_event_finds_that_it_has_happened() -> None:
    found = []

    class Looking(House):
        def on_event(self, event: MeshEvent) -> None:
            there = self.mesh.clients_in(event.room)
            found.append((event.trigger, event.client in there, event.room in self.mesh.rooms()))
            assert event.count == len(there)

    async with Stage(mesh_server(Looking)) as stage:
        ann = await Client.connect(stage, rooms=["den"])
        await Client.connect(stage, rooms=["den"])
        found.clear()
        await ann.line.close()

    assert (Trigger.CLIENT_LEFT, False, True) in found
    assert all(is_there is (trigger is Trigger.CLIENT_JOINED) for trigger, is_there, _ in found)


async def test_what_the_application_sends_at_an_event_goes_out_at_once() -> None:
    class Greeting(House):
        def on_event(self, event: MeshEvent) -> None:
            if event.trigger is Trigger.CLIENT_JOINED and event.room == "den":
                self.mesh.push("welcome", {"client": event.client}, room="den")
                self.mesh.push("hello", client=event.client)

    async with Stage(mesh_server(Greeting)) as stage:
        ann = await Client.connect(stage, rooms=["den"])
        bob = await Client.connect(stage, rooms=["den"])

        assert ["hello", "welcome", "welcome"] == await ann.actions()
        assert ["hello", "welcome"] == await bob.actions()


async def test_rooms_that_delete_each_other_do_not_recurse() -> None:
    class Domino(House):
        def on_event(self, event: MeshEvent) -> None:
            super().on_event(event)
            if event.trigger is Trigger.ROOM_DELETED:
                self.mesh.delete_room(f"den-{int(event.room.split('-')[1]) + 1}")

    async with Stage(mesh_server(Domino)) as stage:
        mesh = mesh_in(stage.server)
        for number in range(400):
            await mesh.create_room(f"den-{number}")
        seen(stage.server)
        mesh.delete_room("den-0")
        await stage.settle()

        assert 400 == len(seen(stage.server))
        assert [GLOBAL_ROOM] == list(mesh.rooms())


async def collect(mesh: Mesh) -> list[tuple[str, str]]:
    with mesh.events() as events:
        found = []
        async for event in events:
            found.append((event.trigger.value, event.client))
            if event.trigger is Trigger.CLIENT_DISCONNECTED:
                return found
    raise AssertionError


async def test_a_feed_has_the_same_events() -> None:
    async with Stage(mesh_server()) as stage:
        collecting = asyncio.create_task(collect(mesh_in(stage.server)))
        await stage.settle()
        ann = await Client.connect(stage)
        await ann.line.close()

        assert [
            ("client-connected", ann.slug),
            ("client-joined-room", ann.slug),
            ("client-left-room", ann.slug),
            ("client-disconnected", ann.slug),
        ] == await collecting


async def test_a_server_that_stops_disconnects_everybody_once() -> None:
    server = mesh_server()
    async with Stage(server) as stage:
        slugs = [(await Client.connect(stage, rooms=["den"])).slug for _ in range(3)]
        seen(server)
    events = seen(server)

    assert sorted(slugs) == sorted(e[2] for e in events if e[0] == "client-disconnected")
    assert sorted([*slugs, *slugs]) == sorted(e[2] for e in events if e[0] == "client-left-room")


async def test_each_client_is_told_of_once_whatever_comes_together() -> None:
    async with Stage(mesh_server()) as stage:
        clients = [await Client.connect(stage, rooms=["den"]) for _ in range(20)]
        seen(stage.server)
        for number, client in enumerate(clients):
            if number % 2:
                mesh_in(stage.server).remove(client.slug, "den")
            client.line.wire.end(1006, "")
        await stage.settle()
        events = seen(stage.server)

        for client in clients:
            mine = [(event[0], event[1]) for event in events if event[2] == client.slug]
            assert ("client-disconnected", "") == mine[-1]
            assert [("client-left-room", "den"), ("client-left-room", "mesh-global")] == sorted(
                mine[:-1]
            )
        assert 1 == [event[0] for event in events].count("room-deleted")


class Slow(Den):
    """Somebody's message takes its time."""

    waits = asyncio.Event()

    async def on_message(self, user: User, request: Request) -> None:
        await self.waits.wait()


async def test_who_is_removed_from_a_busy_room_has_left_it_before_it_disconnects() -> None:
    async with Stage(mesh_server(slow=Slow)) as stage:
        ann, bob = [await Client.connect(stage) for _ in range(2)]
        mesh = mesh_in(stage.server)
        for client in (ann, bob):
            await mesh.join(client.slug, "busy", "slow")
        Slow.waits = asyncio.Event()
        ann.say("say", "busy")
        await stage.settle()
        seen(stage.server)
        mesh.remove(bob.slug, "busy")
        await bob.line.close()
        Slow.waits.set()
        await stage.settle()

        assert [
            ("client-left-room", "mesh-global", bob.slug, 1),
            ("client-left-room", "busy", bob.slug, 1),
            ("client-disconnected", "", bob.slug, 0),
        ] == seen(stage.server)


class Restless(Den):
    """Closes while others want to join it."""

    def on_join(self, user: User) -> None:
        if len(self.room.members) == 3:
            self.room.close()


async def test_a_room_is_told_to_be_deleted_before_it_is_told_to_be_created_again() -> None:
    async with Stage(mesh_server(den=Restless)) as stage:
        clients = [await Client.connect(stage) for _ in range(30)]
        seen(stage.server)
        for client in clients:
            client.say("enter", body={"room": "den"})
        await stage.settle()
        stories = [event[0] for event in seen(stage.server) if event[1] == "den"]

        story = ["room-created", *["client-joined-room"] * 3, *["client-left-room"] * 3]
        assert [*story, "room-deleted"] * 10 == stories


async def test_who_looks_at_the_events_alone_knows_who_is_where() -> None:
    async with Stage(mesh_server(den=Restless)) as stage:
        clients = [await Client.connect(stage) for _ in range(10)]
        where: dict[str, set[str]] = {}
        for event in seen(stage.server):
            apply(event, where)
        for number, client in enumerate(clients * 3):
            client.say("enter" if number % 4 else "exit", body={"room": f"den-{number % 2}"})
            if number % 7 == 6:
                mesh_in(stage.server).delete_room(f"den-{number % 2}")
            if number % 5 == 4:
                await asyncio.sleep(0)
        clients[3].line.wire.end(1006, "")
        await stage.settle()
        for event in seen(stage.server):
            apply(event, where)

        states = mesh_in(stage.server).states()
        assert {state.room: set(state.clients) for state in states} == where


def apply(event: tuple[str, str, str, int], where: dict[str, set[str]]) -> None:
    """Note *event*, which must make sense after what was before it."""
    trigger, room, client, _ = event
    if trigger == "room-created":
        assert room not in where
        where[room] = set()
    elif trigger == "room-deleted":
        assert set() == where.pop(room)
    elif trigger == "client-joined-room":
        assert client not in where[room]
        where[room].add(client)
    elif trigger == "client-left-room":
        where[room].remove(client)
