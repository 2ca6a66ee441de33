"""Refusals: what is echoed, and which code an error without one has."""

from __future__ import annotations

import pytest

from goroom import values
from goroom.errors import Refused, RoomFull
from goroom.messages import EventType, Request
from goroom.refusals import refusal, unasked_refusal


def test_a_refusal_echoes_the_request_and_adds_where_it_was() -> None:
    asked = Request(EventType.JOIN_ROOM, "app", room_name="hall", action="x", id=7, body=b'{"a":1}')

    push = refusal(asked, RoomFull(), "app")

    assert (EventType.JOIN_ROOM, "app", "hall", "x", 7, 500) == (
        push.event_type,
        push.app_name,
        push.room_name,
        push.action,
        push.id,
        push.code,
    )
    assert {"a": 1, "roomName": "hall", "appName": "app"} == values.decode(push.body)
    assert push.error is not None
    assert (20, "room_full") == (push.error.code, push.error.reason)


def test_data_that_cannot_be_read_is_not_echoed() -> None:
    push = refusal(Request(EventType.MESSAGE, "app", body=b"[1]"), Refused("no"), "app")

    assert {"roomName": "", "appName": "app"} == values.decode(push.body)


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (EventType.LOGIN, 3),
        (EventType.LOGOUT, 5),
        (EventType.DISCONNECTION, 11),
        (EventType.JOIN_ROOM, 12),
        (EventType.LEAVE_ROOM, 13),
        (EventType.MESSAGE, 26),
        (99, 26),
    ],
)
def test_an_error_without_a_code_has_that_of_its_event(event: int, code: int) -> None:
    asked = refusal(Request(event), Refused("no"), "app")
    chosen = refusal(Request(event), Refused("no"), "app", code=26)

    assert asked.error is not None
    assert chosen.error is not None
    assert (code, 26) == (asked.error.code, chosen.error.code)


def test_what_nobody_asked_for_has_no_id() -> None:
    push = unasked_refusal(EventType.JOIN_ROOM, Refused("not now"), "app", "hall")

    assert push.error is not None
    assert (None, 12, "not now", "hall") == (
        push.id,
        push.error.code,
        push.error.message,
        push.room_name,
    )
    assert {"roomName": "hall", "appName": "app"} == values.decode(push.body)
