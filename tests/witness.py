"""
An attack with two witnesses.

One client sends thousands of wrong frames; two honest ones in the same room say a thousand things
each, and have to hear all that the other says, in order.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
from typing import TYPE_CHECKING, Any

import attrs

from tests.mutations import Mutations
from tests.tongues import TONGUES, Said, Speaker
from tests.websocket import BINARY, Closed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

FRAMES = int(os.environ.get("GOROOM_FUZZ_FRAMES") or ("10000" if os.environ.get("CI") else "2000"))
"""How many wrong frames each dialect gets."""
SAID = FRAMES // 10
"""How much each witness says meanwhile: a thousand things in CI."""

CODES = {
    1007: "text that is no UTF-8",
    1009: "a frame too large",
    4502: "too many bad requests",
}
"""How a server may close whoever sends such things."""

_FIRST_QUESTION = 1_000_000_000
"""Above every number in a wrong frame."""


@attrs.define
class _Witness:
    speaker: Speaker
    said: int = 0
    heard: list[str] = attrs.field(factory=list)

    def say_up_to(self, number: int) -> None:
        for each in range(self.said, number):
            self.speaker.say(str(each))
        self.said = number

    async def listen(self, partner: _Witness) -> None:
        while len(self.heard) < SAID:
            heard = await self.speaker.hear()
            assert not isinstance(heard, Closed), heard
            if isinstance(heard, Said) and heard.sender == partner.speaker.name:
                self.heard.append(heard.text)


async def attack(
    samples: list[Any],
    sit: Callable[[], Awaitable[Speaker]],
    first: Speaker,
    second: Speaker,
) -> None:
    """
    Send wrong frames made of *samples*, one by one, and close the witnesses at the end.

    Behind each frame goes a question that has to be answered, unless the server has closed the
    attacker with one of `CODES`. What repeats a run is printed.

    Args:
        samples: Right frames of the attacked dialect.
        sit: Makes an attacker.
        first: A witness; what it hears of the other has to be all that it said.
        second: The other.
    """
    attacker, ends = await sit(), 0
    mutations = _mutations(samples, is_binary=attacker.opcode == BINARY)
    witnesses = _Witness(first), _Witness(second)
    async with asyncio.TaskGroup() as group:
        group.create_task(witnesses[0].listen(witnesses[1]))
        group.create_task(witnesses[1].listen(witnesses[0]))
        for number in range(FRAMES):
            for witness in witnesses:
                witness.say_up_to((number + 1) * SAID // FRAMES)
            shot, question = mutations.shot(), _FIRST_QUESTION + number
            attacker.socket.send_frame(shot.opcode, shot.payload)
            attacker.ask(question)
            closed = await attacker.outcome(question)
            if closed is not None:
                assert closed.code in CODES, (closed, shot)
                attacker, ends = await sit(), ends + 1
    attacker.socket.abort()
    for witness in witnesses:
        await witness.speaker.socket.close()

    numbers = [str(number) for number in range(SAID)]
    assert [numbers, numbers] == [witness.heard for witness in witnesses]
    assert ends > 0  # for one, what is no UTF-8


def _mutations(samples: list[Any], *, is_binary: bool) -> Mutations:
    seed = int(os.environ.get("GOROOM_FUZZ_SEED") or random.getrandbits(32))
    print(f"GOROOM_FUZZ_SEED={seed} GOROOM_FUZZ_FRAMES={FRAMES}")  # noqa: T201 -- to repeat it
    others = [sample for tongue in TONGUES for sample in tongue.samples if sample not in samples]
    foreign = [json.dumps(sample).encode() for sample in others]
    return Mutations(samples, random.Random(seed), is_binary=is_binary, foreign=foreign)
