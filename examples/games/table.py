"""A table for two: seats, turns, another game, leaving in the middle. Rules are a subclass's."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Generic, Literal, TypeVar

import attrs
from goroom_extensions.chat import Talk
from goroom_extensions.lobby import Lobby

from goroom import LeaveReason, NotAllowed, Refused, User, handles

Phase = Literal["waiting", "playing", "over"]


class IllegalMove(Refused):
    """The rules do not allow it; its text says why."""

    code, reason = 1001, "illegal_move"


@attrs.define
class Board(ABC):
    """
    What everybody sees of a game for two. The rules of one game are a subclass.

    Nothing here knows rooms or sockets: a test makes a board, moves, and looks.
    """

    players: list[str] = attrs.field(factory=list)
    """Names in the order of their seats; the first seat plays the first of `marks`."""
    turn: int = 0
    """The seat to move."""
    phase: Phase = "waiting"
    winner: str = ""
    """The winner's name; ``""`` with phase ``over`` is a draw."""
    line: list[Any] = attrs.field(factory=list)
    """Where the winning line is."""

    marks: ClassVar[tuple[str, str]]
    """What each seat plays."""

    def play(self, name: str, place: int) -> None:
        """
        Have the player *name* move to *place*.

        Raises:
            IllegalMove: The rules do not allow it; nothing has changed.
        """
        if self.phase == "waiting":
            raise IllegalMove("The game has not started.")
        if self.phase == "over":
            raise IllegalMove("The game is over.")
        if self.players[self.turn] != name:
            raise IllegalMove("It is not your turn.")
        self.put(place, self.marks[self.turn])
        self.line = self.winning_line()
        if self.line:
            self.phase, self.winner = "over", name
        elif not self.places():
            self.phase = "over"
        else:
            self.turn = 1 - self.turn

    @abstractmethod
    def places(self) -> list[int]:
        """Return the places that a move can go to."""

    @abstractmethod
    def put(self, place: int, mark: str) -> None:
        """
        Put *mark* there.

        Raises:
            IllegalMove: There is no room; nothing has changed.
        """

    @abstractmethod
    def winning_line(self) -> list[Any]:
        """Return where the winning line is, or an empty list."""


B = TypeVar("B", bound=Board)


@attrs.define
class Match(Generic[B]):
    """One game after the other at one table."""

    board: B
    first: int = 0
    """The seat that began."""
    wanting_again: list[str] = attrs.field(factory=list)
    """Who wants another game."""


@attrs.frozen
class By:
    """Who did it."""

    by: str
    """A player's name."""


class Table(Talk[Match[B]], Generic[B]):
    """
    A room for two players, whom others may watch.

    The game begins when both seats are taken. Who leaves in the middle forfeits it; the other one
    waits for a new opponent.
    """

    max_users = 2
    spectators = True
    client_options = ("password", "hidden")

    sends: ClassVar[Mapping[str, Any]] = {"board": Board, "forfeited": By, "wants_again": By}

    board_class: type[B]
    """The rules."""

    def init(self) -> None:
        """Lay out the board."""
        self.state = Match(self.board_class())

    def on_join(self, user: User) -> None:
        """Give *user* a seat, and begin when both are taken."""
        super().on_join(user)
        board = self.state.board
        board.players.append(user.name)
        if len(board.players) == len(board.marks):
            self.begin(first=0)
        self.show()

    def on_leave(self, user: User, reason: LeaveReason) -> None:  # noqa: ARG002 -- any will do
        """Let the other one wait for a new opponent."""
        if self.state.board.phase == "playing":
            self.room.broadcast("forfeited", By(user.name))
        others = [name for name in self.state.board.players if name != user.name]
        self.state = Match(self.board_class(players=others))
        self.show()

    @handles("again")
    def again(self, user: User) -> None:
        """Begin another game when both want one."""
        match = self.state
        if match.board.phase != "over":
            raise IllegalMove("The game is not over.")
        if user.name in match.wanting_again:
            return
        match.wanting_again.append(user.name)
        if len(match.wanting_again) < len(match.board.players):
            self.room.broadcast("wants_again", By(user.name))
            return
        self.begin(first=1 - match.first)
        self.show()

    @handles("look")
    def look(self, _user: User) -> B:
        """Return the board."""
        return self.state.board

    def move(self, user: User, place: int) -> None:
        """Make a move of *user*, and show it."""
        self.state.board.play(user.name, place)
        self.show()

    def begin(self, *, first: int) -> None:
        """Lay out a new board for the same players."""
        players = self.state.board.players
        self.state = Match(self.board_class(players=players, turn=first, phase="playing"), first)

    def show(self) -> None:
        """Send everybody the board, and the list of rooms what is new there."""
        board = self.state.board
        self.room.broadcast("board", board)
        listed = {"phase": board.phase, "players": list(board.players)}
        if listed != self.room.properties:
            self.room.update(properties=listed)


@attrs.frozen
class Look:
    """What a client sends to see a board without sitting at it."""

    table: str


class TableLobby(Lobby):
    """The lobby around tables: guests open them, and spectators may ask for a board at any time."""

    client_kinds = ("table",)

    @handles("look", Look)
    def look(self, _user: User, request: Look) -> Board:
        """
        Return the board of a table: what spectators see first.

        Raises:
            NotAllowed: There is no such table, or it has a password.
        """
        room = self.application.rooms.get(request.table)
        table = None if room is None or room.options.password is not None else room.extension
        if not isinstance(table, Table):
            raise NotAllowed("There is no board to look at.")
        board: Board = table.state.board
        return board
