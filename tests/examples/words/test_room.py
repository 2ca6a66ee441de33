"""A room of the words game, frame by frame and second by second, in virtual time."""

from __future__ import annotations

import pytest

from tests.examples.words.clients import BOT, Client, Frame, Hall, hall


def text_of(frame: Frame) -> str:
    """Return the message of a frame."""
    text: str = frame["message_body"]["message"]
    return text


def shape(frame: Frame) -> tuple[str, str, bool, str]:
    """Return all of a frame but its body."""
    return frame["action"], frame["sender"], frame["IsTargetClient"], frame["target"]


async def test_joining_tells_everybody_then_the_newcomer_who_it_is() -> None:
    async with hall() as game:
        ann, bob = await game.client(), await game.client()
        ann.say("join-room", "mesh-global", roomname="den", playerlimit=3, setplayername="Anna")
        first = await ann.received()
        bob.say("join-room", "mesh-global", roomname="den", playerlimit=3)
        second = await bob.received()
        ann_slug, bob_slug = first[0]["sender"], second[0]["sender"]

        assert [
            ("join-room-notify", ann_slug, False, "den"),
            ("is-room-maker", BOT, True, ann_slug),
            ("know-yourself", BOT, True, ann_slug),
        ] == [shape(frame) for frame in first]
        assert [
            ("join-room-notify", bob_slug, False, "den"),
            ("know-yourself", BOT, True, bob_slug),
        ] == [shape(frame) for frame in second]
        assert {"message": ann_slug} == first[1]["message_body"]
        assert {"sender": bob_slug} == second[1]["message_body"]
        assert ["newmessage"] == list(first[0]["message_body"])
        assert ["join-room-notify"] == await ann.actions()


async def test_a_name_is_shown_to_everybody_in_the_order_of_slugs() -> None:
    async with hall() as game:
        ann, bob = await game.friends("Anna", "Bobby")
        bob.say("set-client-name", setname="Robert")
        shown = await ann.expect("client-list-notify")
        players = shown["message_body"]["clientsinroomessage"]

        assert ("client-list-notify", "Gawd", False, "den") == shape(shown)
        assert sorted([ann.slug, bob.slug]) == [player["slug"] for player in players]
        assert {"Anna", "Robert"} == {player["name"] for player in players}
        assert {"color", "name", "score", "slug"} == set(players[0])
        assert 2 == len({player["color"] for player in players})
        assert [0, 0] == [player["score"] for player in players]


async def test_talk_is_shown_with_avatar_and_colour() -> None:
    async with hall() as game:
        ann, bob = await game.friends("Anna", "Bobby")
        ann.say("send-message", message="hello")
        told = await bob.expect("send-message")

        assert ("send-message", ann.slug, False, "den") == shape(told)
        assert ("hello", "An") == (text_of(told), told["message_body"]["useravatar"])
        assert {"message", "useravatar", "color"} == set(told["message_body"])
        assert "hello" == text_of(await ann.expect("send-message"))


async def test_the_welcome_comes_at_once_and_the_first_turn_after_twelve_seconds() -> None:
    async with hall() as game:
        ann, bob = await game.friends("Anna", "Bobby")
        players = sorted([ann.slug, bob.slug])
        ann.say("start-the-game", message="den")
        welcome = await bob.received()
        assert [("room-bot-greetings", BOT, False, "den")] == [shape(frame) for frame in welcome]
        assert {"message": "welcome"} == welcome[0]["message_body"]

        await game.quiet(bob, 0.99)
        await game.stage.advance(0.01)
        assert [("send-message", BOT, False, "den")] == [shape(f) for f in await bob.received()]

        await game.quiet(bob, 0.99)
        await game.stage.advance(0.01)
        (rules,) = await bob.received()
        body = rules["message_body"]
        assert ("message-by-bot", BOT, False, "den") == shape(rules)
        assert (10, "", players) == (
            body["timer"],
            body["letter"],
            [player["slug"] for player in body["clientstats"]],
        )
        assert "whichclientturn" not in body

        await game.quiet(bob, 9.99)
        await game.stage.advance(0.01)
        (turn,) = await bob.received()
        body = turn["message_body"]
        assert (10, "w", players[0]) == (
            body["timer"],
            body["letter"],
            body["whichclientturn"]["slug"],
        )


