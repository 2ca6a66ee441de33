"""The server's hands on clients and rooms: row S11 of the seed, each word of it."""

from __future__ import annotations

import asyncio

import attrs
import pytest
from goroom_extensions.mesh import GLOBAL_ROOM, FeedOverrun, MeshMessage, MeshRoom, mesh_of
from structlog.testing import capture_logs

from goroom import (
    ApplicationExtension,
    NotLoggedIn,
    Request,
    RequestRefused,
    RoomFull,
    Server,
    User,
    handles,
)
from goroom.testing import Stage
from tests.extensions.mesh.clients import (
    Client,
    Den,
    House,
    diary,
    mesh_in,
    mesh_server,
    seen,
)


async def test_it_knows_clients_and_rooms_and_who_is_where() -> None:
    async with Stage(mesh_server()) as stage:
        ann = await Client.connect(stage, rooms=["den", "attic"])
        bob = await Client.connect(stage, rooms=["den"])
        mesh = mesh_in(stage.server)

        assert "mesh" == mesh.application.name
        assert [ann.slug, bob.slug] == list(mesh.clients())
        assert [GLOBAL_ROOM, "den", "attic"] == list(mesh.rooms())
        assert [ann.slug, bob.slug] == list(mesh.clients_in("den"))
        assert [ann.slug] == list(mesh.clients_in("attic"))
        assert {} == mesh.clients_in("nowhere")


def test_an_application_without_a_mesh_is_named() -> None:
    application = Server().add_application("chess", ApplicationExtension)

    with pytest.raises(TypeError, match="must be a MeshApplication, not a ApplicationExtension"):
        mesh_of(application)


# -- rooms ---------------------------------------------------------------------------------


async def test_the_server_makes_rooms_that_go_when_they_have_been_left() -> None:
    async with Stage(mesh_server()) as stage:
        mesh = mesh_in(stage.server)
        room = await mesh.create_room("den", capacity=2)
        ann = await Client.connect(stage, rooms=["den"])

        assert (2, "Gawd", [ann.slug]) == (room.capacity, room.extension.maker, [*room.members])
        mesh.remove(ann.slug, "den")
        await stage.settle()
        assert [GLOBAL_ROOM] == list(mesh.rooms())


async def test_the_global_room_is_never_deleted() -> None:
    async with Stage(mesh_server()) as stage:
        ann = await Client.connect(stage)
        mesh = mesh_in(stage.server)
        with pytest.raises(ValueError, match="'mesh-global' is never deleted"):
            mesh.delete_room(GLOBAL_ROOM)
        await ann.line.close()

        assert [GLOBAL_ROOM] == list(mesh.rooms())
        assert "Gawd" == mesh.states()[0].maker


async def test_a_room_that_is_not_there_is_passed_over() -> None:
    async with Stage(mesh_server()) as stage:
        ann = await Client.connect(stage)
        mesh = mesh_in(stage.server)
        mesh.delete_room("nowhere")
        mesh.remove(ann.slug, "nowhere")
        mesh.push("say", room="nowhere")

        assert [] == await ann.heard()


async def test_a_room_that_is_joined_is_made_and_its_maker_is_who_joined_it_first() -> None:
    async with Stage(mesh_server()) as stage:
        ann, bob = [await Client.connect(stage) for _ in range(2)]
        mesh = mesh_in(stage.server)
        made = await mesh.join(ann.slug, "den", capacity=2)

        assert made is await mesh.join(bob.slug, "den")
        assert (ann.slug, 2) == (made.maker_name, made.capacity)


async def test_joining_twice_is_joining_once() -> None:
    async with Stage(mesh_server()) as stage:
        ann = await Client.connect(stage)
        mesh = mesh_in(stage.server)
        first = await mesh.join(ann.slug, "den")
        seen(stage.server)

        assert first is await mesh.join(ann.slug, "den")
        mesh.move(ann.slug, "den")
        await stage.settle()
        assert [] == seen(stage.server)


async def test_a_client_is_in_several_rooms_and_leaving_one_leaves_the_others_alone() -> None:
    async with Stage(mesh_server()) as stage:
        ann = await Client.connect(stage, rooms=["den", "attic", "cellar"])
        mesh = mesh_in(stage.server)
        mesh.remove(ann.slug, "attic")
        await stage.settle()

        assert [GLOBAL_ROOM, "den", "cellar"] == list(mesh.clients()[ann.slug].rooms)
        for room in ("den", "cellar"):
            ann.say("say", room)
        assert ["den", "cellar"] == [message["target"] for message in await ann.heard()]


