"""A room of the words game: who sits there, who may do what, and what happens when."""

from __future__ import annotations

import enum
import re
from typing import ClassVar

import attrs
from goroom_extensions.chat import cleaned
from goroom_extensions.mesh import MeshRoom
from words import bot
from words.dictionary import english
from words.rules import COLORS, FEWEST_PLAYERS, Game, Player

from goroom import LeaveReason, Refused, Timer, User, handles

GIVES_WAY = "gives_way"
"""Key into a user's data: whether it leaves its seat to the next stranger."""
BOT = "bot-of-the-room"
"""Who speaks for the room."""
LISTER = "Gawd"
"""Who tells the list of players: the maker of `mesh-global`."""

GREETING_SECONDS = 1.0
RULES_SECONDS = 1.0
TALK_SECONDS = 10
FIRST_TURN_SECONDS = 10
TURN_SECONDS = 11
PAUSE_SECONDS = 1.0
"""From the end of a turn to the next one."""
RESULTS_SECONDS = 0.69
"""From the end of the game to its results."""
GAME_SECONDS = 60
"""From the welcome to the end of the game, unless the maker sets something else."""
MOST_GAME_SECONDS = 3600

DEFAULT_PLAYERS = 3
MOST_PLAYERS = 10

NAME_CHARACTERS = 20
GUEST = "Guest"
"""The name of who gives none."""
TEXT_CHARACTERS = 500
"""What is shown of what somebody says."""


class GameStarted(Refused):
    """Nobody joins a game that has begun, or is over."""

    code, reason = 1001, "game_started"

    def __init__(self) -> None:
        super().__init__("The game in the room has already started")


class AgainstTheRules(Refused):
    """The rules do not allow it; its text says why."""

    code, reason = 1002, "against_the_rules"


class Phase(enum.Enum):
    """How far a game is."""

    GATHERING = enum.auto()
    TALKING = enum.auto()
    TURN = enum.auto()
    PAUSE = enum.auto()
    OVER = enum.auto()


@attrs.frozen
class SetName:
    """How a member wants to be called."""

    setname: str = ""


@attrs.frozen
class Say:
    """What a member says, to all or as its word."""

    message: str


@attrs.frozen
class Settings:
    """What the maker of a room wants, in digits."""

    game_duration: str | int
    """Seconds."""
    player_limit: str | int


@attrs.define
class Match:
    """One game in one room."""

    game: Game
    phase: Phase = Phase.GATHERING
    maker: str = ""
    """Slug of the member who may begin: the first one, then the longest here."""
    seconds: int = GAME_SECONDS
    outcome: str = ""
    """What came of the last turn."""
    step: Timer | None = None
    """Brings the next step of the game."""
    end: Timer | None = None
    """Brings the end of the game."""

    def wait(self, timer: Timer) -> None:
        """Have *timer* bring the next step, whatever was to bring it so far."""
        if self.step is not None:
            self.step.cancel()
        self.step = timer

    def gather(self) -> None:
        """Wait for players again, as if the game had not begun."""
        self.phase = Phase.GATHERING
        for timer in (self.step, self.end):
            if timer is not None:
                timer.cancel()


