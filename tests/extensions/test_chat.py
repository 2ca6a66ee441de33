"""Talk in a room, played on a stage."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import attrs
import pytest
from goroom_extensions.chat import Talk, cleaned

from goroom import EventType, RequestRefused, RoomExtension, Server, User
from goroom.testing import Player, Stage

OnStage = Callable[[Server], Awaitable[Stage]]


class Hall(Talk):
    text_characters = 10
    history_lines = 2
    spectators = True


@attrs.define
class Count:
    joins: int = 0


class Counter(Talk[Count]):
    """A game beside whose board people talk."""

    def init(self) -> None:
        self.state = Count()

    def on_join(self, user: User) -> None:
        super().on_join(user)
        self.state.joins += 1
        user.send("count", self.state)


@pytest.fixture
async def talk(stage: OnStage) -> Stage:
    """A chat with one hall, and a room of another kind."""
    server = Server()
    kinds: dict[str, type[RoomExtension[Any]]] = {"hall": Hall, "counter": Counter}
    server.add_application("chat", rooms=kinds)
    on_stage = await stage(server)
    await server.applications["chat"].rooms.create("hall", kind="hall")
    await server.applications["chat"].rooms.create("counter", kind="counter")
    return on_stage


async def member(talk: Stage, name: str, room: str = "hall") -> Player:
    """Return a player who has joined *room* and has read its history."""
    player = await talk.player(name)
    await player.join(room)
    return player


async def test_what_is_said_goes_to_everybody_with_its_sender(talk: Stage) -> None:
    ada, bob = await member(talk, "ada"), await member(talk, "bob")
    assert {} == await ada.request("say", {"text": "hello"})

    for player in (ada, bob):
        frame = await player.expect_event(EventType.MESSAGE, action="said")
        assert ("ada", {"text": "hello"}) == (frame["sender"], frame["data"])


async def test_a_spectator_hears_and_cannot_say(talk: Stage) -> None:
    ada, eve = await member(talk, "ada"), await talk.player("eve")
    await eve.watch("hall")
    await ada.request("say", {"text": "hello"})

    assert {"text": "hello"} == await eve.expect("said")
    with pytest.raises(RequestRefused) as caught:
        await eve.request("say", {"text": "me too"}, room="hall")
    assert 9 == caught.value.code


async def test_a_newcomer_is_told_the_last_lines(talk: Stage) -> None:
    ada = await member(talk, "ada")
    assert {"lines": []} == await ada.expect("history")
    for text in ("one", "two", "three"):
        await ada.request("say", {"text": text})

    bob = await member(talk, "bob")

    assert {
        "lines": [{"sender": "ada", "text": "two"}, {"sender": "ada", "text": "three"}]
    } == await bob.expect("history")


async def test_the_history_is_for_the_newcomer_alone(talk: Stage) -> None:
    ada = await member(talk, "ada")
    await ada.expect("history")
    await member(talk, "bob")

    assert [] == await ada.received("history")


async def test_talk_is_cleaned_before_it_is_measured(talk: Stage) -> None:
    ada = await member(talk, "ada")
    await ada.request("say", {"text": "  0123456\u0000789  "})

    assert {"text": "0123456789"} == await ada.expect("said")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "There is nothing to say."),
        (" \n\t\u0000 ", "There is nothing to say."),
        ("01234567890", "Say at most 10 characters."),
    ],
)
async def test_nothing_and_too_much_are_refused(talk: Stage, text: str, message: str) -> None:
    ada = await member(talk, "ada")

    with pytest.raises(RequestRefused) as caught:
        await ada.request("say", {"text": text})
    assert (21, "text", message) == (caught.value.code, caught.value.field, caught.value.message)
    assert [] == await ada.received("said")


async def test_what_is_no_text_is_refused(talk: Stage) -> None:
    ada = await member(talk, "ada")

    with pytest.raises(RequestRefused) as caught:
        await ada.request("say", {"text": 7})
    assert (21, "text") == (caught.value.code, caught.value.field)


async def test_a_game_can_have_talk_beside_it(talk: Stage) -> None:
    ada = await member(talk, "ada", "counter")
    assert {"joins": 1} == await ada.expect("count")
    await ada.request("say", {"text": "hello"})

    assert {"text": "hello"} == await ada.expect("said")


@pytest.mark.parametrize(
    ("text", "cleaned_text"),
    [
        ("  hello  ", "hello"),
        ("one\r\ntwo\rthree\nfour", "one\ntwo\nthree\nfour"),
        ("a\tb", "a b"),
        ("e\u0301", "\u00e9"),
        ("a\u0000\u0007\u009fb", "ab"),
        ("\u202eevil\u202c \u2066turned\u2069", "evil turned"),
        ("\U0001f469\u200d\U0001f680", "\U0001f469\u200d\U0001f680"),
    ],
)
def test_text_is_cleaned(text: str, cleaned_text: str) -> None:
    assert cleaned_text == cleaned(text)
