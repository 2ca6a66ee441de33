"""A room that passes everything on, played on a stage."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from goroom_extensions.relay import Relay

from goroom import EventType, RequestRefused, RoomExtension, Server
from goroom.testing import Player, Stage

OnStage = Callable[[Server], Awaitable[Stage]]


class Echo(Relay):
    actions = frozenset({"draw"})
    echo = True
    spectators = True


class Open(Relay):
    spectators = True


@pytest.fixture
async def relays(stage: OnStage) -> Stage:
    """A room that passes on anything, and one that passes on ``draw`` to everybody."""
    server = Server()
    kinds: dict[str, type[RoomExtension[Any]]] = {"open": Open, "echo": Echo}
    server.add_application("relays", rooms=kinds)
    on_stage = await stage(server)
    for kind in kinds:
        await server.applications["relays"].rooms.create(kind, kind=kind)
    return on_stage


async def members(relays: Stage, room: str) -> list[Player]:
    """Return ada and bob, in *room*, and eve, who watches it."""
    players = [await relays.player(name) for name in ("ada", "bob", "eve")]
    for player in players[:2]:
        await player.join(room)
    await players[2].watch(room)
    return players


async def test_any_message_goes_to_the_others_with_its_sender(relays: Stage) -> None:
    ada, bob, eve = await members(relays, "open")
    assert {} == await ada.request("draw", {"x": 1, "colour": "red"})

    frame = await bob.expect_event(EventType.MESSAGE, action="draw")
    assert ("ada", {"x": 1, "colour": "red"}) == (frame["sender"], frame["data"])
    assert ([], []) == (await ada.received("draw"), await eve.received("draw"))


async def test_with_an_echo_it_goes_to_everybody(relays: Stage) -> None:
    players = await members(relays, "echo")
    await players[0].request("draw", {"x": 1})

    for player in players:
        assert {"x": 1} == await player.expect("draw")


async def test_what_is_not_on_the_list_is_refused(relays: Stage) -> None:
    ada, bob, _ = await members(relays, "echo")

    with pytest.raises(RequestRefused) as caught:
        await ada.request("cheat")
    assert (22, "unknown_action") == (caught.value.code, caught.value.reason)
    assert [] == await bob.received("cheat")


async def test_a_message_without_a_name_is_refused(relays: Stage) -> None:
    ada, bob, _ = await members(relays, "open")

    with pytest.raises(RequestRefused) as caught:
        await ada.request("")
    assert 22 == caught.value.code
    assert [] == await bob.received()
