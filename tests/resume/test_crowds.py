"""Five hundred clients that lose their links at once."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Any

import pytest

from tests.rawclient import LEAVE_ROOM, MEMBER_AWAY, MEMBER_BACK, Client, Form
from tests.resume.field import CLIENTS, fields
from tests.resume.rounds import problems_of_view
from tests.resume.world import UMPIRE

if TYPE_CHECKING:
    from tests.resume.players import Player

CROWD = 500
ROOMS = [f"room-{number}" for number in range(10)]
BACK_SECONDS = 15.0


@pytest.mark.parametrize("client", CLIENTS)
async def test_500_clients_drop_at_once_and_are_all_back_within_15_seconds(client: str) -> None:
    async with fields(client, is_patient=True) as field:
        umpire = await _umpire(field.world.port)
        players = [field.seat(f"player-{number}") for number in range(CROWD)]
        seats = list(zip(players, itertools.cycle(ROOMS), strict=False))
        field.network.plan("crowd")
        url = field.network.url("crowd")
        for first in range(0, CROWD, 50):
            some = seats[first : first + 50]
            await asyncio.gather(*(_take_seat(player, room, url) for player, room in some))
        umpire.unread()
        before = asyncio.get_running_loop().time()
        cut = await field.network.cut_all()
        for room in ROOMS:
            await umpire.say(room, "stir", {"kinds": ["shared", "own", "only", "shared"]})
        await asyncio.gather(*(player.until(_is_back) for player in players))
        seconds = asyncio.get_running_loop().time() - before
        for room in ROOMS:
            await umpire.say(room, "stir", {"kinds": ["shared"]})
        truths = {room: (await umpire.say(room, "truth")).data for room in ROOMS}
        await asyncio.gather(*(_hear_all(player, truths[room]) for player, room in seats))
        seen = [frame.event_type for frame in umpire.unread()]
        umpire.socket.abort()
        problems = [it for player, room in seats for it in _problems(player, truths[room])]
        await asyncio.gather(*(player.close() for player in players))

        assert CROWD == cut
        assert seconds < BACK_SECONDS
        assert [] == problems
        assert LEAVE_ROOM not in seen
        assert (CROWD, CROWD) == (seen.count(MEMBER_AWAY), seen.count(MEMBER_BACK))


async def _umpire(port: int) -> Client:
    """Return a client that has made all rooms and is in each, its link undisturbed."""
    url = f"ws://127.0.0.1:{port}/"
    umpire = await Client.connect(url, Form.SHORT, application="world")
    await umpire.login(UMPIRE)
    for room in ROOMS:
        assert not (await umpire.join(room, kind="field", create=True)).error
    return umpire


async def _take_seat(player: Player, room: str, url: str) -> None:
    await player.connect(url, "world")
    await player.join(room)


def _is_back(heard: list[list[Any]]) -> bool:
    return ["resume"] in heard


def _sent(player: Player, truth: dict[str, Any]) -> list[int]:
    return [n for n, _, to in truth["sent"] if player.name in to]


async def _hear_all(player: Player, truth: dict[str, Any]) -> None:
    last = _sent(player, truth)[-1]
    await player.until(lambda heard: any(one[0] == "message" and one[2] == last for one in heard))


def _problems(player: Player, truth: dict[str, Any]) -> list[str]:
    seen = [one[2] for one in player.heard if one[0] == "message"]
    strange = [one for one in player.heard if one[0] in {"leave", "left", "reset", "close"}]
    return problems_of_view(seen, _sent(player, truth)) + [f"heard {one}" for one in strange]