async def test_who_moves_leaves_the_room_that_it_was_told_to() -> None:
    async with Stage(mesh_server()) as stage:
        ann = await Client.connect(stage, rooms=["den"])
        mesh = mesh_in(stage.server)
        mesh.move(ann.slug, "attic", leaving="den")
        await stage.settle()

        assert [GLOBAL_ROOM, "attic"] == list(mesh.clients()[ann.slug].rooms)


async def test_what_a_client_says_after_asking_to_be_moved_is_heard_in_the_new_room() -> None:
    async with Stage(mesh_server()) as stage:
        ann = await Client.connect(stage)
        ann.say("enter", body={"room": "den"})
        ann.say("say", "den", {"text": "here"})

        assert [("say", "den")] == [(each["action"], each["target"]) for each in await ann.heard()]


async def test_a_client_that_is_not_there_joins_nothing() -> None:
    async with Stage(mesh_server()) as stage:
        mesh = mesh_in(stage.server)
        with pytest.raises(NotLoggedIn):
            await mesh.join("axCbe690", "den")
        mesh.move("axCbe690", "den")
        mesh.remove("axCbe690", GLOBAL_ROOM)
        await stage.settle()

        assert [GLOBAL_ROOM] == list(mesh.rooms())
        assert frozenset() == mesh.auth_metadata("axCbe690")


async def test_a_client_that_has_gone_is_not_there_though_somebody_has_its_user() -> None:
    async with Stage(mesh_server()) as stage:
        ann = await Client.connect(stage)
        mesh = mesh_in(stage.server)
        user = mesh.clients()[ann.slug]
        await ann.line.close()

        with pytest.raises(NotLoggedIn):
            await mesh.join(user, "den")


@attrs.frozen
class JoinRoom:
    roomname: str
    playerlimit: int


class Doorman(House):
    """Asks a room whether it has a seat, and tells the client what it says."""

    @handles("join-room", JoinRoom)
    async def join_room(self, user: User, wish: JoinRoom) -> None:
        try:
            room = await self.mesh.join(user, wish.roomname, "silent", capacity=wish.playerlimit)
        except RoomFull:
            text = "Failed to join the room its occupied"
            self.mesh.push("fail", {"message": text}, client=user, sender="bot-of-the-room")
        else:
            self.mesh.push("joined", {"maker": room.maker_name}, room=room.name, client=user)


class Silent(MeshRoom):
    """Handles nothing: what is said goes to the application."""


async def test_the_applications_handlers_wait_for_a_room_and_hear_its_refusal() -> None:
    async with Stage(mesh_server(Doorman, hall=Silent, silent=Silent)) as stage:
        ann, bob, cy = [await Client.connect(stage) for _ in range(3)]
        for client in (ann, bob, cy):
            client.say("join-room", body={"roomname": "den", "playerlimit": 2})
            await client.line.settle()

        for client in (ann, bob):
            assert [
                {
                    "action": "joined",
                    "message_body": {"maker": ann.slug},
                    "IsTargetClient": True,
                    "target": client.slug,
                    "sender": "",
                }
            ] == await client.heard()
        assert [
            {
                "action": "fail",
                "message_body": {"message": "Failed to join the room its occupied"},
                "IsTargetClient": True,
                "target": cy.slug,
                "sender": "bot-of-the-room",
            }
        ] == await cy.heard()


async def test_a_rooms_handler_that_waits_for_a_room_is_told_what_to_do_instead() -> None:
    errors = []

    class Impatient(Den):
        async def on_message(self, user: User, request: Request) -> None:
            try:
                await self.mesh.join(user, "den")
            except RuntimeError as error:
                errors.append(str(error))

    async with Stage(mesh_server(hall=Impatient)) as stage:
        ann = await Client.connect(stage)
        ann.say("say")
        await stage.settle()

    assert ["user.move_to" in error for error in errors] == [True]


# -- messages ------------------------------------------------------------------------------


