"""Broadcaster: connections of its tongue are logged in and seated, all others are left alone."""

from __future__ import annotations

import json
import random
import re

import pytest
from goroom_extensions.broadcaster import Broadcaster, BroadcasterDialect, BroadcastRoom
from goroom_extensions.broadcaster.application import client_id
from goroom_extensions.relay import Relay

from goroom import ApplicationExtension, Connection, RequestRefused, Server, User
from goroom.testing import Stage
from tests.extensions.broadcaster.clients import ALL, Client, Echo, body_of, clients, echo_server

ID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def test_a_client_id_is_16_random_bytes_in_five_groups() -> None:
    source = random.Random(1)
    ids = {client_id(source) for _ in range(1000)}

    assert 1000 == len(ids)
    assert all(ID.fullmatch(one) for one in ids)
    # No UUID: the bits that say its version are as random as all others.
    assert set("0123456789abcdef") == {one[14] for one in ids}


async def test_a_connection_is_logged_in_and_seated_before_its_first_message_is_read() -> None:
    async with Stage(echo_server()) as stage:
        line = await stage.dial(BroadcasterDialect, "echo")
        line.send('{"HandlerID":1,"Body":"aGk="}')
        added, echoed = (json.loads(message) for message in await line.received())
        application = stage.server.applications["echo"]

        assert {"EventType": 1, "ClientID": added["ClientID"]} == added
        assert ID.fullmatch(added["ClientID"])
        assert (added["ClientID"], b"hi") == (echoed["SenderID"], body_of(echoed))
        assert [added["ClientID"]] == list(application.users)
        assert [added["ClientID"]] == list(application.rooms["broadcaster"].members)


async def test_a_client_that_goes_leaves_nothing_behind() -> None:
    async with Stage(echo_server()) as stage:
        ann, bob = await clients(stage, 2)
        await ann.line.close()
        await bob.line.cut()
        await stage.settle()
        application = stage.server.applications["echo"]

        assert ([], [], ()) == (
            list(application.users),
            list(application.rooms["broadcaster"].members),
            stage.server.connections,
        )


async def test_a_client_of_goroom_logs_in_by_itself_and_shares_the_room() -> None:
    async with Stage(echo_server()) as stage:
        (ann,) = await clients(stage, 1)
        bob = await stage.player("bob", app="echo")
        await bob.join("broadcaster")
        ann.say(ALL, b"hello")
        heard = await bob.expect("1")
        await bob.request("1", {"Body": "aGk="})

        assert {"Body": "aGVsbG8="} == heard
        assert [
            {"EventType": 1, "ClientID": "bob"},
            {"SenderID": ann.id, "Body": "aGVsbG8="},
            {"SenderID": "bob", "Body": "aGk="},
        ] == [
            {
                key: frame[key]
                for key in frame.keys() & {"EventType", "ClientID", "SenderID", "Body"}
            }
            for frame in await ann.heard()
        ]


async def test_a_client_of_goroom_is_told_what_nobody_handles_and_what_is_no_body() -> None:
    async with Stage(echo_server()) as stage:
        bob = await stage.player("bob", app="echo")
        await bob.join("broadcaster")

        for action, code in (("77", 22), ("hello", 22), ("", 22)):
            with pytest.raises(RequestRefused) as caught:
                await bob.request(action, {})
            assert code == caught.value.code
        with pytest.raises(RequestRefused) as caught:
            await bob.request("1", {"Body": "no base64!"})
        assert 21 == caught.value.code


async def test_numbers_are_handled_in_broadcast_rooms_only() -> None:
    server = Server()
    server.add_application("echo", Broadcaster, rooms={"broadcaster": Relay})
    async with Stage(server) as stage:
        bob = await stage.player("bob", app="echo")
        with pytest.raises(RequestRefused) as caught:
            await bob.request("1", {}, room="")
        bob.send_frame(eventType=11, appName="echo")

        assert 22 == caught.value.code
        await bob.quiet()


async def test_a_client_sits_in_a_room_of_any_kind_and_hears_what_others_say_there() -> None:
    server = Server()
    server.add_application("echo", Broadcaster, rooms={"broadcaster": Relay})
    async with Stage(server) as stage:
        ann = await Client.connect(stage)
        bob = await stage.player("bob", app="echo")
        await bob.join("broadcaster")
        ann.say(5, b"from ann")
        from_ann = await bob.expect("5")
        await bob.request("wave", {"hand": "left"})
        _, from_bob = await ann.heard()

        assert {"Body": "ZnJvbSBhbm4="} == from_ann
        assert ("bob", 0, 1, None) == tuple(
            from_bob[key] for key in ("SenderID", "HandlerID", "CastType", "CastFor")
        )
        assert b'{"hand":"left"}' == body_of(from_bob)


async def test_two_endpoints_have_a_room_each() -> None:
    class Other(BroadcasterDialect):
        room = "other"

    class Rooms(Broadcaster):
        opens = {"broadcaster": "echo", "other": "echo"}  # noqa: RUF012 -- never changed

    server = Server()
    server.add_application("echo", Rooms, rooms={"echo": Echo})
    async with Stage(server) as stage:
        ann = await Client.connect(stage)
        bob = await stage.dial(Other, "echo")
        ann.say(ALL, b"hello")
        rooms = stage.server.applications["echo"].rooms

        assert 1 == len(await ann.heard())
        assert 1 == len(await bob.received())
        assert [1, 1] == [len(rooms[name].members) for name in ("broadcaster", "other")]


async def test_who_connects_where_there_is_no_room_is_refused() -> None:
    class Nowhere(Broadcaster):
        opens = {}  # noqa: RUF012 -- never changed

    server = Server()
    server.add_application("echo", Nowhere, rooms={"broadcaster": Echo})
    async with Stage(server) as stage:
        line = await stage.dial(BroadcasterDialect, "echo")

        assert (4501, "refused") == line.closed
        assert {} == stage.server.applications["echo"].users


async def test_it_shares_an_application_with_what_else_seats_its_own_connections() -> None:
    class Marked(ApplicationExtension):
        def init(self) -> None:
            self.met: list[Connection] = []

        def on_connect(self, connection: Connection) -> None:
            self.met.append(connection)

    class Awaited(ApplicationExtension):
        async def init(self) -> None:
            self.met: list[Connection] = []

        async def on_connect(self, connection: Connection) -> None:
            self.met.append(connection)

    for other in (Marked, Awaited):
        both = type("Both", (Broadcaster, other), {})
        server = Server()
        server.add_application("echo", both, rooms={"broadcaster": Echo})
        async with Stage(server) as stage:
            ann = await Client.connect(stage)
            await stage.player("bob", app="echo")
            extension = stage.server.applications["echo"].extension

            assert isinstance(extension, other)
            assert ["bob"] == [
                link.connection is extension.met[0] and user.name
                for user in extension.application.users.values()
                for link in user.links
                if user.name != ann.id
            ]
            assert 1 == len(extension.met)


async def test_an_author_refuses_clients_at_the_login() -> None:
    class Choosy(Broadcaster):
        def on_login(self, user: User, credentials: dict[str, object]) -> None:
            raise PermissionError

    server = Server()
    server.add_application("echo", Choosy, rooms={"broadcaster": BroadcastRoom})
    async with Stage(server) as stage:
        line = await stage.dial(BroadcasterDialect, "echo")

        assert (4501, "refused") == line.closed
