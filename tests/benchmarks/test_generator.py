"""The load generator counts what comes, and finds every message lost, doubled or out of order."""

from __future__ import annotations

import sys
from pathlib import Path

import attrs
import pytest

from benchmarks.generator import Counted, LoadError, run
from benchmarks.processes import running
from benchmarks.registry import PEERS, Peer, peer_named
from benchmarks.scenarios import Scenario

FAULTY = Path(__file__).with_name("faulty_rooms.py")
TWO_SENDERS = Scenario(name="two senders", rooms=2, members=4, senders=2, window=4)
ONE_SENDER = attrs.evolve(TWO_SENDERS, name="one sender", senders=1)
OTHERS = [peer.name for peer in PEERS if not peer.name.startswith(("goroom", "aiohttp", "C "))]

pytestmark = pytest.mark.requires("compiler")


def faulty(fault: str) -> Peer:
    return Peer(
        name=f"faulty ({fault})",
        source="here",
        command=lambda: [sys.executable, str(FAULTY), fault],
        keeps_room_order=True,
    )


def play(peer: Peer, scenario: Scenario, measure: float = 0.25) -> Counted:
    with running(peer, scenario.rooms, scenario.members, None) as server:
        return run(peer, server.port, server.pid, scenario, core=None, warm=0.02, measure=measure)


@pytest.mark.parametrize("name", [peer.name for peer in PEERS if peer.name not in OTHERS])
def test_a_server_plays_a_round(name: str) -> None:
    values = play(peer_named(name), TWO_SENDERS).values

    assert 8 == values["joined"]
    assert values["deliveries"] > 0
    assert 0 == values["lost"] + values["doubled"] + values["reordered"] + values["strange"]


@pytest.mark.requires("peers")
@pytest.mark.parametrize("name", OTHERS)
def test_a_server_that_is_not_ours_plays_a_round(name: str) -> None:
    assert play(peer_named(name), TWO_SENDERS).values["deliveries"] > 0


def test_a_server_without_a_fault_is_found_to_have_none() -> None:
    assert play(faulty("none"), ONE_SENDER).values["deliveries"] > 0


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        ("lose", "'lost'"),
        ("double", "'doubled'"),
        ("reorder", "'reordered'"),
        ("stray", "'strange'"),
        ("close", "'closed'"),
    ],
)
def test_a_server_with_a_fault_is_found(fault: str, found: str) -> None:
    with pytest.raises(LoadError, match=found):
        play(faulty(fault), ONE_SENDER)


def test_members_who_hear_different_orders_are_found() -> None:
    # Each sender's messages come in his order; one member hears the two senders turned round.
    with pytest.raises(LoadError, match="'astray'"):
        play(faulty("disorder"), attrs.evolve(TWO_SENDERS, rooms=1, window=1))


def test_order_in_a_room_is_not_asked_of_who_does_not_promise_it() -> None:
    peer = attrs.evolve(faulty("disorder"), keeps_room_order=False)

    counted = play(peer, attrs.evolve(TWO_SENDERS, rooms=1, window=1))

    assert counted.values["astray"] > 0


def test_latency_is_counted_from_the_instant_at_which_a_message_was_due() -> None:
    scenario = attrs.evolve(ONE_SENDER, rooms=1, mode="rate", per_second=200)

    values = play(peer_named("C joined sends"), scenario, 0.3).values

    assert pytest.approx(values["latency_count"], rel=0.5) == 200 * 0.3 * 4
    assert 0 < values["p50"] <= values["p99"] <= values["p999"] <= values["most"]
    assert values["most"] >= values["latest_send"] * 0.98  # the histogram knows it to 1.6 %


def test_processor_time_of_both_sides_is_counted() -> None:
    counted = play(peer_named("C joined sends"), ONE_SENDER)

    assert 0 < counted.share("server_cpu") < 1.5
    assert 0 < counted.share("load_cpu") < 1.5


def test_the_generator_waits_at_its_pauses() -> None:
    counts: list[int] = []
    scenario = Scenario(name="idle", rooms=5, members=2, mode="idle", pauses=[4])
    peer = peer_named("goroom")

    with running(peer, 5, 2, None) as server:
        counted = run(peer, server.port, server.pid, scenario, core=None, at_pause=counts.append)

    assert [4, 10] == counts
    assert counted.joins > 0


def test_members_leave_and_join_again_and_again() -> None:
    scenario = Scenario(name="churn", rooms=3, members=2, active=1, senders=2, mode="churn")

    assert play(peer_named("goroom"), scenario).values["rounds"] > 0


def test_who_does_not_answer_is_told_apart() -> None:
    peer = attrs.evolve(peer_named("goroom"), greeting=peer_named("aiohttp").greeting)

    with pytest.raises(LoadError, match=r"no upgrade: HTTP/1\.1 404"):
        play(peer, ONE_SENDER)
