"""A lobby: guests log in under any free name, open rooms within a quota, and are greeted."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import attrs

from goroom import ApplicationExtension, NotAllowed, User


@attrs.frozen
class Greeting:
    """What every newcomer is told."""

    text: str


class Lobby(ApplicationExtension):
    """
    The application around rooms that guests open and join.

    ::

        class Games(Lobby):
            opens = {"lobby": "hall"}
            client_kinds = ("table",)

    Whoever names a free name is in; there are no passwords. A subclass with an ``init`` or
    ``on_login`` of its own calls these.
    """

    opens: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """The rooms that are there from the start: their kinds by name."""
    client_kinds: ClassVar[tuple[str, ...]] = ()
    """The kinds of rooms that clients may open."""
    rooms_per_user: ClassVar[int] = 5
    """Rooms that one user may have opened at a time; more are refused (26, ``quota``)."""
    seat_in: ClassVar[str] = ""
    """The room that every newcomer is put into, or ``""``."""
    greeting: ClassVar[str] = ""
    """What every newcomer is told, as ``greeting`` {"text"}, or ``""``."""

    sends: ClassVar[Mapping[str, Any]] = MappingProxyType({"greeting": Greeting})

    async def init(self) -> None:
        """Open the rooms that are there from the start."""
        for name, kind in self.opens.items():
            await self.application.rooms.create(name, kind=kind)

    def on_login(self, user: User, credentials: dict[str, object]) -> None:  # noqa: ARG002 -- guests have none
        """Let *user* in, greet it and give it a seat."""
        if self.greeting:
            user.send("greeting", Greeting(self.greeting))
        if self.seat_in:
            user.move_to(self.seat_in)

    def may_create(self, user: User, kind: str) -> bool:
        """
        Let *user* open a room of *kind*, if clients may, until it has opened enough of them.

        Raises:
            NotAllowed: It has.
        """
        if kind not in self.client_kinds:
            return False
        # By name: who logs in again is another user object, and no newcomer.
        makers = [room.maker.name for room in self.application.rooms.values() if room.maker]
        if makers.count(user.name) >= self.rooms_per_user:
            raise NotAllowed(
                f"You have opened {self.rooms_per_user} rooms already.", reason="quota"
            )
        return True
