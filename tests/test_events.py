"""Events: no client can name one."""

from __future__ import annotations

import pytest

from goroom.events import Event, LeaveReason


@pytest.mark.parametrize("event", Event)
def test_no_string_of_a_client_equals_an_event(event: Event) -> None:
    assert event.value != event
    assert event.value not in {event: "handler"}


def test_there_is_an_event_for_each_hook() -> None:
    assert {
        "connect",
        "login",
        "logout",
        "join",
        "leave",
        "message",
        "drop",
        "resume",
        "close",
        "disconnect",
    } == {event.value for event in Event}


def test_reasons_go_over_the_wire_as_they_are_written() -> None:
    assert [
        "left",
        "logged_out",
        "disconnected",
        "kicked",
        "moved",
        "replaced",
        "room_closed",
        "shutdown",
    ] == list(LeaveReason)
