"""
What the bot of a room says.

Clients of the game show these texts as HTML, so what people have written is escaped in them.
"""

from __future__ import annotations

from words.rules import Verdict

WELCOME = "welcome"
TURN_OVER = "This turn is over."
TIME_UP = "The time is up: the game is over."
LEFT_ALONE = "Everybody else has left: the game is over."

_GREETING = (
    "I am the bot of room {room}. I keep the time and the score, and tell you whose turn it is."
)
_RULES = (
    "Talk to each other for {seconds} seconds. Then take turns: say a word that begins with the "
    "letter asked for. Its last letter is asked for next."
)
_TURN = "{name}, say a word that begins with {letter}. You have {seconds} seconds."
_OUTCOMES = {
    Verdict.WORD_CORRECT: "Well done: {name} scores.",
    Verdict.WRONG_LETTER: "{name} was asked for another letter.",
    Verdict.NO_SUCH_WORD: "{name} said what no dictionary of mine has.",
    Verdict.WORD_REUSED: "{name} said what was said before.",
}
_TIMED_OUT = "{name} said nothing in time."
_LEFT = "{name} has left."


def shown(text: str) -> str:
    """
    Return *text* of somebody as it may stand in HTML.

    Without a ``<`` it holds no tag. The rest stays as it is, for clients that show it as text.
    """
    return text.replace("<", "&lt;")


def greeting(room: str) -> str:
    """Return how the bot of *room* introduces itself."""
    return _GREETING.format(room=shown(room))


def rules(seconds: int) -> str:
    """Return the rules, and how long there is to talk."""
    return _RULES.format(seconds=seconds)


def turn(name: str, letter: str, seconds: int) -> str:
    """Return whose turn it is."""
    return _TURN.format(name=shown(name), letter=letter.upper(), seconds=seconds)


def outcome(name: str, verdict: Verdict) -> str:
    """Return what came of *name*'s word."""
    return _OUTCOMES[verdict].format(name=shown(name))


def timed_out(name: str) -> str:
    """Return that *name* was too slow."""
    return _TIMED_OUT.format(name=shown(name))


def has_left(name: str) -> str:
    """Return that *name*, whose turn it was, is gone."""
    return _LEFT.format(name=shown(name))
