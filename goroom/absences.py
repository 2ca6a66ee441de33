"""
Absences: logins whose connection is lost, for their grace time, and how they are resumed.

A `Link` with a ticket outlives its connection::

    dropped ──▶ absent ──RECONNECT──▶ on another connection, told all that it missed
                   └──grace over───▶ its login ends

Both steps happen at once, whatever its rooms are busy with; the hooks and events that tell of them
follow in each room's own order, so that ``on_drop`` comes before ``on_resume``.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import attrs
import structlog
from attrs.validators import ge, max_len

from goroom import values
from goroom.errors import AlreadyLoggedIn, UnknownToken
from goroom.events import Event, LeaveReason
from goroom.messages import EventType, Push
from goroom.payloads import PayloadDecoder
from goroom.turn import EndingTurn
from goroom.users import REPLACED

if TYPE_CHECKING:
    from goroom.application import Application
    from goroom.history import Record
    from goroom.room import Room
    from goroom.sequence import Sequence
    from goroom.user import Asker, Link, User

log = structlog.get_logger()

MOST_CHARACTERS = 128
"""Of a token, and of the name of an attempt, which is kept."""


@attrs.frozen
class KnownPlace:
    """The place in a sequence that a client has come to."""

    epoch: str
    seq: int = attrs.field(validator=ge(0))
    sub: int = attrs.field(default=0, validator=ge(0))


@attrs.frozen
class Reconnect:
    """The data of a RECONNECT."""

    token: str = attrs.field(validator=max_len(MOST_CHARACTERS))
    attempt: str = attrs.field(default="", validator=max_len(MOST_CHARACTERS))
    app: KnownPlace | None = None
    rooms: dict[str, KnownPlace] = attrs.field(factory=dict)


_decode = PayloadDecoder(Reconnect)


class Absences:
    """The absent logins of *application*."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._absent: dict[Link, User] = {}
        """The longest away first."""

    def forget(self, link: Link) -> None:
        """Note that *link* is absent no more: it was resumed, or its login has ended."""
        self._absent.pop(link, None)

    def drop(self, link: Link) -> bool:
        """
        The connection of *link* is lost: keep its login for the grace time if it may resume.

        Returns:
            Whether it is kept.
        """
        user, seconds = link.user, self._application.limits.resume_seconds
        may_come_back = link.connection.may_come_back and not link.has_said_goodbye
        if user is None or seconds is None or link.ticket is None:
            return False
        if user.is_going or not may_come_back:
            return False
        user.links.remove(link)
        user.absent[link] = None
        link.is_absent = True
        link.absent_until = asyncio.get_running_loop().time() + seconds
        link.grace = self._application.timers.after(seconds, lambda: self._give_up(user, link))
        self._absent[link] = user
        self._audiences_changed(user, link)
        log.info("user_dropped", application=self._application.name, user=user.name)
        self.tell_if_away(user)
        if len(self._absent) > self._application.limits.away_logins:
            oldest, its_user = next(iter(self._absent.items()))
            log.warning("away_login_ended", application=self._application.name, user=its_user.name)
            self.forget(oldest)
            self._give_up(its_user, oldest)
        return True

    def tell_if_away(self, user: User) -> None:
        """Run ``on_drop``, with MEMBER_AWAY, if the last connection of *user* has just gone."""
        if user.is_away and not user.is_going:
            self._tell(user, Event.DROP)
            for room in user.rooms.values():
                room.membership.tell_away(user)

    def _give_up(self, user: User, link: Link) -> None:
        # At once: a RECONNECT that comes before the task has begun must not succeed.
        self._application.endings.void(link)
        work = self._application.endings.detach(user, link, LeaveReason.DISCONNECTED)
        self._application.turns.spawn(work)

    def _tell(self, user: User, event: Event) -> None:
        """Run the application's hook for *event*, in the user's order."""
        extension = self._application.extension
        handler = extension.handlers.get(event)
        if handler is None:
            return
        function = handler.function

        def call() -> object:
            return None if user.is_ending else function(extension, user)

        self._application.turns.cause(EndingTurn(user.lane, handler.name), call)

    def resume(self, asker: Asker) -> None:
        """
        Serve a RECONNECT: the reply, all that was missed, then what happens from now on.

        Raises:
            BadRequest: Its data cannot be read.
            UnknownToken: The token is unknown here, was used, or its login was kicked.
            AlreadyLoggedIn: This connection is.
        """
        asked = _decode(asker.request.body)
        application, connection = self._application, asker.link.connection
        barred = application.tickets.barred(asked.token)
        if barred is not None:  # its client should not log in again by itself
            raise UnknownToken(barred, reason="kicked")
        link = application.tickets.find(asked.token, asked.attempt)
        if link is None or link.ticket is None or link.user is None:
            raise UnknownToken
        if asker.link.user is not None:
            raise AlreadyLoggedIn
        user = link.user
        if not link.is_absent:
            # It looked open, but whoever has the token says that it is not.
            if not self.drop(link):
                raise UnknownToken
            link.connection.release(link, REPLACED, "resumed on another connection")
        was_away = user.is_away
        self._return(user, link)
        connection.adopt(link)
        token = application.tickets.exchange(link, link.ticket, asked.token, asked.attempt)
        answers, missed = self._catch_up(user, link, asked)
        body = values.encode(
            {
                "appName": application.name,
                "userName": user.name,
                "userId": user.id,
                "token": token,
                **answers,
            }
        )
        push = Push(EventType.RECONNECT, application.name, id=asker.request.id, body=body)
        for one in (push, *missed):
            connection.send(one)
        log.info("user_resumed", application=application.name, user=user.name, missed=len(missed))
        if was_away:
            self._tell(user, Event.RESUME)
            for room in user.rooms.values():
                room.membership.tell_back(user)

    def _return(self, user: User, link: Link) -> None:
        if link.grace is not None:
            link.grace.cancel()
            link.grace = None
        del user.absent[link]
        self.forget(link)
        link.is_absent = False
        user.links.append(link)
        self._audiences_changed(user, link)

    def _audiences_changed(self, user: User, link: Link) -> None:
        user.forget_audiences()
        for room in link.watched.values():
            room.membership.forget_audience()

    def _catch_up(
        self, user: User, link: Link, asked: Reconnect
    ) -> tuple[dict[str, Any], list[Push]]:
        """Return what the reply says of each sequence, and the events that were missed."""
        application = self._application
        answer, missed = _since(application.sequence, user, asked.app, application.name)
        rooms: dict[str, dict[str, Any]] = {}
        here: dict[str, Room] = {**link.watched, **user.rooms}
        for name in dict.fromkeys([*asked.rooms, *user.rooms]):
            room = here.get(name)
            known = asked.rooms.get(name)
            if known is None:
                rooms[name], events = _news(user.rooms[name], user)
                missed += events
                continue
            if room is None:
                other = application.rooms.get(name)
                is_same = other is not None and other.sequence.epoch == known.epoch
                rooms[name] = {"reset": "kicked" if is_same else "gone"}
                continue
            who = user if name in user.rooms else link
            rooms[name], events = _since(room.sequence, who, known, application.name, name)
            if "reset" in rooms[name]:
                rooms[name] |= room.snapshot_data()
            missed += events
        return {"app": answer, "rooms": rooms}, missed


