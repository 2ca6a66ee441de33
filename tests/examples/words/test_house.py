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


@pytest.mark.parametrize("seconds", [1, 5, 12.7])
@pytest.mark.parametrize("query", [{"robots": "1"}, {}])
async def test_a_robot_gives_its_seat_to_the_next_stranger_until_the_first_turn(
    seconds: float, query: dict[str, str]
) -> None:
    async with house() as game:
        ann, bob = await game.client(robots="1"), await game.client(**query)
        await ann.join_random("Anna")
        await game.stage.advance(seconds)
        await ann.expect("room-bot-greetings")
        await bob.join_random("Bobby")
        await ann.expect("join-room-notify")
        assert ["client-list-notify", "room-bot-greetings"] == await ann.actions()
        assert ann.room == bob.room
        await game.stage.advance(11.9)
        assert ["send-message", "message-by-bot"] == await ann.actions()
        await game.stage.advance(0.1)
        turn = (await ann.expect("message-by-bot"))["message_body"]
        assert {ann.slug, bob.slug} == {player["slug"] for player in turn["clientstats"]}
        await game.stage.advance(48)

        assert "room-bot-end-game" not in await ann.actions()
        assert 2 == len(game.stage.server.applications["words"].users)
        await game.stage.advance(0.7)
        assert "room-bot-end-game" in await ann.actions()


async def test_a_robot_keeps_its_seat_from_the_first_turn_on() -> None:
    async with house() as game:
        ann, bob = await game.client(robots="1"), await game.client(robots="1")
        await ann.join_random("Anna")
        await game.stage.advance(13.5)
        await ann.received()
        await bob.join_random("Bobby")
        await game.stage.advance(1)

        assert ann.room != bob.room
        assert "room-bot-greetings" in await bob.actions()
        assert "client-list-notify" not in await ann.actions()


async def test_a_seat_is_not_given_to_who_has_it_opposite_or_sits_in_enough_rooms() -> None:
    async with house() as game:
        ann, bob = await game.client(robots="1"), await game.client()
        for number in range(5):
            await bob.join(f"den{number}", "Bobby")
        await ann.join_random("Anna")
        await game.stage.advance(2)
        bob.say("join-random-room", "mesh-global", roomname="")
        assert ["fail-join-room-notify"] == await bob.actions()
        ann.say("join-random-room", "mesh-global", roomname="other")
        await game.stage.settle()

        assert 2 == len(game.stage.server.applications["words"].rooms[ann.room].members)


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
        await game.stage.advance(13.5)
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
