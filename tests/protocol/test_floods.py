"""Floods of one client: memory stays bounded, TCP pushes back, others are served."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from goroom.websocket import BYTES_IN_A_ROW, UNREAD_BYTES
from tests.links import BIG, Office, answers, login, masked, office, opened, said, until
from tests.websocket import CLOSE, CONTINUATION, PING, TEXT, Closed

NORMAL = masked(CLOSE, b"\x03\xe8")


@pytest.fixture
async def desk() -> AsyncIterator[Office]:
    """A server of which nothing may be left, or be logged as an error."""
    with capture_logs() as logs:
        async with office() as running:
            yield running
    assert [] == [line for line in logs if line["log_level"] == "error"]


FLOODS = {
    "fragments": masked(CONTINUATION, first_byte=0),
    "pings": masked(PING),
    "messages": said("note", 1),
}


@pytest.mark.parametrize("unit", FLOODS.values(), ids=FLOODS)
async def test_a_flood_behind_a_handler_that_waits_is_held_back_by_tcp(
    desk: Office, unit: bytes
) -> None:
    first = login() + said("wait", 2) + masked(TEXT, b"{", first_byte=0)
    socket = await opened(desk.port, first)
    await desk.post.waits.wait()
    socket._writer.transport.set_write_buffer_limits(high=0)
    [websocket] = [connection.transport for connection in desk.server.connections]
    while not socket._writer.transport.get_write_buffer_size():
        socket.send_bytes(unit * (2**16 // len(unit)))
        await asyncio.sleep(0)
    other = await opened(desk.port, login("bob") + said("note", 2) + NORMAL)

    assert ([1, 2], Closed(1000)) == await answers(other)
    assert len(websocket._unread) <= UNREAD_BYTES + 2**18  # type: ignore[attr-defined]
    socket.abort()


async def test_who_takes_no_answers_is_not_read_on_for_more_than_one_slice(desk: Office) -> None:
    socket = await opened(desk.port, login())
    await socket.receive()
    socket._writer.transport.pause_reading()  # type: ignore[attr-defined]
    connection = desk.connection
    slice_ = BYTES_IN_A_ROW // len(said("big", 100)) + 1
    socket.send_bytes(b"".join(said("big", 100) for _ in range(3 * slice_)))
    await until(connection.outbox.is_over_bound)

    assert connection.transport.buffered() <= slice_ * (BIG + 100)
    socket.abort()


async def test_one_who_pings_and_does_not_read_is_not_read_beyond_its_bound(desk: Office) -> None:
    socket = await opened(desk.port, login())
    await socket.receive()
    socket._writer.transport.pause_reading()  # type: ignore[attr-defined]
    connection = desk.connection
    most = 0
    while desk.server.connections:
        if not socket._writer.transport.get_write_buffer_size():
            socket.send_bytes(masked(PING, bytes(125)) * 2**9)
        most = max(most, connection.outbox.waiting)
        await asyncio.sleep(0)
    socket.abort()

    assert connection.limits.outbox_frames < most <= 2 * connection.limits.outbox_frames
