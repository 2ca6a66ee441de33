"""
A hostile network: a TCP proxy, a program of its own, that fails between two WebSocket frames.

A client opens ``ws://127.0.0.1:PORT/?plan=NAME``. What happens to the connections of that plan is
told on standard input, one JSON object a line, and what was done comes back on standard output::

    > {"target": 8080}
    > {"plan": "a", "faults": [[0, "down", 5, "cut"], [1, "up", 2, "stall"]]}
    > {"forget": "a"}
    < {"plan": "a", "done": [[0, "down", 5, "cut"]], "units": [[4, 5], [9, 14]]}
    > {"cut": "all"}
    < {"cut": 500}

A fault names a connection of its plan (0 is the first), a direction (``up`` is from the client),
how many units have passed there, and what happens then. The first unit of a direction is the head
of the upgrade, each further one a frame. It happens at once when that many have passed:

``cut``
    both ends are reset;
``close``
    the link is closed in that direction only, what still comes there is lost;
``delay``
    that direction rests for a while;
``stall``
    what comes there is lost from now on, its end too, and nobody is told until the plan is
    forgotten.

With ``"rewind": true`` every RECONNECT of the plan names, for each room, the place that the first
one named: a client that has forgotten where it was.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import struct
import sys
import urllib.parse
from typing import Any

import attrs

DELAY_SECONDS = 0.03
RECONNECT = 8
MOST_HEAD_BYTES = 2**16

Fault = tuple[int, str, int, str]
"""Connection, direction, units that have passed there, deed."""


class Stopped(Exception):  # noqa: N818 -- nothing is wrong
    """Nothing more goes in this direction, and the link stays."""


@attrs.define
class Plan:
    """What is to happen to the connections of one name, and what has."""

    faults: list[Fault] = attrs.field(factory=list)
    rewind: bool = False
    done: list[Fault] = attrs.field(factory=list)
    units: list[dict[str, int]] = attrs.field(factory=list)
    """Units that have passed, for each connection."""
    places: dict[str, Any] = attrs.field(factory=dict)
    """What the first RECONNECT named, by room."""
    links: list[Link] = attrs.field(factory=list)

    def deed_at(self, connection: int, direction: str) -> str | None:
        """Return what is to happen here now."""
        here = (connection, direction, self.units[connection][direction])
        for fault in self.faults:
            if fault[:3] == here:
                self.done.append(fault)
                return fault[3]
        return None

    def rewound(self, frame: bytes) -> bytes:
        """Return a frame of the client, with the first places in it if it is a RECONNECT."""
        value = json.loads(_unmasked(frame)) if frame[0] & 0x0F == 1 else {}
        if value.get("eventType") != RECONNECT:
            return frame
        rooms = value["data"]["rooms"]
        self.places = {**rooms, **self.places}
        value["data"]["rooms"] = {name: self.places[name] for name in rooms}
        return _masked(json.dumps(value).encode())


@attrs.define(eq=False)
class Link:
    """One connection through the proxy."""

    plan: Plan
    number: int
    writers: list[asyncio.StreamWriter]
    is_stalled: bool = False
    """Whether the ends are kept apart from each other's end."""

    def cut(self) -> None:
        """Reset both ends."""
        for writer in self.writers:
            raw = writer.get_extra_info("socket")
            if raw is not None and raw.fileno() >= 0:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

    async def fail(self, direction: str, writer: asyncio.StreamWriter) -> None:
        """Do what is to happen here now; raise what ends this direction."""
        deed = self.plan.deed_at(self.number, direction)
        if deed == "cut":
            self.cut()
            raise ConnectionResetError
        if deed == "close":
            writer.write_eof()
            raise Stopped
        if deed == "stall":
            self.is_stalled = True
            raise Stopped
        if deed == "delay":
            await asyncio.sleep(DELAY_SECONDS)

    async def carry(
        self,
        direction: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        head: bytes = b"",
    ) -> None:
        """Carry all units of *direction* until its end; *head* is the first, if it was read."""
        try:
            while True:
                await self.fail(direction, writer)
                units = self.plan.units[self.number]
                if units[direction]:
                    unit = await _frame(reader)
                else:
                    unit = head or await _head(reader)
                if self.plan.rewind and direction == "up" and units[direction]:
                    unit = self.plan.rewound(unit)
                writer.write(unit)
                units[direction] += 1
                await writer.drain()
        except Stopped:
            while await reader.read(2**16):
                pass


