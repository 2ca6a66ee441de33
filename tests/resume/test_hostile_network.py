"""A network that fails at every boundary of frames, the two clients, and the truth."""

from __future__ import annotations

import asyncio
import os
from random import Random
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from goroom.client.frames import Place
from tests.resume.field import CLIENTS, Field, fields
from tests.resume.rounds import Outcome, Round, Umpire, planned

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.resume.proxy import Fault

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "default")
ROUNDS = int(os.environ.get("GOROOM_RESUME_ROUNDS") or (2000 if PROFILE == "ci" else 200))
"""Rounds of both clients together."""


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest) -> str:
    """Each of the two clients."""
    client: str = request.param
    return client


@pytest.fixture
async def field(client: str) -> AsyncIterator[Field]:
    """The running programs."""
    async with fields(client) as field:
        yield field


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """The seed of all that is random here: pytest-randomly's, which is printed with its header."""
    printed = request.config.getoption("randomly_seed", default=1)
    return int(os.environ.get("GOROOM_RESUME_SEED") or printed)


def report(outcomes: list[Outcome], client: str, seed: int) -> str:
    """Return what is to be said of all rounds, and of the first bad ones."""
    bad = [outcome for outcome in outcomes if outcome.problems]
    head = (
        f"{len(outcomes)} rounds of {client}, seed {seed}: "
        f"{sum(bool(outcome.done) for outcome in outcomes)} with a fault, "
        f"{sum(outcome.resets for outcome in outcomes)} resets, {len(bad)} with problems"
    )
    return "\n\n".join([head, *map(str, bad[:10])])


@pytest.mark.timeout(600)
async def test_each_view_is_what_the_server_sent_whatever_the_network_does(
    field: Field, client: str, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    random = Random(f"{seed} {client}")
    outcomes = await field.play_all(planned(ROUNDS // 2, random), random)
    said = report(outcomes, client, seed)
    with capsys.disabled():
        print("\n" + said.split("\n")[0])  # noqa: T201 -- the seed, in every run's log

    assert not any(outcome.problems for outcome in outcomes), said


async def test_ten_drops_in_a_row_lose_nothing(field: Field, client: str, seed: int) -> None:
    rounds = [
        Round(number, tuple((n, direction, 2 + number % 3, "cut") for n in range(10)))
        for number, direction in enumerate(["down"] * 6 + ["up"] * 3)
    ]
    outcomes = await field.play_all(rounds, Random(seed))

    assert not any(outcome.problems for outcome in outcomes), report(outcomes, client, seed)
    assert all(len(outcome.done) == 10 for outcome in outcomes if outcome.round.number < 6)


@pytest.mark.parametrize(
    "faults",
    [
        [(0, "up", 10, "cut")],
        [(0, "up", 33, "close")],
        [(0, "down", 10, "cut")],
        [(0, "down", 60, "cut"), (1, "up", 20, "cut"), (2, "down", 9, "cut")],
        [(0, "up", 40, "stall"), (1, "down", 3, "stall"), (2, "up", 3, "cut")],
    ],
)
async def test_more_commands_than_may_be_on_their_way_run_once_and_in_order(
    field: Field, faults: list[Fault]
) -> None:
    field.network.plan("burst", faults)
    umpire = await Umpire.take(0, field.world.port)
    client = umpire.client("world")
    await client.join("burst", kind="field", create=True)
    player = field.seat("player")
    await player.connect(field.network.url("burst"), "world")
    await player.join("burst")
    replies = await asyncio.gather(*(player.request("add", {"number": n}) for n in range(70)))
    truth = (await client.say("burst", "truth")).data
    await player.close()
    umpire.leave()
    done = (await field.network.forget("burst"))["done"]

    assert [["player", n] for n in range(70)] == truth["runs"]
    assert list(range(70)) == [reply["number"] for reply in replies]
    assert faults == [tuple(fault) for fault in done]


async def test_all_logins_of_a_connection_come_back(field: Field) -> None:
    faults = [(n, "down", 5, deed) for n, deed in enumerate(["cut", "close", "stall"] * 2)]
    field.network.plan("both", faults)
    umpire = await Umpire.take(0, field.world.port)
    player = field.seat("player")
    await player.connect(field.network.url("both"), "world")
    await player.log_in_too("short")
    for number in range(1, 21):
        for application in ("world", "short"):
            said = await umpire.client(application).say("", "whisper", {"to": player.name})
            assert number == said.data
        await player.until(lambda heard, n=number: ["told", n] in heard and ["also", n] in heard)  # type: ignore[misc]
    await player.close()
    umpire.leave()
    done = (await field.network.forget("both"))["done"]

    for word in ("told", "also"):
        assert list(range(1, 21)) == [heard[1] for heard in player.heard if heard[0] == word]
    assert faults == [tuple(fault) for fault in done]


def _provoking(random: Random, **changes: Any) -> list[Round]:
    """Return rounds in which a player is told twice of what it has heard: it forgot its place."""
    rounds = [one for one in planned(600, random) if one.rewind and len(one.faults) > 1]
    return [attrs.evolve(one, application="world", **changes) for one in rounds[:40]]


async def test_a_client_that_is_told_twice_hears_once(field: Field, client: str, seed: int) -> None:
    random = Random(f"{seed} {client}")
    outcomes = await field.play_all(_provoking(random), random)

    assert not any(outcome.problems for outcome in outcomes), report(outcomes, client, seed)


async def test_without_deduplication_the_same_rounds_show_duplicates(
    field: Field, client: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Place, "is_before", lambda *_: True)
    random = Random(f"{seed} {client}")
    outcomes = await field.play_all(_provoking(random, deduplicates=False), random)
    problems = [problem for outcome in outcomes for problem in outcome.problems]

    assert [problem for problem in problems if problem.startswith("duplicate")], problems


@pytest.mark.inside
async def test_without_its_memory_of_replies_the_server_does_things_twice(
    client: str, seed: int
) -> None:
    random = Random(f"{seed} {client}")
    async with fields(client, "--forgetful") as field:
        rounds = [attrs.evolve(one, is_restless=False) for one in planned(40, random)]
        outcomes = await field.play_all(rounds, random)
    problems = [problem for outcome in outcomes for problem in outcome.problems]

    assert [problem for problem in problems if problem.startswith("commands ran")], problems
