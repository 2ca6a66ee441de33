"""The broadcaster's frames: what is read, what is written, and what there is no word for."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from goroom_extensions.broadcaster import BroadcasterDialect, TextBroadcasterDialect
from hypothesis import given, strategies

from goroom import BadRequest, EventType, Push, UnreadableRequest

DIALECT = BroadcasterDialect("echo")


class Head(BroadcasterDialect):
    has_event_type = True


class Silent(BroadcasterDialect):
    has_plain_events = False


class Named(BroadcasterDialect):
    actions = {1: "say", 2: "said"}  # noqa: RUF012 -- never changed


def said(data: object, *, action: str = "1", **keys: Any) -> Push:
    body = json.dumps(data).encode()
    return Push(EventType.MESSAGE, "echo", "broadcaster", action, "ann", body=body, **keys)


def written(push: Push, dialect: BroadcasterDialect = DIALECT) -> dict[str, Any]:
    frame = dialect.encode(push)
    assert frame is not None
    value: dict[str, Any] = json.loads(frame)
    return value


# -- reading -------------------------------------------------------------------------------------


def test_a_message_names_the_room_the_number_and_the_body() -> None:
    request = DIALECT.decode(b'{"SenderID":"me","HandlerID":1,"Body":"aGk="}')

    assert (EventType.MESSAGE, "echo") == (request.event_type, request.app_name)
    assert ("broadcaster", "1", None) == (request.room_name, request.action, request.id)
    assert {"Body": "aGk="} == request.data


@pytest.mark.parametrize(
    ("frame", "data"),
    [
        ('{"HandlerID":1}', {"Body": None}),
        ('{"HandlerID":1,"Body":null}', {"Body": None}),
        ('{"HandlerID":1,"Body":""}', {"Body": ""}),
        ('{"HandlerID":1,"Body":"aG\\nk=\\r\\n"}', {"Body": "aGk="}),
    ],
)
def test_a_missing_body_is_null_and_an_empty_one_is_empty(frame: str, data: object) -> None:
    assert data == DIALECT.decode(frame.encode()).data


@pytest.mark.parametrize(
    "frame", ['{"handlerid":5,"BODY":"aGk="}', '{"HandlerID":4,"handlerID":5,"body":"aGk="}']
)
def test_keys_are_read_whatever_their_case_as_go_reads_them(frame: str) -> None:
    request = DIALECT.decode(frame.encode())

    assert ("5", {"Body": "aGk="}) == (request.action, request.data)


@pytest.mark.parametrize("frame", ["{}", '{"HandlerID":null}', '{"Body":"aGk="}'])
def test_a_missing_number_is_zero_as_in_go(frame: str) -> None:
    assert "0" == DIALECT.decode(frame.encode()).action


@pytest.mark.parametrize(
    ("frame", "field"),
    [
        ("", ""),
        ("hello", ""),
        ("[1]", ""),
        ("null", ""),
        ('"HandlerID"', ""),
        ('{"HandlerID":1', ""),
        ('{"HandlerID":1}{', ""),
        ('{"HandlerID":NaN}', ""),
        ("[" * 100_000, ""),
        ('{"Body":"\\ud800"}', ""),
        ('{"HandlerID":"1"}', "HandlerID"),
        ('{"HandlerID":1.0}', "HandlerID"),
        ('{"HandlerID":true}', "HandlerID"),
        ('{"HandlerID":[]}', "HandlerID"),
        ('{"HandlerID":9223372036854775808}', "HandlerID"),
        ('{"HandlerID":1,"SenderID":1}', "SenderID"),
        ('{"HandlerID":1,"Body":"aGk"}', "Body"),
        ('{"HandlerID":1,"Body":"a-_="}', "Body"),
        ('{"HandlerID":1,"Body":"!"}', "Body"),
        ('{"HandlerID":1,"Body":{}}', "Body"),
    ],
)
def test_what_cannot_be_read_is_said_and_never_half_read(frame: str, field: str) -> None:
    with pytest.raises(UnreadableRequest) as caught:
        DIALECT.decode(frame.encode())

    assert field == caught.value.field


@pytest.mark.parametrize("number", [0, 1, -1, 2**63 - 1, -(2**63)])
def test_each_number_has_an_action_and_the_action_its_number(number: int) -> None:
    assert str(number) == DIALECT.to_action(number)
    assert number == DIALECT.to_handler_id(str(number))


@pytest.mark.parametrize("action", ["", "say", "01", "+1", "-", "--1", "1.0", "²", "9" * 5000])
def test_an_action_that_is_no_number_has_none(action: str) -> None:
    assert DIALECT.to_handler_id(action) is None


def test_actions_may_have_names_of_their_own() -> None:
    named = Named("echo")

    assert ["say", "said", "3"] == [named.to_action(number) for number in (1, 2, 3)]
    assert [1, 2, 3] == [named.to_handler_id(action) for action in ("say", "said", "3")]


def test_two_numbers_for_one_action_are_refused_at_once() -> None:
    class Double(BroadcasterDialect):
        actions = {1: "say", 2: "say"}  # noqa: RUF012 -- never changed

    with pytest.raises(TypeError, match="two numbers for one action"):
        Double("echo")


# -- writing -------------------------------------------------------------------------------------


def test_a_response_has_the_seeds_bytes() -> None:
    assert (
        b'{"SenderID":"ann","HandlerID":1,"CastType":1,"CastFor":null,"Body":"aGk="}'
        == DIALECT.encode(said({"Body": "aGk="}))
    )


def test_the_newer_form_has_an_event_type_after_the_sender() -> None:
    frame = Head("echo").encode(said({"Body": None}))

    expected = (
        b'{"SenderID":"ann","EventType":0,"HandlerID":1,"CastType":1,"CastFor":null,"Body":null}'
    )
    assert expected == frame


def test_what_stands_beside_the_body_says_for_whom_it_is() -> None:
    push = said({"Body": "", "CastType": 3, "CastFor": ["bob"]})

    assert {"CastType": 3, "CastFor": ["bob"], "Body": ""}.items() <= written(push).items()


@pytest.mark.parametrize("cast", ["3", True, None, 3.5])
def test_a_cast_that_another_tongue_makes_up_counts_for_nothing(cast: object) -> None:
    push = said({"Body": "", "CastType": cast, "CastFor": 1})

    assert {"CastType": 1, "CastFor": None}.items() <= written(push).items()


def test_names_that_another_tongue_makes_up_count_for_nothing() -> None:
    push = said({"Body": "", "CastType": 3, "CastFor": ["bob", 1]})

    assert {"CastType": 3, "CastFor": None}.items() <= written(push).items()


def test_what_is_for_one_alone_is_exclusive() -> None:
    frame = written(said({"Body": None}, receiver="bob"))

    assert {"CastType": 3, "CastFor": ["bob"]}.items() <= frame.items()


@pytest.mark.parametrize(
    ("data", "body"),
    [
        ({"text": "hi"}, "eyJ0ZXh0IjoiaGkifQ=="),  # {"text":"hi"}
        ([1], "WzFd"),  # [1]
        ({}, None),
        ({"Body": "no base64!"}, None),
        ({"Body": 5}, None),
    ],
)
def test_what_other_tongues_say_comes_as_json_in_the_body(data: object, body: object) -> None:
    frame = written(said(data, action="hello"))

    assert {"SenderID": "ann", "HandlerID": 0, "Body": body}.items() <= frame.items()


def test_joining_and_leaving_are_plain_events_of_the_seeds_form() -> None:
    joined = Push(EventType.JOIN_ROOM, "echo", "broadcaster", sender="bob")
    own = Push(EventType.JOIN_ROOM, "echo", "broadcaster", receiver="bob")
    left = Push(EventType.LEAVE_ROOM, "echo", "broadcaster", sender="bob")

    assert b'{"EventType":1,"ClientID":"bob"}' == DIALECT.encode(joined)
    assert b'{"EventType":1,"ClientID":"bob"}' == DIALECT.encode(own)
    assert b'{"EventType":2,"ClientID":"bob"}' == DIALECT.encode(left)
    for dialect in (Head("echo"), Silent("echo")):
        assert [None] * 3 == [dialect.encode(push) for push in (joined, own, left)]


@pytest.mark.parametrize(
    ("action", "number"), [("client_added", 1), ("client_deleted", 2), ("1", 0)]
)
def test_responses_of_event_handlers_say_which_event_it_was(action: str, number: int) -> None:
    push = said({"Body": "aGk="}, action=action)

    assert number == written(push, Head("echo"))["EventType"]
    assert {"1": 1}.get(action, 0) == written(push)["HandlerID"]
    assert "EventType" not in written(push)


@pytest.mark.parametrize("event", [event for event in EventType if event != EventType.MESSAGE])
def test_there_is_no_word_for_anything_else(event: EventType) -> None:
    elsewhere = Push(event, "echo", "another room", sender="bob")
    unsigned = Push(event, "echo", "broadcaster")

    assert [None, None] == [DIALECT.encode(push) for push in (elsewhere, unsigned)]


# -- text ----------------------------------------------------------------------------------------


def test_text_goes_both_ways_between_base64_and_utf8() -> None:
    dialect = TextBroadcasterDialect("echo")
    request = dialect.decode(b'{"HandlerID":1,"Body":"8J+OsiBow6k="}')

    assert {"text": "🎲 hé"} == request.data
    assert "8J+OsiBow6k=" == written(said({"text": "🎲 hé"}), dialect)["Body"]


def test_text_that_is_missing_is_null() -> None:
    dialect = TextBroadcasterDialect("echo")

    assert {"text": None} == dialect.decode(b'{"HandlerID":1}').data
    assert written(said({"text": None}), dialect)["Body"] is None


def test_a_body_that_is_no_text_cannot_be_read() -> None:
    with pytest.raises(UnreadableRequest, match="UTF-8"):
        TextBroadcasterDialect("echo").decode(b'{"HandlerID":1,"Body":"/w=="}')


@pytest.mark.parametrize(("data", "body"), [({"text": 5}, "eyJ0ZXh0Ijo1fQ=="), ({}, None)])
def test_what_has_no_text_comes_as_without_it(data: object, body: object) -> None:
    assert body == written(said(data), TextBroadcasterDialect("echo"))["Body"]


def test_a_body_that_is_no_base64_is_refused_where_a_handler_would_read_it() -> None:
    with pytest.raises(BadRequest, match="base64"):
        DIALECT.to_body("1", {"Body": "no base64!"})


# -- anything ------------------------------------------------------------------------------------

VALUES = strategies.recursive(
    strategies.none()
    | strategies.booleans()
    | strategies.integers(-(2**70), 2**70)
    | strategies.floats(allow_nan=False, allow_infinity=False)
    | strategies.text(max_size=8)
    | strategies.binary(max_size=8).map(lambda body: base64.b64encode(body).decode()),
    lambda inner: (
        strategies.lists(inner, max_size=3)
        | strategies.dictionaries(strategies.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=5,
)
KEYS = strategies.sampled_from(["SenderID", "HandlerID", "Body", "handlerid", "text", "CastType"])


@given(strategies.binary() | strategies.dictionaries(KEYS, VALUES).map(json.dumps).map(str.encode))
def test_whatever_comes_is_read_or_refused_as_unreadable(message: bytes) -> None:
    for dialect in (DIALECT, TextBroadcasterDialect("echo")):
        try:
            request = dialect.decode(message)
        except UnreadableRequest:
            continue
        assert str(dialect.to_handler_id(request.action)) == request.action
        assert isinstance(request.data, dict)


@given(VALUES | strategies.dictionaries(KEYS | strategies.just("CastFor"), VALUES), KEYS)
def test_whatever_others_say_can_be_written(data: object, action: str) -> None:
    for dialect in (DIALECT, Head("echo"), TextBroadcasterDialect("echo")):
        frame = written(said(data, action=action), dialect)

        assert ["SenderID", "HandlerID", "CastType", "CastFor", "Body"] == [
            key for key in frame if key != "EventType"
        ]


@given(strategies.binary() | strategies.none(), strategies.integers(-(2**63), 2**63 - 1))
def test_a_message_comes_back_as_it_was_said(body: bytes | None, handler_id: int) -> None:
    text = None if body is None else base64.b64encode(body).decode()
    request = DIALECT.decode(json.dumps({"HandlerID": handler_id, "Body": text}).encode())
    frame = written(said(dict(request.data), action=request.action))

    assert (handler_id, text) == (frame["HandlerID"], frame["Body"])
