"""The rules of tic-tac-toe, on a board alone, and its messages on a stage."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from games.table import IllegalMove, TableLobby
from games.tictactoe import TicTacToe, TicTacToeBoard

from goroom import RequestRefused, Server
from goroom.testing import Player, Stage

OnStage = Callable[[Server], Awaitable[Stage]]


def game(*squares: int) -> TicTacToeBoard:
    """Return the board after ada and bob have moved to *squares* in turn."""
    board = TicTacToeBoard(players=["ada", "bob"], phase="playing")
    for number, square in enumerate(squares):
        board.play(board.players[number % 2], square)
    return board


def test_marks_go_where_they_are_put() -> None:
    board = game(4, 0)

    assert ["O", "", "", "", "X", "", "", "", ""] == board.squares
    assert ("playing", 0) == (board.phase, board.turn)


@pytest.mark.parametrize(
    "line",
    [
        *([0, 1, 2], [3, 4, 5], [6, 7, 8]),
        *([0, 3, 6], [1, 4, 7], [2, 5, 8]),
        *([0, 4, 8], [2, 4, 6]),
    ],
)
def test_three_in_a_line_win(line: list[int]) -> None:
    others = [square for square in range(9) if square not in line]
    board = game(line[0], others[0], line[1], others[1], line[2])

    assert ("over", "ada", line) == (board.phase, board.winner, board.line)


def test_the_second_player_can_win() -> None:
    board = game(0, 3, 1, 4, 8, 5)

    assert ("over", "bob", [3, 4, 5]) == (board.phase, board.winner, board.line)


def test_a_full_board_without_a_line_is_a_draw() -> None:
    board = game(0, 4, 8, 1, 7, 6, 2, 5, 3)

    assert ("over", "", []) == (board.phase, board.winner, board.line)


def test_a_line_on_the_last_square_wins() -> None:
    board = game(0, 1, 2, 3, 4, 5, 7, 6, 8)

    assert ("over", "ada") == (board.phase, board.winner)


def test_a_taken_square_is_refused_and_changes_nothing() -> None:
    board = game(4)
    before = list(board.squares)

    with pytest.raises(IllegalMove, match="That square is taken"):
        board.play("bob", 4)
    assert (before, 1) == (board.squares, board.turn)


def test_nobody_moves_out_of_turn() -> None:
    with pytest.raises(IllegalMove, match="It is not your turn"):
        game(4).play("ada", 0)


def test_nobody_moves_before_the_game_and_after_it() -> None:
    with pytest.raises(IllegalMove, match="The game has not started"):
        TicTacToeBoard(players=["ada"]).play("ada", 0)
    with pytest.raises(IllegalMove, match="The game is over"):
        game(0, 3, 1, 4, 2).play("bob", 5)


async def test_moves_are_messages_and_boards_are_sent_to_both(stage: OnStage) -> None:
    ada, bob = await seated(stage)
    assert {} == await ada.request("move", {"square": 4})

    for player in (ada, bob):
        assert {
            "squares": ["", "", "", "", "X", "", "", "", ""],
            "players": ["ada", "bob"],
            "turn": 1,
            "phase": "playing",
            "winner": "",
            "line": [],
        } == (await player.received("board"))[-1]


async def test_a_move_against_the_rules_is_refused_in_plain_words(stage: OnStage) -> None:
    ada, bob = await seated(stage)
    await ada.request("move", {"square": 4})
    await bob.received()

    with pytest.raises(RequestRefused) as caught:
        await bob.request("move", {"square": 4})
    assert (1001, "illegal_move", "That square is taken.") == (
        caught.value.code,
        caught.value.reason,
        caught.value.message,
    )
    assert [] == await bob.received()


@pytest.mark.parametrize("square", [9, -1, "4", 1.5, None, True])
async def test_what_is_no_square_is_a_bad_request(stage: OnStage, square: object) -> None:
    ada, _ = await seated(stage)

    with pytest.raises(RequestRefused) as caught:
        await ada.request("move", {"square": square})
    assert (21, "square") == (caught.value.code, caught.value.field)


async def seated(stage: OnStage) -> tuple[Player, Player]:
    """Return ada and bob, who sit at one table."""
    server = Server()
    server.add_application("tictactoe", TableLobby, rooms={"table": TicTacToe})
    on_stage = await stage(server)
    ada, bob = await on_stage.player("ada"), await on_stage.player("bob")
    for player in (ada, bob):
        await player.join(kind="table")
    return ada, bob
