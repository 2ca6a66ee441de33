"""One link with several logins, and all the ways it ends; nothing is left of it."""

from __future__ import annotations

import asyncio
import gc
import random
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from structlog.testing import capture_logs

from goroom.client import Backoff, Connection, Dropped, Heartbeat, Message, connect
from goroom.client import connection as module
from goroom.client.stream import Settings
from goroom.errors import ConnectionLost, RequestRefused
from goroom.testing import Clock
from tests.client.conftest import Network, Site, Wire, next_of, rest_of


async def test_awaited_a_connection_stays_until_it_is_closed(site: Site) -> None:
    app = await connect(site.url, app="test", name="ada")
    assert "open" == app.state

    await app.close()
    await app.close()

    assert "closed" == app.state


async def test_entered_it_is_closed_after_the_block(site: Site) -> None:
    async with connect(site.url, app="test", name="ada") as app:
        room = await app.join("hall")

    assert ("closed", True) == (app.state, room.has_left)


async def test_the_server_forgets_who_closed(site: Site) -> None:
    ada = await site.login("ada")
    room = await ada.join("hall")
    await next_of(room)
    async with connect(site.url, app="test", name="bob") as bob:
        await bob.join("hall")
        assert "bob" == (await next_of(room)).name

    assert "logged_out" == (await next_of(room)).reason


async def test_what_was_sent_before_the_close_arrives(site: Site) -> None:
    ada = await site.login("ada")
    room = await ada.join("hall")
    await next_of(room)
    async with connect(site.url, app="test", name="bob") as bob:
        theirs = await bob.join("hall")
        await next_of(room)
        theirs.send("tell", {"text": "farewell"})

    assert Message("told", {"text": "farewell"}, "bob") == await next_of(room)


