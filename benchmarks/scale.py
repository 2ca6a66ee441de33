"""What one process of goroom bears: many rooms, many idle users, one large room, many timers."""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import partial
from typing import Any

import attrs

from benchmarks.generator import Counted, run
from benchmarks.measure import DISTURBED, SETTLE_SECONDS, Say, Settings
from benchmarks.processes import Running, running
from benchmarks.registry import GOROOM
from benchmarks.scenarios import Scenario
from benchmarks.tools import alone

ROOMS = (10, 100, 1000, 5000, 10_000)
IDLE_USERS = (0, 1000, 5000, 10_000)
TIMED_ROOMS, TICKS_PER_SECOND = 5000, 20
IDLE_CONNECTIONS = 10_000
IDLE_SECONDS = 20.0
"""As long as the interval of the heartbeat, so that each connection is pinged once."""
TIMED_SECONDS = 5.0

LARGE_ROOM = Scenario(name="one room of 5000", rooms=1, members=5000, senders=1, window=2)


def with_rooms(rooms: int) -> Scenario:
    """Return so many rooms of one, who echo in turns, 8 at a time: never two of one member."""
    return Scenario(
        name=f"{rooms} rooms", rooms=rooms, members=1, senders=1, mode="rotate", window=8
    )


def beside_idle(users: int, mode: str = "window") -> Scenario:
    """Return 16 rooms of 4 who all send, or leave and join, beside so many who do nothing."""
    rooms = 16 + users // 4
    name = f"beside {users} idle, {mode}"
    return Scenario(name=name, rooms=rooms, members=4, active=16, senders=4, mode=mode)


def measure_scale(settings: Settings, say: Say) -> dict[str, Any]:
    """Measure all of it; costs are microseconds of the server's processor time."""
    point = partial(_point, settings=settings, say=say)
    messages = [point(users, beside_idle(users), "messages") for users in IDLE_USERS]
    churns = [point(users, beside_idle(users, "churn"), "rounds") for users in IDLE_USERS]
    rooms = [point(count, with_rooms(count), "messages") for count in ROOMS]
    large = _play(LARGE_ROOM, settings)
    say(f"{LARGE_ROOM.name}: {large.rate / 1000:.0f} k/s")
    found = {
        "message_while_rooms_grow": rooms,
        "message_while_idle_users_grow": messages,
        "leave_and_join_while_idle_users_grow": churns,
        "one_room_of_5000": {
            "thousand_deliveries_per_second": large.rate / 1000,
            "by_cpu": large.rate_per_cpu / 1000,
            "p99_ms": large.values["p99"] * 1000,
        },
        "timers": _timers(settings),
        "idle": _idle(settings),
    }
    say(f"timers: {found['timers']}, idle: {found['idle']}")
    return found


def _point(
    size: int, scenario: Scenario, what: str, *, settings: Settings, say: Say
) -> list[float]:
    """Return *size* and what one of *what* costs beside so many."""
    done = _play(scenario, settings)
    cost = done.values["measured_server_cpu"] / max(1, done.values[what]) * 1e6
    say(f"{scenario.name}: {cost:.1f} us of processor time for each of {done.values[what]} {what}")
    return [size, cost]


def _play(scenario: Scenario, settings: Settings) -> Counted:
    """Return the least disturbed of a few runs."""
    tries: list[Counted] = []
    while len(tries) < settings.tries:
        with (
            alone(),
            running(GOROOM, scenario.rooms, scenario.members, settings.cores[0]) as server,
        ):
            tries.append(
                run(
                    GOROOM,
                    server.port,
                    server.pid,
                    scenario,
                    core=settings.cores[1],
                    warm=settings.warm,
                    measure=settings.measure,
                )
            )
        if tries[-1].disturbance <= DISTURBED:
            break
    return min(tries, key=lambda one: one.disturbance)


def _timers(settings: Settings) -> dict[str, float]:
    """Return the share of a core that 5,000 rooms take who do nothing 20 times a second."""
    ticking = ["--timers", str(TICKS_PER_SECOND)]
    shares = {}
    for name, arguments in (("silent_rooms", []), ("ticking_rooms", ticking)):
        with alone(), running(GOROOM, TIMED_ROOMS, 4, settings.cores[0], arguments) as server:
            time.sleep(SETTLE_SECONDS)
            shares[name] = _share(server, TIMED_SECONDS)
    return shares


def _idle(settings: Settings) -> dict[str, float]:
    """Return what 10,000 joined connections who say nothing take of a core, heartbeat and all."""
    found: dict[str, float] = {}
    scenario = Scenario(name="idle", rooms=IDLE_CONNECTIONS // 4, members=4, mode="idle")
    with alone(), running(GOROOM, scenario.rooms, 4, settings.cores[0]) as server:

        def look(count: int) -> None:
            time.sleep(SETTLE_SECONDS)
            found.update(connections=count, core=_share(server, IDLE_SECONDS))

        run(GOROOM, server.port, server.pid, scenario, core=settings.cores[1], at_pause=look)
    return found


def _share(server: Running, seconds: float) -> float:
    """Return the part of a core that *server* takes in the next *seconds*."""
    started, used = time.monotonic(), server.cpu_seconds
    time.sleep(seconds)
    return (server.cpu_seconds - used) / (time.monotonic() - started)


def growth(points: Iterable[list[float]]) -> float:
    """Return what the largest costs as a multiple of the smallest."""
    costs = [cost for _, cost in points]
    return costs[-1] / costs[0]


def scaled(settings: Settings) -> Settings:
    """Return *settings* for one measurement of each size, a little longer."""
    return attrs.evolve(settings, measure=max(settings.measure, 1.5))
