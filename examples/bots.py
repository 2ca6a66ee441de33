"""
House bots: they play at the tables of the lobby, over WebSockets like everybody else.

Some wait for newcomers, the others play with each other, so that there is something to watch. A
person who sits alone at an open table gets a bot at once. A bot whose link is lost comes back and
plays on; where it has missed too much for that, it stands up.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from copy import deepcopy
from itertools import count
from random import Random

import attrs
from games.connectfour import ConnectFourBoard
from games.table import Board
from games.tictactoe import TicTacToeBoard

from goroom import ConnectionLost, RequestRefused
from goroom.client import (
    App,
    Message,
    Opening,
    Reset,
    Room,
    RoomEvent,
    RoomInfo,
    RoomList,
    connect,
)

NAMES = (
    *("bot-maple", "bot-juniper", "bot-rowan", "bot-hazel", "bot-alder", "bot-willow"),
    *("bot-aspen", "bot-cedar", "bot-linden", "bot-laurel", "bot-sorrel", "bot-clover"),
)
PREFIX = "bot-"
HELLO = "Hello! I am a bot. Good luck."

PACE_SECONDS = 0.7
"""How long a bot thinks, more or less."""
PATIENCE_SECONDS = 300.0
"""How long a bot waits for a person to move."""
NAME_TAKEN = 4
GAMES_PER_TABLE = 5
"""How many games two bots play with each other before they part."""


@attrs.frozen
class Game:
    """How the moves of an application are made."""

    board: type[Board]
    action: str
    field: str


GAMES: Mapping[str, Game] = {
    "tictactoe": Game(TicTacToeBoard, "move", "square"),
    "connectfour": Game(ConnectFourBoard, "drop", "column"),
}


@attrs.define
class Tally:
    """What the bots have done so far."""

    games: int = 0
    """Games that ended with a bot at the table."""
    moves: int = 0
    messages: int = 0
    """Messages sent and received."""
    refusals: int = 0
    """What the server refused: somebody was faster."""


@attrs.frozen
class Habits:
    """What the bots of one house share."""

    tally: Tally = attrs.field(factory=Tally)
    random: Random = attrs.field(factory=Random)
    pace_seconds: float = PACE_SECONDS


def choose(board: Board, random: Random) -> int:
    """Return where to move: where it wins, else where the other one would, else anywhere."""
    me, other = board.players[board.turn], board.players[1 - board.turn]
    for name in (me, other):
        for place in board.places():
            tried = deepcopy(board)
            tried.turn = board.players.index(name)
            tried.play(name, place)
            if tried.winner:
                return place
    return random.choice(board.places())


class Stay:
    """A bot's stay at one table."""

    def __init__(self, room: Room, habits: Habits) -> None:
        self._room = room
        self._me = room.app.user
        self._game = GAMES[room.app.name]
        self._habits = habits
        self._board = self._game.board()
        self._games = 0
        self._has_greeted = False
        self._intention = ""
        """What to send next, if nothing comes in between."""
        self._until = 0.0

    async def play(self) -> None:
        """Play until the other one has gone, or two bots have had enough of each other."""
        self._wait(PATIENCE_SECONDS)
        events = aiter(self._room)
        is_staying = True
        while is_staying:
            try:
                async with asyncio.timeout_at(self._until):
                    event = await anext(events)
            except StopAsyncIteration:
                return
            except TimeoutError:
                is_staying = await self._act()
            else:
                is_staying = self._hear(event)

    def _hear(self, event: RoomEvent) -> bool:
        """Take in *event*; return whether to stay."""
        self._habits.tally.messages += isinstance(event, Message)
        match event:
            case Message("board", board):
                return self._see(self._game.board(**board))
            case Message("wants_again"):
                self._intend("again")
            case Reset():
                return False  # who knows what is on the board
        return True

    def _see(self, board: Board) -> bool:
        """Look at the new *board*; return whether to stay."""
        before, self._board = self._board, board
        self._wait(PATIENCE_SECONDS)
        if board.phase == "waiting":
            return before.phase == "waiting"
        other = next(name for name in board.players if name != self._me)
        if board.phase == "over":
            self._games += 1
            bots = [name for name in board.players if name.startswith(PREFIX)]
            self._habits.tally.games += bots[0] == self._me
            if other in bots:
                self._intend("again")
                return self._games < GAMES_PER_TABLE
        elif board.players[board.turn] == self._me:
            self._intend(self._game.action)
        if not other.startswith(PREFIX) and not self._has_greeted:
            self._has_greeted = True
            self._room.send("say", {"text": HELLO})
        return True

    def _intend(self, action: str) -> None:
        """Send *action* after some thought."""
        self._wait(self._habits.pace_seconds * self._habits.random.uniform(0.8, 1.2))
        self._intention = action

    def _wait(self, seconds: float) -> None:
        self._intention = ""
        self._until = asyncio.get_running_loop().time() + seconds

    async def _act(self) -> bool:
        """Do what was intended; return whether to stay."""
        action, tally = self._intention, self._habits.tally
        if not action:
            return False  # out of patience
        self._wait(PATIENCE_SECONDS)
        is_move = action == self._game.action
        data = {self._game.field: choose(self._board, self._habits.random)} if is_move else None
        tally.messages += 1
        try:
            await self._room.request(action, data)
            tally.moves += is_move
        except RequestRefused:
            tally.refusals += 1
        return True


