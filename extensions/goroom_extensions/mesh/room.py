"""MeshRoom: the base of rooms in a mesh."""

from __future__ import annotations

from typing import Any, ClassVar, Generic

from typing_extensions import TypeVar

from goroom import AutoRemove, Event, LeaveReason, NotAllowed, Room, RoomExtension, User
from goroom_extensions.mesh.hooks import Ending, followed, preceded
from goroom_extensions.mesh.mesh import Mesh, mesh_of
from goroom_extensions.mesh.state import maker_of

S = TypeVar("S", default=None)
"""Type of the room's state."""


class MeshRoom(RoomExtension[S], Generic[S]):
    """
    A room of a mesh: its code decides what is sent, and nothing is sent by itself.

    ::

        class Den(MeshRoom):
            max_users = 6

            def on_join(self, user: User) -> None:
                self.room.broadcast("join-room-notify", {"newmessage": "hello"}, sender=user)

            @handles("send-message", Text)
            def send_message(self, user: User, message: Text) -> None:
                self.room.broadcast("send-message", {"message": message.text}, sender=user)

            @handles("whisper", Whisper)
            def whisper(self, user: User, message: Whisper) -> None:
                self.room.broadcast("whisper", only=message.to, sender=user)

    The seed systems' ``client-joined-room`` and ``client-left-room`` are ``on_join``, with the
    newcomer among the members, and ``on_leave``, without the leaver; ``RoomStopped`` is
    ``on_close``. What a client says comes to the handler of its action, or to ``on_message``; of a
    client that is no member nothing comes. ``max_users`` caps the room.

    It goes when its last member leaves; a room of the same name is then a new one, whose maker is
    whoever joins it first.
    """

    auto_remove: ClassVar[AutoRemove | None] = AutoRemove.WHEN_EMPTY

    auth_metadata: frozenset[str] = frozenset()
    """
    What a client needs one of to join, however it is made to; others are refused (26).

    Empty: everybody may. A class sets it for its kind; `init` and handlers set it for one room, on
    ``self``, and who is in already stays.
    """

    mesh: Mesh
    """The mesh that the room belongs to."""

    def __init__(self, room: Room) -> None:
        super().__init__(room)
        self.mesh = mesh_of(room.application)
        self.mesh.ledger.check_maker(room.maker)
        self.add_handler(Event.JOIN, preceded(self._joining, self.on_join))
        self.add_handler(Event.LEAVE, followed(self.on_leave, self._leaving))
        self.add_handler(Event.CLOSE, preceded(self._closing, self.on_close))

    def init(self) -> Any:
        """Prepare the room; a subclass with an ``init`` of its own calls this one."""
        self.turn.on_commit(lambda: self.mesh.ledger.note_created(self.room))

    @property
    def slug(self) -> str:
        """The room's name."""
        return self.room.name

    @property
    def maker(self) -> str:
        """Slug of the client who made it; "Gawd" where the server did."""
        return maker_of(self.room)

    def _joining(self, user: User) -> None:
        if self.auth_metadata and self.auth_metadata.isdisjoint(self.mesh.auth_metadata(user)):
            raise NotAllowed("The room is not for you", reason="not_authorized")
        self.turn.on_commit(lambda: self.mesh.ledger.note_joined(self.room, user))

    def _leaving(self, user: User, _reason: LeaveReason) -> Ending:
        return Ending(self.turn, lambda: self.mesh.ledger.note_left(self.room, user))

    def _closing(self) -> None:
        self.mesh.ledger.note_closed(self.room)
