"""The client's half of the wire."""

from __future__ import annotations

import math

import attrs
import msgspec
import pytest

from goroom.client.frames import Frame, Place, written
from goroom.errors import PayloadError
from goroom.messages import EventType


@attrs.frozen
class Move:
    square: int


def test_a_frame_leaves_out_what_is_not_given() -> None:
    text = written(EventType.MESSAGE, appName="test", roomName="", action="look", data=None)

    assert {"eventType": 11, "appName": "test", "action": "look"} == msgspec.json.decode(text)


def test_data_may_be_an_attrs_instance() -> None:
    text = written(EventType.MESSAGE, data=Move(4), id=1)

    assert {"eventType": 11, "data": {"square": 4}, "id": 1} == msgspec.json.decode(text)


def test_data_that_no_peer_can_read_is_refused_at_once() -> None:
    with pytest.raises(PayloadError):
        written(EventType.MESSAGE, data={"angle": math.nan})


def test_what_a_frame_leaves_out_is_at_its_default() -> None:
    frame = Frame.read('{"eventType":11}')

    assert (11, "", "", {}, 200, None) == (
        frame.event_type,
        frame.app_name,
        frame.sender,
        frame.data,
        frame.code,
        frame.refusal(),
    )


def test_unknown_keys_are_passed_over() -> None:
    assert 4 == Frame.read('{"eventType":4,"colour":"red"}').event_type


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", "{", '{"data":{}}', '{"eventType":"11"}', '{"eventType":11,"seq":"1"}'],
)
def test_what_is_no_frame_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 -- msgspec's words are not ours to hold
        Frame.read(text)


def test_a_frame_nested_without_end_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="nested too deep"):
        Frame.read('{"eventType":11,"data":' + "[" * 100_000)


def test_the_data_of_an_event_of_goroom_must_be_an_object() -> None:
    with pytest.raises(ValueError, match="the data of event 4 is no object"):
        _ = Frame.read('{"eventType":4,"data":[]}').details


def test_an_error_is_read_as_a_refusal() -> None:
    text = (
        '{"eventType":11,"data":{"square":9},"code":500,'
        '"error":{"code":21,"message":"too big","reason":"bad_request","field":"square"}}'
    )

    refused = Frame.read(text).refusal()

    assert refused is not None
    assert (21, "bad_request", "too big", "square", {"square": 9}) == (
        refused.code,
        refused.reason,
        refused.message,
        refused.field,
        refused.data,
    )


@pytest.mark.parametrize(
    ("seq", "sub", "is_newer"),
    [
        (5, None, True),
        (4, 3, True),
        (4, 2, False),
        (4, None, False),
        (3, 9, False),
        (None, None, True),
    ],
)
def test_a_place_advances_to_newer_events_only(
    seq: int | None, sub: int | None, *, is_newer: bool
) -> None:
    place = Place("e", 4, 2)

    assert is_newer == place.advance(Frame(11, seq=seq, sub=sub))
    assert Place("e", seq, sub or 0) == place if is_newer and seq else Place("e", 4, 2) == place
