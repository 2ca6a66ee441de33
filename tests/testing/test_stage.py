"""Stage: a server in memory; what its wire does, and that nothing of it is left."""

from __future__ import annotations

import asyncio

import pytest

from goroom import ApplicationExtension, Disconnect, Event, Refused, Server, User, handles
from goroom.errors import HandlerFailed
from goroom.messages import EventType
from goroom.testing import Stage
from goroom.testing.stage import MemoryWire
from goroom.wire.frames import TEXT, frame
from tests.diary import APP, LIMITS, Diary, make_server


class Clock(ApplicationExtension):
    @handles("wait")
    async def wait(self, user: User) -> float:
        loop = asyncio.get_running_loop()
        before = loop.time()
        await asyncio.sleep(2)
        return loop.time() - before

    @handles("big")
    def big(self, user: User) -> str:
        user.send("big", "x" * 300)
        return "x" * 70_000


def make_clock() -> Server:
    server = Server(limits=LIMITS)
    server.add_application(APP, Clock)
    return server


async def test_time_passes_when_the_test_says_so() -> None:
    async with Stage(make_clock()) as stage:
        ann = await stage.player("ann")
        ann.send_frame(eventType=11, appName=APP, action="wait", id=50)
        await stage.advance(1.9)
        await ann.quiet()
        await stage.advance(0.1)

        assert 2.0 == pytest.approx((await ann.receive())["data"])


async def test_frames_of_every_length_arrive() -> None:
    async with Stage(make_clock()) as stage:
        ann = await stage.player("ann")

        assert 70_000 == len(await ann.request("big", room=""))
        assert 300 == len(await ann.expect("big"))


async def test_a_stage_whose_server_does_not_start_gives_the_clock_back() -> None:
    class Broken(ApplicationExtension):
        def init(self) -> None:
            raise OSError

    server = Server(limits=LIMITS)
    server.add_application(APP, Broken)
    loop = asyncio.get_running_loop()
    with pytest.raises(HandlerFailed):
        await Stage(server).__aenter__()
    before = loop.time()
    await asyncio.sleep(0.01)

    assert loop.time() > before


async def test_a_stage_ends_once() -> None:
    stage = Stage(make_clock())
    async with stage:
        ann = await stage.player("ann")
        await stage.close()
        await stage.close()

    assert (1001, "the server stops") == ann.closed


async def test_a_player_needs_an_application_where_there_are_several() -> None:
    async with Stage(make_server(Diary())) as stage:
        with pytest.raises(TypeError, match="say which application"):
            await stage.player("ann")
        bound = await stage.player("ann", application=APP)

        assert APP == bound.app


async def test_credentials_and_options_of_the_link_are_told_apart(
    diary: Diary, hall: Stage
) -> None:
    seen: list[object] = []

    def on_login(user: User, credentials: dict[str, object]) -> None:
        turn = hall.server.applications[APP].extension.turn
        assert turn.connection is not None
        seen.append((credentials["secret"], turn.connection.query["a"]))

    hall.server.applications[APP].extension.add_handler(Event.LOGIN, on_login)
    await hall.player("ann", app=APP, secret=3, query={"a": "b"}, subprotocol=None)

    assert [(3, "b")] == seen


async def test_a_wire_that_stops_reading_holds_what_is_written(hall: Stage) -> None:
    ann = await hall.player("ann", app=APP)
    wire = ann.wire
    assert isinstance(wire, MemoryWire)
    wire.stop_reading()
    hall.server.applications[APP].broadcast("said")
    await hall.settle()
    assert [] == await ann.received("said")
    assert wire.transport.buffered() > 0
    wire.read_again()

    assert [{}] == await ann.received("said")
    assert 0 == wire.transport.buffered()


async def test_what_is_sent_after_the_end_goes_nowhere(hall: Stage) -> None:
    ann = await hall.player("ann", app=APP)
    await ann.cut()
    ann.send("say")
    await ann.close()

    assert (1006, "") == ann.closed
    await ann.quiet()


async def test_a_server_that_writes_what_no_player_understands_fails_the_test(hall: Stage) -> None:
    ann = await hall.connect(app=APP)
    wire = ann.wire
    assert isinstance(wire, MemoryWire)

    with pytest.raises(AssertionError, match="opcode 3"):
        wire.transport.write(frame(3, b""))
    wire.transport.write(frame(TEXT, b"{}"))
    assert b"{}" == await wire.receive()


async def test_a_turned_away_connection_is_closed_for_both(diary: Diary, hall: Stage) -> None:
    diary.failures["on_connect"] = Disconnect(4503, "banned")
    ann = await hall.connect(application=APP)

    assert (4503, "banned") == ann.closed
    assert [] == list(hall.server.connections)


async def test_refusals_of_a_bound_endpoint_carry_no_application(hall: Stage) -> None:
    ann = await hall.connect(application=APP)
    reply = await ann.exchange(eventType=EventType.JOIN_APP)

    assert {"appName": APP} == reply["data"]
    assert "appName" not in reply


async def test_a_failing_login_is_raised(diary: Diary, hall: Stage) -> None:
    diary.failures["on_login"] = Refused("no")

    with pytest.raises(Exception, match="3 login_refused: no"):
        await hall.player("ann", app=APP)
