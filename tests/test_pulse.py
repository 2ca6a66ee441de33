"""Pulse: heartbeat and the time to log in, on a clock that the tests turn."""

from __future__ import annotations

import asyncio

from goroom import ApplicationExtension, Limits, Server, User, handles
from goroom.testing import Player, Stage

LIMITS = Limits(login_seconds=10, ping_seconds=20, pong_seconds=20)


class Sleeper(ApplicationExtension):
    @handles("sleep")
    async def sleep(self, user: User) -> None:
        await asyncio.sleep(100)


def _server(limits: Limits = LIMITS) -> Server:
    server = Server(limits=limits)
    server.add_application("app", Sleeper, limits=Limits(handler_seconds=200))
    return server


def _stop_ponging(player: Player) -> None:
    player.wire.answers_pings = False  # type: ignore[attr-defined]  # a MemoryWire


async def test_who_logs_in_nowhere_in_time_is_closed() -> None:
    async with Stage(_server()) as stage:
        idle = await stage.connect(app="app")
        await stage.advance(9)

        assert idle.closed is None
        await stage.advance(2)
        assert (4001, "not logged in in time") == idle.closed


async def test_who_is_logged_in_may_stay_and_after_logout_the_time_begins_anew() -> None:
    async with Stage(_server()) as stage:
        ann = await stage.player("ann")
        await stage.advance(60)

        assert ann.closed is None
        await ann.logout()
        await stage.advance(9)
        assert ann.closed is None
        await stage.advance(3)
        assert ann.closed is not None


async def test_without_a_limit_nobody_has_to_log_in() -> None:
    async with Stage(_server(Limits(login_seconds=None))) as stage:
        idle = await stage.connect(app="app")
        await stage.advance(1000)

        assert idle.closed is None


async def test_a_peer_that_answers_no_ping_is_torn_off() -> None:
    async with Stage(_server()) as stage:
        ann = await stage.player("ann")
        _stop_ponging(ann)
        await stage.advance(38)

        assert ann.closed is None
        await stage.advance(4)
        assert ann.closed is not None
        assert {} == stage.server.applications["app"].users


async def test_a_pong_that_was_not_asked_for_proves_nothing() -> None:
    async with Stage(_server()) as stage:
        ann = await stage.player("ann")
        _stop_ponging(ann)
        connection = stage.server.connections[0]
        connection.ponged(b"early")
        await stage.advance(22)
        connection.ponged(b"a guess")
        await stage.advance(20)

        assert ann.closed is not None


async def test_a_peer_that_answers_is_pinged_again_and_again() -> None:
    async with Stage(_server()) as stage:
        ann = await stage.player("ann")
        written = stage.server.connections[0].outbox.offered
        await stage.advance(100)

        assert ann.closed is None
        assert 4 <= stage.server.connections[0].outbox.offered - written <= 5


async def test_its_clock_stands_still_while_a_message_is_handled() -> None:
    async with Stage(_server()) as stage:
        ann = await stage.player("ann")
        _stop_ponging(ann)
        ann.send("sleep", room="")
        await stage.advance(95)

        assert ann.closed is None
        await stage.advance(40)
        assert ann.closed is not None


async def test_without_a_heartbeat_nobody_is_pinged() -> None:
    async with Stage(_server(Limits(ping_seconds=None))) as stage:
        ann = await stage.player("ann")
        _stop_ponging(ann)
        await stage.advance(1000)

        assert ann.closed is None
