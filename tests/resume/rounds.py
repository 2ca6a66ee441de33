"""
Rounds: one player, one room, one fault of the network after the other, and then the truth.

In a round an umpire, whose link nobody disturbs, has the room send events for all, for some and
volatile ones while the player asks for things; at the end the player's view is compared with what
the room says that it has sent.
"""

from __future__ import annotations

import asyncio
import itertools
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import attrs

from tests.rawclient import (
    JOIN_ROOM,
    LEAVE_ROOM,
    MEMBER_AWAY,
    MEMBER_BACK,
    Client,
    Form,
    Frame,
)
from tests.resume.players import WAIT_SECONDS, Failed, Player
from tests.resume.world import UMPIRE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from random import Random

    from tests.resume.programs import Network
    from tests.resume.proxy import Fault

DEEDS = ("cut", "close", "delay", "stall")
COMMANDS = 5
STIRS = (["shared", "own", "volatile"], ["only", "shared"], ["volatile", "own", "own"], ["shared"])
PAUSE_SECONDS = 0.006
"""The umpire rests for at most so long between two stirs, so that some fall into each absence."""

UNITS = {"up": 10, "down": 35}
"""Units of an undisturbed first connection: faults behind the last never happen."""
RESUMED_UNITS = {"up": 4, "down": 10}
"""The same of a second one, as far as a resume and the first events behind it go."""


@attrs.frozen
class Round:
    """What is to happen in one round."""

    number: int
    faults: tuple[Fault, ...] = ()
    rewind: bool = False
    """Whether the player's RECONNECTs name an older place than they have."""
    is_restless: bool = False
    """Whether the player leaves its room after the first command, and joins it again."""
    application: str = "world"
    deduplicates: bool = True

    @property
    def room(self) -> str:
        """Name of its room and of its plan."""
        return f"round {self.number}".replace(" ", "-")


def matrix() -> list[tuple[Fault, ...]]:
    """Return every fault at every boundary of a first connection and of a resume."""
    first: list[tuple[Fault, ...]] = [
        ((0, direction, unit, deed),)
        for direction, units in UNITS.items()
        for unit in range(units + 1)
        for deed in DEEDS
    ]
    second: list[tuple[Fault, ...]] = [
        ((0, "down", 8, "cut"), (1, direction, unit, deed))
        for direction, units in RESUMED_UNITS.items()
        for unit in range(units + 1)
        for deed in DEEDS
    ]
    return first + second


def planned(count: int, random: Random) -> list[Round]:
    """
    Return *count* rounds: every fault in turn, in an order of its own each time around.

    From the second time around, more faults follow on later connections.
    """
    rounds: list[Round] = []
    while len(rounds) < count:
        faults = matrix()
        random.shuffle(faults)
        is_first = not rounds
        for fault in faults[: count - len(rounds)]:
            number = len(rounds)
            more = () if is_first else tuple(_more(random, len(fault)))
            application = "short" if number % 8 == 7 else "world"
            is_restless = number % 5 == 4
            # A place from before its second stay is none that it ever had in it.
            rewind = number % 3 == 2 and not is_restless
            rounds.append(Round(number, fault + more, rewind, is_restless, application))
    return rounds


def _more(random: Random, first: int) -> Iterable[Fault]:
    """Return faults on later connections, each less likely than the one before."""
    for connection in itertools.count(first):
        if random.random() < 0.5:
            return
        direction = random.choice(list(RESUMED_UNITS))
        unit = random.randint(0, RESUMED_UNITS[direction])
        yield (connection, direction, unit, random.choice(DEEDS))


@attrs.define
class Outcome:
    """What became of one round."""

    round: Round
    problems: list[str]
    done: list[Fault] = attrs.field(factory=list)
    """The faults that happened."""
    units: list[list[int]] = attrs.field(factory=list)
    """What passed, up and down, for each connection."""
    resets: int = 0


