"""The gate: shut where goroom became slower, open otherwise, whatever else the machine does."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks import gate
from benchmarks.generator import Counted
from benchmarks.measure import Result, Settings
from benchmarks.registry import Peer
from benchmarks.scenarios import FAN_OUT, JOINS, Scenario

SETTINGS = Settings((None, None), repetitions=1)


def counted(deliveries: int, *, cpu: float) -> Counted:
    values: dict[str, Any] = {"deliveries": deliveries, "measured_seconds": 1.0}
    return Counted({**values, "measured_server_cpu": cpu})


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, float]]:
    """What goroom delivers, and its processor time, try by try; aiohttp has 100 and 1.0."""
    tries: list[tuple[float, float]] = []

    def measure(peer: Peer, scenario: Scenario, repetition: int, settings: Settings) -> Result:
        del settings
        deliveries, cpu = tries.pop(0) if peer.name == "goroom" else (100, 1.0)
        return Result(scenario.name, peer.name, repetition, counted(int(deliveries), cpu=cpu))

    monkeypatch.setattr(gate, "measure_once", measure)
    monkeypatch.setattr(gate, "check_features", lambda *_: {})
    return tries


def check() -> bool:
    return gate.check(SETTINGS, lambda _: None, {"64 echoing": 2.0})


def test_who_is_fast_enough_passes(measured: list[tuple[float, float]]) -> None:
    measured += [(200, 1.0)]

    assert check()


def test_a_busy_machine_that_shows_by_the_clock_only_passes(
    measured: list[tuple[float, float]],
) -> None:
    measured += [(50, 0.25)]

    assert check()


def test_one_bad_try_is_forgiven(measured: list[tuple[float, float]]) -> None:
    measured += [(100, 1.0), (200, 1.0)]

    assert check()


def test_who_is_slow_three_times_fails(measured: list[tuple[float, float]]) -> None:
    measured += [(190, 1.0)] * 3
    said: list[str] = []

    assert not gate.check(SETTINGS, said.append, {"64 echoing": 2.0})
    assert "64 echoing: x 1.90 by the clock, x 1.90 by CPU, at least 2.00: TOO SLOW" == said[0]


def test_a_mistake_of_the_server_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(peer: Peer, scenario: Scenario, repetition: int, settings: Settings) -> Result:
        del settings
        return Result(scenario.name, peer.name, repetition, None, error="{'lost': 1}")

    monkeypatch.setattr(gate, "measure_once", fail)
    monkeypatch.setattr(gate, "check_features", lambda *_: {})
    said: list[str] = []

    assert not gate.check(SETTINGS, said.append, {"64 echoing": 0.0})
    assert "{'lost': 1}" in said


def test_every_stored_ratio_is_of_a_scenario() -> None:
    assert set(gate.stored_ratios()) <= {scenario.name for scenario in [*FAN_OUT, JOINS]}
