"""
A broadcaster: clients send numbered messages, handlers say who gets what (go-message-broadcaster).

::

    class Echo(BroadcastRoom):
        @handles_id(1)
        def echo(self, user: User, message: Message) -> Response:
            return Response(message.body)

    server.add_application("echo", Broadcaster, rooms={"broadcaster": Echo})
    server.add_endpoint("/", "echo", BroadcasterDialect)
"""

from __future__ import annotations

from goroom import Conn
from goroom_extensions.broadcaster.application import Broadcaster
from goroom_extensions.broadcaster.dialect import BroadcasterDialect, TextBroadcasterDialect
from goroom_extensions.broadcaster.lines import LineConn, serve_lines
from goroom_extensions.broadcaster.numbered import handles_id
from goroom_extensions.broadcaster.responses import Cast, Message, Response
from goroom_extensions.broadcaster.room import BroadcastRoom

__all__ = [
    "BroadcastRoom",
    "Broadcaster",
    "BroadcasterDialect",
    "Cast",
    "Conn",
    "LineConn",
    "Message",
    "Response",
    "TextBroadcasterDialect",
    "handles_id",
    "serve_lines",
]
