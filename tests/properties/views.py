"""What one client has seen: its stays in rooms and in the application, from its frames alone."""

from __future__ import annotations

from typing import Any

import attrs

from goroom.history import PRESENCES_PER_FOLLOWER
from goroom.messages import EventType
from tests.properties.world import Committed, Place, notes

PRESENCES = {EventType.MEMBER_AWAY, EventType.MEMBER_BACK}
Frame = dict[str, Any]


@attrs.define(eq=False)
class Stay:
    """A time in a room: from the frame that let it in, or reset it, to the one that ended it."""

    epoch: str
    room: str
    """Its name; ``""`` for the application."""
    user_id: str
    start: Place
    is_spectator: bool = False
    events: list[Committed] = attrs.field(factory=list)
    """What it has received, in this order."""
    is_over: bool = False

    @property
    def place(self) -> Place:
        """The newest event that it has."""
        return self.events[-1].place if self.events else self.start

    def meant_for_it(self) -> list[Committed]:
        """Return what was committed for it since its start, in order."""
        return [event for event in notes.committed[self.epoch] if self._is_meant(event)]

    def _is_meant(self, event: Committed) -> bool:
        if event.place <= self.start:
            return False
        if event.receivers is None:
            return True
        return not self.is_spectator and self.user_id in event.receivers


@attrs.define(eq=False)
class CatchingUp:
    """What a RECONNECT's reply promises: the place that each sequence had then, in this order."""

    places: dict[str, Place]
    last: int = 0
    is_over: bool = False
    """Whether something live has come."""

    def take(self, room: str, place: Place) -> bool:
        """Tell whether the event at *place* of *room* may come now."""
        then = self.places.get(room)
        if then is None or place > then:
            self.is_over = True
            return True
        index = list(self.places).index(room)
        is_in_order = index >= self.last and not self.is_over
        self.last = index
        return is_in_order


