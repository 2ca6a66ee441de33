"""The garbage collector is tuned while a block runs, and as before when it has ended."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from weakref import ref

import pytest

from goroom.collector import THRESHOLDS, tuned

PYTHONS = (700, 10, 10)


class Circle:
    """Garbage that only the collector can free, once nobody holds it."""

    def __init__(self) -> None:
        self.itself = self


def _as_kept(*thresholds: int) -> tuple[int, ...]:
    """Set *thresholds* and return what this Python makes of them; some ignore the third."""
    gc.set_threshold(*thresholds)
    return gc.get_threshold()


@pytest.fixture(autouse=True)
def _own_collector() -> Iterator[None]:
    """Collect nothing by itself, and put back what a test leaves."""
    thresholds = gc.get_threshold()
    gc.disable()
    yield
    gc.enable()
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def test_it_collects_seldom_within_and_as_before_at_the_end() -> None:
    wanted, before = _as_kept(*THRESHOLDS), _as_kept(*PYTHONS)
    with tuned():
        within = gc.get_threshold()

    assert (wanted, before) == (within, gc.get_threshold())


def test_it_is_as_before_when_the_block_fails() -> None:
    before = _as_kept(*PYTHONS)
    frozen = gc.get_freeze_count()
    with pytest.raises(KeyError), tuned():
        raise KeyError

    assert before == gc.get_threshold()
    assert gc.get_freeze_count() <= frozen


def test_what_the_start_has_left_is_collected() -> None:
    circle = Circle()
    left = ref(circle)
    del circle
    with tuned():
        assert left() is None


def test_what_is_there_is_not_looked_at_until_the_end() -> None:
    circle = Circle()
    early = ref(circle)
    with tuned():
        del circle
        gc.collect()
        assert early() is not None
    gc.collect()

    assert early() is None


def test_what_comes_later_is_collected() -> None:
    with tuned():
        circle = Circle()
        late = ref(circle)
        del circle
        gc.collect()

        assert late() is None


def test_higher_thresholds_of_the_program_are_kept() -> None:
    wanted = _as_kept(100_000, 20, THRESHOLDS[2])
    gc.set_threshold(100_000, 20, 1)
    with tuned():
        assert wanted == gc.get_threshold()


def test_a_collector_that_is_off_stays_off() -> None:
    off = _as_kept(0, 10, 10)
    with tuned():
        assert off == gc.get_threshold()
        assert not gc.isenabled()


def test_a_python_without_a_third_threshold_gets_it_back() -> None:
    """Python 3.14.0 to 3.14.4 show it as 0, whatever was set."""
    before = _as_kept(2000, 10, 0)
    with tuned():
        assert THRESHOLDS[:2] == gc.get_threshold()[:2]

    assert before == gc.get_threshold()
