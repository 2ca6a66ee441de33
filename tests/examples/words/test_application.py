"""Who is put into which room of the words game, and who is not."""

from __future__ import annotations

import json

import pytest

from tests.examples.words.clients import BOT, hall

FULL = "Failed to join the room its occupied"
STARTED = "The game in the room has already started"


async def test_a_full_room_refuses_at_joining_not_at_naming() -> None:
    async with hall() as game:
        ann, bob = await game.client(), await game.client()
        await ann.join("den", limit=1)
        bob.say("join-room", "mesh-global", roomname="den", playerlimit=9)
        (refusal,) = await bob.received()
        slug = refusal["target"]

        assert {
            "action": "fail-join-room-notify",
            "message_body": {"message": FULL},
            "IsTargetClient": True,
            "target": slug,
            "sender": BOT,
        } == refusal
        assert [] == await ann.received()
        ann.say("set-client-name", setname="Anna")
        assert ["client-list-notify"] == await ann.actions()
        assert [] == await bob.received()


async def test_the_limit_is_the_makers_whatever_others_ask_for() -> None:
    async with hall() as game:
        await game.friends("Anna", "Bobby")
        carl = await game.client()
        carl.say("join-room", "mesh-global", roomname="den", playerlimit=10)

        assert FULL == (await carl.expect("fail-join-room-notify"))["message_body"]["message"]


async def test_a_limit_takes_hold_of_those_who_come_together() -> None:
    async with hall() as game:
        clients = [await game.client() for _ in range(5)]
        for client in clients:
            client.say("join-room", "mesh-global", roomname="den", playerlimit=2)
        told = [await client.actions() for client in clients]

        assert 3 == sum("fail-join-room-notify" in actions for actions in told)
        assert 2 == sum("know-yourself" in actions for actions in told)


async def test_nobody_joins_a_game_that_has_started_or_is_over() -> None:
    async with hall() as game:
        ann, bob = await game.friends("Anna", "Bobby")
        ann.say("room-settings", game_duration="60", player_limit="5")
        ann.say("start-the-game", message="den")
        await ann.received()
        carl = await game.client()
        for _ in range(2):
            carl.say("join-room", "mesh-global", roomname="den", playerlimit=3)
            (refusal,) = await carl.received()
            assert STARTED == refusal["message_body"]["message"]
            await game.stage.advance(70)
        await bob.received()
        carl.say("send-message", "den", message="let me in")

        assert [] == await bob.received()
        assert [] == await carl.received()


async def test_a_full_room_whose_game_has_started_says_that_it_has_started() -> None:
    async with hall() as game:
        await game.playing("Anna", "Bobby")
        carl = await game.client()
        for seconds in (0, 70):
            await game.stage.advance(seconds)
            carl.say("join-room", "mesh-global", roomname="den", playerlimit=3)
            (refusal,) = await carl.received()

            assert STARTED == refusal["message_body"]["message"]


async def test_strangers_are_paired_and_begin_when_both_are_named() -> None:
    async with hall() as game:
        ann, bob = await game.client(), await game.client()
        ann.say("join-random-room", "mesh-global", roomname="AbCdEfGhIj")
        told = await ann.received()
        slug = told[1]["sender"]
        assert [
            ("found-random-room-notify", BOT, True, slug),
            ("join-room-notify", slug, False, "AbCdEfGhIj"),
            ("is-room-maker", BOT, True, slug),
            ("know-yourself", BOT, True, slug),
        ] == [(f["action"], f["sender"], f["IsTargetClient"], f["target"]) for f in told]
        assert {"roomname": "AbCdEfGhIj"} == told[0]["message_body"]
        ann.say("set-client-name", "AbCdEfGhIj", setname="Anna")
        await ann.received()
        await bob.join_random()
        assert "AbCdEfGhIj" == bob.room
        await game.stage.advance(30)
        assert ["join-room-notify"] == await ann.actions()
        bob.say("set-client-name", setname="Bobby")

        assert ["client-list-notify", "room-bot-greetings"] == await ann.actions()


async def test_random_games_are_for_two() -> None:
    async with hall() as game:
        clients = [await game.client() for _ in range(6)]
        for client in clients:
            client.say("join-random-room", "mesh-global", roomname="")
        rooms = [
            (await client.expect("found-random-room-notify"))["message_body"]["roomname"]
            for client in clients
        ]

        assert {2} == {rooms.count(room) for room in rooms}


async def test_a_stranger_who_gave_up_is_not_waited_for() -> None:
    async with hall() as game:
        ann, bob = await game.client(), await game.client()
        await ann.join_random("Anna")
        await ann.line.cut()
        await bob.join_random("Bobby")

        assert "is-room-maker" not in await bob.actions()
        assert bob.room != ann.room


