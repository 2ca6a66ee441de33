"""Tic-tac-toe: nine squares, three in a row win."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import attrs
from attrs.validators import in_
from games.table import Board, IllegalMove, Table

from goroom import User, handles

SIZE = 3
LINES = (
    *([row * SIZE + column for column in range(SIZE)] for row in range(SIZE)),
    *([row * SIZE + column for row in range(SIZE)] for column in range(SIZE)),
    [0, 4, 8],
    [2, 4, 6],
)
"""The squares of each line that wins."""


@attrs.frozen
class Move:
    """Where a player puts a mark."""

    square: int = attrs.field(validator=in_(range(SIZE * SIZE)))
    """0 is top left, 8 bottom right."""


@attrs.define
class TicTacToeBoard(Board):
    """The rules of tic-tac-toe."""

    squares: list[str] = attrs.field(factory=lambda: [""] * (SIZE * SIZE))

    marks = ("X", "O")

    def places(self) -> list[int]:
        """Return the free squares."""
        return [square for square, mark in enumerate(self.squares) if not mark]

    def put(self, place: int, mark: str) -> None:
        """Put *mark* on a free square."""
        if self.squares[place]:
            raise IllegalMove("That square is taken.")
        self.squares[place] = mark

    def winning_line(self) -> list[int]:
        """Return the squares of a line with three of a kind, or an empty list."""
        for line in LINES:
            first, *others = [self.squares[square] for square in line]
            if first and all(mark == first for mark in others):
                return list(line)
        return []


class TicTacToe(Table[TicTacToeBoard]):
    """A table of tic-tac-toe."""

    sends: ClassVar[Mapping[str, Any]] = {"board": TicTacToeBoard}
    board_class = TicTacToeBoard

    @handles("move", Move)
    def put_mark(self, user: User, move: Move) -> None:
        """Put a mark of *user* on a square."""
        self.move(user, move.square)