class WordsRoom(MeshRoom[Match]):
    """
    A room of friends. Its maker sets it up and begins; nobody joins after that.

    All its waiting is done by timers: messages are handled at any time.
    """

    max_users = DEFAULT_PLAYERS
    is_random: ClassVar[bool] = False
    """Whether it seats strangers, and begins when they all have names."""

    def init(self) -> None:
        """Get ready for a game."""
        self.state = Match(Game(english()))

    @property
    def is_gathering(self) -> bool:
        """Whether the game has not begun."""
        return self.state.phase is Phase.GATHERING

    @property
    def has_had_a_turn(self) -> bool:
        """Whether somebody has been asked for a word, or nobody will be."""
        return self.state.phase not in {Phase.GATHERING, Phase.TALKING}

    # -- members ---------------------------------------------------------------------------

    def on_join(self, user: User) -> None:
        """
        Tell everybody, and *user* what it needs to know.

        Raises:
            GameStarted: The game has begun.
        """
        if not self.is_gathering:
            raise GameStarted
        if self.is_random:
            self.tell(user.name, "found-random-room-notify", {"roomname": self.room.name})
        news = {"newmessage": f"{user.name} has joined the room"}
        self.room.broadcast("join-room-notify", news, sender=user)
        if not self.state.maker:
            self.appoint(user.name)
        self.tell(user.name, "know-yourself", {"sender": user.name})

    def on_leave(self, user: User, reason: LeaveReason) -> None:  # noqa: ARG002 -- any will do
        """
        Go on without *user*, or end a game that has too few players left.

        Who gives way before the first turn ends no game: it will begin anew.
        """
        match, game = self.state, self.state.game
        player = game.players.get(user.name)
        game.remove(user.name)
        if match.maker == user.name:
            match.maker = ""
            if heir := next(iter(self.room.members), ""):
                self.appoint(heir)
        if user.data.get(GIVES_WAY) and not self.has_had_a_turn:
            match.gather()
        is_running = match.phase not in {Phase.GATHERING, Phase.OVER}
        if is_running and len(game.players) < FEWEST_PLAYERS:
            self.finish(bot.LEFT_ALONE)
            return
        self.show_players()
        if player is not None and match.phase is Phase.TURN and game.turn == user.name:
            self.end_turn(bot.has_left(player.name))

    def appoint(self, slug: str) -> None:
        """Let *slug* set the room up and begin."""
        self.state.maker = slug
        self.tell(slug, "is-room-maker", {"message": slug})

    @handles("set-client-name", SetName)
    def set_name(self, user: User, wish: SetName) -> None:
        """Let *user* play under the name it wishes; strangers begin when they all have one."""
        game = self.state.game
        name = " ".join(cleaned(wish.setname).split())[:NAME_CHARACTERS]
        game.add(user.name, name or GUEST, self.random.sample(COLORS, len(COLORS)))
        self.show_players()
        if self.is_random and self.is_gathering and len(game.players) == self.room.capacity:
            self.begin()

    @handles("room-settings", Settings)
    def set_up(self, user: User, wish: Settings) -> None:
        """
        Change how long the game takes and how many may join.

        Raises:
            AgainstTheRules: *user* is not the maker, the game has begun, or they are no numbers.
        """
        self.check_maker(user)
        if self.is_random:
            raise AgainstTheRules("Strangers play as two, for a minute.")
        seconds = number(wish.game_duration, MOST_GAME_SECONDS)
        limit = number(wish.player_limit, MOST_PLAYERS)
        self.state.seconds = seconds
        self.room.update(capacity=limit)
        text = f"The room is for {limit} players now, and a game takes {seconds} seconds."
        self.bot_says("room-setting-applied", text)

    @handles("send-message", Say)
    def talk(self, user: User, said: Say) -> None:
        """
        Tell everybody what *user* says.

        Raises:
            AgainstTheRules: *user* has no name yet.
        """
        player = self.state.game.players.get(user.name)
        if player is None:
            raise AgainstTheRules("Say your name first.")
        self.show_said(user, player, said.message)

    # -- the game --------------------------------------------------------------------------

    @handles("start-the-game")
    def start(self, user: User) -> None:
        """
        Begin.

        Raises:
            AgainstTheRules: *user* is not the maker, the game has begun, or nobody else is there.
        """
        self.check_maker(user)
        if len(self.state.game.players) < FEWEST_PLAYERS:
            raise AgainstTheRules("A game needs two players.")
        self.begin()

    def check_maker(self, user: User) -> None:
        """
        Check that *user* may set the room up and begin.

        Raises:
            AgainstTheRules: It may not.
        """
        if user.name != self.state.maker:
            raise AgainstTheRules("Only the maker of the room may do that.")
        if not self.is_gathering:
            raise AgainstTheRules("The game has begun.")

    def begin(self) -> None:
        """Welcome the players; the game's time runs from here."""
        match = self.state
        match.phase = Phase.TALKING
        self.bot_says("room-bot-greetings", bot.WELCOME)
        match.end = self.after(match.seconds, lambda: self.finish(bot.TIME_UP))
        match.wait(self.after(GREETING_SECONDS, self.greet))

    def greet(self) -> None:
        """Introduce the bot."""
        self.bot_says("send-message", bot.greeting(self.room.name))
        self.state.wait(self.after(RULES_SECONDS, self.explain))

    def explain(self) -> None:
        """Tell the rules, and let the players talk."""
        self.bot_asks(bot.rules(TALK_SECONDS), TALK_SECONDS, None)
        self.state.wait(self.after(TALK_SECONDS, lambda: self.next_turn(FIRST_TURN_SECONDS)))

    def next_turn(self, seconds: int) -> None:
        """Ask the next player, who has *seconds* for a word."""
        match = self.state
        match.phase = Phase.TURN
        player = match.game.pass_turn()
        name = match.game.label(player)
        text = bot.turn(name, match.game.letter, seconds)
        self.bot_asks(f"{match.outcome} {text}".strip(), seconds, player)
        match.wait(self.after(seconds, lambda: self.end_turn(bot.timed_out(name))))

    @handles("attempt-word", Say)
    def attempt(self, user: User, said: Say) -> None:
        """
        Take the word of the player whose turn it is.

        Raises:
            AgainstTheRules: It is not *user*'s turn.
        """
        match = self.state
        if match.phase is not Phase.TURN or match.game.turn != user.name:
            raise AgainstTheRules("It is not your turn.")
        player = match.game.players[user.name]
        self.show_said(user, player, said.message)
        verdict = match.game.attempt(said.message)
        self.end_turn(bot.outcome(match.game.label(player), verdict))

    def end_turn(self, outcome: str) -> None:
        """End the turn; *outcome* is told with the next one."""
        match = self.state
        match.phase = Phase.PAUSE
        match.outcome = outcome
        self.bot_says("send-message", bot.TURN_OVER)
        match.wait(self.after(PAUSE_SECONDS, lambda: self.next_turn(TURN_SECONDS)))

    def finish(self, text: str) -> None:
        """End the game."""
        match = self.state
        match.phase = Phase.OVER
        if match.end is not None:
            match.end.cancel()
        self.bot_says("send-message", text)
        match.wait(self.after(RESULTS_SECONDS, lambda: self.show_results(text)))

    # -- what everybody sees ---------------------------------------------------------------

    def show_players(self) -> None:
        """Tell everybody who plays, in the order of turns."""
        players = self.state.game.in_order()
        self.room.broadcast("client-list-notify", {"clientsinroomessage": players}, sender=LISTER)

    def show_said(self, user: User, player: Player, text: str) -> None:
        """Tell everybody what *player* says."""
        body = {
            "message": bot.shown(cleaned(text)[:TEXT_CHARACTERS]),
            "useravatar": player.name[:2],
            "color": player.color,
        }
        self.room.broadcast("send-message", body, sender=user)

    def show_results(self, text: str) -> None:
        """Tell everybody who has won, by which words."""
        game = self.state.game
        body = {"message": text, "client_list": game.by_score(), "word_list": game.used}
        self.room.broadcast("room-bot-end-game", body, sender=BOT)

    def bot_says(self, action: str, text: str) -> None:
        """Have the bot tell everybody *text*."""
        self.room.broadcast(action, {"message": text}, sender=BOT)

    def bot_asks(self, text: str, seconds: int, player: Player | None) -> None:
        """Have the bot ask *player* for a word, or everybody to talk, for *seconds*."""
        game = self.state.game
        body = {
            "message": text,
            "timer": seconds,
            "clientstats": game.in_order(),
            "letter": "" if player is None else game.letter,
        }
        if player is not None:
            body["whichclientturn"] = player
        self.room.broadcast("message-by-bot", body, sender=BOT)

    def tell(self, slug: str, action: str, body: dict[str, object]) -> None:
        """Have the bot tell one member alone."""
        self.room.broadcast(action, body, only=slug, sender=BOT)


class RandomRoom(WordsRoom):
    """A room of two strangers."""

    max_users = 2
    is_random = True


def number(text: str | int, most: int) -> int:
    """
    Return the number that *text* is.

    Raises:
        AgainstTheRules: It is none from 1 to *most*.
    """
    digits = str(text).strip()
    value = int(digits) if re.fullmatch("[0-9]{1,9}", digits) else 0
    if not 1 <= value <= most:
        raise AgainstTheRules(f"{digits[:20]} is no number from 1 to {most}.")
    return value
