"""The rules of connect four, on a board alone, and its messages on a stage."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from games.connectfour import COLUMNS, ROWS, ConnectFour, ConnectFourBoard
from games.table import IllegalMove, TableLobby

from goroom import RequestRefused, Server
from goroom.testing import Player, Stage

OnStage = Callable[[Server], Awaitable[Stage]]


def game(*columns: int) -> ConnectFourBoard:
    """Return the board after ada and bob have dropped discs into *columns* in turn."""
    board = ConnectFourBoard(players=["ada", "bob"], phase="playing")
    for number, column in enumerate(columns):
        board.play(board.players[number % 2], column)
    return board


def test_discs_fall_onto_those_below() -> None:
    board = game(3, 3, 3, 0)

    assert ["R", "Y", "R"] == board.columns[3]
    assert ["Y"] == board.columns[0]


def test_four_on_each_other_win() -> None:
    board = game(2, 3, 2, 3, 2, 3, 2)

    assert ("over", "ada", [(2, 0), (2, 1), (2, 2), (2, 3)]) == (
        board.phase,
        board.winner,
        board.line,
    )


@pytest.mark.parametrize("left", range(4))
def test_four_beside_each_other_win(left: int) -> None:
    columns = [left, left, left + 1, left + 1, left + 2, left + 2, left + 3]
    board = game(*columns)

    assert ("ada", [(left + step, 0) for step in range(4)]) == (board.winner, board.line)


def test_four_across_upwards_win() -> None:
    board = game(0, 1, 1, 2, 2, 3, 2, 3, 3, 6, 3)

    assert ("ada", [(0, 0), (1, 1), (2, 2), (3, 3)]) == (board.winner, board.line)


def test_four_across_downwards_win() -> None:
    board = game(6, 5, 5, 4, 4, 3, 4, 3, 3, 0, 3)

    assert ("ada", [(3, 3), (4, 2), (5, 1), (6, 0)]) == (board.winner, board.line)


def test_the_second_player_can_win() -> None:
    board = game(0, 1, 0, 1, 0, 1, 6, 1)

    assert ("bob", "over") == (board.winner, board.phase)


def test_three_do_not_win() -> None:
    assert "playing" == game(2, 3, 2, 3, 2).phase


def test_a_gap_does_not_win() -> None:
    assert "playing" == game(0, 0, 1, 1, 2, 2, 4).phase


def test_a_full_column_is_refused_and_changes_nothing() -> None:
    board = game(0, 0, 0, 0, 0, 0)

    with pytest.raises(IllegalMove, match="That column is full"):
        board.play("ada", 0)
    assert (6, 0) == (len(board.columns[0]), board.turn)
    assert [1, 2, 3, 4, 5, 6] == board.places()


def test_a_full_board_without_a_line_is_a_draw() -> None:
    # Columns in pairs, so that no four of a kind meet.
    columns = [0, 1, 0, 1, 1, 0, 1, 0, 0, 1, 0, 1]
    order = [pair + column for pair in (0, 2, 4) for column in columns]
    order += [6] * ROWS
    board = game(*order)

    assert (COLUMNS * ROWS, "over", "") == (
        sum(map(len, board.columns)),
        board.phase,
        board.winner,
    )


async def test_drops_are_messages_and_boards_are_sent_to_both(stage: OnStage) -> None:
    ada, bob = await seated(stage)
    for player, column in ((ada, 3), (bob, 3), (ada, 2), (bob, 2), (ada, 1), (bob, 1), (ada, 0)):
        await player.request("drop", {"column": column})

    for player in (ada, bob):
        assert {
            "columns": [["R"], ["R", "Y"], ["R", "Y"], ["R", "Y"], [], [], []],
            "players": ["ada", "bob"],
            "turn": 0,
            "phase": "over",
            "winner": "ada",
            "line": [[0, 0], [1, 0], [2, 0], [3, 0]],
        } == (await player.received("board"))[-1]


async def test_a_drop_against_the_rules_is_refused_in_plain_words(stage: OnStage) -> None:
    _, bob = await seated(stage)

    with pytest.raises(RequestRefused) as caught:
        await bob.request("drop", {"column": 3})
    assert (1001, "illegal_move", "It is not your turn.") == (
        caught.value.code,
        caught.value.reason,
        caught.value.message,
    )


@pytest.mark.parametrize("column", [7, -1, "3", 1.5, None, True])
async def test_what_is_no_column_is_a_bad_request(stage: OnStage, column: object) -> None:
    ada, _ = await seated(stage)

    with pytest.raises(RequestRefused) as caught:
        await ada.request("drop", {"column": column})
    assert (21, "column") == (caught.value.code, caught.value.field)


async def seated(stage: OnStage) -> tuple[Player, Player]:
    """Return ada and bob, who sit at one table."""
    server = Server()
    server.add_application("connectfour", TableLobby, rooms={"table": ConnectFour})
    on_stage = await stage(server)
    ada, bob = await on_stage.player("ada"), await on_stage.player("bob")
    for player in (ada, bob):
        await player.join(kind="table")
    return ada, bob
