"""MirrorDialect: five strings in and out, in their order, and silence about all else."""

from __future__ import annotations

import json

import pytest
from goroom_extensions.mirror import Frame, MirrorDialect
from goroom_extensions.mirror.dialect import CODES

from goroom import EventType, Push, UnreadableRequest
from goroom.errors import ErrorDescription


@pytest.fixture
def dialect() -> MirrorDialect:
    """Return the dialect of an endpoint."""
    return MirrorDialect("mirror")


def push(body: bytes, event_type: EventType = EventType.MESSAGE) -> Push:
    """Return an event of a channel."""
    return Push(event_type, "mirror", "room", "channel.message", "sender", seq=3, body=body)


def test_a_frame_has_all_its_keys_in_their_order(dialect: MirrorDialect) -> None:
    body = b'{"channel":"c","message":"m","user_id":"u","websocket_id":"w"}'

    assert (
        b'{"code":"channel.message","message":"m","websocketId":"w","userId":"u","channel":"c"}'
        == dialect.encode(push(body))
    )
    assert (
        b'{"code":"channel.message","message":"","websocketId":"","userId":"","channel":""}'
        == dialect.encode(push(b"{}"))
    )


def test_only_messages_are_sent(dialect: MirrorDialect) -> None:
    for event_type in EventType:
        is_message = event_type is EventType.MESSAGE
        assert is_message is (dialect.encode(push(b"{}", event_type)) is not None)


def test_a_refusal_is_not_sent(dialect: MirrorDialect) -> None:
    refused = Push(EventType.MESSAGE, "mirror", error=ErrorDescription.of(22))

    assert dialect.encode(refused) is None


def test_data_that_is_no_frame_is_not_sent(dialect: MirrorDialect) -> None:
    for body in (b'{"message":1}', b"[]", b'"text"'):
        assert dialect.encode(push(body)) is None


@pytest.mark.parametrize("code", sorted(CODES))
def test_what_a_client_says_becomes_a_message(dialect: MirrorDialect, code: str) -> None:
    fields = {"code": code, "message": "m", "websocketId": "w", "userId": "u", "channel": "c"}

    request = dialect.decode(json.dumps(fields).encode())

    assert request is not None
    assert (EventType.MESSAGE, "mirror", "", code, None) == (
        request.event_type,
        request.app_name,
        request.room_name,
        request.action,
        request.id,
    )
    assert Frame("m", "w", "u", "c") == Frame(**request.data)


def test_whatever_a_client_leaves_out_is_empty(dialect: MirrorDialect) -> None:
    request = dialect.decode(b'{"code":"channel.subscribe","more":[1]}')

    assert request is not None
    assert Frame() == Frame(**request.data)


@pytest.mark.parametrize(
    "message",
    [
        b"{}",
        b'{"message":"text\\n"}',
        b'{"code":""}',
        b'{"code":"channel.message"}',
        b'{"code":"registered.success"}',
        b'{"code":"on_connect"}',
        b'{"code":"Register.userId"}',
    ],
)
def test_an_unknown_code_asks_for_nothing(dialect: MirrorDialect, message: bytes) -> None:
    assert dialect.decode(message) is None


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"code":1}',
        b'{"code":"x","channel":null}',
        b'{"code":"channel.publish","message":"\\ud800"}',
        b"{}{}",
        b"\xef\xbb\xbf{}",
        b"[" * 100_000,
        b'{"x":' + b"[" * 100_000,
    ],
)
def test_what_cannot_be_read_is_refused_with_words(dialect: MirrorDialect, message: bytes) -> None:
    with pytest.raises(UnreadableRequest) as caught:
        dialect.decode(message)

    assert caught.value.message


def test_nothing_that_is_said_closes_a_connection() -> None:
    assert MirrorDialect.is_tolerant
