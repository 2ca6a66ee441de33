"""The protocol's description is made of the code, is AsyncAPI, and tells what goes over a wire."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest
from aiohttp import web

import goroom
from goroom import AutoRemove, Limits, RoomExtension, User
from tests.asyncapi import Description, Listener, generator
from tests.golden import test_goroomserver as golden
from tests.golden.player import play
from tests.protocol.worlds import Desk, Hall
from tests.rawclient import (
    CONNECTION,
    DISCONNECTION,
    JOIN_APP,
    JOIN_ROOM,
    LEAVE_ROOM,
    LOGIN,
    LOGOUT,
    MEMBER_AWAY,
    MEMBER_BACK,
    MESSAGE,
    RECONNECT,
    ROOM_REMOVE,
    ROOM_UPDATE,
    SUBSCRIBE_ROOM,
    UNSUBSCRIBE_ROOM,
    Client,
    Form,
    Frame,
)
from tests.requirements import NODE_FOLDER
from tests.websocket import Closed, WebSocket

VALIDATE = """
import { Parser } from "@asyncapi/parser"
import { readFileSync } from "node:fs"
const found = await new Parser().validate(readFileSync(0, "utf8"))
const errors = found.filter(({ severity }) => severity === 0)
console.log(JSON.stringify(errors.map(({ message, path }) => `${path.join(".")}: ${message}`)))
"""


class Yard(Hall):
    """A hall whose maker may choose everything."""

    client_options: ClassVar[tuple[str, ...]] = tuple(generator.WIRE_NAMES)


class World(Desk):
    def may_create(self, user: User, kind: str) -> bool:
        return True


class Quiet(World):
    announce_rooms = False


KINDS: dict[str, type[RoomExtension[Any]]] = {"hall": Hall, "yard": Yard}


# The file.


def test_the_file_is_made_of_the_code_as_it_is() -> None:
    assert generator.FILE.read_text("utf-8") == generator.text(), (
        "run: python docs/_ext/goroom_asyncapi.py"
    )


@pytest.mark.requires("node")
def test_the_file_is_asyncapi() -> None:
    assert [] == errors_of(generator.text())


@pytest.mark.requires("node")
def test_what_is_no_asyncapi_is_found() -> None:
    broken = generator.protocol()
    broken["operations"]["full.LOGIN"]["channel"] = {"$ref": "#/channels/none"}

    assert errors_of(json.dumps(broken))


def errors_of(text: str) -> list[str]:
    """Return what AsyncAPI's own parser has against *text*."""
    done = subprocess.run(
        ["node", "--input-type=module", "--eval", VALIDATE],  # noqa: S607 -- the machine's node
        cwd=NODE_FOLDER,
        input=text,
        capture_output=True,
        check=True,
        text=True,
        timeout=60,
    )
    errors: list[str] = json.loads(done.stdout)
    return errors


def test_each_number_of_the_wire_is_described() -> None:
    protocol = generator.protocol()

    described = {one.event for one in (*generator.REQUESTS, *generator.PUSHES)}
    assert set(goroom.EventType) - {goroom.EventType.CONNECTION} == described - {None}
    assert list(goroom.errors.ERROR_TEXTS) == [one["code"] for one in protocol["x-error-codes"]]
    assert {4001, 4010, 4500, 4509} <= {one["code"] for one in protocol["x-close-codes"]}


# The frames.


@pytest.fixture(scope="module")
def description() -> Description:
    return Description(generator.protocol())


@pytest.fixture
async def address(aiohttp_server: Callable[..., Any]) -> str:
    """A server that knows everything, with little history."""
    server = goroom.Server(limits=Limits(history_events=3))
    server.add_application("test", World, rooms=KINDS, double_login="allow:2")
    server.add_application("quiet", Quiet, rooms=KINDS)
    site = web.Application()
    goroom.setup(site, server, path="/")
    running = await aiohttp_server(site)
    return f"{running.host}:{running.port}"


@pytest.fixture
def form() -> Form:
    """What most tests speak; others choose."""
    return Form.SHORT


@pytest.fixture
def story(address: str, form: Form) -> Iterator[Story]:
    story = Story(address, form)
    yield story
    story.end()


async def next_of(client: Client, event_type: int) -> Frame:
    while (frame := await client.event()).event_type != event_type:
        pass
    return frame


