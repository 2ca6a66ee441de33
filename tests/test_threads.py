"""DaemonThreads: bounded, reused, in order, and no hindrance to the end of a process."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError

import pytest

from goroom.threads import DaemonThreads


@pytest.fixture
def pool() -> Iterator[DaemonThreads]:
    opened = DaemonThreads(2, "worker")
    yield opened
    opened.shutdown()


def test_a_call_is_made_in_a_thread_and_answered(pool: DaemonThreads) -> None:
    def call(number: int, *, more: int) -> tuple[int, str, bool]:
        thread = threading.current_thread()
        return number + more, thread.name, thread.daemon

    assert (3, "worker_0", True) == pool.submit(call, 1, more=2).result(5)


def test_what_a_call_raises_is_its_callers(pool: DaemonThreads) -> None:
    with pytest.raises(SystemExit):
        pool.submit(sys.exit).result(5)
    assert 1 == pool.submit(lambda: 1).result(5)


def test_a_free_thread_is_used_again(pool: DaemonThreads) -> None:
    names = {pool.submit(lambda: threading.current_thread().name).result(5) for _ in range(20)}

    assert {"worker_0"} == names


def test_calls_beyond_the_bound_wait(pool: DaemonThreads) -> None:
    together = threading.Barrier(3)
    blocked = [pool.submit(together.wait) for _ in range(2)]
    waiting = pool.submit(lambda: 7)
    is_done = waiting.done()
    together.wait(5)

    assert (False, 7) == (is_done, waiting.result(5))
    assert {0, 1, 2} >= {future.result(5) for future in blocked}


def test_calls_that_wait_are_made_in_order() -> None:
    pool = DaemonThreads(1, "worker")
    order: list[int] = []
    for number in range(20):
        pool.submit(order.append, number)
    pool.shutdown()

    assert list(range(20)) == order


def test_a_call_that_is_cancelled_while_it_waits_is_not_made(pool: DaemonThreads) -> None:
    together = threading.Barrier(3)
    blocked = [pool.submit(together.wait) for _ in range(2)]
    called: list[int] = []
    waiting = pool.submit(called.append, 1)
    cancelled = waiting.cancel()
    together.wait(5)
    for future in blocked:
        future.result(5)
    pool.shutdown()

    assert (True, []) == (cancelled, called)


def test_a_pool_that_is_shut_down_makes_the_calls_that_wait_and_takes_no_more() -> None:
    pool = DaemonThreads(1, "worker")
    go_on = threading.Event()
    pool.submit(go_on.wait)
    waiting = pool.submit(lambda: 7)
    pool.shutdown(wait=False)
    go_on.set()

    assert 7 == waiting.result(5)
    with pytest.raises(RuntimeError, match="shutdown"):
        pool.submit(print)
    pool.shutdown()
    assert "worker_0" not in {thread.name for thread in threading.enumerate()}


def test_a_shutdown_may_cancel_the_calls_that_wait() -> None:
    pool = DaemonThreads(1, "worker")
    go_on = threading.Event()
    first, second = pool.submit(go_on.wait), pool.submit(lambda: 7)
    pool.shutdown(wait=False, cancel_futures=True)
    go_on.set()
    pool.shutdown(cancel_futures=True)

    assert first.result(5)
    with pytest.raises(CancelledError):
        second.result(5)


async def test_asyncio_takes_it_for_its_own_threads() -> None:
    asyncio.get_running_loop().set_default_executor(DaemonThreads(1, "mine"))

    assert "mine_0" == await asyncio.to_thread(lambda: threading.current_thread().name)


def test_python_ends_though_a_call_does_not() -> None:
    program = (
        "import threading\n"
        "from goroom.threads import DaemonThreads\n"
        "begun = threading.Event()\n"
        "pool = DaemonThreads(1, 'worker')\n"
        "pool.submit(lambda: (begun.set(), threading.Event().wait()))\n"
        "begun.wait()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=False, timeout=20)

    assert 0 == done.returncode
