"""Channels: a history and the live messages behind it, whoever is in the middle of what."""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import attrs
import pytest
from goroom_extensions.mirror import KINDS, Account, Message, Mirror, MirrorDialect, Store, Tokens
from goroom_extensions.mirror.channels import frame_of, pair_of

from goroom import Server
from goroom.testing import Line, Stage

ADA, BOB = Account("a" * 22, "ada", "A" * 22), Account("b" * 22, "bob", "B" * 22)


@attrs.define(eq=False)
class GatedStore:
    """What the mirror keeps, in memory; each call can be held when it has done its work."""

    messages: dict[str, list[Message]] = attrs.field(factory=lambda: defaultdict(list))
    notices: dict[str, list[str]] = attrs.field(factory=lambda: defaultdict(list))
    gates: dict[str, asyncio.Event] = attrs.field(factory=dict)

    def hold(self, call: str) -> asyncio.Event:
        """Hold all that call *call* until the event is set."""
        return self.gates.setdefault(call, asyncio.Event())

    async def by_id(self, user_id: str) -> Account | None:
        return {account.id: account for account in (ADA, BOB)}.get(user_id)

    async def by_channel(self, channel: str) -> Account | None:
        return {account.channel_id: account for account in (ADA, BOB)}.get(channel)

    async def add_message(self, channel: str, author: Account, value: str) -> Message:
        message = Message(len(self.messages[channel]), channel, author, value)
        self.messages[channel].append(message)
        await self._gate("add_message")
        return message

    async def history(self, channel: str, most: int = 100) -> list[Message]:
        messages = self.messages[channel][-most:]
        await self._gate("history")
        return messages

    async def keep_notice(self, user_id: str, channel: str) -> None:
        self.notices[user_id].append(channel)
        await self._gate("keep_notice")

    async def take_notices(self, user_id: str) -> list[str]:
        notices = self.notices.pop(user_id, [])
        await self._gate("take_notices")
        return notices

    async def _gate(self, call: str) -> None:
        if call in self.gates:
            await self.gates[call].wait()


@attrs.define(eq=False)
class Scene:
    """Ada and Bob on a stage."""

    stage: Stage
    store: GatedStore
    tokens: Tokens

    async def socket(self, account: Account, *, bound: bool = True) -> Line:
        cookies = {"AccessToken": self.tokens.issue(account)}
        line = await self.stage.dial(MirrorDialect, "mirror", cookies=cookies)
        if bound:
            await bind(line, account)
        return line


async def bind(line: Line, account: Account) -> None:
    """Bind *line* to *account*."""
    named = json.loads(await line.receive())
    say(line, "register.userId", websocketId=named["websocketId"], userId=account.id)
    await line.settle()


def say(line: Line, code: str, **fields: str) -> None:
    """Send one frame."""
    line.send(json.dumps({"code": code, **fields}))


async def heard(line: Line) -> list[str]:
    """Return what has come: the values of messages, the codes of all else."""
    frames = [json.loads(frame) for frame in await line.received()]
    return [
        json.loads(frame["message"])["value"] if frame["message"] else frame["code"]
        for frame in frames
    ]


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    """Return the stage with nobody on it."""
    kept, signed = GatedStore(), Tokens(tmp_path)

    class Gated(Mirror):
        store = cast("Store", kept)
        tokens = signed

    server = Server(seed=1)
    server.add_application("mirror", Gated, rooms=KINDS)
    async with Stage(server) as stage:
        yield Scene(stage, kept, signed)


def publish(line: Line, value: str) -> None:
    """Write *value* to Ada's channel."""
    say(line, "channel.publish", channel=ADA.channel_id, message=value)


async def test_what_is_published_while_a_history_is_read_comes_after_it(scene: Scene) -> None:
    ada, bob = await scene.socket(ADA), await scene.socket(BOB)
    publish(ada, "before")
    await ada.settle()
    gate = scene.store.hold("history")

    say(bob, "channel.subscribe", channel=ADA.channel_id)
    await bob.settle()
    publish(ada, "meanwhile")
    await ada.settle()
    assert [] == await heard(bob)
    gate.set()

    assert ["channel.subscribed", "before", "meanwhile"] == await heard(bob)


async def test_who_subscribes_while_something_is_published_hears_it_once(scene: Scene) -> None:
    ada, bob = await scene.socket(ADA), await scene.socket(BOB)
    gate = scene.store.hold("add_message")

    publish(ada, "first")
    await ada.settle()
    say(bob, "channel.subscribe", channel=ADA.channel_id)
    assert [] == await heard(bob)
    gate.set()

    assert ["channel.subscribed", "first"] == await heard(bob)


async def test_messages_are_told_in_the_order_in_which_they_are_kept(scene: Scene) -> None:
    ada, bob = await scene.socket(ADA), await scene.socket(BOB)
    gate = scene.store.hold("add_message")

    for line, value in ((ada, "one"), (bob, "two")):
        publish(line, value)
        await line.settle()
    gate.set()

    assert ["one", "two"] == await heard(ada)
    kept = [message.value for message in scene.store.messages[ADA.channel_id]]
    assert ["one", "two"] == kept