class Story:
    """Clients that do everything there is to do, while a `Listener` notes it."""

    def __init__(self, address: str, form: Form) -> None:
        self.listener = Listener()
        self._address = address
        self._form = form
        self._clients: list[Client] = []

    async def enter(
        self, name: str = "", *, path: str = "/", app: str = "test", **data: Any
    ) -> Client:
        client = await self.listener.client(self._address, self._form, path, app)
        self._clients.append(client)
        if name:
            await client.login(name, **data)
        return client

    async def tell(self) -> None:
        """Do everything."""
        ada = await self.enter("ada", resume=True)
        ann = await self.enter("ann")
        await self._messages(ada, ann)
        await self._lists(ann)
        await self._refusals()
        await self._several(ada)
        await self._ends(ann)
        await self._resumes()
        await self._bound()

    def end(self) -> None:
        """Cut every client."""
        for client in self._clients:
            client.socket.abort()

    async def _messages(self, ada: Client, ann: Client) -> None:
        ada.send(CONNECTION)
        await ada.request(JOIN_APP)
        await ada.join("hall")
        await ann.request(JOIN_ROOM, {}, roomName="hall")
        await ada.say("hall", "tell", {"text": "hello"})
        await ada.say("hall", "announce", {"text": "hello"})
        await ada.say("hall", "whisper", {"to": "ann", "text": "hello"})
        await ada.say("hall", "describe", {"properties": {"map": "moon"}})
        await ada.say("hall", "who")
        await ada.say("hall", "nameless")
        await ada.say("", "shout", {"text": "hello"})
        await ada.say("", "remind", {"text": "hello"})
        ada.send(MESSAGE, {}, roomName="hall", action="who")
        watcher = await self.enter("wim")
        await watcher.request(SUBSCRIBE_ROOM, {"roomName": "hall"})
        await watcher.request(UNSUBSCRIBE_ROOM, {"roomName": "hall"})
        await watcher.request(SUBSCRIBE_ROOM, roomName="hall")
        await watcher.request(UNSUBSCRIBE_ROOM, roomName="hall")
        await ada.request(LEAVE_ROOM, {}, roomName="hall")
        await ada.join("hall")
        for client in (ada, ann, watcher):
            await client.events()

    async def _lists(self, ann: Client) -> None:
        watcher = await self.enter("una", app="quiet")
        answer = await watcher.request(SUBSCRIBE_ROOM)
        assert ["hall"] == [room["roomName"] for room in answer.data["rooms"]]
        options = {
            "capacity": 4,
            "password": "moon",
            "hidden": False,
            "locked": False,
            "spectators": True,
            "autoRemove": AutoRemove.WHEN_EMPTY,
            "announceMembers": True,
            "properties": {"map": "sea"},
        }
        maker = await self.enter("max", app="quiet")
        await maker.request(JOIN_ROOM, {"create": True, "kind": "yard", "roomName": "y", **options})
        await next_of(watcher, ROOM_UPDATE)
        await watcher.request(SUBSCRIBE_ROOM, {"roomName": "y", "password": "moon"})
        await maker.leave("y")
        await next_of(watcher, ROOM_REMOVE)
        await watcher.request(UNSUBSCRIBE_ROOM)
        await ann.join("new", create="if_missing", kind="yard")
        await ann.leave("new")

    async def _refusals(self) -> None:
        client = await self.enter()
        await client.request(LOGIN, appName="nowhere")
        await client.request(LOGOUT)
        for unreadable in ({"eventType": True}, {"eventType": MESSAGE, "id": "one"}):
            Client.send_value(client, unreadable)  # not noted: nothing describes it
        await client.login("ben")
        await client.join("hall")
        await client.say("hall", "refuse", {"text": "hello"})
        await client.say("hall", "move", {"name": "nowhere"})
        await client.request(RECONNECT, {"token": "none"})
        await client.events()
        await client.request(LOGOUT)

    async def _several(self, ada: Client) -> None:
        second = await self.enter("ada")
        await second.join("other", create=True, kind="hall")
        await second.leave("other")
        await second.request(DISCONNECTION)
        await ada.events()

    async def _ends(self, ann: Client) -> None:
        for name, action, data in (
            ("dan", "disconnect", {"code": 4503}),
            ("eve", "kick", {"to": "eve", "text": "enough"}),
        ):
            client = await self.enter(name)
            await client.join("hall")
            client.send(MESSAGE, data, roomName="hall", action=action)
            await next_of(client, DISCONNECTION if action == "disconnect" else LEAVE_ROOM)
        await ann.join("closing", create=True, kind="hall")
        ann.send(MESSAGE, {}, roomName="closing", action="close")
        await next_of(ann, LEAVE_ROOM)
        await ann.events()

    async def _resumes(self) -> None:
        names = ("kept", "missed", "gone", "anew", "kicked")
        host = await self.enter("hal")
        guest = await self.enter()
        token = (await guest.login("gus", resume=True)).data["token"]
        for name in names:
            await host.join(name, create=True, kind="yard", autoRemove=AutoRemove.NEVER)
        places: dict[str, Any] = {}
        for name in names:
            answer = await guest.join(name)
            places[name] = {"epoch": answer.data["epoch"], "seq": answer.seq, "sub": answer.sub}
        guest.socket.abort()
        await next_of(host, MEMBER_AWAY)
        second = await self.enter("hal")
        second.socket.abort()
        await (await self.enter("ida")).join("kept")
        await host.say("kept", "announce", {"text": "while you were away"})
        for _ in range(4):
            await host.say("missed", "announce", {"text": "while you were away"})
        for name in ("gone", "anew"):
            await host.say(name, "close")
        await host.join("anew", create=True, kind="hall")
        await host.say("kicked", "kick", {"to": "gus", "text": "too late"})
        places["anew"]["epoch"] = "another"
        back = await self.enter()
        answer = await back.request(
            RECONNECT,
            {
                "token": token,
                "attempt": "0123456789abcdef",
                "app": {"epoch": "another", "seq": 0, "sub": 0},
                "rooms": {**places, "hall": {"epoch": "another", "seq": 0, "sub": 0}},
            },
        )
        assert not answer.error, answer
        await next_of(host, MEMBER_BACK)
        back._ids = guest._ids  # they go on counting
        await back.join("fresh", create=True, kind="hall")
        await host.events()
        await back.events()
        back.socket.abort()
        await next_of(host, MEMBER_AWAY)
        again = await self.enter()
        answer = await again.request(RECONNECT, {"token": answer.data["token"], "app": None})
        assert {"kept", "missed", "fresh"} == set(answer.data["rooms"]), answer
        await again.events()
        await host.events()

    async def _bound(self) -> None:
        client = await self.enter(path="/test", app="")
        for event_type, data in ((LOGIN, {"username": "kim"}), (LOGOUT, None)):
            client.send(event_type, data, appName=None)
            assert event_type == (await client.event()).event_type