class Viewer:
    """
    Follows the frames of one client over all its connections.

    It believes every frame and leaves out none: what comes twice, or not, is seen.

    Args:
        history_events: How many events the server keeps; more missed ones are a ``reset``.
    """

    def __init__(self, history_events: int) -> None:
        self._history_events = history_events
        self.user_id = ""
        self.name = ""
        self.open: dict[str, Stay] = {}
        """The stays that last, by room, and the application's under ``""``."""
        self.stays: list[Stay] = []
        self.resets: list[str] = []
        """The reason of each reset."""
        self.marks: list[int] = []
        """Every mark heard, in order."""
        self.wrong: list[str] = []
        self.phantoms: set[str] = set()
        """Rooms that it was told it has joined, though it was out of them by then."""
        self._resumed_at = 0
        """How many events had been committed when it came back last."""
        self._catching_up = CatchingUp({}, is_over=True)

    def take(  # noqa: C901 -- one branch for each event, side by side
        self, frame: Frame, *, is_resent: bool
    ) -> None:
        """Follow one frame; *is_resent* tells whether it answers a request that was sent twice."""
        event, room = frame["eventType"], frame.get("roomName", "")
        is_own = "sender" not in frame
        is_refusal = frame.get("code", 200) != 200
        mark = frame.get("data", {}).get("mark")
        if mark is not None:
            self.marks.append(mark)
        if event in {EventType.DISCONNECTION, EventType.LOGOUT}:
            if event == EventType.DISCONNECTION or not is_refusal:
                self.end_all()
        elif is_refusal:
            self._catching_up.is_over = True
        elif event == EventType.LOGIN:
            self._begin_login(frame["data"])
        elif event == EventType.RECONNECT:
            self._resume(frame["data"])
            self._resumed_at = notes.resumed_at[frame["data"]["token"]]
        elif event == EventType.JOIN_ROOM and is_own:
            self._take_join(frame, is_resent=is_resent)
        elif event == EventType.SUBSCRIBE_ROOM:
            self._begin(frame["data"] | frame, is_spectator=True)
        elif event == EventType.UNSUBSCRIBE_ROOM:
            self._unwatch(room)
        elif event == EventType.LEAVE_ROOM and is_own:
            self._take_leave(frame, is_resent=is_resent)
        elif "seq" in frame:
            self._take_event(frame)
        else:
            self._catching_up.is_over = True

    # -- logins ----------------------------------------------------------------------------

    def _begin_login(self, data: Frame) -> None:
        self.user_id, self.name = data["userId"], data["userName"]
        self._begin(data | {"roomName": ""})
        for room in data["rooms"]:
            self._begin(room)

    def end_all(self) -> None:
        """Its login has ended."""
        for room in list(self.open):
            self._end(room)

    def _resume(self, data: Frame) -> None:
        answers: dict[str, Frame] = {"": data["app"], **data["rooms"]}
        places: dict[str, Place] = {}
        for room, answer in answers.items():
            reset = answer.get("reset", "")
            known = self.open.get(room)
            if reset:
                self.resets.append(reset)
            if reset in {"gone", "kicked"}:
                self._end(room)
                continue
            if reset and known is not None:
                self._check_reset(known, answer)
            if reset or known is None:
                is_spectator = bool(room) and self.name not in answer["members"]
                self._begin({"roomName": room} | answer, is_spectator=is_spectator)
            if reset or known is not None:
                places[room] = answer["seq"], answer["sub"]
        self._catching_up = CatchingUp(places)

    def _check_reset(self, known: Stay, answer: Frame) -> None:
        """A reset is right where the history does not reach, or the stay is another one."""
        if known.epoch != answer["epoch"] or known.is_spectator:
            return
        missed = [event for event in known.meant_for_it() if event.place > known.place]
        joined = any(
            event.sender == self.name and event.event_type == EventType.JOIN_ROOM
            for event in missed
        )
        private = sum(event.receivers is not None for event in missed)
        presences = sum(event.event_type in PRESENCES for event in missed)
        not_counted = min(presences, max(PRESENCES_PER_FOLLOWER, self._history_events))
        most = max(private, len(missed) - private - not_counted)
        if most <= self._history_events and not joined:
            self.wrong.append(f"a reset of {known.room!r} for {len(missed)} missed events")

    # -- rooms -----------------------------------------------------------------------------

    def _begin(self, data: Frame, *, is_spectator: bool = False) -> None:
        room = data["roomName"]
        self._end(room)
        start = data["seq"], data.get("sub", 0)
        stay = Stay(data["epoch"], room, self.user_id, start, is_spectator)
        self.open[room] = stay
        self.stays.append(stay)

    def _end(self, room: str) -> None:
        stay = self.open.pop(room, None)
        if stay is not None:
            stay.is_over = True

    def _is_old(self, epoch: str, seq: int) -> bool:
        """Tell whether what has the number *seq* had happened before it came back."""
        event = next((one for one in notes.committed[epoch] if one.place == (seq, 0)), None)
        return event is None or event.number <= self._resumed_at

    def _take_join(self, frame: Frame, *, is_resent: bool) -> None:
        data = frame["data"] | frame
        room = data["roomName"]
        if not (is_resent and self._is_old(data["epoch"], data["seq"])):
            self._begin(data)
        elif room not in self.open:  # else RECONNECT's reply has told of it already
            self.phantoms.add(room)

    def _take_leave(self, frame: Frame, *, is_resent: bool) -> None:
        room = frame["data"]["roomName"]
        stay = self.open.get(room)
        if stay is None:
            if not is_resent and room not in self.phantoms:
                self.wrong.append(f"out of a room where it was not: {frame}")
        elif not (is_resent and self._is_old(stay.epoch, frame["seq"])):
            self._take_event(frame)
        self.phantoms.discard(room)

    def _unwatch(self, room: str) -> None:
        if room in self.open and self.open[room].is_spectator:
            self._end(room)

    # -- events ----------------------------------------------------------------------------

    def _take_event(self, frame: Frame) -> None:
        event = event_of(frame)
        room = frame.get("roomName", "")
        if room not in self.open:
            self.wrong.append(f"an event of {room!r} outside a stay: {frame}")
            return
        if not self._catching_up.take(room, event.place):
            self.wrong.append(f"a missed event after a live one: {frame}")
        self.open[room].events.append(event)
        if event.event_type == EventType.LEAVE_ROOM and "sender" not in frame:
            self._end(room)


def event_of(frame: Frame) -> Committed:
    """Return the event that a client's *frame* tells of."""
    # One's own leaving comes without a sender.
    sender = "" if frame["eventType"] == EventType.LEAVE_ROOM else frame.get("sender", "")
    return Committed(
        (frame["seq"], frame.get("sub", 0)),
        frame["eventType"],
        frame.get("action", ""),
        sender,
        frame.get("data", {}),
    )