async def test_the_first_turn_takes_ten_seconds_and_the_next_eleven() -> None:
    async with hall() as game:
        first, second = await game.playing("Anna", "Bobby")
        await game.quiet(first, 9.99)
        await game.stage.advance(0.01)
        assert [("send-message", BOT, False, "den")] == [shape(f) for f in await first.received()]
        await game.quiet(first, 0.99)
        await game.stage.advance(0.01)
        (turn,) = await first.received()
        body = turn["message_body"]
        assert (11, "w", second.slug) == (
            body["timer"],
            body["letter"],
            body["whichclientturn"]["slug"],
        )
        await game.quiet(first, 10.99)
        await game.stage.advance(0.01)

        assert ["send-message"] == await first.actions()


async def test_a_word_is_shown_ends_the_turn_and_a_second_later_the_next_one_is_asked() -> None:
    async with hall() as game:
        first, second = await game.playing("Anna", "Bobby")
        first.say("attempt-word", message="Water")
        shown, ended = await second.received()
        assert ("send-message", first.slug, False, "den") == shape(shown)
        assert "Water" == text_of(shown)
        assert ("send-message", BOT, False, "den") == shape(ended)
        await game.quiet(second, 0.99)
        await game.stage.advance(0.01)
        (turn,) = await second.received()
        body = turn["message_body"]

        assert ("message-by-bot", BOT, False, "den") == shape(turn)
        assert ("r", 11, second.slug) == (
            body["letter"],
            body["timer"],
            body["whichclientturn"]["slug"],
        )
        assert [(first.slug, 1), (second.slug, 0)] == [
            (player["slug"], player["score"]) for player in body["clientstats"]
        ]


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("tiger", "another letter"),
        ("wzzz", "no dictionary"),
        ("window", "said before"),
        ("wolf", "scores"),
    ],
)
async def test_the_bot_says_what_came_of_a_word(word: str, said: str) -> None:
    async with hall() as game:
        first, second = await game.playing("Anna", "Bobby")
        await attempt(game, first, "window")
        await first.received()
        await attempt(game, second, word)
        turn = await first.expect("message-by-bot")

        assert said in text_of(turn)
        assert (word == "wolf") == (turn["message_body"]["letter"] == "f")


async def attempt(game: Hall, player: Client, word: str) -> None:
    """Say a word and go on to the next turn."""
    player.say("attempt-word", message=word)
    await game.stage.advance(1)


async def test_a_whole_game_in_virtual_time() -> None:
    async with hall() as game:
        ann, bob = await game.friends("Anna", "Bobby")
        first, second = sorted([ann, bob], key=lambda client: client.slug)
        ann.say("start-the-game", message="den")
        await game.stage.settle()
        started = game.stage.clock.now
        await game.stage.advance(12)
        for player, word in ((first, "water"), (second, "rabbit"), (first, "tiger")):
            await attempt(game, player, word)
        await attempt(game, second, "rabbit")  # said before
        await second.received()
        await game.stage.advance(11)  # the first says nothing
        assert ["send-message"] == await second.actions()
        await game.stage.advance(1)
        turn = await second.expect("message-by-bot")
        assert second.slug == turn["message_body"]["whichclientturn"]["slug"]
        await attempt(game, second, "road")
        await second.received()
        await game.stage.advance(started + 60 - game.stage.clock.now - 0.01)
        assert "room-bot-end-game" not in await second.actions()
        await game.stage.advance(0.01)
        (over,) = await second.received()
        assert ("send-message", BOT, False, "den") == shape(over)
        await game.quiet(second, 0.68)
        await game.stage.advance(0.01)
        (results,) = await second.received()
        body = results["message_body"]

        assert ("room-bot-end-game", BOT, False, "den") == shape(results)
        assert ["water", "rabbit", "tiger", "road"] == body["word_list"]
        assert [(first.slug, 2), (second.slug, 2)] == [
            (player["slug"], player["score"]) for player in body["client_list"]
        ]
        await first.received()
        await game.quiet(first, 120)


async def test_the_results_are_sorted_by_score() -> None:
    async with hall() as game:
        first, second = await game.playing("Anna", "Bobby")
        await attempt(game, first, "nonsense")
        await attempt(game, second, "water")
        await first.received()
        await game.stage.advance(60)
        results = await first.expect("room-bot-end-game")

        assert [(second.slug, 1), (first.slug, 0)] == [
            (player["slug"], player["score"]) for player in results["message_body"]["client_list"]
        ]


async def test_a_game_without_a_word_ends_with_empty_lists_not_null() -> None:
    async with hall() as game:
        first, _ = await game.playing("Anna", "Bobby")
        await game.stage.advance(60)
        body = (await first.expect("room-bot-end-game"))["message_body"]

        assert [] == body["word_list"]
        assert 2 == len(body["client_list"])


