"""Logins that go from socket to socket, written by hand from the protocol's page."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

import goroom
from tests.protocol.conftest import KINDS, Site
from tests.protocol.worlds import Other
from tests.rawclient import LOGIN, MEMBER_AWAY, RECONNECT, Client, Form, Frame
from tests.resume.quay import Harbour, Quay

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


class Port(Site):
    """A running server whose ``hall`` is a `Quay`, and its clients, which may come back."""

    def quay(self, room: str = "hall") -> Quay:
        """Return the rules of *room*."""
        quay = self.application().rooms[room].extension
        assert isinstance(quay, Quay)
        return quay

    def harbour(self, application: str = "test") -> Harbour:
        """Return the rules of *application*."""
        harbour = self.application(application).extension
        assert isinstance(harbour, Harbour)
        return harbour

    async def open(self, form: Form | None = None, application: str = "test") -> Client:
        """Open a socket, in another form if one is given."""
        url = f"ws://{self.address}/"
        client = await Client.connect(url, form or self.form, application=application)
        self._clients.append(client)
        return client

    async def begin(self, name: str, *rooms: str, application: str = "test") -> Life:
        """Log *name* in so that it may come back, and have it join *rooms*."""
        life = Life(self, await self.open(application=application))
        answer = await life.client.login(name, resume=True)
        life.take_login(answer)
        for room in rooms:
            await life.join(room)
        return life


class Life:
    """One login, its token and its places: what a client has to keep of it."""

    def __init__(self, port: Port, client: Client) -> None:
        self.port = port
        self.client = client
        self.token = ""
        self.app: dict[str, Any] = {}
        self.rooms: dict[str, dict[str, Any]] = {}

    def take_login(self, answer: Frame) -> None:
        """Take the token and the application's place out of LOGIN's reply."""
        assert (LOGIN, 0) == (answer.event_type, answer.error_code)
        self.token = answer.data["token"]
        self.app = {"epoch": answer.data["epoch"], "seq": answer.data["seq"], "sub": 0}

    async def join(self, room: str) -> Frame:
        """Join *room* and take its place."""
        answer = await self.client.join(room)
        assert 0 == answer.error_code
        self.take_room(answer)
        return answer

    def take_room(self, answer: Frame) -> None:
        """Take a room's place out of the reply of JOIN_ROOM or SUBSCRIBE_ROOM."""
        place = {"seq": answer.seq or 0, "sub": answer.sub or 0}
        self.rooms[answer.data["roomName"]] = {"epoch": answer.data["epoch"], **place}

    def drop(self) -> None:
        """Lose the socket."""
        self.client.socket.abort()

    async def vanish(self, witness: Client) -> None:
        """Lose the socket and have *witness* hear of it; what it has heard before is read, too."""
        self.drop()
        while (frame := await witness.event()).event_type != MEMBER_AWAY:
            pass
        assert frame.data["roomName"] in self.rooms

    def reconnect_data(self, **changes: Any) -> dict[str, Any]:
        """Return the data of a RECONNECT from where this login is; None takes a key out."""
        data = {"token": self.token, "app": self.app, "rooms": self.rooms, **changes}
        return {key: value for key, value in data.items() if value is not None}

    async def knock(self, *, form: Form | None = None, **changes: Any) -> Frame:
        """Open another socket, send RECONNECT over it and return the answer; ids go on."""
        client = await self.port.open(form, self.client.application)
        client._ids = self.client._ids
        self.client = client
        return await client.request(RECONNECT, self.reconnect_data(**changes))

    async def come_back(self, *, form: Form | None = None, **changes: Any) -> Frame:
        """Resume on another socket, which must be granted; take the new token."""
        answer = await self.knock(form=form, **changes)
        assert (RECONNECT, 0) == (answer.event_type, answer.error_code), answer
        self.token = answer.data["token"]
        return answer

    async def events(self) -> list[Frame]:
        """Return what has come, and take its places."""
        frames = await self.client.events()
        for frame in frames:
            if frame.seq is not None:
                place = self.rooms[frame.room] if frame.room else self.app
                place |= {"seq": frame.seq, "sub": frame.sub or 0}
        return frames


@pytest.fixture(params=list(Form), ids=str)
def form(request: pytest.FixtureRequest) -> Form:
    """Each of the three forms of the protocol."""
    form: Form = request.param
    return form


@pytest.fixture
async def moor(form: Form) -> AsyncIterator[Callable[..., Any]]:
    """
    Return a function that starts a server with the given `Limits` and returns its `Port`.

    It runs as in production. The test server of aiohttp cancels what a client that has gone has
    asked for.
    """
    ports: list[Port] = []

    async def moor(*, double_login: str = "refuse", **limits: Any) -> Port:
        server = goroom.Server(limits=goroom.Limits(**limits))
        server.add_application("test", Harbour, {"hall": Quay}, double_login=double_login)
        server.add_application("other", Other, KINDS)
        number = await server.start("127.0.0.1", 0)
        ports.append(Port(server, f"127.0.0.1:{number}", form))
        return ports[-1]

    yield moor
    for port in ports:
        port.abort_all()
        await port.server.stop()


@pytest.fixture
async def port(moor: Callable[..., Any]) -> Port:
    """A running server."""
    running: Port = await moor()
    return running


def texts(frames: list[Frame]) -> list[str]:
    """Return the texts of the messages among *frames*."""
    return [frame.data["text"] for frame in frames if "text" in frame.data]


def numbered_from(client: Client, number: int) -> None:
    """Have *client* give its next request the id *number*."""
    client._ids = itertools.count(number)