@pytest.mark.parametrize("form", list(Form), ids=str)
async def test_each_frame_is_described_and_each_description_comes(
    form: Form, description: Description, story: Story
) -> None:
    await story.tell()

    kind = "full" if form is Form.FULL else "short"
    seen: set[str] = set()
    for frame in story.listener.pushes:
        matching = description.pushes(frame, kind)
        assert matching, f"nothing describes {frame}"
        for name in matching:
            seen |= description.parts(name, frame)
    for frame in story.listener.requests:
        if frame["eventType"] == CONNECTION:
            continue
        name = f"request.{goroom.EventType(frame['eventType']).name}"
        assert description.takes(name, frame), frame
        seen |= description.parts(name, frame)
    names = description.names(f"{kind}.", "request.")
    assert set() == set().union(*map(description.parts, names)) - seen


WRONG = [
    (LOGIN, "username", 7),
    (LOGIN, "resume", "yes"),
    (RECONNECT, "token", 7),
    (RECONNECT, "attempt", 7),
    (RECONNECT, "attempt", "a" * (generator.MOST_CHARACTERS + 1)),
    (RECONNECT, "app", "here"),
    (RECONNECT, "rooms", []),
    (JOIN_ROOM, "roomName", 7),
    (JOIN_ROOM, "create", "perhaps"),
    (JOIN_ROOM, "kind", 7),
    *[(JOIN_ROOM, option, 0) for option in generator.WIRE_NAMES.values()],
    (LEAVE_ROOM, "roomName", 7),
    (SUBSCRIBE_ROOM, "roomName", 7),
    (SUBSCRIBE_ROOM, "password", 7),
    (UNSUBSCRIBE_ROOM, "roomName", 7),
]
"""What is wrong in the data of a request that is right otherwise."""


@pytest.mark.parametrize(("event_type", "field", "value"), WRONG)
async def test_what_a_request_is_said_not_to_be_is_refused(
    event_type: int, field: str, value: object, description: Description, story: Story
) -> None:
    ada = await story.enter("ada")
    bob = await story.enter()  # logged in nowhere
    right = {
        LOGIN: {"username": "bob"},
        RECONNECT: {"token": "none"},
        JOIN_ROOM: {"roomName": "new", "create": "if_missing", "kind": "yard"},
        SUBSCRIBE_ROOM: {"roomName": "hall"},
    }.get(event_type, {})
    name = f"request.{goroom.EventType(event_type).name}"
    assert description.takes(name, {"eventType": event_type, "data": right})

    data = {**right, field: value}
    client = bob if event_type in {LOGIN, RECONNECT} else ada
    answer = await client.request(event_type, data)

    assert not description.takes(name, {"eventType": event_type, "data": data})
    assert (21, field) == (answer.error_code, answer.error.get("field"))


async def test_goroomservers_frames_are_described(
    description: Description, aiohttp_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames: list[dict[str, Any]] = []
    receive = WebSocket.receive

    async def noting(socket: WebSocket, *arguments: Any) -> str | bytes | Closed:
        message = await receive(socket, *arguments)
        if isinstance(message, str):
            frames.extend(map(json.loads, message.split("\n")))
        return message

    monkeypatch.setattr(WebSocket, "receive", noting)
    server = goroom.Server()
    kinds = {"hall": golden.Hall, "vault": golden.Vault, "cell": golden.Cell}
    server.add_application("test", golden.Test, rooms=kinds)
    site = web.Application()
    goroom.setup(site, server, path="/")

    await play(golden.TRANSCRIPT, str((await aiohttp_server(site)).make_url("")))

    assert frames
    assert [] == [frame for frame in frames if not description.pushes(frame, "full")]
