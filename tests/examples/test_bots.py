"""House bots, over real sockets: they serve newcomers, and play with each other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import islice
from random import Random
from typing import Any

import bots
import lobby
import pytest
from bots import Habits, choose, is_lonely, keep_house, names
from games.connectfour import ConnectFourBoard
from games.tictactoe import TicTacToeBoard

from goroom.client import (
    App,
    Away,
    Back,
    Joined,
    Left,
    Message,
    Removed,
    Reset,
    Room,
    RoomGone,
    RoomInfo,
)
from goroom.testing import SocketStage

WAIT_SECONDS = 10.0


def test_a_bot_wins_where_it_can() -> None:
    squares = ["X", "X", "", "O", "O", "", "", "", ""]
    board = TicTacToeBoard(players=["ada", "bob"], phase="playing", squares=squares)
    assert 2 == choose(board, Random(1))

    board.turn = 1
    assert 5 == choose(board, Random(1))


def test_a_bot_keeps_the_other_one_from_winning() -> None:
    columns = [["R", "R", "R"], ["Y"], ["Y"], [], [], [], []]
    board = ConnectFourBoard(players=["ada", "bob"], phase="playing", turn=1, columns=columns)

    assert 0 == choose(board, Random(1))


def test_a_bot_moves_anywhere_else() -> None:
    board = TicTacToeBoard(
        players=["ada", "bob"], phase="playing", squares=["X", *[""] * 8], turn=1
    )
    random = Random(1)

    assert set(range(1, 9)) == {choose(board, random) for _ in range(200)}


def test_there_is_always_another_name_for_a_bot() -> None:
    some = [*islice(names(), 40)]

    assert 40 == len(set(some))
    assert all(name.startswith("bot-") for name in some)


@pytest.mark.parametrize(
    ("changes", "is_it"),
    [
        ({}, True),
        ({"count": 2}, False),
        ({"count": 0, "properties": {}}, False),
        ({"properties": {"players": ["bot-maple"]}}, False),
        ({"properties": {"players": ["ada", "bob"]}}, False),
        ({"password": True}, False),
        ({"locked": True}, False),
    ],
)
def test_a_person_at_an_open_table_is_lonely(changes: dict[str, Any], *, is_it: bool) -> None:
    table = {"name": "table-1", "count": 1, "properties": {"players": ["ada"]}}

    assert is_it == is_lonely(RoomInfo(**{**table, **changes}))


class Salon:
    """The demo's server on a free port, and its house of bots."""

    def __init__(self, running: SocketStage, login: Callable[..., Awaitable[App]]) -> None:
        self._running = running
        self._server = running.server
        self._login = login
        self._houses: list[asyncio.Task[None]] = []
        self.habits = Habits(random=Random(1), pace_seconds=0.01)

    @property
    def url(self) -> str:
        """Where it is."""
        return self._running.url

    def users(self) -> set[str]:
        """Return who is logged in to tic-tac-toe."""
        return set(self._server.applications["tictactoe"].users)

    def keep(self, size: int) -> asyncio.Task[None]:
        """Have *size* bots play until the test ends."""
        self._houses.append(asyncio.create_task(keep_house(self.url, size, self.habits)))
        return self._houses[-1]

    async def person(self, name: str, app: str = "tictactoe") -> App:
        """Log a person in."""
        return await self._login(self.url, app=app, name=name)

    def cut(self, name: str) -> None:
        """Cut the link of a user of tic-tac-toe."""
        for link in self._server.applications["tictactoe"].users[name].links:
            link.connection.abort()

    def expel(self, name: str) -> None:
        """Close the connection of a user of tic-tac-toe, who is not to come back."""
        for link in self._server.applications["tictactoe"].users[name].links:
            link.connection.close(4500, "go away")

    async def restart(self) -> None:
        """Stop the server, and start another one in its place."""
        await self._running.server.stop()
        self._server = lobby.server()
        await self._server.start("127.0.0.1", self._running.port)

    async def end(self) -> None:
        """Send all bots away and stop the server; what the bots failed at is raised."""
        for house in self._houses:
            house.cancel()
        for outcome in await asyncio.gather(*self._houses, return_exceptions=True):
            assert outcome is None or isinstance(outcome, asyncio.CancelledError), outcome
        await self._server.stop()


