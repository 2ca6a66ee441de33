"""Resuming: one link is lost at every frame in turn, and its view is as if it never was."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from goroom.messages import EventType
from goroom.testing import Stage
from tests.properties.clients import Client
from tests.properties.runs import AllOf, Run, Script, play
from tests.properties.test_lanes import LanesCheck
from tests.properties.test_ledger import LedgerCheck
from tests.properties.test_view import ViewCheck
from tests.properties.world import LONG_HISTORY, SHORT_HISTORY, make_server, noted

TRAVELLER = 0
"""The client whose link is lost."""

LIVELY: Script = [
    ("advance", 0.1),
    ("join", 0, "plain"),
    ("join", 1, "plain"),
    ("advance", 0.1),
    ("join", 0, "slow"),
    ("join", 2, "slow"),
    ("advance", 0.1),
    ("message", 0, "plain", "say", 0.1),
    ("message", 0, "plain", "fail", 0),
    ("message", 1, "plain", "say", 0.1),
    ("advance", 0.25),
    ("show", "plain", "a"),
    ("outside", "plain"),
    ("message", 0, "plain", "say", 0),
    ("message", 2, "slow", "say", 0.4),
    ("advance", 0.25),
    ("drop", 2, None),
    ("watch", 0, "picky"),
    ("outside", "picky"),
    ("advance", 0.25),
    ("resume", 2, None),
    ("message", 1, "plain", "say", 0),
    ("message", 1, "plain", "say", 0),
    ("leave", 0, "plain"),
    ("advance", 0.25),
    ("join", 0, "plain"),
    ("outside", "picky"),
    ("message", 0, "plain", "say", 0.1),
    ("show", "plain", None),
    ("advance", 0.25),
]

Manner = Callable[["Traveller"], None]


class Traveller:
    """
    Loses its link after a number of frames, once, and comes back in some *manner*.

    Args:
        client: It.
        manner: What to do when the link is lost.
    """

    def __init__(self, client: Client, manner: Manner) -> None:
        self.client = client
        self.waits = 0
        """After how many operations it comes back; 0: by itself."""
        self._manner = manner
        self._tasks: list[asyncio.Task[None]] = []

    def lose_link_after(self, frames: int) -> None:
        self.client.cut_after(frames, lambda: self._manner(self))

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(work))

    async def note_operation(self) -> None:
        if self.waits:
            self.waits -= 1
            if not self.waits:
                await self.client.resume()

    async def arrive(self) -> None:
        self.waits = 0
        await asyncio.gather(*self._tasks)


def at_once(traveller: Traveller) -> None:
    traveller.client.cut()
    traveller.spawn(traveller.client.resume())


def later(traveller: Traveller) -> None:
    traveller.client.cut()
    traveller.waits = 3


def over_an_open_link(traveller: Traveller) -> None:
    traveller.spawn(traveller.client.resume())


def lost_again(frames: int) -> Manner:
    """Return the manner of who is lost again when so many frames have come on coming back."""

    async def resume_twice(client: Client) -> None:
        await client.resume(frames)
        if client.may_resume:
            await client.resume()

    def lose_again(traveller: Traveller) -> None:
        traveller.client.cut()
        traveller.spawn(resume_twice(traveller.client))

    return lose_again


class Journey:
    """Performs a script with one traveller."""

    def __init__(self, manner: Manner, history_events: int) -> None:
        self._manner = manner
        self._history_events = history_events
        self.resets: list[str] = []

    async def play(self, frames: int) -> int:
        """Lose the link after so many frames; return how many the traveller received in all."""
        check = AllOf(ViewCheck(), LanesCheck(), LedgerCheck())
        with noted():
            async with Stage(make_server(1, "refuse", self._history_events)) as stage:
                run = Run(stage, "refuse", self._history_events)
                await run.open()
                await stage.settle()
                client = run.now[TRAVELLER]
                traveller = Traveller(client, self._manner)
                traveller.lose_link_after(frames)
                for operation in LIVELY:
                    await run.perform(operation)
                    await traveller.note_operation()
                    check.step(run)
                await traveller.arrive()
                await run.do_steal(TRAVELLER)
                await run.finish()
                assert client.is_connected
                assert sorted(client.viewer.open) == ["", "picky", "plain", "slow"]
                self._check_resets(client.viewer.resets)
                received = len(client.frames)
                await check.end(run)
        return received

    def _check_resets(self, resets: list[str]) -> None:
        self.resets += resets
        if self._history_events == LONG_HISTORY:
            assert set(resets) <= {"kicked"}, "only of the room whose LEAVE was not answered"

    async def play_all(self) -> None:
        """Lose the link after each frame in turn."""
        frames, total = 0, 1
        while frames < total:
            total = await self.play(frames)
            frames += 1
        assert frames > len(LIVELY)


MANNERS: dict[str, Manner] = {
    "at once": at_once,
    "later": later,
    "over an open link": over_an_open_link,
    "reply lost": lost_again(0),
    "cut after the reply": lost_again(1),
    "cut again": lost_again(3),
}


@pytest.mark.parametrize("manner", MANNERS)
async def test_a_link_lost_at_any_frame_loses_and_doubles_nothing(manner: str) -> None:
    journey = Journey(MANNERS[manner], LONG_HISTORY)

    await journey.play_all()


async def test_where_the_history_is_short_a_reset_tells_of_each_gap() -> None:
    journey = Journey(later, SHORT_HISTORY)
    await journey.play_all()

    assert "history" in journey.resets


KICKED_UNHEARD: Script = [
    ("advance", 0.1),
    ("drop", 0, 0),
    ("join", 0, "plain"),
    ("join", 1, "plain"),
    ("advance", 0.1),
    ("message", 1, "plain", "kick", 0),
    ("advance", 0.1),
    ("resume", 0, None),
]
"""The reply to a join is lost, and the member is kicked while it is away."""

OVERTAKEN: Script = [
    ("advance", 0.1),
    ("join", 0, "slow"),
    ("advance", 0.1),
    ("drop", 0, None),
    ("message", 0, "slow", "say", 0),
    ("resume", 0, None),
    ("advance", 1.0),
]
"""A link is lost while ``on_join`` waits, and a message to the room is asked for meanwhile."""


async def play_all_checked(script: Script) -> Run:
    """Play *script* with every check; return the run."""
    with noted():
        async with Stage(make_server(0, "refuse")) as stage:
            run = Run(stage, "refuse", LONG_HISTORY)
            await play(script, run, AllOf(ViewCheck(), LanesCheck(), LedgerCheck()))
            return run


async def test_who_was_kicked_before_it_heard_of_its_join_hears_of_both() -> None:
    run = await play_all_checked(KICKED_UNHEARD)
    told = [frame["eventType"] for frame in run.now[0].frames if frame.get("roomName") == "plain"]

    assert [EventType.JOIN_ROOM, EventType.LEAVE_ROOM] == told


async def test_what_was_asked_after_a_join_that_is_still_handled_waits_for_it() -> None:
    run = await play_all_checked(OVERTAKEN)
    replies = {frame["id"]: frame for frame in run.now[0].frames if "id" in frame}

    assert [EventType.JOIN_ROOM, EventType.MESSAGE] == [
        frame["eventType"]
        for frame in replies.values()
        if frame["eventType"] not in {EventType.LOGIN, EventType.RECONNECT}
    ]
    assert all("error" not in frame for frame in replies.values())
