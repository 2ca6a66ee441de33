"""MeshApplication: clients get slugs and are in the global room; a base for mesh applications."""

from __future__ import annotations

import string
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from goroom import (
    AlreadyLoggedIn,
    Application,
    ApplicationExtension,
    AutoRemove,
    Connection,
    Event,
    NotAllowed,
    Request,
    UnknownAction,
    User,
    name_key,
)
from goroom_extensions.mesh.dialect import GLOBAL_ROOM, MeshDialect
from goroom_extensions.mesh.hooks import preceded
from goroom_extensions.mesh.mesh import Mesh
from goroom_extensions.mesh.room import MeshRoom
from goroom_extensions.mesh.state import SERVER_SLUG, RoomState
from goroom_extensions.mesh.triggers import MeshEvent

SLUG_LETTERS = 5
SLUG_DIGITS = 3
SLUG_TRIES = 10
"""How many slugs may be taken in a row, of 380 thousand million, before a client is refused."""

GUEST = "Guest"
"""Name of a client whose URL has none."""
NAME_CHARACTERS = 64


class MeshApplication(ApplicationExtension):
    """
    The application around the rooms of a mesh.

    ::

        class Words(MeshApplication):
            global_kind, room_kind = "lobby", "game"

        server.add_application("words", Words, rooms={"lobby": Lobby, "game": Game})
        server.add_endpoint("/ws", "words", BatchedMeshDialect, limits=MESH_LIMITS)

    A client that connects at an endpoint of `MeshDialect` is logged in under a slug, such as
    ``axCbe690``, and joins `GLOBAL_ROOM`. Whoever logs in by another dialect is a client, too: its
    slug is its user name, and it joins `GLOBAL_ROOM` when LOGIN is answered. That room is there
    from the start to the end.

    ``user.data["name"]`` is what a client calls itself (``?name=`` in the URL), and
    ``user.data["auth_metadata"]`` what `auth_metadata_of` says of its connection.

    What clients say goes to their room's code; what that does not handle to the handlers of this
    class, which may wait for rooms; and the rest to whoever reads ``mesh.receive()``. A subclass
    with an ``init``, ``on_connect`` or ``on_message`` of its own calls these.

    Rooms should be `MeshRoom`. Any other may be joined, too, but no event tells of it.
    """

    global_kind: ClassVar[str | None] = None
    """Kind of `GLOBAL_ROOM`; None: the first of the application's."""
    room_kind: ClassVar[str | None] = None
    """Kind of rooms that are made by joining them; None: the last of the application's."""
    global_capacity: ClassVar[int] = 10_000
    """Clients that there may be: one of `MeshDialect` that finds `GLOBAL_ROOM` full is refused."""
    rooms_per_client: ClassVar[int] = 20
    """Rooms that one client may have made at a time; more are refused (26, ``quota``)."""
    trusts_role_header: ClassVar[bool] = False
    """
    Whether the ``Role`` header (``a,b``) is a client's auth metadata.

    Whoever connects may write anything into it: only for a server behind a proxy that sets it.
    """
    reserved_names: ClassVar[frozenset[str]] = frozenset({SERVER_SLUG, GLOBAL_ROOM})
    """Names that nobody may log in under: frames of the server have them as sender or target."""
    watch_seconds: ClassVar[float | None] = None
    """How often `on_watch` is called; None: never."""

    def __init__(self, application: Application) -> None:
        super().__init__(application)
        kinds = list(application.rooms.kinds)
        self.mesh = Mesh(application, self.room_kind or kinds[-1], self.rooms_per_client)
        """What server code does with clients and rooms."""
        self.mesh.triggers.listen(self.on_event)
        self.add_handler(Event.LOGIN, preceded(self._admit, self.on_login))
        self.add_handler(Event.DISCONNECT, preceded(self._end, self.on_disconnect))

    async def init(self) -> None:
        """
        Make `GLOBAL_ROOM`.

        Raises:
            TypeError: Its kind is no `MeshRoom`.
        """
        kinds = self.application.rooms.kinds
        kind = self.global_kind or next(iter(kinds))
        if kind in kinds and not issubclass(kinds[kind], MeshRoom):
            raise TypeError(
                f"{GLOBAL_ROOM} must be a MeshRoom: register one as kind {kind!r}, or name the"
                f" kind of another in {type(self).__name__}.global_kind"
            )
        await self.application.rooms.create(
            GLOBAL_ROOM, kind, capacity=self.global_capacity, auto_remove=AutoRemove.NEVER
        )
        if self.watch_seconds is not None:
            self.every(self.watch_seconds, self._watch)

    # -- clients ---------------------------------------------------------------------------

    async def on_connect(self, connection: Connection) -> None:
        """
        Log a client of `MeshDialect` in, and have it join `GLOBAL_ROOM`; pass others over.

        Raises:
            Refused: ``on_login`` or the room refused; the socket is closed (4501).
        """
        waiting = super().on_connect(connection)
        if waiting is not None:
            await waiting
        if isinstance(connection.dialect, MeshDialect):
            user = await self._log_in(connection)
            await self.application.rooms.join(user, GLOBAL_ROOM)

    def auth_metadata_of(self, connection: Connection) -> Iterable[str]:
        """
        Return what *connection* is authorised for, such as roles; override it for a real check.

        The default is the ``Role`` header where `trusts_role_header` says so, else nothing. A check
        that has to wait belongs into ``on_login``, which sets ``user.data["auth_metadata"]``.
        """
        if not self.trusts_role_header:
            return ()
        roles = connection.headers.get("Role", "").split(",")
        return [role.strip() for role in roles if role.strip()]

    async def _log_in(self, connection: Connection) -> User:
        for _ in range(SLUG_TRIES - 1):
            try:
                return await self.application.users.login(connection, self._new_slug())
            except AlreadyLoggedIn:
                continue
        return await self.application.users.login(connection, self._new_slug())

    def _new_slug(self) -> str:
        letters = self.random.choices(string.ascii_letters, k=SLUG_LETTERS)
        return "".join([*letters, *self.random.choices(string.digits, k=SLUG_DIGITS)])

    def _admit(self, user: User, _credentials: dict[str, object]) -> None:
        connection = self.turn.connection
        if name_key(user.name) in map(name_key, self.reserved_names):
            raise NotAllowed("This name is reserved", reason="reserved")
        is_mesh = connection is not None and isinstance(connection.dialect, MeshDialect)
        name = _shown(connection.query.get("name", "")) if is_mesh and connection else user.name
        user.data.setdefault("name", name)
        roles = self.auth_metadata_of(connection) if connection else ()
        user.data.setdefault("auth_metadata", list(roles))
        if not is_mesh and GLOBAL_ROOM not in user.rooms:
            user.move_to(GLOBAL_ROOM)

    def _end(self, user: User, _reason: object) -> None:
        self.mesh.ledger.note_ending(user)

    # -- what happens ----------------------------------------------------------------------

    def on_event(self, event: MeshEvent) -> None:
        """
        Note one of the six triggers: it has happened, and everybody sees that it has.

        Each event comes once; a client's between its connecting and its disconnecting, a room's
        between its creation and its deletion. This is no turn: what is sent goes out at once.
        """

    def on_watch(self, rooms: Sequence[RoomState]) -> Any:
        """See how all rooms stand, each `watch_seconds`: a turn of the application."""

    def on_message(self, user: User, request: Request) -> None:
        """
        Hand what nobody handles to whoever reads ``mesh.receive()``.

        Raises:
            UnknownAction: Nobody does.
        """
        if not self.mesh.deliver(user, request):
            raise UnknownAction

    def _watch(self) -> Any:
        return self.on_watch(self.mesh.states())


def _shown(name: str) -> str:
    kept = "".join(character for character in name if character.isprintable())
    return kept.strip()[:NAME_CHARACTERS] or GUEST
