"""Mirror: sockets and whom they are bound to, direct messages, subscriptions, over real sockets."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import goroom_extensions.mirror.channels
import pytest
from goroom_extensions.mirror import Mirror, Passwords, Store, StoreFailed
from structlog.testing import capture_logs

from tests.extensions.mirror.house import House, Socket, open_house, said
from tests.rawclient import LOGIN
from tests.websocket import HandshakeRefused, WebSocket

UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@pytest.fixture
async def house(tmp_path: Path, passwords: Passwords) -> AsyncIterator[House]:
    """Open a mirror."""
    async with open_house(tmp_path, passwords) as opened:
        yield opened


def direct(one: Socket, other: Socket) -> str:
    """Return the direct channel that *one* begins with *other*."""
    return f"{one.me['UserId']}.{other.me['UserId']}"


def write_to(one: Socket, other: Socket) -> str:
    """Have *one* say that it writes to *other*; return the channel."""
    channel = direct(one, other)
    one.say("message.direct", websocketId=one.id, userId=one.me["UserId"], channel=channel)
    return channel


# -- connecting and binding ----------------------------------------------------------------------


async def test_the_first_frame_names_the_socket(house: House) -> None:
    headers = {"Origin": house.url}
    socket = await WebSocket.connect(f"{house.url}/ws", headers=headers)
    frame = json.loads(str(await socket.receive(10)))
    await socket.close(1000)

    assert UUID4.fullmatch(frame["websocketId"])
    assert ["code", "message", "websocketId", "userId", "channel"] == list(frame)
    assert ("registered.success", "Registered", "", "") == (
        frame["code"],
        frame["message"],
        frame["userId"],
        frame["channel"],
    )


async def test_the_go_client_gets_in_and_is_nobody(house: House) -> None:
    ada = await house.socket("ada")
    headers = {"Origin": f"{house.url}/"}  # with a slash, and no cookie
    web_socket = await WebSocket.connect(f"{house.url}/ws", headers=headers)
    web_socket.send_text('{"message":"text\\n"}')
    named = json.loads(str(await web_socket.receive(10)))
    client = Socket(web_socket, named["websocketId"], ada.me)

    client.bind()
    write_to(ada, client)

    assert [] == await client.so_far()
    assert ["subscribe.direct"] == await ada.codes()  # ada herself is the one it goes to
    await client.close()


async def test_a_cookie_from_another_page_opens_no_socket(house: House) -> None:
    await house.log_in("ada")
    cookies = house.accounts.cookie_header("ada", "/ws")

    for origin in ("http://evil.example", f"{house.url}/", "null"):
        with pytest.raises(HandshakeRefused) as caught:
            await WebSocket.connect(f"{house.url}/ws", headers={"Origin": origin, **cookies})
        assert 403 == caught.value.status


async def test_websocket_unauthenticated(house: House) -> None:
    """Bug of the seed: anyone can bind any websocketId to any UserId and read its messages."""
    ada, bob = await house.socket("ada"), await house.socket("bob")
    eve, nobody = await house.socket("eve", bound=False), await house.socket()

    with capture_logs() as logs:
        eve.bind(as_whom=bob.me["UserId"])
        eve.bind(websocket_id=bob.id)
        nobody.bind(as_whom=bob.me["UserId"], websocket_id=nobody.id)
        nobody.bind(as_whom=bob.me["UserId"], websocket_id=bob.id)
        assert [] == await eve.so_far() + await nobody.so_far()
    channel = write_to(ada, bob)
    assert [] == await ada.so_far()
    for stranger in (eve, nobody):
        stranger.say("channel.subscribe", channel=channel)

    assert ["bind_refused"] * 4 == [entry["event"] for entry in logs]
    assert ["subscribe.direct"] == await bob.codes()
    assert ["channel.refused"] == await eve.codes()
    assert ["channel.refused"] == await nobody.codes()


@pytest.mark.parametrize("cookie", ["rubbish", "a.b.c", "", "%C3%A9...", "x" * 3000])
async def test_a_cookie_that_is_no_jwt_binds_to_nobody(house: House, cookie: str) -> None:
    """Bug of the seed: a cookie that is no JWT panics the handler."""
    ada = await house.socket("ada")
    headers = {"Origin": house.url, "Cookie": f"AccessToken={cookie}"}
    web_socket = await WebSocket.connect(f"{house.url}/ws", headers=headers)
    named = json.loads(str(await web_socket.receive(10)))
    socket = Socket(web_socket, named["websocketId"], ada.me)

    with capture_logs() as logs:
        socket.bind()
        socket.say("channel.subscribe", channel=ada.me["ChannelId"])
        assert ["channel.refused"] == await socket.codes()

    assert ["bind_refused"] == [entry["event"] for entry in logs]
    await socket.close()


async def test_a_socket_that_is_not_bound_hears_and_writes_nothing(house: House) -> None:
    ada, late = await house.socket("ada"), await house.socket("bob", bound=False)
    channel = ada.me["ChannelId"]

    for code in ("channel.subscribe", "channel.publish", "channel.unsubscribe"):
        late.say(code, channel=channel, message="hello")

    assert ["channel.refused"] * 3 == await late.codes()
    assert [] == await ada.so_far()


async def test_goroom_s_own_clients_cannot_enter(house: House) -> None:
    await house.socket("ada")
    for path in ("/any", "/mirror"):
        socket = await WebSocket.connect(house.url + path, subprotocol="goroom.json")
        frame = {"eventType": LOGIN, "appName": "mirror", "id": 1, "data": {"username": "eve"}}
        socket.send_text(json.dumps(frame))
        answer = json.loads(str(await socket.receive(10)))

        assert 26 == answer["error"]["code"]
        await socket.close(1000)


async def test_what_no_client_should_say_is_not_answered(house: House) -> None:
    ada = await house.socket("ada")
    with capture_logs() as logs:
        await say_nonsense(ada)

    assert "handler_failed" not in {entry["event"] for entry in logs}


async def say_nonsense(ada: Socket) -> None:
    """Say what is no frame, or none of a client's, twice."""
    for text in (
        "",
        "{",
        "[]",
        "null",
        '"channel.publish"',
        '{"code":1}',
        '{"code":"channel.publish","channel":7}',
        '{"code":"unknown"}',
        '{"code":"on_connect"}',
        '{"code":"registered.success","websocketId":"x"}',
        '{"code":"message.direct"}',
        '{"code":"register.userId"}',
        "[" * 10_000,
        '{"code":"channel.publish","message":"\\ud800"}',
    ):
        ada.web_socket.send_text(text)
        ada.web_socket.send_text(text)

    assert [] == await ada.so_far()