async def test_asking_twice_for_a_stranger_keeps_one_seat() -> None:
    async with hall() as game:
        ann, bob = await game.client(), await game.client()
        await ann.join_random("Anna")
        ann.say("join-random-room", "mesh-global", roomname="other")
        assert [] == await ann.received()
        await bob.join_random("Bobby")

        assert ann.room == bob.room
        assert "room-bot-greetings" in await ann.actions()


async def test_the_rest_of_a_random_game_is_not_given_to_a_stranger() -> None:
    async with hall() as game:
        ann, bob, carl = await game.client(), await game.client(), await game.client()
        await ann.join_random("Anna")
        await bob.join_random("Bobby")
        await ann.line.cut()
        await carl.join_random("Carl")
        assert carl.room != bob.room
        await bob.join_random("Bobby")

        assert carl.room == bob.room


async def test_strangers_cannot_set_up_their_room() -> None:
    async with hall() as game:
        ann = await game.client()
        await ann.join_random("Anna")
        ann.say("room-settings", game_duration="30", player_limit="3")

        assert [] == await ann.received()


async def test_a_name_that_is_taken_is_replaced_for_a_stranger() -> None:
    async with hall() as game:
        ann, bob = await game.client(), await game.client()
        await ann.join("den", "Anna")
        await bob.join_random("Bobby", room="den")

        assert bob.room not in {"den", ""}


@pytest.mark.parametrize("body", [{"message": "den"}, {}, None, "absent"])
async def test_leave_room_is_obeyed_with_and_without_a_body(body: object) -> None:
    async with hall() as game:
        ann, bob = await game.friends("Anna", "Bobby")
        frame = {"action": "leave-room", "message_body": body, "target": "den"}
        if body == "absent":
            del frame["message_body"]
        bob.line.send(json.dumps(frame))
        assert ["client-list-notify"] == await ann.actions()
        await bob.join("den", "Bobby")

        assert "join-room-notify" in await ann.actions()


async def test_nobody_leaves_the_global_room() -> None:
    async with hall() as game:
        ann = await game.client()
        ann.say("leave-room", "mesh-global")
        await ann.join("den", "Anna")

        assert "den" == ann.room


async def test_an_emptied_room_is_gone_and_has_a_new_maker() -> None:
    async with hall() as game:
        ann, bob = await game.playing("Anna", "Bobby")
        for client in (ann, bob):
            client.say("leave-room")
        await game.stage.settle()
        await ann.received()
        ann.say("join-room", "mesh-global", roomname="den", playerlimit=3)

        assert ["join-room-notify", "is-room-maker", "know-yourself"] == await ann.actions()


async def test_leaving_one_room_leaves_the_others_alone() -> None:
    async with hall() as game:
        ann = await game.client()
        await ann.join("den", "Anna")
        await ann.join("hut", "Anna")
        ann.say("leave-room", "den")
        ann.say("send-message", "den", message="gone")
        ann.say("send-message", "hut", message="here")
        told = await ann.expect("send-message")

        assert ("hut", "here") == (told["target"], told["message_body"]["message"])
        assert [] == await ann.received()


async def test_joining_twice_changes_nothing() -> None:
    async with hall() as game:
        ann, bob = await game.friends("Anna", "Bobby")
        ann.say("join-room", "mesh-global", roomname="den", playerlimit=3)

        assert ([], []) == (await ann.received(), await bob.received())


@pytest.mark.parametrize("name", ["", " ", "x" * 65, "a\u0000b"])
async def test_a_name_that_no_room_can_have_is_answered(name: str) -> None:
    async with hall() as game:
        ann = await game.client()
        ann.say("join-room", "mesh-global", roomname=name, playerlimit=3)
        refusal = await ann.expect("fail-join-room-notify")

        assert refusal["message_body"]["message"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"roomname": 5, "playerlimit": 3},
        {"roomname": "den", "playerlimit": "3"},
        {"roomname": "den", "playerlimit": None},
        {"roomname": ["den"], "playerlimit": 3},
    ],
)
async def test_a_wish_of_the_wrong_shape_is_dropped(body: dict[str, object]) -> None:
    async with hall() as game:
        ann = await game.client()
        ann.say("join-room", "mesh-global", **body)

        assert [] == await ann.received()
        await ann.join("den", "Anna")


@pytest.mark.parametrize("limit", [-1, 0, 1e300, 2.5])
async def test_any_number_is_a_limit(limit: float) -> None:
    async with hall() as game:
        ann = await game.client()
        ann.say("join-room", "mesh-global", roomname="den", playerlimit=limit)

        assert "know-yourself" in await ann.actions()


async def test_a_client_sits_in_five_rooms_at_most() -> None:
    async with hall() as game:
        ann = await game.client()
        for number in range(5):
            await ann.join(f"den{number}", "Anna")
        ann.say("join-room", "mesh-global", roomname="den5", playerlimit=3)

        assert "fail-join-room-notify" in await ann.actions()
