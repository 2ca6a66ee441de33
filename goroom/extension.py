"""
Extension: the author's code for an application or a room, and its map of handlers.

Lifecycle handlers are methods named after what happened (``on_join``), handlers of messages are
marked with `handles`. Both go into one read-only map, made when the class is made; nothing a
client says is ever looked up in any other way.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Generic

from typing_extensions import TypeVar

from goroom.events import Event, LeaveReason
from goroom.handlers import Handler, collected
from goroom.lane import Lane
from goroom.options import AutoRemove
from goroom.payloads import PayloadDecoder
from goroom.turn import Turn, current
from goroom.turns import Turns, waited

if TYPE_CHECKING:
    from random import Random

    from goroom.application import Application
    from goroom.connection import Connection
    from goroom.messages import Request
    from goroom.room import Room
    from goroom.timers import Timer, TimerGroup
    from goroom.user import User

S = TypeVar("S", default=None)
"""Type of a room's state."""

Result = Awaitable[None] | None
"""What a lifecycle handler returns: nothing, at once or awaited."""


class Extension:
    """
    The author's code: `init`, lifecycle handlers, handlers of messages, timers.

    Every handler may be ``def`` or ``async def``. Handlers of one extension never run at the same
    time in one room, so they need no locks; see `RoomExtension` and `ApplicationExtension`.
    """

    handlers: ClassVar[Mapping[Event | str, Handler]] = MappingProxyType({})
    """What handles what: `Event` members for what the server does, strings for messages."""

    sends: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    """
    The type of what clients are sent, by action, for ``goroom types`` and for readers.

    What base classes declare counts, too. An action that is not named here may be sent all the
    same: nothing is checked at run time.
    """

    _hooks: ClassVar[Mapping[str, Event]] = MappingProxyType({})

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.handlers = MappingProxyType(collected(cls, cls._hooks, __name__))

    def init(self) -> Result:
        """Prepare the room or application; nobody sees it before this has returned."""
        return None

    @property
    def turn(self) -> Turn:
        """
        What the running handler is about: its ``connection``, ``request`` and ``started``.

        Raises:
            RuntimeError: No handler is running.
        """
        turn = current()
        if turn is None:
            raise RuntimeError(
                "self.turn is there in handlers only, not in tasks that outlive them"
            )
        return turn

    @property
    def random(self) -> Random:
        """The server's randomness: seeded in tests, from the system otherwise."""
        return self._random()

    def add_handler(
        self,
        key: Event | str,
        function: Callable[..., Any],
        payload: type[Any] | None = None,
    ) -> None:
        """
        Have *function* handle *key* in this room or application from now on.

        Args:
            key: An `Event`, or the name of a message.
            function: Takes what the method of this key takes, without ``self``.
            payload: The message's payload class.

        Raises:
            TypeError: *key* is neither, no extension of this kind sees that event, or *payload*
                cannot be decoded into.
        """
        if not isinstance(key, (Event, str)) or not key:
            raise TypeError(f"a handler's key is an Event or a message's name, not {key!r}")
        if isinstance(key, Event) and key not in self._hooks.values():
            raise TypeError(f"{type(self).__name__} never sees {key}: it has no hook for it")
        decode = None if payload is None else PayloadDecoder(payload)
        name = getattr(function, "__qualname__", repr(function))
        handler = Handler(name, lambda _, *arguments: function(*arguments), decode)
        self._replace_handlers({**self.handlers, key: handler})

    def remove_handler(self, key: Event | str) -> None:
        """
        Handle *key* no more in this room or application.

        Raises:
            KeyError: Nothing handles it.
        """
        remaining = dict(self.handlers)
        del remaining[key]
        self._replace_handlers(remaining)

    def _replace_handlers(self, handlers: dict[Event | str, Handler]) -> None:
        # An instance's own map hides the class's.
        self.__dict__["handlers"] = MappingProxyType(handlers)

    def every(self, seconds: float, handler: Callable[[], object]) -> Timer:
        """
        Call *handler* each *seconds* as a turn of this room or application.

        At most one tick waits: ticks that come while one waits are left out. It ends with the room.
        Where many rooms share a period, their phases are spread over it.

        Raises:
            ValueError: *seconds* is not above 0.
        """
        tick = self._tick_of(handler, lambda: timer.is_cancelled)
        timer = self._timers().every(_positive(seconds), tick)
        return timer

    def after(self, seconds: float, handler: Callable[[], object]) -> Timer:
        """
        Call *handler* once, in *seconds*, as a turn of this room or application.

        Raises:
            ValueError: *seconds* is not above 0.
        """
        tick = self._tick_of(handler, lambda: timer.is_cancelled)
        timer = self._timers().after(_positive(seconds), tick)
        return timer

    def _tick_of(
        self, handler: Callable[[], object], is_cancelled: Callable[[], bool]
    ) -> Callable[[], None]:
        name = getattr(handler, "__qualname__", repr(handler))
        lane, turns = self._timer_lane(), self._turns()
        is_waiting = False

        def call() -> object:
            nonlocal is_waiting
            is_waiting = False
            return None if is_cancelled() or not self._is_alive() else handler()

        def tick() -> None:
            nonlocal is_waiting
            if is_waiting:
                return
            is_waiting = True
            waiting = turns.handle(Turn(lane, name), call)
            if waiting is not None:
                turns.spawn(waited(waiting))

        return tick

    def _timers(self) -> TimerGroup:
        raise NotImplementedError

    def _timer_lane(self) -> Lane:
        raise NotImplementedError

    def _turns(self) -> Turns:
        raise NotImplementedError

    def _random(self) -> Random:
        raise NotImplementedError

    def _is_alive(self) -> bool:
        raise NotImplementedError


