"""What all servers in Python share: they say their port, and end when standard input does."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import platform
import sys
from collections.abc import Awaitable, Callable, Mapping
from importlib.metadata import version

HOST = "127.0.0.1"


def versions(*packages: str) -> dict[str, str]:
    """Return the versions of *packages*."""
    return {package: version(package) for package in packages}


def serve(
    start: Callable[[], Awaitable[int]],
    about: Mapping[str, object],
    new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop,
) -> None:
    """
    Run *start*, say on which port it listens, and serve until standard input ends.

    So a server never outlives the program that measures it.
    """

    async def run() -> None:
        port = await start()
        told = {**about, "python": platform.python_version()}
        print(json.dumps({"port": port, "about": told}), flush=True)
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        loop.add_reader(sys.stdin.fileno(), ended.set)
        await ended.wait()
        # Nothing to save: whoever still is connected learns it from the socket.
        os._exit(0)

    gc.collect()
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(run())
