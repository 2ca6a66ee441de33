"""Names: normalised, printable, bounded."""

from __future__ import annotations

import time

import pytest

from goroom import names
from goroom.errors import BadRequest


def refused(name: str, limit: int = 64) -> tuple[str, str]:
    with pytest.raises(BadRequest) as caught:
        names.user_name(name, "username", limit)
    return caught.value.message, caught.value.field


@pytest.mark.parametrize(
    "name", ["a", "ada", "Ada Lovelace", "x" * 64, "Zoë", "李雷", "🎲", "o'brien-2", "a_b", "root"]
)
def test_a_plain_name_stays_as_it_is(name: str) -> None:
    assert name == names.user_name(name, "username", 64)


def test_a_name_is_put_into_one_form() -> None:
    assert "Zo\u00eb" == names.normalised("Zoe\u0308", "username", 64)


def test_blanks_around_a_name_are_taken_off() -> None:
    assert "ada" == names.normalised(" \tada\u3000\n", "username", 64)


@pytest.mark.parametrize("name", ["", " ", "\t\n", "\u3000", "\u2028"])
def test_a_blank_name_is_refused(name: str) -> None:
    assert ("username must not be blank", "username") == refused(name)


@pytest.mark.parametrize("name", ["x" * 65, "x" * 100_000, "é" * 65])
def test_a_name_over_the_limit_is_refused(name: str) -> None:
    assert ("username is longer than 64 characters", "username") == refused(name)


def test_the_limit_counts_what_is_left_after_normalising() -> None:
    longest = "\u1fa7" * 4  # each is four characters when taken apart

    assert longest == names.normalised("\u03c9\u0314\u0342\u0345" * 4, "username", 4)


def test_blanks_do_not_count() -> None:
    assert "ada" == names.normalised(" " * 1000 + "ada" + " " * 1000, "username", 3)


def test_a_name_of_many_combining_marks_holds_nobody_up() -> None:
    """Sorting them takes time quadratic in their number: a second and more for a whole frame."""
    name = "a" + "\u0315" * 15_000 + "\u0316" * 15_000
    started = time.process_time()

    assert ("username is longer than 64 characters", "username") == refused(name)
    assert time.process_time() - started < 0.05


@pytest.mark.parametrize(
    "character",
    [
        "\x00",
        "\n",
        "\r",
        "\x1b",
        "\x7f",
        "\x85",
        "\u200b",  # zero width space
        "\u200d",  # zero width joiner
        "\u200f",  # right-to-left mark
        "\u202e",  # right-to-left override
        "\u2066",  # isolate
        "\ufeff",  # byte order mark
        "\u2028",  # line separator
        "\u2029",  # paragraph separator
        "\ue000",  # private use
        "\uffff",  # no character
        "\ud800",  # lone surrogate
        "\U000e0041",  # tag
        "\u034f",  # combining grapheme joiner
        "\u115f",  # fillers of Hangul
        "\u1160",
        "\u3164",
        "\uffa0",
        "\u17b4",  # Khmer inherent vowel
        "\u180b",  # Mongolian variation selector
        "\u180f",
        "\u2800",  # a Braille cell without dots
        "\ufe00",  # variation selectors
        "\ufe0f",  # the one in emoji
        "\U000e0100",
        "\U000e01ef",
    ],
)
def test_a_character_that_does_not_print_is_refused(character: str) -> None:
    assert ("username has a character that does not print", "username") == refused(f"a{character}b")


@pytest.mark.parametrize(
    "name",
    [
        "system",
        "ADMIN",
        "Server",
        "goroom",
        "_",
        "_ada",
        " admin ",
        "Goroom",
        "\uff41\uff44\uff4d\uff49\uff4e",  # admin, of full width
        "\uff3fada",
        "ⓢⓨⓢⓣⓔⓜ",
    ],
)
def test_the_servers_own_names_are_reserved(name: str) -> None:
    assert ("username is reserved: choose another name", "username") == refused(name)


def test_a_room_may_have_a_name_that_no_user_may_have() -> None:
    assert "_admin" == names.normalised("_admin", "roomName", 64)


@pytest.mark.parametrize(
    ("one", "other"),
    [("ada", "ADA"), ("straße", "STRASSE"), ("Σίσυφος", "ΣΊΣΥΦΟΣ"), ("Zo\u00eb", "ZO\u00cb")],
)
def test_names_that_differ_only_by_case_share_a_key(one: str, other: str) -> None:
    assert names.key(one) == names.key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ada", "\uff21\uff24\uff21"),
        ("ﬁona", "Fiona"),
        ("ada²", "ada2"),
        ("ᾷ", "ᾼ͂"),
        ("a b", "a\u2003b"),
        ("ada", "\U0001d400da"),  # a bold A has no case, its letter has
    ],
)
def test_names_that_look_like_one_share_a_key(one: str, other: str) -> None:
    assert names.key(one) == names.key(other)


def test_a_name_keeps_its_form_whatever_its_key() -> None:
    assert "ﬁona²" == names.user_name("ﬁona²", "username", 64)


def test_other_names_have_other_keys() -> None:
    assert names.key("ada") != names.key("adah")
