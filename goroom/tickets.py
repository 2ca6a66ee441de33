"""Tickets: what a login comes back with after its connection was lost, and what it asked before."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from typing import TYPE_CHECKING, TypeGuard

from goroom.errors import AlreadyDone
from goroom.messages import EventType

if TYPE_CHECKING:
    from random import Random

    from goroom.limits import Limits
    from goroom.messages import Push, Request
    from goroom.user import Link

TOKEN_BYTES = 32
"""Randomness of a token: 256 bits, which nobody guesses (OWASP asks for 64)."""

REMEMBERED = frozenset(
    {
        EventType.DISCONNECTION,
        EventType.JOIN_ROOM,
        EventType.LEAVE_ROOM,
        EventType.LOGOUT,
        EventType.MESSAGE,
    }
)
"""Requests that run once, however often they are sent. The others may run again and do no harm."""


class Ticket:
    """
    What one resumable login has asked and was answered, so that a request resent runs once.

    Args:
        limits: ``kept_replies`` and ``kept_reply_bytes``.
    """

    __slots__ = (
        "_handled",
        "_last_id",
        "_limits",
        "_replies",
        "_retracted",
        "_size",
        "attempt",
        "digest",
        "used_digest",
    )

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._last_id: float = float("-inf")
        self._handled: dict[int, asyncio.Event | None] = {}
        """By id, the requests that are being handled; an event where somebody waits for that."""
        self._retracted: dict[int, None] = {}
        """Ids of those that were given up without effect: sent again, they are new."""
        self._replies: dict[int, Push] = {}
        """By id, oldest first."""
        self._size = 0
        self.digest = b""
        """Of the token that is good now."""
        self.used_digest = b""
        """Of the token before it, while its client may not have heard of the new one."""
        self.attempt = ""
        """What the RECONNECT that used it called itself."""

    def begin(self, request: Request) -> Push | None:
        """
        Take note of *request*, which asks for a reply and is `REMEMBERED`.

        Returns:
            None where it is new, else the reply that it was given.

        Raises:
            AlreadyDone: It was handled, and the reply is forgotten.
            StillHandled: It is being handled.
        """
        number = request.id
        assert number is not None  # noqa: S101 -- it asks for a reply
        if number > self._last_id or number in self._retracted:
            self._last_id = max(self._last_id, number)
            self._retracted.pop(number, None)
            self._handled[number] = None
            return None
        if number in self._handled:
            done = self._handled[number] = self._handled[number] or asyncio.Event()
            raise StillHandled(done)
        if number not in self._replies:
            raise AlreadyDone
        return self._replies[number]

    def retract(self, request: Request) -> None:
        """Note that *request* was given up without effect, as its connection's task was."""
        if self._is_done(request.id):
            self._retracted[request.id] = None

    def is_retracted(self, request: Request) -> bool:
        """Return whether *request* was given up without effect and not begun again."""
        return request.id in self._retracted

    def end(self, reply: Push) -> None:
        """Keep *reply* for the request of its id, if that was begun here; forget the oldest."""
        number = reply.id
        if not self._is_done(number):
            return
        self._replies[number] = reply
        self._size += len(reply.body)
        limits = self._limits
        while len(self._replies) > 1 and (
            len(self._replies) > limits.kept_replies or self._size > limits.kept_reply_bytes
        ):
            oldest = next(iter(self._replies))
            self._size -= len(self._replies.pop(oldest).body)

    def give_up(self) -> None:
        """Let nobody wait any more for what is being handled."""
        for number in list(self._handled):
            self._is_done(number)

    def _is_done(self, number: int | None) -> TypeGuard[int]:
        """Note that the request of this id is handled no more; return False if it was not."""
        if number is None or number not in self._handled:
            return False
        done = self._handled.pop(number)
        if done is not None:
            done.set()
        return True


class StillHandled(Exception):  # noqa: N818 -- a state of the request, not a fault
    """The request is being handled: its reply comes when that is *done*."""

    def __init__(self, done: asyncio.Event) -> None:
        super().__init__()
        self.done = done


class Tickets:
    """
    The tickets of one application, found by their tokens. No token is kept, only its hash.

    Args:
        random: For the tokens.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._links: dict[bytes, Link] = {}
        self._barred: dict[bytes, tuple[float, str]] = {}
        """Until when and by what words somebody is kicked, by the hash of a token."""

    def __len__(self) -> int:
        return len(self._links)

    def issue(self, link: Link, ticket: Ticket) -> str:
        """Return a token for *link*; it is the only one."""
        self.void(ticket)
        token = base64.urlsafe_b64encode(self._random.randbytes(TOKEN_BYTES)).rstrip(b"=").decode()
        ticket.digest = _digest(token)
        self._links[ticket.digest] = link
        return token

    def exchange(self, link: Link, ticket: Ticket, token: str, attempt: str) -> str:
        """
        Return a new token for *link* in place of *token*, which is used now.

        Args:
            link: Whose it is.
            ticket: Its ticket.
            token: What a RECONNECT was let in with.
            attempt: What that RECONNECT called itself, or ``""``.
        """
        new = self.issue(link, ticket)
        if attempt:
            ticket.used_digest, ticket.attempt = _digest(token), attempt
            self._links[ticket.used_digest] = link
        return new

    def confirm(self, ticket: Ticket) -> None:
        """Note that the client has the new token: the one before it is good for nothing now."""
        if ticket.used_digest:
            self._links.pop(ticket.used_digest, None)
            ticket.used_digest, ticket.attempt = b"", ""

    def bar(self, ticket: Ticket, message: str, seconds: float) -> None:
        """End *ticket*; who comes with its tokens within *seconds* is told that it was kicked."""
        now = asyncio.get_running_loop().time()
        for digest, (until, _) in list(self._barred.items()):
            if until > now:
                break  # the first were barred first
            del self._barred[digest]
        for digest in (ticket.digest, ticket.used_digest):
            if digest:
                self._barred[digest] = now + seconds, message
        self.void(ticket)

    def barred(self, token: str) -> str | None:
        """Return what was said to the login of *token*, if it was kicked not long ago."""
        until, message = self._barred.get(_digest(token), (0.0, ""))
        return message if asyncio.get_running_loop().time() < until else None

    def void(self, ticket: Ticket) -> None:
        """End *ticket*: no token of it is good any more."""
        self.confirm(ticket)
        self._links.pop(ticket.digest, None)

    def find(self, token: str, attempt: str = "") -> Link | None:
        """
        Return whose *token* is, or None.

        A token is good once. Where the answer to the RECONNECT that used it was lost, the same
        *attempt* may use it again until the client shows that it has the new one.
        """
        digest = _digest(token)
        link = self._links.get(digest)
        if link is None or link.ticket is None:
            return None
        ticket = link.ticket
        if digest == ticket.used_digest and (not attempt or attempt != ticket.attempt):
            return None
        return link


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
