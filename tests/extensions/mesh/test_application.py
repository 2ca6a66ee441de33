"""MeshApplication: how clients come to be, in whatever dialect."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Sequence

import attrs
import pytest
from goroom_extensions.mesh import GLOBAL_ROOM, MESH_LIMITS, MeshDialect, MeshRoom, RoomState
from structlog.testing import capture_logs

from goroom import (
    ApplicationExtension,
    Connection,
    HandlerFailed,
    NotAllowed,
    Refused,
    RequestRefused,
    RoomExtension,
    Server,
    User,
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


async def test_a_client_is_given_a_slug_and_joins_the_global_room() -> None:
    async with Stage(mesh_server()) as stage:
        ann = await Client.connect(stage)

        assert re.fullmatch("[A-Za-z]{5}[0-9]{3}", ann.slug)
        assert [("joined", ann.slug, ann.slug)] == diary(stage.server, GLOBAL_ROOM)
        assert [] == await ann.heard()


async def test_slugs_come_from_the_servers_randomness() -> None:
    slugs = []
    for _ in range(2):
        server = Server(seed=7)
        server.add_application("mesh", House, rooms={"den": Den})
        async with Stage(server) as stage:
            slugs.append((await Client.connect(stage)).slug)

    assert slugs[0] == slugs[1]


class Repeating(House):
    slugs: list[str]

    def _new_slug(self) -> str:
        return self.slugs.pop(0)


async def test_a_slug_that_is_taken_is_given_to_nobody_else() -> None:
    Repeating.slugs = ["aaaaa111", "aaaaa111", "AAAAA111", "bbbbb222"]
    async with Stage(mesh_server(Repeating)) as stage:
        await Client.connect(stage)
        await Client.connect(stage)

        assert ["aaaaa111", "bbbbb222"] == list(mesh_in(stage.server).clients())


async def test_who_finds_no_free_slug_is_turned_away() -> None:
    Repeating.slugs = ["aaaaa111"] * 11
    async with Stage(mesh_server(Repeating)) as stage:
        await Client.connect(stage)
        line = await stage.dial(MeshDialect, "mesh")
        await line.settle()

        assert (4501, "refused") == line.closed


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ({}, "Guest"),
        ({"name": ""}, "Guest"),
        ({"name": "Ann"}, "Ann"),
        ({"name": "Zoë \u202e!"}, "Zoë !"),
        ({"name": "x" * 99}, "x" * 64),
    ],
)
async def test_a_client_has_the_name_of_its_url(query: dict[str, str], name: str) -> None:
    async with Stage(mesh_server()) as stage:
        ann = await Client.connect(stage, query=query)

        assert name == mesh_in(stage.server).clients()[ann.slug].data["name"]


async def test_the_role_header_is_auth_metadata_where_it_is_trusted() -> None:
    class Trusting(House):
        trusts_role_header = True

    async with Stage(mesh_server(Trusting)) as stage:
        ann = await Client.connect(stage, headers={"Role": "admin,  player,,"})
        bob = await Client.connect(stage)
        mesh = mesh_in(stage.server)

        assert {"admin", "player"} == mesh.auth_metadata(ann.slug)
        assert ["admin", "player"] == mesh.clients()[ann.slug].data["auth_metadata"]
        assert frozenset() == mesh.auth_metadata(bob.slug)


async def test_an_author_may_look_at_the_connection_for_auth_metadata() -> None:
    class Badges(House):
        def auth_metadata_of(self, connection: Connection) -> Iterable[str]:
            return ["staff"] if connection.headers.get("Badge") == "7" else []

    async with Stage(mesh_server(Badges)) as stage:
        ann = await Client.connect(stage, headers={"Badge": "7", "Role": "admin"})

        assert {"staff"} == mesh_in(stage.server).auth_metadata(ann.slug)


async def test_a_check_that_waits_is_done_before_a_client_joins_anything() -> None:
    class Checking(House):
        async def on_login(self, user: User, credentials: dict[str, object]) -> None:
            await asyncio.sleep(1)
            user.data["auth_metadata"] = ["staff"]

    class Guarded(Den):
        auth_metadata = frozenset({"staff"})

    async with Stage(mesh_server(Checking, hall=Guarded)) as stage:
        line = await stage.dial(MeshDialect, "mesh")
        await stage.advance(1)
        mesh = mesh_in(stage.server)

        assert line.closed is None
        assert list(mesh.clients()) == list(mesh.clients_in(GLOBAL_ROOM))
        assert 1 == len(mesh.clients())


async def test_on_login_may_refuse_a_client_and_it_was_never_there() -> None:
    class Closed(House):
        def on_login(self, user: User, credentials: dict[str, object]) -> None:
            raise Refused("closed")

    async with Stage(mesh_server(Closed)) as stage:
        line = await stage.dial(MeshDialect, "mesh")
        await line.settle()

        assert (4501, "refused") == line.closed
        assert {} == mesh_in(stage.server).clients()
        assert [] == diary(stage.server, GLOBAL_ROOM)


async def test_who_finds_the_global_room_full_is_turned_away() -> None:
    class Small(House):
        global_capacity = 1

    async with Stage(mesh_server(Small)) as stage:
        ann = await Client.connect(stage)
        line = await stage.dial(MeshDialect, "mesh")
        await line.settle()

        assert (4501, "refused") == line.closed
        assert [ann.slug] == list(mesh_in(stage.server).clients())


# -- other dialects ------------------------------------------------------------------------


async def test_a_user_of_another_dialect_is_a_client_under_its_own_name() -> None:
    async with Stage(mesh_server()) as stage:
        ann = await Client.connect(stage, rooms=["den"])
        ada = await stage.player("ada", app="mesh")
        await stage.settle()
        mesh = mesh_in(stage.server)
        await ada.join("den")
        ann.say("say", "den", {"text": "hello"})
        await ann.line.settle()
        await ada.request("say", {"text": "good day"}, room="den")

        assert "ada" == mesh.clients()["ada"].data["name"]
        assert [GLOBAL_ROOM, "den"] == list(mesh.clients()["ada"].rooms)
        assert {"text": "hello"} == await ada.expect("say")
        assert [(ann.slug, "hello"), ("ada", "good day")] == [
            (message["sender"], message["message_body"]["text"]) for message in await ann.heard()
        ]


@pytest.mark.parametrize("name", ["Gawd", "gawd", "mesh-global", "\uff27awd"])  # full width G
async def test_nobody_logs_in_under_the_names_of_the_server(name: str) -> None:
    async with Stage(mesh_server()) as stage:
        with pytest.raises(RequestRefused) as caught:
            await stage.player(name, app="mesh")

        assert (26, "reserved") == (caught.value.code, caught.value.reason)


async def test_an_author_reserves_names_of_bots() -> None:
    class Bots(House):
        reserved_names = House.reserved_names | {"bot-of-the-room"}

    async with Stage(mesh_server(Bots)) as stage:
        for name in ("Bot-of-the-Room", "Gawd"):
            with pytest.raises(RequestRefused):
                await stage.player(name, app="mesh")


async def test_a_client_cannot_give_itself_auth_metadata() -> None:
    async with Stage(mesh_server()) as stage:
        await stage.player("ada", app="mesh", auth_metadata=["admin"])
        mesh = mesh_in(stage.server)

        assert frozenset() == mesh.auth_metadata("ada")


async def test_a_connection_of_another_dialect_is_passed_over_until_it_logs_in() -> None:
    async with Stage(mesh_server()) as stage:
        await stage.connect(application="mesh")
        await stage.settle()

        assert {} == mesh_in(stage.server).clients()


# -- its rooms -----------------------------------------------------------------------------


async def test_kinds_are_the_first_for_the_global_room_and_the_last_for_others() -> None:
    class Plain(House):
        room_kind = None

    async with Stage(mesh_server(Plain)) as stage:
        await Client.connect(stage, rooms=["attic"])

        assert {GLOBAL_ROOM: "hall", "attic": "den"} == {
            state.room: state.kind for state in mesh_in(stage.server).states()
        }


async def test_kinds_may_be_named() -> None:
    class Named(House):
        global_kind, room_kind = "den", "hall"

    async with Stage(mesh_server(Named)) as stage:
        ann = await Client.connect(stage)
        await mesh_in(stage.server).join(ann.slug, "attic")

        assert {GLOBAL_ROOM: "den", "attic": "hall"} == {
            state.room: state.kind for state in mesh_in(stage.server).states()
        }


@pytest.mark.parametrize("rooms", [{}, {"den": RoomExtension}])
async def test_a_global_room_that_is_no_mesh_room_is_refused_at_the_start(
    rooms: dict[str, type[RoomExtension]],
) -> None:
    server = Server()
    server.add_application("mesh", House, rooms=rooms)
    with capture_logs() as logs, pytest.raises(HandlerFailed):
        async with Stage(server):
            pass

    (failed,) = [log for log in logs if log["event"] == "handler_failed"]
    assert "House.init" == failed["handler"]


# -- the watcher ---------------------------------------------------------------------------


@attrs.define
class Watched:
    states: list[Sequence[RoomState]] = attrs.field(factory=list)


async def test_the_watcher_sees_all_rooms_at_its_period() -> None:
    watched = Watched()

    class Watching(House):
        watch_seconds = 5

        def on_watch(self, rooms: Sequence[RoomState]) -> None:
            watched.states.append(rooms)
            for room in rooms:
                if room.kind == "den" and room.count < 2:
                    self.mesh.push("waiting", {"for": 2 - room.count}, room=room.room)

    async with Stage(mesh_server(Watching)) as stage:
        ann = await Client.connect(stage, rooms=["den"])
        await stage.advance(11)

        assert [[1, 1], [1, 1]] == [[room.count for room in rooms] for rooms in watched.states]
        assert ["waiting", "waiting"] == await ann.actions()


async def test_the_watcher_may_seat_clients_and_wait_for_it() -> None:
    class Pairing(House):
        watch_seconds = 1

        async def on_watch(self, rooms: Sequence[RoomState]) -> None:
            lonely = [user for user in self.mesh.clients().values() if len(user.rooms) == 1]
            for first, second in zip(lonely[::2], lonely[1::2], strict=False):
                for client in (first, second):
                    await self.mesh.join(client, f"pair-{first.name}", capacity=2)

    async with Stage(mesh_server(Pairing)) as stage:
        slugs = [(await Client.connect(stage)).slug for _ in range(5)]
        await stage.advance(2)
        pairs = [state.clients for state in mesh_in(stage.server).states() if state.capacity == 2]

        assert [slugs[0:2], slugs[2:4]] == pairs


async def test_a_watcher_that_fails_is_logged_and_called_again() -> None:
    class Failing(House):
        watch_seconds = 1
        calls = 0

        def on_watch(self, rooms: Sequence[RoomState]) -> None:
            type(self).calls += 1
            raise ZeroDivisionError

    async with Stage(mesh_server(Failing)) as stage:
        with capture_logs():
            await stage.advance(3.5)

    assert Failing.calls >= 3


# -- with others ---------------------------------------------------------------------------


async def test_a_dialect_of_an_application_that_is_no_mesh_can_do_no_harm() -> None:
    server = Server()
    server.add_application("chess")
    async with Stage(server) as stage:
        line = await stage.dial(MeshDialect, "chess", limits=MESH_LIMITS)
        line.send('{"action":"say","target":"den"}')

        assert [] == await line.received()


async def test_an_application_may_have_another_base_that_looks_at_its_connections() -> None:
    looked = []

    class Looking(ApplicationExtension):
        async def on_connect(self, connection: Connection) -> None:
            looked.append(connection.remote)

    class Both(House, Looking):
        pass

    async with Stage(mesh_server(Both)) as stage:
        ann = await Client.connect(stage)

        assert ["memory"] == looked
        assert [ann.slug] == list(mesh_in(stage.server).clients())


async def test_a_room_of_another_class_may_be_joined_and_no_event_tells_of_it() -> None:
    server = mesh_server(den=RoomExtension)
    async with Stage(server) as stage:
        ann = await Client.connect(stage)
        seen(server)
        await mesh_in(server).join(ann.slug, "den")
        assert [ann.slug] == list(mesh_in(server).clients_in("den"))
        await ann.line.close()

        assert ["client-left-room", "client-disconnected"] == [event[0] for event in seen(server)]


class Counting(MeshRoom):
    def on_join(self, user: User) -> None:
        if len(self.room.members) > 1:
            raise NotAllowed("one is enough")


async def test_a_room_may_refuse_whom_it_likes() -> None:
    async with Stage(mesh_server(den=Counting)) as stage:
        ann = await Client.connect(stage, rooms=["den"])
        await Client.connect(stage, rooms=["den"])

        assert [ann.slug] == list(mesh_in(stage.server).clients_in("den"))
