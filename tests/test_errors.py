"""Errors: goroomserver's numbers and texts, and what a client is told."""

from __future__ import annotations

import inspect

import pytest

from goroom import errors
from goroom.errors import (
    ERROR_REASONS,
    ERROR_TEXTS,
    FIRST_AUTHOR_CODE,
    ConnectionLost,
    Disconnect,
    ErrorDescription,
    GoroomError,
    HandlerFailed,
    PayloadError,
    Refused,
    RequestRefused,
    RoomFull,
    Stopping,
    TurnOver,
)

GOROOMSERVER = {
    1: "App name is invalid",
    2: "User unavailable in app",
    3: "User login error",
    4: "User already logged in to app",
    5: "User logout error",
    6: "Room name provided is invalid",
    7: "Room does not exist in app",
    8: "User has already joined the room",
    9: "User is not available in the room",
    10: "Invalid event provided",
    11: "There is an error with disconnection",
    12: "There is an error while joining room",
    13: "There is an error leaving the room",
    500: "Server Error",
}

ALL = [
    value
    for value in vars(errors).values()
    if inspect.isclass(value) and issubclass(value, GoroomError)
]
REFUSALS = [kind for kind in ALL if issubclass(kind, Refused) and kind.code is not None]


class IllegalMove(Refused):
    code, reason = 1001, "illegal_move"


def seen(description: ErrorDescription) -> tuple[int, str, str, str]:
    return description.code, description.message, description.reason, description.field


@pytest.mark.parametrize("code", GOROOMSERVER)
def test_goroomservers_errors_keep_their_number_and_text(code: int) -> None:
    assert GOROOMSERVER[code] == ERROR_TEXTS[code]


def test_every_code_has_a_text_and_a_reason_of_its_own() -> None:
    assert ERROR_TEXTS.keys() == ERROR_REASONS.keys()
    assert len(ERROR_REASONS) == len(set(ERROR_REASONS.values()))
    assert len(ERROR_TEXTS) == len(set(ERROR_TEXTS.values()))


def test_our_codes_stay_below_those_of_authors() -> None:
    assert max(ERROR_TEXTS) < FIRST_AUTHOR_CODE


@pytest.mark.parametrize("kind", ALL)
def test_the_tree_in_the_docstring_shows_every_error(kind: type[GoroomError]) -> None:
    assert f" {kind.__name__} " in f"{errors.__doc__} ".replace("\n", " ")


@pytest.mark.parametrize("kind", REFUSALS)
def test_a_refusal_has_the_reason_of_its_code(kind: type[Refused]) -> None:
    assert kind.code is not None
    assert ERROR_REASONS[kind.code] == kind.reason


def test_no_two_refusals_share_a_code() -> None:
    codes = [kind.code for kind in REFUSALS]

    assert len(codes) == len(set(codes))


def test_a_refusal_without_anything_takes_code_text_and_reason_of_its_event() -> None:
    assert (12, ERROR_TEXTS[12], "join_refused", "") == seen(Refused().described(12))


def test_a_refusal_with_a_message_keeps_the_code_of_its_event() -> None:
    assert (3, "Wrong password", "login_refused", "") == seen(
        Refused("Wrong password").described(3)
    )


def test_a_refusal_of_ours_keeps_its_code_whatever_the_event() -> None:
    assert (20, "Room is full", "room_full", "") == seen(RoomFull().described(12))


def test_an_authors_refusal_says_what_its_class_and_its_call_say() -> None:
    refusal = IllegalMove("That square is taken", field="square")

    assert (1001, "That square is taken", "illegal_move", "square") == seen(refusal.described(26))


def test_an_authors_code_without_a_text_has_none() -> None:
    assert (1001, "", "illegal_move", "") == seen(IllegalMove().described(26))


def test_code_and_reason_of_a_call_win_over_those_of_the_class() -> None:
    refusal = IllegalMove("Too late", code=1002, reason="too_late")

    assert (1002, "Too late", "too_late", "") == seen(refusal.described(26))
    assert (1001, "illegal_move") == (IllegalMove.code, IllegalMove.reason)


def test_a_refusal_prints_its_message() -> None:
    assert "That square is taken" == str(IllegalMove("That square is taken"))


def test_a_failed_handler_tells_no_detail() -> None:
    assert (500, "Server Error", "server_error", "") == seen(HandlerFailed().described(26))


def test_a_description_can_be_made_of_a_code_alone() -> None:
    assert (21, "Bad request", "bad_request", "id") == seen(ErrorDescription.of(21, "id"))


def test_stopping_has_no_code_for_nobody_is_answered() -> None:
    assert Stopping.code is None


@pytest.mark.parametrize("code", [4000, 4499, 4500, 4999])
def test_a_disconnect_takes_an_applications_close_code(code: int) -> None:
    disconnect = Disconnect(code, "banned")

    assert (code, "banned") == (disconnect.code, disconnect.message)


@pytest.mark.parametrize("code", [0, 1000, 1011, 3999, 5000])
def test_a_disconnect_refuses_any_other_code(code: int) -> None:
    with pytest.raises(ValueError, match=f"a close code is 4000-4999, not {code}"):
        Disconnect(code)


def test_a_disconnect_refuses_a_message_that_is_no_text() -> None:
    with pytest.raises(TypeError, match="a message is text, not None"):
        Disconnect(4500, None)  # type: ignore[arg-type]


def test_errors_of_values_and_states_are_pythons_own_too() -> None:
    assert issubclass(PayloadError, ValueError)
    assert issubclass(TurnOver, RuntimeError)


def test_a_refused_request_says_all_that_the_server_said() -> None:
    refused = RequestRefused(
        1001, "Taken", reason="illegal_move", field="square", data={"roomName": "a"}
    )

    assert "1001 illegal_move: Taken" == str(refused)
    assert (1001, "Taken", "illegal_move", "square", {"roomName": "a"}) == (
        refused.code,
        refused.message,
        refused.reason,
        refused.field,
        refused.data,
    )


def test_a_refused_request_without_data_has_an_empty_map() -> None:
    assert {} == RequestRefused(26).data


@pytest.mark.parametrize(
    ("lost", "text"),
    [
        (ConnectionLost(4010, "slow_consumer"), "the connection is closed (4010 slow_consumer)"),
        (ConnectionLost(1006), "the connection is closed (1006)"),
    ],
)
def test_a_lost_connection_says_how_it_ended(lost: ConnectionLost, text: str) -> None:
    assert text == str(lost)
