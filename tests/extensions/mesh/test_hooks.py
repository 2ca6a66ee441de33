"""Hooks around an author's: they see what has happened, however the author's fares."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from goroom import AutoRemove, Disconnect, LeaveReason, Refused, User
from goroom.testing import Stage
from tests.extensions.mesh.clients import Client, Den, mesh_server, seen

Hook = Callable[[], Any]


async def refuse() -> None:
    raise Refused("no")


async def disconnect() -> None:
    raise Disconnect(4500)


async def fail() -> None:
    raise ZeroDivisionError


async def hang() -> None:
    await asyncio.Event().wait()


async def hang_deaf() -> None:
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        return


def raise_now() -> None:
    raise ZeroDivisionError


def refuse_now() -> None:
    raise Refused("no")


class Moody(Den):
    """Its hooks do what a test wants."""

    auto_remove = AutoRemove.NEVER
    hook: Hook | None = None

    def on_join(self, user: User) -> Awaitable[None] | None:
        return self._do()

    def on_leave(self, user: User, reason: LeaveReason) -> Awaitable[None] | None:
        return self._do()

    def _do(self) -> Awaitable[None] | None:
        result: Awaitable[None] | None = None if self.hook is None else self.hook()
        return result


HOOKS = [refuse, disconnect, fail, hang, hang_deaf, raise_now, refuse_now]


async def moody_stage(stage: Stage) -> tuple[Moody, Client]:
    room = await stage.server.applications["mesh"].rooms.create("moody", "moody")
    client = await Client.connect(stage)
    assert isinstance(room.extension, Moody)
    return room.extension, client


@pytest.mark.parametrize("hook", HOOKS)
async def test_a_join_whose_hook_does_not_succeed_is_no_event(hook: Hook) -> None:
    async with Stage(mesh_server(moody=Moody)) as stage:
        moody, client = await moody_stage(stage)
        seen(stage.server)
        moody.hook = hook
        with capture_logs():
            moody.mesh.move(client.slug, "moody")
            await stage.advance(10)

        assert {} == moody.mesh.clients_in("moody")
        assert "client-joined-room" not in [event[0] for event in seen(stage.server)]


@pytest.mark.parametrize("hook", HOOKS)
async def test_a_leaving_is_one_event_however_its_hook_fares(hook: Hook) -> None:
    async with Stage(mesh_server(moody=Moody)) as stage:
        moody, client = await moody_stage(stage)
        moody.mesh.move(client.slug, "moody")
        await stage.settle()
        seen(stage.server)
        moody.hook = hook
        with capture_logs():
            await client.line.close()
            await stage.advance(10)

        assert [
            ("client-left-room", "mesh-global", client.slug, 0),
            ("client-left-room", "moody", client.slug, 0),
            ("client-disconnected", "", client.slug, 0),
        ] == seen(stage.server)


@pytest.mark.parametrize("hook", HOOKS)
async def test_being_removed_is_one_event_however_the_hook_fares(hook: Hook) -> None:
    async with Stage(mesh_server(moody=Moody)) as stage:
        moody, client = await moody_stage(stage)
        moody.mesh.move(client.slug, "moody")
        await stage.settle()
        seen(stage.server)
        moody.hook = hook
        with capture_logs():
            moody.mesh.remove(client.slug, "moody")
            await stage.advance(10)

        assert [("client-left-room", "moody", client.slug, 0)] == seen(stage.server)


@pytest.mark.parametrize("hook", HOOKS)
async def test_a_deleted_room_is_left_before_it_is_gone_however_the_hook_fares(hook: Hook) -> None:
    async with Stage(mesh_server(moody=Moody)) as stage:
        moody, client = await moody_stage(stage)
        moody.mesh.move(client.slug, "moody")
        await stage.settle()
        seen(stage.server)
        moody.hook = hook
        with capture_logs():
            moody.mesh.delete_room("moody")
            await stage.advance(10)

        assert [
            ("client-left-room", "moody", client.slug, 0),
            ("room-deleted", "moody", "", 0),
        ] == seen(stage.server)


async def test_a_leaving_that_is_refused_to_who_asked_for_it_is_no_event() -> None:
    async with Stage(mesh_server(moody=Moody)) as stage:
        moody, _ = await moody_stage(stage)
        ada = await stage.player("ada", app="mesh")
        moody.mesh.move("ada", "moody")
        await stage.settle()
        seen(stage.server)
        moody.hook = refuse
        with pytest.raises(Exception, match="no"):
            await ada.leave("moody")
        assert [] == seen(stage.server)

        moody.hook = None
        await ada.leave("moody")
        assert [("client-left-room", "moody", "ada", 0)] == seen(stage.server)


async def test_a_hook_that_fails_is_logged_by_its_authors_name() -> None:
    async with Stage(mesh_server(moody=Moody)) as stage:
        moody, client = await moody_stage(stage)
        moody.hook = raise_now
        with capture_logs() as logs:
            moody.mesh.move(client.slug, "moody")
            await stage.settle()
            moody.hook = None
            moody.mesh.move(client.slug, "moody")
            await stage.settle()
            moody.hook = raise_now
            moody.mesh.remove(client.slug, "moody")
            await stage.settle()

        failed = [log["handler"] for log in logs if log["event"] == "handler_failed"]
        assert ["Moody.on_join", "Moody.on_leave"] == failed
