"""Mesh: what server code does with the clients and rooms of a mesh application."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from goroom import Application, NotLoggedIn, Request, Room, User
from goroom_extensions.mesh.dialect import GLOBAL_ROOM
from goroom_extensions.mesh.feed import FEED_ITEMS, Feed
from goroom_extensions.mesh.ledger import Ledger
from goroom_extensions.mesh.state import RoomState, state_of
from goroom_extensions.mesh.triggers import MeshEvent, Triggers


@attrs.frozen
class MeshMessage:
    """What a client has said and no handler took."""

    room: str
    client: str
    action: str
    body: Mapping[str, Any]


class Mesh:
    """
    The clients and rooms of one application, for server code: handlers, timers, views, tasks.

    It is at `MeshApplication.mesh`, at `MeshRoom.mesh`, and `mesh_of` finds it from outside.
    Clients are named by their slug or given as a `User`; one who is not there is passed over,
    except where it says otherwise. The seed systems' names for this are:

    ========================================  ================================================
    simplysocket, gomeshstream                here
    ========================================  ================================================
    GetClients, GetRooms, GetGameName         `clients`, `rooms`, ``application.name``
    GetClientsInRoom                          `clients_in`
    GetClientAuthMetadata                     `auth_metadata`
    CreateRoom, DeleteRoom                    `create_room`, `delete_room`
    JoinClientRoom, JoinARoom                 `join`, and `move` from where one cannot wait
    RemoveClientRoom                          `remove`
    PushMessage                               `push`
    RecieveMessage                            `receive`
    EventTriggers                             `events`, `MeshApplication.on_event`
    ConnectClient, DisconnectClient           an endpoint does it; ``User.kick``
    ========================================  ================================================
    """

    def __init__(self, application: Application, room_kind: str, rooms_per_client: int) -> None:
        self.application = application
        self.triggers = Triggers()
        """Tells listeners of the six events at once; `events` is for those who wait."""
        self.ledger = Ledger(self.triggers, rooms_per_client)
        self._room_kind = room_kind
        self._receivers: list[Feed[MeshMessage]] = []

    # -- looking ---------------------------------------------------------------------------

    def clients(self) -> dict[str, User]:
        """Return the clients by slug: whoever is logged in now, in any dialect."""
        return dict(self.application.users)

    def rooms(self) -> dict[str, Room]:
        """Return the rooms there are now by name, `GLOBAL_ROOM` among them."""
        return dict(self.application.rooms)

    def clients_in(self, room: str) -> dict[str, User]:
        """Return who is in *room* now, by slug; nobody where there is no such room."""
        found = self.application.rooms.get(room)
        return {} if found is None else dict(found.members)

    def auth_metadata(self, client: User | str) -> frozenset[str]:
        """Return what *client* may say for itself where a room asks for auth metadata."""
        user = self._found(client)
        return frozenset() if user is None else frozenset(user.data.get("auth_metadata", ()))

    def states(self) -> list[RoomState]:
        """Return how each room stands now, oldest first."""
        return [state_of(room) for room in self.application.rooms.values()]

    # -- rooms and who is in them ----------------------------------------------------------

    async def create_room(self, name: str, kind: str | None = None, **options: Any) -> Room:
        """
        Make a room that nobody is in; "Gawd" is its maker. As `goroom.RoomService.create`.

        It goes when its last member leaves. Clients need not wait for one: `join` makes it.
        """
        return await self.application.rooms.create(name, kind or self._room_kind, **options)

    def delete_room(self, name: str) -> None:
        """
        Close the room *name*: its members have left it, its code is told that it is over.

        Takes effect with the current turn.

        Raises:
            ValueError: It is `GLOBAL_ROOM`, which stays as long as the application.
        """
        if name == GLOBAL_ROOM:
            raise ValueError(f"{GLOBAL_ROOM!r} is never deleted: remove its clients instead")
        room = self.application.rooms.get(name)
        if room is not None:
            room.close()

    async def join(
        self, client: User | str, room: str, kind: str | None = None, **options: Any
    ) -> Room:
        """
        Make *client* a member of *room*, and return it; it is made where there is none.

        The client is then its maker. A turn of the room's own: it has happened when this returns.
        A member already: nothing happens. It may be awaited in handlers of the application, and
        outside of handlers; in a room's handlers, use `move`.

        Args:
            client: Who joins.
            room: The room's name.
            kind: What a missing room is made as; `MeshApplication.room_kind` where None.
            options: Fields of `goroom.RoomOptions` for the room that is made, such as
                ``capacity``.

        Raises:
            NotLoggedIn: There is no such client.
            Refused: The room is full, asks for auth metadata, refuses; *room* is no name; there
                would be more of this client's than `MeshApplication.rooms_per_client`.
            RuntimeError: Called in a turn of a room.
        """
        user = self._found(client)
        if user is None:
            raise NotLoggedIn
        joined = user.rooms.get(room)
        if joined is not None:
            return joined
        return await self.application.rooms.join(user, room, kind or self._room_kind, **options)

    def move(
        self,
        client: User | str,
        room: str,
        kind: str | None = None,
        *,
        leaving: str | None = None,
        **options: Any,
    ) -> None:
        """
        Do as `join` when the current turn has committed; never waits.

        What the client says next is handled when it is there. A refusal is logged; a client of
        goroom's own dialect is told.

        Args:
            client: Who joins.
            room: The room's name.
            kind: As for `join`.
            leaving: A room that the client leaves once it is in the other.
            options: As for `join`.
        """
        user = self._found(client)
        if user is not None and room not in user.rooms:
            user.move_to(room, leaving, kind=kind or self._room_kind, **options)

    def remove(self, client: User | str, room: str) -> None:
        """
        Take *client* out of *room*, and of no other; who is no member is passed over.

        Takes effect with the current turn.
        """
        found = self.application.rooms.get(room)
        if found is not None:
            found.kick(client)

    # -- messages --------------------------------------------------------------------------

    def push(
        self,
        action: str,
        data: object = None,
        *,
        room: str = "",
        client: User | str = "",
        sender: User | str | None = None,
    ) -> None:
        """
        Send a message from the server: to a room, or to one client.

        To the members of *room*, or to *client* alone where it is one of them; without a *room* to
        *client* wherever it is; without either to everybody in `GLOBAL_ROOM`. No room's code is
        asked. Never waits; from a handler it takes effect with its turn.

        Args:
            action: Name that clients see.
            data: JSON value, an object where the seed systems' clients read it.
            room: A room's name; there being none, nothing is sent.
            client: One client; not there, or not in *room*: nothing is sent.
            sender: Shown as ``sender``; any name, or a user's.

        Raises:
            PayloadError: *data* cannot be sent; nothing was.
        """
        only = client or None
        if client and not room:
            self.application.broadcast(action, data, only=only, sender=sender)
            return
        found = self.application.rooms.get(room or GLOBAL_ROOM)
        if found is not None:
            found.broadcast(action, data, only=only, sender=sender)

    def receive(self, most: int = FEED_ITEMS) -> Feed[MeshMessage]:
        """
        Return a feed of what clients say and no handler of their room or the application takes.

        A room's code may hand a message on by `deliver`. Where nobody reads, such a message is
        refused: to the seed systems' clients that means logged and dropped.

        Args:
            most: Messages that may wait for the reader; see `Feed`.
        """
        feed: Feed[MeshMessage] = Feed(most, lambda: self._receivers.remove(feed))
        self._receivers.append(feed)
        return feed

    def deliver(self, user: User, request: Request) -> bool:
        """Give what *user* said to whoever reads `receive`; return whether somebody does."""
        if not self._receivers:
            return False
        message = MeshMessage(request.room_name, user.name, request.action, request.data)
        for feed in list(self._receivers):
            feed.put(message)
        return True

    # -- events ----------------------------------------------------------------------------

    def events(self, most: int = FEED_ITEMS) -> Feed[MeshEvent]:
        """
        Return a feed of what happens to clients and rooms from now on.

        Args:
            most: Events that may wait for the reader; see `Feed`.
        """
        feed: Feed[MeshEvent] = Feed(most, lambda: self.triggers.ignore(feed.put))
        self.triggers.listen(feed.put)
        return feed

    def _found(self, client: User | str) -> User | None:
        if isinstance(client, str):
            return self.application.users.get(client)
        return client if self.application.users.get(client.name) is client else None


def mesh_of(application: Application) -> Mesh:
    """
    Return the mesh of *application*.

    Raises:
        TypeError: Its extension is no `MeshApplication`.
    """
    mesh = getattr(application.extension, "mesh", None)
    if not isinstance(mesh, Mesh):
        raise TypeError(
            f"{application!r} is no mesh: its extension must be a MeshApplication,"
            f" not a {type(application.extension).__name__}"
        )
    return mesh
