"""RFC 6455 as a client may use it and as nobody should; and peers that read too slowly."""

from __future__ import annotations

import asyncio
import struct
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

import goroom
from goroom import User, handles
from tests.protocol.worlds import Desk, Hall
from tests.rawclient import JOIN_APP, LEAVE_ROOM, MESSAGE, Form
from tests.websocket import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Closed

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.protocol.conftest import Site
    from tests.rawclient import Client

FIN = 0x80


def _encoded(client: Client, frame: dict[str, Any]) -> tuple[int, bytes]:
    if client.form is Form.MSGPACK:
        return BINARY, msgspec.msgpack.encode(frame)
    return TEXT, msgspec.json.encode(frame)


async def _end(client: Client) -> int | None:
    """Return the close code with which *client* ends, whatever comes before."""
    while not isinstance(message := await client.socket.receive(), Closed):
        pass
    return message.code


async def test_a_message_in_fragments_is_one_message(site: Site) -> None:
    ann = await site.connect()
    opcode, whole = _encoded(ann, {"eventType": JOIN_APP, "appName": "test", "id": 5})
    ann.socket.send_frame(opcode, whole[:7], first_byte=0)
    ann.socket.send_frame(PING, b"in between")
    ann.socket.send_frame(CONTINUATION, b"", first_byte=0)
    ann.socket.send_frame(CONTINUATION, whole[7:])

    assert (5, 0) == ((answer := await ann.event()).id, answer.error_code)


async def test_fragments_over_the_limit_close_with_1009(site: Site) -> None:
    ann = await site.connect()
    ann.socket.send_frame(TEXT, b"x" * 40_000, first_byte=0)
    ann.socket.send_frame(CONTINUATION, b"x" * 40_000, first_byte=0)

    assert 1009 == await _end(ann)


BROKEN_FRAMES = {
    "a reserved bit": b"\xc1\x80mask",
    "another reserved bit": b"\x91\x80mask",
    "a reserved opcode": b"\x83\x80mask",
    "a reserved control opcode": b"\x8b\x80mask",
    "a fragmented ping": b"\x09\x80mask",
    "a long ping": b"\x89\xfe\x00\x7emask" + b"x" * 126,
    "a continuation of nothing": b"\x80\x80mask",
    "a start inside a message": b"\x01\x81mask\x00" + b"\x81\x81mask\x00",
    "a close code of one byte": b"\x88\x81mask\x00",
}


@pytest.mark.parametrize("raw", BROKEN_FRAMES.values(), ids=BROKEN_FRAMES)
@pytest.mark.parametrize("form", [Form.FULL], ids=str)
async def test_a_frame_that_nobody_should_send_closes_with_1002(site: Site, raw: bytes) -> None:
    ann = await site.connect()
    bob = await site.login("bob", "hall")
    ann.socket.send_bytes(raw)

    assert 1002 == await _end(ann)
    assert ["bob"] == (await bob.say("hall", "who")).data


@pytest.mark.parametrize("form", [Form.FULL], ids=str)
@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535])
async def test_a_close_code_that_may_not_be_sent_is_no_crash(site: Site, code: int) -> None:
    ann = await site.connect()
    ann.socket.send_frame(CLOSE, struct.pack("!H", code))

    assert await _end(ann) in {1000, 1002, None}


@pytest.mark.parametrize("form", [Form.FULL], ids=str)
async def test_an_empty_close_frame_is_answered(site: Site) -> None:
    ann = await site.connect()
    ann.socket.send_frame(CLOSE)

    assert await _end(ann) in {1000, 1005}


async def test_unasked_pongs_and_empty_pings_change_nothing(site: Site) -> None:
    ann = await site.connect()
    for _ in range(5):
        ann.socket.send_frame(PONG, b"unasked")
        ann.socket.send_frame(PING)

    assert 0 == (await ann.request(JOIN_APP)).error_code


