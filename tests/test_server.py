"""Server: applications added, started, stopped; no sockets."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import attrs
import pytest
from structlog.testing import capture_logs

from goroom import (
    ApplicationExtension,
    LeaveReason,
    Limits,
    Refused,
    RoomExtension,
    User,
    handles,
)
from goroom.errors import HandlerFailed
from goroom.messages import EventType
from goroom.peer import Peer
from goroom.server import Server
from goroom.testing import Stage
from goroom.testing.clock import Clock
from goroom.wire import JsonDialect
from tests.diary import APP, LIMITS, ROOM, Diary, make_server


@pytest.mark.parametrize("name", ["", " ", "x" * 65, "a\nb"])
def test_a_bad_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be an application's name"):
        Server().add_application(name)


def test_a_name_is_given_once() -> None:
    server = Server()
    server.add_application("a")

    with pytest.raises(ValueError, match="already"):
        server.add_application("a")
    assert ["a"] == list(server.applications)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((RoomExtension,), TypeError),
        ((object,), TypeError),
        (("Lobby",), TypeError),
        ((ApplicationExtension, {"table": ApplicationExtension}), TypeError),
    ],
)
def test_what_is_no_extension_class_is_refused(arguments: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="give the class"):
        Server().add_application("a", *arguments)


class Recorder:
    """A transport that takes everything."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []

    def write(self, data: bytes) -> bool:
        self.writes.append(data)
        return False

    def buffered(self) -> int:
        return 0

    def is_lost(self) -> bool:
        return False

    async def drained(self) -> None:
        """Return at once."""

    def close(self) -> None:
        """Do nothing."""

    def abort(self) -> None:
        """Do nothing."""


async def test_a_connection_is_written_to_as_its_most_eager_application_asks() -> None:
    clock = Clock().install()
    server = Server()
    slow = server.add_application("slow", flush=0.05)
    quick = server.add_application("quick", flush=0.02)
    await server.open()
    recorder = Recorder()
    connection = server.connect(recorder, server.spoken(JsonDialect, None), Peer())
    counts = []
    await connection.enter(slow)
    connection.pinged(b"1")
    for seconds in (0.04, 0.02):
        await clock.advance(seconds)
        counts.append(len(recorder.writes))
    await connection.enter(quick)
    connection.pinged(b"2")
    await clock.advance(0.02)
    counts.append(len(recorder.writes))
    await connection.expel(connection.links["quick"], 4500, "")
    await clock.advance(0.1)
    connection.pinged(b"3")
    for seconds in (0.04, 0.02):
        await clock.advance(seconds)
        counts.append(len(recorder.writes))
    await connection.expel(connection.links["slow"], 4500, "")
    await clock.settle()
    counts.append(len(recorder.writes))
    clock.remove()
    await connection.end()

    assert [0, 1, 2, 3, 4, 5] == counts


@pytest.mark.parametrize("flush", ["turns", 0, -0.1, 1.5, True, None, float("nan")])
def test_a_flush_that_is_no_policy_is_refused(flush: Any) -> None:
    with pytest.raises(ValueError, match='flush is "turn", or seconds'):
        Server().add_application("a", flush=flush)


async def test_on_a_stage_nobody_waits_for_a_flush() -> None:
    server = Server()
    server.add_application("a", flush=1.0)
    async with Stage(server) as stage:
        ann = await stage.player("ann")

    assert "ann" == ann.name


class Slow(RoomExtension):
    """Waits where it is told to."""

    def init(self) -> None:
        self.goes_on, self.is_left = asyncio.Event(), asyncio.Event()

    @handles("wait")
    async def wait(self, user: User) -> None:
        await self.goes_on.wait()

    async def on_leave(self, user: User, reason: LeaveReason) -> None:
        await self.is_left.wait()


async def test_a_connection_stays_until_its_hooks_are_done_however_often_its_end_begins() -> None:
    server = Server()
    application = server.add_application("a", rooms={"slow": Slow})
    async with Stage(server) as stage:
        room = await application.rooms.create("slow")
        slow: Any = room.extension
        ann = await stage.player("ann")
        await ann.join("slow")
        other = await application.rooms.create("other", "slow")
        await ann.join("other")
        ann.send("wait", room="other")
        await ann.cut()
        await stage.advance(1.1)  # it is seen that the socket is gone: the end begins
        waiting: Any = other.extension
        waiting.goes_on.set()
        waiting.is_left.set()
        await stage.settle()  # the reader is done: the end begins again
        before = len(server.connections)
        slow.is_left.set()
        await stage.settle()

        assert (1, 0) == (before, len(server.connections))


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(ValueError, match="double_login"):
        Server().add_application("a", double_login="both")


async def test_applications_come_before_the_start() -> None:
    server = Server()
    await server.open()
    with pytest.raises(RuntimeError, match="add applications before"):
        server.add_application("a")
    await server.close()


