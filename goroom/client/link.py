"""Link: one transport of a connection, read, written and watched until it is closed."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from goroom.client.patience import patience
from goroom.errors import ConnectionLost

if TYPE_CHECKING:
    from goroom.client.stream import Heartbeat
    from goroom.client.transport import Transport

log = structlog.get_logger()

CLOSE_SECONDS = 5.0
"""How long a reader may take to say why the link is closed, where the writer saw it first."""

FRAMES_AT_ONCE = 50
"""Frames that are taken in before others have their turn."""

# RFC 6455 section 7.4.1
NORMAL, ABNORMAL, TOO_LARGE = 1000, 1006, 1009

FINAL_CODES = range(4500, 5000)
"""Close codes after which a client does not come back."""


class Link:
    """
    One transport of a connection.

    Args:
        transport: It belongs to the link from now on.
        receive: Called with each frame. What it raises closes the link: a `ConnectionLost` with
            that code and reason.
        probe: Returns the frame that asks the server for a word, or ``""`` for none.
        heartbeat: When that is done.
    """

    def __init__(
        self,
        transport: Transport,
        receive: Callable[[str], None],
        probe: Callable[[], str],
        heartbeat: Heartbeat,
    ) -> None:
        self._transport = transport
        self._receive = receive
        self._probe = probe
        self._heartbeat = heartbeat
        self._unsent: asyncio.Queue[str | None] = asyncio.Queue()
        self._lost: asyncio.Future[ConnectionLost] = asyncio.get_running_loop().create_future()
        self._heard_at = 0.0
        self._heard = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self.complaint: ConnectionLost | None = None
        """What this side closes the link with, where it is at fault with the server or itself."""
        self.largest = ""
        """The frame of most bytes that was to be sent."""
        self._largest_bytes = 0

    @property
    def unsent(self) -> int:
        """How many frames wait."""
        return self._unsent.qsize()

    def write(self, text: str) -> None:
        """Send a frame behind those that were sent before."""
        size = len(text.encode())
        if size > self._largest_bytes:
            self.largest, self._largest_bytes = text, size
        self._unsent.put_nowait(text)

    def finish(self) -> None:
        """Close the link once what was sent is on its way."""
        self._unsent.put_nowait(None)

    def lose(self, lost: ConnectionLost) -> None:
        """Give the link up."""
        if not self._lost.done():
            self._lost.set_result(lost)

    async def run(self) -> ConnectionLost:
        """Read, write and watch until the link is closed or given up, and return why."""
        self._heard_at = asyncio.get_running_loop().time()
        works = {"reader": self._read(), "writer": self._write_all(), "watcher": self._watch()}
        for name, work in works.items():
            self._tasks.add(asyncio.create_task(work, name=f"goroom client {name}"))
        return await self._lost

    async def close(self) -> None:
        """Close the transport, and leave nothing of the link behind."""
        complaint = self.complaint or ConnectionLost(NORMAL)
        try:
            await self._transport.close(complaint.code, complaint.reason)
        finally:
            for task in self._tasks:
                task.cancel()
            if self._tasks:
                await asyncio.wait(self._tasks)

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            for number in itertools.count(1):
                text = await self._transport.receive()
                self._heard_at = loop.time()
                self._heard.set()
                if self._lost.done():
                    return
                self._take(text)
                if number % FRAMES_AT_ONCE == 0:
                    await asyncio.sleep(0)
        except ConnectionLost as lost:
            self.lose(lost)
        except Exception:
            log.exception("client_reader_failed")
            self._fail()

    def _take(self, text: str) -> None:
        try:
            self._receive(text)
        except ConnectionLost as complaint:
            self.complaint = complaint
            raise

    async def _write_all(self) -> None:
        try:
            while (text := await self._unsent.get()) is not None:
                await self._transport.send(text)
            self.lose(ConnectionLost(NORMAL, "closed here"))
        except ConnectionLost as lost:
            await asyncio.wait({self._lost}, timeout=CLOSE_SECONDS)  # the reader knows why
            self.lose(lost)
        except Exception:
            log.exception("client_writer_failed")
            self._fail()

    def _fail(self) -> None:
        self.complaint = ConnectionLost(NORMAL, "the client failed")
        self.lose(ConnectionLost(ABNORMAL, "the client failed"))

    async def _watch(self) -> None:
        """Give the link up once the server does not say a word, though it is asked for one."""
        loop, heartbeat = asyncio.get_running_loop(), self._heartbeat
        while True:
            left = self._heard_at + heartbeat.idle_seconds - loop.time()
            if left > 0:
                await asyncio.sleep(left)
                continue
            self._heard.clear()
            probe = self._probe()
            if probe:
                self.write(probe)
            try:
                async with patience(heartbeat.reply_seconds):
                    await self._heard.wait()
            except TimeoutError:
                if probe:
                    self.lose(ConnectionLost(ABNORMAL, "the server is silent"))
                    return