async def test_what_was_sent_before_a_close_is_handled_before_it(site: Site) -> None:
    ann, bob = await site.login("ann", "hall"), await site.login("bob", "hall")
    await ann.events()
    await bob.events()
    for number in range(50):
        bob.send(MESSAGE, {"text": str(number)}, roomName="hall", action="tell")
    await bob.socket.close(1000)
    heard = [await ann.event() for _ in range(51)]

    assert [str(number) for number in range(50)] == [frame.data["text"] for frame in heard[:50]]
    assert (LEAVE_ROOM, "bob") == (heard[50].event_type, heard[50].sender)


class Loud(Hall):
    """Broadcasts more than any bound in one turn."""

    @handles("roar")
    def roar(self, _user: User) -> None:
        for number in range(2000):
            self.room.broadcast("roared", {"number": number, "noise": "x" * 5000})

    @handles("mutter")
    def mutter(self, _user: User) -> None:
        self.room.broadcast("muttered", {"noise": "x" * 50_000})


@pytest.fixture
async def loud(serve: Callable[..., Any]) -> Site:
    server = goroom.Server(limits=goroom.Limits(close_seconds=0.2))
    server.add_application("test", Desk, rooms={"hall": Loud})
    site: Site = await serve(server=server)
    return site


async def test_a_burst_of_ten_megabytes_closes_nobody_who_reads(loud: Site) -> None:
    clients = [await loud.login(name, "hall") for name in ("ann", "bob", "cy")]
    for client in clients:
        await client.events()

    async def read_all(client: Client) -> list[int]:
        frames = [await client.event() for _ in range(2600)]
        assert 600 == len([frame for frame in frames if frame.action == "told"])
        return [frame.data["number"] for frame in frames if frame.action == "roared"]

    async def speak() -> None:
        clients[0].send(MESSAGE, roomName="hall", action="roar")
        for number in range(600):
            if number % 150 == 0:
                await asyncio.sleep(0.001)  # the load's rhythm: while the burst is on its way
            clients[1].send(MESSAGE, {"text": str(number)}, roomName="hall", action="announce")

    async with asyncio.timeout(30):
        *views, _ = await asyncio.gather(*map(read_all, clients), speak())

    assert [list(range(2000))] * 3 == views


async def test_a_peer_that_does_not_read_is_gone_and_nobody_waits_for_it(loud: Site) -> None:
    ann, bob = await loud.login("ann", "hall"), await loud.login("bob", "hall")
    deaf = await loud.login("deaf", "hall")
    connections = loud.server.connections
    assert 3 == len(connections)

    async def read_all(client: Client) -> list[int | None]:
        seqs = []
        while (frame := await client.event()).event_type != LEAVE_ROOM:
            seqs.append(frame.seq)
        assert ("deaf", "disconnected") == (frame.sender, frame.data["reason"])
        return seqs

    async def mutter() -> None:
        while "deaf" in loud.application().users:
            ann.send(MESSAGE, roomName="hall", action="mutter")
            await asyncio.sleep(0.005)  # the load's rhythm: 10 MB a second

    async with asyncio.timeout(20):
        views, others, _ = await asyncio.gather(read_all(ann), read_all(bob), mutter())

    assert {"ann", "bob"} == set(loud.application().users)
    assert views[-len(others) :] == others
    assert list(range(min(others, key=lambda seq: seq or 0) or 0, (others[-1] or 0) + 1)) == others
    assert await _end(deaf) in {4010, None}
    assert 2 == len(loud.server.connections)


async def test_a_peer_that_asks_and_does_not_read_is_not_read_beyond_its_bound(loud: Site) -> None:
    """Its own answers wait for it: what it asks for must not be without a bound."""
    asker = await loud.login("asker", "hall")
    (connection,) = loud.server.connections
    most_waiting = 0
    asked = 0

    async with asyncio.timeout(20):
        while loud.server.connections:
            for _ in range(200):
                asker.send(MESSAGE, {"text": "y" * 500}, roomName="hall", action="announce", id=9)
                asked += 1
                most_waiting = max(most_waiting, connection.outbox.waiting)
            await asyncio.sleep(0)

    assert asked > 2 * most_waiting
    assert most_waiting <= loud.server.limits.outbox_frames + 2
