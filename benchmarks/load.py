"""The load on one server: the clients of a scenario in one thread, and what they count."""

from __future__ import annotations

import selectors
import struct
import sys
import time
from typing import TYPE_CHECKING, Self

import attrs
from clients import CLOSE, PATIENCE_SECONDS, RECEIVE_BYTES, LoadError, Member, Room, Server, frame

if TYPE_CHECKING:
    from collections.abc import Iterator

OPENED_AT_ONCE = 50
"""Below the backlog of a listening socket."""
NORMAL_CLOSURE = 1000


@attrs.frozen
class Scenario:
    """Rooms of equal size in which some members send, each some messages ahead of their return."""

    name: str
    prefix: str
    """The rooms are called ``<prefix>-<n>``."""
    rooms: int
    members: int
    senders: int
    window: int
    """Messages that a sender has under way: sent, and not received back."""


@attrs.frozen
class Counted:
    """What one measurement counted."""

    deliveries: int
    seconds: float
    server_cpu_seconds: float
    """0 where the platform hides it."""
    load_cpu_seconds: float

    @property
    def rate(self) -> float:
        """Deliveries per second."""
        return self.deliveries / self.seconds

    @property
    def rate_per_cpu(self) -> float:
        """Deliveries per second of the server's processor time: blind to other programs."""
        return self.deliveries / (self.server_cpu_seconds or self.seconds)


class Load:
    """
    The clients of *scenario* at *server*. A context manager: they come and leave with the block.

    Args:
        server: Where they connect.
        scenario: What they do.
        run: A number that no other load of this server has; it is in the users' names.
    """

    def __init__(self, server: Server, scenario: Scenario, run: int) -> None:
        self._server = server
        self._scenario = scenario
        self._run = run
        self._rooms = [Room(f"{scenario.prefix}-{number}") for number in range(scenario.rooms)]
        self._members: list[Member] = []
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> Self:
        scenario = self._scenario
        seats = [room for room in self._rooms for _ in range(scenario.members)]
        for first in range(0, len(seats), OPENED_AT_ONCE):
            self._open(seats[first : first + OPENED_AT_ONCE])
        for member in self._members:
            member.socket.settimeout(0)
            self._selector.register(member.socket, selectors.EVENT_READ, member)
            if len(member.room.senders) < scenario.senders:
                member.room.senders.append(member)
                member.window = scenario.window
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Say goodbye on every connection and wait until the server has closed it."""
        for member in self._members if kind is None else ():
            member.socket.settimeout(PATIENCE_SECONDS)
            member.socket.sendall(frame(CLOSE, struct.pack("!H", NORMAL_CLOSURE)))
        for member in self._members:
            while kind is None and member.socket.recv(RECEIVE_BYTES):
                pass
            member.socket.close()
        self._selector.close()

    def _open(self, seats: list[Room]) -> None:
        """Take *seats*: each step of all of them, then the next one."""
        first = len(self._members)
        fresh = [Member(self._server, room, number) for number, room in enumerate(seats, first)]
        self._members += fresh
        for member in fresh:
            answer = member.wait_for(b"\r\n\r\n")
            if b" 101 " not in answer:
                raise LoadError(f"no upgrade: {answer[:200]!r}")
        if not self._server.is_goroom:
            return
        for number, member in enumerate(fresh, first):
            user = f"user-{self._run}-{number}"
            member.socket.sendall(self._server.greeting(user, member.room.name))
        for member in fresh:
            member.wait_for(b'"id":2')

    def measure(self, warm_up_seconds: float, seconds: float) -> Counted:
        """
        Let the senders send, count for *seconds*, then wait for the rest and check all of it.

        Raises:
            LoadError: Something was lost, repeated or reordered, or does not come.
        """
        for room in self._rooms:
            for sender in room.senders:
                sender.send()
        self._play(time.perf_counter() + warm_up_seconds)
        start, cpu, server_cpu = time.perf_counter(), time.process_time(), self._server_cpu()
        deliveries = self._play(start + seconds)
        counted = Counted(
            deliveries,
            time.perf_counter() - start,
            self._server_cpu() - server_cpu,
            time.process_time() - cpu,
        )
        self._drain()
        return counted

    def _play(self, end: float) -> int:
        """Receive and send until *end*; return how many messages were received."""
        deliveries = 0
        while time.perf_counter() < end:
            for member in self._ready():
                deliveries += member.receive()
                member.send()
        return deliveries

    def _drain(self) -> None:
        """Receive what is under way, and check all that came."""
        sent = sum(sender.sent for room in self._rooms for sender in room.senders)
        missing = sent * self._scenario.members - sum(member.heard for member in self._members)
        while missing > 0:
            missing -= sum(member.receive() for member in self._ready())
        for room in self._rooms:
            room.check()

    def _ready(self) -> Iterator[Member]:
        ready = self._selector.select(PATIENCE_SECONDS)
        if not ready:
            raise LoadError(f"nothing came for {PATIENCE_SECONDS} s")
        for key, _ in ready:
            yield key.data

    def _server_cpu(self) -> float:
        """Return the processor time that the server has used; 0 where the platform hides it."""
        # The clock of another process, as clock_getcpuclockid(3) of Linux makes its number.
        return time.clock_gettime((~self._server.pid << 3) | 2) if sys.platform == "linux" else 0.0
