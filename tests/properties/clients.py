"""A client over any number of connections: it drops, comes back, and asks again."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

from goroom.messages import EventType
from goroom.testing import Stage
from goroom.testing.stage import MemoryWire
from goroom.wire.frames import BINARY, TEXT
from tests.properties.views import Frame, Viewer
from tests.properties.world import APP

ALREADY_DONE = 28
UNKNOWN_TOKEN = 30
FINAL_CODE = 4500
"""Closed with this code or a higher one, a client does not come back."""


class Client:
    """
    Takes each frame the moment it arrives, and none after its link is lost.

    It removes no duplicates and fills no gaps; what the server sends is what it knows.

    Args:
        stage: Where the server is.
        history_events: How many events that keeps.
        is_alone: Whether nobody else may log in under its name.
    """

    def __init__(self, stage: Stage, history_events: int, *, is_alone: bool) -> None:
        self._stage = stage
        self._is_alone = is_alone
        self.viewer = Viewer(history_events)
        self.wires: list[MemoryWire] = []
        """Its links, oldest first: the last one is used."""
        self.frames: list[Frame] = []
        """All that it has received."""
        self._asked: dict[int, EventType] = {}
        self._answered: Counter[int] = Counter()
        self._unanswered: dict[int, Frame] = {}
        self._resent: set[int] = set()
        self.token = ""
        self.used_tokens: list[str] = []
        self.is_over = False
        """Whether it may not come back: nothing of it is left at the server, or will be soon."""
        self.has_hung = False
        self._attempts = 0
        self._last_id = 0
        self._reconnect_id: int | None = None
        self._frames_left: int | None = None
        self._then: Callable[[], object] | None = None

    @property
    def wire(self) -> MemoryWire:
        """Its link."""
        return self.wires[-1]

    @property
    def is_connected(self) -> bool:
        """Whether its link is open, as far as it knows."""
        return self.wire.closed is None

    @property
    def may_resume(self) -> bool:
        """Whether its link is lost and it has what it takes to come back."""
        return not self.is_connected and not self.is_over and self.token != ""

    async def connect(self) -> None:
        """Connect anew; a link that is still open is forgotten."""
        wire = (await self._stage.connect(app=APP)).wire
        assert isinstance(wire, MemoryWire)
        self.wires.append(wire)
        self._frames_left = None
        take, end = wire.take, wire.end

        def take_now(opcode: int, payload: bytes) -> None:
            if opcode in {TEXT, BINARY}:
                self._receive(wire, payload)
            else:
                take(opcode, payload)

        def end_now(code: int, reason: str) -> None:
            was_open = wire.closed is None
            end(code, reason)
            if was_open and wire is self.wire:
                self._note_loss(code)

        wire.take = take_now  # type: ignore[method-assign]  # frames are taken as they come
        wire.end = end_now  # type: ignore[method-assign]  # and so is the end of the link

    # -- asking ----------------------------------------------------------------------------

    def ask(self, event: EventType, data: dict[str, Any], room: str = "", action: str = "") -> None:
        """Send a request; without a link it is sent when there is one again."""
        number = self._next_id()
        frame: Frame = {"appName": APP, "eventType": int(event), "id": number, "data": data}
        if room:
            frame["roomName"] = room
        if action:
            frame["action"] = action
        self._asked[number] = event
        self._unanswered[number] = frame
        if self._reconnect_id is None:
            self._send(frame)

    def not_answered_once(self) -> list[int]:
        """Return the ids of requests without a reply, or with more than one."""
        return [
            number
            for number, event in self._asked.items()
            if self._answered[number] != 1
            # Who is resumed asks for no other login.
            and not (event == EventType.LOGIN and number in self._resent)
        ]

    def _next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def _send(self, frame: Frame) -> None:
        self.wire.send(json.dumps(frame).encode(), is_binary=False)

    # -- losing the link -------------------------------------------------------------------

    def cut(self) -> None:
        """Lose the link now."""
        self.wire.end(1006, "")

    def cut_after(self, frames: int, then: Callable[[], object] | None = None) -> None:
        """
        Lose the link when so many more frames have come; with 0 the next one is lost, too.

        Args:
            frames: How many.
            then: What to do instead of losing it.
        """
        self._frames_left = frames
        self._then = then

    def never_cut(self) -> None:
        """Keep the link whatever comes."""
        self._frames_left = None

    def _reach_the_end(self) -> None:
        # From now on it hears nothing, until it has another link.
        then, self._then = self._then, lambda: None
        self.cut() if then is None else then()

    def _note_loss(self, code: int) -> None:
        self.is_over = self.is_over or code >= FINAL_CODE or not self.token
        self._reconnect_id = None

    async def resume(self, frames: int | None = None) -> None:
        """
        Come back on a new link, and ask again what was not answered.

        Args:
            frames: Lose that link when so many frames have come over it.
        """
        await self.connect()
        if not self.token:  # the link that it has left has just told it of its logout
            self._give_up()
            return
        if frames is not None:
            self.cut_after(frames)
        self._reconnect_id = self._next_id()
        places = {
            room: {"epoch": stay.epoch, "seq": stay.place[0], "sub": stay.place[1]}
            for room, stay in self.viewer.open.items()
        }
        data = {
            "token": self.token,
            "attempt": f"attempt {self._attempts:08}",
            "app": places.pop("", None),
            "rooms": places,
        }
        self._send({"appName": APP, "eventType": 8, "id": self._reconnect_id, "data": data})
        await self._stage.settle()

    # -- receiving -------------------------------------------------------------------------

    def _receive(self, wire: MemoryWire, payload: bytes) -> None:
        if wire is not self.wire or wire.closed is not None:
            return  # lost on the way
        if self._frames_left == 0:
            self._reach_the_end()
            return
        frame = json.loads(payload)
        try:
            self._take(frame)
        except Exception as error:  # noqa: BLE001 -- the event loop would only log it
            self.viewer.wrong.append(f"{error!r} at {frame}")
        if self._frames_left is not None:
            self._frames_left -= 1
            if self._frames_left == 0:
                self._reach_the_end()

    def _take(self, frame: Frame) -> None:
        self.frames.append(frame)
        number = frame.get("id")
        if number is not None and number == self._reconnect_id:
            self._end_reconnect(frame)
            return
        if number is not None:
            self._answered[number] += 1
            self._unanswered.pop(number, None)
            if frame.get("error", {}).get("code") == ALREADY_DONE:
                self.viewer.wrong.append(f"answered, but how? {frame}")
        self.viewer.take(frame, is_resent=number in self._resent)
        event, is_refusal = frame["eventType"], frame.get("code", 200) != 200
        if event == EventType.LOGIN and not is_refusal:
            self.token = frame["data"].get("token", "")
        elif event == EventType.DISCONNECTION or (event == EventType.LOGOUT and not is_refusal):
            self.token = ""

    def _end_reconnect(self, frame: Frame) -> None:
        self._resent.update(self._unanswered)
        self._reconnect_id = None
        self._attempts += 1
        self.viewer.take(frame, is_resent=False)
        if "error" in frame:
            self._check_refusal(frame)
            self._give_up()
            return
        self.used_tokens.append(self.token)
        self.token = frame["data"]["token"]
        for number, request in list(self._unanswered.items()):
            if self._asked[number] == EventType.LOGIN:
                del self._unanswered[number]  # it is logged in
            else:
                self._send(request)

    def _give_up(self) -> None:
        self.viewer.end_all()
        self.is_over = True

    def _check_refusal(self, frame: Frame) -> None:
        """Only who is there no more may be told that its token is unknown."""
        application = self._stage.server.applications[APP]
        user = application.users.get(self.viewer.name)
        is_there = (
            self._is_alone
            and user is not None
            and user.id == self.viewer.user_id
            and not user.is_going
            and (user.links or user.absent)
            and not any(link.has_said_goodbye for link in user.links)
        )
        if is_there or frame["error"]["code"] != UNKNOWN_TOKEN:
            self.viewer.wrong.append(f"refused for no reason: {frame}")
