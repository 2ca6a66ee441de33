"""Timers: exact, shared, spread, and gone when they end."""

from __future__ import annotations

import asyncio
import random
from contextvars import ContextVar
from typing import TYPE_CHECKING

import pytest

from goroom.testing import Clock
from goroom.timers import MOST_SLOTS, PHASES, SLOT_TIMERS, Timer, Timers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


class Ticks:
    """Writes down when it is called, counted from its start."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._start = clock.now
        self.times: list[float] = []

    def __call__(self) -> None:
        self.times.append(round(self._clock.now - self._start, 6))


def loop_timers() -> int:
    timers = asyncio.get_running_loop()._scheduled  # type: ignore[attr-defined]
    return sum(not timer.cancelled() for timer in timers)


@pytest.fixture
async def clock() -> AsyncIterator[Clock]:
    clock = Clock().install()
    clock._now = 1000.0  # whole seconds add up exactly
    yield clock
    clock.remove()


@pytest.fixture
def timers() -> Timers:
    return Timers()


# -- every ------------------------------------------------------------------------------------


async def test_every_ticks_first_when_its_seconds_have_passed(clock: Clock, timers: Timers) -> None:
    ticks = Ticks(clock)
    timer = timers.every(0.25, ticks)

    await clock.advance(0.24)
    early = list(ticks.times)
    await clock.advance(0.76)

    assert [] == early
    assert [0.25, 0.5, 0.75, 1] == ticks.times
    timer.cancel()


@pytest.mark.parametrize("start", [0.1, 1 / 3, 0.999999, 123.456789])
async def test_a_period_is_kept_whenever_it_starts(
    clock: Clock, timers: Timers, start: float
) -> None:
    await clock.advance(start)
    ticks = Ticks(clock)
    timer = timers.every(0.1, ticks)

    await clock.advance(100.05)

    assert 1000 == len(ticks.times)
    assert ticks.times == pytest.approx([0.1 * (number + 1) for number in range(1000)])
    timer.cancel()


async def test_timers_of_one_period_and_phase_share_a_timer_of_the_loop(
    clock: Clock, timers: Timers
) -> None:
    ticks = [Ticks(clock) for _ in range(SLOT_TIMERS)]
    running = [timers.every(1, one) for one in ticks]

    assert (1, SLOT_TIMERS) == (loop_timers(), len(timers))
    await clock.advance(2)
    assert [[1, 2]] * SLOT_TIMERS == [one.times for one in ticks]
    for timer in running:
        timer.cancel()


async def test_each_period_has_timers_of_its_own(clock: Clock, timers: Timers) -> None:
    slow, quick = Ticks(clock), Ticks(clock)
    running = [timers.every(1, slow), timers.every(0.5, quick)]

    await clock.advance(1)

    assert ([1], [0.5, 1], 2) == (slow.times, quick.times, len(timers))
    for timer in running:
        timer.cancel()


async def test_timers_of_one_period_keep_their_own_phases(clock: Clock, timers: Timers) -> None:
    first = Ticks(clock)
    running = [timers.every(1, first)]
    await clock.advance(0.3)
    second = Ticks(clock)
    running.append(timers.every(1, second))
    await clock.advance(2)

    assert ([1, 2], [1, 2]) == (first.times, second.times)
    for timer in running:
        timer.cancel()


async def test_a_timer_that_joins_a_slot_as_it_ticks_waits_a_whole_period(
    clock: Clock, timers: Timers
) -> None:
    """Started by a callback that runs just before the tick of its phase."""
    ticks: list[Ticks] = []
    running: list[Timer] = []

    def start() -> None:
        ticks.append(Ticks(clock))
        running.append(timers.every(1, ticks[0]))

    timers.after(1, start)
    running.append(timers.every(1, lambda: None))
    await clock.advance(3)

    assert [1, 2] == ticks[0].times
    for timer in running:
        timer.cancel()


async def test_a_timer_started_by_a_tick_waits_a_whole_period(clock: Clock, timers: Timers) -> None:
    ticks: list[Ticks] = []
    running: list[Timer] = []

    def start() -> None:
        if not ticks:
            ticks.append(Ticks(clock))
            running.append(timers.every(1, ticks[0]))

    running.append(timers.every(1, start))
    await clock.advance(3)

    assert [1, 2] == ticks[0].times
    for timer in running:
        timer.cancel()


async def test_many_timers_that_start_at_once_are_spread_over_their_period(
    clock: Clock, timers: Timers
) -> None:
    ticks = [Ticks(clock) for _ in range(1000)]
    running = [timers.every(1, one) for one in ticks]
    slots = loop_timers()

    await clock.advance(4)

    together: dict[float, int] = {}
    for one in ticks:
        first = one.times[0]
        together[first] = together.get(first, 0) + 1
        assert 1 <= first < 2
        assert [round(first + more, 6) for more in range(len(one.times))] == one.times
    assert SLOT_TIMERS == max(together.values())
    assert 1000 // SLOT_TIMERS + 1 == len(together) == slots
    for timer in running:
        timer.cancel()


async def test_timers_beyond_all_slots_share_them_evenly(clock: Clock, timers: Timers) -> None:
    ticks = [Ticks(clock) for _ in range(SLOT_TIMERS * PHASES + 10 * PHASES)]
    running = [timers.every(1, one) for one in ticks]
    await clock.advance(2)

    together: dict[float, int] = {}
    for one in ticks:
        together[one.times[0]] = together.get(one.times[0], 0) + 1
    assert [SLOT_TIMERS + 10] * PHASES == list(together.values())
    for timer in running:
        timer.cancel()


async def test_rooms_that_open_at_any_time_share_few_timers_of_the_loop(
    clock: Clock, timers: Timers
) -> None:
    chance = random.Random(1)
    ticks: list[Ticks] = []
    running: list[Timer] = []
    for _ in range(1000):
        await clock.advance(chance.random() / 5)
        ticks.append(Ticks(clock))
        running.append(timers.every(1, ticks[-1]))
    shared = loop_timers()
    await clock.advance(2)

    assert MOST_SLOTS == shared
    assert all(1 - 1e-5 <= one.times[0] <= 2 for one in ticks)
    late = sorted(one.times[0] - 1 for one in ticks)
    assert late[500] < 0.1  # most are close, for the next slot with room is taken
    for timer in running:
        timer.cancel()


async def test_no_tick_comes_early_though_its_slot_has_been_ticking(
    clock: Clock, timers: Timers
) -> None:
    """The slot that is taken instead of a full one is due before a period has passed."""
    running = [timers.every(1, lambda: None) for _ in range(SLOT_TIMERS * 3)]
    await clock.advance(5)
    ticks = Ticks(clock)

    running.append(timers.every(1, ticks))
    await clock.advance(2)

    assert 1 <= ticks.times[0] < 2
    for timer in running:
        timer.cancel()


async def test_a_loop_that_was_held_ticks_once_for_all_it_missed(
    clock: Clock, timers: Timers
) -> None:
    ticks = Ticks(clock)
    timer = timers.every(1, ticks)
    await clock.advance(1)

    clock._now += 3.5
    await clock.settle()
    await clock.advance(1)

    assert [1, 4.5, 5, 5.5][:3] == ticks.times
    timer.cancel()


async def test_a_loop_that_was_held_for_whole_periods_skips_them(
    clock: Clock, timers: Timers
) -> None:
    ticks = Ticks(clock)
    timer = timers.every(1, ticks)

    clock._now += 3
    await clock.settle()
    await clock.advance(1)

    assert [3, 4] == ticks.times
    timer.cancel()


async def test_a_loop_that_wakes_a_little_early_does_not_tick_twice(
    clock: Clock, timers: Timers
) -> None:
    """asyncio calls what is due within the resolution of its clock."""
    ticks = Ticks(clock)
    loop = asyncio.get_running_loop()
    resolution, loop._clock_resolution = loop._clock_resolution, 0.001  # type: ignore[attr-defined]
    timer = timers.every(1, ticks)

    await clock.advance(0.9995)
    early = list(ticks.times)
    await clock.advance(1.5)
    loop._clock_resolution = resolution  # type: ignore[attr-defined]

    assert 1 == len(early)
    assert 2 == len(ticks.times)
    timer.cancel()


# -- after ------------------------------------------------------------------------------------


async def test_after_ticks_once(clock: Clock, timers: Timers) -> None:
    ticks = Ticks(clock)
    timer = timers.after(2, ticks)
    before = (timer.is_running, len(timers))

    await clock.advance(1.99)
    early = list(ticks.times)
    await clock.advance(10)

    assert ((True, 1), [], [2]) == (before, early, ticks.times)
    assert (False, False, 0) == (timer.is_running, timer.is_cancelled, len(timers))


# -- the end ----------------------------------------------------------------------------------


@pytest.mark.parametrize("start", [Timers.every, Timers.after])
async def test_a_cancelled_timer_never_ticks_and_leaves_nothing(
    clock: Clock, timers: Timers, start: Callable[[Timers, float, Ticks], Timer]
) -> None:
    ticks = Ticks(clock)
    timer = start(timers, 1, ticks)

    timer.cancel()
    timer.cancel()
    left = (loop_timers(), len(timers))
    await clock.advance(5)

    assert ([], (0, 0)) == (ticks.times, left)
    assert (False, True) == (timer.is_running, timer.is_cancelled)


async def test_a_timer_can_be_cancelled_after_its_only_tick(clock: Clock, timers: Timers) -> None:
    """The tick may still wait for its room."""
    timer = timers.after(1, lambda: None)
    await clock.advance(1)

    timer.cancel()

    assert timer.is_cancelled


async def test_a_timer_cancelled_by_another_of_its_slot_does_not_tick(
    clock: Clock, timers: Timers
) -> None:
    ticks = Ticks(clock)
    second: list[Timer] = []

    def cancel() -> None:
        second[0].cancel()

    first = timers.every(1, cancel)
    second.append(timers.every(1, ticks))

    await clock.advance(3)

    assert [] == ticks.times
    first.cancel()
    assert (0, 0) == (loop_timers(), len(timers))


async def test_a_timer_may_cancel_itself_and_start_again(clock: Clock, timers: Timers) -> None:
    ticks = Ticks(clock)
    running: list[Timer] = []

    def tick() -> None:
        ticks()
        running.pop().cancel()
        running.append(timers.every(1, tick))

    running.append(timers.every(1, tick))
    await clock.advance(3)

    assert [1, 2, 3] == ticks.times
    running.pop().cancel()
    assert (0, 0) == (loop_timers(), len(timers))


async def test_the_last_of_a_slot_takes_its_timer_of_the_loop_along(
    clock: Clock, timers: Timers
) -> None:
    running = [timers.every(1, lambda: None) for _ in range(3)]

    left = []
    for timer in running:
        timer.cancel()
        left.append((loop_timers(), len(timers)))

    assert [(1, 2), (1, 1), (0, 0)] == left
    assert {} == timers._periods


async def test_a_phase_that_is_over_leaves_its_place_to_another(
    clock: Clock, timers: Timers
) -> None:
    kept = timers.every(1, lambda: None)
    for _ in range(2 * MOST_SLOTS):
        await clock.advance(0.013)
        timers.every(1, lambda: None).cancel()
    ticks = Ticks(clock)

    timer = timers.every(1, ticks)
    await clock.advance(2)

    assert [1, 2] == ticks.times
    timer.cancel()
    kept.cancel()


async def test_a_group_ends_all_its_timers_and_no_other(clock: Clock, timers: Timers) -> None:
    mine, others = Ticks(clock), Ticks(clock)
    group, other_group = timers.group(), timers.group()
    group.every(1, mine)
    group.after(1, mine)
    kept = other_group.every(1, others)

    group.end()
    group.end()
    await clock.advance(1)

    assert ([], [1]) == (mine.times, others.times)
    assert (0, 1, 1) == (len(group), len(other_group), len(timers))
    kept.cancel()
    assert 0 == len(other_group)


async def test_a_group_forgets_a_timer_that_is_over(clock: Clock, timers: Timers) -> None:
    group = timers.group()
    group.after(1, lambda: None)
    timer = group.every(1, lambda: None)
    before = len(group)

    await clock.advance(1)
    timer.cancel()

    assert (2, 0) == (before, len(group))


async def test_what_is_started_after_the_end_never_ticks(clock: Clock, timers: Timers) -> None:
    ticks = Ticks(clock)
    group = timers.group()
    group.end()

    started = [group.every(1, ticks), group.after(1, ticks)]
    await clock.advance(5)

    assert ([], 0, 0) == (ticks.times, len(group), len(timers))
    assert [False, False] == [timer.is_running for timer in started]


async def test_a_tick_runs_in_no_context_of_whoever_started_its_timer(
    clock: Clock, timers: Timers
) -> None:
    """Timers of several rooms share it: one would see the variables of another."""
    who = ContextVar("who", default="nobody")
    seen: list[str] = []
    who.set("ada")

    timer = timers.every(1, lambda: seen.append(who.get()))
    timers.after(1, lambda: seen.append(who.get()))
    await clock.advance(1)

    assert ["nobody", "nobody"] == seen
    timer.cancel()
