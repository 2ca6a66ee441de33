"""What ends a stay while a client is away: a kick, the room's end, the server's."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.rawclient import Client, Form
from tests.resume.field import CLIENTS, fields
from tests.resume.players import Failed
from tests.resume.programs import World
from tests.resume.world import UMPIRE

if TYPE_CHECKING:
    from collections.abc import Callable


async def _umpire(port: int, *rooms: str) -> Client:
    """Return a client whose link is not disturbed, and which has made *rooms*."""
    url = f"ws://127.0.0.1:{port}/"
    umpire = await Client.connect(url, Form.SHORT, application="world")
    await umpire.login(UMPIRE)
    for room in rooms:
        assert not (await umpire.join(room, kind="field", create=True)).error
    return umpire


def _has(*what: Any) -> Callable[[list[list[Any]]], bool]:
    return lambda heard: list(what) in heard


@pytest.mark.parametrize("client", CLIENTS)
async def test_after_a_restart_a_client_logs_in_and_joins_again(client: str) -> None:
    async with fields(client) as field:
        umpire = await _umpire(field.world.port, "kept", "lost")
        players = [field.seat(name) for name in ("ann", "bob", "cat")]
        ann, bob, cat = players
        for player, room in ((ann, "kept"), (bob, "lost"), (cat, "kept")):
            field.network.plan(player.name)
            await player.connect(field.network.url(player.name), "world")
            await (player.watch(room) if player is cat else player.join(room))
        await umpire.say("kept", "stir", {"kinds": ["shared"]})
        for player in (ann, cat):
            await player.until(lambda heard: any(one[1] == "shared" for one in heard))
        field.network.lead_to(0)
        await field.world.program.kill()
        umpire.socket.abort()
        for player in players:
            await player.until(lambda heard: any(one[0] == "drop" for one in heard))
        marks = {player: len(player.heard) for player in players}
        async with World.running() as reborn:
            again = await _umpire(reborn.port, "kept")
            field.network.lead_to(reborn.port)
            await ann.until(_has("reset", "epoch"))
            await bob.until(_has("left", "gone"))
            await cat.until(_has("reset", "epoch"))
            assert {"number": 1, "sum": 1} == await ann.request("add", {"number": 1})
            with pytest.raises(Failed):
                await bob.request("add", {"number": 1})
            await again.say("kept", "stir", {"kinds": ["shared", "own"]})
            truth = (await again.say("kept", "truth")).data
            sent = [n for n, _, to in truth["sent"] if "ann" in to]
            await ann.until(lambda heard: ["message", "own", sent[-1]] in heard)
            looks = await asyncio.gather(*(player.look() for player in (ann, cat)))
            late = {player.name: player.heard[marks[player] :] for player in players}
            for player in players:
                await player.close()
            again.socket.abort()

    assert sent == [one[2] for one in late["ann"] if one[0] == "message"]
    assert [["add", "ann", 1]] == [["add", *run] for run in truth["runs"]]
    for look in looks:
        assert ("open", [UMPIRE, "ann"], 2) == (look["state"], look["members"], look["count"])
    assert [["reset", "epoch"]] == [one for one in late["ann"] if one[0] in {"reset", "left"}]
    assert [["reset", "epoch"]] == [one for one in late["cat"] if one[0] in {"reset", "left"}]
    assert ["left", "gone"] == [one for one in late["bob"] if one[0] in {"reset", "left"}][-1]
    assert [] == [one for heard in late.values() for one in heard if one[0] == "close"]


_ENDS = {"reset", "left", "close"}


@pytest.mark.parametrize("client", CLIENTS)
async def test_who_was_kicked_or_whose_room_has_closed_is_told_on_the_way_back(client: str) -> None:
    async with fields(client) as field:
        umpire = await _umpire(field.world.port, "kept", "lost")
        ann, bob = players = [field.seat(name) for name in ("ann", "bob")]
        for player, room in ((ann, "kept"), (bob, "lost")):
            field.network.plan(player.name)
            await player.connect(field.network.url(player.name), "world")
            await player.join(room)
        field.network.lead_to(0)
        assert 2 == await field.network.cut_all()
        await umpire.say("kept", "kick", {"to": "ann"})
        await umpire.say("lost", "close")
        field.network.lead_to(field.world.port)
        await ann.until(_has("left", "kicked"))
        await bob.until(_has("left", "gone"))
        for player in players:
            with pytest.raises(Failed):
                await player.request("add", {"number": 1})
        ends = [[heard for heard in player.heard if heard[0] in _ENDS] for player in players]
        for player in players:
            await player.join("kept")
            await player.request("add", {"number": 1})
            await player.close()
        umpire.socket.abort()

    for reason, heard in zip(("kicked", "gone"), ends, strict=True):
        assert [["reset", reason], ["left", reason]] == heard
