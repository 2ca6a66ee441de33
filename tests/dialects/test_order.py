"""All tongues in one room at once: everybody hears everything, in one order."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

from tests.tongues import TONGUES, GoroomSpeaker, Said, Speaker
from tests.websocket import Closed

if TYPE_CHECKING:
    from tests.dialects.conftest import House

SAID = 100
LAST = "last"


async def _everything(speaker: Speaker, names: set[str]) -> list[Said]:
    """Return what those of *names* say, until each has said its last word."""
    heard: list[Said] = []
    while sum(said.text == LAST for said in heard) < len(names):
        event = await speaker.hear()
        assert not isinstance(event, Closed), event
        if isinstance(event, Said) and event.sender in names and not event.text.startswith("I am"):
            heard.append(event)
    return heard


async def _come_and_go(house: House, is_over: asyncio.Event) -> None:
    """Come, talk and be cut, in one tongue after the other."""
    while not is_over.is_set():
        for tongue in TONGUES:
            speaker = await tongue.sit(house.address)
            speaker.say("passing by")
            speaker.socket.abort()


async def test_all_hear_all_in_one_order_whoever_comes_and_goes(house: House) -> None:
    speakers = [await tongue.sit(house.address) for tongue in TONGUES]
    is_over = asyncio.Event()
    restless = asyncio.create_task(_come_and_go(house, is_over))
    names = {speaker.name for speaker in speakers}
    listening = [asyncio.create_task(_everything(speaker, names)) for speaker in speakers]
    for number in range(SAID):
        for speaker in random.sample(speakers, len(speakers)):
            speaker.say(str(number))
        await asyncio.sleep(0)  # some messages of several are read in one turn of the loop
    for speaker in speakers:
        speaker.say(LAST)
    sequences = await asyncio.gather(*listening)
    is_over.set()
    await restless
    for speaker in speakers:
        await speaker.socket.close()

    assert sequences[:1] * len(sequences) == sequences
    for speaker in speakers:
        own = [said.text for said in sequences[0] if said.sender == speaker.name]
        assert [*map(str, range(SAID)), LAST] == own


async def test_a_client_hears_nothing_of_what_was_said_before_it_came_or_after_it_went(
    house: House,
) -> None:
    witness = await GoroomSpeaker.sit(house.address)
    for tongue in TONGUES:
        witness.say(f"before {tongue.__name__}")
        while await witness.hear() != Said(witness.name, f"before {tongue.__name__}"):
            pass
        late = await tongue.sit(house.address)
        witness.say(f"to {tongue.__name__}")
        heard = []
        while Said(witness.name, f"to {tongue.__name__}") not in heard:
            heard.append(await late.hear())
        await late.socket.close()

        assert not [event for event in heard if isinstance(event, Closed)]
        assert [f"to {tongue.__name__}"] == [
            event.text for event in heard if isinstance(event, Said) and event.sender != late.name
        ]
    await witness.socket.close()