async def test_the_maker_sets_time_and_players() -> None:
    async with hall() as game:
        ann, bob = await game.friends("Anna", "Bobby")
        ann.say("room-settings", game_duration="20", player_limit="4")
        applied = await bob.expect("room-setting-applied")
        assert ("room-setting-applied", BOT, False, "den") == shape(applied)
        assert ["message"] == list(applied["message_body"])
        for name in ("Carl", "Dora"):
            await (await game.client()).join("den", name)
        ann.say("start-the-game", message="den")
        await bob.received()
        await game.stage.advance(19.99)
        assert "room-bot-end-game" not in await bob.actions()
        await game.stage.advance(0.7)

        assert ["send-message", "room-bot-end-game"] == await bob.actions()


@pytest.mark.parametrize(
    "settings",
    [
        {"game_duration": "soon", "player_limit": "3"},
        {"game_duration": "30", "player_limit": ""},
        {"game_duration": "0", "player_limit": "3"},
        {"game_duration": "-5", "player_limit": "3"},
        {"game_duration": "9" * 400, "player_limit": "3"},
        {"game_duration": "0" * 8 + "19999", "player_limit": "3"},
        {"game_duration": "30", "player_limit": "0" * 5000 + "150"},
        {"game_duration": "30", "player_limit": "11"},
        {"game_duration": "\u0661\u0662", "player_limit": "3"},
        {"game_duration": None, "player_limit": "3"},
        {},
    ],
)
async def test_settings_that_are_no_numbers_change_nothing(settings: dict[str, str]) -> None:
    async with hall() as game:
        ann, bob = await game.friends("Anna", "Bobby")
        ann.say("room-settings", **settings)

        assert [] == await bob.received()


async def test_only_the_maker_sets_a_room_up_and_only_before_the_game() -> None:
    async with hall() as game:
        ann, bob = await game.friends("Anna", "Bobby")
        bob.say("room-settings", game_duration="30", player_limit="3")
        assert [] == await ann.received()
        ann.say("start-the-game", message="den")
        await ann.received()
        ann.say("room-settings", game_duration="30", player_limit="3")

        assert [] == await ann.received()


async def test_who_named_itself_late_plays_too() -> None:
    async with hall() as game:
        ann, bob, carl = await game.client(), await game.client(), await game.client()
        await ann.join("den", "Anna")
        await bob.join("den", "Bobby")
        await carl.join("den")
        ann.say("start-the-game", message="den")
        await ann.received()
        carl.say("set-client-name", setname="Carl")
        listed = (await ann.expect("client-list-notify"))["message_body"]["clientsinroomessage"]
        await game.stage.advance(12)
        turn = await ann.expect("message-by-bot")

        assert sorted([ann.slug, bob.slug, carl.slug]) == [player["slug"] for player in listed]
        assert listed == turn["message_body"]["clientstats"]


# -- the listed bugs, mended ---------------------------------------------------------------


@pytest.mark.parametrize("name", ["A", "\u00c5", "\U0001f600"])
async def test_a_name_of_one_letter_does_not_panic_and_is_its_avatar(name: str) -> None:
    async with hall() as game:
        ann, bob = await game.friends(name, "Bobby")
        ann.say("send-message", message="hello")
        told = await bob.expect("send-message")

        assert (name, "hello") == (told["message_body"]["useravatar"], text_of(told))


@pytest.mark.parametrize("wish", [{"setname": ""}, {"setname": "   "}, {}])
async def test_an_empty_name_does_not_panic_and_makes_a_guest(wish: dict[str, str]) -> None:
    async with hall() as game:
        ann = await game.client()
        await ann.join("den")
        ann.say("set-client-name", **wish)
        listed = await ann.expect("client-list-notify")
        ann.say("send-message", message="hello")

        assert ["Guest"] == [p["name"] for p in listed["message_body"]["clientsinroomessage"]]
        assert "Gu" == (await ann.expect("send-message"))["message_body"]["useravatar"]


@pytest.mark.parametrize("wish", [{"setname": 5}, {"setname": None}, {"setname": ["Anna"]}])
async def test_a_name_that_is_no_text_does_not_panic_and_is_dropped(
    wish: dict[str, object],
) -> None:
    async with hall() as game:
        ann, bob = await game.friends("Anna", "Bobby")
        ann.say("set-client-name", **wish)
        assert [] == await bob.received()
        ann.say("send-message", message="still here")

        assert "still here" == text_of(await bob.expect("send-message"))


