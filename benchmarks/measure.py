"""Measures peers in turns, and repeats what other programs disturbed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import attrs

from benchmarks.features import features_of
from benchmarks.generator import Counted, LoadError, run
from benchmarks.processes import running
from benchmarks.registry import Peer
from benchmarks.scenarios import Scenario
from benchmarks.tools import alone

DISTURBED = 0.1
"""Part of the time in which others had a core of ours, from which on a run is repeated."""
SETTLE_SECONDS = 0.5
"""How long a server with new connections is left alone before its memory is looked at."""


@attrs.frozen
class Settings:
    """How everything is measured."""

    cores: tuple[int | None, int | None]
    """The server's and the generator's."""
    repetitions: int = 5
    warm: float = 0.4
    """Seconds of sending before what counts."""
    measure: float = 0.8
    """Seconds that count."""
    tries: int = 2
    """How often a run is made at most while other programs disturb it."""


@attrs.frozen
class Result:
    """One run of one scenario at one peer; or why there is none."""

    scenario: str
    peer: str
    repetition: int
    counted: Counted | None
    idle_bytes: float | None = None
    """Memory of one idle joined connection, where the scenario asks for it."""
    error: str = ""
    about: dict[str, Any] = attrs.field(factory=dict)


Say = Callable[[str], None]


def measure_once(peer: Peer, scenario: Scenario, repetition: int, settings: Settings) -> Result:
    """Start *peer*, play *scenario* once, and end it; a mistake of the peer is in the result."""
    sizes: list[tuple[int, int]] = []
    about: dict[str, Any] = {}

    def look(count: int) -> None:
        if scenario.pauses:
            time.sleep(SETTLE_SECONDS)
            sizes.append((count, server.resident_bytes))

    try:
        with alone(), running(peer, scenario.rooms, scenario.members, settings.cores[0]) as server:
            about = server.about
            counted = run(
                peer,
                server.port,
                server.pid,
                scenario,
                core=settings.cores[1],
                warm=settings.warm,
                measure=settings.measure,
                at_pause=look,
            )
    except LoadError as error:
        return Result(scenario.name, peer.name, repetition, None, error=str(error), about=about)
    idle = None
    if len(sizes) > 1:
        (few, before), (many, after) = sizes[0], sizes[-1]
        idle = (after - before) / (many - few)
    return Result(scenario.name, peer.name, repetition, counted, idle, about=about)


def measure_quietly(peer: Peer, scenario: Scenario, repetition: int, settings: Settings) -> Result:
    """Do it again while other programs disturb it, and return the run that they disturbed least."""
    best: Result | None = None
    for _ in range(settings.tries):
        result = measure_once(peer, scenario, repetition, settings)
        if result.counted is None or scenario.pauses:
            return result
        if best is None or best.counted is None or _disturbance(result) < _disturbance(best):
            best = result
        if _disturbance(best) <= DISTURBED:
            break
    assert best is not None  # noqa: S101 -- there is at least one try
    return best


def _disturbance(result: Result) -> float:
    return result.counted.disturbance if result.counted else 1.0


def measure_all(
    peers: Sequence[Peer], scenarios: Sequence[Scenario], settings: Settings, say: Say
) -> list[Result]:
    """
    Measure every scenario at every peer, who take turns; tell *say* of each.

    Ctrl-C ends it early; what was measured is returned.
    """
    results: list[Result] = []
    try:
        for repetition in range(settings.repetitions):
            for scenario in scenarios:
                if repetition < (scenario.most_repetitions or settings.repetitions):
                    for peer in _turns(peers, repetition):
                        result = measure_quietly(peer, scenario, repetition, settings)
                        results.append(result)
                        number = f"{repetition + 1}/{settings.repetitions}"
                        say(f"{number} {scenario.name}, {peer.name}: {figure(result)}")
    except KeyboardInterrupt:
        say("stopped: what was measured until now is kept")
    return results


def _turns(peers: Sequence[Peer], repetition: int) -> list[Peer]:
    """Return *peers* so that another one begins: nobody always meets the warmer machine."""
    turn = repetition % len(peers)
    return [*peers[turn:], *peers[:turn]]


def figure(result: Result) -> str:
    """Return a result in a few words."""
    counted = result.counted
    if counted is None:
        return result.error
    if result.idle_bytes is not None:
        return f"{result.idle_bytes / 1024:.1f} KiB a connection"
    note = f", {counted.disturbance:.0%} disturbed" if counted.disturbance > DISTURBED else ""
    if "deliveries" not in counted.values:
        return f"{counted.joins:.0f} joins/s{note}"
    late = f", p99 {counted.values['p99'] * 1000:.2f} ms" if "msg/s" in result.scenario else ""
    return f"{counted.rate / 1000:.1f} k/s, by CPU {counted.rate_per_cpu / 1000:.1f}{late}{note}"


def value_of(result: Result, *, by_cpu: bool = False) -> float | None:
    """Return what the table shows: a rate, bytes a connection, or the p99 in seconds."""
    counted = result.counted
    if counted is None:
        return None
    if result.idle_bytes is not None:
        return result.idle_bytes
    if "deliveries" not in counted.values:
        return counted.joins_per_cpu if by_cpu else counted.joins
    if "msg/s" in result.scenario:
        return float(counted.values["p99"])
    return counted.rate_per_cpu if by_cpu else counted.rate


def ratios(
    results: Sequence[Result], scenario: str, peer: str, beside: str, *, by_cpu: bool = False
) -> list[float]:
    """Return what *peer* has divided by what *beside* has, for each repetition that has both."""
    values = {
        (result.peer, result.repetition): value_of(result, by_cpu=by_cpu)
        for result in results
        if result.scenario == scenario
    }
    found = []
    for (name, repetition), value in values.items():
        other = values.get((beside, repetition))
        if name == peer and value and other:
            found.append(value / other)
    return found


def middle(values: Sequence[float]) -> float | None:
    """Return the median, or None of nothing."""
    return median(values) if values else None


def check_features(peers: Sequence[Peer], settings: Settings) -> dict[str, dict[str, object]]:
    """
    Return what each goroom among *peers* has shown to be on.

    Raises:
        LoadError: Something is off.
    """
    found = {}
    for peer in peers:
        if peer.name.startswith("goroom"):
            subprotocol = "" if "full" in peer.name else "goroom.json"
            with alone(), running(peer, 1, 4, settings.cores[0]) as server:
                found[peer.name] = features_of(server, subprotocol)
    return found