# -- direct messages -----------------------------------------------------------------------------


async def test_a_direct_message_goes_to_every_socket_of_its_receiver(house: House) -> None:
    ada, bob, bobs_phone = [await house.socket(name) for name in ("ada", "bob", "bob")]

    channel = write_to(ada, bob)

    assert [] == await ada.so_far()
    expected = {"message": "", "websocketId": "", "userId": "", "channel": channel}
    for socket in (bob, bobs_phone):
        assert [{"code": "subscribe.direct", **expected}] == await socket.so_far()


async def test_who_writes_to_himself_hears_of_it(house: House) -> None:
    ada = await house.socket("ada")

    write_to(ada, ada)

    assert ["subscribe.direct"] == await ada.codes()


async def test_sender_of_a_direct_message_is_checked(house: House) -> None:
    """Bug of the seed: the sender of a DM is not checked."""
    ada, bob, eve = [await house.socket(name) for name in ("ada", "bob", "eve")]
    nobody = await house.socket()

    for stranger in (eve, nobody):
        channel = direct(ada, bob)
        stranger.say("message.direct", websocketId=ada.id, userId=ada.me["UserId"], channel=channel)
        assert [] == await stranger.so_far()

    assert [] == await bob.so_far() + await ada.so_far()


async def test_a_channel_without_a_dot_panics_nobody(house: House) -> None:
    """Bug of the seed: a channel without "." panics."""
    ada, bob = await house.socket("ada"), await house.socket("bob")

    with capture_logs() as logs:
        for channel in ("", ".", "x", ada.me["UserId"], f"{ada.me['UserId']}.", "a.b.c"):
            ada.say("message.direct", websocketId=ada.id, userId=ada.me["UserId"], channel=channel)
        assert [] == await ada.so_far() + await bob.so_far()
    assert {"direct_refused"} == {entry["event"] for entry in logs}
    write_to(ada, bob)
    assert [] == await ada.so_far()

    assert ["subscribe.direct"] == await bob.codes()


async def test_a_failing_send_deletes_not_the_senders_entry(house: House) -> None:
    """Bug of the seed: a send that fails deletes the entry of the SENDER."""
    ada, bob, bobs_phone = [await house.socket(name) for name in ("ada", "bob", "bob")]

    bobs_phone.web_socket.abort()
    for _ in range(20):
        write_to(ada, bob)
    assert [] == await ada.so_far()
    write_to(bob, ada)
    assert ["subscribe.direct"] * 20 == await bob.codes()

    assert ["subscribe.direct"] == await ada.codes()


