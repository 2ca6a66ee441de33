"""Conns: clients that come over something else than a WebSocket of ours."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Protocol

import structlog

from goroom.wire.frames import BINARY, CLOSE, TEXT, unframed

log = structlog.get_logger()


class Conn(Protocol):
    """
    One client by whatever carries its messages: a TCP stream, a pipe, a queue in a test.

    `Server.serve` calls `receive` and `send` from two tasks, each never twice at a time.
    """

    async def receive(self) -> bytes | None:
        """
        Return the next message, or None when the client is gone or `close` was called.

        An `OSError` or `EOFError` says the same.
        """

    async def send(self, message: bytes) -> None:
        """Send one message; waits while the client does not take it. `OSError`: it is gone."""

    async def close(self) -> None:
        """Close it, whatever is still on its way; may be called again."""


class ConnTransport:
    """
    The byte side of one `Conn`: frames in, messages out, in a task of its own.

    What is written waits here while `Conn.send` waits, so that the outbox sees it.
    """

    def __init__(self, conn: Conn) -> None:
        self._conn = conn
        self._name = type(conn).__name__
        self._messages: deque[bytes] = deque()
        self._held = 0
        self._is_closing = False
        self._wake = asyncio.Event()
        self._taken = asyncio.Event()
        self._taken.set()
        self._sender = asyncio.get_running_loop().create_task(self._send_all())
        self._sender.add_done_callback(self._end)

    # -- as the outbox sees it -------------------------------------------------------------

    def write(self, data: bytes) -> bool:
        if self._is_closing:
            return self._held > 0
        for opcode, payload in unframed(data):
            if opcode in {TEXT, BINARY}:
                self._messages.append(payload)
                self._held += len(payload)
            elif opcode == CLOSE:
                self._is_closing = True
        if self._held:
            self._taken.clear()
        self._wake.set()
        return self._held > 0

    def buffered(self) -> int:
        return self._held

    def is_lost(self) -> bool:
        return self._sender.done()

    async def drained(self) -> None:
        await self._taken.wait()
        if self._held:
            raise ConnectionResetError

    def close(self) -> None:
        self._is_closing = True
        self._wake.set()

    def abort(self) -> None:
        self._is_closing = True
        self._sender.cancel()

    # -- as the server sees it -------------------------------------------------------------

    async def receive(self) -> bytes | None:
        """Return the next message of the client, or None when it is gone or closed."""
        if self._sender.done():
            return None
        receiving = asyncio.get_running_loop().create_task(self._receive())
        try:
            either: set[asyncio.Future[Any]] = {receiving, self._sender}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not receiving.done():
                receiving.cancel()
                await asyncio.wait({receiving})
        return None if receiving.cancelled() else receiving.result()

    async def _receive(self) -> bytes | None:
        try:
            message = await self._conn.receive()
            # Bytes of a bytearray, too; `bytes` would take an integer for a number of zeros.
            return None if message is None else b"".join((message,))
        except (OSError, EOFError):
            return None
        except Exception:  # border: a Conn is somebody else's code
            log.exception("conn_failed", conn=self._name)
            return None

    async def closed(self) -> None:
        """Wait until all is sent, or given up, then close the conn."""
        await asyncio.wait({self._sender})
        try:
            await self._conn.close()
        except OSError:
            pass  # it is gone all the same
        except Exception:  # border: a Conn is somebody else's code
            log.exception("conn_failed", conn=self._name)

    def _end(self, _: object) -> None:
        self._is_closing = True
        self._taken.set()

    async def _send_all(self) -> None:
        try:
            while True:
                while self._messages:
                    message = self._messages.popleft()
                    await self._conn.send(message)
                    self._held -= len(message)
                self._taken.set()
                if self._is_closing:
                    return
                self._wake.clear()
                await self._wake.wait()
        except OSError:
            pass  # gone: what was on its way is lost
        except Exception:  # border: a Conn is somebody else's code
            log.exception("conn_failed", conn=self._name)
