"""A server on a real socket for each test, and clients that speak one of the three forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

import goroom
from tests.protocol.worlds import Desk, Hall, Other, Secretive
from tests.rawclient import Client, Form

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

KINDS: dict[str, type[goroom.RoomExtension[Any]]] = {"hall": Hall, "secretive": Secretive}


class Site:
    """A running server and the clients that a test has opened to it."""

    def __init__(self, server: goroom.Server, address: str, form: Form) -> None:
        self.server = server
        self.address = address
        """``host:port``."""
        self.form = form
        self._clients: list[Client] = []

    def application(self, name: str = "test") -> goroom.Application:
        """Return the server's own side of an application."""
        return self.server.applications[name]

    async def connect(
        self, *, path: str = "/", application: str = "test", headers: dict[str, str] | None = None
    ) -> Client:
        """Open a connection in the test's form."""
        url = f"ws://{self.address}{path}"
        client = await Client.connect(url, self.form, application=application, headers=headers)
        self._clients.append(client)
        return client

    async def login(self, name: str, *rooms: str, application: str = "test") -> Client:
        """Open a connection, log *name* in and have it join *rooms*."""
        client = await self.connect(application=application)
        answers = [await client.login(name), *[await client.join(room) for room in rooms]]
        assert not any(answer.error for answer in answers), answers
        return client

    def abort_all(self) -> None:
        """Cut every client."""
        for client in self._clients:
            client.socket.abort()


@pytest.fixture(params=list(Form), ids=str)
def form(request: pytest.FixtureRequest) -> Form:
    """Each of the three forms of the protocol."""
    form: Form = request.param
    return form


@pytest.fixture
async def serve(form: Form, aiohttp_server: Any) -> AsyncIterator[Callable[..., Any]]:
    """
    Return a function that starts a server and returns its `Site`.

    Its keywords go to the application ``test``: ``extension``, ``rooms`` and whatever else
    ``add_application`` takes; ``server`` replaces all that by a server made by the test.
    """
    sites: list[Site] = []

    async def serve(
        *,
        extension: type[goroom.ApplicationExtension] = Desk,
        rooms: dict[str, type[goroom.RoomExtension[Any]]] | None = None,
        server: goroom.Server | None = None,
        **options: Any,
    ) -> Site:
        if server is None:
            server = goroom.Server()
            server.add_application("test", extension, rooms=rooms or KINDS, **options)
            server.add_application("other", Other, rooms=KINDS)
        site = web.Application()
        goroom.setup(site, server, path="/")
        running = await aiohttp_server(site)
        sites.append(Site(server, f"{running.host}:{running.port}", form))
        return sites[-1]

    yield serve
    for site in sites:
        site.abort_all()


@pytest.fixture
async def site(serve: Callable[..., Any]) -> Site:
    """The applications ``test`` and ``other``, each a `Desk` with a room ``hall``."""
    running: Site = await serve()
    return running
