"""Connection: one client's socket in the server. Requests in, frames out, and its end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import structlog

from goroom import values
from goroom.application import Application
from goroom.dispatch import dispatch, enter_and_dispatch
from goroom.errors import (
    Disconnect,
    ErrorDescription,
    Refused,
    Stopping,
    UnknownApplication,
)
from goroom.events import Event, LeaveReason
from goroom.lane import Lane, Level
from goroom.messages import EventType, Push, Request
from goroom.outbox import LOST, Outbox, Transport
from goroom.pulse import Pulse
from goroom.refusals import NOT_ALLOWED, refusal, unasked_refusal
from goroom.sequence import DIALECT_FAILED, deliver
from goroom.tolerance import Tolerance
from goroom.turn import Turn
from goroom.user import Link
from goroom.wire.frames import PONG, frame
from goroom.wire.unreadable import UnreadableRequest

if TYPE_CHECKING:
    from goroom.limits import Limits
    from goroom.peer import Peer
    from goroom.runtime import Runtime
    from goroom.wire.dialect import Dialect

log = structlog.get_logger()

BAD_DATA = 1007
"""Close code for text that is no UTF-8 (RFC 6455 section 8.1)."""
GOING_AWAY = 1001
"""Close code when the server stops (RFC 6455 section 7.4.1)."""
REFUSED_AT_THE_DOOR = 4501
TOO_MANY_BAD_REQUESTS = 4502
"""Close codes of ours: 4000-4499 "come back", 4500-4999 "do not"."""
FIRST_FINAL_CODE = 4500
"""Who is closed with this code or a higher one has no grace time."""


class Host(Protocol):
    """The server, as its connections need it."""

    runtime: Runtime
    is_stopping: bool

    @property
    def applications(self) -> Mapping[str, Application]: ...


class Connection:
    """
    One client's socket. It may be in several applications at once.

    Made by `Server.connect`; the transport's owner calls `receive` for each message, awaits what
    that returns before it reads the next, and awaits `end` when the socket is gone.
    """

    __slots__ = (
        "_abort_timer",
        "_host",
        "_id",
        "_lane",
        "_tolerance",
        "dialect",
        "is_closed",
        "is_handling",
        "limits",
        "links",
        "may_come_back",
        "outbox",
        "peer",
        "pulse",
        "transport",
    )

    def __init__(
        self,
        host: Host,
        transport: Transport,
        dialect: Dialect,
        limits: Limits,
        peer: Peer,
    ) -> None:
        runtime = host.runtime
        self._id = ""
        self.peer = peer
        self.dialect = dialect
        self.limits = limits
        self.transport = transport
        self.outbox = Outbox(
            transport,
            runtime.flusher,
            limits,
            self._abort_soon,
            self._labels,
            separator=dialect.separator,
        )
        self.links: dict[str, Link] = {}
        """What it is in each application it has entered, by the application's name."""
        self.is_closed = False
        """Whether its close has begun: nothing more is read."""
        self.is_handling = False
        """Whether a message of it is being handled."""
        self._host = host
        self._lane: Lane | None = None
        self._abort_timer: asyncio.TimerHandle | None = None
        self.pulse = Pulse(limits, runtime.random, self._now())
        self._tolerance: Tolerance | None = None
        self.may_come_back = True
        """Whether what it is may be resumed when it is lost."""

    def __repr__(self) -> str:
        return f"<Connection {self.id} from {self.peer.remote}>"

    @property
    def id(self) -> str:
        """Unique and random."""
        if not self._id:
            self._id = self._host.runtime.new_id()
        return self._id

    def _labels(self) -> Mapping[str, str]:
        """Return what logs say of it."""
        return {"connection": self.id, "remote": self.peer.remote}

    @property
    def is_logged_in(self) -> bool:
        """Whether it is logged in to any application."""
        return any(link.user is not None for link in self.links.values())

    @property
    def is_open(self) -> bool:
        """
        Whether it hears what it is sent, as far as can be told without asking.

        False as soon as either side has begun to close it, or its socket is known to be gone:
        before ``on_disconnect`` and ``on_drop`` run. A peer that has vanished is not known to be
        gone before a ping stays unanswered.
        """
        return not (self.is_closed or self.transport.is_lost())

    @property
    def is_served(self) -> bool:
        """Whether what its client asks is still answered."""
        return not (self.is_closed or self._host.is_stopping)

    @property
    def remote(self) -> str:
        """Address of the client."""
        return self.peer.remote

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers of the upgrade request; the client's word."""
        return self.peer.headers

    @property
    def query(self) -> Mapping[str, str]:
        """Query of the endpoint's URL; the client's word."""
        return self.peer.query

    @property
    def cookies(self) -> Mapping[str, str]:
        """Cookies of the upgrade request; the client's word."""
        return self.peer.cookies

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()

    # -- requests in -----------------------------------------------------------------------

    def receive(self, message: bytes, *, is_binary: bool) -> Awaitable[None] | None:
        """
        Handle one message of the client.

        Returns:
            None if it has been handled, else something to await before the next one is read.
        """
        if self.is_closed or self._host.is_stopping:
            return None
        if not (is_binary or message.isascii() or _is_utf8(message)):
            self.close(BAD_DATA, "text must be UTF-8")
            return None
        try:
            if is_binary is not self.dialect.binary:
                wanted = "binary" if self.dialect.binary else "text"
                raise UnreadableRequest(  # noqa: TRY301 -- answered like all that is unreadable
                    f"frames of this subprotocol are {wanted}"
                )
            request = self.dialect.decode(message)
        except UnreadableRequest as error:
            self.refuse(Request(0, id=error.id), error, "")
            return None
        except Exception:  # border: a dialect is somebody else's code
            log.exception("dialect_failed", dialect=type(self.dialect).__name__)
            self.close(DIALECT_FAILED, "the server cannot read this message")
            return None
        if request is None or request.event_type == EventType.CONNECTION:
            return None
        bound = self.dialect.application
        name = request.app_name or bound or ""
        link = self.links.get(name)
        if link is not None:
            return dispatch(link, request)
        application = self._host.applications.get(name)
        if application is None or (bound is not None and name != bound):
            self.refuse(request, UnknownApplication(), "")
            return None
        return enter_and_dispatch(self, application, request)

    async def finish(self, waiting: Awaitable[None] | None) -> None:
        """Wait until what `receive` returned is done, and the peer has taken its answers."""
        self.is_handling = True
        try:
            if waiting is not None:
                await waiting
            while self.outbox.is_over_bound():  # who takes no answers asks no more
                await self.outbox.relieved()
        finally:
            self.is_handling = False

    # -- lifecycle -------------------------------------------------------------------------

    async def enter(self, application: Application, request: Request | None = None) -> bool:
        """
        Enter *application*: its ``on_connect`` may refuse.

        Args:
            application: One of the server's.
            request: What caused it, for the refusal; None where the endpoint's URL did.

        Returns:
            Whether it is in.
        """
        link = Link(self, application)
        self.links[application.name] = link
        self._choose_flusher()
        extension = application.extension
        handler = extension.handlers.get(Event.CONNECT)
        if handler is None:
            return True
        function = handler.function
        if self._lane is None:
            self._lane = Lane(Level.CONNECTION, None, {"connection": self.id}, self.limits)
        turn = Turn(self._lane, handler.name, connection=self, request=request)
        try:
            await application.turns.run(turn, lambda: function(extension, self))
        except Refused as error:
            if link.user is not None:
                await application.endings.detach(link.user, link, LeaveReason.DISCONNECTED)
            if request is None:
                self.send(unasked_refusal(EventType.JOIN_APP, error, application.name, ""))
            else:
                self.refuse(request, error, application.name, code=NOT_ALLOWED)
            self._leave_application(link)
            if self.dialect.application is not None:
                self.close(REFUSED_AT_THE_DOOR, "refused")
            return False
        except Disconnect as error:
            await self.expel(link, error.code, error.message)
            return False
        return not self.is_closed

    # -- frames out ------------------------------------------------------------------------

    def send(self, push: Push) -> None:
        """Send one frame to this connection alone."""
        deliver(push, [(self.dialect, [self.outbox])])

    def refuse(
        self, request: Request, error: Refused, application: str, *, code: int | None = None
    ) -> None:
        """Answer *request*, which belongs to no login, with *error*; see `refusals.refusal`."""
        if isinstance(error, Stopping):
            return
        link = self.links.get(self.dialect.application or "")
        receiver = "" if link is None or link.user is None else link.user.name
        push = refusal(request, error, application, receiver=receiver, code=code)
        self.send(push)
        self.note_refusal(push)

    def note_refusal(self, push: Push) -> None:
        """Count *push*, if it answers a bad request; too many close the connection."""
        if push.error is None:
            return
        if self._tolerance is None:
            self._tolerance = Tolerance(
                self.limits.bad_requests, self._labels(), is_unlimited=self.dialect.is_tolerant
            )
        if self._tolerance.note(push.error, self._now()):
            self.close(TOO_MANY_BAD_REQUESTS, "too many bad requests")

    # -- its end ---------------------------------------------------------------------------

    async def expel(self, link: Link, code: int, message: str) -> None:
        """End this connection's part in an application; close it if it is in no other."""
        user = link.user
        self.put_out(link, code, message)
        if user is not None:
            await link.application.endings.detach(user, link, LeaveReason.KICKED)

    def put_out(self, link: Link, code: int, message: str) -> None:
        """Say so by a DISCONNECTION, and serve *link* no more; what it was has yet to end."""
        self.release(link, code, message)
        link.user = None

    def adopt(self, link: Link) -> None:
        """Serve *link*, which was another connection's, from now on."""
        self.links[link.application.name] = link
        self._choose_flusher()
        link.connection = self

    def release(self, link: Link, code: int, message: str) -> None:
        """Say so by a DISCONNECTION, and serve *link* no more; it stays what it is."""
        name = link.application.name
        data: dict[str, Any] = {"appName": name, "code": code, "message": message}
        if link.user is not None:
            data["userName"] = link.user.name
        error = ErrorDescription(code, message, "disconnected")
        self.send(
            Push(EventType.DISCONNECTION, name, body=values.encode(data), code=code, error=error)
        )
        if self.links.get(name) is link:
            del self.links[name]
            self._choose_flusher()
        if not self.links:
            self.close(code, message)

    def _leave_application(self, link: Link) -> None:
        if self.links.get(link.application.name) is link:
            link.user = None
            del self.links[link.application.name]
            self._choose_flusher()

    def _choose_flusher(self) -> None:
        """Be written to as soon as the most eager of its applications asks."""
        flushers = (link.application.flusher for link in self.links.values())
        turns = self._host.runtime.flusher
        eager = min(flushers, key=lambda flusher: flusher.seconds, default=turns)
        self.outbox.write_by(eager)

    def close(self, code: int, reason: str = "") -> None:
        """Close the socket, after all frames before; abort it if the peer does not answer."""
        if not self.is_closed:
            self.is_closed = True
            self.may_come_back = code < FIRST_FINAL_CODE
            self.outbox.close(code, reason)
            self._abort_soon()

    def abort(self) -> None:
        """Tear the link now: the peer is not there any more."""
        self.is_closed = True
        self.transport.abort()

    def _abort_soon(self) -> None:
        self.is_closed = True
        if self._abort_timer is None:
            loop = asyncio.get_running_loop()
            self._abort_timer = loop.call_later(self.limits.close_seconds, self.transport.abort)

    async def end(self) -> None:
        """The socket is gone: end its part in every application. Safe to call again."""
        self.is_closed = True
        self.outbox.discard()
        if self._abort_timer is not None:
            self._abort_timer.cancel()
        if not self._host.is_stopping:
            for link in list(self.links.values()):
                if link.application.absences.drop(link):
                    del self.links[link.application.name]
        links = list(self.links.values())
        await asyncio.gather(
            *(
                link.application.endings.detach(link.user, link, LeaveReason.DISCONNECTED)
                for link in links
                if link.user is not None
            )
        )
        for link in links:
            self._leave_application(link)
        self.transport = LOST

    def pinged(self, payload: bytes) -> None:
        """Answer a ping of the client."""
        self.outbox.put(frame(PONG, payload))

    def ponged(self, payload: bytes) -> None:
        """Take a pong of the client."""
        self.pulse.ponged(payload, self._now())


def _is_utf8(message: bytes) -> bool:
    try:
        message.decode()
    except UnicodeDecodeError:
        return False
    return True
