"""Tolerance: bad requests counted in a span, or forgiven and logged."""

from __future__ import annotations

from structlog.testing import capture_logs

from goroom.errors import ErrorDescription
from goroom.tolerance import SPAN_SECONDS, Tolerance

BAD = ErrorDescription(21, "data must be an object", "bad_request", "data")
NOT_IN_ROOM = ErrorDescription(9, "User is not available in the room", "not_in_room")


def _tolerance(*, is_unlimited: bool = False) -> Tolerance:
    return Tolerance(3, {"connection": "c"}, is_unlimited=is_unlimited)


def test_the_third_bad_request_in_the_span_is_one_too_many() -> None:
    tolerance = _tolerance()

    assert [False, False, True] == [tolerance.note(BAD, now) for now in (0.0, 1.0, 2.0)]


def test_bad_requests_are_forgotten_when_the_span_is_over() -> None:
    tolerance = _tolerance()
    moments = (0.0, 1.0, SPAN_SECONDS, SPAN_SECONDS + 1, SPAN_SECONDS + 2)

    assert [False, False, False, False, True] == [tolerance.note(BAD, now) for now in moments]


def test_refusals_that_are_no_bad_requests_do_not_count() -> None:
    tolerance = _tolerance()

    assert not any(tolerance.note(NOT_IN_ROOM, 0.0) for _ in range(10))


def test_a_handler_that_failed_is_not_logged_again() -> None:
    with capture_logs() as log:
        _tolerance(is_unlimited=True).note(ErrorDescription(500, "Server Error", "error"), 0.0)

    assert [] == log


def test_where_none_is_too_many_the_first_few_of_each_span_are_logged() -> None:
    tolerance = _tolerance(is_unlimited=True)
    with capture_logs() as log:
        noted = [tolerance.note(error, now) for now in (0.0, 100.0) for error in [NOT_IN_ROOM] * 5]

    assert not any(noted)
    assert [9] * 6 == [line["code"] for line in log]
    assert {"request_refused"} == {line["event"] for line in log}
