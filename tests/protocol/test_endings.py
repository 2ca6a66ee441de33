"""Protocol section 6: how connections end: by the author, by time, by the server's own end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

import goroom
from goroom import Connection, Disconnect, LeaveReason, Refused, User, handles
from tests.protocol.worlds import Desk, Hall
from tests.rawclient import (
    DISCONNECTION,
    JOIN_APP,
    JOIN_ROOM,
    LEAVE_ROOM,
    LOGIN,
    LOGOUT,
    Client,
    Form,
)
from tests.websocket import PING, PONG, Closed

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.protocol.conftest import Site


class Door(Desk):
    """Lets nobody in who carries a badge that is not good."""

    def on_connect(self, connection: Connection) -> None:
        badge = connection.headers.get("X-Badge", "")
        if badge == "bad":
            raise Refused("Show a good badge.")
        if badge == "banned":
            raise Disconnect(4510, "You are banned.")

    def on_login(self, user: User, credentials: dict[str, object]) -> None:
        if user.name == "banned":
            raise Disconnect(4503, "banned")


async def test_a_disconnect_ends_the_applications_part_and_the_socket(site: Site) -> None:
    ann, bob = await site.login("ann", "hall"), await site.login("bob", "hall")
    await ann.events()
    bob.send(11, {"code": 4503}, roomName="hall", action="disconnect", id=50)
    frames = []
    while not isinstance(message := await bob.socket.receive(), Closed):
        frames.append(bob._frame(message))
    left = await ann.event()

    [told] = [frame for frame in frames if frame.event_type == DISCONNECTION]
    assert (4503, 4503) == (told.code, message.code)
    assert "banned" in str(told.raw)
    assert (LEAVE_ROOM, "bob") == (left.event_type, left.sender)


async def test_a_disconnect_leaves_the_socket_to_the_other_applications(site: Site) -> None:
    ann = await site.login("ann", "hall")
    await ann.request(LOGIN, {"username": "ann"}, appName="other")
    ann.send(11, {"code": 4503}, roomName="hall", action="disconnect")
    told = await ann.event()

    assert (DISCONNECTION, 4503, "test") == (told.event_type, told.code, told.app)
    assert 0 == (await ann.request(JOIN_ROOM, {"roomName": "hall"}, appName="other")).error_code
    assert 2 == (await ann.join("hall")).error_code


async def test_a_refused_on_connect_is_26_for_whatever_frame_caused_it(
    serve: Callable[..., Any],
) -> None:
    site = await serve(extension=Door)
    ann = await site.connect(headers={"X-Badge": "bad"})
    answers = [
        await ann.request(JOIN_APP),
        await ann.login("ann"),
        await ann.join("hall"),
        await ann.request(99),
    ]
    other = await ann.request(LOGIN, {"username": "ann"}, appName="other")

    assert [26] * 4 == [answer.error_code for answer in answers]
    assert "Show a good badge." == answers[0].error["message"]
    assert [JOIN_APP, LOGIN, JOIN_ROOM, 99] == [answer.event_type for answer in answers]
    assert 0 == other.error_code


async def test_a_refused_on_connect_closes_a_bound_endpoint_with_4501(
    serve: Callable[..., Any],
) -> None:
    site = await serve(extension=Door)
    ann = await site.connect(path="/test", headers={"X-Badge": "bad"})
    ann.send(JOIN_APP)
    message = await ann.socket.receive()
    while not isinstance(message, Closed):
        message = await ann.socket.receive()

    assert 4501 == message.code


async def test_a_good_badge_passes(serve: Callable[..., Any]) -> None:
    site = await serve(extension=Door)
    ann = await site.connect(path="/test", headers={"X-Badge": "good"})

    assert 0 == (await ann.login("ann")).error_code


async def test_a_disconnect_from_login_closes(serve: Callable[..., Any]) -> None:
    site = await serve(extension=Door)
    banned = await site.connect()
    banned.send(LOGIN, {"username": "banned"}, id=1)
    message = await banned.socket.receive()
    while not isinstance(message, Closed):
        message = await banned.socket.receive()

    assert 4503 == message.code
    assert [] == list(site.application().users)


async def test_who_does_not_log_in_in_time_is_closed_with_4001(
    serve: Callable[..., Any],
) -> None:
    site = await serve(server=_server(goroom.Limits(login_seconds=0.4)))
    idle, entered = await site.connect(), await site.connect()
    entered.send(JOIN_APP)
    await entered.event()
    ann = await site.login("ann")
    out = await site.login("out")
    await out.request(LOGOUT)

    assert [4001] * 3 == [(await client.closed()).code for client in (idle, entered, out)]
    assert 0 == (await ann.join("hall")).error_code


async def test_the_time_to_log_in_begins_anew_after_a_logout(serve: Callable[..., Any]) -> None:
    site = await serve(server=_server(goroom.Limits(login_seconds=0.4)))
    ann = await site.login("ann")
    await asyncio.sleep(0.5)  # what has passed until here must not count
    await ann.request(LOGOUT)
    loop = asyncio.get_running_loop()
    logged_out = loop.time()

    assert 4001 == (await ann.closed()).code
    assert loop.time() - logged_out >= 0.4


async def test_the_time_to_log_in_is_ten_seconds() -> None:
    assert 10 == goroom.Limits().login_seconds


@pytest.mark.parametrize("form", [Form.FULL], ids=str)
async def test_a_peer_that_answers_no_ping_is_cut_and_one_that_does_stays(
    serve: Callable[..., Any],
) -> None:
    site = await serve(server=_server(goroom.Limits(ping_seconds=0.1, pong_seconds=0.5)))
    deaf, ann = await site.login("deaf", "hall"), await site.login("ann", "hall")
    deaf.socket.answers_pings = False
    # Talking is no pong: only a real one counts.
    deaf.send(JOIN_APP)
    await deaf.event()
    while (event := await ann.event()).event_type != LEAVE_ROOM:
        pass
    deaf_end = await deaf.socket.receive()
    while not isinstance(deaf_end, Closed):
        deaf_end = await deaf.socket.receive()

    assert ("deaf", "disconnected") == (event.sender, event.data["reason"])
    assert deaf_end.code in {None, 1011, 1006, 4000, 4002}
    assert ann.socket.pings >= 2
    assert 0 == (await ann.say("hall", "who")).error_code


@pytest.mark.parametrize("form", [Form.FULL], ids=str)
async def test_the_clock_of_the_pong_stands_still_while_a_message_is_handled(
    serve: Callable[..., Any],
) -> None:
    limits = goroom.Limits(ping_seconds=0.1, pong_seconds=0.4)
    site = await serve(server=_server(limits, Ends))
    ann = await site.login("ann", "hall")

    assert "done" == (await ann.say("hall", "wait_long")).data
    assert "done" == (await ann.say("hall", "wait_long")).data
    assert ann.socket.pings >= 2


async def test_a_ping_of_the_client_is_answered(site: Site) -> None:
    ann = await site.connect()
    pongs: list[bytes] = []
    handled = ann.socket._controlled

    def controlled(opcode: int, payload: bytes) -> Closed | None:
        if opcode == PONG:
            pongs.append(payload)
        return handled(opcode, payload)

    ann.socket._controlled = controlled  # type: ignore[method-assign]  # pongs are not handed out
    ann.socket.send_frame(PING, b"are you there?")
    await ann.request(JOIN_APP)

    assert [b"are you there?"] == pongs


async def test_a_close_of_the_client_is_answered_with_its_code(site: Site) -> None:
    ann = await site.login("ann")

    assert 1000 == (await ann.socket.close(1000)).code


async def test_a_cut_link_ends_its_user_with_the_reason(site: Site) -> None:
    ann, bob = await site.login("ann", "hall"), await site.login("bob", "hall")
    await ann.events()
    bob.socket.abort()
    event = await ann.event()

    assert (LEAVE_ROOM, "bob", "disconnected") == (
        event.event_type,
        event.sender,
        event.data["reason"],
    )
    assert 0 == (await (await site.connect()).login("bob")).error_code


class Ends(Hall):
    """Keeps what happened to its members, and a handler that does not end by itself."""

    ended: list[tuple[str, str]]

    def init(self) -> None:
        self.ended = []

    def on_leave(self, user: User, reason: LeaveReason) -> None:
        self.ended.append((user.name, reason.value))

    @handles("wait")
    async def wait(self, _user: User) -> None:
        await asyncio.Event().wait()

    @handles("wait_long")
    async def wait_long(self, _user: User) -> str:
        await asyncio.sleep(0.9)
        return "done"

    @handles("wait_briefly")
    async def wait_briefly(self, _user: User) -> str:
        await asyncio.sleep(0.05)
        return "done"


async def _started(
    server: goroom.Server, form: Form, names: list[str]
) -> tuple[web.AppRunner, list[Client]]:
    """Start *server* on a runner of its own; return the runner, and its clients in the hall."""
    application = web.Application()
    goroom.setup(application, server, path="/")
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    clients = []
    for name in names:
        client = await Client.connect(f"ws://{host}:{port}/", form)
        assert 0 == (await client.login(name)).error_code
        assert 0 == (await client.join("hall")).error_code
        clients.append(client)
    return runner, clients


async def test_at_shutdown_every_user_ends_and_every_socket_closes_with_1001(form: Form) -> None:
    server = _server(goroom.Limits(), Ends)
    runner, clients = await _started(server, form, ["ann", "bob"])
    hall = server.applications["test"].rooms["hall"].extension
    assert isinstance(hall, Ends)
    for client in clients:
        await client.events()
    cleaning = asyncio.create_task(runner.cleanup())
    codes = []
    for client in clients:
        while not isinstance(message := await client.socket.receive(), Closed):
            pass
        codes.append(message.code)
    await cleaning

    assert [1001, 1001] == codes
    assert [("ann", "shutdown"), ("bob", "shutdown")] == sorted(hall.ended)


async def test_at_shutdown_a_running_turn_may_end_and_a_longer_one_dies(form: Form) -> None:
    server = _server(goroom.Limits(drain_seconds=0.5), Ends)
    runner, [ann, bob] = await _started(server, form, ["ann", "bob"])
    den = await server.applications["test"].rooms.create("den", kind="hall")
    await bob.join("den")
    for client in (ann, bob):
        await client.events()
    ann.send(11, roomName="hall", action="wait_briefly", id=70)
    bob.send(11, roomName="den", action="wait", id=71)
    bob.send(11, roomName="den", action="who", id=72)
    # The handlers must run before the end begins, and no frame tells that they do.
    halls = [server.applications["test"].rooms["hall"], den]
    while not all(room.lane.is_taken for room in halls):  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    loop = asyncio.get_running_loop()
    began = loop.time()
    cleaning = asyncio.create_task(runner.cleanup())
    seen: dict[str, list[Any]] = {"ann": [], "bob": []}
    for name, client in (("ann", ann), ("bob", bob)):
        while not isinstance(message := await client.socket.receive(), Closed):
            frame = client._frame(message)
            if frame.id is not None:
                seen[name].append((frame.id, frame.data if not frame.error else frame.error_code))
        assert 1001 == message.code
    await cleaning

    assert [(70, "done")] == seen["ann"]
    # What waited is dropped unanswered, what ran too long dies as by its time limit.
    assert [(71, 27)] == seen["bob"]
    assert 0.5 <= loop.time() - began < 3


def _server(limits: goroom.Limits, hall: type[goroom.RoomExtension[Any]] = Hall) -> goroom.Server:
    server = goroom.Server(limits=limits)
    server.add_application("test", Desk, rooms={"hall": hall})
    return server