async def test_a_direct_message_to_an_offline_user_vanishes_not(house: House) -> None:
    """Bug of the seed: a DM to an offline user vanishes."""
    ada, bob = await house.socket("ada"), await house.socket("bob")
    await house.leave(bob)
    channel = write_to(ada, bob)
    assert [] == await ada.so_far()

    bob = await house.socket("bob", bound=False)
    assert [] == await bob.so_far()
    bob.bind()

    assert ["subscribe.direct"] == [frame["code"] for frame in await bob.so_far()]
    again = await house.socket("bob")
    assert [] == await again.so_far()
    assert channel == direct(ada, bob)


@pytest.mark.parametrize("how", ["close", "abort"])
async def test_a_direct_message_to_who_is_just_going_is_kept(house: House, how: str) -> None:
    ada = await house.socket("ada")
    for _ in range(10):
        bob = await house.socket("bob")
        if how == "close":
            await bob.close()
        else:
            bob.web_socket.abort()
            await bob.web_socket._writer.wait_closed()  # now the system has told the server
        channel = write_to(ada, bob)
        assert [] == await ada.so_far()
        again = await house.socket("bob", bound=False)
        again.bind()

        assert [("subscribe.direct", channel)] == [
            (frame["code"], frame["channel"]) for frame in await again.so_far()
        ]
        await house.leave(again)


async def test_offline_messages_and_accounts_survive_a_restart(
    tmp_path: Path, passwords: Passwords, database_url: str
) -> None:
    async with open_house(tmp_path, passwords, database=database_url) as house:
        ada, bob = await house.log_in("ada"), await house.log_in("bob")
        writer = await house.socket("ada")
        channel = f"{ada['UserId']}.{bob['UserId']}"
        writer.say("channel.publish", channel=channel, message="see you")
        writer.say("message.direct", channel=channel)
        assert [] == await writer.so_far()

    async with open_house(tmp_path, passwords, database=database_url) as house:
        reader = await house.socket("bob", bound=False)
        reader.bind()
        noticed = await reader.so_far()
        reader.say("channel.subscribe", channel=channel)
        answer, message = await reader.so_far()

        assert (ada, bob) == (
            {**await house.log_in("ada"), "exp": ada["exp"]},
            {**await house.log_in("bob"), "exp": bob["exp"]},
        )
    assert [("subscribe.direct", channel)] == [
        (frame["code"], frame["channel"]) for frame in noticed
    ]
    assert "channel.subscribed" == answer["code"]
    assert "see you" == said(message)["value"]


async def test_a_direct_message_to_nobody_is_dropped(house: House) -> None:
    ada = await house.socket("ada")

    ada.say("message.direct", channel=f"{ada.me['UserId']}.{'x' * 22}")

    assert [] == await ada.so_far()


async def test_notices_come_once_to_sockets_that_bind_together(house: House) -> None:
    ada, bob = await house.socket("ada"), await house.socket("bob")
    await house.leave(bob)
    for _ in range(10):
        write_to(ada, bob)
    assert [] == await ada.so_far()

    sockets = [await house.socket("bob", bound=False) for _ in range(5)]
    for socket in sockets:
        socket.bind()
    for _ in range(10):
        write_to(ada, bob)
    assert [] == await ada.so_far()

    counts = [len(await socket.so_far()) for socket in sockets]
    assert 20 <= max(counts)
    assert sum(counts) == 10 + 10 * 5 - sum(20 - count for count in counts if 10 < count < 20)


async def test_nothing_is_left_of_sockets_that_have_gone(house: House) -> None:
    sockets = [await house.socket(name) for name in ("ada", "ada", "bob", "")]
    sockets[0].say("channel.subscribe", channel=sockets[2].me["ChannelId"])
    sockets[1].bind()  # again
    assert ["channel.subscribed"] == await sockets[0].codes()
    assert [] == await sockets[1].so_far()

    await house.leave(sockets[0])
    for socket in sockets[1:]:
        await house.cut(socket)

    application = house.server.applications["mirror"]
    extension = application.extension
    assert isinstance(extension, Mirror)
    assert ({}, {}, 0, 0) == (
        extension._accounts,
        extension._sockets,
        len(extension._locks),
        len(extension.channels._locks),
    )
    assert ([], []) == ([*application.users], [*application.rooms])