async def test_talk_before_a_name_does_not_panic_and_is_dropped() -> None:
    async with hall() as game:
        ann, bob = await game.client(), await game.client()
        await ann.join("den", "Anna")
        await bob.join("den")
        await ann.received()
        bob.say("send-message", message="who am I?")
        bob.say("attempt-word", message="water")
        assert [] == await ann.received()
        bob.say("set-client-name", setname="Bobby")

        assert ["client-list-notify"] == await ann.actions()


@pytest.mark.parametrize("word", ["", "  ", "\u00fc", "w", "\U0001f600"])
async def test_an_empty_or_short_word_does_not_panic_and_ends_the_turn(word: str) -> None:
    async with hall() as game:
        first, second = await game.playing("Anna", "Bobby")
        await attempt(game, first, word)
        turn = await second.expect("message-by-bot")

        assert ("w", second.slug) == (
            turn["message_body"]["letter"],
            turn["message_body"]["whichclientturn"]["slug"],
        )


async def test_only_the_maker_starts_the_game() -> None:
    async with hall() as game:
        ann, bob = await game.friends("Anna", "Bobby")
        bob.say("start-the-game", message="den", sender=ann.slug)
        await game.quiet(ann, 5)
        ann.say("start-the-game", message="den")

        assert ["room-bot-greetings"] == await bob.actions()


async def test_a_game_starts_once_and_with_two_players() -> None:
    async with hall() as game:
        ann, bob = await game.client(), await game.client()
        await ann.join("den", "Anna")
        await bob.join("den")
        await ann.received()
        ann.say("start-the-game", message="den")
        await game.quiet(ann, 5)
        bob.say("set-client-name", setname="Bobby")
        await ann.received()
        ann.say("start-the-game", message="den")
        ann.say("start-the-game", message="den")

        assert ["room-bot-greetings"] == await ann.actions()


async def test_an_attempt_out_of_turn_changes_nothing() -> None:
    async with hall() as game:
        first, second = await game.playing("Anna", "Bobby")
        second.say("attempt-word", message="water")
        assert [] == await first.received()
        await attempt(game, first, "word")
        second_turn = await second.expect("message-by-bot")

        assert ("d", [1, 0]) == (
            second_turn["message_body"]["letter"],
            [player["score"] for player in second_turn["message_body"]["clientstats"]],
        )


async def test_an_attempt_between_two_turns_or_before_the_first_changes_nothing() -> None:
    async with hall() as game:
        ann, bob = await game.friends("Anna", "Bobby")
        ann.say("attempt-word", message="water")
        ann.say("start-the-game", message="den")
        ann.say("attempt-word", message="water")
        assert ["room-bot-greetings"] == await bob.actions()
        await game.stage.advance(12)
        first, second = sorted([ann, bob], key=lambda client: client.slug)
        await first.received()
        await second.received()
        first.say("attempt-word", message="water")
        first.say("attempt-word", message="rabbit")
        second.say("attempt-word", message="rabbit")
        await game.stage.advance(1)

        assert ["send-message", "send-message", "message-by-bot"] == await second.actions()


async def test_no_sleeping_handler_talk_passes_while_the_bot_takes_its_time() -> None:
    async with hall() as game:
        ann, bob = await game.friends("Anna", "Bobby")
        ann.say("start-the-game", message="den")
        await bob.received()
        for number in range(20):
            ann.say("send-message", message=str(number))

        assert [str(number) for number in range(20)] == [
            text_of(frame) for frame in await bob.received()
        ]


async def test_game_ended_cannot_deadlock_when_all_but_one_leave_while_they_talk() -> None:
    async with hall() as game:
        ann, bob = await game.friends("Anna", "Bobby")
        ann.say("start-the-game", message="den")
        await ann.received()
        await game.stage.advance(5)
        await ann.received()
        bob.say("leave-room", message="den")
        ended = await ann.received()
        assert [("send-message", BOT, False, "den")] == [shape(frame) for frame in ended]
        await game.stage.advance(0.69)
        assert ["room-bot-end-game"] == await ann.actions()
        ann.say("send-message", message="anybody?")
        assert "anybody?" == text_of(await ann.expect("send-message"))

        await game.quiet(ann, 120)


async def test_the_game_ends_once_when_time_and_players_run_out_together() -> None:
    async with hall() as game:
        maker, other = await game.playing("Anna", "Bobby", maker_first=True)
        await game.stage.advance(48)  # the time is up, the results are not told yet
        await maker.received()
        await other.line.cut()
        await game.stage.advance(60)

        assert ["client-list-notify", "room-bot-end-game"] == await maker.actions()


