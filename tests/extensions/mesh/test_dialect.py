"""The mesh dialect: frames of simplysocket in and out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from goroom_extensions.mesh import BatchedMeshDialect, MeshDialect

from goroom import EventType, Push, UnreadableRequest
from goroom.errors import ErrorDescription
from goroom.testing import Stage
from tests.extensions.mesh.clients import Client, frame, mesh_in, mesh_server


class Answering(MeshDialect):
    answers_errors = True


def decoded(text: str) -> tuple[int, str, str, str, dict[str, Any]]:
    request = MeshDialect("mesh").decode(text.encode())
    return (
        request.event_type,
        request.app_name,
        request.room_name,
        request.action,
        dict(request.data),
    )


def test_a_message_has_the_keys_of_the_seed_in_their_order() -> None:
    push = Push(
        EventType.MESSAGE,
        "mesh",
        "den",
        "test_action",
        "sender_client",
        body=b'{"key":"value"}',
        receiver="target_client",
    )

    assert (
        b'{"action":"test_action","message_body":{"key":"value"},"IsTargetClient":true,'
        b'"target":"target_client","sender":"sender_client"}'
    ) == MeshDialect("mesh").encode(push)


def test_a_message_to_a_room_has_the_room_as_its_target() -> None:
    written = MeshDialect("mesh").encode(Push(EventType.MESSAGE, "mesh", "den", "say"))

    assert (
        b'{"action":"say","message_body":{},"IsTargetClient":false,"target":"den","sender":""}'
    ) == written


def test_a_message_to_the_whole_application_has_the_global_room_as_its_target() -> None:
    written = MeshDialect("mesh").encode(Push(EventType.MESSAGE, "mesh", action="news"))

    assert "mesh-global" == json.loads(written or b"")["target"]


@pytest.mark.parametrize("event", [event for event in EventType if event != EventType.MESSAGE])
def test_there_is_no_word_for_other_events(event: EventType) -> None:
    assert MeshDialect("mesh").encode(Push(event, "mesh", "den")) is None


@pytest.mark.parametrize("event", [0, EventType.MESSAGE, EventType.JOIN_ROOM])
def test_a_refusal_is_not_answered_unless_that_is_switched_on(event: int) -> None:
    push = Push(event, "mesh", "den", "say", code=500, error=ErrorDescription.of(9))

    assert MeshDialect("mesh").encode(push) is None
    assert {
        "action": "error",
        "message_body": {"code": 9, "message": "User is not available in the room"}
        | {"action": "say"},
        "IsTargetClient": False,
        "target": "den",
        "sender": "",
    } == json.loads(Answering("mesh").encode(push) or b"")


def test_a_goodbye_is_no_refusal() -> None:
    push = Push(
        EventType.DISCONNECTION, "mesh", error=ErrorDescription(4500, "", "disconnected"), code=4500
    )

    assert Answering("mesh").encode(push) is None


def test_a_request_is_a_message_to_the_target() -> None:
    text = frame("say", "den", {"text": "one"})

    assert (11, "mesh", "den", "say", {"text": "one"}) == decoded(text)


@pytest.mark.parametrize("body", ["", ',"message_body":null', ',"message_body":{}'])
def test_an_absent_body_is_an_empty_object(body: str) -> None:
    assert {} == decoded(f'{{"action":"say","target":"den"{body}}}')[4]


def test_a_clients_sender_and_is_target_client_are_not_read() -> None:
    text = frame("say", "den", sender=["forged"], IsTargetClient="yes", more={})

    assert (11, "mesh", "den", "say", {}) == decoded(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "this is not JSON",
        "null",
        "[]",
        '"den"',
        "{}",
        '{"action":"say"}',
        '{"target":"den"}',
        '{"action":"say","target":""}',
        '{"action":null,"target":"den"}',
        '{"action":"say","target":7}',
        '{"action":"say","target":["den"]}',
        '{"action":"say","target":"den","message_body":[]}',
        '{"action":"say","target":"den","message_body":"text"}',
        '{"action":"say","target":"den","message_body":true}',
        '{"action":"say","target":"den","message_body":{"n":9007199254740992}}',
        '{"action":"say","target":"den","message_body":{"n":1e400}}',
        '{"action":"say","target":"den","message_body":{"n":NaN}}',
        '{"action":"say","target":"den","message_body":{"t":"\\ud800"}}',
        '{"action":"say","target":"den","message_body":{}} ,',
        '{"action":"say","target":"den","message_body":{"a":' + "[" * 40 + "]" * 40 + "}}",
        "[" * 9000,
        '{"action":"say","target":"den","message_body":' + "[" * 4000 + "]" * 4000 + "}",
        '{"action":"say","target":"den","more":' + '{"a":' * 99_999 + "1" + "}" * 99_999 + "}",
        '\ufeff{"action":"say","target":"den"}',
    ],
)
def test_what_is_no_frame_is_unreadable(text: str) -> None:
    with pytest.raises(UnreadableRequest):
        decoded(text)


def test_an_unreadable_body_is_named_as_clients_know_it() -> None:
    with pytest.raises(UnreadableRequest) as caught:
        decoded('{"action":"say","target":"den","message_body":[]}')

    assert "message_body" == caught.value.field
    assert str(caught.value).startswith("message_body cannot be read")


async def test_frames_that_wait_for_a_client_come_as_lines_of_one_where_it_is_batched() -> None:
    async with Stage(mesh_server()) as stage:
        batched = await Client.connect(stage, BatchedMeshDialect, rooms=["den"])
        single = await Client.connect(stage, MeshDialect, rooms=["den"])
        for number in range(3):
            mesh_in(stage.server).push("tick", {"text": f"{number}\n"}, room="den")

        (lines,) = await batched.line.received()
        frames = await single.line.received()

        assert 3 == len(frames)
        assert frames == str(lines).split("\n")
        assert ["0\n", "1\n", "2\n"] == [
            json.loads(each)["message_body"]["text"] for each in frames
        ]


async def test_a_refused_frame_is_answered_where_that_is_switched_on() -> None:
    async with Stage(mesh_server()) as stage:
        told = await Client.connect(stage, Answering)
        untold = await Client.connect(stage, MeshDialect)
        for client in (told, untold):
            client.say("say", "no-such-room")
            client.line.send("no JSON")

        assert [(7, "say"), (21, None)] == [
            (message["message_body"]["code"], message["message_body"].get("action"))
            for message in await told.heard()
        ]
        assert [] == await untold.heard()
