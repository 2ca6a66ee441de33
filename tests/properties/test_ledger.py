"""The ledger: users, rooms and members agree, hooks are balanced, every request is answered."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from hypothesis import example, given

from goroom.testing import Stage
from tests.properties.world import (
    APP,
    CAPACITY,
    CROWD,
    Run,
    drive,
    make_server,
    notes,
    policies,
    scripts,
    seeds,
)


def left_behind(run: Run) -> dict[str, object]:
    """Return what a server with nobody in it still holds, by name."""
    runtime = run.server.runtime
    application = run.application
    held = {
        "users": list(application.users),
        "connections": run.server.connections,
        "members": [room.name for room in application.rooms.values() if room.members],
        "taken lanes": [name for name, room in application.rooms.items() if room.lane.is_taken],
        "waiting": [name for name, room in application.rooms.items() if room.lane.waiting],
        "timers": len(runtime.timers),
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
        for name, user in application.users.items():
            assert name == user.name
            for room in user.rooms.values():
                assert room.members.get(name) is user
            assert user.is_going or all(link.user is user for link in user.links)

    async def end(self, run: Run) -> None:
        self.step(run)
        for client in run.clients:
            if client.player.closed is None:
                answered = Counter(frame["id"] for frame in client.player.frames if "id" in frame)
                assert Counter(client.asked) == answered, "each request has one answer"
        logins = {
            frame["data"]["userId"]
            for client in run.clients
            for frame in client.player.frames
            if frame["eventType"] == 6 and frame.get("code", 200) == 200
        }
        for client in run.clients:
            await client.player.cut()
        await run.stage.advance(120)

        assert left_behind(run) == {}
        assert notes.joined == notes.left
        assert logins <= notes.disconnects.keys()
        assert set(notes.disconnects.values()) <= {1}


@example(CROWD, 0, "refuse")
@given(scripts, seeds, policies)
def test_users_rooms_and_members_agree_and_hooks_are_balanced(
    script: list[Any], seed: int, double_login: str
) -> None:
    drive(script, seed, double_login, LedgerCheck())


BUSY_SCRIPT: list[tuple[Any, ...]] = [
    ("login", 0, "ann", True),
    ("login", 1, "bob", False),
    ("login", 2, "cy", False),
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
    ("login", 3, "bob", True),
    ("advance", 0.25),
    ("expel", "ann"),
    ("logout", 1),
    ("advance", 0.25),
]


async def _cut_all_after(steps: int, double_login: str) -> int:
    """
    Play the busy script and cut every socket at the given step of the loop.

    Returns:
        How many steps the whole script takes: each await of the server is one.
    """
    notes.__init__()  # type: ignore[misc]  # a fresh sheet, known to the handlers by name
    loop: Any = asyncio.get_running_loop()
    taken = 0
    async with Stage(make_server(1, double_login)) as stage:
        run = Run(stage)
        await run.open()
        call_soon = loop.call_soon

        def count_step(*arguments: Any, **options: Any) -> Any:
            nonlocal taken
            taken += 1
            if taken == steps:
                for client in run.clients:
                    client.player.wire.end(1006, "")  # type: ignore[attr-defined]  # a MemoryWire
            return call_soon(*arguments, **options)

        loop.call_soon = count_step
        for operation in BUSY_SCRIPT:
            await run.perform(operation)
        loop.call_soon = call_soon
        total = taken
        for client in run.clients:
            await client.player.cut()
        await stage.advance(120)

        assert left_behind(run) == {}
        assert notes.joined == notes.left
        assert set(notes.disconnects.values()) <= {1}
    return total


async def test_sockets_cut_at_any_await_leave_nothing_behind() -> None:
    for double_login in ("refuse", "replace", "allow:2"):
        total = await _cut_all_after(0, double_login)
        assert total > 60
        for steps in range(1, total + 1):
            await _cut_all_after(steps, double_login)


async def test_the_world_is_called_what_the_scripts_call_it() -> None:
    async with Stage(make_server(1, "refuse")) as stage:
        assert list(stage.server.applications) == [APP]
