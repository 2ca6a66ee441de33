"""Each bug of simplysocket and gomeshstream that is mended here, by its name."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable

import pytest
from goroom_extensions.mesh import GLOBAL_ROOM, Mesh, MeshDialect
from structlog.testing import capture_logs

from goroom import Request, User
from goroom.testing import Stage
from tests.extensions.mesh.clients import (
    Client,
    Den,
    House,
    diary,
    frame,
    mesh_in,
    mesh_server,
    seen,
)


async def answers(client: Client, room: str = "den") -> bool:
    """Tell whether the server still serves *client* in *room*."""
    client.say("still-here", room)
    return "still-here" in await client.actions()


@pytest.mark.parametrize("target", ["no-such-room", "", "axCbe690", "../den", "x" * 9000])
async def test_an_unknown_target_does_not_kill_the_server(target: str) -> None:
    async with Stage(mesh_server()) as stage:
        ann = await Client.connect(stage, rooms=["den"])
        with capture_logs() as logs:
            ann.say("say", target)
            assert [] == await ann.heard()

        assert ["request_refused"] == [log["event"] for log in logs]
        assert await answers(ann)


@pytest.mark.parametrize("text", ["this is not JSON", "", "[]", "{", '{"action":1}', "[" * 9000])
async def test_malformed_json_does_not_kill_the_server(text: str) -> None:
    async with Stage(mesh_server()) as stage:
        ann = await Client.connect(stage, rooms=["den"])
        with capture_logs() as logs:
            ann.line.send(text)
            assert [] == await ann.heard()

        assert ["request_refused"] == [log["event"] for log in logs]
        assert await answers(ann)


async def test_any_number_of_malformed_frames_close_nothing() -> None:
    async with Stage(mesh_server()) as stage:
        ann = await Client.connect(stage, rooms=["den"])
        with capture_logs() as logs:
            for _ in range(500):
                ann.line.send("{")
            await ann.line.settle()

        assert ann.line.closed is None
        assert len(logs) <= 20
        assert await answers(ann)


async def test_a_message_for_a_slug_that_is_not_in_the_room_does_not_kill_the_server() -> None:
    async with Stage(mesh_server()) as stage:
        ann = await Client.connect(stage, rooms=["den"])
        cy = await Client.connect(stage)
        with capture_logs() as logs:
            for slug in (cy.slug, "axCbe690", ""):
                ann.say("whisper", "den", {"to": slug})

            assert [] == await cy.heard()
            assert [] == await ann.heard()
        assert [] == logs
        assert await answers(ann)


async def test_a_clients_is_target_client_that_is_rebroadcast_does_not_kill_the_server() -> None:
    async with Stage(mesh_server()) as stage:
        ann = await Client.connect(stage, rooms=["den"])
        bob = await Client.connect(stage, rooms=["den"])
        ann.line.send(frame("say", "den", {}, IsTargetClient=True, sender=bob.slug))

        (heard,) = await bob.heard()
        assert (False, "den", ann.slug) == (
            heard["IsTargetClient"],
            heard["target"],
            heard["sender"],
        )


class Busy(Den):
    """Is busy with each message for a moment."""

    async def on_message(self, user: User, request: Request) -> None:
        await asyncio.sleep(0)
        self.room.broadcast(request.action, request.data, sender=user)


async def test_no_message_is_dropped_while_a_room_is_busy() -> None:
    async with Stage(mesh_server(den=Busy)) as stage:
        clients = [await Client.connect(stage, rooms=["den"]) for _ in range(5)]
        for number in range(100):
            for client in clients:
                client.say("say", "den", {"number": number})
        heard = await clients[0].heard()

        for client in clients:
            assert list(range(100)) == [
                message["message_body"]["number"]
                for message in heard
                if message["sender"] == client.slug
            ]


async def test_no_event_is_dropped_while_a_room_is_busy() -> None:
    async with Stage(mesh_server(den=Busy)) as stage:
        ann = await Client.connect(stage, rooms=["den"])
        told = diary(stage.server, "den")
        for _ in range(50):
            ann.say("say", "den")
        others = [await Client.connect(stage, rooms=["den"]) for _ in range(50)]
        for client in others:
            client.line.wire.end(1006, "")
        await stage.settle()

        slugs = sorted(client.slug for client in others)
        assert slugs == sorted(entry[1] for entry in told[1:] if entry[0] == "joined")
        assert slugs == sorted(entry[1] for entry in told if entry[0] == "left")


async def test_a_client_that_does_not_read_does_not_block_its_room() -> None:
    async with Stage(mesh_server()) as stage:
        ann, bob, deaf = [await Client.connect(stage, rooms=["den"]) for _ in range(3)]
        deaf.line.wire.stop_reading()
        for number in range(1000):
            ann.say("say", "den", {"number": number})
            if number % 100 == 99:
                await ann.line.settle()
        await stage.advance(20)

        assert list(range(1000)) == [each["message_body"]["number"] for each in await bob.heard()]
        assert deaf.line.closed is not None
        assert [ann.slug, bob.slug] == list(mesh_in(stage.server).clients_in("den"))


async def test_a_broadcast_to_clients_that_are_going_does_not_kill_the_server() -> None:
    async with Stage(mesh_server()) as stage:
        ann = await Client.connect(stage, rooms=["den"])
        others = [await Client.connect(stage, rooms=["den"]) for _ in range(30)]
        for client in others:
            ann.say("say", "den")
            client.line.wire.end(1006, "")
            mesh_in(stage.server).push("news", room="den")
            await asyncio.sleep(0)
        await stage.settle()

        assert [ann.slug] == list(mesh_in(stage.server).clients_in("den"))
        assert await answers(ann)


async def walk(things: Iterable[str]) -> int:
    """Look at *things*, letting others work at each."""
    steps = 0
    for _ in things:
        await asyncio.sleep(0)
        steps += 1
    return steps


async def test_rooms_that_come_and_go_do_not_disturb_who_is_looking_at_them() -> None:
    async with Stage(mesh_server()) as stage:
        mesh = mesh_in(stage.server)
        clients = [await Client.connect(stage, rooms=[f"den-{n}"]) for n in range(10)]
        looks = (mesh.rooms(), mesh.clients(), mesh.clients_in(GLOBAL_ROOM))
        walks = [asyncio.create_task(walk(look)) for look in looks]
        for number, client in enumerate(clients):
            await mesh.join(client.slug, f"attic-{number}")
            client.line.wire.end(1006, "")
            await asyncio.sleep(0)

        assert [11, 10, 10] == await asyncio.gather(*walks)


async def test_removing_clients_never_waits_for_who_reads_the_events() -> None:
    async with Stage(mesh_server()) as stage:
        clients = [await Client.connect(stage, rooms=["den"]) for _ in range(20)]
        mesh = mesh_in(stage.server)
        with mesh.events(most=1):
            for client in clients:
                mesh.remove(client.slug, "den")
                mesh.remove(client.slug, "den")
            await stage.settle()

        assert {} == mesh.clients_in("den")
        assert 20 == [event[0] for event in seen(stage.server)].count("client-left-room")


async def test_a_member_of_a_deleted_room_disconnects_without_killing_the_server() -> None:
    async with Stage(mesh_server()) as stage:
        ann, bob = [await Client.connect(stage, rooms=["den"]) for _ in range(2)]
        mesh_in(stage.server).delete_room("den")
        await ann.line.close()

        assert {} == mesh_in(stage.server).clients_in("den")
        assert [bob.slug] == list(mesh_in(stage.server).clients())
        assert await answers(bob, GLOBAL_ROOM)


class Held(Den):
    """Its messages wait until they are let go on."""

    goes_on = asyncio.Event()

    async def on_message(self, user: User, request: Request) -> None:
        await self.goes_on.wait()


async def test_joining_a_room_that_is_deleted_meanwhile_holds_up_nobody() -> None:
    Held.goes_on = asyncio.Event()
    async with Stage(mesh_server(den=Held)) as stage:
        ann, bob = [await Client.connect(stage) for _ in range(2)]
        mesh = mesh_in(stage.server)
        old = await mesh.join(ann.slug, "den")
        ann.say("hold", "den")
        await stage.settle()
        mesh.delete_room("den")
        joining = asyncio.create_task(mesh.join(bob.slug, "den"))
        await stage.settle()
        Held.goes_on.set()
        new = await joining

        assert (True, False, bob.slug) == (old.is_closed, new.is_closed, new.maker_name)
        assert {ann.slug, bob.slug} == {
            name for room in ("attic", "den") for name in (await join_all(mesh, room))
        }


async def join_all(mesh: Mesh, room: str) -> list[str]:
    """Have all clients join *room*, and return who is in it."""
    for slug in mesh.clients():
        await mesh.join(slug, room)
    return list(mesh.clients_in(room))


async def test_a_client_is_not_heard_in_a_room_that_it_has_not_joined() -> None:
    async with Stage(mesh_server()) as stage:
        ann = await Client.connect(stage, rooms=["den"])
        mallory = await Client.connect(stage)
        with capture_logs() as logs:
            mallory.say("say", "den")
            mallory.say("whisper", "den", {"to": ann.slug})
            assert [] == await mallory.heard()

        assert [] == await ann.heard()
        assert [("joined", ann.slug, ann.slug)] == diary(stage.server, "den")
        assert [9, 9] == [log["code"] for log in logs]


async def test_a_client_is_not_heard_in_a_room_that_it_has_left() -> None:
    async with Stage(mesh_server()) as stage:
        ann, bob = [await Client.connect(stage, rooms=["den"]) for _ in range(2)]
        bob.say("exit", body={"room": "den"})
        await bob.line.settle()
        bob.say("say", "den")
        await bob.line.settle()

        assert [] == await ann.heard()


async def test_the_role_header_is_not_trusted() -> None:
    class Vault(Den):
        auth_metadata = frozenset({"admin"})

    async with Stage(mesh_server(vault=Vault)) as stage:
        mallory = await Client.connect(stage, headers={"Role": "admin"})
        mesh = mesh_in(stage.server)
        mesh.move(mallory.slug, "vault", "vault")
        await stage.settle()

        assert {} == mesh.clients_in("vault")
        assert frozenset() == mesh.auth_metadata(mallory.slug)


async def test_a_rooms_auth_metadata_restricts_who_joins() -> None:
    class Vault(Den):
        auth_metadata = frozenset({"admin"})

    class Roles(House):
        trusts_role_header = True

    async with Stage(mesh_server(Roles, vault=Vault)) as stage:
        ann = await Client.connect(stage, headers={"Role": "admin"})
        mallory = await Client.connect(stage, headers={"Role": "player"})
        mesh = mesh_in(stage.server)
        for client in (ann, mallory):
            mesh.move(client.slug, "vault", "vault")
        await stage.settle()

        assert [ann.slug] == list(mesh.clients_in("vault"))


async def test_what_room_code_broadcasts_is_all_that_is_broadcast() -> None:
    """``DirectBroadCast`` did nothing: there is no such switch, a room's code decides."""

    class Selective(Den):
        def on_message(self, user: User, request: Request) -> None:
            if request.action == "say":
                self.room.broadcast("say", sender=user)

    async with Stage(mesh_server(den=Selective)) as stage:
        ann, bob = [await Client.connect(stage, rooms=["den"]) for _ in range(2)]
        for action in ("say", "whisper-nothing", "say"):
            ann.say(action, "den")

        assert ["say", "say"] == await bob.actions()


async def test_slugs_of_many_clients_at_once_are_slugs_and_all_different() -> None:
    async with Stage(mesh_server()) as stage:
        await asyncio.gather(*(stage.dial(MeshDialect, "mesh") for _ in range(200)))
        slugs = list(mesh_in(stage.server).clients())

        assert 200 == len(slugs)
        assert all(re.fullmatch("[A-Za-z]{5}[0-9]{3}", slug) for slug in slugs)


async def test_leaving_the_global_room_by_disconnecting_is_told_to_its_code() -> None:
    """gomeshstream tells it of every room but this one."""
    async with Stage(mesh_server()) as stage:
        ann = await Client.connect(stage)
        await ann.line.cut()

        assert ("left", ann.slug) == diary(stage.server, GLOBAL_ROOM)[-1]
