"""One transport: read, written, watched, and left with nothing behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from goroom.client import Heartbeat
from goroom.client.link import Link
from goroom.errors import ConnectionLost
from goroom.testing import Clock
from tests.client.conftest import WAIT_SECONDS, Wire, hold

PROBE = '{"eventType":3,"id":0}'


class Ends:
    """A link and what it received."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.received: list[str] = []
        self.probe = PROBE
        self.link = Link(wire, self.receive, lambda: self.probe, Heartbeat())
        self.running = asyncio.create_task(self.link.run())

    def receive(self, text: str) -> None:
        self.received.append(text)

    async def lost(self) -> tuple[int, str]:
        """Close the link once it is lost, and return why it was."""
        lost = await self.running
        await self.link.close()
        return lost.code, lost.reason


@pytest.fixture
async def ends(wire: Wire) -> AsyncIterator[Ends]:
    ends = Ends(wire)
    yield ends
    ends.running.cancel()
    await ends.link.close()


async def test_it_carries_frames_both_ways(ends: Ends) -> None:
    ends.link.write(PROBE)
    ends.wire.push_text("hello")
    await ends.wire.frame(0)
    ends.wire.lose(1001, "going away")

    assert (1001, "going away") == await ends.lost()
    assert ["hello"] == ends.received


async def test_it_is_finished_when_all_is_sent(ends: Ends) -> None:
    ends.link.write(PROBE)
    ends.link.write(PROBE)
    ends.link.finish()

    assert 1000 == (await ends.lost())[0]
    assert 2 == len(ends.wire.sent)
    assert (1000, "") == ends.wire.closed_with


async def test_what_comes_after_it_was_given_up_is_passed_over(ends: Ends) -> None:
    await asyncio.sleep(0)
    ends.link.lose(ConnectionLost(4003, "restarting"))
    ends.link.lose(ConnectionLost(1006))
    ends.wire.push_text("hello")

    assert (4003, "restarting") == await ends.lost()
    assert [] == ends.received


async def test_a_complaint_is_what_it_is_closed_with(ends: Ends) -> None:
    def refuse(_: str) -> None:
        raise ConnectionLost(1002, "unreadable")

    ends.link._receive = refuse
    ends.wire.push_text("hello")

    assert (1002, "unreadable") == await ends.lost()
    assert (1002, "unreadable") == ends.wire.closed_with


@pytest.mark.parametrize("method", ["send", "receive"])
async def test_a_fault_of_the_client_is_logged_and_a_complaint(
    ends: Ends, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    async def fail(*_arguments: Any) -> None:
        raise LookupError("ours")

    monkeypatch.setattr(ends.wire, method, fail)
    with capture_logs() as logs:
        ends.link.write(PROBE)
        ends.wire.push_text("hello")
        assert (1006, "the client failed") == await ends.lost()

    name = {"send": "client_writer_failed", "receive": "client_reader_failed"}[method]
    assert [name] == [entry["event"] for entry in logs]
    assert ends.link.complaint is not None


async def test_a_silent_server_is_asked_for_a_word_and_then_left(clock: Clock, ends: Ends) -> None:
    await clock.advance(14)
    ends.wire.push_text("hello")
    await clock.advance(14)
    assert [] == ends.wire.sent

    await clock.advance(1)
    assert [{"eventType": 3, "id": 0}] == ends.wire.sent
    await clock.advance(9)
    assert not ends.running.done()
    await clock.advance(1)

    assert (1006, "the server is silent") == await ends.lost()


async def test_a_server_that_answers_is_kept(clock: Clock, ends: Ends) -> None:
    for _ in range(4):
        await clock.advance(15)
        ends.wire.push_text("here")
    await clock.advance(14)

    assert (4, False) == (len(ends.wire.sent), ends.running.done())


async def test_a_link_is_kept_where_the_client_itself_was_held(clock: Clock, ends: Ends) -> None:
    await clock.advance(15)
    assert [{"eventType": 3, "id": 0}] == ends.wire.sent
    hold(clock, 60)
    await clock.settle()
    ends.wire.push_text("here")
    await clock.advance(15)

    assert (2, False) == (len(ends.wire.sent), ends.running.done())


async def test_a_word_that_is_there_when_the_time_is_over_keeps_the_link(
    clock: Clock, ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive = ends.wire.receive

    async def receive_from_afar() -> str:
        text = await receive()
        for _ in range(2):  # a socket hands on what has come
            await asyncio.sleep(0)
        return text

    monkeypatch.setattr(ends.wire, "receive", receive_from_afar)
    ends.wire.push_text("hello")
    await clock.advance(24.9)
    ends.wire.push_text("here")
    hold(clock, 1)
    await clock.settle()

    assert (["hello", "here"], False) == (ends.received, ends.running.done())


async def test_many_frames_at_once_leave_others_their_turn(ends: Ends) -> None:
    turns = []

    async def take_turns() -> None:
        while len(ends.received) < 200:
            turns.append(len(ends.received))
            await asyncio.sleep(0)

    for number in range(200):
        ends.wire.push_text(str(number))
    async with asyncio.timeout(WAIT_SECONDS):
        await take_turns()

    assert [50, 100, 150] == sorted({*turns} - {0})
    assert [str(number) for number in range(200)] == ends.received


async def test_where_nobody_is_logged_in_a_link_may_be_silent(clock: Clock, ends: Ends) -> None:
    ends.probe = ""
    await clock.advance(100)

    assert ([], False) == (ends.wire.sent, ends.running.done())


async def test_it_can_be_closed_before_it_runs(wire: Wire) -> None:
    unused: Callable[..., Any] = str
    await Link(wire, unused, unused, Heartbeat()).close()

    assert (1000, "") == wire.closed_with
