"""Peers take turns, disturbed runs are made again, and Ctrl-C keeps what there is."""

from __future__ import annotations

import pytest

from benchmarks import measure
from benchmarks.generator import Counted
from benchmarks.measure import Result, Settings, measure_all, measure_quietly
from benchmarks.registry import PEERS, Peer
from benchmarks.scenarios import FAN_OUT, MEMORY, Scenario

SETTINGS = Settings((None, None), repetitions=2, tries=3)
SCENARIO = FAN_OUT[0]


class Runs:
    """Stands in for runs of servers: says who ran, with the disturbances that a test asks for."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.disturbances: list[float] = []
        self.most = 100

    def __call__(
        self, peer: Peer, scenario: Scenario, repetition: int, settings: Settings
    ) -> Result:
        if len(self.names) == self.most:
            raise KeyboardInterrupt
        self.names.append(peer.name)
        others = self.disturbances.pop(0) if self.disturbances else 0.0
        values = {"deliveries": 1000 - len(self.names), "measured_seconds": 1.0}
        values |= {f"measured_{part}": 0.5 for part in ("server_cpu", "load_cpu", "load_waited")}
        counted = Counted({**values, "measured_stolen": 0.0, "measured_server_waited": others})
        return Result(scenario.name, peer.name, repetition, counted)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    stand_in = Runs()
    monkeypatch.setattr(measure, "measure_once", stand_in)
    monkeypatch.setattr(Counted, "disturbance", property(lambda one: one.share("server_waited")))
    return stand_in


def test_the_peers_take_turns_and_another_one_begins_each_time(runs: Runs) -> None:
    first, second = PEERS[:2]

    measure_all([first, second], [SCENARIO], SETTINGS, lambda _: None)

    assert [first.name, second.name, second.name, first.name] == runs.names


def test_a_run_that_others_disturb_is_made_again(runs: Runs) -> None:
    runs.disturbances = [0.5, 0.05, 0.0]

    result = measure_quietly(PEERS[0], SCENARIO, 0, SETTINGS)

    assert 2 == len(runs.names)
    assert result.counted is not None
    assert 0.05 == result.counted.disturbance


def test_of_disturbed_runs_the_quietest_counts(runs: Runs) -> None:
    runs.disturbances = [0.5, 0.2, 0.4]

    result = measure_quietly(PEERS[0], SCENARIO, 0, SETTINGS)

    assert 3 == len(runs.names)
    assert result.counted is not None
    assert 0.2 == result.counted.disturbance


def test_some_scenarios_are_repeated_less(runs: Runs) -> None:
    settings = Settings((None, None), repetitions=5)

    results = measure_all(PEERS[:1], [SCENARIO, MEMORY], settings, lambda _: None)

    assert 5 + 2 == len(results)


def test_ctrl_c_keeps_what_was_measured(runs: Runs) -> None:
    runs.most = 3
    said: list[str] = []

    results = measure_all(PEERS[:2], [SCENARIO], SETTINGS, said.append)

    assert 3 == len(results)
    assert "stopped: what was measured until now is kept" == said[-1]