async def test_what_is_kept_is_told_although_its_turn_runs_out_of_time(scene: Scene) -> None:
    ada, bob = await scene.socket(ADA), await scene.socket(BOB)
    gate = scene.store.hold("add_message")
    publish(ada, "slow")
    await ada.settle()
    await scene.stage.advance(10)
    publish(ada, "next")
    say(bob, "channel.subscribe", channel=ADA.channel_id)
    await bob.settle()

    gate.set()

    assert ["slow", "next"] == await heard(ada)
    assert ["channel.subscribed", "slow", "next"] == await heard(bob)


async def test_other_channels_do_not_wait(scene: Scene) -> None:
    ada, bob = await scene.socket(ADA), await scene.socket(BOB)
    scene.store.hold("history")
    say(bob, "channel.subscribe", channel=ADA.channel_id)
    await bob.settle()

    say(ada, "channel.publish", channel=BOB.channel_id, message="hello")

    assert ["hello"] == await heard(bob)


async def test_who_writes_to_somebody_that_is_binding_is_heard(scene: Scene) -> None:
    ada, bob = await scene.socket(ADA), await scene.socket(BOB, bound=False)
    gate = scene.store.hold("take_notices")

    await bind(bob, BOB)
    say(ada, "message.direct", channel=f"{ADA.id}.{BOB.id}")
    await ada.settle()
    gate.set()

    assert ["subscribe.direct"] == await heard(bob)
    assert {} == scene.store.notices


async def test_who_binds_while_a_notice_is_kept_for_him_gets_it(scene: Scene) -> None:
    ada, bob = await scene.socket(ADA), await scene.socket(BOB, bound=False)
    gate = scene.store.hold("keep_notice")

    say(ada, "message.direct", channel=f"{ADA.id}.{BOB.id}")
    await ada.settle()
    await bind(bob, BOB)
    gate.set()

    assert ["subscribe.direct"] == await heard(bob)


async def test_a_socket_that_goes_while_it_binds_is_bound_no_more(scene: Scene) -> None:
    ada, bob = await scene.socket(ADA), await scene.socket(BOB, bound=False)
    gate = scene.store.hold("take_notices")
    await bind(bob, BOB)
    await bob.cut()
    gate.set()
    await ada.settle()

    say(ada, "message.direct", channel=f"{ADA.id}.{BOB.id}")
    await ada.settle()

    assert [f"{ADA.id}.{BOB.id}"] == scene.store.notices[BOB.id]


async def test_notices_that_nobody_could_be_told_are_kept(scene: Scene) -> None:
    bob = await scene.socket(BOB, bound=False)
    channel = f"{ADA.id}.{BOB.id}"
    scene.store.notices[BOB.id] = [channel]
    gate = scene.store.hold("take_notices")

    await bind(bob, BOB)
    await bob.cut()
    await scene.stage.advance(2)  # its reader waits for the handler: the server looks every second
    gate.set()

    again = await scene.socket(BOB)
    assert ["subscribe.direct"] == await heard(again)


async def test_a_socket_ends_with_its_cookie(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = await scene.socket(ADA)
    unbound = await scene.socket(ADA, bound=False)
    extension = scene.stage.server.applications["mirror"].extension
    days = 3600 * 24

    monkeypatch.setattr(Mirror, "now", staticmethod(lambda: time.time() + 2 * days))
    await scene.stage.advance(61)
    assert ada.closed is None
    monkeypatch.setattr(Mirror, "now", staticmethod(lambda: time.time() + 4 * days))
    await scene.stage.advance(61)

    assert (4500, "the log-in is over") == ada.closed
    assert unbound.closed is None
    assert isinstance(extension, Mirror)
    assert {} == extension._sockets


async def test_who_logs_out_ends_the_sockets_of_that_log_in_alone(scene: Scene) -> None:
    cookies = [scene.tokens.issue(ADA), scene.tokens.issue(BOB)]
    first, second, bob = [
        await scene.stage.dial(MirrorDialect, "mirror", cookies={"AccessToken": cookie})
        for cookie in (cookies[0], cookies[0], cookies[1])
    ]
    await bind(first, ADA)
    extension = scene.stage.server.applications["mirror"].extension
    assert isinstance(extension, Mirror)

    extension.log_out(cookies[0])
    await scene.stage.settle()

    assert [(4500, "logged out")] * 2 + [None] == [line.closed for line in (first, second, bob)]


@pytest.mark.parametrize(
    ("channel", "pair"),
    [
        (f"{ADA.id}.{BOB.id}", (ADA.id, BOB.id)),
        (ADA.channel_id, None),
        (f"{ADA.id}.{BOB.id}.{BOB.id}", None),
        (f"{ADA.id}.", None),
        (f"{ADA.id}.{BOB.id}\n", None),
        ("", None),
    ],
)
def test_a_pair_is_two_ids_with_a_dot_between_them(
    channel: str, pair: tuple[str, str] | None
) -> None:
    assert pair == pair_of(channel)


def test_a_message_is_json_in_a_string() -> None:
    frame = frame_of(Message(1, BOB.channel_id, ADA, 'a "b"'))

    value: dict[str, Any] = json.loads(frame.message)
    assert {"value": 'a "b"', "userId": ADA.id, "username": "ada", "channel": ADA.channel_id} == (
        value
    )
    assert (ADA.id, BOB.channel_id, "") == (frame.user_id, frame.channel, frame.websocket_id)
