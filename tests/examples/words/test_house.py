"""Robots that play with strangers who wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import pytest
from words.house import House

from tests.examples.words.clients import Hall, hall


@asynccontextmanager
async def house(most: int = 4) -> AsyncIterator[Hall]:
    """Run the words game with robots on a stage."""
    async with hall() as game:
        running = asyncio.create_task(House(game.stage.server, most, Random(1)).run())
        await game.stage.settle()
        yield game
        running.cancel()
        await asyncio.wait({running})


@pytest.mark.parametrize("moment", [0, 0.1, 0.24])
async def test_who_is_alone_plays_a_whole_game_with_a_robot_within_a_second(
    moment: float,
) -> None:
    async with house() as game:
        await game.stage.advance(moment)
        ann = await game.client(robots="1")
        await ann.join_random("Anna")
        await game.quiet(ann, 0.7)
        await game.stage.advance(0.3)
        assert {"client-list-notify", "room-bot-greetings"} <= set(await ann.actions())
        await game.stage.advance(75)
        results = await ann.expect("room-bot-end-game")
        scores = {p["name"]: p["score"] for p in results["message_body"]["client_list"]}

        assert 0 == scores["Anna"]
        assert scores["Robot"] > 0
        assert scores["Robot"] == len(results["message_body"]["word_list"])
        listed = await ann.expect("client-list-notify")
        assert ["Anna"] == [p["name"] for p in listed["message_body"]["clientsinroomessage"]]


async def test_no_robot_comes_to_who_has_not_asked_for_one() -> None:
    async with house() as game:
        ann = await game.client()
        await ann.join_random("Anna")

        await game.quiet(ann, 60)


async def test_people_come_first() -> None:
    async with house() as game:
        ann, bob = await game.client(robots="1"), await game.client(robots="1")
        await ann.join_random("Anna")
        await game.stage.advance(0.7)
        await bob.join_random("Bobby")
        await game.stage.advance(5)
        listed = [f for f in await ann.received() if f["action"] == "client-list-notify"]

        assert ["Anna", "Bobby"] == sorted(
            p["name"] for p in listed[-1]["message_body"]["clientsinroomessage"]
        )


async def test_a_robot_leaves_with_its_stranger() -> None:
    async with house() as game:
        ann = await game.client(robots="1")
        await ann.join_random("Anna")
        await game.stage.advance(30)
        await ann.line.cut()
        await game.stage.advance(2)
        application = game.stage.server.applications["words"]

        assert (0, ["mesh-global"]) == (len(application.users), list(application.rooms))


async def test_there_are_no_more_robots_than_asked_for() -> None:
    async with house(most=1) as game:
        ann, bob = await game.client(robots="1"), await game.client(robots="1")
        await ann.join_random("Anna")
        await game.stage.advance(12)
        await bob.join_random("Bobby")
        await game.stage.advance(30)

        assert "room-bot-greetings" in await ann.actions()
        assert [] == await bob.received()


async def test_robots_end_with_the_house() -> None:
    async with hall() as game:
        running = asyncio.create_task(House(game.stage.server, 4, Random(1)).run())
        ann = await game.client(robots="1")
        await ann.join_random("Anna")
        await game.stage.advance(30)
        running.cancel()
        await game.stage.settle()

        assert running.cancelled()
        assert 1 == len(game.stage.server.applications["words"].users)


async def test_a_robot_that_comes_too_late_leaves_again() -> None:
    async with hall() as game:
        game_house = House(game.stage.server, 4, Random(1))
        await asyncio.wait_for(game_house._play(), timeout=5)

        assert 0 == len(game.stage.server.applications["words"].users)