@pytest.fixture
async def salon(
    goroom_server: Callable[..., Awaitable[SocketStage]],
    goroom_client: Callable[..., Awaitable[App]],
) -> AsyncIterator[Salon]:
    """The demo without a page."""
    salon = Salon(await goroom_server(lobby.server()), goroom_client)
    yield salon
    await salon.end()


async def heard(events: App | Room, kind: type) -> Any:
    """Return the next event of *kind*."""
    async with asyncio.timeout(WAIT_SECONDS):
        async for event in events:
            if isinstance(event, kind):
                return event
    raise AssertionError(f"no {kind.__name__} came")


async def board_of(room: Room, **wanted: object) -> dict[str, Any]:
    """Return the next board with these values."""
    async with asyncio.timeout(WAIT_SECONDS):
        async for event in room:
            match event:
                case Message("board", board) if wanted.items() <= board.items():
                    found: dict[str, Any] = board
                    return found
    raise AssertionError(f"no board with {wanted} came")


async def full_tables(app: App, number: int) -> list[str]:
    """Wait until there are *number* tables with two players, and return their names."""
    async with app.watch_rooms() as listed, asyncio.timeout(WAIT_SECONDS):
        while True:
            full = [table.name for table in listed.rooms.values() if table.count == 2]
            if len(full) == number:
                return full
            await anext(aiter(listed))


async def finish(room: Room, said: list[str]) -> dict[str, Any]:
    """Play until the game at *room* is over, and return the last board; note what is *said*."""
    me, random = room.app.user, Random(1)
    async with asyncio.timeout(WAIT_SECONDS):
        async for event in room:
            match event:
                case Message("said", {"text": text}):
                    said.append(text)
                case Message("board", {"phase": "over"} as board):
                    found: dict[str, Any] = board
                    return found
                case Message("board", {"phase": "playing"} as board):
                    if board["players"][board["turn"]] == me:
                        square = choose(TicTacToeBoard(**board), random)
                        await room.request("move", {"square": square})
    raise AssertionError("the game has no end")


async def test_a_person_alone_gets_a_bot_within_a_second(salon: Salon) -> None:
    ada = await salon.person("ada")
    salon.keep(1)
    room = await ada.join_or_create("table")
    async with asyncio.timeout(1):
        joined = await heard(room, Joined)

    assert joined.name.startswith("bot-")
    hello = await heard(room, Message)
    while hello.action != "said":
        hello = await heard(room, Message)
    assert (bots.HELLO, joined.name) == (hello.data["text"], hello.sender)


async def test_a_person_who_was_there_before_the_bots_gets_one_too(salon: Salon) -> None:
    ada = await salon.person("ada", "connectfour")
    room = await ada.join_or_create("table")
    salon.keep(1)

    assert (await heard(room, Joined)).name.startswith("bot-")


async def test_a_bot_plays_game_after_game_until_the_person_leaves(salon: Salon) -> None:
    ada = await salon.person("ada")
    salon.keep(2)
    room = await ada.create("table", name="mine")
    said: list[str] = []
    for game in range(bots.GAMES_PER_TABLE + 1):
        if game > 0:  # nor after the last one: the bot would begin as the person leaves
            await room.request("again")
        assert "over" == (await finish(room, said))["phase"]
    await room.leave()

    assert [bots.HELLO] == said
    async with ada.watch_rooms() as listed, asyncio.timeout(WAIT_SECONDS):
        while listed.rooms:
            await anext(aiter(listed))
    again = await ada.create("table", name="mine")
    assert (await heard(again, Joined)).name.startswith("bot-")
    tally = salon.habits.tally
    assert (bots.GAMES_PER_TABLE + 1, 0) == (tally.games, tally.refusals)
    assert tally.moves > 3 * bots.GAMES_PER_TABLE
    assert tally.messages > 2 * tally.moves


async def test_two_bots_play_with_each_other_and_part_after_some_games(
    salon: Salon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bots, "GAMES", {"tictactoe": bots.GAMES["tictactoe"]})
    eve = await salon.person("eve")
    salon.keep(3)
    (table,) = await full_tables(eve, 1)
    room = await eve.watch(table)

    board = await board_of(room, phase="over")
    assert all(name.startswith("bot-") for name in board["players"])
    assert "room_closed" == (await heard(room, Removed)).reason
    assert salon.habits.tally.games in range(bots.GAMES_PER_TABLE, 2 * bots.GAMES_PER_TABLE)


