"""Thousands of wrong frames in every dialect, and two honest clients in the same room."""

from __future__ import annotations

import asyncio
import json
import os
import random
from typing import TYPE_CHECKING

import attrs
import pytest

from tests.dialects.world import PATHS
from tests.mutations import Mutations
from tests.tongues import TONGUES, GoroomSpeaker, MsgpackSpeaker, Said, Speaker
from tests.websocket import BINARY, Closed

if TYPE_CHECKING:
    from tests.dialects.conftest import House

FRAMES = int(os.environ.get("GOROOM_FUZZ_FRAMES") or ("10000" if os.environ.get("CI") else "2000"))
"""How many wrong frames each dialect gets."""
SAID = 1000
"""How many messages each of the honest clients says meanwhile."""

CODES = {
    1007: "text that is no UTF-8",
    1009: "a frame too large",
    4502: "too many bad requests",
}
"""How the server may close whoever sends such things."""

FIRST_ID = 1_000_000_000
"""Above every ``id`` in a wrong frame."""


@attrs.define
class Witness:
    """An honest client that says numbers, and notes which ones it hears of its partner."""

    speaker: Speaker
    said: int = 0
    heard: list[str] = attrs.field(factory=list)

    def say_up_to(self, number: int) -> None:
        """Say all numbers below *number* that it has not said yet."""
        for each in range(self.said, number):
            self.speaker.say(str(each))
        self.said = number

    async def listen(self, partner: Witness) -> None:
        """Note what *partner* says, until that is enough."""
        while len(self.heard) < SAID:
            heard = await self.speaker.hear()
            assert not isinstance(heard, Closed), heard
            if isinstance(heard, Said) and heard.sender == partner.speaker.name:
                self.heard.append(heard.text)


def _mutations(tongue: type[Speaker]) -> Mutations:
    """Return the wrong frames of *tongue*; what repeats them is in the test's output."""
    seed = int(os.environ.get("GOROOM_FUZZ_SEED") or random.getrandbits(32))
    print(f"GOROOM_FUZZ_SEED={seed} GOROOM_FUZZ_FRAMES={FRAMES}")  # noqa: T201 -- to repeat it
    samples = [sample for other in TONGUES for sample in other.samples]
    foreign = [json.dumps(sample).encode() for sample in samples if sample not in tongue.samples]
    is_binary = tongue.opcode == BINARY
    return Mutations(tongue.samples, random.Random(seed), is_binary=is_binary, foreign=foreign)


async def _attack(
    tongue: type[Speaker], address: str, mutations: Mutations, witnesses: list[Witness]
) -> int:
    """Send the wrong frames, each survived or the end of its own connection; count the ends."""
    attacker, ends = await tongue.sit(address), 0
    for number in range(FRAMES):
        for witness in witnesses:
            witness.say_up_to((number + 1) * SAID // FRAMES)
        shot = mutations.shot()
        attacker.socket.send_frame(shot.opcode, shot.payload)
        attacker.ask(FIRST_ID + number)
        closed = await attacker.outcome(FIRST_ID + number)
        if closed is not None:
            assert closed.code in CODES, (closed, shot)
            attacker, ends = await tongue.sit(address), ends + 1
    attacker.socket.abort()
    return ends


@pytest.mark.parametrize("tongue", [each for each in TONGUES if each.path in PATHS])
async def test_wrong_frames_hurt_nobody_but_their_sender(
    tongue: type[Speaker], house: House
) -> None:
    other = MsgpackSpeaker if tongue is GoroomSpeaker else GoroomSpeaker
    first, second = witnesses = [
        Witness(await tongue.sit(house.address)),
        Witness(await other.sit(house.address)),
    ]
    async with asyncio.TaskGroup() as group:
        group.create_task(first.listen(second))
        group.create_task(second.listen(first))
        ends = await _attack(tongue, house.address, _mutations(tongue), witnesses)
    for witness in witnesses:
        await witness.speaker.socket.close()

    numbers = [str(number) for number in range(SAID)]
    assert numbers == first.heard
    assert numbers == second.heard
    assert ends > 0  # for one, what is no UTF-8
