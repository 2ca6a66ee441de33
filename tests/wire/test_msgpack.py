"""msgpack: the short form in bytes, and nothing that JSON cannot say."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goroom import values
from goroom.errors import ErrorDescription
from goroom.messages import EventType, Push, Request
from goroom.wire.msgpack import MsgpackDialect
from goroom.wire.unreadable import UnreadableRequest

SAFE = 2**53 - 1
HEAD = b"\x82\xa9eventType\x0b\xa4data"
"""The beginning of a MESSAGE whose data follows."""

pack = msgspec.msgpack.encode
unpack = msgspec.msgpack.decode


def parts(request: Request) -> tuple[int, str, str, str, int | None, bytes]:
    return (
        request.event_type,
        request.app_name,
        request.room_name,
        request.action,
        request.id,
        request.body,
    )


def refusal(message: bytes) -> tuple[str, int | None]:
    with pytest.raises(UnreadableRequest) as caught:
        MsgpackDialect().decode(message)
    assert caught.value.message
    return caught.value.field, caught.value.id


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


# -- in ---------------------------------------------------------------------------------------


def test_every_key_of_a_frame_is_read() -> None:
    frame = pack(
        {
            "appName": "chess",
            "roomName": "hall",
            "eventType": 11,
            "action": "move",
            "id": 7,
            "data": {"square": 4},
            "sender": "forged",
        }
    )

    assert (11, "chess", "hall", "move", 7, b'{"square":4}') == parts(
        MsgpackDialect().decode(frame)
    )


@pytest.mark.parametrize("data", [{}, None])
def test_only_the_event_type_is_needed(data: object) -> None:
    frame = pack({"eventType": 11, "data": data, "id": None, "action": None})

    assert (11, "", "", "", None, b"{}") == parts(MsgpackDialect().decode(frame))


@pytest.mark.parametrize(
    "data",
    [
        {"a": [1, -1, SAFE, -SAFE, 0.5, True, False, None, "", "🎲", [], {}]},
        {"": {"deep": nested(30)}},
    ],
    ids=[1, 2],
)
def test_data_is_what_json_can_say(data: dict[str, Any]) -> None:
    request = MsgpackDialect().decode(pack({"eventType": 11, "data": data}))

    assert data == request.data


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        SAFE + 1,
        -SAFE - 1,
        2**64 - 1,
        b"bin",
        b"",
        msgspec.msgpack.Ext(5, b"x"),
        dt.datetime(2024, 1, 1, tzinfo=dt.UTC),
        {1: 1},
        {None: 1},
        {True: 1},
        {1.5: 1},
        {b"a": 1},
        {(1, 2): 1},
        nested(32),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_data_that_json_cannot_say_is_refused(value: object) -> None:
    frame = pack({"eventType": 11, "data": {"a": value}, "id": 7})

    assert ("data", 7) == refusal(frame)


def test_a_key_of_data_must_be_a_string() -> None:
    assert ("data", 7) == refusal(pack({"eventType": 11, "data": {1: 1}, "id": 7}))


@pytest.mark.parametrize(
    ("frame", "field", "number"),
    [
        (b"", "", None),
        (b"\xc1", "", None),
        (b"\xc0", "", None),
        (b'{"eventType":6}', "", None),
        (pack([]), "", None),
        (pack({}), "eventType", None),
        (pack({"id": 5}), "eventType", 5),
        (pack({"eventType": 6}) + b"x", "", None),
        (pack({"eventType": True, "id": 1}), "eventType", 1),
        (pack({"eventType": None, "id": 1}), "eventType", 1),
        (pack({"eventType": "6", "id": 1}), "eventType", 1),
        (pack({"eventType": 6.0, "id": 1}), "eventType", 1),
        (pack({"eventType": SAFE + 1, "id": 1}), "eventType", 1),
        (pack({"eventType": 2**64 - 1, "id": 1}), "eventType", 1),
        (pack({"eventType": 6, "id": True}), "id", None),
        (pack({"eventType": 6, "id": SAFE + 1}), "id", None),
        (pack({"eventType": 6, "appName": b"chess", "id": 1}), "appName", 1),
        (pack({"eventType": 6, "roomName": 1, "id": 1}), "roomName", 1),
        (pack({"eventType": 6, "action": [], "id": 1}), "action", 1),
        (pack({"eventType": 6, "data": [], "id": 1}), "data", 1),
        (pack({"eventType": 6, "data": "x", "id": 1}), "data", 1),
        (b"\x81\x80\x01", "", None),  # a map as a key of the frame
        (b"\x82\xa9eventType\x06\x01\x01", "", None),  # a number as a key of the frame
        (HEAD + b"\x81\x80\x01", "", None),  # a map as a key of data
        (HEAD + b"\x81\xc7\x00\xff\x01", "data", None),  # a broken timestamp as a key
        (HEAD + b"\x81\xa1a\xc7\x05\xff" + bytes(5), "data[...]", None),  # or as a value
        (HEAD + b"\x81\xa1a\xa1\xff", "", None),  # no UTF-8
        (HEAD + b"\x81\xa1a\xa3\xed\xa0\x80", "", None),  # a surrogate
        (HEAD + b"\x81\xa3\xed\xa0\x80\x01", "", None),
        (HEAD + b"\xdf\xff\xff\xff\xff", "", None),  # four billion keys announced
        (HEAD + b"\x81\xa1a\xdd\xff\xff\xff\xff", "", None),
        (HEAD + b"\x81\xa1a\xc6\xff\xff\xff\xff", "", None),
        (HEAD + b"\x81\xa1a" + b"\x91" * 100_000 + b"\x01", "", None),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_a_frame_that_cannot_be_read_names_field_and_id(
    frame: bytes, field: str, number: int | None
) -> None:
    assert (field, number) == refusal(frame)


@pytest.mark.parametrize("depth", range(100, 1100, 41))
def test_data_nested_too_deep_is_refused_at_any_depth(depth: int) -> None:
    assert refusal(HEAD + b"\x81\xa1a" + b"\x91" * depth + b"\x01")[1] is None


def test_a_key_given_twice_has_its_last_value() -> None:
    assert {"a": 2} == MsgpackDialect().decode(HEAD + b"\x82\xa1a\x01\xa1a\x02").data


@given(st.binary() | st.binary().map(lambda tail: HEAD + tail))
def test_whatever_comes_is_read_or_refused(message: bytes) -> None:
    try:
        request = MsgpackDialect().decode(message)
    except UnreadableRequest:
        return

    assert isinstance(request.data, dict)


# -- out --------------------------------------------------------------------------------------


def test_every_part_of_a_push_is_written() -> None:
    push = Push(
        EventType.MESSAGE,
        "chess",
        "hall",
        "moved",
        "ada",
        0,
        0,
        0,
        b'{"square":4}',
        500,
        ErrorDescription(26, "Not allowed", "locked", "x"),
    )

    assert {
        "eventType": 11,
        "appName": "chess",
        "roomName": "hall",
        "action": "moved",
        "sender": "ada",
        "seq": 0,
        "sub": 0,
        "id": 0,
        "data": {"square": 4},
        "code": 500,
        "error": {"code": 26, "message": "Not allowed", "reason": "locked", "field": "x"},
    } == unpack(MsgpackDialect().encode(push))


def test_what_is_at_its_default_is_left_out() -> None:
    assert {"eventType": 11} == unpack(MsgpackDialect().encode(Push(EventType.MESSAGE)))


def test_the_application_that_the_endpoint_is_bound_to_is_left_out() -> None:
    push = Push(EventType.MESSAGE, "chess")

    assert {"eventType": 11} == unpack(MsgpackDialect("chess").encode(push))
    assert {"eventType": 11, "appName": "chess"} == unpack(MsgpackDialect("go").encode(push))


def test_an_authors_bytes_are_base64_as_in_the_other_forms() -> None:
    push = Push(EventType.MESSAGE, body=values.encode({"raw": b"\xff\x00"}))

    assert {"raw": "/wA="} == unpack(MsgpackDialect().encode(push))["data"]


@pytest.mark.parametrize("value", [0, 1.5, "", False, [], [1, None], {"a": {}}], ids=repr)
def test_data_may_be_any_json_value(value: object) -> None:
    push = Push(EventType.MESSAGE, body=values.encode(value))

    assert value == unpack(MsgpackDialect().encode(push))["data"]


def test_a_client_asks_for_it_by_its_subprotocol() -> None:
    assert "goroom.msgpack" == MsgpackDialect.subprotocol


def test_a_message_is_one_binary_frame() -> None:
    push = Push(EventType.MESSAGE)
    payload = MsgpackDialect().encode(push)

    assert bytes((0x82, len(payload))) + payload == MsgpackDialect().frame(push)