class Proxy:
    """The network between the clients and one server."""

    def __init__(self) -> None:
        self.target = 0
        self._plans: dict[str, Plan] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection to its end."""
        try:
            await self._carry(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await _head(reader)
        query = urllib.parse.urlsplit(head.split()[1].decode()).query
        name = urllib.parse.parse_qs(query).get("plan", [""])[0]
        plan = self._plans.setdefault(name, Plan())
        link = Link(plan, len(plan.units), [writer])
        plan.units.append({"up": 0, "down": 0})
        plan.links.append(link)
        there, thither = await asyncio.open_connection("127.0.0.1", self.target)
        link.writers.append(thither)
        directions = {
            asyncio.ensure_future(link.carry("up", reader, thither, head)),
            asyncio.ensure_future(link.carry("down", there, writer)),
        }
        await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
        if not link.is_stalled:
            # One end has gone: tell the other, once what is on its way to it is there.
            for end in link.writers:
                end.close()
            plan.links.remove(link)
        await asyncio.gather(*directions, return_exceptions=True)

    def obey(self, order: dict[str, Any]) -> dict[str, Any] | None:
        """Carry out one order and return what to say of it."""
        if "target" in order:
            self.target = order["target"]
        elif "plan" in order:
            faults = [tuple(fault) for fault in order["faults"]]
            self._plans[order["plan"]] = Plan(faults, order.get("rewind", False))
        elif "forget" in order:
            plan = self._plans.pop(order["forget"])
            _cut_all([plan])
            units = [list(one.values()) for one in plan.units]
            return {"plan": order["forget"], "done": plan.done, "units": units}
        elif "cut" in order:
            return {"cut": _cut_all(self._plans.values())}
        return None


def _cut_all(plans: Any) -> int:
    links = [link for plan in plans for link in plan.links]
    for link in links:
        link.cut()
    return len(links)


async def _head(reader: asyncio.StreamReader) -> bytes:
    return await reader.readuntil(b"\r\n\r\n")


async def _frame(reader: asyncio.StreamReader) -> bytes:
    """Return one whole frame as it came (RFC 6455 section 5.2)."""
    start = await reader.readexactly(2)
    size = start[1] & 0x7F
    if size >= 126:
        more = await reader.readexactly(2 if size == 126 else 8)
        start, size = start + more, int.from_bytes(more, "big")
    return start + await reader.readexactly(size + (4 if start[1] & 0x80 else 0))


def _unmasked(frame: bytes) -> bytes:
    """Return the payload of a client's *frame*."""
    start = 2 + {126: 2, 127: 8}.get(frame[1] & 0x7F, 0)
    mask, payload = frame[start : start + 4], frame[start + 4 :]
    return bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))


def _masked(payload: bytes) -> bytes:
    """Return a client's text frame that holds *payload*, under the mask 0."""
    return struct.pack("!BBHI", 0x81, 0x80 | 126, len(payload), 0) + payload


async def main() -> None:
    """Serve until standard input ends."""
    proxy = Proxy()
    server = await asyncio.start_server(
        proxy.serve, "127.0.0.1", 0, limit=MOST_HEAD_BYTES, backlog=1024
    )
    _say({"port": server.sockets[0].getsockname()[1]})
    orders = asyncio.StreamReader(limit=2**24)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(orders), sys.stdin
    )
    while line := await orders.readline():
        answer = proxy.obey(json.loads(line))
        if answer is not None:
            _say(answer)
    proxy.obey({"cut": "all"})
    os._exit(0)  # what still waits is cancelled by nobody, and says nothing


def _say(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
