"""
A chat with accounts: public channels, direct messages, what was said before.

    python examples/mirror.py [--host 127.0.0.1] [--port 9000] [--database URL] [--keys FOLDER]

The clients of go-mirror-hw connect to ws://127.0.0.1:9000/ws, the page is at /. Accounts and
messages are in mirror-data/mirror.sqlite unless --database says otherwise; the keys that sign
log-ins are in mirror-data/keys. `.gitignore` in there keeps both out of every repository.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import signal
from collections.abc import Sequence
from pathlib import Path

import structlog
from aiohttp import web
from goroom_extensions import mirror

from goroom import Server, setup

DATA = Path("mirror-data")
"""Where what has to last is, unless the command line says otherwise."""


def make_site(
    database: str, keys: Path, *, passwords: mirror.Passwords | None = None
) -> web.Application:
    """Return the site with everything on it."""
    site, server = web.Application(), Server()
    mirror.setup(site, server, database=database, keys=keys, passwords=passwords)
    setup(site, server, path="/")
    return site


async def run(site: web.Application, host: str, port: int) -> None:
    """Serve *site* until SIGINT or SIGTERM."""
    is_over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl+C raises there
            loop.add_signal_handler(number, is_over.set)
    runner = web.AppRunner(site, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        port = runner.addresses[0][1]
        print(f"The mirror is open at http://{host}:{port}/ (Ctrl+C closes it)", flush=True)
        await is_over.wait()
    finally:
        await runner.cleanup()


def make_data_folder() -> Path:
    """Return the folder for what has to last, which no repository takes in."""
    DATA.mkdir(mode=0o700, exist_ok=True)
    (DATA / ".gitignore").write_text("*\n")
    return DATA


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the mirror as the command line says, and return the exit code."""
    parser = argparse.ArgumentParser(description="A chat with accounts, channels and messages.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=9000, help="port to listen on; 0 for any")
    parser.add_argument(
        "--database",
        help="sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME; "
        f"by default a file in {DATA}/, which is made",
    )
    parser.add_argument(
        "--keys",
        type=Path,
        help=f"folder of the keys that sign log-ins; by default {DATA}/keys, which is made",
    )
    options = parser.parse_args(arguments)
    database = options.database or f"sqlite:///{make_data_folder() / 'mirror.sqlite'}"
    keys = options.keys or make_data_folder() / "keys"
    only_warnings = structlog.make_filtering_bound_logger(logging.WARNING)
    structlog.configure(wrapper_class=only_warnings)
    try:
        asyncio.run(run(make_site(database, keys), options.host, options.port))
    except (ImportError, OSError, RuntimeError, ValueError, mirror.StoreFailed) as error:
        parser.error(str(error))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
