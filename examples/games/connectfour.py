"""Connect four: discs fall into seven columns of six, four in a row win."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import attrs
from attrs.validators import in_
from games.table import Board, IllegalMove, Table

from goroom import User, handles

COLUMNS = 7
ROWS = 6
TO_WIN = 4
DIRECTIONS = ((1, 0), (0, 1), (1, 1), (1, -1))
"""Right, up, and both ways across."""


@attrs.frozen
class Drop:
    """Where a player drops a disc."""

    column: int = attrs.field(validator=in_(range(COLUMNS)))
    """0 is left, 6 right."""


@attrs.define
class ConnectFourBoard(Board):
    """The rules of connect four."""

    columns: list[list[str]] = attrs.field(factory=lambda: [[] for _ in range(COLUMNS)])
    """The discs of each column, the lowest first."""

    marks = ("R", "Y")

    def places(self) -> list[int]:
        """Return the columns with room for a disc."""
        return [number for number, discs in enumerate(self.columns) if len(discs) < ROWS]

    def put(self, place: int, mark: str) -> None:
        """Drop a disc into a column."""
        if len(self.columns[place]) == ROWS:
            raise IllegalMove("That column is full.")
        self.columns[place].append(mark)

    def winning_line(self) -> list[tuple[int, int]]:
        """Return column and row of each disc of a line, or an empty list."""
        discs = {
            (column, row): mark
            for column, marks in enumerate(self.columns)
            for row, mark in enumerate(marks)
        }
        for (column, row), mark in discs.items():
            for right, up in DIRECTIONS:
                line = [(column + step * right, row + step * up) for step in range(TO_WIN)]
                if all(discs.get(place) == mark for place in line):
                    return line
        return []


class ConnectFour(Table[ConnectFourBoard]):
    """A table of connect four."""

    sends: ClassVar[Mapping[str, Any]] = {"board": ConnectFourBoard}
    board_class = ConnectFourBoard

    @handles("drop", Drop)
    def drop_disc(self, user: User, drop: Drop) -> None:
        """Drop a disc of *user* into a column."""
        self.move(user, drop.column)
