"""The ledger: users, rooms and members agree, hooks are balanced, every request is answered."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import example, given

from goroom import Room
from goroom.messages import EventType
from goroom.testing import Stage
from tests.properties.runs import CROWD, Run, Script, drive, histories, policies, scripts, seeds
from tests.properties.views import PRESENCES
from tests.properties.world import APP, CAPACITY, LONG_HISTORY, make_server, noted, notes


def left_behind(run: Run) -> dict[str, object]:
    """Return what a server with nobody in it still holds, by name."""
    runtime = run.server.runtime
    application = run.application
    rooms = list(application.rooms.values())
    held = {
        "users": list(application.users),
        "connections": run.server.connections,
        "members": [room.name for room in rooms if room.members],
        "taken lanes": [room.name for room in rooms if room.lane.is_taken],
        "waiting": [room.name for room in rooms if room.lane.waiting],
        "timers": len(runtime.timers),
        "tickets": len(application.tickets),
        "history": [
            one.epoch
            for one in (application.sequence, *(room.sequence for room in rooms))
            if one._history is not None
        ],
        "away": [room.name for room in rooms if room.membership.away],
        "turns": list(runtime.turns._watched),
        "tasks": list(runtime.turns._tasks),
        "running": +notes.running,
    }
    return {name: value for name, value in held.items() if value}


class LedgerCheck:
    """`user.rooms` and `room.members` agree at every step; at the end nothing is owed."""

    def step(self, run: Run) -> None:
        application = run.application
        for room in application.rooms.values():
            assert len(room.members) <= CAPACITY, "over its capacity"
            for user in room.members.values():
                assert user.rooms.get(room.name) is room
            if not room.lane.is_taken:
                self._check_presence(room)
        for name, user in application.users.items():
            assert name == user.name
            for room in user.rooms.values():
                assert room.members.get(name) is user
            assert user.is_going or all(link.user is user for link in user.links)

    async def end(self, run: Run) -> None:
        self.step(run)
        for client in run.clients:
            if client.is_connected and not client.is_over:
                assert client.not_answered_once() == []
        assert set(notes.runs.values()) <= {1}, "a message was handled twice"
        logins = {
            frame["data"]["userId"]
            for client in run.clients
            for frame in client.frames
            if frame["eventType"] == EventType.LOGIN and frame.get("code", 200) == 200
        }
        await leave_all(run)

        assert left_behind(run) == {}
        assert notes.joined == notes.left
        assert logins <= notes.disconnects.keys()
        assert set(notes.disconnects.values()) <= {1}
        check_hooks()

    def _check_presence(self, room: Room) -> None:
        """What a room has told of who is away is true when nothing waits for it."""
        told: dict[str, int] = {}
        for event in reversed(notes.committed[room.sequence.epoch]):
            if event.event_type in PRESENCES or event.event_type == EventType.JOIN_ROOM:
                told.setdefault(event.sender, event.event_type)
        away = {name for name in room.members if told[name] == EventType.MEMBER_AWAY}
        assert away == set(room.membership.away)
        for name, user in room.members.items():
            is_ending = not user.links and not user.absent
            assert is_ending or user.is_away == (name in away)


async def leave_all(run: Run) -> None:
    """Cut every link and let the grace times pass."""
    for wire in run.wires:
        wire.end(1006, "")
    await run.stage.advance(120)


def check_hooks() -> None:
    """Check that each ``on_drop`` was followed by one ``on_resume``, or by the leave."""
    for key, hooks in notes.presence.items():
        is_away = False
        for hook in hooks:
            if hook in {"drop", "resume"}:
                assert is_away == (hook == "resume"), (key, hooks)
            is_away = hook == "drop"


MOVED_WHILE_IT_JOINS: Script = [
    ("join", 2, "slow"),
    ("resume", 0, None),
    ("move", "cy", "slow"),
    ("drop", 2, None),
]
"""A request that is sent again, still handled, and its user told to move: one answer, not two."""


@example(CROWD, 0, "refuse", LONG_HISTORY)
@example(MOVED_WHILE_IT_JOINS, 0, "refuse", LONG_HISTORY)
@given(scripts, seeds, policies, histories)
def test_users_rooms_and_members_agree_and_hooks_are_balanced(
    script: Script, seed: int, double_login: str, history_events: int
) -> None:
    drive(script, seed, double_login, history_events, LedgerCheck())


BUSY_SCRIPT: Script = [
    ("login", 0, "ann", True, True),
    ("login", 1, "bob", False, True),
    ("login", 2, "cy", False, False),
    ("join", 1, "slow"),
    ("join", 2, "slow"),
    ("advance", 0.25),
    ("join", 0, "slow"),
    ("join", 0, "picky"),
    ("message", 1, "slow", "say", 0.4),
    ("message", 2, "slow", "kick", 0.1),
    ("advance", 0.25),
    ("watch", 0, "plain"),
    ("leave", 2, "slow"),
    ("message", 1, "slow", "close", 0.1),
    ("login", 3, "bob", True, True),
    ("advance", 0.25),
    ("expel", "ann"),
    ("logout", 1),
    ("advance", 0.25),
]


async def _cut_all_after(steps: int, double_login: str, *, they_come_back: bool) -> int:
    """
    Play the busy script and cut every socket at the given step of the loop.

    Args:
        steps: The step.
        double_login: What a second login under one name does.
        they_come_back: Whether who can is resumed before the next operation.

    Returns:
        How many steps the whole script takes: each await of the server is one.
    """
    loop: Any = asyncio.get_running_loop()
    taken = 0
    with noted():
        async with Stage(make_server(1, double_login)) as stage:
            run = Run(stage, double_login, LONG_HISTORY)
            await run.open()
            call_soon = loop.call_soon

            def count_step(*arguments: Any, **options: Any) -> Any:
                nonlocal taken
                taken += 1
                if taken == steps:
                    for client in run.clients:
                        client.cut()
                return call_soon(*arguments, **options)

            loop.call_soon = count_step
            for operation in BUSY_SCRIPT:
                await run.perform(operation)
                if they_come_back:
                    await run.come_back()
            loop.call_soon = call_soon
            total = taken
            await leave_all(run)

            assert left_behind(run) == {}
            assert notes.joined == notes.left
            assert set(notes.disconnects.values()) <= {1}
            check_hooks()
    return total


@pytest.mark.parametrize("they_come_back", [False, True])
async def test_sockets_cut_at_any_await_leave_nothing_behind(*, they_come_back: bool) -> None:
    for double_login in ("refuse", "replace", "allow:2"):
        total = await _cut_all_after(0, double_login, they_come_back=they_come_back)
        assert total > 60
        for steps in range(1, total + 1):
            await _cut_all_after(steps, double_login, they_come_back=they_come_back)


async def test_the_world_is_called_what_the_scripts_call_it() -> None:
    async with Stage(make_server(1, "refuse")) as stage:
        assert list(stage.server.applications) == [APP]
