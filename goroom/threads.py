"""Threads: a bounded pool whose threads a process does not wait for when it ends."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")


class DaemonThreads(ThreadPoolExecutor):
    """
    A pool of daemon threads, each started when all others are busy.

    Python waits at its exit for every thread of a `ThreadPoolExecutor`, for ever if a call in one
    never ends. It does not wait for these: what still runs is cut off. A ThreadPoolExecutor by name
    only, because asyncio takes nothing else for its default executor.

    Args:
        size: Most threads; more calls wait, in order.
        name: What the threads' names begin with.
    """

    def __init__(self, size: int, name: str) -> None:
        super().__init__(size, name)
        self._size = size
        self._name = name
        self._lock = Lock()
        self._calls: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._free = 0
        """Threads that wait for a call, less the calls that wait for a thread."""
        self._running: list[Thread] = []
        self._is_shut_down = False

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """
        Call *fn* in a thread.

        Raises:
            RuntimeError: The pool is shut down.
        """
        future: Future[T] = Future()
        with self._lock:
            if self._is_shut_down:
                raise RuntimeError("cannot schedule new futures after shutdown")
            self._calls.put((future, lambda: fn(*args, **kwargs)))
            self._free -= 1
            if self._free < 0 and len(self._running) < self._size:
                number = len(self._running)
                thread = Thread(target=self._work, name=f"{self._name}_{number}", daemon=True)
                self._running.append(thread)
                self._free += 1
                thread.start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 -- the signature of Executor
        """Take no more calls; end each thread when all that wait are done, or cancel those."""
        with self._lock:
            self._is_shut_down = True
            while cancel_futures and not self._calls.empty():
                if (item := self._calls.get()) is not None:
                    item[0].cancel()
            self._calls.put(None)
        if wait:
            for thread in self._running:
                thread.join()

    def _work(self) -> None:
        while (item := self._calls.get()) is not None:
            self._call(*item)
            del item
        self._calls.put(None)  # for the next thread

    def _call(self, future: Future[Any], call: Callable[[], Any]) -> None:
        result, error = None, None
        is_wanted = future.set_running_or_notify_cancel()
        if is_wanted:
            try:
                result = call()
            except BaseException as raised:  # noqa: BLE001 -- it is the caller's
                error = raised
        with self._lock:
            self._free += 1  # before anybody can know that the call is done
        if error is not None:
            future.set_exception(error)
        elif is_wanted:
            future.set_result(result)
