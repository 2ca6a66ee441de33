"""Triggers: one event after the other, to every listener."""

from __future__ import annotations

from goroom_extensions.mesh import MeshEvent, Trigger
from goroom_extensions.mesh.triggers import Triggers
from structlog.testing import capture_logs

CREATED = MeshEvent(Trigger.ROOM_CREATED, "den")
DELETED = MeshEvent(Trigger.ROOM_DELETED, "den")


def test_the_triggers_that_the_seed_names_have_its_names() -> None:
    assert ("client-joined-room", "client-left-room") == (
        Trigger.CLIENT_JOINED,
        Trigger.CLIENT_LEFT,
    )
    assert 6 == len(Trigger)


def test_an_event_inside_another_is_told_behind_it_to_all() -> None:
    triggers = Triggers()
    heard = []

    def causes_another(event: MeshEvent) -> None:
        heard.append(("first", event.trigger))
        if event is CREATED:
            triggers.fire(DELETED)

    triggers.listen(causes_another)
    triggers.listen(lambda event: heard.append(("second", event.trigger)))
    triggers.fire(CREATED)

    assert [
        ("first", Trigger.ROOM_CREATED),
        ("second", Trigger.ROOM_CREATED),
        ("first", Trigger.ROOM_DELETED),
        ("second", Trigger.ROOM_DELETED),
    ] == heard


def test_a_chain_of_events_does_not_recurse() -> None:
    triggers = Triggers()
    heard = []

    def goes_on(event: MeshEvent) -> None:
        heard.append(event)
        if len(heard) < 5000:
            triggers.fire(event)

    triggers.listen(goes_on)
    triggers.fire(CREATED)

    assert 5000 == len(heard)


def test_a_listener_that_fails_is_logged_and_the_others_are_told() -> None:
    triggers = Triggers()
    heard = []
    triggers.listen(lambda _: 1 / 0)
    triggers.listen(heard.append)
    with capture_logs() as logs:
        triggers.fire(CREATED)
        triggers.fire(DELETED)

    assert [CREATED, DELETED] == heard
    assert [("listener_failed", "room-created"), ("listener_failed", "room-deleted")] == [
        (log["event"], log["trigger"]) for log in logs
    ]


def test_who_ignores_events_is_told_nothing_more() -> None:
    triggers = Triggers()
    heard: list[MeshEvent] = []
    triggers.listen(heard.append)
    triggers.fire(CREATED)
    triggers.ignore(heard.append)
    triggers.ignore(heard.append)
    triggers.fire(DELETED)

    assert [CREATED] == heard
