"""The gate: shut where goroom became slower, open otherwise, whatever else the machine does."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from benchmarks import gate
from benchmarks.generator import Counted
from benchmarks.measure import Result, Settings
from benchmarks.registry import Peer
from benchmarks.scenarios import FAN_OUT, JOINS, Scenario

SETTINGS = Settings((None, None), repetitions=1)


def counted(deliveries: int, *, cpu: float, others: float) -> Counted:
    values: dict[str, Any] = {"deliveries": deliveries, "measured_seconds": 1.0}
    values |= dict.fromkeys(("measured_load_waited", "measured_stolen"), 0.0)
    return Counted({**values, "measured_server_cpu": cpu, "measured_server_waited": others})


@attrs.frozen
class Try:
    deliveries: int
    cpu: float = 1.0
    others: float = 0.0


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[Try]:
    """What goroom does, try by try; aiohttp delivers 100 in a second of processor time."""
    tries: list[Try] = []

    def measure(peer: Peer, scenario: Scenario, repetition: int, settings: Settings) -> Result:
        del settings
        one = tries.pop(0) if peer.name == "goroom" else Try(100)
        done = counted(one.deliveries, cpu=one.cpu, others=one.others)
        return Result(scenario.name, peer.name, repetition, done)

    monkeypatch.setattr(gate, "measure_once", measure)
    monkeypatch.setattr(gate, "check_features", lambda *_: {})
    return tries


def check() -> bool:
    return gate.check(SETTINGS, lambda _: None, {"64 echoing": 2.0})


def test_who_is_fast_enough_passes(measured: list[Try]) -> None:
    measured += [Try(200)]

    assert check()


def test_a_busy_machine_that_shows_by_the_clock_only_passes(
    measured: list[Try],
) -> None:
    measured += [Try(50, cpu=0.25, others=0.6)]

    assert check()


def test_the_clock_of_a_quiet_machine_is_enough(measured: list[Try]) -> None:
    measured += [Try(200, cpu=1.1)]

    assert check()


def test_the_clock_of_a_busy_machine_opens_nothing(measured: list[Try]) -> None:
    measured += [Try(300, cpu=2.0, others=0.6)] * 3

    assert not check()


def test_one_bad_try_is_forgiven(measured: list[Try]) -> None:
    measured += [Try(100), Try(200)]

    assert check()


def test_who_is_slow_three_times_fails(measured: list[Try]) -> None:
    measured += [Try(190)] * 3
    said: list[str] = []

    assert not gate.check(SETTINGS, said.append, {"64 echoing": 2.0})
    assert said[0].startswith(
        "64 echoing: x 1.90 by CPU, x 1.90 by the clock (0% disturbed), at least"
    )


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
