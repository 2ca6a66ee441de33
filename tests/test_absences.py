"""Absences: a lost connection keeps its seat, and gets all that it missed."""

from __future__ import annotations

from goroom import ApplicationExtension, RoomExtension, Server, User, handles
from goroom.messages import EventType
from goroom.testing import Player, Stage


class Hall(RoomExtension):
    """Says what is said, tells who is away, and shows a private view to who comes back."""

    def on_drop(self, user: User) -> None:
        self.room.broadcast("dropped", {"name": user.name})

    def on_resume(self, user: User) -> None:
        user.send("view", {"of": user.name})

    @handles("say", dict)
    def say(self, user: User, data: dict[str, object]) -> None:
        self.room.broadcast("said", data, sender=user)

    @handles("tell ann", dict)
    def tell_ann(self, user: User, data: dict[str, object]) -> None:
        self.room.broadcast("told", data, only="ann")


def make_server() -> Server:
    server = Server(seed=1)
    server.add_application("app", ApplicationExtension, {"hall": Hall})
    return server


async def hall_of_two(stage: Stage) -> tuple[Player, Player]:
    """Return ann, who can resume, and bob, both in the hall."""
    await stage.server.applications["app"].rooms.create("hall", "hall")
    ann, bob = await stage.player("ann", resume=True), await stage.player("bob")
    await ann.join("hall")
    await bob.join("hall")
    await ann.received()
    return ann, bob


async def test_a_lost_client_gets_all_it_missed_in_order_after_the_reply() -> None:
    async with Stage(make_server()) as stage:
        ann, bob = await hall_of_two(stage)
        await ann.drop()
        for number in (1, 3):
            await bob.request("say", {"n": number})
            await bob.request("tell ann", {"n": number + 1})

        seen = len(ann.frames)
        reply = await ann.resume()
        await ann.received()

    frames = [
        (frame["eventType"], frame.get("action"), frame.get("seq"), frame.get("sub"))
        for frame in ann.frames[seen:]
    ]
    assert [
        (EventType.RECONNECT, None, None, None),
        (EventType.MEMBER_AWAY, None, 3, None),
        (EventType.MESSAGE, "dropped", 4, None),
        (EventType.MESSAGE, "said", 5, None),
        (EventType.MESSAGE, "told", 5, 1),
        (EventType.MESSAGE, "said", 6, None),
        (EventType.MESSAGE, "told", 6, 1),
        (EventType.MEMBER_BACK, None, 7, None),
        (EventType.MESSAGE, "view", 7, 1),
    ] == frames
    assert {"seq": 6, "sub": 1} == {key: reply["rooms"]["hall"][key] for key in ("seq", "sub")}


async def test_the_grace_time_ends_the_login_of_who_stays_away() -> None:
    async with Stage(make_server()) as stage:
        ann, bob = await hall_of_two(stage)
        await ann.drop()
        await stage.advance(29)
        before = [frame["eventType"] for frame in bob.frames]
        await stage.advance(2)
        left = await bob.expect_event(EventType.LEAVE_ROOM, sender="ann")

        assert EventType.LEAVE_ROOM not in before
        assert "disconnected" == left["data"]["reason"]
        assert ["bob"] == list(stage.server.applications["app"].users)
        assert 0 == len(stage.server.applications["app"].tickets)
