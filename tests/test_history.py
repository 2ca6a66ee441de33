"""History: what is kept for members who come back, and how far it reaches."""

from __future__ import annotations

import pytest

from goroom.history import PRESENCES_PER_FOLLOWER, RECORD_BYTES, History, Ring
from goroom.limits import Limits
from goroom.messages import EventType, Push


def event(seq: int, sub: int | None = None, body: bytes = b"{}") -> Push:
    return Push(EventType.MESSAGE, action=f"{seq}.{sub or 0}", seq=seq, sub=sub, body=body)


def filled(limits: Limits, *, seconds: float = 0.0, body: bytes = b"{}") -> History:
    """Return what ann follows: 1, 2, ... 5, one each *seconds*."""
    history = History(limits, (0, 0))
    history.follow("ann", (0, 0))
    for seq in range(1, 6):
        history.keep_shared(event(seq, body=body), now=seq * seconds)
    return history


def places(history: History, who: str, place: tuple[int, int], now: float = 0.0) -> object:
    missed = history.missed(who, place, now)
    return None if missed is None else [record[:2] for record in missed]


def test_who_missed_nothing_gets_nothing() -> None:
    assert [] == places(filled(Limits()), "ann", (5, 0))


def test_what_came_after_a_place_is_missed_in_order() -> None:
    history = filled(Limits())
    history.keep_private(event(5, 1), ["ann", "bob"], 0.0)
    history.keep_private(event(5, 2), ["bob"], 0.0)
    history.keep_shared(event(6), 0.0)

    assert [(4, 0), (5, 0), (5, 1), (6, 0)] == places(history, "ann", (3, 0))
    assert [(5, 1), (6, 0)] == places(history, "ann", (5, 0))
    assert [(6, 0)] == places(history, "ann", (5, 1))


def test_a_record_holds_all_that_a_frame_needs() -> None:
    history = History(Limits(), (0, 0))
    history.follow("ann", (0, 0))
    push = Push(EventType.MESSAGE, "app", "room", "moved", "bob", seq=1, body=b'{"x":1}')

    history.keep_shared(push, now=7.0)

    assert [(1, 0, 7.0, 11, "moved", "bob", b'{"x":1}')] == history.missed("ann", (0, 0), 7.0)


def test_who_does_not_follow_misses_shared_events_only() -> None:
    history = filled(Limits())
    history.keep_private(event(5, 1), ["ann"], 0.0)

    assert [(5, 0)] == places(history, "a spectator", (4, 0))


@pytest.mark.parametrize(
    ("limits", "body"),
    [
        (Limits(history_events=3), b"{}"),
        (Limits(history_bytes=3 * (RECORD_BYTES + 100)), b"x" * 100),
    ],
    ids=["by count", "by bytes"],
)
def test_the_oldest_go_where_there_are_too_many(limits: Limits, body: bytes) -> None:
    history = filled(limits, body=body)

    assert [(3, 0), (4, 0), (5, 0)] == places(history, "ann", (2, 0))
    assert places(history, "ann", (1, 0)) is None


def test_the_oldest_go_by_age_also_where_nothing_new_comes() -> None:
    history = filled(Limits(history_seconds=10.0), seconds=1.0)

    assert [(1, 0), (2, 0), (3, 0), (4, 0), (5, 0)] == places(history, "ann", (0, 0), now=11.0)
    assert [(3, 0), (4, 0), (5, 0)] == places(history, "ann", (2, 0), now=12.5)
    assert places(history, "ann", (1, 0), now=12.5) is None


def test_private_events_push_out_none_that_are_shared() -> None:
    history = filled(Limits(history_events=5))
    for sub in range(1, 20):
        history.keep_private(event(5, sub), ["ann"], 0.0)

    assert [(1, 0), (2, 0), (3, 0), (4, 0), (5, 0)] == places(history, "bob", (0, 0))
    assert places(history, "ann", (5, 13)) is None
    assert [(5, sub) for sub in range(15, 20)] == places(history, "ann", (5, 14))


def presence(seq: int) -> Push:
    return Push(EventType.MEMBER_AWAY, sender="bob", seq=seq)


def test_who_goes_and_comes_back_pushes_out_nothing_that_was_said() -> None:
    history = filled(Limits(history_events=5))
    for follower in range(24):
        history.follow(follower, (5, 0))
    for seq in range(6, 6 + 25 * PRESENCES_PER_FOLLOWER):
        history.keep_shared(presence(seq), 0.0)

    missed = history.missed("ann", (0, 0), 0.0)

    assert 5 + 25 * PRESENCES_PER_FOLLOWER == len(missed or ())


def test_comings_and_goings_without_an_end_are_bounded_all_the_same() -> None:
    history = filled(Limits(history_events=5))
    for seq in range(6, 100):
        history.keep_shared(presence(seq), 0.0)

    assert places(history, "ann", (88, 0)) is None
    assert 10 == len(history.missed("ann", (89, 0), 0.0) or ())


def test_a_follower_is_owed_nothing_from_before_it_followed() -> None:
    history = filled(Limits())
    history.follow("bob", (5, 0))

    assert [] == places(history, "bob", (5, 0))
    assert places(history, "bob", (4, 0)) is None


def test_following_twice_keeps_what_was_kept() -> None:
    history = History(Limits(), (0, 0))
    history.follow("ann", (0, 0))
    history.keep_private(event(0, 1), ["ann"], 0.0)

    history.follow("ann", (0, 0))

    assert [(0, 1)] == places(history, "ann", (0, 0))


def test_it_is_of_no_use_when_nobody_follows_any_more() -> None:
    history = filled(Limits())

    before = bool(history)
    history.unfollow("ann")
    history.unfollow("ann")

    assert (True, False) == (before, bool(history))


def test_a_ring_counts_the_bytes_that_it_holds() -> None:
    ring = Ring(Limits(history_bytes=2 * RECORD_BYTES + 8), (0, 0))
    for seq in range(1, 50):
        ring.keep((seq, 0, 0.0, 11, "", "", b"1234"))

    assert [48, 49] == [record[0] for record in ring.after((0, 0))]
    assert (47, 0) == ring.reaches_back_to
