"""BroadcastRoom: whom Responses reach, what events say, what a failing handler does."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from goroom_extensions.broadcaster import (
    BroadcasterDialect,
    BroadcastRoom,
    Cast,
    Message,
    Response,
    TextBroadcasterDialect,
    handles_id,
)
from structlog.testing import capture_logs

from goroom import Refused, User
from goroom.testing import Stage
from tests.extensions.broadcaster.clients import (
    ALL,
    EXCLUSIVE,
    OTHERS,
    SELF,
    Client,
    Echo,
    HeadDialect,
    body_of,
    clients,
    echo_server,
    heard,
)


@pytest.mark.parametrize(
    ("handler_id", "hearers"),
    [(ALL, [1, 1, 1]), (SELF, [1, 0, 0]), (EXCLUSIVE, [1, 0, 0]), (OTHERS, [0, 1, 1])],
)
async def test_each_cast_reaches_whom_it_is_for(handler_id: int, hearers: list[int]) -> None:
    async with Stage(echo_server()) as stage:
        ann, *others = await clients(stage, 3)
        ann.say(handler_id, b"hello")
        frames = [await client.heard() for client in (ann, *others)]

        assert hearers == [len(each) for each in frames]
        expected = {
            "SenderID": ann.id,
            "HandlerID": handler_id,
            "CastType": handler_id,
            "CastFor": [ann.id] if handler_id == EXCLUSIVE else None,
            "Body": "aGVsbG8=",
        }
        assert all([expected] == each for each in frames if each)


class Casts(BroadcastRoom):
    """Sends what a test has put into `responses`."""

    responses: Any = None

    @handles_id(1)
    def send(self, user: User, message: Message) -> Any:
        return self.responses


@pytest.mark.parametrize(
    ("response", "hearers"),
    [
        (Response(b"", 9), [1, 1]),
        (Response(b"", 0), [1, 1]),
        (Response(b"", -1), [1, 1]),
        (Response(b"", 9, ["x"]), [1, 1]),
        (Response(b"", Cast.ALL, ["x"]), [1, 1]),
        (Response(b"", Cast.EXCLUSIVE, ["gone"]), [0, 0]),
        (Response(b"", Cast.EXCLUSIVE, []), [0, 0]),
        (Response(b"", Cast.EXCLUSIVE), [0, 0]),
    ],
)
async def test_an_unknown_cast_is_all_and_an_exclusive_for_nobody_is_for_nobody(
    response: Response, hearers: list[int]
) -> None:
    async with Stage(echo_server(Casts)) as stage:
        extension = stage.server.applications["echo"].rooms["broadcaster"].extension
        extension.responses = response  # type: ignore[attr-defined]  # of Casts
        ann, bob = await clients(stage, 2)
        ann.say(1)
        frames = [*await ann.heard(), *await bob.heard()]

        assert sum(hearers) == len(frames)
        cast_for = None if response.cast_for is None else list(response.cast_for)
        assert all((response.cast, cast_for) == (f["CastType"], f["CastFor"]) for f in frames)


async def test_ids_that_are_not_connected_are_passed_over() -> None:
    async with Stage(echo_server(Casts)) as stage:
        ann, bob = await clients(stage, 2)
        extension = stage.server.applications["echo"].rooms["broadcaster"].extension
        extension.responses = Response(b"", 3, ["gone", bob.id])  # type: ignore[attr-defined]  # of Casts
        ann.say(1)

        assert [] == await ann.heard()
        assert [["gone", bob.id]] == [frame["CastFor"] for frame in await bob.heard()]


async def test_a_handler_sends_several_responses_in_their_order() -> None:
    class Several(BroadcastRoom):
        @handles_id(1)
        async def send(self, user: User, message: Message) -> list[Response]:
            await asyncio.sleep(0)
            return [Response(b"1"), Response(b"2", Cast.SELF), Response(b"3", Cast.OTHERS)]

    async with Stage(echo_server(Several)) as stage:
        ann, bob = await clients(stage, 2)
        ann.say(1)

        assert [b"1", b"2"] == [body_of(frame) for frame in await ann.heard()]
        assert [b"1", b"3"] == [body_of(frame) for frame in await bob.heard()]


async def test_the_senders_id_is_the_servers_word() -> None:
    async with Stage(echo_server()) as stage:
        ann, bob = await clients(stage, 2)
        ann.say(ALL, b"", SenderID=bob.id)

        assert [ann.id] == [frame["SenderID"] for frame in await bob.heard()]


@pytest.mark.parametrize("body", [None, b"", b"\x00\xff"])
async def test_a_body_comes_back_as_it_was(body: bytes | None) -> None:
    async with Stage(echo_server()) as stage:
        (ann,) = await clients(stage, 1)
        ann.say(ALL, body)

        assert [body] == [body_of(frame) for frame in await ann.heard()]


class Failing(Echo):
    @handles_id(10)
    def fail(self, user: User, message: Message) -> Response:
        self.cast(Response(b"lost"))
        raise ValueError("broken")

    @handles_id(11)
    async def fail_later(self, user: User, message: Message) -> Response:
        await asyncio.sleep(0)
        raise ValueError("broken")

    @handles_id(12)
    def refuse(self, user: User, message: Message) -> Response:
        raise Refused("not now")

    @handles_id(13)
    def return_nonsense(self, user: User, message: Message) -> Any:
        return [Response(b"lost"), "nonsense"]


@pytest.mark.parametrize(
    ("handler_id", "event"),
    [
        (10, "handler_failed"),
        (11, "handler_failed"),
        (12, "request_refused"),
        (13, "handler_failed"),
        (77, "request_refused"),
    ],
)
async def test_what_fails_is_logged_and_nothing_of_it_is_sent(handler_id: int, event: str) -> None:
    async with Stage(echo_server(Failing)) as stage:
        ann, bob = await clients(stage, 2)
        with capture_logs() as logs:
            ann.say(handler_id)
            ann.say(ALL, b"next")

            assert [b"next"] == [body_of(frame) for frame in await bob.heard()]
        assert [b"next"] == [body_of(frame) for frame in await ann.heard()]
        assert event == logs[0]["event"]


async def test_only_the_first_few_refusals_of_a_client_are_logged_and_it_stays() -> None:
    async with Stage(echo_server()) as stage:
        (ann,) = await clients(stage, 1)
        with capture_logs() as logs:
            for _ in range(100):
                ann.line.send("nonsense")
            ann.say(ALL, b"still here")

            assert [b"still here"] == [body_of(frame) for frame in await ann.heard()]
        assert {"request_refused"} == {entry["event"] for entry in logs}
        assert len(logs) <= stage.server.limits.bad_requests


async def test_the_others_are_told_of_who_joins_and_leaves() -> None:
    async with Stage(echo_server()) as stage:
        ann = await Client.connect(stage)
        bob = await Client.connect(stage)
        await bob.line.close()

        assert [
            {"EventType": 1, "ClientID": bob.id},
            {"EventType": 2, "ClientID": bob.id},
        ] == await ann.heard()
        assert [] == await bob.heard()


class Greeter(Echo):
    def on_client_added(self, user: User) -> Response:
        return Response(b"OnAddClient")

    async def on_client_deleted(self, user: User) -> list[Response]:
        await asyncio.sleep(0)
        return [Response(b"OnDelClient"), Response(b"", Cast.SELF)]


async def test_event_handlers_of_the_newer_form_send_responses() -> None:
    async with Stage(echo_server(Greeter)) as stage:
        ann = await stage.dial(HeadDialect, "echo")
        bob = await stage.dial(HeadDialect, "echo")
        (added,) = await heard(bob)
        await bob.close()
        own, other, deleted = await heard(ann)

        assert added == other
        assert own["SenderID"] != other["SenderID"]
        assert {
            "SenderID": added["SenderID"],
            "EventType": 1,
            "HandlerID": 0,
            "CastType": 1,
            "CastFor": None,
            "Body": "T25BZGRDbGllbnQ=",
        } == added
        assert {**added, "EventType": 2, "Body": "T25EZWxDbGllbnQ="} == deleted


async def test_a_goroom_member_hears_events_under_their_names() -> None:
    async with Stage(echo_server(Greeter)) as stage:
        bob = await stage.player("bob", app="echo")
        await bob.join("broadcaster")
        ann = await stage.dial(HeadDialect, "echo")

        assert {"Body": "T25BZGRDbGllbnQ="} == await bob.expect("client_added")
        await bob.expect("client_added")
        await ann.close()
        assert {"Body": "T25EZWxDbGllbnQ="} == await bob.expect("client_deleted")


async def test_anything_on_the_server_may_cast() -> None:
    async with Stage(echo_server()) as stage:
        ann, bob = await clients(stage, 2)
        room = stage.server.applications["echo"].rooms["broadcaster"]
        extension = room.extension
        assert isinstance(extension, Echo)
        extension.cast(Response(b"all"))
        extension.cast(Response(b"nobody", Cast.SELF))
        extension.cast(Response(b"others", Cast.OTHERS), sender=room.members[ann.id], handler_id=7)
        extension.cast(Response(b"everybody", Cast.OTHERS))

        assert [b"all", b"everybody"] == [body_of(frame) for frame in await ann.heard()]
        assert [("", 0, b"all"), (ann.id, 7, b"others"), ("", 0, b"everybody")] == [
            (frame["SenderID"], frame["HandlerID"], body_of(frame)) for frame in await bob.heard()
        ]


async def test_text_of_a_room_is_text_to_all_tongues() -> None:
    class Words(TextBroadcasterDialect):
        actions = {1: "say"}  # noqa: RUF012 -- never changed

    class Talk(Echo):
        dialect = Words

    async with Stage(echo_server(Talk)) as stage:
        ann = await stage.dial(Words, "echo")
        bob = await stage.player("bob", app="echo")
        await bob.join("broadcaster")
        ann.send('{"HandlerID":1,"Body":"aGk="}')

        assert {"text": "hi"} == await bob.expect("say")
        await bob.request("say", {"text": "hello"})
        assert [(1, b"hi"), (1, b"hello")] == [
            (frame["HandlerID"], body_of(frame)) for frame in await heard(ann) if "Body" in frame
        ]


async def test_both_forms_sit_in_one_room() -> None:
    async with Stage(echo_server(Greeter)) as stage:
        old = await stage.dial(BroadcasterDialect, "echo")
        new = await stage.dial(HeadDialect, "echo")
        await heard(old)
        await heard(new)
        old.send('{"HandlerID":1,"Body":"aGk="}')
        (to_old,), (to_new,) = await heard(old), await heard(new)

        assert {"EventType": 0, **to_old} == to_new


async def test_done_stops_all_clients() -> None:
    async with Stage(echo_server()) as stage:
        everybody = await clients(stage, 3)
        bob = await stage.player("bob", app="echo")
        await bob.join("broadcaster")
        extension = stage.server.applications["echo"].rooms["broadcaster"].extension
        assert isinstance(extension, Echo)
        extension.done()
        extension.done()
        await stage.settle()
        late = await stage.dial(BroadcasterDialect, "echo")

        assert [1000] * 3 == [client.line.closed and client.line.closed[0] for client in everybody]
        assert (4501, "refused") == late.closed
        assert ["bob"] == list(stage.server.applications["echo"].users)
        assert {} == stage.server.applications["echo"].rooms


async def test_a_handler_may_say_that_it_is_done() -> None:
    class Last(Echo):
        @handles_id(10)
        def stop(self, user: User, message: Message) -> Response:
            self.done()
            return Response(b"never heard")

    async with Stage(echo_server(Last)) as stage:
        ann, bob = await clients(stage, 2)
        ann.say(10)
        await stage.settle()

        assert [1000, 1000] == [line.closed and line.closed[0] for line in (ann.line, bob.line)]
        assert {} == stage.server.applications["echo"].users
