"""Messages: event numbers, and requests as the client's untrusted word."""

from __future__ import annotations

import pytest

from goroom.errors import BadRequest
from goroom.messages import EventType, Push, Request

GOROOMSERVER = {
    1: "Connection",
    2: "Disconnection",
    3: "Join App",
    4: "Join Room",
    5: "Leave Room",
    6: "Login",
    7: "Logout",
    8: "Reconnect",
    9: "Subscribe",
    10: "Unsubscribe",
    11: "Message",
    12: "Room Add",
    13: "Room Remove",
}


@pytest.mark.parametrize("number", GOROOMSERVER)
def test_goroomservers_events_keep_their_number_and_text(number: int) -> None:
    assert GOROOMSERVER[number] == EventType(number).text


def test_our_events_have_numbers_and_texts_of_their_own() -> None:
    assert {20: "Room Update", 21: "Member Away", 22: "Member Back"} == {
        event.value: event.text for event in EventType if event.value not in GOROOMSERVER
    }


def test_data_is_decoded_once() -> None:
    request = Request(EventType.MESSAGE, body=b'{"a":1}')

    assert {"a": 1} == request.data
    assert request.data is request.data


def test_absent_data_is_empty() -> None:
    assert {} == Request(EventType.MESSAGE).data


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"a":1e400}', b'{"a":9007199254740992}'])
def test_data_that_cannot_be_read_is_refused_each_time(body: bytes) -> None:
    request = Request(EventType.MESSAGE, body=body)

    for _ in range(2):
        with pytest.raises(BadRequest, match="data cannot be read") as caught:
            _ = request.data

        assert "data" == caught.value.field


def test_the_text_at_a_key_is_returned() -> None:
    assert "hall" == Request(EventType.JOIN_ROOM, body=b'{"roomName":"hall"}').text("roomName")


@pytest.mark.parametrize("body", [b"{}", b'{"roomName":null}'])
def test_a_missing_text_is_empty(body: bytes) -> None:
    assert "" == Request(EventType.JOIN_ROOM, body=body).text("roomName")


@pytest.mark.parametrize("value", [b"1", b"0", b"true", b"false", b"[]", b"{}", b"1.5"])
def test_a_text_of_another_type_is_refused_by_its_field(value: bytes) -> None:
    request = Request(EventType.JOIN_ROOM, body=b'{"roomName":%s}' % value)

    with pytest.raises(BadRequest, match="roomName must be a string") as caught:
        request.text("roomName")

    assert "roomName" == caught.value.field


def test_a_request_cannot_be_given_what_it_does_not_have() -> None:
    with pytest.raises(AttributeError):
        Request(EventType.MESSAGE).connection = "forged"  # type: ignore[attr-defined]


def test_a_push_reports_success_with_empty_data_unless_told_otherwise() -> None:
    push = Push(EventType.MESSAGE)

    assert (200, b"{}", None, None, None) == (
        push.code,
        push.body,
        push.error,
        push.seq,
        push.id,
    )
