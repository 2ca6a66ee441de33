"""
An echo, as go-message-broadcaster's own example: its clients connect unchanged.

    python examples/broadcaster.py [-p 9218] [-e /] [--newer]

    wscat -c ws://localhost:9218/ -o localhost:9218
    > {"HandlerID": 1, "Body": "SGVsbG8sIHdvcmxkIQ=="}

Clients of goroom's own tongue find the same room at /echo. `goroom serve examples/broadcaster.py`
serves it, too.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from goroom_extensions.broadcaster import (
    Broadcaster,
    BroadcasterDialect,
    BroadcastRoom,
    Cast,
    Message,
    Response,
    handles_id,
)

from goroom import Server, User

PORT = 9218


class Echo(BroadcastRoom):
    """Says what anyone sends to handler 1 to all, and to fewer what is sent to the next three."""

    @handles_id(1)
    def echo(self, user: User, message: Message) -> Response:  # noqa: ARG002 -- a handler's form
        """Say it to all, the sender too."""
        return Response(message.body)

    @handles_id(2)
    def echo_self(self, user: User, message: Message) -> Response:  # noqa: ARG002 -- the same
        """Say it to the sender."""
        return Response(message.body, Cast.SELF)

    @handles_id(3)
    def echo_exclusive(self, user: User, message: Message) -> Response:
        """Say it to those who are named: here the sender."""
        return Response(message.body, Cast.EXCLUSIVE, [user.name])

    @handles_id(4)
    def echo_others(self, user: User, message: Message) -> Response:  # noqa: ARG002 -- the same
        """Say it to all but the sender."""
        return Response(message.body, Cast.OTHERS)


class NewerEcho(Echo):
    """The same, and Responses that tell of those who come and go."""

    def on_client_added(self, user: User) -> Response:  # noqa: ARG002 -- a handler's form
        """Tell all, the newcomer too."""
        return Response(b"OnAddClient")

    def on_client_deleted(self, user: User) -> Response:  # noqa: ARG002 -- a handler's form
        """Tell those who are still there."""
        return Response(b"OnDelClient")


class NewerDialect(BroadcasterDialect):
    """The frames of the seed's newest source."""

    has_event_type = True


def server(endpoint: str = "/", *, is_newer: bool = False) -> Server:
    """
    Return the server.

    Args:
        endpoint: Path of the WebSocket.
        is_newer: Whether frames and events are those of the seed's newest source; else those that
            its README shows.

    Raises:
        ValueError: *endpoint* is no path.
    """
    served = Server()
    room, dialect = (NewerEcho, NewerDialect) if is_newer else (Echo, BroadcasterDialect)
    served.add_application("echo", Broadcaster, rooms={"broadcaster": room})
    served.add_endpoint(endpoint, "echo", dialect)
    return served


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve as the command line says, until Ctrl+C, and return the exit code."""
    parser = argparse.ArgumentParser(
        description="A message broadcaster: handler 1 echoes to all, 2 to the sender, 3 to those "
        "who are named, 4 to the others."
    )
    parser.add_argument("--host", default="localhost", help="address to listen on")
    parser.add_argument("-p", "--port", type=int, default=PORT, help="port to listen on; 0 for any")
    parser.add_argument("-e", "--endpoint", default="/", help="path of the WebSocket")
    parser.add_argument("--newer", action="store_true", help="frames of the seed's newest source")
    options = parser.parse_args(arguments)
    try:
        served = server(options.endpoint, is_newer=options.newer)
    except ValueError as error:
        parser.error(str(error))
    served.run(options.host, options.port)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
