"""A room that passes on whatever its members say, and knows no rules."""

from __future__ import annotations

from typing import ClassVar

from goroom import Refused, Request, RoomExtension, User

UNKNOWN_ACTION = 22


class Relay(RoomExtension):
    """
    Passes each message of a member on to the others, under its own name and with its sender.

    For prototypes, and for games whose clients trust each other: the server checks nothing but
    sizes. The reply is the acknowledgement.
    """

    actions: ClassVar[frozenset[str] | None] = None
    """Names of the messages that are passed on; others are refused (22). None passes on all."""
    echo: ClassVar[bool] = False
    """Whether the sender hears itself, and spectators hear anything: these get only what goes to
    everybody."""

    def on_message(self, user: User, request: Request) -> None:
        """
        Pass the message on.

        Raises:
            Refused: It has no name, or none of those that are passed on.
        """
        action = request.action
        if not action or (self.actions is not None and action not in self.actions):
            raise Refused(code=UNKNOWN_ACTION)
        skip = None if self.echo else user
        self.room.broadcast(action, request.data, sender=user, skip=skip)
