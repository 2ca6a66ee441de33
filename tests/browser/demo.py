"""The demo in a process of its own, and how Chromium is started: for tests and screenshots."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

import attrs

ROOT = Path(__file__).parents[2]
KEEP_SOCKETS = """
window.sockets = []
window.WebSocket = class extends WebSocket {
  constructor(...options) {
    super(...options)
    window.sockets.push(this)
  }
}
"""
"""A script before the page's own that lets a test close the socket under it."""
CHROMIUM_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@attrs.define(eq=False)
class Demo:
    """A running `examples/lobby.py`."""

    process: asyncio.subprocess.Process
    url: str
    """Address of the page, with a slash at its end."""

    @property
    def port(self) -> int:
        """Port that it listens on."""
        return int(self.url.rstrip("/").rpartition(":")[2])

    async def stop(self) -> None:
        """End it as an operator would; it must end well."""
        if self.process.returncode is None:
            self.process.terminate()
        await self.process.communicate()
        assert self.process.returncode == 0


async def start_demo(*, bots: int = 0, port: int = 0) -> Demo:
    """Start the demo and return it once it serves."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(ROOT / "examples" / "lobby.py"),
        f"--port={port}",
        f"--bots={bots}",
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async for line in process.stdout:
        if found := re.search(r"http://[^/\s]+/", line.decode()):
            return Demo(process, found.group())
    raise AssertionError("the demo ended without an address")
