"""What holds of the words game whatever its clients say, in whatever order, at whatever time."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from tests.examples.words.clients import Client, Frame, Hall, hall

CLIENTS = 4
ROOMS = ("den", "hut")

TEXTS = st.sampled_from(
    ["", "w", "water", "rabbit", "tiger", "window", "WOLF", "\U0001f600", "<b>", "x" * 600]
)
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "roomname": st.sampled_from([*ROOMS, "", "mesh-global", 5]),
        "playerlimit": st.sampled_from([1, 2, 3, 1.5, -1, None]),
        "setname": TEXTS,
        "message": TEXTS,
        "game_duration": st.sampled_from(["1", "15", "30", "soon", "", None]),
        "player_limit": st.sampled_from(["1", "2", "5", "-1"]),
    },
)
ACTIONS = st.sampled_from(
    [
        *("join-room", "join-random-room", "set-client-name", "start-the-game", "room-settings"),
        *("send-message", "attempt-word", "leave-room", "on_join", ""),
    ]
)
SAID = st.tuples(st.integers(0, CLIENTS - 1), ACTIONS, BODIES)
PASSED = st.sampled_from([0.1, 0.69, 1.0, 5.0, 10.0, 11.0, 60.0])
CUT = st.integers(0, CLIENTS - 1)
STEPS = st.lists(st.one_of(SAID, SAID, SAID, PASSED, CUT.map(lambda number: ("cut", number))))


class Follower:
    """Follows the frames that one client receives about one room, and holds them to the rules."""

    def __init__(self, room: str = "", listed: list[str] | None = None) -> None:
        self.listed = {room: listed or []}
        self.is_over: dict[str, bool] = {}

    def take(self, frame: Frame) -> None:
        """Check one frame."""
        room, body = frame["target"], frame["message_body"]
        if frame["action"] == "know-yourself":
            self.is_over.clear()
        elif frame["action"] == "client-list-notify":
            self.listed[room] = slugs(body["clientsinroomessage"])
            assert sorted(self.listed[room]) == self.listed[room]
        elif frame["action"] == "message-by-bot":
            assert self.listed[room] == slugs(body["clientstats"])
            assert len(self.listed[room]) >= 2
            if "whichclientturn" in body:
                assert body["whichclientturn"] in body["clientstats"]
        elif frame["action"] == "room-bot-end-game":
            assert not self.is_over.get(room, False)
            self.is_over[room] = True
            scores = [player["score"] for player in body["client_list"]]
            assert sorted(scores, reverse=True) == scores
            assert sum(scores) <= len(body["word_list"])
            assert len(set(body["word_list"])) == len(body["word_list"])


def slugs(players: list[dict[str, Any]]) -> list[str]:
    """Return who they are."""
    return [player["slug"] for player in players]


async def play(game: Hall, clients: list[Client], steps: list[Any]) -> None:
    """Do what *steps* say, and look at everything that comes of it."""
    seated = sorted(client.slug for client in clients if client.slug)
    followers = [Follower("den", seated) for _ in clients]
    for step in steps:
        if isinstance(step, float):
            await game.stage.advance(step)
        elif step[0] == "cut":
            await clients[step[1]].line.cut()
            clients[step[1]], followers[step[1]] = await game.client(), Follower()
        else:
            number, action, body = step
            target = "mesh-global" if action.startswith("join-") else body.get("roomname", "den")
            clients[number].say(action, str(target), **body)
        for client, follower in zip(clients, followers, strict=True):
            for frame in await client.received():
                follower.take(frame)


@given(steps=STEPS, is_playing=st.booleans())
async def test_no_sequence_of_frames_breaks_a_room_or_a_rule(
    *, steps: list[Any], is_playing: bool
) -> None:
    with capture_logs() as logs:
        async with hall() as game:
            clients = [*await game.friends("Anna", "Bobby", "Carl"), await game.client()]
            if is_playing:
                clients[0].say("start-the-game", message="den")
            await play(game, clients, steps)
            for client in clients:
                await client.line.cut()
            await game.stage.advance(120)
            application = game.stage.server.applications["words"]
            left = len(application.users), list(application.rooms)

    assert (0, ["mesh-global"]) == left
    assert [] == [entry for entry in logs if entry["log_level"] in {"error", "critical"}]
