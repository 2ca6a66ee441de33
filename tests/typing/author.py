"""The example of the design, as an author writes it: mypy, strict, checks it; a test plays it."""

from __future__ import annotations

import attrs
from attrs.validators import in_, instance_of

from goroom import (
    ApplicationExtension,
    LeaveReason,
    Refused,
    RoomExtension,
    Server,
    User,
    handles,
)

LINES = (
    (0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6),
)  # fmt: skip


@attrs.frozen
class Move:
    square: int = attrs.field(validator=[instance_of(int), in_(range(9))])  # 0 is top left


@attrs.frozen
class OpenTable:
    table: str


@attrs.define
class Board:
    squares: list[str] = attrs.field(factory=lambda: [""] * 9)
    players: list[str] = attrs.field(factory=list)
    turn: int = 0


class IllegalMove(Refused):
    code, reason = 1001, "illegal_move"


class TicTacToe(RoomExtension[Board]):
    max_users = 2

    def init(self) -> None:
        self.state = Board()

    def on_join(self, user: User) -> None:
        self.state.players.append(user.name)
        self.room.broadcast("board", self.state)

    def on_leave(self, user: User, reason: LeaveReason) -> None:
        self.room.broadcast("forfeited", {"by": user.name})
        self.room.close()

    @handles("move", Move)
    def move(self, user: User, move: Move) -> None:
        board = self.state
        if board.players[board.turn] != user.name or board.squares[move.square]:
            raise IllegalMove("That move is not yours to make.")
        board.squares[move.square] = "XO"[board.turn]
        board.turn = 1 - board.turn
        self.room.broadcast("board", board)

    @handles("score")
    def score(self, user: User) -> dict[str, int]:
        mark = "XO"[self.state.players.index(user.name)]
        return {"lines": sum(all(self.state.squares[n] == mark for n in line) for line in LINES)}

    @handles("solve", blocking=True)
    def solve(self, user: User) -> int:
        return self.state.squares.index("")


class Lobby(ApplicationExtension):
    def on_login(self, user: User, credentials: dict[str, object]) -> None:
        if credentials.get("ticket") == "forged":
            raise Refused("This ticket is not ours.")

    @handles("open_table", OpenTable)
    async def open_table(self, user: User, request: OpenTable) -> None:
        room = await self.application.rooms.create(request.table, kind="table")
        await room.join(user)


class Plain(RoomExtension):
    """A room without a state checks, too."""

    async def on_join(self, user: User) -> None:
        user.send("welcome")


def make_server() -> Server:
    server = Server()
    server.add_application("tictactoe", Lobby, rooms={"table": TicTacToe, "plain": Plain})
    return server