async def test_a_server_starts_once() -> None:
    server = Server()
    await server.open()
    with pytest.raises(RuntimeError, match="starts once"):
        await server.open()
    await server.close()
    await server.close()
    with pytest.raises(RuntimeError, match="starts once"):
        await server.open()


async def test_a_server_that_does_not_run_takes_nobody() -> None:
    server = Server()
    with pytest.raises(RuntimeError, match="start it first"):
        server.connect(None, JsonDialect(), Peer())  # type: ignore[arg-type]


async def test_an_init_that_fails_ends_what_the_others_began() -> None:
    class First(ApplicationExtension):
        async def init(self) -> None:
            self.every(1, lambda: None)
            await self.application.rooms.create("hall")

    class Second(ApplicationExtension):
        def init(self) -> None:
            raise OSError("secret")

    server = Server(limits=LIMITS)
    server.add_application("first", First)
    server.add_application("second", Second)
    with pytest.raises(HandlerFailed):
        await server.open()

    assert (False, 0) == (server.is_running, len(server.runtime.timers))


async def test_each_init_runs_before_anybody_enters_and_in_order() -> None:
    begun: list[str] = []

    class Lobby(ApplicationExtension):
        async def init(self) -> None:
            await asyncio.sleep(0)
            begun.append(self.application.name)

    server = Server(limits=LIMITS)
    for name in ("b", "a"):
        server.add_application(name, Lobby)
    async with Stage(server):
        assert ["b", "a"] == begun


def test_a_seed_makes_ids_repeatable() -> None:
    ids = [[Server(seed=seed).runtime.new_id() for _ in range(2)] for seed in (1, 1, 2)]

    assert ids[0] == ids[1] != ids[2]


# -- the end ------------------------------------------------------------------------------------


async def test_at_the_end_every_user_ends_with_shutdown_and_every_socket_with_1001() -> None:
    diary = Diary()
    async with Stage(make_server(diary)) as stage:
        players = [await stage.player(name, app=APP) for name in ("ann", "bob")]
        nobody = await stage.connect()
        await players[0].join(ROOM)
        diary.lines.clear()
        await stage.close()

        for player in (*players, nobody):
            assert (1001, "the server stops") == player.closed
        assert ["on_disconnect ann shutdown", "on_disconnect bob shutdown"] == diary.of(
            "on_disconnect"
        )
        assert ["room.on_disconnect ann den shutdown", "on_leave ann den shutdown"] == diary.of(
            "room.on_disconnect", "on_leave"
        )
        assert 0 == len(stage.server.runtime.timers)


async def test_running_turns_may_end_and_waiting_ones_are_dropped_unanswered() -> None:
    diary = Diary()
    async with Stage(make_server(diary)) as stage:
        ann, bob = [await stage.player(name, app=APP) for name in ("ann", "bob")]
        for player in (ann, bob):
            await player.join(ROOM)
        diary.hold("act")
        ann.send_frame(eventType=11, appName=APP, roomName=ROOM, action="act", id=50)
        await stage.settle()
        bob.send_frame(eventType=11, appName=APP, roomName=ROOM, action="say", id=60)
        await stage.settle()
        closing = asyncio.ensure_future(stage.server.close())
        await stage.advance(4)
        ann.send_frame(eventType=11, appName=APP, roomName=ROOM, action="say", id=51)
        diary.let_go("act")
        await stage.advance(0.1)
        await closing

        assert "error" not in await ann.expect_event(EventType.MESSAGE, id=50)
        assert not any(frame.get("id") == 51 for frame in ann.frames)
        assert [] == await bob.received("said")
        assert not any(frame.get("id") == 60 for frame in bob.frames)


async def test_what_runs_for_longer_is_dropped() -> None:
    diary = Diary()
    limits = attrs.evolve(LIMITS, drain_seconds=2.0)
    async with Stage(make_server(diary, limits=limits)) as stage:
        ann = await stage.player("ann", app=APP)
        await ann.join(ROOM)
        diary.hold("act")
        ann.send_frame(eventType=11, appName=APP, roomName=ROOM, action="act", id=50)
        await stage.settle()
        closing = asyncio.ensure_future(stage.server.close())
        await stage.advance(2.2)
        await closing

        answer = await ann.expect_event(EventType.MESSAGE, id=50)
        assert (27, (1001, "the server stops")) == (answer["error"]["code"], ann.closed)
        assert ["on_leave ann den shutdown"] == diary.of("on_leave")


class Stubborn(ApplicationExtension):
    """Its handlers do not end when they are told to."""

    ends: threading.Event
    left: list[LeaveReason]

    @handles("in_thread", blocking=True)
    def in_thread(self, user: User) -> None:
        self.ends.wait(20)

    @handles("swallow")
    async def swallow(self, user: User) -> None:
        while not self.ends.is_set():
            try:
                await asyncio.sleep(1000)
            except asyncio.CancelledError:
                continue

    def on_disconnect(self, user: User, reason: LeaveReason) -> None:
        self.left.append(reason)


