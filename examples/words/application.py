"""The application around the rooms of the words game: who is put where."""

from __future__ import annotations

import asyncio
import string

import attrs
from goroom_extensions.mesh import GLOBAL_ROOM, MeshApplication
from words.room import (
    BOT,
    DEFAULT_PLAYERS,
    GIVES_WAY,
    MOST_PLAYERS,
    GameStarted,
    RandomRoom,
    WordsRoom,
)

from goroom import Application, NotAllowed, Refused, Room, RoomFull, User, handles

FULL = "Failed to join the room its occupied"
"""What a client is told of a full room, word for word."""
ROOM_NAME_CHARACTERS = 10
"""Length of the names that are made up."""
ROOMS_PER_CLIENT = 5
"""Games that one client may sit in at a time."""

GAME, RANDOM = "game", "random"
KINDS = {GAME: WordsRoom, RANDOM: RandomRoom}
"""The kinds of rooms, besides the global one."""


@attrs.frozen
class JoinRoom:
    """Which room a client wants to join; the limit is for the room that it makes."""

    roomname: str
    playerlimit: float = DEFAULT_PLAYERS


@attrs.frozen
class JoinRandomRoom:
    """How a client would call the room where nobody waits for it."""

    roomname: str = ""


class WordsBattle(MeshApplication):
    """
    The words game: rooms of friends by name, and rooms of two strangers.

    What a client cannot join it is told as ``fail-join-room-notify``, and is not in it.
    """

    global_kind, room_kind = "lobby", GAME
    reserved_names = MeshApplication.reserved_names | {BOT}

    def __init__(self, application: Application) -> None:
        super().__init__(application)
        self.pairing = asyncio.Lock()
        """Held while a stranger is seated: two at once would both find nobody, and wait."""

    def on_login(self, user: User, credentials: dict[str, object]) -> None:  # noqa: ARG002 -- a hook
        """Note whether *user* came in a stranger's stead, as its URL says (``?stand-in=1``)."""
        connection = self.turn.connection
        user.data[GIVES_WAY] = connection is not None and connection.query.get("stand-in") == "1"

    @handles("join-room", JoinRoom)
    async def join_room(self, user: User, wish: JoinRoom) -> None:
        """Seat *user* in the room of this name; where there is none, *user* makes it."""
        limit = min(max(int(wish.playerlimit), 1), MOST_PLAYERS)
        await self.seat(user, wish.roomname, GAME, capacity=limit)

    @handles("join-random-room", JoinRandomRoom)
    async def join_random_room(self, user: User, wish: JoinRandomRoom) -> None:
        """
        Seat *user* with a stranger who waits, or let it wait for one.

        Until their first turn, who has come in another's stead gives way to it.
        """
        rooms = self.application.rooms
        async with self.pairing:
            waiting = [
                room
                for room in rooms.open_rooms(RANDOM)
                if isinstance(room.extension, WordsRoom) and room.extension.is_gathering
            ]
            if any(user.name in room.members for room in waiting):
                return
            if not waiting and not self.gives_way(user):
                waiting = await self.make_way(user)
            name = waiting[0].name if waiting else wish.roomname
            if not waiting and (not name or name in rooms):
                name = self.new_room_name()
            await self.seat(user, name, RANDOM)

    async def make_way(self, user: User) -> list[Room]:
        """Free a seat for *user* that is held by who gives way; return its room, if any."""
        rooms = self.application.rooms
        if self.has_enough_rooms(user):
            return []
        for room in (rooms[name] for name in rooms):
            rules = room.extension
            if not isinstance(rules, RandomRoom) or rules.has_had_a_turn:
                continue
            stand_ins = [member for member in room.members.values() if self.gives_way(member)]
            if len(stand_ins) == 1 and user.name not in room.members:
                await room.leave(stand_ins[0])
                stand_ins[0].kick()
                return [room]
        return []

    @handles("leave-room")
    async def leave_room(self, user: User) -> None:
        """Let *user* leave the room that it says this to; nobody leaves the global one."""
        request = self.turn.request
        room = None if request is None else user.rooms.get(request.room_name)
        if room is not None and room.name != GLOBAL_ROOM:
            await room.leave(user)

    async def seat(self, user: User, name: str, kind: str, **options: int) -> None:
        """Let *user* join the room *name*, made where there is none, or tell it why not."""
        try:
            if self.has_enough_rooms(user):
                raise NotAllowed("You are in enough rooms.", reason="quota")
            await self.mesh.join(user, name, kind, **options)
        except RoomFull:
            text = str(GameStarted()) if self.has_started(name) else FULL
        except Refused as error:
            text = error.message or str(error)
        else:
            return
        self.mesh.push("fail-join-room-notify", {"message": text}, client=user, sender=BOT)

    @staticmethod
    def has_enough_rooms(user: User) -> bool:
        """Tell whether *user* may sit in no more rooms."""
        return len(user.rooms) > ROOMS_PER_CLIENT

    @staticmethod
    def gives_way(user: User) -> bool:
        """Tell whether *user* leaves its seat to the next stranger until the first turn."""
        return bool(user.data.get(GIVES_WAY))

    def has_started(self, name: str) -> bool:
        """Tell whether there is a room *name* whose game has begun, or is over."""
        room = self.application.rooms.get(name)
        rules = None if room is None else room.extension
        return isinstance(rules, WordsRoom) and not rules.is_gathering

    def new_room_name(self) -> str:
        """Return a name that no room has."""
        while True:
            name = "".join(self.random.choices(string.ascii_letters, k=ROOM_NAME_CHARACTERS))
            if name not in self.application.rooms:
                return name