class Umpire:
    """A client by hand whose link is not disturbed, a member of every room of its rounds."""

    def __init__(self, clients: dict[str, Client]) -> None:
        self._clients = clients

    @classmethod
    async def take(cls, number: int, port: int) -> Umpire:
        """Log in to both applications."""
        clients = {}
        for application in ("world", "short"):
            url = f"ws://127.0.0.1:{port}/"
            client = await Client.connect(url, Form.SHORT, application=application)
            assert not (await client.login(f"{UMPIRE}-{number}")).error
            clients[application] = client
        return cls(clients)

    def client(self, application: str) -> Client:
        """Return its client of *application*."""
        return self._clients[application]

    def leave(self) -> None:
        """Cut its links."""
        for client in self._clients.values():
            client.socket.abort()


async def play(
    chosen: Round, umpire: Umpire, network: Network, seat: Callable[[str], Player], random: Random
) -> Outcome:
    """Play one round with the player that *seat* makes of a name, and return what became of it."""
    network.plan(chosen.room, chosen.faults, rewind=chosen.rewind)
    client = umpire.client(chosen.application)
    problems: list[str] = []
    player: Player | None = None
    playing: asyncio.Task[None] | None = None
    resets = 0
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            made = await client.join(chosen.room, kind="field", create=True)
            assert not made.error, made
            player = await _logged_in(chosen, network, seat)
            await player.join(chosen.room)
            playing = asyncio.create_task(_command(player, chosen, problems))
            for kinds in STIRS:
                await asyncio.sleep(random.random() * PAUSE_SECONDS)
                assert not (await client.say(chosen.room, "stir", {"kinds": kinds})).error
                for _ in range(2):
                    assert not (await client.say("", "whisper", {"to": player.name})).error
            await playing
            assert not (await client.say(chosen.room, "stir", {"kinds": ["shared"]})).error
            last = len((await _truth(client, chosen.room))["sent"]) - 1
            whispers = (await client.say("", "whisper", {"to": player.name})).data
            await player.until(lambda heard: _has(heard, last) and _was_told(heard, whispers))
            view = [*player.heard]
            truth = await _truth(client, chosen.room)
            problems += problems_of(view, truth, player.name, chosen)
            problems += problems_of_umpire(client.unread(), player.name, chosen)
            resets = sum(heard[0].startswith("reset") for heard in view)
    except Failed as failed:
        problems.append(f"could not join: {failed}")
    except TimeoutError:
        problems.append(f"stuck; heard {[] if player is None else player.heard}")
    finally:
        if playing is not None:
            playing.cancel()
        if player is not None:
            await player.close()
        report = await network.forget(chosen.room)
        await client.leave(chosen.room)
        client.unread()
    done = [tuple(fault) for fault in report["done"]]
    return Outcome(chosen, problems, done, report["units"], resets)


def _has(heard: list[list[Any]], n: int) -> bool:
    return any(one[0] == "message" and one[2] >= n for one in heard)


def _was_told(heard: list[list[Any]], number: int) -> bool:
    """Tell whether the last whisper was heard, or may have been among what a reset is about."""
    return any(one == ["told", number] or one[0] == "reset of the application" for one in heard)


async def _logged_in(chosen: Round, network: Network, seat: Callable[[str], Player]) -> Player:
    """Return a player who is logged in; who is lost before that begins anew."""
    for attempt in itertools.count():
        player = seat(f"player-{chosen.number}-{attempt}")
        try:
            await player.connect(
                network.url(chosen.room), chosen.application, deduplicates=chosen.deduplicates
            )
        except Failed:
            await player.close()
        else:
            return player
    raise AssertionError


async def _command(player: Player, chosen: Round, problems: list[str]) -> None:
    """Have *player* ask for things and send things, each with a number of its own."""
    for number in range(COMMANDS):
        try:
            if number == 1 and chosen.is_restless:
                await player.leave()
                await player.join(chosen.room)
            if number % 2:
                await player.send("add", {"number": number})
                continue
            reply = await player.request("add", {"number": number})
        except Failed as failed:
            problems.append(f"command {number} failed: {failed}")
            continue
        if reply["number"] != number:
            problems.append(f"command {number} got the reply of {reply}")


async def _truth(client: Client, room: str) -> dict[str, Any]:
    answer = await client.say(room, "truth")
    assert not answer.error, answer
    truth: dict[str, Any] = answer.data
    return truth


