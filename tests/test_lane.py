"""Lane: one thing at a time, in order of arrival; who waits can be turned away."""

from __future__ import annotations

import pytest

from goroom.errors import Refused
from goroom.lane import Lane
from goroom.messages import EventType, Request
from tests.effects import Note, lane


@pytest.fixture
def hall() -> Lane:
    return lane()


@pytest.fixture
def said() -> list[str]:
    return []


async def test_a_lane_is_handed_over_in_order_of_arrival(hall: Lane, said: list[str]) -> None:
    hall.is_taken = True
    first = hall.wait(None)
    hall.apply(Note(said, "between"))
    hall.queue(lambda: said.append("queued"))
    last = hall.wait(None)
    waiting = hall.waiting

    hall.release()
    after_first = (first.done(), list(said), last.done())
    hall.release()
    after_queued = (list(said), last.done())
    hall.release()

    assert 4 == waiting
    assert (True, [], False) == after_first
    assert (["seal between", "release between", "queued"], False) == after_queued
    assert (True, True, 0) == (last.done(), hall.is_taken, hall.waiting)
    hall.release()
    assert not hall.is_taken


def test_an_idle_lane_applies_at_once_and_stays_idle(hall: Lane, said: list[str]) -> None:
    hall.apply(Note(said, "a", is_released=False))

    assert (["seal a"], False) == (said, hall.is_taken)


def test_an_idle_lane_starts_work_at_once(hall: Lane, said: list[str]) -> None:
    hall.queue(lambda: said.append("started"))

    assert (["started"], True) == (said, hall.is_taken)


def test_what_a_send_from_outside_causes_comes_behind_what_waits(
    hall: Lane, said: list[str]
) -> None:
    hall.is_taken = True
    third = Note(said, "third")
    hall.apply(Note(said, "first", then=lambda: hall.apply(third)))
    hall.apply(Note(said, "second"))

    hall.release()

    assert ["first", "second", "third"] == [line[5:] for line in said if line.startswith("seal")]
    assert not hall.is_taken


async def test_who_no_longer_waits_is_passed_over(hall: Lane) -> None:
    hall.is_taken = True
    gone, there = hall.wait(None), hall.wait(None)

    gone.cancel()
    hall.release()

    assert there.done()
    assert hall.is_taken


async def test_all_who_wait_can_be_turned_away_but_not_the_servers_own_work(
    hall: Lane, said: list[str]
) -> None:
    hall.is_taken = True
    error = Refused("closed")
    waiting = [hall.wait(None), hall.wait(Request(EventType.MESSAGE)), hall.wait(None)]
    waiting[2].cancel()
    hall.apply(Note(said, "send"))
    hall.queue(lambda: said.append("leave"))

    hall.turn_away(error)
    hall.release()

    assert [error, error] == [future.exception() for future in waiting[:2]]
    assert ["seal send", "release send", "leave"] == said


async def test_requests_alone_can_be_turned_away(hall: Lane) -> None:
    hall.is_taken = True
    ours, request = hall.wait(None), hall.wait(Request(EventType.MESSAGE))
    error = Refused("stopping")

    hall.turn_away(error, requests_only=True)
    hall.release()

    assert ours.result() is None
    assert request.exception() is error


async def test_who_waits_is_turned_away_once_though_a_send_does_it(
    hall: Lane, said: list[str]
) -> None:
    """A send that waited in line may end the room: who waits behind it must not be lost."""
    hall.is_taken = True
    hall.apply(Note(said, "close", then=lambda: hall.turn_away(Refused("closed"))))
    behind = hall.wait(None)
    hall.queue(lambda: said.append("leave"))

    hall.release()

    assert isinstance(behind.exception(), Refused)
    assert ["seal close", "release close", "leave"] == said
    assert hall.is_taken
    hall.release()
    assert (False, 0) == (hall.is_taken, hall.waiting)
    assert "leave" == said[-1]
    assert 1 == said.count("leave")
