"""The list of words."""

from __future__ import annotations

import string
from pathlib import Path

import pytest
from words import dictionary


def test_every_letter_begins_some_word_so_that_no_turn_is_hopeless() -> None:
    ours = frozenset(dictionary.read(dictionary.OURS))

    assert set(string.ascii_lowercase) == {word[0] for word in ours}
    assert len(ours) > 5000


def test_our_list_is_sorted_and_has_nothing_twice() -> None:
    words = dictionary.OURS.read_text().split()

    assert sorted(set(words)) == words
    assert list(dictionary.read(dictionary.OURS)) == words


def test_the_machines_list_is_added_without_names_and_letters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = tmp_path / "words"
    system.write_text("Wales\nwhale's\nw\nwyvern\nwei\u00df\n", encoding="utf-8")
    monkeypatch.setattr(dictionary, "SYSTEM", system)
    words = dictionary.english.__wrapped__()

    assert {"wyvern"} == words - frozenset(dictionary.read(dictionary.OURS))
    assert "water" in words


def test_a_machine_without_a_list_has_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(dictionary, "SYSTEM", tmp_path / "none")

    assert frozenset(dictionary.read(dictionary.OURS)) == dictionary.english.__wrapped__()
