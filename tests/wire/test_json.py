"""JSON: goroomserver's form to the letter, and the short form."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goroom import values
from goroom.errors import ErrorDescription
from goroom.messages import EventType, Push, Request
from goroom.wire.json import JsonDialect, ShortJsonDialect
from goroom.wire.unreadable import UnreadableRequest

SAFE = 2**53 - 1


@pytest.fixture(params=[JsonDialect, ShortJsonDialect])
def dialect(request: pytest.FixtureRequest) -> JsonDialect:
    kind: type[JsonDialect] = request.param
    return kind()


def parts(request: Request) -> tuple[int, str, str, str, int | None, bytes]:
    return (
        request.event_type,
        request.app_name,
        request.room_name,
        request.action,
        request.id,
        request.body,
    )


def refusal(dialect: JsonDialect, message: bytes) -> tuple[str, int | None]:
    with pytest.raises(UnreadableRequest) as caught:
        dialect.decode(message)
    assert "Traceback" not in caught.value.message
    assert caught.value.message
    return caught.value.field, caught.value.id


# -- in ---------------------------------------------------------------------------------------


def test_goroomservers_own_login_is_read(dialect: JsonDialect) -> None:
    frame = b'{"appName":"test","roomName":"","eventType":6,"data":{"username":"prateek"}}'

    assert (6, "test", "", "", None, b'{"username":"prateek"}') == parts(dialect.decode(frame))


def test_every_key_of_a_frame_is_read(dialect: JsonDialect) -> None:
    frame = (
        b'{"id":7,"action":"move","eventType":11,"roomName":"hall","appName":"chess",'
        b'"data":{"square":4}}'
    )

    assert (11, "chess", "hall", "move", 7, b'{"square":4}') == parts(dialect.decode(frame))


@pytest.mark.parametrize(
    "frame",
    [
        b'{"eventType":11}',
        b' \n{ "eventType" : 11 } ',
        b'{"eventType":11,"appName":null,"roomName":null,"action":null,"id":null,"data":null}',
        b'{"eventType":11,"data":{}}',
        b'{"eventType":11,"sender":"forged","Connection":{"RemoteAddress":"x"},"seq":5}',
        b'{"eventType":10,"eventType":11}',
        b'{"eventType":11,"EventType":10,"event_type":10}',
    ],
)
def test_only_the_event_type_is_needed(dialect: JsonDialect, frame: bytes) -> None:
    assert (11, "", "", "", None, b"{}") == parts(dialect.decode(frame))


def test_data_stays_as_it_came(dialect: JsonDialect) -> None:
    request = dialect.decode(b'{"eventType":11,"data": \n {"b" : 1,"a":2,"b":3} ,"id":1}')

    assert b'{"b" : 1,"a":2,"b":3}' == request.body
    assert {"a": 2, "b": 3} == request.data


@pytest.mark.parametrize("number", [0, -1, 99, SAFE, -SAFE])
def test_any_event_type_is_read_for_others_to_judge(dialect: JsonDialect, number: int) -> None:
    assert number == dialect.decode(b'{"eventType":%d}' % number).event_type


@pytest.mark.parametrize(
    ("frame", "field", "number"),
    [
        (b"", "", None),
        (b" ", "", None),
        (b"nonsense", "", None),
        (b"null", "", None),
        (b'"eventType"', "", None),
        (b"[]", "", None),
        (b'[{"eventType":6}]', "", None),
        (b"{", "", None),
        (b"{}", "eventType", None),
        (b'{"id":5}', "eventType", 5),
        (b'{"eventType":6}x', "", None),
        (b'{"eventType":6}{"eventType":6}', "", None),
        (b'\xef\xbb\xbf{"eventType":6}', "", None),
        (b"{'eventType':6}", "", None),
        (b'{"eventType":NaN}', "", None),
        (b'{"eventType":true,"id":1}', "eventType", 1),
        (b'{"eventType":null,"id":1}', "eventType", 1),
        (b'{"eventType":"6","id":1}', "eventType", 1),
        (b'{"eventType":6.0,"id":1}', "eventType", 1),
        (b'{"eventType":[6],"id":1}', "eventType", 1),
        (b'{"eventType":9007199254740992,"id":1}', "eventType", 1),
        (b'{"eventType":99999999999999999999999,"id":1}', "eventType", 1),
        (b'{"eventType":6,"id":true}', "id", None),
        (b'{"eventType":6,"id":"1"}', "id", None),
        (b'{"eventType":6,"id":1.0}', "id", None),
        (b'{"eventType":6,"id":9007199254740992}', "id", None),
        (b'{"eventType":6,"id":-9007199254740992}', "id", None),
        (b'{"eventType":6,"appName":1,"id":2}', "appName", 2),
        (b'{"eventType":6,"roomName":[],"id":2}', "roomName", 2),
        (b'{"eventType":6,"action":{},"id":2}', "action", 2),
        (b'{"eventType":6,"action":"\\ud800","id":2}', "", None),
        (b'{"eventType":6,"action":"\xff","id":2}', "", None),
        (b'{"eventType":6,"action":"\xed\xa0\x80","id":2}', "", None),
        (b'{"eventType":6,"data":[],"id":2}', "data", 2),
        (b'{"eventType":6,"data":"x","id":2}', "data", 2),
        (b'{"eventType":6,"data":0,"id":2}', "data", 2),
        (b'{"eventType":6,"data":nul,"id":2}', "", None),
        (b'{"eventType":6,"data":{"a":' + b"[" * 100_000, "", None),
        (b'{"eventType":6,"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "", None),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_a_frame_that_cannot_be_read_names_field_and_id(
    dialect: JsonDialect, frame: bytes, field: str, number: int | None
) -> None:
    assert (field, number) == refusal(dialect, frame)


def test_half_a_surrogate_pair_in_a_frame_is_named(dialect: JsonDialect) -> None:
    with pytest.raises(UnreadableRequest, match=r"^a lone surrogate is no text$"):
        dialect.decode(b'{"eventType":6,"action":"\\ud800","id":2}')


@given(st.binary())
def test_whatever_comes_is_read_or_refused(message: bytes) -> None:
    for dialect in (JsonDialect(), ShortJsonDialect()):
        try:
            dialect.decode(message)
        except UnreadableRequest:
            continue


# -- out --------------------------------------------------------------------------------------


def test_success_in_the_full_form_is_goroomservers() -> None:
    push = Push(EventType.LOGIN, body=b'{"appName":"test","userName":"ann"}')

    assert (
        b'{"eventType":6,"data":{"appName":"test","userName":"ann"},"code":200,'
        b'"error":{"code":0,"message":""}}'
    ) == JsonDialect().encode(push)


def test_an_error_in_the_full_form_is_goroomservers_with_a_reason() -> None:
    push = Push(
        EventType.LOGIN,
        body=b'{"appName":"","roomName":""}',
        code=500,
        error=ErrorDescription.of(1),
    )

    assert {
        "eventType": 6,
        "data": {"appName": "", "roomName": ""},
        "code": 500,
        "error": {
            "code": 1,
            "message": "App name is invalid",
            "reason": "unknown_application",
        },
    } == json.loads(JsonDialect().encode(push))


def test_an_error_names_its_field_where_it_has_one() -> None:
    push = Push(EventType.MESSAGE, error=ErrorDescription(1001, "No", "", "moves[1].square"))

    assert {"code": 1001, "message": "No", "field": "moves[1].square"} == json.loads(
        ShortJsonDialect().encode(push)
    )["error"]


WHOLE = Push(
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
WHOLE_MAP: dict[str, Any] = {
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
}


def test_every_part_of_a_push_is_written(dialect: JsonDialect) -> None:
    assert WHOLE_MAP == json.loads(dialect.encode(WHOLE))


def test_the_short_form_leaves_out_what_is_at_its_default() -> None:
    assert b'{"eventType":11}' == ShortJsonDialect().encode(Push(EventType.MESSAGE))


def test_the_full_form_always_has_its_four_keys() -> None:
    assert (
        b'{"eventType":11,"data":{},"code":200,"error":{"code":0,"message":""}}'
    ) == JsonDialect().encode(Push(EventType.MESSAGE))


def test_the_short_form_leaves_out_the_application_that_its_endpoint_is_bound_to() -> None:
    bound, free = ShortJsonDialect("chess"), ShortJsonDialect()
    push = Push(EventType.MESSAGE, "chess")

    assert b'{"eventType":11}' == bound.encode(push)
    assert b'{"eventType":11,"appName":"chess"}' == free.encode(push)
    assert b'{"eventType":11,"appName":"go"}' == bound.encode(Push(EventType.MESSAGE, "go"))


def test_the_full_form_names_the_application_on_every_endpoint() -> None:
    assert "chess" == json.loads(JsonDialect("chess").encode(WHOLE))["appName"]


@pytest.mark.parametrize("value", [0, 1.5, "", "text", False, [], [1, None]], ids=repr)
def test_data_may_be_any_json_value(dialect: JsonDialect, value: object) -> None:
    push = Push(EventType.MESSAGE, body=values.encode(value))

    assert value == json.loads(dialect.encode(push))["data"]


def test_the_full_form_is_for_those_who_ask_for_nothing() -> None:
    assert (None, "goroom.json") == (JsonDialect.subprotocol, ShortJsonDialect.subprotocol)


def test_a_message_is_one_text_frame(dialect: JsonDialect) -> None:
    push = Push(EventType.MESSAGE)
    payload = dialect.encode(push)

    assert bytes((0x81, len(payload))) + payload == dialect.frame(push)
