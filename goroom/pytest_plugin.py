"""
The pytest plugin: fixtures `stage`, `goroom_server` and `goroom_client`.

Loaded by pytest wherever goroom is installed, so it imports nothing heavy until a fixture is used;
the fixtures are there where pytest-asyncio is.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

try:
    import pytest_asyncio
except ImportError:  # pragma: no cover -- then there are no fixtures, and nothing to test
    pytest_asyncio = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from goroom.client import App
    from goroom.server import Server
    from goroom.testing import SocketStage, Stage
    from goroom.web import Server as WebServer

if pytest_asyncio is not None:

    @pytest_asyncio.fixture
    async def stage() -> AsyncIterator[Callable[[Server], Awaitable[Stage]]]:
        """
        Put a server on a stage; the test calls it with the server and awaits it.

        The server runs in memory, on a clock that the test turns; it ends with the test.
        """
        from goroom.testing import Stage  # noqa: PLC0415 -- heavy, and not every test needs it

        async with AsyncExitStack() as stages:

            async def open_stage(server: Server) -> Stage:
                return await stages.enter_async_context(Stage(server))

            yield open_stage

    @pytest_asyncio.fixture
    async def goroom_server() -> AsyncIterator[Callable[..., Awaitable[SocketStage]]]:
        """
        Run a server on a free port; the test calls it with the server and awaits it.

        ``running.url`` says where; it has players over real sockets; it ends with the test.
        """
        from goroom.testing import SocketStage  # noqa: PLC0415 -- as above

        async with AsyncExitStack() as stages:

            async def open_server(server: WebServer, **options: Any) -> SocketStage:
                return await stages.enter_async_context(SocketStage(server, **options))

            yield open_server

    @pytest_asyncio.fixture
    async def goroom_client() -> AsyncIterator[Callable[..., Awaitable[App]]]:
        """Connect the Python client; the test calls it as `goroom.client.connect` and awaits it."""
        from goroom.client import connect  # noqa: PLC0415 -- as above

        async with AsyncExitStack() as clients:

            async def open_client(url: str, **options: Any) -> App:
                return await clients.enter_async_context(connect(url, **options))

            yield open_client
