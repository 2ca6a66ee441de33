"""Tickets: tokens that are good once, and requests that run once."""

from __future__ import annotations

from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from goroom.errors import AlreadyDone
from goroom.limits import Limits
from goroom.messages import EventType, Push, Request
from goroom.tickets import StillHandled, Ticket, Tickets


def ticketed() -> tuple[Tickets, Any, Ticket]:
    ticket = Ticket(Limits())
    return Tickets(Random(1)), SimpleNamespace(ticket=ticket), ticket


def request(number: int) -> Request:
    return Request(EventType.MESSAGE, id=number)


def reply(number: int, body: bytes = b"{}") -> Push:
    return Push(EventType.MESSAGE, id=number, body=body)


def handle(ticket: Ticket, number: int, body: bytes = b"{}") -> None:
    ticket.begin(request(number))
    ticket.end(reply(number, body))


# -- tokens -----------------------------------------------------------------------------------


def test_a_token_has_256_bits_and_finds_its_link() -> None:
    tickets, link, ticket = ticketed()

    token = tickets.issue(link, ticket)

    assert 43 == len(token)
    assert link is tickets.find(token)


def test_only_a_hash_of_a_token_is_kept() -> None:
    tickets, link, ticket = ticketed()

    token = tickets.issue(link, ticket)

    kept = repr((vars(tickets), ticket.digest, ticket.used_digest, ticket.attempt))
    assert token not in kept
    assert b"\x00" * 32 != ticket.digest
    assert 32 == len(ticket.digest)


@pytest.mark.parametrize("token", ["", "x", "\u00e9", "A" * 43])
def test_a_token_that_was_never_given_finds_nothing(token: str) -> None:
    tickets, link, ticket = ticketed()
    tickets.issue(link, ticket)

    assert tickets.find(token) is None


def test_a_token_is_good_once() -> None:
    tickets, link, ticket = ticketed()
    first = tickets.issue(link, ticket)

    second = tickets.exchange(link, ticket, first, "")

    assert (None, link) == (tickets.find(first), tickets.find(second))
    assert 1 == len(tickets)


def test_the_attempt_whose_reply_was_lost_may_use_its_token_again() -> None:
    tickets, link, ticket = ticketed()
    first = tickets.issue(link, ticket)

    lost = tickets.exchange(link, ticket, first, "attempt-1")
    found = [tickets.find(first, attempt) for attempt in ("", "attempt-2", "attempt-1")]
    again = tickets.exchange(link, ticket, first, "attempt-1")

    assert [None, None, link] == found
    assert (None, link, link) == (
        tickets.find(lost),
        tickets.find(again),
        tickets.find(first, "attempt-1"),
    )


@pytest.mark.parametrize("how", ["frame", "token"])
def test_who_shows_that_it_has_the_new_token_has_used_up_the_old(how: str) -> None:
    tickets, link, ticket = ticketed()
    first = tickets.issue(link, ticket)
    second = tickets.exchange(link, ticket, first, "attempt")

    if how == "frame":
        tickets.confirm(ticket)
    else:
        tickets.exchange(link, ticket, second, "another")

    assert tickets.find(first, "attempt") is None


def test_a_void_ticket_has_no_token() -> None:
    tickets, link, ticket = ticketed()
    first = tickets.issue(link, ticket)
    second = tickets.exchange(link, ticket, first, "attempt")

    tickets.void(ticket)
    tickets.void(ticket)

    assert [None, None] == [tickets.find(first, "attempt"), tickets.find(second)]
    assert 0 == len(tickets)


# -- requests ---------------------------------------------------------------------------------


def test_a_request_that_is_new_has_no_reply() -> None:
    ticket = Ticket(Limits())

    assert [None, None] == [ticket.begin(request(1)), ticket.begin(request(7))]


def test_a_request_that_was_answered_has_its_reply() -> None:
    ticket = Ticket(Limits())
    handle(ticket, 1, b'{"sum":3}')

    again = ticket.begin(request(1))

    assert again is not None
    assert (1, b'{"sum":3}') == (again.id, again.body)


def test_a_request_is_not_begun_twice_while_it_is_handled() -> None:
    ticket = Ticket(Limits())
    ticket.begin(request(1))

    with pytest.raises(StillHandled):
        ticket.begin(request(1))


def test_who_waits_for_a_request_is_told_when_it_is_done() -> None:
    ticket = Ticket(Limits())
    for number in (1, 2, 3):
        ticket.begin(request(number))
    with pytest.raises(StillHandled) as answered:
        ticket.begin(request(1))
    with pytest.raises(StillHandled) as retracted:
        ticket.begin(request(2))
    with pytest.raises(StillHandled) as given_up:
        ticket.begin(request(3))
    waits = [one.value.done for one in (answered, retracted, given_up)]
    before = [done.is_set() for done in waits]

    ticket.end(reply(1))
    ticket.retract(request(2))
    ticket.give_up()

    assert [False] * 3 == before
    assert [True] * 3 == [done.is_set() for done in waits]
    assert [False, True, False] == [ticket.is_retracted(request(n)) for n in (1, 2, 3)]


def test_a_request_that_was_retracted_is_new_when_it_is_sent_again() -> None:
    ticket = Ticket(Limits())
    handle(ticket, 1)
    ticket.begin(request(2))
    ticket.retract(request(2))

    assert ticket.begin(request(2)) is None
    assert not ticket.is_retracted(request(2))
    with pytest.raises(StillHandled):
        ticket.begin(request(2))


@pytest.mark.parametrize("number", [0, 3, -1])
def test_a_request_that_was_passed_over_or_is_older_than_all_is_done(number: int) -> None:
    ticket = Ticket(Limits())
    handle(ticket, 1)
    handle(ticket, 5)

    with pytest.raises(AlreadyDone):
        ticket.begin(request(number))


def test_the_oldest_replies_are_forgotten_and_their_requests_never_run_again() -> None:
    ticket = Ticket(Limits(kept_replies=2))
    for number in (1, 2, 3):
        handle(ticket, number)

    with pytest.raises(AlreadyDone):
        ticket.begin(request(1))
    assert [2, 3] == [
        kept.id for kept in (ticket.begin(request(2)), ticket.begin(request(3))) if kept
    ]


def test_replies_are_bounded_by_their_bytes_too() -> None:
    ticket = Ticket(Limits(kept_reply_bytes=100))
    for number in (1, 2, 3):
        handle(ticket, number, b"x" * 40)

    with pytest.raises(AlreadyDone):
        ticket.begin(request(1))
    assert [2, 3] == [
        kept.id for kept in (ticket.begin(request(2)), ticket.begin(request(3))) if kept
    ]


def test_the_newest_reply_is_kept_however_large_it_is() -> None:
    ticket = Ticket(Limits(kept_reply_bytes=100))
    handle(ticket, 1)
    handle(ticket, 2, b"x" * 1000)

    kept = ticket.begin(request(2))
    assert kept is not None
    with pytest.raises(AlreadyDone):
        ticket.begin(request(1))


def test_a_reply_to_nothing_that_was_begun_is_not_kept() -> None:
    ticket = Ticket(Limits())
    ticket.end(reply(4))
    ticket.end(Push(EventType.MESSAGE))

    assert ticket.begin(request(4)) is None
