"""UserService: logins, double logins, and what races them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from goroom import ApplicationExtension, Disconnect, Event, LeaveReason, Refused, User
from goroom.connection import Connection
from goroom.messages import EventType
from goroom.testing import Player, Stage
from tests.diary import (
    APP,
    ENDING,
    ENDING_HOOKS,
    ROOM,
    Diary,
    in_room,
    make_server,
    refusal,
    users_of,
)
from tests.returning import (
    NOTHING,
    app_of,
    ask,
    code_of,
    lose_while_handled,
    news,
    presence,
    reconnect,
    remains,
    room_of,
    seated,
    user_of,
)


@pytest.fixture
async def pair(diary: Diary) -> AsyncIterator[Stage]:
    """A server where a user may have two connections."""
    async with Stage(make_server(diary, double_login="allow:2")) as stage:
        yield stage


async def log_in_later(stage: Stage, name: str) -> Player:
    """Connect, and send a LOGIN whose ``on_login`` is held up."""
    player = await stage.connect(app=APP)
    player.send_frame(eventType=EventType.LOGIN, appName=APP, data={"username": name}, id=99)
    await stage.settle()
    return player


# -- the beginning ------------------------------------------------------------------------------


async def test_on_login_sees_the_credentials_and_no_user_yet(diary: Diary, hall: Stage) -> None:
    seen: list[Any] = []
    diary.deeds["on_login"] = lambda user: seen.append((user.is_present, dict(users_of(hall))))

    await hall.player("ann", app=APP)

    assert [(False, {})] == seen
    assert ["ann"] == list(users_of(hall))
    assert users_of(hall)["ann"].is_present


async def test_what_on_login_sends_follows_the_reply(diary: Diary, hall: Stage) -> None:
    diary.deeds["on_login"] = lambda user: user.send("welcome")

    ann = await hall.player("ann", app=APP)
    await ann.settle()
    await ann.expect("welcome")

    assert [EventType.LOGIN, EventType.MESSAGE] == [frame["eventType"] for frame in ann.frames]


async def test_a_refused_login_has_sent_nothing_and_moved_nobody(diary: Diary, hall: Stage) -> None:
    diary.deeds["on_login"] = lambda user: (user.send("welcome"), user.move_to(ROOM))[0]
    diary.failures["on_login"] = Refused("no entry")
    ann = await hall.connect(app=APP)

    assert (3, "no entry") == await refusal(ann.login("ann"))
    await ann.quiet()
    assert {} == dict(users_of(hall))


async def test_a_login_that_fails_tells_no_secret(diary: Diary, hall: Stage) -> None:
    diary.failures["on_login"] = OSError("hunter2")
    ann = await hall.connect(app=APP)

    assert (500, "Server Error") == await refusal(ann.login("ann"))
    assert "hunter2" not in str(ann.frames)


async def test_a_login_that_takes_too_long_is_27(diary: Diary, hall: Stage) -> None:
    diary.hold("on_login")
    ann = await log_in_later(hall, "ann")

    await hall.advance(4.9)
    await ann.quiet()
    await hall.advance(0.3)
    reply = await ann.receive()

    assert (99, 27) == (reply["id"], reply["error"]["code"])
    assert {} == dict(users_of(hall))


async def test_disconnect_in_on_login_closes(diary: Diary, hall: Stage) -> None:
    diary.failures["on_login"] = Disconnect(4503, "banned")
    ann = await log_in_later(hall, "ann")

    assert (4503, "banned") == ann.closed
    frame = await ann.expect_event(EventType.DISCONNECTION)
    assert {"appName": APP, "code": 4503, "message": "banned"} == frame["data"]


async def test_the_server_logs_a_connection_in_and_seats_it() -> None:
    class Door(ApplicationExtension):
        async def init(self) -> None:
            await self.application.rooms.create("hall")

        async def on_connect(self, connection: Connection) -> None:
            user = await self.application.users.login(connection, "guest")
            await self.application.rooms["hall"].join(user)

    server = make_server(Diary())
    server.add_application("door", Door)
    async with Stage(server) as stage:
        guest = await stage.connect(app="door")
        await guest.call(EventType.JOIN_APP)

        events = [frame["eventType"] for frame in guest.frames]
        assert [EventType.LOGIN, EventType.JOIN_ROOM, EventType.JOIN_APP] == events
        assert ["guest"] == list(server.applications["door"].rooms["hall"].members)
        await guest.cut()
        assert [] == list(server.applications["door"].users)


async def test_who_was_logged_in_and_then_refused_at_the_door_is_gone_again() -> None:
    left: list[object] = []

    class Door(ApplicationExtension):
        async def on_connect(self, connection: Connection) -> None:
            await self.application.users.login(connection, "guest")
            raise Refused("full")

        def on_disconnect(self, user: User, reason: LeaveReason) -> None:
            left.append(reason)

    server = make_server(Diary())
    application = server.add_application("door", Door)
    async with Stage(server) as stage:
        guest = await stage.connect(app="door")

        assert (26, "full") == await refusal(guest.call(EventType.JOIN_APP))
        assert [LeaveReason.DISCONNECTED] == left
        assert {} == dict(application.users)
        assert guest.closed is None


async def test_only_a_connection_of_the_application_can_be_logged_in(
    diary: Diary, hall: Stage
) -> None:
    await hall.connect(app="other")
    (connection,) = hall.server.connections

    with pytest.raises(RuntimeError, match="is not in 'test'"):
        await users_of(hall).login(connection, "ann")


async def test_a_bad_name_given_by_the_server_is_refused(diary: Diary, hall: Stage) -> None:
    ann = await hall.player("ann", app=APP)
    (connection,) = hall.server.connections

    with pytest.raises(Refused):
        await users_of(hall).login(connection, "system")
    with pytest.raises(Refused):
        await users_of(hall).login(connection, "bob")
    assert "ann" == ann.name


async def test_a_login_hook_added_later_counts(diary: Diary, hall: Stage) -> None:
    extension = hall.server.applications[APP].extension
    extension.remove_handler(Event.LOGIN)
    await hall.player("ann", app=APP)

    def refuse(user: User, credentials: dict[str, object]) -> None:
        raise Refused(f"not {credentials['username']}")

    extension.add_handler(Event.LOGIN, refuse)
    bob = await hall.connect(app=APP)

    assert (3, "not bob") == await refusal(bob.login("bob"))
    assert [] == diary.of("on_login")


# -- double logins ------------------------------------------------------------------------------


async def test_the_first_whose_on_login_accepts_is_in(diary: Diary, hall: Stage) -> None:
    diary.hold("on_login")
    players = [await log_in_later(hall, "ann") for _ in range(50)]

    diary.let_go("on_login")
    codes = [(await player.receive()).get("error", {}).get("code", 0) for player in players]

    assert [0] + [4] * 49 == sorted(codes)
    assert 1 == len(users_of(hall)["ann"].links)


async def test_fifty_that_replace_each_other_leave_the_last() -> None:
    diary = Diary()
    async with Stage(make_server(diary, double_login="replace")) as stage:
        diary.hold("on_login")
        players = [await log_in_later(stage, "ann") for _ in range(50)]
        diary.let_go("on_login")
        await stage.advance(2)

        closed = [player.closed for player in players]
        assert [(4509, "replaced by a newer login")] * 49 + [None] == closed
        assert 1 == len(users_of(stage)["ann"].links)
        assert ["on_disconnect ann replaced"] * 49 == diary.of("on_disconnect")


async def test_a_newer_login_comes_when_the_older_has_left_its_rooms() -> None:
    diary = Diary()
    async with Stage(make_server(diary, double_login="replace")) as stage:
        ann = await in_room(stage)
        diary.hold("on_leave")
        newer = await log_in_later(stage, "ann")
        await newer.quiet()
        diary.let_go("on_leave")

        await newer.expect_event(EventType.LOGIN)
        assert [line.format(reason="replaced") for line in ENDING] == diary.of(*ENDING_HOOKS)
        assert (4509, "replaced by a newer login") == ann.closed


async def test_a_refused_newer_login_replaces_nobody() -> None:
    diary = Diary()
    async with Stage(make_server(diary, double_login="replace")) as stage:
        ann = await in_room(stage)
        diary.failures["on_login"] = Refused("wrong password")
        await log_in_later(stage, "ann")

        await ann.request("say")
        assert [] == diary.of(*ENDING_HOOKS)


@pytest.mark.parametrize("reason", ["logout", "cut"])
async def test_a_login_that_waits_while_the_other_connection_goes_is_a_login(reason: str) -> None:
    diary = Diary()
    async with Stage(make_server(diary, double_login="allow:2")) as stage:
        first = await in_room(stage)
        diary.hold("on_login")
        second = await log_in_later(stage, "ann")
        if reason == "cut":
            await first.cut()
        else:
            first.send_frame(eventType=EventType.LOGOUT, appName=APP, id=50)
            await stage.settle()
        diary.let_go("on_login")

        reply = await second.expect_event(EventType.LOGIN)
        assert [ROOM] == [room["roomName"] for room in reply["data"]["rooms"]]
        assert [] == diary.of(*ENDING_HOOKS)
        second.room = ROOM
        await second.request("say")
        await second.cut()
        assert [] == list(users_of(stage))


async def test_who_is_kicked_gets_no_further_connection() -> None:
    diary = Diary()
    async with Stage(make_server(diary, double_login="allow:2")) as stage:
        await stage.player("ann", app=APP)
        diary.hold("on_login")
        second = await log_in_later(stage, "ann")
        users_of(stage)["ann"].kick("out")
        await stage.settle()
        diary.let_go("on_login")

        assert 4 == (await second.receive())["error"]["code"]
        assert {} == dict(users_of(stage))
        await second.login("ann")


async def test_a_login_that_waited_for_an_end_is_another_users() -> None:
    diary = Diary()
    async with Stage(make_server(diary, double_login="allow:2")) as stage:
        first = await stage.player("ann", app=APP)
        diary.hold("on_disconnect")
        await first.cut()
        second = await log_in_later(stage, "ann")
        diary.let_go("on_disconnect")

        await second.expect_event(EventType.LOGIN)
        assert users_of(stage)["ann"].is_present
        assert not users_of(stage)["ann"].is_ending
        await second.cut()
        assert {} == dict(users_of(stage))


async def test_a_connection_that_was_put_out_meanwhile_is_not_logged_in(
    diary: Diary, hall: Stage
) -> None:
    ann = await hall.player("ann", app=APP)
    await ann.exchange(appName="other", eventType=EventType.JOIN_APP)
    diary.hold("on_login")
    ann.send_frame(eventType=EventType.LOGIN, appName=APP, data={"username": "bob"}, id=99)
    await hall.settle()
    users_of(hall)["ann"].kick()
    await hall.settle()
    diary.let_go("on_login")
    reply = await ann.expect_event(EventType.LOGIN, id=99)

    assert 2 == reply["error"]["code"]
    assert {} == dict(users_of(hall))


async def test_a_login_whose_socket_has_gone_ends_at_once(diary: Diary, hall: Stage) -> None:
    diary.hold("on_login")
    ann = await log_in_later(hall, "ann")
    await ann.cut()
    diary.let_go("on_login")
    await hall.settle()

    assert {} == dict(users_of(hall))
    assert ["on_disconnect ann disconnected"] == diary.of(*ENDING_HOOKS)


# -- the same name ---------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["refuse", "replace", "allow:2"])
async def test_a_login_under_an_away_users_name_ends_its_grace_time_first(
    policy: str, diary: Diary
) -> None:
    async with Stage(make_server(diary, double_login=policy)) as stage:
        bob = await seated(stage, "bob")
        ann = await seated(stage)
        old = user_of(stage)
        await ann.drop()
        diary.lines.clear()
        new = await seated(stage)
        _, reply = await reconnect(stage, ann.token)

        assert [
            "on_login ann",
            "on_disconnect ann disconnected",
            f"room.on_disconnect ann {ROOM} disconnected",
            f"on_leave ann {ROOM} disconnected",
            f"on_join ann {ROOM}",
        ] == [line for line in diary.lines if not line.startswith("on_connect")]
        assert 30 == code_of(reply)
        assert (False, [new.name]) == (
            user_of(stage) is old,
            [name for name in app_of(stage).users if name != "bob"],
        )
        assert [("join", "ann"), ("away", "ann"), ("leave", "ann"), ("join", "ann")] == (
            await presence(bob)
        )
        assert 2 == len(app_of(stage).tickets)


async def test_a_refused_login_under_an_away_users_name_changes_nothing(
    diary: Diary, hall: Stage
) -> None:
    ann = await seated(hall)
    await ann.drop()
    diary.failures["on_login"] = Refused("no")
    other = await hall.connect(app=APP)

    assert (3, "no") == await refusal(other.login("ann"))
    await ann.resume()
    assert [] == diary.of("on_leave", "on_disconnect")


@pytest.mark.parametrize("hook", ["on_disconnect", "room.on_disconnect", "on_leave"])
async def test_a_login_waits_until_the_away_one_has_left(
    hook: str, diary: Diary, hall: Stage
) -> None:
    ann = await seated(hall)
    await ann.drop()
    diary.hold(hook)
    other = await hall.connect(app=APP)
    ask(other, EventType.LOGIN, 1, data={"username": "ann"})
    await hall.settle()
    _, reply = await reconnect(hall, ann.token)
    await other.quiet()
    diary.let_go(hook)

    assert 30 == code_of(reply)
    assert 0 == code_of(await other.receive())
    assert {} == dict(user_of(hall).rooms)


@pytest.mark.parametrize(("policy", "code"), [("refuse", 4), ("replace", 0), ("allow:2", 0)])
async def test_who_comes_back_while_a_login_of_its_name_is_asked_about_stays(
    policy: str, code: int, diary: Diary
) -> None:
    async with Stage(make_server(diary, double_login=policy)) as stage:
        ann = await seated(stage)
        await ann.drop()
        diary.hold("on_login")
        other = await stage.connect(app=APP)
        ask(other, EventType.LOGIN, 1, data={"username": "ann"})
        await stage.settle()
        await ann.resume()
        diary.let_go("on_login")
        reply = await other.expect_event(EventType.LOGIN)

        assert code == code_of(reply)
        assert (ann.closed is None) is (policy != "replace")
        assert 1 + (policy == "allow:2") == len(user_of(stage).links)


async def test_a_login_that_would_have_joined_one_that_goes_away_begins_anew(
    diary: Diary, pair: Stage
) -> None:
    ann = await seated(pair)
    old = user_of(pair)
    diary.hold("on_login")
    other = await pair.connect(app=APP)
    ask(other, EventType.LOGIN, 1, data={"username": "ann"})
    await pair.settle()
    await ann.drop()
    diary.let_go("on_login")
    reply = await other.expect_event(EventType.LOGIN)
    new = user_of(pair)

    assert [] == reply["data"]["rooms"]
    assert (False, True, False) == (new is old, new.is_present, new.is_ending)
    assert (True, False) == (old.gone.is_set(), new.gone.is_set())
    await other.join(ROOM)


async def test_on_login_is_asked_about_nobody_who_has_gone_away_meanwhile(
    diary: Diary, pair: Stage
) -> None:
    ann = await seated(pair)
    seen: list[User] = []
    diary.deeds["on_login"] = seen.append
    diary.hold("on_message")
    ann.send("wait", room="")
    await pair.settle()
    other = await pair.connect(app=APP)
    ask(other, EventType.LOGIN, 1, data={"username": "ann"})  # waits in her line
    await pair.settle()
    await lose_while_handled(pair, ann)
    diary.let_go("on_message")
    await pair.settle()

    assert 0 == code_of(await other.receive())
    assert [user_of(pair)] == seen


async def test_a_login_whose_answer_was_lost_is_followed_by_another(
    diary: Diary, hall: Stage
) -> None:
    lost = await hall.player("ann", app=APP, resume=True)
    await lost.drop()
    again = await hall.player("ann", app=APP, resume=True)

    assert ["on_disconnect ann disconnected"] == diary.of("on_disconnect")
    assert 1 == len(app_of(hall).tickets)
    assert again.token != lost.token


# -- several connections ---------------------------------------------------------------------


async def test_who_has_another_connection_is_not_away(diary: Diary, pair: Stage) -> None:
    bob = await seated(pair, "bob")
    ann = await seated(pair)
    other = await pair.player("ann", app=APP, resume=True)
    await ann.drop()
    room_of(pair).broadcast("told", only="ann")
    before = await presence(bob)
    await other.drop()
    between = diary.of("app.on_drop", "on_drop", "on_resume")
    await other.resume()
    await ann.resume()

    assert [("join", "ann")] == before
    assert ["app.on_drop ann", f"on_drop ann {ROOM}"] == between
    assert ["app.on_resume ann", f"on_resume ann {ROOM}"] == diary.of("app.on_resume", "on_resume")
    assert [("join", "ann"), ("away", "ann"), ("back", "ann")] == await presence(bob)
    assert [[{}], [{}]] == [await one.received("told") for one in (ann, other)]


async def test_each_connection_has_a_token_and_a_grace_time_of_its_own(
    diary: Diary, pair: Stage
) -> None:
    ann = await seated(pair)
    other = await pair.player("ann", app=APP, resume=True)
    await ann.drop()
    await pair.advance(20)
    await other.drop()
    await pair.advance(10)
    _, late = await reconnect(pair, ann.token)
    left = user_of(pair).seconds_left()
    await other.resume()

    assert 30 == code_of(late)
    assert 20 == left
    assert [f"on_drop ann {ROOM}", f"on_resume ann {ROOM}"] == diary.of(
        "on_drop", "on_resume", "on_leave"
    )
    assert 1 == len(app_of(pair).tickets)


async def test_a_full_house_lets_a_login_in_for_the_connection_away_the_longest(
    diary: Diary,
) -> None:
    async with Stage(make_server(diary, double_login="allow:3")) as stage:
        players = [await stage.player("ann", app=APP, resume=True) for _ in range(3)]
        for player in players[:2]:
            await player.drop()
        newcomer = await stage.player("ann", app=APP, resume=True)
        codes = [code_of((await reconnect(stage, one.token))[1]) for one in players[:2]]

        assert [30, 0] == codes
        assert [None, None] == [players[2].closed, newcomer.closed]
        assert 3 == len(user_of(stage).links)


async def test_who_can_come_back_beside_one_who_cannot_gets_what_it_missed(pair: Stage) -> None:
    first = await seated(pair, resume=False)
    room_of(pair).broadcast("before", only="ann")
    ann = await pair.player("ann", app=APP, resume=True)
    await ann.drop()
    room_of(pair).broadcast("missed")
    room_of(pair).broadcast("missed", only="ann")
    app_of(pair).users["ann"].send("missed")
    reply = await ann.resume()

    assert [False, False] == ["reset" in reply["app"], "reset" in reply["rooms"][ROOM]]
    assert ["missed"] * 3 == [one["action"] for one in await news(ann) if "action" in one]
    assert first.closed is None


@pytest.mark.parametrize("way", ["drop", "logout", "disconnection", "disconnect"])
async def test_who_is_away_when_its_last_connection_goes_is_told_away(
    way: str, diary: Diary, pair: Stage
) -> None:
    bob = await seated(pair, "bob")
    ann = await seated(pair)
    other = await pair.player("ann", app=APP)
    await ann.drop()
    before = diary.of("on_drop", "app.on_drop")
    if way == "drop":
        await other.drop()
    elif way == "logout":
        await other.logout()
    elif way == "disconnection":
        await other.call(EventType.DISCONNECTION)
    else:
        diary.failures["act"] = Disconnect(4503, "banned")
        other.send("act", room=ROOM)
    await pair.settle()
    hooks = diary.of("on_drop", "app.on_drop")
    await ann.resume()

    assert [] == before
    assert ["app.on_drop ann", f"on_drop ann {ROOM}"] == hooks
    assert [("join", "ann"), ("away", "ann"), ("back", "ann")] == await presence(bob)


async def test_what_nobody_can_ask_for_is_not_kept(pair: Stage) -> None:
    ann = await seated(pair)
    await pair.player("ann", app=APP)
    await ann.logout()

    assert ["ann"] == list(app_of(pair).users)
    assert 0 == remains(pair)["histories"]


async def test_a_kick_ends_what_is_away_and_what_is_not(diary: Diary, pair: Stage) -> None:
    ann = await seated(pair)
    other = await pair.player("ann", app=APP, resume=True)
    await ann.drop()
    user_of(pair).kick("bye")
    await pair.settle()
    _, reply = await reconnect(pair, ann.token)

    assert (4500, "bye") == other.closed
    assert 30 == code_of(reply)
    assert NOTHING == remains(pair)


async def test_who_is_away_is_kicked_as_anybody(diary: Diary, hall: Stage) -> None:
    bob = await seated(hall, "bob", resume=False)
    ann = await seated(hall)
    await ann.drop()
    user_of(hall).kick("bye")
    await hall.settle()
    _, reply = await reconnect(hall, ann.token)

    assert 30 == code_of(reply)
    assert ["on_disconnect ann kicked"] == diary.of("on_disconnect")
    assert [("join", "ann"), ("away", "ann"), ("leave", "ann")] == await presence(bob)
    await bob.logout()
    assert NOTHING == remains(hall)


async def test_who_goes_away_while_its_other_connection_logs_out_is_told_away_once(
    diary: Diary, pair: Stage
) -> None:
    bob = await seated(pair, "bob")
    ann = await seated(pair)
    other = await pair.player("ann", app=APP)
    diary.hold("on_message")
    ask(ann, EventType.MESSAGE, 50, action="anything")
    ask(other, EventType.LOGOUT, 50)  # waits behind it
    await pair.settle()
    await lose_while_handled(pair, ann)
    diary.let_go("on_message")
    await pair.settle()

    assert user_of(pair).is_away
    assert ["app.on_drop ann", f"on_drop ann {ROOM}"] == diary.of("on_drop", "app.on_drop")
    assert [("join", "ann"), ("away", "ann")] == await presence(bob)