def _news(room: Room, user: User) -> tuple[dict[str, Any], list[Push]]:
    """
    Return *room* as it stood when *user* joined it, and what happened since then.

    Its client has never heard of it: the answer to its JOIN_ROOM was lost, or the server seated it.
    """
    sequence = room.sequence
    place = sequence.followed_since(user)
    records = None if place is None else sequence.missed(user, place)
    data = room.placed_data()
    if place is None or records is None:
        return {**data, "reset": "history"}, []
    members = dict.fromkeys(data["members"])
    for _, _, _, event, _, sender, _ in reversed(records):
        if event == EventType.JOIN_ROOM:
            data["count"] -= 1
            members.pop(sender, None)
        elif event == EventType.LEAVE_ROOM:
            data["count"] += 1
            members[sender] = None
    data |= {"members": list(members), "seq": place[0], "sub": place[1]}
    return data, [_replayed(record, room.application.name, room.name) for record in records]


def _replayed(record: Record, application: str, room: str) -> Push:
    seq, sub, _, event, action, sender, body = record
    return Push(event, application, room, action, sender, seq=seq, sub=sub or None, body=body)


def _since(
    sequence: Sequence, who: object, known: KnownPlace | None, application: str, room: str = ""
) -> tuple[dict[str, Any], list[Push]]:
    """Return the place of *sequence*, with a ``reset`` where its missed events are not all here."""
    answer: dict[str, Any] = {"epoch": sequence.epoch, "seq": sequence.seq, "sub": sequence.sub}
    if known is None:
        return answer, []
    if known.epoch != sequence.epoch:
        return {**answer, "reset": "epoch"}, []
    records = sequence.missed(who, (known.seq, known.sub))
    if records is None:
        return {**answer, "reset": "history"}, []
    return answer, [_replayed(record, application, room) for record in records]
