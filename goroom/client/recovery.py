"""Recovery: how a login comes back after its link was lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from goroom.client.events import Reset, ResetReason, Resumed, Seated
from goroom.client.frames import Frame, Place
from goroom.errors import ConnectionLost, RequestRefused
from goroom.messages import EventType

if TYPE_CHECKING:
    from goroom.client.application import App
    from goroom.client.login import Login
    from goroom.client.requests import Requests
    from goroom.client.room import Room


KICKED = "kicked"
"""Reason of a refused RECONNECT where the user was put out: it does not log in again by itself."""


class Recovery:
    """
    Brings *app* back on a new link.

    With its token it resumes: each room goes on where it was, or is reset to what the server says
    of it. Without one, or where the server does not know it any more, it logs in and joins again.
    """

    def __init__(self, app: App, login: Login, requests: Requests) -> None:
        self._app = app
        self._login = login
        self._requests = requests
        self._unannounced: dict[str, Room] = {}
        """Rooms that came with a resume, and may be what a join asks for that is unanswered."""
        self._unwanted: set[str] = set()
        """Names of rooms whose join was taken back, until the server has heard of that."""

    async def greet(self) -> None:
        """
        Resume, or log in again; the login is over where that is refused.

        Raises:
            ConnectionLost: So is the link.
            TimeoutError: No answer came in time.
            Exception: There are no credentials; it may be tried again on this link.
        """
        if self._login.is_resumable:
            try:
                await self._ask(EventType.RECONNECT, self._reconnect_data())
            except RequestRefused as refused:
                self._give_up()
                if refused.reason == KICKED:
                    self._app.end(ConnectionLost(refused.code, refused.reason))
            else:
                return
        if self._app.state == "closed":
            return
        data = await self._credentials()
        try:
            await self._ask(EventType.LOGIN, data)
        except RequestRefused as refused:
            self._app.end(ConnectionLost(refused.code, refused.reason))

    async def _credentials(self) -> dict[str, Any]:
        try:
            return await self._login.data()
        except (ConnectionLost, TimeoutError) as error:
            raise RuntimeError("the credentials are not to be had") from error  # not this link

    async def _ask(self, event_type: EventType, data: object) -> None:
        is_resume = event_type == EventType.RECONNECT
        take = self._resumed if is_resume else self._logged_in
        seconds = self._app.connection.settings.heartbeat.reply_seconds
        await self._requests.greet(event_type, data, take=take, timeout_seconds=seconds)

    # -- with a token --------------------------------------------------------------------------

    def _reconnect_data(self) -> dict[str, Any]:
        rooms = self._app.joined.values()
        places = {room.name: room.place for room in rooms if not room.is_coming_back}
        return self._login.reconnect_data(self._app.place, places)

    def _resumed(self, reply: Frame) -> None:
        app, data = self._app, reply.details
        app.welcome(data)
        self._requests.resume()
        self._requests.flush()
        app.tell(Resumed())
        own = msgspec.convert(data.get("app"), dict[str, Any])
        if "reset" in own:
            app.place = Place.of(own)
            app.tell(Reset(msgspec.convert(own["reset"], ResetReason)))
        rooms = msgspec.convert(data.get("rooms"), dict[str, dict[str, Any]])
        for name, described in rooms.items():
            self._resume_room(name, described)
        app.renew_lists()

    def _resume_room(self, name: str, data: dict[str, Any]) -> None:
        room = self._app.joined.get(name)
        reason = msgspec.convert(data.get("reset"), ResetReason | None)
        if room is None:
            if "roomName" in data:
                self._seat(data, reason)
        elif reason in {"gone", "kicked"}:
            self._lose_room(room, reason)
        elif "roomName" in data:
            self._reset_room(room, data, Place.of(data), reason)

    def _seat(self, data: dict[str, Any], reason: ResetReason | None) -> None:
        """Take in a room that the server put this user into, or that a join has asked for."""
        is_joining = self._requests.is_asking(EventType.JOIN_ROOM)
        if not is_joining and data["roomName"] in self._unwanted:
            return
        room = self._app.enter(data, Place.of(data))
        if is_joining:
            self._unannounced[room.name] = room
        else:
            self._app.tell(Seated(room))
        if reason is not None:
            self._app.reset(room, reason)

    def claim(self, name: str) -> None:
        """Note that the join of this room was answered."""
        self._unannounced.pop(name, None)
        self._unwanted.discard(name)

    def announce(self) -> None:
        """Tell of rooms that no join asked for, once all joins are answered."""
        if not self._unannounced or self._requests.is_asking(EventType.JOIN_ROOM):
            return
        rooms, self._unannounced = self._unannounced, {}
        for name, room in rooms.items():
            if name in self._unwanted:
                room.end()
            elif not room.has_left:
                self._app.tell(Seated(room))
        self._unwanted.clear()

    def take_back(self, room: Room) -> None:
        """Leave *room*, whose join nobody waits for any more."""

        def answered(_: object) -> None:
            if room.name not in self._unannounced:
                self._unwanted.discard(room.name)

        self._unwanted.add(room.name)
        room.retract(answered)
        room.end()

    # -- without one ---------------------------------------------------------------------------

    def _give_up(self) -> None:
        """Of the old login there is nothing to be had any more."""
        app = self._app
        self._login.take("")
        if self._requests.is_asking(EventType.LOGOUT):
            app.end()
            return
        for room in [*app.joined.values()]:
            if room.is_leaving or room.name in self._unannounced:
                room.end()
        self._unannounced.clear()
        self._unwanted.clear()
        self._requests.lose()

    def _logged_in(self, reply: Frame) -> None:
        """Take in a new login: all that was asked of the old one is settled."""
        app, data = self._app, reply.details
        known = [*app.joined.values()]
        app.welcome(data)
        app.place = Place.of(data)
        self._requests.restart()
        app.tell(Resumed())
        app.tell(Reset("epoch"))
        for room in known:
            room.is_coming_back = True
        for described in msgspec.convert(data.get("rooms", []), list[dict[str, Any]]):
            room_or_none = app.joined.get(described.get("roomName", ""))
            if room_or_none is None:
                app.tell(Seated(app.enter(described, Place.of(described))))
            else:
                self._reset_room(room_or_none, described, Place.of(described), "epoch")
        for room in reversed(known):
            if room.is_coming_back:
                self._join_again(room)
        self._requests.flush()
        app.renew_lists()

    def _join_again(self, room: Room) -> None:
        def answer(frame: Frame) -> None:
            if not room.is_coming_back:
                return  # a resume has brought it already
            if frame.refusal() is None:
                place = Place.of(frame.details, frame.seq, frame.sub)
                self._reset_room(room, frame.details, place, "epoch")
            else:
                self._lose_room(room, "gone")

        def fail(_: Exception) -> None:
            """Leave it to the next login."""

        event_type, data = room.entry.again(room.name)
        self._requests.command(
            event_type, data=data, answer=answer, fail=fail, is_forced=True, is_first=True
        )

    # -- rooms ---------------------------------------------------------------------------------

    def _reset_room(
        self, room: Room, data: dict[str, Any], place: Place, reason: ResetReason | None
    ) -> None:
        room.restore(data, place)
        if reason is None and room.is_coming_back:
            reason = "epoch"
        room.is_coming_back = False
        if reason is not None:
            self._app.reset(room, reason)

    def _lose_room(self, room: Room, reason: ResetReason) -> None:
        if room.is_leaving:
            room.end()  # as was asked for, before the link was lost
            return
        self._app.reset(room, reason)
        room.lose(reason)