async def test_the_maker_is_reassigned_when_the_maker_leaves() -> None:
    async with hall() as game:
        ann, bob, carl = await game.friends("Anna", "Bobby", "Carl")
        ann.say("leave-room")
        told = await bob.expect("is-room-maker")
        assert ("is-room-maker", BOT, True, bob.slug) == shape(told)
        assert {"message": bob.slug} == told["message_body"]
        assert "is-room-maker" not in await carl.actions()
        carl.say("start-the-game")
        assert "room-bot-greetings" not in await bob.actions()
        bob.say("start-the-game")

        assert "room-bot-greetings" in await carl.actions()


# -- leaving in the middle -----------------------------------------------------------------


async def test_who_leaves_before_the_game_is_off_the_list() -> None:
    async with hall() as game:
        ann, bob = await game.friends("Anna", "Bobby")
        bob.say("leave-room", message="den")
        listed = await ann.expect("client-list-notify")
        assert [ann.slug] == [p["slug"] for p in listed["message_body"]["clientsinroomessage"]]
        ann.say("send-message", message="gone?")

        assert [] == await bob.received()


async def test_the_turn_passes_on_when_its_player_is_cut_off() -> None:
    async with hall() as game:
        first, second, third = await game.playing("Anna", "Bobby", "Carl")
        await first.line.cut()
        listed, ended = await third.turns()
        assert [second.slug, third.slug] == [
            player["slug"] for player in listed["message_body"]["clientsinroomessage"]
        ]
        assert ("send-message", BOT, False, "den") == shape(ended)
        await game.stage.advance(1)
        turn = await third.expect("message-by-bot")

        assert second.slug == turn["message_body"]["whichclientturn"]["slug"]


async def test_the_turn_stays_when_another_player_leaves() -> None:
    async with hall() as game:
        first, second, third = await game.playing("Anna", "Bobby", "Carl")
        second.say("leave-room")
        assert ["client-list-notify"] == [frame["action"] for frame in await third.turns()]
        await attempt(game, first, "water")
        turn = await third.expect("message-by-bot")

        assert third.slug == turn["message_body"]["whichclientturn"]["slug"]


async def test_who_leaves_between_two_turns_is_not_asked() -> None:
    async with hall() as game:
        first, second, third = await game.playing("Anna", "Bobby", "Carl")
        first.say("attempt-word", message="water")
        await first.received()
        second.say("leave-room")
        await third.received()
        await game.stage.advance(1)
        turn = await third.expect("message-by-bot")

        assert third.slug == turn["message_body"]["whichclientturn"]["slug"]


async def test_the_game_ends_when_one_player_remains() -> None:
    async with hall() as game:
        maker, other = await game.playing("Anna", "Bobby", maker_first=True)
        if maker.slug > other.slug:
            await attempt(game, other, "nonsense")
        await attempt(game, maker, "water")
        await maker.received()
        await other.line.close()
        assert ["send-message"] == await maker.actions()
        await game.stage.advance(0.69)
        results = (await maker.expect("room-bot-end-game"))["message_body"]

        assert [(maker.slug, 1)] == [(p["slug"], p["score"]) for p in results["client_list"]]
        assert ["water"] == results["word_list"]
        await game.quiet(maker, 120)


async def test_a_spectator_without_a_name_does_not_keep_a_game_alive() -> None:
    async with hall() as game:
        ann, bob, carl = await game.client(), await game.client(), await game.client()
        await ann.join("den", "Anna")
        await bob.join("den", "Bobby")
        await carl.join("den")
        ann.say("start-the-game")
        await ann.received()
        bob.say("leave-room")
        await game.stage.advance(0.69)

        assert "room-bot-end-game" in await carl.actions()


async def test_the_bot_tells_players_of_one_name_apart() -> None:
    async with hall() as game:
        first, second = await game.playing("Guest", "Guest")
        await attempt(game, first, "water")
        turn = await first.expect("message-by-bot")

        assert f"Guest ({first.slug}) scores" in text_of(turn)
        assert f"Guest ({second.slug}), say" in text_of(turn)


async def test_what_people_write_comes_as_text_to_clients_that_show_html() -> None:
    async with hall() as game:
        ann, bob = await game.friends("<b>A</b>", "Bobby")
        ann.say("send-message", message="<img src=x onerror=alert(1)> & it's me")
        told = await bob.expect("send-message")
        ann.say("start-the-game")
        await bob.received()
        await game.stage.advance(12)
        turns = [frame for frame in await bob.received() if frame["action"] == "message-by-bot"]

        assert "&lt;img src=x onerror=alert(1)> & it's me" == text_of(told)
        assert all("<" not in text_of(turn) for turn in turns)