async def test_unsynchronised_maps(house: House) -> None:
    """Bug of the seed: its maps of sockets and users are changed by all at the same time."""
    ada, bob = await house.socket("ada"), await house.socket("bob")

    async def come_and_go() -> None:
        for _ in range(5):
            socket = await house.socket("bob", bound=False)
            socket.bind()
            await house.cut(socket)

    async def write() -> None:
        for _ in range(50):
            write_to(ada, bob)
            await asyncio.sleep(0)
        assert [] == await ada.so_far()

    with capture_logs() as logs:
        await asyncio.gather(*(come_and_go() for _ in range(6)), write())

    extension = house.server.applications["mirror"].extension
    assert isinstance(extension, Mirror)
    assert {"ada": 1, "bob": 1} == {
        account.name: len(extension._sockets[account.id])
        for account in extension._accounts.values()
    }
    assert ["subscribe.direct"] * 50 == await bob.codes()
    assert "handler_failed" not in {entry["event"] for entry in logs}


# -- channels ------------------------------------------------------------------------------------


async def test_subscribe_publish_unsubscribe(house: House) -> None:
    ada, bob = await house.socket("ada"), await house.socket("bob")
    channel = ada.me["ChannelId"]

    bob.say("channel.subscribe", channel=channel)
    bob.say("channel.publish", channel=channel, message='hello "ada" \\ 世界')
    bob.say("channel.unsubscribe", channel=channel)
    bob.say("channel.publish", channel=channel, message="later")
    answer, message, goodbye = await bob.so_far()

    empty = {"message": "", "websocketId": "", "userId": "", "channel": channel}
    assert {"code": "channel.subscribed", **empty} == answer
    assert {"code": "channel.unsubscribed", **empty} == goodbye
    assert ("", bob.me["UserId"], channel) == (
        message["websocketId"],
        message["userId"],
        message["channel"],
    )
    assert {
        "value": 'hello "ada" \\ 世界',
        "userId": bob.me["UserId"],
        "username": "bob",
        "channel": bob.me["ChannelId"],
    } == said(message)
    assert ['hello "ada" \\ 世界', "later"] == await ada.values()


async def test_publishing_needs_no_subscription_and_a_subscriber_hears_what_was_said(
    house: House,
) -> None:
    ada, bob = await house.socket("ada"), await house.socket("bob")
    channel = ada.me["ChannelId"]
    await house.leave(ada)

    for value in ("one", "two", "three"):
        bob.say("channel.publish", channel=channel, message=value)
    assert [] == await bob.so_far()
    bob.say("channel.subscribe", channel=channel)
    bob.say("channel.subscribe", channel=channel)

    answered = ["channel.subscribed", *["channel.message"] * 3]
    assert answered * 2 == await bob.codes()


async def test_at_most_the_last_hundred_messages_are_told(house: House) -> None:
    ada = await house.socket("ada")
    channel = ada.me["ChannelId"]
    for number in range(120):
        ada.say("channel.publish", channel=channel, message=str(number))
    assert 120 == len(await ada.so_far())

    bob = await house.socket("bob")
    bob.say("channel.subscribe", channel=channel)

    assert [str(number) for number in range(20, 120)] == await bob.values()


async def test_who_publishes_cannot_say_who_he_is(house: House) -> None:
    ada, bob = await house.socket("ada"), await house.socket("bob")

    bob.say(
        "channel.publish",
        channel=ada.me["ChannelId"],
        message="hello",
        userId=ada.me["UserId"],
        websocketId=ada.id,
        username="ada",
    )
    assert [] == await bob.so_far()

    [message] = await ada.so_far()
    assert (bob.me["UserId"], "bob") == (message["userId"], said(message)["username"])


async def test_html_is_passed_on_as_the_text_that_it_is(house: House) -> None:
    ada = await house.socket("ada")

    ada.say("channel.publish", channel=ada.me["ChannelId"], message="<img src=x onerror=alert()>")

    assert ["<img src=x onerror=alert()>"] == await ada.values()


async def test_a_direct_channel_is_for_its_two_only(house: House) -> None:
    ada, bob, eve = [await house.socket(name) for name in ("ada", "bob", "eve")]
    channel = direct(ada, bob)

    for socket in (ada, bob, eve):
        socket.say("channel.subscribe", channel=channel)
    assert ["channel.refused"] == await eve.codes()
    assert ["channel.subscribed"] == await ada.codes()
    assert ["channel.subscribed"] == await bob.codes()
    eve.say("channel.publish", channel=channel, message="it is me, ada")
    assert ["channel.refused"] == await eve.codes()
    bob.say("channel.publish", channel=channel, message="hello")

    assert ["hello"] == await bob.values()
    assert ["hello"] == await ada.values()
    assert [] == await eve.so_far()


