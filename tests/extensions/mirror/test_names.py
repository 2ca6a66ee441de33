"""Names of accounts."""

from __future__ import annotations

import time

import pytest
from goroom_extensions.mirror.names import checked_name, name_key

from goroom import BadRequest


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("ann", "ann"),
        ("  ann\n", "ann"),
        ("Zoe\u0308", "Zoë"),
        ("a" * 64, "a" * 64),
        ("e\u0301" * 64, "é" * 64),
        ("Ἀθηνᾶ 🎲 李", "Ἀθηνᾶ 🎲 李"),
    ],
)
def test_a_name_is_normalised(given: str, name: str) -> None:
    assert name == checked_name(given)


@pytest.mark.parametrize(
    "name",
    [
        *("", "   ", "a" * 65, "a\0b", "a\nb", "a\u200bb", "a\u202eb", "a\u2028b", "\ud800"),
        *("\u3164", "a\ufe0f", "\U000e0100", "\ue000", "\u0378"),
        *("_ann", "\N{FULLWIDTH LOW LINE}ann", "system", "ADMIN", "SE\uff32VER", "goroom"),
    ],
)
def test_what_is_no_name_is_refused_with_its_field(name: str) -> None:
    with pytest.raises(BadRequest) as raised:
        checked_name(name, "user")

    assert raised.value.field == "user"


@pytest.mark.parametrize("name", ["ANN", "\uff41nn", "Ann"])
def test_look_alikes_share_a_key(name: str) -> None:
    assert name_key("ann") == name_key(name)


def test_a_hostile_name_is_refused_at_once() -> None:
    started = time.perf_counter()
    with pytest.raises(BadRequest):
        checked_name("a" + "\u0315\u0300" * 100_000)

    assert time.perf_counter() - started < 1
