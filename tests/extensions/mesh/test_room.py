"""Rooms of a mesh: their code decides, and what it is told."""

from __future__ import annotations

import asyncio

import pytest
from goroom_extensions.mesh import GLOBAL_ROOM, MeshRoom
from structlog.testing import capture_logs

from goroom import NotAllowed, RoomFull, Server, User, handles
from goroom.testing import Stage
from tests.extensions.mesh.clients import Client, Den, House, diary, mesh_in, mesh_server


async def test_its_code_is_told_of_joining_leaving_and_the_end_after_each_change() -> None:
    async with Stage(mesh_server()) as stage:
        ann = await Client.connect(stage, rooms=["den"])
        bob = await Client.connect(stage, rooms=["den"])
        told = diary(stage.server, "den")
        await ann.line.close()
        mesh_in(stage.server).remove(bob.slug, "den")
        await stage.settle()

        assert [
            ("joined", ann.slug, ann.slug),
            ("joined", bob.slug, ann.slug, bob.slug),
            ("left", ann.slug, bob.slug),
            ("left", bob.slug),
            ("stopped",),
        ] == told


async def test_a_room_that_is_deleted_is_left_by_all_before_its_code_is_stopped() -> None:
    async with Stage(mesh_server()) as stage:
        slugs = [(await Client.connect(stage, rooms=["den"])).slug for _ in range(2)]
        told = diary(stage.server, "den")
        mesh_in(stage.server).delete_room("den")
        await stage.settle()

        assert [*(("left", slug) for slug in slugs), ("stopped",)] == told[2:]


async def test_nothing_is_sent_by_itself() -> None:
    async with Stage(mesh_server(hall=Quiet)) as stage:
        ann, bob = [await Client.connect(stage) for _ in range(2)]
        ann.say("nod")
        await bob.line.close()

        assert [] == await ann.heard()


class Quiet(MeshRoom):
    @handles("nod")
    def nod(self, user: User) -> None:
        pass

    @handles("ask")
    def ask(self, user: User) -> dict[str, str]:
        return {"answer": user.name}


async def test_what_a_handler_returns_goes_to_the_client_alone() -> None:
    async with Stage(mesh_server(hall=Quiet)) as stage:
        ann, bob = [await Client.connect(stage) for _ in range(2)]
        ann.say("ask")

        assert [
            {
                "action": "ask",
                "message_body": {"answer": ann.slug},
                "IsTargetClient": True,
                "target": ann.slug,
                "sender": "",
            }
        ] == await ann.heard()
        assert [] == await bob.heard()


async def test_a_room_has_at_most_as_many_clients_as_its_cap() -> None:
    async with Stage(mesh_server()) as stage:
        clients = [await Client.connect(stage) for _ in range(5)]
        mesh = mesh_in(stage.server)
        joins = [mesh.join(client.slug, "den", capacity=3) for client in clients]
        results = await asyncio.gather(*joins, return_exceptions=True)

        assert 2 == len([result for result in results if isinstance(result, RoomFull)])
        assert 3 == len(mesh.clients_in("den"))


class Vault(Den):
    auth_metadata = frozenset({"admin", "owner"})


class Trusting(House):
    trusts_role_header = True


@pytest.mark.parametrize(
    ("role", "is_in"),
    [("admin", True), ("player, owner", True), ("player", False), ("", False), ("Admin", False)],
)
async def test_who_has_none_of_its_auth_metadata_does_not_join(role: str, *, is_in: bool) -> None:
    async with Stage(mesh_server(Trusting, vault=Vault)) as stage:
        ann = await Client.connect(stage, headers={"Role": role} if role else {})
        mesh = mesh_in(stage.server)
        with capture_logs() as logs:
            mesh.move(ann.slug, "vault", "vault")
            await stage.settle()

        assert is_in is (ann.slug in mesh.clients_in("vault"))
        assert is_in is ("move_refused" not in [log["event"] for log in logs])
        if not is_in:
            with pytest.raises(NotAllowed) as caught:
                await mesh.join(ann.slug, "vault", "vault")
            assert "not_authorized" == caught.value.reason


async def test_auth_metadata_holds_however_a_client_comes() -> None:
    async with Stage(mesh_server(vault=Vault)) as stage:
        ada = await stage.player("ada", app="mesh")
        await mesh_in(stage.server).create_room("vault", "vault")
        with pytest.raises(Exception, match="not for you"):
            await ada.join("vault")

        assert {} == mesh_in(stage.server).clients_in("vault")


async def test_a_room_may_have_auth_metadata_of_its_own() -> None:
    class Lockable(Den):
        @handles("lock")
        def lock(self, user: User) -> None:
            self.auth_metadata = frozenset({"admin"})

    async with Stage(mesh_server(den=Lockable)) as stage:
        ann = await Client.connect(stage, rooms=["den"])
        mesh = mesh_in(stage.server)
        ann.say("lock", "den")
        await ann.line.settle()
        bob = await Client.connect(stage, rooms=["den", "attic"])

        assert [ann.slug] == list(mesh.clients_in("den"))
        assert [bob.slug] == list(mesh.clients_in("attic"))


async def test_an_emptied_room_is_gone_and_its_new_self_has_a_new_maker() -> None:
    async with Stage(mesh_server()) as stage:
        ann, bob = [await Client.connect(stage) for _ in range(2)]
        mesh = mesh_in(stage.server)
        old = await mesh.join(ann.slug, "den")
        mesh.remove(ann.slug, "den")
        await stage.settle()
        assert [GLOBAL_ROOM] == list(mesh.rooms())

        new = await mesh.join(bob.slug, "den")
        assert new is not old
        assert (ann.slug, bob.slug) == (old.extension.maker, new.extension.maker)
        assert [("joined", bob.slug, bob.slug)] == diary(stage.server, "den")


async def test_its_slug_is_its_name_and_the_server_makes_the_global_room() -> None:
    async with Stage(mesh_server()) as stage:
        extension = mesh_in(stage.server).rooms()[GLOBAL_ROOM].extension

        assert isinstance(extension, MeshRoom)
        assert (GLOBAL_ROOM, "Gawd") == (extension.slug, extension.maker)


async def test_a_room_of_an_application_that_is_no_mesh_is_named() -> None:
    server = Server()
    server.add_application("chess", rooms={"den": Den})
    async with Stage(server):
        with pytest.raises(TypeError, match="must be a MeshApplication"):
            await server.applications["chess"].rooms.create("den")


async def test_a_client_makes_rooms_until_its_quota_and_the_server_any_number() -> None:
    class Frugal(House):
        rooms_per_client = 2

    async with Stage(mesh_server(Frugal)) as stage:
        ann = await Client.connect(stage, rooms=["one", "two", "three"])
        mesh = mesh_in(stage.server)
        assert [GLOBAL_ROOM, "one", "two"] == list(mesh.rooms())

        with pytest.raises(NotAllowed) as caught:
            await mesh.join(ann.slug, "three")
        assert "quota" == caught.value.reason
        for name in ("three", "four", "five"):
            await mesh.create_room(name)
        await mesh.join(ann.slug, "three")
        mesh.remove(ann.slug, "one")
        await stage.settle()
        assert ann.slug == (await mesh.join(ann.slug, "six")).maker_name
