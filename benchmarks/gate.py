"""
Whether goroom is as fast beside plain aiohttp as it was: gate.toml holds the ratios.

A ratio counts that is good enough by the server's processor time, or by the clock where no other
program disturbed it: on a busy machine the clock tells nothing, and where sends are joined less, as
they are under less load, processor time alone would be unfair. What falls short is measured again,
for longer.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence

import attrs

from benchmarks.measure import (
    DISTURBED,
    Result,
    Settings,
    check_features,
    measure_once,
    middle,
    ratios,
)
from benchmarks.registry import GOROOM, peer_named
from benchmarks.scenarios import FAN_OUT, JOINS, Scenario
from benchmarks.tools import FOLDER

BESIDE = "aiohttp"
TRIES = 3
STORED = FOLDER / "gate.toml"


@attrs.frozen
class Verdict:
    """How one scenario stands."""

    scenario: str
    least: float
    """The ratio under which it fails."""
    by_clock: float
    by_cpu: float
    disturbance: float
    """Part of the time in which others had a core of ours, the median."""

    @property
    def is_good(self) -> bool:
        """Whether it is at least as fast as it has to be."""
        by_clock = self.by_clock if self.disturbance <= DISTURBED else 0.0
        return max(by_clock, self.by_cpu) >= self.least

    def __str__(self) -> str:
        mark = "ok" if self.is_good else "TOO SLOW"
        return (
            f"{self.scenario}: x {self.by_cpu:.2f} by CPU, x {self.by_clock:.2f} by the clock "
            f"({self.disturbance:.0%} disturbed), at least {self.least:.2f}: {mark}"
        )


def stored_ratios() -> dict[str, float]:
    """Return the least ratio of each scenario: what was measured, less the slack."""
    stored = tomllib.loads(STORED.read_text())
    slack: float = stored["slack"]
    return {name: ratio * slack for name, ratio in stored["ratios"].items()}


def verdict_of(scenario: str, least: float, results: Sequence[Result]) -> Verdict:
    """Return how *scenario* stands after *results*; what could not be measured is 0."""
    by_clock = middle(ratios(results, scenario, GOROOM.name, BESIDE)) or 0.0
    by_cpu = middle(ratios(results, scenario, GOROOM.name, BESIDE, by_cpu=True)) or 0.0
    disturbance = middle([one.counted.disturbance for one in results if one.counted]) or 0.0
    return Verdict(scenario, least, by_clock, by_cpu, disturbance)


def check(
    settings: Settings, say: Callable[[str], None], least: Mapping[str, float] | None = None
) -> bool:
    """
    Measure goroom beside plain aiohttp, and return whether it is fast enough.

    Raises:
        LoadError: A feature of goroom is off.
    """
    check_features([GOROOM], settings)
    bounds = least or stored_ratios()
    open_ones = [one for one in [*FAN_OUT, JOINS] if one.name in bounds]
    for number in range(TRIES):
        again = []
        for scenario in open_ones:
            results = _measure(
                scenario, attrs.evolve(settings, measure=settings.measure * (number + 1))
            )
            verdict = verdict_of(scenario.name, bounds[scenario.name], results)
            say(str(verdict))
            for error in dict.fromkeys(one.error for one in results if one.error):
                say(error)
            if not verdict.is_good or any(one.error for one in results):
                again.append(scenario)
        open_ones = again
        if not open_ones:
            return True
        say(f"try {number + 1} of {TRIES}: not good enough yet")
    return False


def _measure(scenario: Scenario, settings: Settings) -> list[Result]:
    peers = [GOROOM, peer_named(BESIDE)]
    return [
        measure_once(peer, scenario, repetition, settings)
        for repetition in range(settings.repetitions)
        for peer in (peers if repetition % 2 == 0 else peers[::-1])
    ]