async def test_a_handler_that_swallows_its_end_keeps_no_server_from_stopping() -> None:
    class Lobby(Stubborn):
        ends = threading.Event()
        left: list[LeaveReason] = []  # noqa: RUF012 -- of this test

    server = Server(limits=LIMITS)
    server.add_application(APP, Lobby)
    async with Stage(server) as stage:
        ann = await stage.player("ann")
        ann.send("swallow", room="")
        await stage.settle()
        with capture_logs() as logs:
            closing = asyncio.ensure_future(server.close())
            await stage.advance(20)
            assert closing.done()
        Lobby.ends.set()
        await stage.advance(1000)

        assert [LeaveReason.SHUTDOWN] == Lobby.left
        assert "handler_stuck" in {entry["event"] for entry in logs}


async def test_a_client_that_is_lost_while_its_handler_runs_is_missed_within_a_second() -> None:
    class Lobby(ApplicationExtension):
        @handles("sleep")
        async def sleep(self, user: User) -> None:
            await asyncio.sleep(4)

    server = Server(limits=LIMITS)
    server.add_application(APP, Lobby)
    async with Stage(server) as stage:
        ann = await stage.player("ann", resume=True)
        ann.send("sleep", room="")
        await stage.settle()
        await ann.cut()
        before = server.applications[APP].users["ann"].is_away
        await stage.advance(1.1)

        assert (False, True) == (before, server.applications[APP].users["ann"].is_away)
        assert () == server.connections


async def test_who_is_lost_while_its_login_waits_runs_no_on_login() -> None:
    logins: list[str] = []

    class Lobby(ApplicationExtension):
        async def on_login(self, user: User, credentials: dict[str, object]) -> None:
            logins.append(user.name)
            await asyncio.sleep(4)

    server = Server(limits=LIMITS)
    server.add_application(APP, Lobby, double_login="replace")
    async with Stage(server) as stage:
        first, second = await stage.connect(app=APP), await stage.connect(app=APP)
        for player in (first, second):
            player.send_frame(
                eventType=EventType.LOGIN, appName=APP, data={"username": "ann"}, id=1
            )
            await stage.settle()
        await second.cut()
        await stage.advance(9)

        assert ["ann"] == logins
        assert first.closed is None
        assert ["ann"] == list(server.applications[APP].users)


async def test_a_thread_that_never_ends_keeps_no_server_from_stopping() -> None:
    class Lobby(Stubborn):
        ends = threading.Event()
        left: list[LeaveReason] = []  # noqa: RUF012 -- of this test

    limits = Limits(drain_seconds=0.1, close_seconds=0.1)
    server = Server(limits=limits)
    server.add_application(APP, Lobby)
    stage = Stage(server)
    await server.open()  # in real time: a thread does not follow the clock
    ann = await stage.connect(app=APP)
    ann.send_frame(eventType=EventType.LOGIN, appName=APP, data={"username": "ann"})
    ann.send("in_thread", room="")
    while not server.runtime.turns.threads_busy:  # noqa: ASYNC110 -- a thread sets no Event
        await asyncio.sleep(0)
    await asyncio.wait_for(server.close(), 5)

    assert [LeaveReason.SHUTDOWN] == Lobby.left
    Lobby.ends.set()
    while server.runtime.turns.threads_busy:  # noqa: ASYNC110 -- the same
        await asyncio.sleep(0.001)


async def test_a_timer_that_hangs_keeps_no_server_from_stopping() -> None:
    ends = asyncio.Event()

    class Lobby(ApplicationExtension):
        def init(self) -> None:
            self.every(1, self.tick)

        async def tick(self) -> None:
            while not ends.is_set():
                try:
                    await ends.wait()
                except asyncio.CancelledError:
                    continue

    server = Server(limits=LIMITS)
    server.add_application(APP, Lobby)
    async with Stage(server) as stage:
        await stage.advance(1.5)
        with capture_logs() as logs:
            closing = asyncio.ensure_future(server.close())
            await stage.advance(20)
            await closing
        ends.set()
        await stage.settle()

        assert "tasks_stuck" in {entry["event"] for entry in logs}


async def test_refusals_at_the_end_keep_nobody() -> None:
    diary = Diary()
    async with Stage(make_server(diary)) as stage:
        ann = await stage.player("ann", app=APP)
        await ann.join(ROOM)
        for hook in ("on_disconnect", "room.on_disconnect", "on_leave"):
            diary.failures[hook] = Refused("stay")
        await stage.close()

        assert {} == dict(stage.server.applications[APP].users)
        assert (1001, "the server stops") == ann.closed
