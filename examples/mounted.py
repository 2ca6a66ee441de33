"""
Games beside an ordinary aiohttp site, on its port and under one of its paths.

    python examples/mounted.py [--port 8080]

The site lists the tables at /, and an HTTP request can speak to everybody who plays:

    curl --data "Tea is ready." http://127.0.0.1:8080/announcements

Clients connect to ws://127.0.0.1:8080/games, browsers find the client at /games/goroom.js.
"""

from __future__ import annotations

import argparse
from html import escape

from aiohttp import web
from games.table import TableLobby
from games.tictactoe import TicTacToe

from goroom import Server, get_server, setup

PAGE = """<!doctype html>
<html lang="en">
<title>Tables</title>
<h1>Tables</h1>
<ul>{rows}</ul>
<p>Players connect to {address}</p>
"""


async def show_tables(request: web.Request) -> web.Response:
    """List the tables, with who sits there."""
    rooms = get_server(request).applications["tictactoe"].rooms.listing()
    rows = "".join(
        f"<li>{escape(room['roomName'])}: {escape(', '.join(room['properties']['players']))}</li>"
        for room in rooms
        if "players" in room["properties"]
    )
    address = escape(str(request.url.with_path("/games").with_scheme("ws")))
    page = PAGE.format(rows=rows or "<li>Nobody plays.</li>", address=address)
    return web.Response(text=page, content_type="text/html")


async def announce(request: web.Request) -> web.Response:
    """Tell everybody in the application what the request says."""
    application = get_server(request).applications["tictactoe"]
    application.broadcast("announced", {"text": await request.text()})
    return web.json_response({"users": len(application.users)})


def make_site() -> web.Application:
    """Return the site with the games mounted."""
    server = Server()
    server.add_application("tictactoe", TableLobby, rooms={"table": TicTacToe})
    site = web.Application()
    site.router.add_get("/", show_tables)
    site.router.add_post("/announcements", announce)
    setup(site, server, path="/games")
    return site


def main() -> None:
    """Serve the site until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(description="Games beside an aiohttp site.")
    parser.add_argument("--port", type=int, default=8080, help="port to listen on")
    web.run_app(make_site(), host="127.0.0.1", port=parser.parse_args().port)


if __name__ == "__main__":
    main()
