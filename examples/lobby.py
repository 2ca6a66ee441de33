"""
A lobby with three applications on one port: tic-tac-toe, connect four and a chat.

    python examples/lobby.py [--port 8080] [--bots 8] [--seconds 60]

The page is in lobby/, the rules are in games/, the bots in bots.py. `goroom serve
examples/lobby.py` serves the applications alone.
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
from bots import Habits, Tally, keep_house
from games.connectfour import ConnectFour
from games.table import TableLobby
from games.tictactoe import TicTacToe
from goroom_extensions.chat import Talk
from goroom_extensions.lobby import Lobby

from goroom import Server

PAGE = Path(__file__).with_name("lobby")


class Hall(Talk):
    """A room to talk in."""

    max_users = 200
    spectators = True
    client_options = ("password", "hidden")


class Chat(Lobby):
    """Halls, one of them for everybody."""

    opens = {"lobby": "hall"}  # noqa: RUF012 -- never changed
    client_kinds = ("hall",)


def server() -> Server:
    """Return the server with its three applications."""
    served = Server()
    served.add_application("tictactoe", TableLobby, rooms={"table": TicTacToe})
    served.add_application("connectfour", TableLobby, rooms={"table": ConnectFour})
    served.add_application("chat", Chat, rooms={"hall": Hall})
    return served


async def run(host: str, port: int, *, bots: int, seconds: float | None) -> Tally:
    """Serve page, applications and bots until SIGINT, SIGTERM or *seconds* are over."""
    is_over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl+C raises there
            loop.add_signal_handler(number, is_over.set)
    habits = Habits()
    served = server()
    port = await served.start(host, port, static=PAGE)
    print(f"The lobby is open at http://{host}:{port}/ (Ctrl+C closes it)", flush=True)
    house = asyncio.create_task(keep_house(f"ws://{host}:{port}/", bots, habits))
    try:
        async with asyncio.timeout(seconds):
            await is_over.wait()
    except TimeoutError:
        pass  # as asked for
    finally:
        house.cancel()
        await asyncio.wait({house})
        await served.stop()
    if not house.cancelled():
        house.result()  # what a bot failed at, if one did
    return habits.tally


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the lobby as the command line says, and return the exit code."""
    parser = argparse.ArgumentParser(description="A lobby of small games, with bots.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8080, help="port to listen on; 0 for any")
    parser.add_argument("--bots", type=int, default=8, help="how many bots play")
    parser.add_argument("--seconds", type=float, help="how long to stay open")
    options = parser.parse_args(arguments)
    only_warnings = structlog.make_filtering_bound_logger(logging.WARNING)
    structlog.configure(wrapper_class=only_warnings)
    tally = asyncio.run(run(options.host, options.port, bots=options.bots, seconds=options.seconds))
    print(
        f"Bots: {tally.games} games played, {tally.moves} moves, {tally.messages} messages, "
        f"{tally.refusals} refusals",
        flush=True,
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
