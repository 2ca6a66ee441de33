"""Event triggers: what happened to clients and rooms of a mesh, once each and in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextvars import Context
from enum import StrEnum

import attrs
import structlog

log = structlog.get_logger()


class Trigger(StrEnum):
    """What can happen. Two have the seed systems' names on the wire, the others follow them."""

    CLIENT_CONNECTED = "client-connected"
    CLIENT_DISCONNECTED = "client-disconnected"
    ROOM_CREATED = "room-created"
    ROOM_DELETED = "room-deleted"
    CLIENT_JOINED = "client-joined-room"
    CLIENT_LEFT = "client-left-room"


@attrs.frozen
class MeshEvent:
    """Something that has happened: who looks finds it so, and perhaps more already."""

    trigger: Trigger
    room: str = ""
    """The room's name, or ``""`` where it is about a client alone."""
    client: str = ""
    """The client's slug, or ``""`` where it is about a room alone."""
    count: int = 0
    """Members of the room after it, as the events tell: who are out together leave one by one."""


Listener = Callable[[MeshEvent], object]
"""Told of each event at once; it must not wait."""


class Triggers:
    """
    Tells listeners of each event, in the order of events, never one event inside another.

    A listener runs outside of all turns, so what it sends goes out at once. One that raises is
    logged; the others are told all the same.
    """

    def __init__(self) -> None:
        self._listeners: dict[Listener, None] = {}
        self._waiting: deque[MeshEvent] = deque()
        self._is_telling = False

    def listen(self, listener: Listener) -> None:
        """Tell *listener* of what happens from now on."""
        self._listeners[listener] = None

    def ignore(self, listener: Listener) -> None:
        """Tell *listener* nothing more."""
        self._listeners.pop(listener, None)

    def fire(self, event: MeshEvent) -> None:
        """Tell of *event*, behind those that are being told."""
        self._waiting.append(event)
        if not self._is_telling:
            # Not in the context of the turn that it came from, which may have run out of time.
            Context().run(self._tell)

    def _tell(self) -> None:
        self._is_telling = True
        try:
            while self._waiting:
                event = self._waiting.popleft()
                for listener in list(self._listeners):
                    self._tell_one(listener, event)
        finally:
            self._is_telling = False

    @staticmethod
    def _tell_one(listener: Listener, event: MeshEvent) -> None:
        try:
            listener(event)
        except Exception:  # border: a listener is somebody else's code
            log.exception(
                "listener_failed", trigger=event.trigger, room=event.room, client=event.client
            )
