"""Runtime: ids that nobody guesses, except tests that ask for it."""

from __future__ import annotations

import asyncio
import re
from random import SystemRandom

from goroom.limits import Limits
from goroom.outbox import Flusher
from goroom.runtime import Runtime
from goroom.timers import Timers
from goroom.turns import Turns


def test_an_id_is_128_random_bits_that_fit_a_url() -> None:
    ids = [Runtime(Limits()).new_id() for _ in range(100)]

    assert all(re.fullmatch(r"[A-Za-z0-9_-]{22}", one) for one in ids)
    assert 100 == len(set(ids))


def test_chance_is_the_systems_unless_a_test_gives_a_seed() -> None:
    assert isinstance(Runtime(Limits()).random, SystemRandom)
    assert [Runtime(Limits(), seed=7).new_id() for _ in range(2)] == [
        Runtime(Limits(), seed=7).new_id()
    ] * 2
    assert Runtime(Limits(), seed=7).new_id() != Runtime(Limits(), seed=8).new_id()
    assert Runtime(Limits(), seed=0).new_id() == Runtime(Limits(), seed=0).new_id()


def test_each_server_has_turns_timers_and_a_flusher_of_its_own() -> None:
    limits = Limits(threads=1)
    one, other = Runtime(limits), Runtime(limits)

    assert (limits, Turns, Timers, Flusher) == (
        one.limits,
        type(one.turns),
        type(one.timers),
        type(one.flusher),
    )
    assert one.turns is not other.turns
    assert one.timers is not other.timers
    assert one.flusher is not other.flusher


async def test_the_time_is_that_of_the_loop_it_first_ran_on() -> None:
    runtime = Runtime(Limits())
    loop = asyncio.get_running_loop()
    before, now, after = loop.time(), runtime.now(), loop.time()

    assert before <= now <= after
    loop.time = lambda: 42.0  # type: ignore[method-assign]
    try:
        assert 42.0 == runtime.now()
    finally:
        del loop.time
