"""What holds in every dialect for those who do not read, who are cut, and who are many."""

from __future__ import annotations

import asyncio
import base64
import struct
from typing import TYPE_CHECKING

import pytest

from tests.dialects.conftest import until
from tests.tongues import TONGUES, Came, GoroomSpeaker, Said, Speaker, Went
from tests.websocket import TEXT, Closed, WebSocket

if TYPE_CHECKING:
    from tests.dialects.conftest import House
    from tests.tongues import Heard

CROWD = 200
LONG = "x" * 6000
"""A text that every dialect lets through, in base64 too."""

every_tongue = pytest.mark.parametrize("tongue", TONGUES)


async def _next(speaker: Speaker) -> Heard:
    heard = await speaker.hear()
    assert not isinstance(heard, Closed), heard
    return heard


@every_tongue
async def test_who_does_not_read_goes_and_the_others_hear_everything(
    tongue: type[Speaker], house: House
) -> None:
    deaf, talker = await tongue.sit(house.address), await tongue.sit(house.address)
    witness = await GoroomSpeaker.sit(house.address)
    said = 0
    while deaf.name in house.members:
        said += 1
        talker.say(f"{said} {LONG}")
        while await _next(witness) != Said(talker.name, f"{said} {LONG}"):
            pass
        while await _next(talker) != Said(talker.name, f"{said} {LONG}"):
            pass

    assert 1 == len(house.logged("slow_consumer_closed"))
    assert {talker.name, witness.name} == set(house.members)
    deaf.socket.abort()
    for speaker in (talker, witness):
        await speaker.socket.close()


class _Recorder:
    """Keeps what a client would send."""

    def __init__(self) -> None:
        self.sent = bytearray()

    def write(self, data: bytes) -> None:
        self.sent += data


def _talk(tongue: type[Speaker], address: str) -> bytes:
    """Return all that a client of *tongue* sends to come and say two things."""
    recorder = _Recorder()
    socket = WebSocket(None, recorder, tongue.subprotocol)  # type: ignore[arg-type] # it only writes
    speaker = tongue(socket)
    speaker.name = "cut"
    for frame in speaker.opening():
        speaker.send(frame)
    speaker.say("one")
    speaker.say("two")
    key = base64.b64encode(bytes(16)).decode()
    wish = f"Sec-WebSocket-Protocol: {tongue.subprotocol}\r\n" if tongue.subprotocol else ""
    handshake = (
        f"GET {tongue.path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\n{wish}Sec-WebSocket-Key: {key}\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n"
    )
    return handshake.encode() + bytes(recorder.sent)


@every_tongue
async def test_a_link_cut_at_any_byte_leaves_nothing(tongue: type[Speaker], house: House) -> None:
    talk = _talk(tongue, house.address)
    host, _, port = house.address.partition(":")
    for length in range(0, len(talk) + 1, 3):
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(talk[:length])
        await writer.drain()
        if length % 2:
            await asyncio.sleep(0)
        writer.transport.abort()
    witness = await GoroomSpeaker.sit(house.address)
    last = await tongue.sit(house.address)
    last.say("still here")
    while await _next(witness) != Said(last.name, "still here"):
        pass

    await until(lambda: {witness.name, last.name} == set(house.members))
    for speaker in (witness, last):
        await speaker.socket.close()


@every_tongue
async def test_a_frame_that_announces_too_much_is_refused_at_once(
    tongue: type[Speaker], house: House
) -> None:
    speaker = await tongue.sit(house.address)
    speaker.socket.send_bytes(bytes([0x80 | TEXT, 0x80 | 127]) + struct.pack("!Q", 2**62) + b"mask")

    while not isinstance(message := await speaker.line(), Closed):
        pass
    assert 1009 == message.code


async def test_two_hundred_of_all_tongues_come_talk_and_go_at_once(house: House) -> None:
    tongues = TONGUES
    witness = await GoroomSpeaker.sit(house.address)
    crowd = await asyncio.gather(
        *(tongues[number % len(tongues)].sit(house.address) for number in range(CROWD))
    )
    for speaker in crowd:
        speaker.say(f"I am {speaker.name}")
    for number, speaker in enumerate(crowd):
        while await _next(speaker) != Said(crowd[-1].name, f"I am {crowd[-1].name}"):
            pass
        if number % 2:
            speaker.socket.abort()
        else:
            await speaker.socket.close()
    came, said, went = set(), set(), set()
    while len(went) < CROWD:
        match await _next(witness):
            case Came(name):
                came.add(name)
            case Said(name, text) if text == f"I am {name}":
                said.add(name)
            case Went(name):
                went.add(name)
    await witness.socket.close()

    names = {speaker.name for speaker in crowd}
    assert (names, names, names) == (came, said, went)
