"""SocketStage: the players of a Stage over real sockets."""

from __future__ import annotations

import pytest

from goroom import Server
from goroom.testing import SocketStage
from tests.diary import APP, LIMITS, Diary, make_server


async def test_a_stage_must_be_entered() -> None:
    with pytest.raises(RuntimeError, match="enter the stage first"):
        await SocketStage(Server()).connect()


async def test_a_stage_listens_where_it_says_and_not_afterwards() -> None:
    stage = SocketStage(make_server(Diary()), path="/games")
    async with stage:
        ann = await stage.player("ann", app=APP)
        await stage.settle()

        assert f"http://127.0.0.1:{stage.port}" == stage.url
        assert "/games/" == stage.server.connections[0].peer.path
    assert ann.closed is not None
    assert [] == list(stage.server.connections)


async def test_text_that_is_no_utf8_can_be_sent() -> None:
    server = Server(limits=LIMITS)
    server.add_application(APP)
    async with SocketStage(server) as stage:
        ann = await stage.player("ann", subprotocol="goroom.msgpack")
        ann.send_raw(b"\xc1", is_binary=True)
        assert 21 == (await ann.receive())["error"]["code"]
        ann.send_raw("{}", is_binary=False)

        assert 21 == (await ann.receive())["error"]["code"]


async def test_what_is_sent_to_a_server_that_has_gone_goes_nowhere() -> None:
    server = Server(limits=LIMITS)
    server.add_application(APP)
    async with SocketStage(server) as stage:
        ann = await stage.player("ann")
        await ann.cut()
        ann.send("say")
        await ann.settle()

        assert (1006, "") == ann.closed
