"""The frames that no client should send."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import msgspec
import pytest

from tests.mutations import Mutations, Odd, Shot, paired, write_json, write_msgpack
from tests.websocket import BINARY, TEXT

SAMPLES: list[Any] = [
    {"action": "say", "id": 7, "data": {"text": "é", "list": [1, 2.5, None, True, {}]}},
    {"action": "", "data": None},
]


def shots(seed: int, count: int = 2000, *, is_binary: bool = False) -> list[Shot]:
    mutations = Mutations(SAMPLES, random.Random(seed), is_binary=is_binary, foreign=[b"foreign"])
    return [mutations.shot() for _ in range(count)]


@pytest.mark.parametrize("is_binary", [False, True])
def test_one_seed_makes_the_same_frames(is_binary: bool) -> None:  # noqa: FBT001 -- a parameter
    assert shots(5, is_binary=is_binary) == shots(5, is_binary=is_binary)
    assert shots(5, is_binary=is_binary) != shots(6, is_binary=is_binary)


@pytest.mark.parametrize("sample", SAMPLES)
def test_what_is_not_changed_is_right(sample: Any) -> None:
    assert sample == msgspec.json.decode(write_json(paired(sample)))
    assert sample == msgspec.msgpack.decode(write_msgpack(paired(sample)))


@pytest.mark.parametrize("is_binary", [False, True])
def test_many_frames_can_be_read_and_many_cannot(is_binary: bool) -> None:  # noqa: FBT001 -- the same
    decode = msgspec.msgpack.decode if is_binary else msgspec.json.decode
    outcomes: Counter[bool] = Counter()
    for shot in shots(1, is_binary=is_binary):
        try:
            decode(shot.payload)
        except (ValueError, RecursionError):
            outcomes[False] += 1
        else:
            outcomes[True] += 1

    assert min(outcomes.values()) > 400


def test_each_change_is_made_and_both_opcodes_are_used() -> None:
    made = shots(1)
    changes = {change for shot in made for change in shot.change.split(", ")}

    assert {"as it is", "other opcode", "foreign", "noise", "bytes changed"} < changes
    assert {"key doubled", "key missing", "keys swapped", "odd value", "wrapped"} < changes
    assert {TEXT, BINARY} == {shot.opcode for shot in made}


def test_every_odd_value_comes_up() -> None:
    text = b"".join(shot.payload for shot in shots(1, 20_000))

    assert [] == [odd for odd in Odd if odd.value[0] not in text]