@pytest.mark.parametrize("channel", ["", "x", "x" * 22, "../etc", "{0}.{1}", "{1}.", "{1}.{0}.{1}"])
async def test_an_unknown_channel_is_refused(house: House, channel: str) -> None:
    ada = await house.socket("ada")
    channel = channel.format("x" * 22, ada.me["UserId"])

    for code in ("channel.subscribe", "channel.publish", "channel.unsubscribe"):
        ada.say(code, channel=channel, message="hello")

    expected = {"message": "", "websocketId": "", "userId": "", "channel": channel}
    assert [{"code": "channel.refused", **expected}] * 3 == await ada.so_far()


async def test_a_message_that_is_too_long_is_refused_with_a_reason(house: House) -> None:
    ada = await house.socket("ada")
    channel = ada.me["ChannelId"]

    ada.say("channel.publish", channel=channel, message="x" * 8192)
    ada.say("channel.publish", channel=channel, message="x" * 8193)

    taken, refused = await ada.so_far()
    assert 8192 == len(said(taken)["value"])
    assert ("channel.refused", "a message has 8192 bytes at most") == (
        refused["code"],
        refused["message"],
    )


async def test_a_database_that_fails_is_a_refusal_and_no_loss_of_anything_else(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await house.socket("ada")
    channel = ada.me["ChannelId"]

    async def fail(*_: object) -> None:
        raise StoreFailed("the disk is full")

    with monkeypatch.context() as patch:
        for call in ("add_message", "history", "by_id", "by_channel", "take_notices"):
            patch.setattr(Store, call, fail)
        for code in ("channel.publish", "channel.subscribe", "channel.unsubscribe"):
            ada.say(code, channel=channel, message="lost")
        ada.bind()
        write_to(ada, ada)
        codes = [(frame["code"], frame["message"]) for frame in await ada.so_far()]
    ada.say("channel.publish", channel=channel, message="kept")
    ada.say("channel.subscribe", channel=channel)

    busy = "channel.refused", "The server cannot do this at the moment."
    assert [busy, busy, ("channel.unsubscribed", ""), ("subscribe.direct", "")] == codes
    assert ["channel.subscribed", "channel.message"] == await ada.codes()


async def test_one_socket_hears_so_many_channels_at_most(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(goroom_extensions.mirror.channels, "SUBSCRIPTIONS", 2)
    ada, bob, eve = [await house.socket(name) for name in ("ada", "bob", "eve")]

    for other in (bob, eve, bob):
        ada.say("channel.subscribe", channel=other.me["ChannelId"])

    assert ["channel.subscribed", "channel.refused", "channel.subscribed"] == await ada.codes()


async def test_rooms_go_when_nobody_hears_them(house: House) -> None:
    ada, bob = await house.socket("ada"), await house.socket("bob")
    rooms = house.server.applications["mirror"].rooms
    channel = direct(ada, bob)
    bob.say("channel.subscribe", channel=channel)
    assert ["channel.subscribed"] == await bob.codes()
    kinds = {room.name: room.kind for room in rooms.values()}
    assert {
        ada.me["ChannelId"]: "public",
        bob.me["ChannelId"]: "public",
        channel: "direct",
    } == kinds

    await house.cut(bob)

    assert [ada.me["ChannelId"]] == list(rooms)


async def test_a_subscriber_misses_nothing_and_hears_nothing_twice_while_others_publish(
    house: House,
) -> None:
    writers = [await house.socket(name) for name in ("ada", "bob", "eve")]
    readers = [await house.socket("dan") for _ in range(4)]
    channel = writers[0].me["ChannelId"]
    writing = 0

    async def write(number: int, socket: Socket) -> None:
        nonlocal writing
        writing += 1
        for count in range(30):
            socket.say("channel.publish", channel=channel, message=f"{number}:{count}")
            await asyncio.sleep(0)
        await socket.codes()
        writing -= 1

    async def read(socket: Socket) -> list[list[str]]:
        stays = []
        while True:
            is_last = not writing
            socket.say("channel.unsubscribe", channel=channel)
            socket.say("channel.subscribe", channel=channel)
            while (await socket.take())["code"] != "channel.subscribed":
                pass
            stays.append([*await socket.values(), *await socket.values()])
            if is_last:
                return stays

    *_, first, second, third, fourth = await asyncio.gather(
        *(write(number, socket) for number, socket in enumerate(writers)),
        *(read(socket) for socket in readers),
    )

    for stays in (first, second, third, fourth):
        everything = stays[-1]
        assert 90 == len(everything) == len(set(everything))
        assert [everything[: len(lines)] for lines in stays] == stays