def problems_of(
    view: list[list[Any]], truth: dict[str, Any], name: str, chosen: Round
) -> list[str]:
    """Return what is wrong with what the player *name* saw, did and was seen to do."""
    sent = [(n, kind) for n, kind, to in truth["sent"] if name in to]
    problems = problems_of_view(
        [one[-1] if one[0] == "message" else "reset" for one in view if _is_lasting(one, chosen)],
        [n for n, kind in sent if kind != "volatile"],
    )
    told = [one for one in view if one[0] in {"reset of the application", "told"}]
    problems += [
        f"outside: {problem}"
        for problem in problems_of_view(
            [one[1] if one[0] == "told" else "reset" for one in told], list(range(1, 100))
        )
    ]
    seen = [one[2] for one in view if one[:2] == ["message", "volatile"]]
    volatile = {n for n, kind in sent if kind == "volatile"}
    if seen != sorted({*seen} & volatile):
        problems.append(f"volatile events {seen} are not some of {volatile}")
    hellos = [one[2] for one in view if one[:2] == ["message", "hello"]]
    resets = [one for one in view if one[0].startswith("reset")]
    if not resets and hellos != [n for n, kind in sent if kind == "hello"]:
        problems.append(f"of what on_join said, it heard {hellos}")
    if chosen.application == "world" and resets:
        problems.append(f"a needless reset: {view}")
    strange = [one for one in view if one[0] in {"leave", "close"} or one[1:] == [name]]
    left = [one for one in view if one[0] == "left"]
    if strange or (left and not chosen.is_restless) or len(left) > 1:
        problems.append(f"heard {strange + left}")
    runs = Counter(number for who, number in truth["runs"] if who == name)
    if runs != dict.fromkeys(range(COMMANDS), 1):
        problems.append(f"commands ran so often: {dict(runs)}")
    hooks = "".join(hook[0] for hook, who in truth["hooks"] if who == name)
    if not re.fullmatch(_life(chosen), hooks):
        problems.append(f"hooks ran so: {hooks}")
    return problems


def _is_lasting(heard: list[Any], chosen: Round) -> bool:
    """
    Tell whether *heard* counts in the view of the room.

    What was on its way while the player left may be heard or not.
    """
    if heard[0] == "message":
        return bool(heard[1] != "volatile")
    return heard[0] == "reset" or (chosen.is_restless and heard[0] == "left")


def _life(chosen: Round) -> str:
    """Return how a player's joins, drops, resumes and leaves may follow each other."""
    return "j(dr)*lj(dr)*d?" if chosen.is_restless else "j(dr)*d?"


def problems_of_view(seen: list[Any], sent: list[int]) -> list[str]:
    """Compare what was *seen*, with ``"reset"`` where one was reported, with what was *sent*."""
    problems = []
    place, may_skip = 0, False
    for one in seen:
        if one == "reset":
            may_skip = True
        elif one in sent[:place]:
            problems.append(f"duplicate {one}")
        elif one not in sent:
            problems.append(f"{one} was never sent to it")
        else:
            found = sent.index(one)
            if found != place and not may_skip:
                problems.append(f"a hole: {sent[place:found]} before {one}")
            place, may_skip = found + 1, False
    return [f"{problem} in {seen}, sent {sent[:60]}" for problem in problems]


_LETTERS = {JOIN_ROOM: "j", MEMBER_AWAY: "d", MEMBER_BACK: "r", LEAVE_ROOM: "l"}


def problems_of_umpire(frames: list[Frame], name: str, chosen: Round) -> list[str]:
    """Return what is wrong with what another member saw of the player *name*."""
    frames = [frame for frame in frames if frame.room == chosen.room]
    about = "".join(_LETTERS.get(frame.event_type, "") for frame in frames if frame.sender == name)
    if not re.fullmatch(_life(chosen), about):
        return [f"the umpire saw {about}"]
    seqs = [frame.seq for frame in frames if frame.seq is not None and frame.sub is None]
    if seqs != list(range(seqs[0], seqs[0] + len(seqs))):
        return [f"the umpire saw holes: {seqs}"]
    return []
