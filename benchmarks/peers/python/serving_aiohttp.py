"""What all servers on aiohttp share: they listen without an access log."""

from __future__ import annotations

from aiohttp import web
from serving import HOST


async def listen(app: web.Application) -> int:
    """Listen on a free port, and return it."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, HOST, 0).start()
    port: int = runner.addresses[0][1]
    return port