@attrs.frozen(eq=False)
class Bot:
    """A connection with a login to each game."""

    apps: Mapping[str, App]
    habits: Habits

    @property
    def is_here(self) -> bool:
        """Whether none of its logins is over."""
        return all(app.state != "closed" for app in self.apps.values())

    async def visit(self, game: str, table: str) -> None:
        """Play at *table*, if there still is a seat."""
        await self._sit(self.apps[game].join(table))

    async def follow(self, game: str, opened: asyncio.Future[str]) -> None:
        """Play at the table that another bot opens."""
        await self.visit(game, await opened)

    async def host(self, game: str, opened: asyncio.Future[str]) -> None:
        """Open a table, tell its name through *opened*, and play there."""
        await self._sit(self.apps[game].create("table"), opened)

    async def _sit(self, seat: Opening[Room], opened: asyncio.Future[str] | None = None) -> None:
        try:
            async with seat as room:
                if opened is not None:
                    opened.set_result(room.name)
                await Stay(room, self.habits).play()
        except RequestRefused:
            self.habits.tally.refusals += 1
        except (ConnectionLost, TimeoutError):
            pass  # its link is lost for good, or for longer than a game waits


class House:
    """Sends bots to tables: to whoever sits alone, and some to play with each other."""

    def __init__(self, bots: Sequence[Bot], habits: Habits) -> None:
        self._steward = bots[0]
        self._random = habits.random
        self._reserve = max(1, len(bots) // 4)
        """How many wait for newcomers."""
        self._idle = deque(bots)
        self._lists: dict[str, RoomList] = {}
        self._served: set[tuple[str, str]] = set()
        """The tables that a bot is sent to, until it is back."""
        self._hosts: dict[asyncio.Task[None], None] = {}
        """Bots whose guest is another bot; cancelled, both are free."""
        self._has_changed = asyncio.Event()

    async def run(self) -> None:
        """Send bots to tables until cancelled, or until their logins are over."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for game in self._steward.apps:
                    tasks.create_task(self._watch(game))
                while True:
                    await self._has_changed.wait()
                    self._has_changed.clear()
                    self._serve_newcomers(tasks)
                    self._open_tables(tasks)
        except* ConnectionLost:
            pass  # who watches the tables is sent away, and does not come back

    async def _watch(self, game: str) -> None:
        async with self._steward.apps[game].watch_rooms() as listed:
            self._lists[game] = listed
            self._has_changed.set()
            async for _ in listed:
                self._has_changed.set()

    def _serve_newcomers(self, tasks: asyncio.TaskGroup) -> None:
        for game, listed in self._lists.items():
            for table in listed.rooms.values():
                place = (game, table.name)
                if place in self._served or not is_lonely(table):
                    continue
                if self._idle:
                    self._send(tasks, self._idle.popleft(), place)
                elif self._hosts:
                    next(iter(self._hosts)).cancel()  # served when these bots are free

    def _send(self, tasks: asyncio.TaskGroup, bot: Bot, place: tuple[str, str]) -> None:
        self._served.add(place)
        visit = tasks.create_task(bot.visit(*place))
        visit.add_done_callback(lambda _: self._served.discard(place))
        visit.add_done_callback(lambda _: self._free(bot))

    def _open_tables(self, tasks: asyncio.TaskGroup) -> None:
        while len(self._idle) >= self._reserve + 2:
            self._pair(tasks, self._idle.popleft(), self._idle.popleft())

    def _pair(self, tasks: asyncio.TaskGroup, host: Bot, guest: Bot) -> None:
        game = self._random.choice([*GAMES])
        opened: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        hosting = tasks.create_task(host.host(game, opened))
        self._hosts[hosting] = None
        hosting.add_done_callback(self._hosts.pop)
        hosting.add_done_callback(lambda _: opened.cancel())
        hosting.add_done_callback(lambda _: self._free(host))
        visit = tasks.create_task(guest.follow(game, opened))
        visit.add_done_callback(lambda _: self._free(guest))

    def _free(self, bot: Bot) -> None:
        if bot.is_here:
            self._idle.append(bot)
        self._has_changed.set()


def is_lonely(table: RoomInfo) -> bool:
    """Tell whether a person sits at *table* alone, and anybody may join."""
    players = table.properties.get("players", [])
    is_open = not table.locked and not table.password
    return is_open and table.count == len(players) == 1 and not players[0].startswith(PREFIX)


def names() -> Iterator[str]:
    """Return names for bots, one after the other, without end."""
    yield from NAMES
    for number in count(2):
        yield from (f"{name}-{number}" for name in NAMES)


async def bring(links: AsyncExitStack, url: str, name: str, habits: Habits) -> Bot:
    """Connect a bot and log it in to each game; *links* closes it."""
    first, *others = GAMES
    apps = {first: await links.enter_async_context(connect(url, app=first, name=name))}
    for game in others:
        apps[game] = await apps[first].connection.login(game, name=name)
    return Bot(apps, habits)


async def keep_house(url: str, size: int, habits: Habits) -> None:
    """Have *size* bots play at *url*, until cancelled or until their logins are over."""
    if size == 0:
        return
    async with AsyncExitStack() as links:
        bots: list[Bot] = []
        for name in names():
            try:
                bots.append(await bring(links, url, name, habits))
            except RequestRefused as refused:
                if refused.code != NAME_TAKEN:
                    raise
            if len(bots) == size:
                break
        await House(bots, habits).run()
