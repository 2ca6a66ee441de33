"""An observer lobby: an application whose users see all rooms of another one, live."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from goroom import Application, User
from goroom_extensions.mesh.application import MeshApplication
from goroom_extensions.mesh.dialect import GLOBAL_ROOM
from goroom_extensions.mesh.mesh import mesh_of
from goroom_extensions.mesh.room import MeshRoom
from goroom_extensions.mesh.state import RoomState, ended, state_of
from goroom_extensions.mesh.triggers import MeshEvent, Trigger

if TYPE_CHECKING:
    from typing import Self


@attrs.frozen
class RoomsShown:
    """What a newcomer is told."""

    rooms: list[RoomState]


@attrs.frozen
class RoomGone:
    """A room was deleted."""

    room: str


@attrs.frozen
class ClientMoved:
    """A client has joined or left a room."""

    room: str
    client: str
    count: int
    """Members of the room after it."""


@attrs.frozen
class ClientSeen:
    """A client has connected or disconnected."""

    client: str


class ObserverRoom(MeshRoom):
    """
    Where observers are.

    A newcomer gets ``rooms`` {"rooms"} with all rooms as they stand, and from then on, in one order
    and without a gap: ``room-created``, ``room-deleted``, ``client-joined-room``,
    ``client-left-room``, ``client-connected``, ``client-disconnected``.
    """

    sends: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {
            "rooms": RoomsShown,
            Trigger.ROOM_CREATED: RoomState,
            Trigger.ROOM_DELETED: RoomGone,
            Trigger.CLIENT_JOINED: ClientMoved,
            Trigger.CLIENT_LEFT: ClientMoved,
            Trigger.CLIENT_CONNECTED: ClientSeen,
            Trigger.CLIENT_DISCONNECTED: ClientSeen,
        }
    )

    def on_join(self, user: User) -> None:
        """Show *user* all rooms of the watched application."""
        user.send("rooms", RoomsShown(observer_of(self.application).seen()))


class ObserverLobby(MeshApplication):
    """
    An application whose users see all rooms of another one, hidden ones too, and act on none.

    ::

        words = server.add_application("words", Words, rooms={"game": Game})
        server.add_application("observer", ObserverLobby.of(words), rooms={"lobby": ObserverRoom})

    Applications cannot reach each other: whoever assembles the server hands this one the other.
    Nothing that observers do is seen there. The rooms there should be `MeshRoom`, or their members
    come and go unseen.
    """

    watched: ClassVar[Application]
    """The application that is watched; its extension is a `MeshApplication`."""

    @classmethod
    def of(cls, application: Application) -> type[Self]:
        """Return this class for the users who watch *application*."""
        return type(cls.__name__, (cls,), {"watched": application, "__module__": cls.__module__})

    async def init(self) -> None:
        """
        Begin to watch.

        Raises:
            TypeError: The watched application is no mesh, or there is none.
        """
        if not hasattr(self, "watched"):
            raise TypeError(
                f"{type(self).__name__} has nothing to watch: add it as"
                f" {type(self).__name__}.of(application)"
            )
        await super().init()
        mesh_of(self.watched).triggers.listen(self._show)

    def seen(self) -> list[RoomState]:
        """Return how the rooms of the watched application stand now."""
        return mesh_of(self.watched).states()

    def _show(self, event: MeshEvent) -> None:
        shown: object
        if event.trigger is Trigger.ROOM_CREATED:
            room = self.watched.rooms.get(event.room)
            shown = ended(event.room) if room is None else state_of(room)
        elif not event.client:
            shown = RoomGone(event.room)
        elif not event.room:
            shown = ClientSeen(event.client)
        else:
            shown = ClientMoved(event.room, event.client, event.count)
        self.mesh.push(event.trigger, shown, room=GLOBAL_ROOM)


def observer_of(application: Application) -> ObserverLobby:
    """
    Return the extension of *application*, which observers use.

    Raises:
        TypeError: It is another one.
    """
    extension = application.extension
    if not isinstance(extension, ObserverLobby):
        raise TypeError(f"an ObserverRoom belongs to an ObserverLobby, not to {application!r}")
    return extension