async def test_it_pushes_to_a_room_to_one_of_it_to_a_client_and_to_everybody() -> None:
    async with Stage(mesh_server()) as stage:
        ann = await Client.connect(stage, rooms=["den"])
        bob = await Client.connect(stage, rooms=["den"])
        cy = await Client.connect(stage)
        mesh = mesh_in(stage.server)
        mesh.push("to-room", {"n": 1}, room="den", sender="bot-of-the-room")
        mesh.push("to-one-in-room", room="den", client=ann.slug)
        mesh.push("to-nobody", room="den", client=cy.slug)
        mesh.push("to-nobody", client="axCbe690")
        mesh.push("to-one", client=cy.slug, sender=mesh.clients()[ann.slug])
        mesh.push("to-all", sender="Gawd")
        heard = {client.slug: await client.heard() for client in (ann, bob, cy)}

        assert {
            ann.slug: ["to-room", "to-one-in-room", "to-all"],
            bob.slug: ["to-room", "to-all"],
            cy.slug: ["to-one", "to-all"],
        } == {slug: [each["action"] for each in frames] for slug, frames in heard.items()}
        assert {
            "action": "to-room",
            "message_body": {"n": 1},
            "IsTargetClient": False,
            "target": "den",
            "sender": "bot-of-the-room",
        } == heard[bob.slug][0]
        assert (True, cy.slug, ann.slug) == tuple(
            heard[cy.slug][0][key] for key in ("IsTargetClient", "target", "sender")
        )
        assert (False, GLOBAL_ROOM, "Gawd") == tuple(
            heard[cy.slug][1][key] for key in ("IsTargetClient", "target", "sender")
        )


async def test_what_a_failing_handler_pushes_is_not_sent() -> None:
    class Failing(Den):
        def on_message(self, user: User, request: Request) -> None:
            self.mesh.push("say", room="den")
            self.mesh.push("say")
            raise ZeroDivisionError

    async with Stage(mesh_server(hall=Failing)) as stage:
        ann = await Client.connect(stage)
        await mesh_in(stage.server).join(ann.slug, "den")
        ann.say("say")
        with capture_logs():
            assert [] == await ann.heard()


async def test_what_nobody_handles_is_received_by_server_code() -> None:
    async with Stage(mesh_server(hall=Silent)) as stage:
        ann = await Client.connect(stage)
        mesh = mesh_in(stage.server)
        with mesh.receive() as messages, mesh.receive() as others:
            ann.say("say", body={"text": "one"})
            await stage.settle()

            expected = MeshMessage(GLOBAL_ROOM, ann.slug, "say", {"text": "one"})
            assert expected == await anext(messages)
            assert expected == await anext(others)


async def test_a_room_hands_on_what_it_has_no_use_for() -> None:
    class Choosy(Den):
        def on_message(self, user: User, request: Request) -> None:
            self.mesh.deliver(user, request)

    async with Stage(mesh_server(hall=Choosy)) as stage:
        ann = await Client.connect(stage)
        with mesh_in(stage.server).receive() as messages:
            ann.say("say")
            await stage.settle()

            assert (GLOBAL_ROOM, "say") == ((one := await anext(messages)).room, one.action)


async def test_where_nobody_receives_what_nobody_handles_is_refused() -> None:
    async with Stage(mesh_server(hall=Silent)) as stage:
        ann = await Client.connect(stage)
        ada = await stage.player("ada", app="mesh")
        await stage.settle()
        with capture_logs() as logs:
            ann.say("say")
            assert [] == await ann.heard()
        with pytest.raises(RequestRefused) as caught:
            await ada.request("say", room=GLOBAL_ROOM)

        assert [("request_refused", 22)] == [(log["event"], log["code"]) for log in logs]
        assert 22 == caught.value.code


async def test_who_receives_too_slowly_is_told_and_nobody_waits_for_it() -> None:
    async with Stage(mesh_server(hall=Silent)) as stage:
        ann = await Client.connect(stage)
        messages = mesh_in(stage.server).receive(most=2)
        for number in range(4):
            ann.say(f"say-{number}")
        await stage.settle()

        assert ["say-0", "say-1"] == [(await anext(messages)).action for _ in range(2)]
        with pytest.raises(FeedOverrun):
            await anext(messages)


async def test_server_code_of_any_task_may_ask_and_push() -> None:
    async with Stage(mesh_server()) as stage:
        ann, bob = [await Client.connect(stage) for _ in range(2)]
        mesh = mesh_in(stage.server)

        async def seat(client: Client) -> None:
            await mesh.join(client.slug, "den")
            mesh.push("seated", room="den")

        await asyncio.gather(seat(ann), seat(bob))

        assert ["seated", "seated"] == await ann.actions()
        assert ["joined", "joined"] == [entry[0] for entry in diary(stage.server, "den")]