@pytest.mark.parametrize("pairs", [1, 2])
async def test_two_bots_part_for_people_when_no_others_are_free(
    salon: Salon, monkeypatch: pytest.MonkeyPatch, pairs: int
) -> None:
    monkeypatch.setattr(bots, "GAMES", {"tictactoe": bots.GAMES["tictactoe"]})
    monkeypatch.setattr(bots, "GAMES_PER_TABLE", 1)
    people = [await salon.person(name) for name in ("ada", "bob", "eve")]
    salon.keep(1 + 2 * pairs)
    await heard(people[0], RoomGone)
    monkeypatch.setattr(bots, "GAMES_PER_TABLE", 1_000_000)
    playing = await full_tables(people[0], pairs)
    for app in people:
        room = await app.create("table", name=f"{app.user}'s")
        assert (await heard(room, Joined)).name.startswith("bot-")

    left = [table for table in await full_tables(people[0], pairs + 2) if table in playing]
    assert pairs - 1 == len(left)


async def test_a_bot_whose_host_was_sent_elsewhere_is_free(
    salon: Salon, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_hosting = asyncio.Event()

    async def never_opens(*_: object) -> None:
        is_hosting.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(bots.Bot, "host", never_opens)
    salon.keep(3)
    await asyncio.wait_for(is_hosting.wait(), WAIT_SECONDS)
    for name in ("ada", "bob", "eve"):
        app = await salon.person(name)
        room = await app.create("table", name=f"{name}'s")
        assert (await heard(room, Joined)).name.startswith("bot-")


async def test_no_bot_comes_to_a_table_with_a_password(salon: Salon) -> None:
    salon.keep(1)
    ada, bob = await salon.person("ada"), await salon.person("bob")
    private = await ada.create("table", name="private", password="key")
    public = await bob.create("table", name="public")
    await heard(public, Joined)

    assert ["ada"] == [*private.members]


async def test_a_bot_leaves_a_person_who_has_gone_to_sleep(
    salon: Salon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bots, "PATIENCE_SECONDS", 0.05)
    ada = await salon.person("ada")
    salon.keep(1)
    room = await ada.join_or_create("table")
    joined = await heard(room, Joined)

    assert joined.name == (await heard(room, Left)).name


async def test_a_bot_takes_another_name_where_its_own_is_taken(salon: Salon) -> None:
    ada = await salon.person(bots.NAMES[0])
    salon.keep(1)
    room = await ada.join_or_create("table", name="mine")

    assert [bots.NAMES[0]] == [*room.members]
    eve = await salon.person("eve")
    theirs = await eve.create("table")
    assert bots.NAMES[1] == (await heard(theirs, Joined)).name


async def test_bots_go_when_they_are_sent_away(salon: Salon) -> None:
    ada = await salon.person("ada")
    house = salon.keep(2)
    room = await ada.join_or_create("table")
    await heard(room, Joined)
    house.cancel()
    await heard(room, Left)
    await asyncio.wait({house})

    assert {"ada"} == salon.users()


async def test_a_bot_whose_link_is_lost_plays_on(salon: Salon) -> None:
    ada = await salon.person("ada")
    salon.keep(1)
    room = await ada.join_or_create("table")
    joined = await heard(room, Joined)
    salon.cut(joined.name)

    assert joined.name == (await heard(room, Away)).name
    assert joined.name == (await heard(room, Back)).name
    await room.request("move", {"square": 4})
    assert ["ada", joined.name] == (await finish(room, []))["players"]


async def test_bots_come_back_to_a_server_that_was_restarted(salon: Salon) -> None:
    ada = await salon.person("ada")
    salon.keep(3)
    await full_tables(ada, 1)
    await salon.restart()
    await heard(ada, Reset)
    room = await ada.create("table", name="mine")  # the bots join again what was called table-1

    assert (await heard(room, Joined)).name.startswith("bot-")
    assert "over" == (await finish(room, []))["phase"]


async def test_a_house_closes_when_its_bots_may_not_come_back(salon: Salon) -> None:
    ada = await salon.person("ada")
    house = salon.keep(2)
    room = await ada.join_or_create("table")
    await heard(room, Joined)
    for name in salon.users() - {"ada"}:
        salon.expel(name)

    await asyncio.wait_for(house, WAIT_SECONDS)


async def test_a_house_without_bots_is_quiet(salon: Salon) -> None:
    await salon.keep(0)

    assert set() == salon.users()