async def test_the_close_waits_for_a_slow_link(
    wire: Wire, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = wire.send

    async def slow(text: str) -> None:
        await asyncio.sleep(0)
        await send(text)

    app = await wire.login(connection)
    monkeypatch.setattr(wire, "send", slow)
    for action in ("one", "two", "three"):
        app.send(action)
    await app.close()

    assert ["one", "two", "three", None] == [frame.get("action") for frame in wire.sent[1:]]
    assert 7 == wire.sent[-1]["eventType"]


async def test_the_close_waits_for_the_links_that_were_lost(
    network: Network, lasting: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = network.wires[0]
    is_open = asyncio.Event()

    async def close(code: int, reason: str) -> None:
        await is_open.wait()
        first.closed_with = code, reason

    monkeypatch.setattr(first, "close", close)
    await first.login(lasting)
    first.lose(1006)
    await network.wire(1)
    closing = asyncio.create_task(lasting.close())
    clock = Clock().install()
    await clock.settle()
    assert not closing.done()
    is_open.set()
    await closing
    clock.remove()

    assert (1000, "") == first.closed_with


async def test_a_close_that_wakes_nobody_leaves_no_task(
    wire: Wire, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def close(_code: int, _reason: str) -> None:
        pass

    app = await wire.login(connection)
    monkeypatch.setattr(wire, "close", close)
    await app.close()

    assert "closed" == app.state


async def test_loops_end_quietly_when_it_is_closed_here(site: Site) -> None:
    ada = await site.login("ada")
    room = await ada.join("hall")
    reader = asyncio.create_task(rest_of(room))
    await asyncio.sleep(0)
    await ada.close()

    assert [Message("welcome", {"to": "ada"})] == await reader
    assert [] == await rest_of(ada)


async def test_a_request_that_waits_is_told_of_the_close(
    wire: Wire, connection: Connection
) -> None:
    app = await wire.login(connection)
    waiting = asyncio.create_task(app.request("ask"))
    await wire.frame(1)
    await app.close()

    with pytest.raises(ConnectionLost) as caught:
        await waiting
    assert 1000 == caught.value.code


async def test_credentials_go_with_the_login(site: Site) -> None:
    with pytest.raises(RequestRefused) as caught:
        await site.login("ada", credentials={"password": "wrong"})
    assert (26, "wrong_password") == (caught.value.code, caught.value.reason)

    await site.login("ada", credentials={"password": "right"})


async def test_credentials_may_be_asked_for_at_each_login(site: Site) -> None:
    asked = 0

    async def credentials() -> dict[str, object]:
        nonlocal asked
        asked += 1
        return {"password": "right"}

    app = await site.login("ada", credentials=credentials)
    await app.connection.login("other", name="ada", credentials=credentials)

    assert 2 == asked


async def test_a_taken_name_is_refused(site: Site) -> None:
    await site.login("ada")

    with pytest.raises(RequestRefused) as caught:
        await site.login("ada")
    assert 4 == caught.value.code


async def test_several_applications_share_one_connection(site: Site) -> None:
    app = await site.login("ada")
    room = await app.join("hall")
    async with app.connection.login("other", name="eve") as other:
        theirs = await other.join("hall")
        await theirs.request("tell", {"text": "there"})
        await room.request("tell", {"text": "here"})
        assert {"test": app, "other": other} == app.connection.apps
        assert [["welcome", "told"]] * 2 == [
            [(await next_of(events)).action for _ in range(2)] for events in (room, theirs)
        ]

    assert ({"test": app}, "open", "closed") == (app.connection.apps, app.state, other.state)


async def test_one_connection_logs_in_once_to_an_application(site: Site) -> None:
    app = await site.login("ada")

    with pytest.raises(RuntimeError, match="logged in to 'test' already"):
        await app.connection.login("test", name="eve")


async def test_a_refused_login_leaves_the_connection_to_others(site: Site) -> None:
    app = await site.login("ada")
    wrong = {"password": "wrong"}
    with pytest.raises(RequestRefused):
        await app.connection.login("other", name="ada", credentials=wrong)

    other = await app.connection.login("other", name="ada")

    assert "open" == other.state


async def test_an_endpoint_of_one_application_names_it_nowhere(site: Site) -> None:
    async with connect(site.url + "test", app="test", name="ada") as app:
        room = await app.join("hall")
        await room.request("tell", {"text": "hello"})

        assert ["welcome", "told"] == [(await next_of(room)).action for _ in range(2)]


async def test_a_login_that_nobody_waits_for_any_more_is_taken_back(
    wire: Wire, connection: Connection
) -> None:
    logging_in = asyncio.ensure_future(connection.login("test", name="ada"))
    await wire.frame(0)
    logging_in.cancel()
    with pytest.raises(asyncio.CancelledError):
        await logging_in
    wire.push(6, {"userName": "ada"}, id=1)

    assert 7 == (await wire.frame(1))["eventType"]
    assert {} == connection.apps


async def test_a_block_that_logs_out_of_a_lost_link_is_no_error(
    wire: Wire, connection: Connection
) -> None:
    wire.push(6, {"userName": "ada"}, id=1)
    async with connection.login("test", name="ada") as app:
        wire.lose(1006)
        with pytest.raises(ConnectionLost):
            await rest_of(app)


async def test_frames_of_other_applications_are_passed_over(
    wire: Wire, connection: Connection
) -> None:
    app = await wire.login(connection)
    wire.push(11, 1, appName="other", seq=9)
    wire.push(11, 2, seq=5)

    assert Message("", 2) == await next_of(app)


async def test_a_frame_before_any_login_is_passed_over(wire: Wire, connection: Connection) -> None:
    wire.push_text('{"eventType":11}')

    assert "open" == (await wire.login(connection)).state


@pytest.mark.parametrize(
    "text",
    [
        "not JSON",
        "[1]",
        '{"eventType":"message"}',
        '{"eventType":4,"data":{"roomName":7}}',
        '{"eventType":12,"data":[]}',
        '{"eventType":9,"id":2,"data":{"rooms":"none"}}',
    ],
)
async def test_garbage_ends_the_link_with_1002(
    wire: Wire, connection: Connection, text: str
) -> None:
    app = await wire.login(connection)
    waiting = asyncio.create_task(app.rooms())
    await wire.frame(1)
    wire.push_text(text)

    with pytest.raises(ConnectionLost) as caught:
        await waiting
    assert 1002 == caught.value.code
    await connection.close()
    assert wire.closed_with is not None
    assert 1002 == wire.closed_with[0]


async def test_a_lost_link_ends_every_login_and_request(wire: Wire, connection: Connection) -> None:
    app = await wire.login(connection)
    waiting = asyncio.create_task(app.request("ask"))
    await wire.frame(1)
    wire.lose(4010, "slow_consumer")

    for lost in (waiting, rest_of(app)):
        with pytest.raises(ConnectionLost) as caught:
            await lost
        assert (4010, "slow_consumer") == (caught.value.code, caught.value.reason)
    assert "closed" == app.state
    with pytest.raises(ConnectionLost) as caught:
        await connection.login("test", name="eve")
    assert 4010 == caught.value.code


async def test_events_that_nobody_reads_can_close_the_link(wire: Wire) -> None:
    connection = Connection(wire, Settings(max_events=2, overflow="close"))
    app = await wire.login(connection)
    for seq in (5, 6, 7):
        wire.push(11, seq, seq=seq)

    assert [Message("", 5), Message("", 6)] == [await next_of(app), await next_of(app)]
    with pytest.raises(ConnectionLost) as caught:
        await next_of(app)
    assert 4010 == caught.value.code
    await connection.close()
    assert (4010, "events_overflowed") == wire.closed_with


async def test_events_that_nobody_reads_are_bounded(site: Site) -> None:
    ada = await site.login("ada", max_events=10)
    room = await ada.join("hall")
    await room.request("count", {"count": 100})
    await room.leave()

    missed, *events = await rest_of(room)
    assert (91, [*range(91, 101)]) == (missed.count, [event.data["number"] for event in events])


async def test_frames_that_the_link_does_not_take_are_bounded(
    wire: Wire, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_UNSENT", 2)
    app = await wire.login(connection)
    app.send("one")
    app.send("two")

    with pytest.raises(asyncio.QueueFull):
        app.send("three")


async def test_a_server_that_takes_nothing_is_left_after_a_while(
    wire: Wire, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CLOSE_SECONDS", 0.01)

    async def never(_text: str) -> None:
        await asyncio.Event().wait()

    app = await wire.login(connection)
    monkeypatch.setattr(wire, "send", never)
    app.send("unheard")
    await connection.close()

    assert ("closed", (1000, "")) == (app.state, wire.closed_with)


async def test_a_writer_that_sees_the_end_first_leaves_the_reason_to_the_reader(
    wire: Wire, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_text: str) -> None:
        raise ConnectionLost(1006, "broken pipe")

    app = await wire.login(connection)
    monkeypatch.setattr(wire, "send", broken)
    app.send("unheard")
    for _ in range(10):
        await asyncio.sleep(0)
    wire.lose(1001, "going away")

    with pytest.raises(ConnectionLost) as caught:
        await rest_of(app)
    assert 1001 == caught.value.code


@pytest.mark.parametrize("method", ["send", "receive"])
async def test_a_fault_of_the_client_is_logged_and_ends_the_link(
    wire: Wire, connection: Connection, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    async def fail(*_arguments: Any) -> None:
        raise LookupError("ours")

    app = await wire.login(connection)
    monkeypatch.setattr(module, "CLOSE_SECONDS", 0.01)
    monkeypatch.setattr(wire, method, fail)
    with capture_logs() as logs:
        wire.push(11, 1, seq=5)
        app.send("go")
        with pytest.raises(ConnectionLost):
            await rest_of(app)

    name = {"send": "client_writer_failed", "receive": "client_reader_failed"}[method]
    assert [name] == [entry["event"] for entry in logs]


async def test_a_cancelled_connect_leaves_nothing(aiohttp_server: Any) -> None:
    is_asked, is_gone = asyncio.Event(), asyncio.Event()

    async def never_answers(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=["goroom.json"])
        await socket.prepare(request)
        await socket.receive()
        is_asked.set()
        await socket.receive()
        is_gone.set()
        return socket

    site = web.Application()
    site.router.add_get("/", never_answers)
    running = await aiohttp_server(site)
    url = f"ws://{running.host}:{running.port}/"
    connecting = asyncio.ensure_future(connect(url, app="test", name="ada"))
    await is_asked.wait()
    connecting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await connecting
    await is_gone.wait()


async def test_a_server_that_does_not_answer_a_login_is_left(aiohttp_server: Any) -> None:
    async def never_answers(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=["goroom.json"])
        await socket.prepare(request)
        async for _ in socket:
            pass
        return socket

    site = web.Application()
    site.router.add_get("/", never_answers)
    running = await aiohttp_server(site)
    url = f"ws://{running.host}:{running.port}/"

    with pytest.raises(TimeoutError):
        await connect(url, app="test", name="ada", timeout_seconds=0.2)


async def test_a_server_that_stops_leaves_no_task_and_no_session(site: Site) -> None:
    app = await connect(site.url, app="test", name="ada", resume=False)
    await site.server.close()
    with pytest.raises(ConnectionLost):
        await rest_of(app)
    tasks = [task for task in asyncio.all_tasks() if task.get_name().startswith("goroom client")]
    if tasks:
        await asyncio.wait(tasks)
    del app
    gc.collect()  # what is left open says so here


async def test_a_link_that_dies_without_a_word_is_lost(network: Network) -> None:
    clock = Clock().install()
    connection = Connection(await network.dial(), dial=network.dial)
    app = await network.wires[0].login(connection)
    await clock.advance(24.9)
    assert [(3, "test", 0)] == [
        (frame["eventType"], frame["appName"], frame["id"]) for frame in network.wires[0].sent[1:]
    ]
    await clock.advance(0.2)

    assert Dropped(1006, "the server is silent") == await next_of(app)
    await connection.close()
    clock.remove()


async def test_nothing_but_its_answer_may_follow_a_reconnect(network: Network) -> None:
    clock = Clock().install()
    heartbeat = Heartbeat(idle_seconds=1, reply_seconds=5)
    settings = Settings(heartbeat=heartbeat, backoff=Backoff(min_seconds=0, max_seconds=0))
    connection = Connection(await network.dial(), settings, dial=network.dial)
    await network.wires[0].login(connection)
    network.wires[0].lose(1006)
    await clock.advance(4.9)
    assert [8] == [frame["eventType"] for frame in network.wires[1].sent]
    await clock.advance(0.2)

    assert 3 == network.dialled
    assert network.wires[1].sent[0]["data"] == network.wires[2].sent[0]["data"]
    await connection.close()
    clock.remove()


async def test_a_server_that_cannot_be_reached_is_tried_for_ever_and_ever_more_rarely(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(random, "uniform", lambda _low, high: high)
    clock = Clock().install()
    connection = Connection(await network.dial(), dial=network.dial)
    await network.wires[0].login(connection)
    network.is_down = True
    network.wires[0].lose(1006)
    tries = []
    for _ in range(8):
        await clock.settle()
        began, dialled = clock.now, network.dialled
        while network.dialled == dialled:
            await clock.advance(0.1)
        tries.append(round(clock.now - began, 1))

    assert [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0] == tries
    await connection.close()
    clock.remove()


async def test_who_was_back_for_long_is_quick_again(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(random, "uniform", lambda _low, high: high)
    clock = Clock().install()
    connection = Connection(await network.dial(), dial=network.dial)
    await network.wires[0].login(connection)
    network.wires[0].lose(1006)
    await clock.advance(0.2)
    second = network.wires[1]
    data = {"userName": "ada", "token": "two", "app": {"epoch": "e", "seq": 4}, "rooms": {}}
    second.push(8, data, id=second.sent[0]["id"])
    await clock.advance(10)
    second.lose(1006)
    await clock.advance(0.2)

    assert 3 == network.dialled
    await connection.close()
    clock.remove()


async def test_a_dial_that_hangs_is_given_up(network: Network) -> None:
    clock = Clock().install()
    first = await network.dial()
    dialled = 0

    async def hang() -> Wire:
        nonlocal dialled
        dialled += 1
        await asyncio.Event().wait()
        return first

    settings = Settings(backoff=Backoff(min_seconds=0, max_seconds=0))
    connection = Connection(first, settings, dial=hang)
    await first.login(connection)
    first.lose(1006)
    await clock.advance(25)

    assert 3 == dialled
    await connection.close()
    clock.remove()


async def test_credentials_that_cannot_be_had_now_may_be_had_later(
    network: Network, lasting: Connection
) -> None:
    asked = 0

    async def credentials() -> dict[str, object]:
        nonlocal asked
        asked += 1
        if asked == 2:
            raise LookupError("no key today")
        return {}

    network.wires[0].push(6, {"userName": "ada"}, id=1)
    await lasting.login("test", name="ada", credentials=credentials)
    with capture_logs() as logs:
        network.wires[0].lose(1006)
        frame = await (await network.wire(1)).frame(0)

    assert ["client_login_failed"] == [entry["event"] for entry in logs]
    assert (6, 3) == (frame["eventType"], asked)


async def test_a_session_that_was_closed_ends_the_connection(site: Site) -> None:
    unhandled: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(context))
    session = aiohttp.ClientSession()
    app = await site.login("ada", session=session)
    room = await app.join("hall")
    await session.close()

    for events in (app, room):
        with pytest.raises(ConnectionLost, match="Session is closed") as caught:
            await rest_of(events)
        assert 1006 == caught.value.code
    await app.close()
    gc.collect()
    assert ("closed", []) == (app.state, unhandled)
    with pytest.raises(RuntimeError, match="Session is closed"):
        await site.login("ada", session=session)


async def test_what_overflows_is_not_come_back_to(network: Network) -> None:
    settings = Settings(max_events=1, overflow="close")
    connection = Connection(await network.dial(), settings, dial=network.dial)
    app = await network.wires[0].login(connection)
    for seq in (5, 6):
        network.wires[0].push(11, seq, seq=seq)

    assert [Message("", 5)] == [await next_of(app)]
    with pytest.raises(ConnectionLost):
        await next_of(app)
    assert 1 == network.dialled
    await connection.close()


async def test_a_drop_that_nobody_reads_of_can_end_the_connection(network: Network) -> None:
    settings = Settings(max_events=1, overflow="close")
    connection = Connection(await network.dial(), settings, dial=network.dial)
    app = await network.wires[0].login(connection)
    network.wires[0].push(11, 1, seq=5)
    network.wires[0].lose(1006)
    await asyncio.wait({connection._task})

    assert Message("", 1) == await next_of(app)
    with pytest.raises(ConnectionLost, match="events_overflowed"):
        await next_of(app)
    assert (1, "closed") == (network.dialled, app.state)


async def test_what_was_lost_and_nobody_reads_of_leaves_nobody_waiting(network: Network) -> None:
    backoff = Backoff(min_seconds=0, max_seconds=0)
    settings = Settings(max_events=1, overflow="close", backoff=backoff)
    connection = Connection(await network.dial(), settings, dial=network.dial)
    app = await network.wires[0].login(connection)
    app.send("lost")
    asking = asyncio.create_task(app.request("ask"))
    await network.wires[0].frame(2)
    network.wires[0].lose(1006)
    second = await network.wire(1)
    second.push(8, id=(await second.frame(0))["id"], code=500, error={"code": 30})
    third = await network.wire(2)
    third.push(6, {"userName": "ada"}, id=(await third.frame(0))["id"])

    with pytest.raises(ConnectionLost):
        await asking
    assert Dropped(1006, "") == await next_of(app)
    with pytest.raises(ConnectionLost, match="events_overflowed"):
        await next_of(app)
