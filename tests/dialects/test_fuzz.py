"""Thousands of wrong frames in every dialect, and two honest clients in the same room."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from structlog.testing import capture_logs

from tests.dialects.world import PATHS, make_server
from tests.mutations import Mutations
from tests.tongues import (
    APPLICATION,
    ROOM,
    TONGUES,
    GoroomSpeaker,
    MsgpackSpeaker,
    Said,
    Speaker,
)
from tests.websocket import BINARY, Closed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

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


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        # The end of a cut connection can be seen from outside only by looking.
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def _mutations(tongue: type[Speaker]) -> Mutations:
    """Return the wrong frames of *tongue*; what repeats them is in the test's output."""
    seed = int(os.environ.get("GOROOM_FUZZ_SEED") or random.getrandbits(32))
    print(f"GOROOM_FUZZ_SEED={seed} GOROOM_FUZZ_FRAMES={FRAMES}")  # noqa: T201 -- for who repeats it
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
    tongue: type[Speaker],
    aiohttp_server: Callable[..., Awaitable[Any]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    server, site = make_server()
    running = await aiohttp_server(site)
    address = f"{running.host}:{running.port}"
    application = server.applications[APPLICATION]
    rooms, tasks = set(application.rooms), len(asyncio.all_tasks())
    other = GoroomSpeaker if tongue is not GoroomSpeaker else MsgpackSpeaker
    witnesses = [Witness(await tongue.sit(address)), Witness(await other.sit(address))]
    first, second = witnesses
    with capture_logs() as logs, caplog.at_level(logging.WARNING):
        async with asyncio.TaskGroup() as group:
            group.create_task(first.listen(second))
            group.create_task(second.listen(first))
            ends = await _attack(tongue, address, _mutations(tongue), witnesses)

    numbers = [str(number) for number in range(SAID)]
    assert numbers == first.heard
    assert numbers == second.heard
    assert [] == [entry for entry in logs if entry["log_level"] in {"error", "critical"}]
    assert [] == [record.getMessage() for record in caplog.records]
    assert ends > 0  # what is no UTF-8 ends every connection
    for witness in witnesses:
        await witness.speaker.socket.close()
    await _until(lambda: not server.connections and not application.users)
    await _until(lambda: len(asyncio.all_tasks()) <= tasks)
    assert {} == dict(application.rooms[ROOM].members)
    assert rooms == set(application.rooms)
