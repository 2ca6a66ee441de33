"""
The words game: the last letter of one word is the first of the next.

    python examples/wordsbattle.py [--port 8080] [--origin https://play.example]

Its clients speak the frames of simplysocket at /wsmesh. The rules and the rooms are in words/, the
page is in words/page/, the accounts behind /api/v1 (which need the extras auth and sql) are in
words/accounts.py. `goroom serve examples/wordsbattle.py` serves the game alone.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import signal
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import structlog
from aiohttp import web
from goroom_extensions.mesh import MESH_LIMITS, MeshDialect, MeshRoom
from words.accounts import Accounts
from words.application import KINDS, WordsBattle
from words.dictionary import english
from words.house import House

from goroom import Server, setup

PAGE = Path(__file__).parent / "words" / "page"
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; connect-src 'self' ws: wss:",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
REQUEST_BYTES = 8192
"""The largest request to /api/v1."""
SHUTDOWN_SECONDS = 30.0
"""How long a request that is being answered may take when the server stops."""

DEVELOPMENT = tuple(
    f"http://{host}:{port}"
    for host in ("localhost", "127.0.0.1")
    for port in (*range(8080, 8090), 3030)
)
"""
Where the original game's own client is served from while it is developed.

Its tools take the first free port from 8080 up, its container takes 3030.
"""


def server(origins: Iterable[str] | None = None) -> Server:
    """Return the server with the game; *origins* may connect, None: pages of the same host."""
    english()  # read now, not when the first room is made
    served = Server()
    served.add_application("words", WordsBattle, rooms={"lobby": MeshRoom, **KINDS})
    # Not BatchedMeshDialect: the original game's client loses count of the lines of a message in
    # which the bot asks for a word, and then takes the same ones in again and again.
    served.add_endpoint("/wsmesh", "words", MeshDialect, MESH_LIMITS, origins)
    return served


def make_site(served: Server, data: Path) -> web.Application:
    """Return the whole site: game, page and accounts, which *data* keeps."""
    site = web.Application(client_max_size=REQUEST_BYTES)
    Accounts(data).add_to(site)
    setup(site, served, path="/", index=PAGE / "index.html")
    site.router.add_static("/", PAGE)
    site.on_response_prepare.append(add_headers)
    return site


async def add_headers(_: web.Request, response: web.StreamResponse) -> None:
    """Add what every page and file is sent with."""
    if not isinstance(response, web.WebSocketResponse):
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)


async def run(host: str, port: int, site: web.Application, house: House) -> None:
    """Serve *site* until SIGINT or SIGTERM, with the robots of *house*."""
    is_over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl+C raises there
            loop.add_signal_handler(number, is_over.set)
    runner = web.AppRunner(site, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        address = f"http://{host}:{runner.addresses[0][1]}/"
        print(f"The words game is open at {address} (Ctrl+C closes it)", flush=True)
        robots = asyncio.create_task(house.run())
        await is_over.wait()
        robots.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await robots
    finally:
        await runner.cleanup()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the words game as the command line says, and return the exit code."""
    parser = argparse.ArgumentParser(description="The words game.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8080, help="port to listen on; 0 for any")
    parser.add_argument(
        "--origin",
        action="append",
        metavar="URL",
        help="origin of pages that may connect, besides those of the same host; may be repeated;"
        " by default those on which the original game's own client is developed",
    )
    parser.add_argument(
        "--robots",
        type=int,
        default=8,
        help="how many robots play, after a second, with who is alone at the page; 0 for none",
    )
    parser.add_argument(
        "--data", type=Path, help="folder that keeps the accounts; without one they go at the end"
    )
    options = parser.parse_args(arguments)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    served = server(["self", *(options.origin or DEVELOPMENT)])
    with contextlib.ExitStack() as stack:
        data = options.data or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        data.mkdir(parents=True, exist_ok=True)
        house = House(served, options.robots)
        asyncio.run(run(options.host, options.port, make_site(served, data), house))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
