"""The running programs of a hostile world, and what plays a list of rounds in them."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import attrs
import pytest

from tests.resume.players import NodePlayer, Player, PythonPlayer
from tests.resume.programs import Network, Node, World
from tests.resume.rounds import Outcome, Round, Umpire, play

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from random import Random

CLIENTS = (pytest.param("javascript", marks=pytest.mark.requires("node")), "python")
"""What tests are parametrized with."""
WORKERS = 12
"""Rounds that are played at the same time."""


@attrs.frozen
class Field:
    """The running programs, and what plays a list of rounds in them."""

    world: World
    network: Network
    seat: Callable[[str], Player]
    """Makes a player of a name."""

    async def play_all(self, rounds: list[Round], random: Random) -> list[Outcome]:
        """Play *rounds*, several at a time."""
        waiting = iter(rounds)
        outcomes: list[Outcome] = []

        async def work(number: int) -> None:
            umpire = await Umpire.take(number, self.world.port)
            try:
                for chosen in waiting:
                    outcome = await play(chosen, umpire, self.network, self.seat, random)
                    outcomes.append(outcome)
            finally:
                umpire.leave()

        async with asyncio.TaskGroup() as group:
            for number in range(WORKERS):
                group.create_task(work(number))
        return outcomes


@asynccontextmanager
async def fields(client: str, *options: str, is_patient: bool = False) -> AsyncIterator[Field]:
    """
    Run the programs until the end of the block.

    Args:
        client: Which one the players use.
        options: Of the server.
        is_patient: Whether the clients wait as long as they do by default; otherwise they are
            quick to take a link for lost, and to come back.
    """
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(World.running(*options))
        network = await stack.enter_async_context(Network.running(world.port))
        if client == "python":
            yield Field(world, network, partial(PythonPlayer, is_patient=is_patient))
        else:
            node = await stack.enter_async_context(Node.running())
            yield Field(world, network, partial(NodePlayer, node=node, is_patient=is_patient))
