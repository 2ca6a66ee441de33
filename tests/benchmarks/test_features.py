"""What the figures claim to be on is on."""

from __future__ import annotations

import attrs
import pytest

from benchmarks.features import FEATURES, features_of
from benchmarks.generator import LoadError
from benchmarks.processes import running
from benchmarks.registry import peer_named


@pytest.mark.parametrize(
    ("name", "subprotocol", "frames"),
    [("goroom", "goroom.json", "short"), ("goroom full frames", "", "full")],
)
def test_each_feature_is_shown(name: str, subprotocol: str, frames: str) -> None:
    with running(peer_named(name), 1, 4, None) as server:
        found = features_of(server, subprotocol)

    assert dict.fromkeys(FEATURES, True) == {name: found[name] for name in FEATURES}
    assert frames == found["frames"]


def test_a_feature_that_is_off_is_found() -> None:
    with running(peer_named("goroom"), 1, 4, None) as server:
        limits = {**server.about["limits"], "ping_seconds": None}
        silent = attrs.evolve(server, about={**server.about, "limits": limits})

        with pytest.raises(LoadError, match="off: heartbeat"):
            features_of(silent, "goroom.json")
