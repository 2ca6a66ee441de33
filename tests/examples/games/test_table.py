"""A table for two: seats, turns, another game, and leaving in the middle."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from games.table import TableLobby
from games.tictactoe import TicTacToe

from goroom import EventType, RequestRefused, RoomExtension, Server
from goroom.testing import Player, Stage


class Tables:
    """A stage with tables of tic-tac-toe."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    async def player(self, name: str) -> Player:
        """Log in."""
        return await self.stage.player(name)

    async def seat(self, *names: str) -> list[Player]:
        """Log in and sit down at the first table with a free seat."""
        players = [await self.player(name) for name in names]
        for player in players:
            await player.join(kind="table")
        return players


@pytest.fixture
async def tables(stage: Callable[[Server], Awaitable[Stage]]) -> Tables:
    """Tables of tic-tac-toe."""
    server = Server()
    kinds: dict[str, type[RoomExtension[Any]]] = {"table": TicTacToe, "hall": RoomExtension}
    server.add_application("tictactoe", TableLobby, rooms=kinds)
    return Tables(await stage(server))


async def board_of(player: Player) -> dict[str, Any]:
    """Return the newest board that *player* was sent."""
    boards = await player.received("board")
    board: dict[str, Any] = boards[-1]
    return board


async def win(first: Player, second: Player) -> None:
    """Have *first*, who is to move, win."""
    for player, square in ((first, 0), (second, 3), (first, 1), (second, 4), (first, 2)):
        await player.request("move", {"square": square})


async def test_a_player_alone_waits(tables: Tables) -> None:
    (ada,) = await tables.seat("ada")

    board = await board_of(ada)
    assert ("waiting", ["ada"]) == (board["phase"], board["players"])
    with pytest.raises(RequestRefused) as caught:
        await ada.request("move", {"square": 0})
    assert (1001, "The game has not started.") == (caught.value.code, caught.value.message)


async def test_the_game_begins_when_both_seats_are_taken(tables: Tables) -> None:
    for player in await tables.seat("ada", "bob"):
        board = await board_of(player)
        assert ("playing", ["ada", "bob"], 0) == (board["phase"], board["players"], board["turn"])


async def test_a_third_player_finds_no_seat(tables: Tables) -> None:
    ada, _ = await tables.seat("ada", "bob")
    eve = await tables.player("eve")

    with pytest.raises(RequestRefused) as caught:
        await eve.join(ada.room)
    assert 20 == caught.value.code


async def test_the_list_of_rooms_shows_phase_and_players(tables: Tables) -> None:
    ada, bob = await tables.seat("ada", "bob")
    eve = await tables.player("eve")
    (listed,) = await eve.rooms()
    assert {"phase": "playing", "players": ["ada", "bob"]} == listed["properties"]

    await win(ada, bob)
    await tables.stage.advance(1)

    update = (await eve.expect_event(EventType.ROOM_UPDATE))["data"]
    assert {"phase": "over", "players": ["ada", "bob"]} == update["properties"]


async def test_a_move_that_ends_nothing_leaves_the_list_alone(tables: Tables) -> None:
    ada, _ = await tables.seat("ada", "bob")
    eve = await tables.player("eve")
    await eve.rooms()
    await ada.request("move", {"square": 0})
    await tables.stage.advance(1)

    await eve.quiet()


async def test_who_leaves_in_the_middle_forfeits(tables: Tables) -> None:
    ada, bob = await tables.seat("ada", "bob")
    await ada.request("move", {"square": 0})
    await ada.leave()

    assert {"by": "ada"} == await bob.expect("forfeited")
    board = await board_of(bob)
    assert ("waiting", ["bob"], [""] * 9) == (board["phase"], board["players"], board["squares"])


async def test_a_new_opponent_takes_the_free_seat(tables: Tables) -> None:
    ada, bob = await tables.seat("ada", "bob")
    await ada.leave()
    (eve,) = await tables.seat("eve")

    assert eve.room == bob.room
    board = await board_of(bob)
    assert ("playing", ["bob", "eve"]) == (board["phase"], board["players"])


async def test_leaving_after_the_game_forfeits_nothing(tables: Tables) -> None:
    ada, bob = await tables.seat("ada", "bob")
    await win(ada, bob)
    await ada.leave()

    assert [] == await bob.received("forfeited")


async def test_a_table_that_both_have_left_is_gone(tables: Tables) -> None:
    ada, bob = await tables.seat("ada", "bob")
    await ada.leave()
    await bob.leave()

    assert [] == await ada.rooms()


async def test_another_game_begins_when_both_want_it_and_the_other_side_begins(
    tables: Tables,
) -> None:
    ada, bob = await tables.seat("ada", "bob")
    await win(ada, bob)
    await bob.request("again")
    await bob.request("again")
    assert [{"by": "bob"}] == await ada.received("wants_again")
    await ada.request("again")

    board = await board_of(ada)
    assert ("playing", ["ada", "bob"], 1) == (board["phase"], board["players"], board["turn"])
    assert [""] * 9 == board["squares"]
    await win(bob, ada)
    assert "bob" == (await board_of(ada))["winner"]
    for player in (ada, bob):
        await player.request("again")
    assert 0 == (await board_of(ada))["turn"]


async def test_there_is_no_other_game_before_the_end_of_this_one(tables: Tables) -> None:
    ada, _ = await tables.seat("ada", "bob")

    with pytest.raises(RequestRefused) as caught:
        await ada.request("again")
    assert (1001, "The game is not over.") == (caught.value.code, caught.value.message)


async def test_who_has_gone_wants_nothing_any_more(tables: Tables) -> None:
    ada, bob = await tables.seat("ada", "bob")
    await win(ada, bob)
    await ada.request("again")
    await ada.leave()
    (eve,) = await tables.seat("eve")
    await win(bob, eve)
    await eve.request("again")

    assert {"by": "eve"} == (await bob.received("wants_again"))[-1]
    assert "over" == (await bob.request("look"))["phase"]


async def test_players_and_spectators_can_look_at_the_board(tables: Tables) -> None:
    ada, _ = await tables.seat("ada", "bob")
    await ada.request("move", {"square": 4})
    eve = await tables.player("eve")
    await eve.watch(ada.room)

    seen = await eve.request("look", {"table": ada.room}, room="")

    assert ["", "", "", "", "X", "", "", "", ""] == seen["squares"]
    assert seen == await ada.request("look")
    await ada.request("say", {"text": "hello"})
    assert {"text": "hello"} == await eve.expect("said")


async def test_a_spectator_gets_the_boards_that_follow(tables: Tables) -> None:
    ada, _ = await tables.seat("ada", "bob")
    eve = await tables.player("eve")
    await eve.watch(ada.room)
    await ada.request("move", {"square": 4})

    assert "X" == (await board_of(eve))["squares"][4]


async def test_boards_behind_a_password_are_not_shown(tables: Tables) -> None:
    ada, eve = await tables.player("ada"), await tables.player("eve")
    await ada.join("den", kind="table", create=True, password="key")
    await tables.stage.server.applications["tictactoe"].rooms.create("hall", kind="hall")

    for table in ("den", "hall", "nowhere"):
        with pytest.raises(RequestRefused) as caught:
            await eve.request("look", {"table": table}, room="")
        assert (26, "There is no board to look at.") == (caught.value.code, caught.value.message)


async def test_a_newcomer_is_told_what_was_said(tables: Tables) -> None:
    (ada,) = await tables.seat("ada")
    await ada.request("say", {"text": "hello"})
    (bob,) = await tables.seat("bob")

    assert {"lines": [{"sender": "ada", "text": "hello"}]} == await bob.expect("history")
