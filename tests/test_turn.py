"""Turn: effects together or not at all, lanes in order, waiting downwards only."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from goroom.errors import Busy, Disconnect, HandlerFailed, Refused, RoomFull, TimedOut, TurnOver
from goroom.lane import Lane, Level
from goroom.limits import Limits
from goroom.turn import EndingTurn, State, Turn, check_waiting, current, perform, turn_var
from tests.effects import Note, lane

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def running(turn: Turn) -> Iterator[Turn]:
    token = turn_var.set(turn)
    yield turn
    turn_var.reset(token)


@pytest.fixture
def hall() -> Lane:
    return lane()


@pytest.fixture
def said() -> list[str]:
    return []


# -- the turn ---------------------------------------------------------------------------------


def test_a_turn_seals_all_its_effects_before_it_releases_the_first(
    hall: Lane, said: list[str]
) -> None:
    turn = Turn(hall, "move")
    for name in "abc":
        turn.add(Note(said, name, hall if name == "b" else None, is_released=name != "b"))

    turn.succeed(None)

    assert ["seal a", "seal b", "seal c", "release a", "release c"] == said


def test_a_turn_that_succeeds_keeps_its_result_and_commits_once(
    hall: Lane, said: list[str]
) -> None:
    turn = Turn(hall, "move")
    turn.add(Note(said, "a"))

    turn.succeed({"won": True})

    assert ({"won": True}, None, State.COMMITTED) == (turn.result, turn.error, turn.state)
    assert ["seal a", "release a"] == said


def test_a_turn_without_effects_commits_too(hall: Lane) -> None:
    turn = Turn(hall, "move")

    turn.succeed(1)

    assert (State.COMMITTED, 1) == (turn.state, turn.result)


def test_an_effect_elsewhere_is_sealed_in_its_own_lane_in_the_order_of_releases(
    hall: Lane, said: list[str]
) -> None:
    other, busy = lane(room="other"), lane(room="busy")
    busy.is_taken = True
    turn = Turn(hall, "move")
    for name, where in (("a", hall), ("b", other), ("c", busy), ("d", hall)):
        turn.add(Note(said, name, where))

    turn.succeed(None)
    at_once = list(said)
    busy.release()

    assert ["seal a", "seal d", "release a", "seal b", "release b", "release d"] == at_once
    assert ["seal c", "release c"] == said[len(at_once) :]


def test_what_a_release_does_is_outside_its_turn(hall: Lane, said: list[str]) -> None:
    other = lane(room="other")
    turn = Turn(hall, "move")
    late = Note(said, "late", other)
    turn.add(Note(said, "a", hall, then=lambda: perform(late)))

    with running(turn):
        turn.succeed(None)

    assert ["seal a", "release a", "seal late", "release late"] == said


@pytest.mark.parametrize("error", [Refused("No"), RoomFull(), Disconnect(4503, "banned")])
def test_a_refusal_drops_all_effects_and_is_no_failure(
    hall: Lane, said: list[str], error: Exception
) -> None:
    turn = Turn(hall, "move")
    turn.add(Note(said, "a"))

    with capture_logs() as logs:
        turn.fail(error)

    assert ([], [], error, State.DROPPED) == (said, logs, turn.error, turn.state)


@pytest.mark.parametrize(
    "error", [ValueError("secret"), SystemExit(1), asyncio.CancelledError(), GeneratorExit()]
)
def test_anything_else_drops_all_effects_and_is_logged(
    hall: Lane, said: list[str], error: BaseException
) -> None:
    turn = Turn(hall, "Chess.move")
    turn.add(Note(said, "a"))

    with capture_logs() as logs:
        turn.fail(error)

    assert isinstance(turn.error, HandlerFailed)
    assert ([], State.DROPPED) == (said, turn.state)
    assert [
        {
            "event": "handler_failed",
            "log_level": "error",
            "handler": "Chess.move",
            "exc_info": error,
            "application": "chess",
            "room": "hall",
        }
    ] == logs


def test_a_turn_out_of_time_drops_all_effects_and_is_logged_once(
    hall: Lane, said: list[str]
) -> None:
    turn = Turn(hall, "Chess.move")
    turn.add(Note(said, "a"))

    with capture_logs() as logs:
        turn.expire()
        turn.expire()
        turn.fail(ValueError("after its time"))

    assert isinstance(turn.error, TimedOut)
    assert ([], State.EXPIRED) == (said, turn.state)
    assert [
        {
            "event": "handler_timed_out",
            "log_level": "warning",
            "handler": "Chess.move",
            "application": "chess",
            "room": "hall",
        }
    ] == logs


def test_a_cancelled_turn_drops_all_effects_and_is_nobodys_failure(
    hall: Lane, said: list[str]
) -> None:
    turn = Turn(hall, "move")
    turn.add(Note(said, "a"))

    with capture_logs() as logs:
        turn.cancel()

    assert ([], [], None, State.DROPPED) == (said, logs, turn.error, turn.state)


def test_a_turn_out_of_time_stays_so_when_it_is_cancelled(hall: Lane) -> None:
    turns = [Turn(hall, "move"), EndingTurn(hall, "on_leave")]

    for turn in turns:
        turn.expire()
        turn.cancel()

    assert [State.EXPIRED] * 2 == [turn.state for turn in turns]


# -- the ending turn --------------------------------------------------------------------------


def test_an_ending_commits_first(hall: Lane, said: list[str]) -> None:
    turn = EndingTurn(hall, "on_leave")
    turn.begin(Note(said, "leave"), is_refusable=True)
    turn.add(Note(said, "farewell"))

    turn.succeed(None)

    assert ["seal leave", "seal farewell", "release leave", "release farewell"] == said


def test_a_refusal_that_counts_keeps_the_ending_from_happening(hall: Lane, said: list[str]) -> None:
    turn = EndingTurn(hall, "on_leave")
    turn.begin(Note(said, "leave"), is_refusable=True)
    refusal = Refused("Stay")

    turn.fail(refusal)

    assert ([], refusal, State.DROPPED) == (said, turn.error, turn.state)


@pytest.mark.parametrize(
    ("error", "is_refusable"), [(Refused("Stay"), False), (ValueError(), False), (KeyError(), True)]
)
def test_an_ending_happens_whatever_else_its_handler_raises(
    hall: Lane, said: list[str], error: Exception, *, is_refusable: bool
) -> None:
    turn = EndingTurn(hall, "on_leave")
    turn.begin(Note(said, "leave"), is_refusable=is_refusable)
    turn.add(Note(said, "farewell"))

    turn.fail(error)

    assert ["seal leave", "release leave"] == said
    assert (None, State.COMMITTED) == (turn.error, turn.state)


def test_an_ending_happens_though_its_handler_runs_out_of_time(hall: Lane, said: list[str]) -> None:
    turn = EndingTurn(hall, "on_leave")
    turn.begin(Note(said, "leave"), is_refusable=True)
    turn.add(Note(said, "farewell"))

    turn.expire()
    turn.expire()
    turn.fail(asyncio.CancelledError())

    assert ["seal leave", "release leave"] == said
    assert (None, State.EXPIRED) == (turn.error, turn.state)


def test_an_ending_happens_though_its_handler_is_cancelled(hall: Lane, said: list[str]) -> None:
    turn = EndingTurn(hall, "on_leave")
    turn.begin(Note(said, "leave"), is_refusable=True)
    turn.add(Note(said, "farewell"))

    turn.cancel()

    assert (["seal leave", "release leave"], State.COMMITTED) == (said, turn.state)


@pytest.mark.parametrize("end", [lambda turn: turn.fail(Busy()), lambda turn: turn.expire()])
def test_an_ending_that_has_not_begun_does_not_happen(
    hall: Lane, end: Callable[[Turn], None]
) -> None:
    turn = EndingTurn(hall, "on_leave")

    end(turn)

    assert isinstance(turn.error, Busy | TimedOut)


# -- where code belongs -----------------------------------------------------------------------


def test_code_of_no_turn_does_things_now(hall: Lane, said: list[str]) -> None:
    perform(Note(said, "anywhere"))
    perform(Note(said, "in the hall", hall))

    assert current() is None
    assert [
        "seal anywhere",
        "release anywhere",
        "seal in the hall",
        "release in the hall",
    ] == said


def test_code_of_a_turn_does_things_with_its_commit(hall: Lane, said: list[str]) -> None:
    with running(Turn(hall, "move")) as turn:
        perform(Note(said, "a", hall))
        perform(Note(said, "b"))
        assert current() is turn

    before = list(said)
    turn.succeed(None)

    assert [] == before
    assert ["seal a", "seal b", "release a", "release b"] == said


@pytest.mark.parametrize("end", [lambda turn: turn.succeed(None), lambda turn: turn.fail(Busy())])
def test_code_that_outlives_its_turn_sends_from_outside(
    hall: Lane, said: list[str], end: Callable[[Turn], None]
) -> None:
    hall.is_taken = True
    with running(Turn(hall, "move")) as turn:
        end(turn)
        perform(Note(said, "late", hall))
        assert current() is None

    before = list(said)
    hall.release()

    assert [] == before
    assert ["seal late", "release late"] == said


def test_code_of_a_turn_out_of_time_cannot_send(hall: Lane, said: list[str]) -> None:
    with running(Turn(hall, "Chess.move")) as turn:
        turn.expire()

        with pytest.raises(TurnOver, match=r"Chess\.move ran into its time limit"):
            perform(Note(said, "late", hall))

    assert [] == said


# -- waiting ----------------------------------------------------------------------------------


def test_waiting_goes_from_connections_to_users_to_rooms() -> None:
    assert ["CONNECTION", "USER", "ROOM"] == [level.name for level in sorted(Level)]


@pytest.mark.parametrize("is_busy", [False, True])
@pytest.mark.parametrize("there", Level)
@pytest.mark.parametrize("here", Level)
def test_a_turn_waits_downwards_only(here: Level, there: Level, *, is_busy: bool) -> None:
    """Whether or not the other is busy: what may deadlock fails on the first try."""
    other = lane(there, application="chess", room="other")
    other.is_taken = is_busy

    with running(Turn(lane(here), "Chess.move")):
        if here < there:
            check_waiting(other)
            return
        with pytest.raises(RuntimeError) as caught:
            check_waiting(other)

    assert (
        "Chess.move runs in a turn of application 'chess' room 'hall' and may not wait for "
        "application 'chess' room 'other': use user.move_to(room), or do it in a task of your own"
    ) == str(caught.value)


def test_a_lane_without_labels_is_named_by_its_level() -> None:
    nameless = Lane(Level.USER, None, {}, Limits())

    with (
        running(Turn(nameless, "on_login")),
        pytest.raises(RuntimeError, match="in a turn of USER and may not wait for USER"),
    ):
        check_waiting(nameless)


def test_code_of_no_turn_may_wait_for_anything(hall: Lane) -> None:
    check_waiting(hall)
    with running(Turn(hall, "move")) as turn:
        turn.succeed(None)

        check_waiting(hall)


def test_a_turn_out_of_time_waits_for_nothing_more(hall: Lane) -> None:
    """Its lane is still taken by itself: it would wait for ever."""
    with running(Turn(hall, "Chess.move")) as turn:
        turn.expire()

        with pytest.raises(TurnOver, match=r"Chess\.move ran into its time limit"):
            check_waiting(lane(room="other"))


def test_a_call_at_the_commit_comes_in_the_order_of_what_is_sent() -> None:
    said: list[str] = []
    turn = Turn(lane(), "Chess.move")
    turn.on_commit(lambda: said.append("one"))
    turn.on_commit(lambda: said.append("two"))
    turn.succeed(None)
    dropped = Turn(lane(), "Chess.move")
    dropped.on_commit(lambda: said.append("never"))
    dropped.fail(Refused())

    assert ["one", "two"] == said


def test_a_call_at_the_commit_that_raises_is_logged_and_the_rest_takes_effect() -> None:
    said: list[str] = []
    turn = Turn(lane(), "Chess.move")
    turn.on_commit(lambda: {}["missing"])
    turn.on_commit(lambda: said.append("two"))
    with capture_logs() as log:
        turn.succeed(None)

    assert ["two"] == said
    assert ["commit_call_failed"] == [line["event"] for line in log]
