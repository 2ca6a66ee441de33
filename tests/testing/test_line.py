"""Line: messages of any dialect on a stage, as they are."""

from __future__ import annotations

import pytest

from goroom import Server
from goroom.testing import Stage
from goroom.wire import JsonDialect, MsgpackDialect

LOGIN = '{"appName":"app","eventType":6,"data":{"username":"ann"}}'


@pytest.fixture
def server() -> Server:
    server = Server()
    server.add_application("app")
    return server


async def test_text_goes_in_and_out_as_it_is(server: Server) -> None:
    async with Stage(server) as stage:
        line = await stage.dial(JsonDialect)
        line.send(LOGIN)
        answer = await line.receive()

        assert isinstance(answer, str)
        assert answer.startswith('{"eventType":6,')
        assert [] == await line.received()


async def test_a_line_that_hears_nothing_says_so_and_how_it_ended(server: Server) -> None:
    async with Stage(server) as stage:
        line = await stage.dial(JsonDialect)
        with pytest.raises(AssertionError, match=r"no message has come$"):
            await line.receive()
        await line.close()

        assert (1000, "") == line.closed
        with pytest.raises(AssertionError, match=r"closed with \(1000, ''\)"):
            await line.receive()


async def test_binary_messages_are_bytes_and_a_line_can_be_cut(server: Server) -> None:
    async with Stage(server) as stage:
        line = await stage.dial(MsgpackDialect, "app", headers={"Role": "a"}, query={"name": "x"})
        (connection,) = stage.server.connections
        line.send(bytes.fromhex("81a96576656e7454797065") + b"\x03")

        assert isinstance(await line.receive(), bytes)
        assert ("a", "x") == (connection.headers["Role"], connection.query["name"])
        await line.cut()
        await line.settle()
        assert () == stage.server.connections


async def test_lines_of_one_dialect_share_it(server: Server) -> None:
    async with Stage(server) as stage:
        for _ in range(2):
            await stage.dial(JsonDialect, "app")

        assert 1 == len({connection.dialect for connection in stage.server.connections})
