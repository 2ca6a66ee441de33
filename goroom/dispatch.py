"""
Dispatch: what serves each request, and after what.

What a frame may do depends on its event and on what the connection is in the application it names:

=====================  ============================  ===========================================
event                  needs                         served by
=====================  ============================  ===========================================
CONNECTION             nothing                       ignored
JOIN_APP, LOGIN,       to have entered (silently)    `lifecycle.OPEN_TO_ALL`
RECONNECT
MESSAGE                to be logged in, else 2       `messaging.serve_message`
all others             to be logged in, else 2       `lifecycle.FOR_USERS`
unknown, server's own  to be logged in, else 2       10
=====================  ============================  ===========================================
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from goroom.errors import Disconnect, InvalidEvent, NotLoggedIn, Refused
from goroom.lifecycle import FOR_USERS, OPEN_TO_ALL, Served
from goroom.messages import EventType, Request
from goroom.messaging import serve_message
from goroom.resent import is_new
from goroom.tickets import StillHandled
from goroom.user import Asker, Link, User

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from goroom.application import Application
    from goroom.connection import Connection
    from goroom.tickets import Ticket


def dispatch(link: Link, request: Request) -> Awaitable[None] | None:
    """
    Serve *request*, which is of the application that *link* is in.

    Returns:
        None if it has been served, else something to await before the next one is.
    """
    ticket = link.ticket
    if ticket is not None:
        try:
            if not is_new(link, ticket, request):
                return None
        except StillHandled as still:
            return _after(still, link, ticket, request)
    return _serve(link, request)


def _serve(link: Link, request: Request) -> Awaitable[None] | None:
    event = request.event_type
    user = None if link.has_said_goodbye else link.user
    if user is not None and user.moves:
        return _after_moves(link, request, user)
    if event == EventType.MESSAGE and user is not None:
        return serve_message(link, request, user)
    if event in OPEN_TO_ALL:
        return _run(link, request, OPEN_TO_ALL[event])
    if user is None:
        link.refuse(request, NotLoggedIn())
    elif event in FOR_USERS:
        return _run(link, request, FOR_USERS[event])
    else:
        link.refuse(request, InvalidEvent())
    return None


async def enter_and_dispatch(
    connection: Connection, application: Application, request: Request
) -> None:
    """Have *connection* enter *application*, because *request* names it, then serve that."""
    if await connection.enter(application, request):
        await _done(dispatch(connection.links[application.name], request))


async def _done(waiting: Awaitable[None] | None) -> None:
    if waiting is not None:
        await waiting


async def _after_moves(link: Link, request: Request, user: User) -> None:
    """Read on when *user* is where it was told to move, so that it can speak there."""
    connection = link.connection
    try:
        while user.moves:
            await asyncio.wait(user.moves)
    except asyncio.CancelledError:
        link.retract(request)
        raise
    if connection.is_served:
        await _done(_serve(link, request))
    else:
        link.retract(request)


async def _after(still: StillHandled, link: Link, ticket: Ticket, request: Request) -> None:
    """Read on when *request*, sent again, has its answer, so that nothing overtakes it."""
    await still.done.wait()
    if ticket.is_retracted(request):
        await _done(dispatch(link, request))


async def _run(link: Link, request: Request, serve: Served) -> None:
    connection = link.connection
    try:
        _ = request.data  # what cannot be read is refused, whoever would look at it
        await serve(Asker(link, request))
    except Refused as error:
        link.refuse(request, error)
    except Disconnect as error:
        await connection.expel(link, error.code, error.message)
    except asyncio.CancelledError:
        link.retract(request)
        raise
