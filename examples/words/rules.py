"""The rules of the words game: whose turn it is, which word counts, who leads."""

from __future__ import annotations

import enum
from collections.abc import Container, Sequence

import attrs

FIRST_LETTER = "w"
"""What the first word begins with."""
COLORS = ("yellow", "red", "orange", "blue", "purple", "pink", "white")
"""What players are told apart by."""
FEWEST_PLAYERS = 2
"""With fewer, a game does not begin, or ends."""


class Verdict(enum.Enum):
    """What a word is found to be, by the first of these that holds."""

    WRONG_LETTER = "wrong-letter"
    NO_SUCH_WORD = "no-such-word"
    WORD_REUSED = "word-reused"
    WORD_CORRECT = "word-correct"


@attrs.define
class Player:
    """What everybody sees of a player. The fields are those of the wire."""

    color: str
    name: str
    score: int
    slug: str
    """The name on the wire: unique, and what the turns are ordered by."""


@attrs.define
class Game:
    """
    One game, from its first player to its last word. It knows neither rooms nor clocks.

    Args:
        dictionary: The words that there are, in small letters.
    """

    dictionary: Container[str]
    players: dict[str, Player] = attrs.field(factory=dict)
    """By slug; `in_order` tells the order of turns."""
    letter: str = FIRST_LETTER
    """What the next word has to begin with."""
    used: list[str] = attrs.field(factory=list)
    """The correct words so far, oldest first."""
    turn: str = ""
    """Slug of the player to move, who may have left; ``""`` before the first turn."""

    def add(self, slug: str, name: str, colors: Sequence[str]) -> None:
        """
        Let *slug* play as *name*, or go on under that name with the same colour and score.

        Args:
            slug: Who it is.
            name: What the others see.
            colors: In the order in which to take the first that nobody has, or simply the first.
        """
        known = self.players.get(slug)
        if known is not None:
            known.name = name
            return
        taken = {player.color for player in self.players.values()}
        color = next((color for color in colors if color not in taken), colors[0])
        self.players[slug] = Player(color, name, 0, slug)

    def remove(self, slug: str) -> None:
        """Take *slug* and its score out; if it was its turn, `pass_turn` still finds the next."""
        self.players.pop(slug, None)

    def in_order(self) -> list[Player]:
        """Return the players in the order of their turns."""
        return sorted(self.players.values(), key=lambda player: player.slug)

    def by_score(self) -> list[Player]:
        """Return the players, the best first; equals in the order of their turns."""
        return sorted(self.in_order(), key=lambda player: -player.score)

    def label(self, player: Player) -> str:
        """Return what to call *player*: the name, with the slug where another one has it too."""
        names = [other.name for other in self.players.values()]
        return player.name if names.count(player.name) == 1 else f"{player.name} ({player.slug})"

    def pass_turn(self) -> Player:
        """Make it the turn of the player after `turn`, and return that player."""
        order = self.in_order()
        following = next((player for player in order if player.slug > self.turn), order[0])
        self.turn = following.slug
        return following

    def judge(self, word: str) -> Verdict:
        """Return what *word*, in small letters, is now."""
        if not word.startswith(self.letter):
            return Verdict.WRONG_LETTER
        if word not in self.dictionary:
            return Verdict.NO_SUCH_WORD
        if word in self.used:
            return Verdict.WORD_REUSED
        return Verdict.WORD_CORRECT

    def attempt(self, word: str) -> Verdict:
        """Judge what the player to move says; a correct word scores and gives the next letter."""
        word = word.strip().lower()
        verdict = self.judge(word)
        if verdict is Verdict.WORD_CORRECT:
            self.used.append(word)
            self.players[self.turn].score += 1
            self.letter = word[-1]
        return verdict
