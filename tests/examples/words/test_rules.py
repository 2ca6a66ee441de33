"""The rules of the words game, without a room or a clock."""

from __future__ import annotations

import pytest
from words.rules import COLORS, Game, Verdict

WORDS = frozenset({"water", "rat", "tiger", "wow", "word", "dog"})


def game(*slugs: str) -> Game:
    """Return a game of players in which the first has the turn."""
    game = Game(WORDS)
    for slug in slugs:
        game.add(slug, f"name of {slug}", COLORS)
    if slugs:
        game.pass_turn()
    return game


def test_turns_go_round_in_the_order_of_slugs() -> None:
    three = game("Bcdef222", "abcde111", "Abcde333")

    assert "Abcde333" == three.turn
    assert ["Bcdef222", "abcde111", "Abcde333"] == [three.pass_turn().slug for _ in range(3)]


def test_the_turn_passes_on_from_a_player_who_has_left() -> None:
    three = game("a", "b", "c")
    three.pass_turn()
    three.remove("b")

    assert "c" == three.pass_turn().slug


def test_the_turn_passes_from_the_last_who_has_left_to_the_first() -> None:
    three = game("a", "b", "c")
    three.turn = "c"
    three.remove("c")

    assert "a" == three.pass_turn().slug


def test_a_correct_word_scores_and_gives_the_next_letter() -> None:
    two = game("a", "b")

    assert Verdict.WORD_CORRECT == two.attempt("water")
    assert ("r", ["water"], 1) == (two.letter, two.used, two.players["a"].score)


@pytest.mark.parametrize(
    ("word", "verdict"),
    [
        ("tiger", Verdict.WRONG_LETTER),
        ("zzz", Verdict.WRONG_LETTER),
        ("wzz", Verdict.NO_SUCH_WORD),
        ("wow", Verdict.WORD_REUSED),
        ("word", Verdict.WORD_CORRECT),
    ],
)
def test_the_first_objection_counts(word: str, verdict: Verdict) -> None:
    two = game("a", "b")
    two.attempt("wow")

    assert verdict == two.attempt(word)


def test_a_wrong_word_changes_nothing() -> None:
    two = game("a", "b")
    two.attempt("nonsense")

    assert ("w", [], 0) == (two.letter, two.used, two.players["a"].score)


@pytest.mark.parametrize("word", ["WATER", " water ", "Water\n"])
def test_capitals_and_spaces_do_not_count(word: str) -> None:
    two = game("a", "b")

    assert Verdict.WORD_CORRECT == two.attempt(word)
    assert ["water"] == two.used


@pytest.mark.parametrize("word", ["", "   ", "\u00fc", "\U0001f600"])
def test_an_empty_or_strange_word_does_not_panic(word: str) -> None:
    assert Verdict.WRONG_LETTER == game("a", "b").attempt(word)


def test_the_best_come_first_and_equals_in_the_order_of_turns() -> None:
    three = game("a", "b", "c")
    three.players["c"].score = 2

    assert ["c", "a", "b"] == [player.slug for player in three.by_score()]


def test_seven_players_have_seven_colours_and_an_eighth_has_one_too() -> None:
    eight = game(*"abcdefgh")
    colors = [player.color for player in eight.players.values()]

    assert (set(COLORS), COLORS[0]) == (set(colors[:7]), colors[7])


def test_another_name_keeps_colour_and_score() -> None:
    two = game("a", "b")
    two.attempt("water")
    color = two.players["a"].color
    two.add("a", "other", COLORS[::-1])

    assert ("other", 1, color) == (
        two.players["a"].name,
        two.players["a"].score,
        two.players["a"].color,
    )
