"""A process that serves: until it is told to end, and then it ends, whatever its handlers do."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import structlog
from aiohttp import web

from goroom.threads import DaemonThreads

if TYPE_CHECKING:
    from collections.abc import Callable

    from goroom.limits import Limits

log = structlog.get_logger()

OTHER_THREADS = min(32, (os.cpu_count() or 1) + 4)
"""Threads for `asyncio.to_thread`: as many as asyncio's own."""

CANCEL_SECONDS = 1.0
"""How long what is cancelled at the very end may take."""

_ENOUGH = (web.GracefulExit, KeyboardInterrupt)
"""What a signal raises: out of the event loop, whatever it does."""


class MissingUvloopError(ImportError):
    """uvloop was asked for and cannot be imported; the text says how to install it."""


def serve(
    app: web.Application,
    host: str,
    port: int,
    started: Callable[[str], None],
    limits: Limits,
    *,
    uvloop: bool = False,
) -> None:
    """
    Serve *app* until SIGINT or SIGTERM, then clean it up.

    Unlike `web.run_app` it does not wait for ever for a task that swallows its cancellation, nor
    Python for a thread that does not end. A second signal ends the waiting.

    Args:
        app: What to serve.
        host: Address to listen on.
        port: Port to listen on.
        started: Called with the URL, once it is listened on.
        limits: Cleaning up may take twice ``drain_seconds`` and ``close_seconds``.
        uvloop: Whether to run on uvloop instead of asyncio's own event loop.

    Raises:
        MissingUvloopError: There is no uvloop; nothing was started.
        OSError: The address cannot be listened on.
    """
    loop = _new_uvloop() if uvloop else asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.set_default_executor(DaemonThreads(OTHER_THREADS, "asyncio"))
    seconds = 2 * (limits.drain_seconds + limits.close_seconds)
    main = loop.create_task(_serve(app, host, port, started, limits))
    try:
        loop.run_until_complete(main)
    except _ENOUGH:
        main.cancel()
        with suppress(*_ENOUGH):
            loop.run_until_complete(asyncio.wait({main}, timeout=seconds))
    finally:
        _end(loop)
    if main.done() and not main.cancelled():
        main.result()


def _new_uvloop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop  # noqa: PLC0415 -- the extra "fast"
    except ImportError:
        raise MissingUvloopError(
            "uvloop is not installed: pip install 'goroom[fast]' (there is none for Windows)"
        ) from None
    return uvloop.new_event_loop()


async def _serve(
    app: web.Application, host: str, port: int, started: Callable[[str], None], limits: Limits
) -> None:
    runner = web.AppRunner(
        app, handle_signals=True, access_log=None, shutdown_timeout=limits.drain_seconds
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        started(site.name)
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


def _end(loop: asyncio.AbstractEventLoop) -> None:
    tasks = asyncio.all_tasks(loop)
    with suppress(*_ENOUGH):
        loop.run_until_complete(_end_tasks(tasks))
    if left := [_name_of(task) for task in tasks if not task.done()]:
        log.error("tasks_left", tasks=left)
        # Dropped, each would be ended half-way, and say so at length.
        Thread(target=_keep, args=(tasks,), daemon=True).start()
    asyncio.set_event_loop(None)
    loop.close()


async def _end_tasks(tasks: set[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=CANCEL_SECONDS)
    with suppress(TimeoutError):
        async with asyncio.timeout(CANCEL_SECONDS):
            await asyncio.get_running_loop().shutdown_asyncgens()


def _keep(_: object) -> None:
    """Hold what is given until Python has ended."""
    Event().wait()


def _name_of(task: asyncio.Task[Any]) -> str:
    return getattr(task.get_coro(), "__qualname__", task.get_name())
