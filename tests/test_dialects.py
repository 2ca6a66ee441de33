"""Dialects of authors: another tongue at an endpoint, in the same rooms and the same order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from structlog.testing import capture_logs

from goroom import (
    ApplicationExtension,
    Connection,
    Dialect,
    EventType,
    Limits,
    Push,
    Request,
    RoomExtension,
    Server,
    UnreadableRequest,
    User,
)
from goroom.testing import Line, Stage
from tests.websocket import Closed, WebSocket

if TYPE_CHECKING:
    from collections.abc import Callable


class Words(Dialect):
    """`room action text` in, `room action text [for receiver]` out; nothing else has a word."""

    def decode(self, message: bytes) -> Request | None:
        words = message.decode().split(" ", 2)
        if words == [""]:
            return None
        if len(words) < 3:
            raise UnreadableRequest("three words are wanted", "words")
        if words[1] == "stumble":
            raise ZeroDivisionError
        body = msgspec.json.encode({"text": words[2]})
        room, action = words[:2]
        application = self.application or ""
        return Request(EventType.MESSAGE, application, room_name=room, action=action, body=body)

    def encode(self, push: Push) -> bytes | None:
        if push.event_type != EventType.MESSAGE:
            return None
        if push.error is not None:
            return f"refused {push.error.code}".encode()
        text = msgspec.json.decode(push.body)["text"]
        suffix = f" for {push.receiver}" if push.receiver else ""
        return f"{push.room_name} {push.action} {text}{suffix}".encode()


class Tolerant(Words):
    is_tolerant = True
    separator = b"\n"


class Speech(RoomExtension):
    def on_message(self, user: User, request: Request) -> object:
        text = request.data["text"]
        match request.action:
            case "say":
                self.room.broadcast("said", {"text": text}, sender=user)
            case "whisper":
                self.room.broadcast("whispered", {"text": text}, only=user)
            case "tell":
                user.send("told", {"text": text})
            case "tell_all":
                self.application.broadcast("told", {"text": text}, only=[user])
            case "go":
                user.move_to(text, leaving=self.room, kind="hall")
            case "ask":
                return {"text": text}
        return None


class Talkers(ApplicationExtension):
    async def init(self) -> None:
        await self.application.rooms.create("hall", kind="hall")

    async def on_connect(self, connection: Connection) -> None:
        if isinstance(connection.dialect, Words):
            name = connection.query.get("name", "guest")
            user = await self.application.users.login(connection, name)
            await self.application.rooms["hall"].join(user)


def _server(limits: Limits | None = None) -> Server:
    server = Server(limits=limits or Limits(bad_requests=3))
    server.add_application("talk", Talkers, rooms={"hall": Speech})
    return server


async def _dial(stage: Stage, name: str, dialect: type[Dialect] = Words) -> Line:
    return await stage.dial(dialect, "talk", query={"name": name})


async def test_clients_of_two_tongues_hear_each_other_in_one_room() -> None:
    async with Stage(_server()) as stage:
        ann = await _dial(stage, "ann")
        bob = await stage.player("bob", app="talk")
        await bob.join("hall")
        ann.send("hall say hello")
        await bob.request("say", {"text": "hi"}, room="hall")

        assert ["hall said hello", "hall said hi"] == await ann.received()
        assert {"text": "hello"} == await bob.expect("said")
        assert {"text": "hi"} == await bob.expect("said")


async def test_what_a_dialect_has_no_word_for_is_not_sent() -> None:
    async with Stage(_server()) as stage:
        ann = await _dial(stage, "ann")
        bob = await stage.player("bob", app="talk")
        await bob.join("hall")
        await bob.leave("hall")

        assert [] == await ann.received()


async def test_a_message_that_asks_for_nothing_is_no_bad_request() -> None:
    async with Stage(_server()) as stage:
        ann = await _dial(stage, "ann")
        for _ in range(5):
            ann.send("")
        ann.send("hall say still here")

        assert ["hall said still here"] == await ann.received()


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("say", "hall said x"),
        ("whisper", "hall whispered x for ann"),
        ("tell", "hall told x for ann"),
        ("tell_all", " told x"),
        ("ask", "hall ask x for ann"),
    ],
)
async def test_a_push_for_one_user_names_its_receiver(action: str, expected: str) -> None:
    async with Stage(_server()) as stage:
        ann = await _dial(stage, "ann")
        ann.send(f"hall {action} x")

        assert expected == await ann.receive()


async def test_a_dialect_answers_refusals_as_it_likes_and_three_bad_ones_close() -> None:
    async with Stage(_server()) as stage:
        ann = await _dial(stage, "ann")
        ann.send("nowhere say x")
        ann.send("one")

        assert ["refused 7"] == await ann.received()  # an unreadable one has no event
        ann.send("two")
        ann.send("three")
        await ann.settle()
        assert (4502, "too many bad requests") == ann.closed


async def test_a_tolerant_dialect_logs_bad_requests_and_closes_nobody() -> None:
    async with Stage(_server()) as stage:
        ann = await _dial(stage, "ann", Tolerant)
        with capture_logs() as log:
            for word in ("one", "two", "three", "four", "five"):
                ann.send(word)
            ann.send("hall say still here")
            heard = await ann.received()

        assert ["hall said still here"] == heard
        refused = [line for line in log if line["event"] == "request_refused"]
        assert [(21, "words")] * 3 == [(line["code"], line["field"]) for line in refused]


async def test_a_dialect_that_fails_at_reading_loses_that_connection_only() -> None:
    async with Stage(_server()) as stage:
        ann = await _dial(stage, "ann")
        bob = await _dial(stage, "bob")
        with capture_logs() as log:
            ann.send("hall stumble x")
            await ann.settle()
        bob.send("hall say hello")

        assert (1011, "the server cannot read this message") == ann.closed
        assert "dialect_failed" in [line["event"] for line in log]
        assert ["hall said hello"] == await bob.received()


async def test_messages_that_wait_together_go_out_as_one_where_a_dialect_separates_them() -> None:
    async with Stage(_server()) as stage:
        ann = await _dial(stage, "ann", Tolerant)
        bob = await _dial(stage, "bob")
        for word in ("one", "two"):
            bob.send(f"hall say {word}")

        assert ["hall said one\nhall said two"] == await ann.received()
        assert ["hall said one", "hall said two"] == await bob.received()


async def test_who_is_moved_can_speak_there_in_its_next_message() -> None:
    async with Stage(_server()) as stage:
        ann = await _dial(stage, "ann")
        ann.send("hall go den")
        ann.send("den say here I am")

        assert ["den said here I am"] == await ann.received()
        den = stage.server.applications["talk"].rooms["den"]
        assert "ann" == den.maker_name


async def test_over_sockets_each_endpoint_speaks_its_own_tongue(
    start: Callable[..., object],
) -> None:
    server = _server()
    server.add_endpoint("/words", "talk", Tolerant)
    url = await start(server)  # type: ignore[misc]  # a fixture of conftest.py
    ann = await WebSocket.connect(f"{url}/words?name=ann")
    ann.send_text("hall say hello")

    assert "hall said hello" == await ann.receive()
    ann.send_text("x" * 70_000)
    closed = await ann.receive()
    assert isinstance(closed, Closed)
    assert 1009 == closed.code


async def test_a_join_tells_a_dialect_who_has_joined() -> None:
    class Doors(Words):
        def encode(self, push: Push) -> bytes | None:
            if push.event_type != EventType.JOIN_ROOM:
                return None
            return (push.sender or f"you, {push.receiver}").encode()

    async with Stage(_server()) as stage:
        ann = await _dial(stage, "ann", Doors)
        await _dial(stage, "bob")

        assert ["you, ann", "bob"] == await ann.received()


async def test_a_pushs_data_is_decoded_once_for_all_dialects() -> None:
    push = Push(EventType.MESSAGE, body=b'{"text":"hello"}')

    assert {"text": "hello"} == push.data
    assert push.data is push.data


async def test_a_sender_may_be_any_text_of_the_authors() -> None:
    class Senders(Words):
        def encode(self, push: Push) -> bytes | None:
            return None if push.event_type != EventType.MESSAGE else push.sender.encode()

    async with Stage(_server()) as stage:
        ann = await _dial(stage, "ann", Senders)
        application = stage.server.applications["talk"]
        application.rooms["hall"].broadcast("said", sender="the bot")
        application.broadcast("said", sender="Gawd")
        application.users["ann"].send("said", sender=application.users["ann"])

        assert ["the bot", "Gawd", "ann"] == await ann.received()


async def test_a_refusal_names_whom_it_is_for() -> None:
    class Refusals(Words):
        is_tolerant = True

        def encode(self, push: Push) -> bytes | None:
            return None if push.error is None else f"{push.error.code} {push.receiver}".encode()

    async with Stage(_server()) as stage:
        ann = await _dial(stage, "ann", Refusals)
        ann.send("unreadable")
        ann.send("nowhere say x")
        ann.send("hall go hall")

        assert ["21 ann", "7 ann", "8 ann"] == await ann.received()


async def test_a_connection_that_closes_or_is_lost_is_open_no_more() -> None:
    async with Stage(_server()) as stage:
        ann, bob = await _dial(stage, "ann"), await _dial(stage, "bob")
        first, second = stage.server.connections
        assert first.is_open
        first.close(1000)
        assert not first.is_open
        bob.wire.transport.abort()  # type: ignore[attr-defined]  # a MemoryWire

        assert not second.is_open
        assert "bob" in stage.server.applications["talk"].users
        await ann.settle()