def _positive(seconds: float) -> float:
    if not seconds > 0:
        raise ValueError(f"a timer's seconds must be above 0, not {seconds!r}")
    return seconds


class RoomExtension(Extension, Generic[S]):
    """
    The rules of one kind of room. One instance belongs to one room.

    Events of a room are handled one at a time, in order of arrival. What a handler sends and
    changes takes effect when it returns, or not at all if it raises. State is never rolled back:
    check first, then change.
    """

    max_users: ClassVar[int] = 100
    """Most members; the wire's ``capacity``."""
    password: ClassVar[str | None] = None
    """What a client must send to join, or None."""
    hidden: ClassVar[bool] = False
    """Whether the room is left out of every list; it can be joined by name."""
    locked: ClassVar[bool] = False
    """Whether clients are refused to join."""
    spectators: ClassVar[bool] = False
    """Whether clients may watch without joining."""
    auto_remove: ClassVar[AutoRemove | None] = None
    """When the room goes by itself; None: ``never``, or ``when_empty`` if a client made it."""
    announce_members: ClassVar[bool] = True
    """Whether members are told who joins and leaves."""
    client_options: ClassVar[tuple[str, ...]] = ()
    """The options that a client may choose when it makes such a room."""

    _hooks = MappingProxyType(
        {
            "on_join": Event.JOIN,
            "on_leave": Event.LEAVE,
            "on_message": Event.MESSAGE,
            "on_drop": Event.DROP,
            "on_resume": Event.RESUME,
            "on_disconnect": Event.DISCONNECT,
            "on_close": Event.CLOSE,
        }
    )

    room: Room
    """The room, there from before `init`."""
    state: S
    """The author's, never sent by itself; None until `init` sets it."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.state = None  # type: ignore[assignment]  # init() is where authors set it

    @property
    def application(self) -> Application:
        """The room's application."""
        return self.room.application

    def on_join(self, user: User) -> Result:
        """*user* joins: in ``members`` already, seen by nobody yet. Raising undoes it (12)."""
        return None

    def on_leave(self, user: User, reason: LeaveReason) -> Result:
        """*user* leaves: no longer in ``members``. Raising `Refused` counts for LEAVE_ROOM (13)."""
        return None

    def on_message(self, user: User, request: Request) -> object:
        """Handle a message of a member that no `handles` takes; what it returns is the reply."""
        return None

    def on_drop(self, user: User) -> Result:
        """*user*'s connection is lost, its seat is kept: ``on_resume`` or ``on_leave`` follows."""
        return None

    def on_resume(self, user: User) -> Result:
        """*user* is back, and has what it missed; what is sent here follows that."""
        return None

    def on_disconnect(self, user: User, reason: LeaveReason) -> Result:
        """*user*'s login ends while it is a member; ``on_leave`` follows."""
        return None

    def on_close(self) -> Result:
        """
        The room has ended: nobody is in it, its name is free; each ``on_leave`` has run.

        Its timers have ended, and what it sends reaches nobody. Not called when the server stops.
        """
        return None

    def _timers(self) -> TimerGroup:
        return self.room.timers

    def _timer_lane(self) -> Lane:
        return self.room.lane

    def _turns(self) -> Turns:
        return self.application.turns

    def _random(self) -> Random:
        return self.application.random

    def _is_alive(self) -> bool:
        return not self.room.is_closed


class ApplicationExtension(Extension):
    """
    The rules of one application. One instance belongs to one application.

    What one user does in the application is handled one at a time; handlers of different users
    interleave where they await.
    """

    announce_rooms: ClassVar[bool] = True
    """Whether every user is told of rooms that come and go; else only who watches the list."""

    _hooks = MappingProxyType(
        {
            "on_connect": Event.CONNECT,
            "on_login": Event.LOGIN,
            "on_logout": Event.LOGOUT,
            "on_message": Event.MESSAGE,
            "on_drop": Event.DROP,
            "on_resume": Event.RESUME,
            "on_disconnect": Event.DISCONNECT,
        }
    )

    application: Application
    """The application, there from before `init`."""

    def __init__(self, application: Application) -> None:
        self.application = application

    def on_connect(self, connection: Connection) -> Result:
        """*connection* enters. Raising refuses it (26); it may be logged in and seated here."""
        return None

    def on_login(self, user: User, credentials: dict[str, object]) -> Result:
        """*user* wants in: not there yet. Raising refuses (3). Sends follow LOGIN's reply."""
        return None

    def on_logout(self, user: User) -> Result:
        """*user* asks to log out. Raising refuses (5)."""
        return None

    def on_message(self, user: User, request: Request) -> object:
        """Handle a message that neither its room nor a `handles` takes; the result is the reply."""
        return None

    def on_drop(self, user: User) -> Result:
        """*user*'s last connection is lost; it may resume. Each of its rooms' follows."""
        return None

    def on_resume(self, user: User) -> Result:
        """*user* is back. Each of its rooms' follows."""
        return None

    def on_disconnect(self, user: User, reason: LeaveReason) -> Result:
        """*user*'s login ends. Raising counts only for a DISCONNECTION of the client's (11)."""
        return None

    def may_create(self, user: User, kind: str) -> bool:
        """Tell whether *user* may make a room of *kind*; nobody may, until an author says so."""
        return False

    def _timers(self) -> TimerGroup:
        return self.application.timers

    def _timer_lane(self) -> Lane:
        return self.application.timer_lane

    def _turns(self) -> Turns:
        return self.application.turns

    def _random(self) -> Random:
        return self.application.random

    def _is_alive(self) -> bool:
        return True
