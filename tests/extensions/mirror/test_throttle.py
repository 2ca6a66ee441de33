"""Who fails too often waits."""

from __future__ import annotations

import asyncio

import pytest
from goroom_extensions.mirror import throttle as module
from goroom_extensions.mirror.throttle import Throttle, address_key


class Watch:
    """A clock to turn."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def watch() -> Watch:
    """Return a clock to turn."""
    return Watch()


@pytest.fixture
def throttle(watch: Watch) -> Throttle:
    """Return a throttle of five failures a minute."""
    return Throttle(5, 60, watch)


def test_a_key_is_open_until_it_has_failed_often_enough(throttle: Throttle) -> None:
    opened = []
    for _ in range(7):
        opened.append(throttle.is_open("ann"))
        throttle.note("ann")

    assert [True] * 5 + [False] * 2 == opened
    assert throttle.is_open("bob")


def test_a_key_opens_when_its_first_failure_is_old(throttle: Throttle, watch: Watch) -> None:
    for _ in range(5):
        throttle.note("ann")
        watch.seconds += 10
    left = throttle.seconds_left("ann")
    watch.seconds += left - 0.5
    shortly_before = throttle.is_open("ann")
    watch.seconds += 0.5

    assert left == 10
    assert not shortly_before
    assert throttle.is_open("ann")
    assert throttle.seconds_left("ann") == 0
    throttle.note("ann")
    assert throttle.seconds_left("ann") == 10


def test_what_is_open_has_no_time_left(throttle: Throttle) -> None:
    assert throttle.seconds_left("ann") == 0


async def test_successful_tries_never_count(throttle: Throttle) -> None:
    opened = []
    for _ in range(20):
        async with throttle.attempt("ann") as attempt:
            opened.append(attempt.is_open)

    assert [True] * 20 == opened


async def test_failed_tries_count(throttle: Throttle, watch: Watch) -> None:
    opened = []
    for _ in range(7):
        async with throttle.attempt("ann") as attempt:
            opened.append((attempt.is_open, attempt.seconds_left))
            if attempt.is_open:
                attempt.failed()
        watch.seconds += 1

    assert [(True, 0)] * 5 + [(False, 55), (False, 54)] == opened


async def test_of_a_thousand_tries_at_once_five_are_made(throttle: Throttle) -> None:
    made = 0

    async def fail() -> bool:
        nonlocal made
        async with throttle.attempt("ann") as attempt:
            if attempt.is_open:
                made += 1
                await asyncio.sleep(0)
                attempt.failed()
            return attempt.is_open

    opened = await asyncio.gather(*(fail() for _ in range(1000)))

    assert made == 5
    assert sum(opened) == 5


async def test_of_many_who_know_their_passwords_all_get_in(throttle: Throttle) -> None:
    now = most = 0

    async def succeed() -> bool:
        nonlocal now, most
        async with throttle.attempt("school") as attempt:
            now += 1
            most = max(most, now)
            await asyncio.sleep(0)
            now -= 1
            return attempt.is_open

    assert all(await asyncio.gather(*(succeed() for _ in range(100))))
    assert most == 5


async def test_who_waits_and_goes_leaves_nothing_behind(throttle: Throttle) -> None:
    never = asyncio.Event()

    async def wait() -> None:
        async with throttle.attempt("ann"):
            await never.wait()

    tasks = [asyncio.ensure_future(wait()) for _ in range(10)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)

    assert throttle._lines == {}
    assert throttle._failures == {}
    assert throttle.is_open("ann")


async def test_an_error_in_a_try_is_no_failure_and_no_end_of_the_line(throttle: Throttle) -> None:
    for _ in range(10):
        with pytest.raises(LookupError):
            async with throttle.attempt("ann"):
                raise LookupError

    assert throttle.is_open("ann")
    assert throttle._lines == {}


def test_what_is_too_old_is_forgotten(throttle: Throttle, watch: Watch) -> None:
    throttle.note("ann")
    watch.seconds += 60

    assert throttle.is_open("ann")
    assert throttle._failures == {}


def test_a_throttle_remembers_a_bounded_number_of_keys(
    throttle: Throttle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEYS_KEPT", 10)
    for _ in range(5):
        throttle.note("first")
        throttle.note("again")
    for number in range(9):
        throttle.note(str(number))

    assert len(throttle._failures) == 10
    assert throttle.is_open("first")
    assert not throttle.is_open("again")


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("a socket", "a socket"),
    ],
)
def test_addresses_of_one_customer_share_a_key(address: str, key: str) -> None:
    assert key == address_key(address)
