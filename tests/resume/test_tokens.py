"""Protocol section 5: what a resume token is good for, and how often."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.rawclient import (
    DISCONNECTION,
    LOGOUT,
    MEMBER_AWAY,
    MEMBER_BACK,
    RECONNECT,
    Form,
)
from tests.resume.conftest import texts

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.rawclient import Frame
    from tests.resume.conftest import Life, Port

ATTEMPT = "an-attempt-of-sixteen"
UNKNOWN_TOKEN = 30


async def test_only_who_asks_for_it_gets_a_token(port: Port) -> None:
    plain, asking = await port.open(), await port.open()

    assert "token" not in (await plain.login("plain")).data
    assert len((await asking.login("asking", resume=True)).data["token"]) >= 43  # 256 bits


async def test_a_token_is_another_one_each_time(port: Port) -> None:
    ann = await port.begin("ann")
    tokens = {ann.token}
    for _ in range(5):
        ann.drop()
        await ann.come_back()
        tokens.add(ann.token)

    assert 6 == len(tokens)


async def test_a_login_comes_back_before_its_first_event(port: Port) -> None:
    ann = await port.begin("ann")
    ann.drop()
    answer = await ann.come_back()

    assert "ann" == answer.data["userName"]
    assert {} == answer.data["rooms"]
    assert ann.app == answer.data["app"]
    assert 0 == (await ann.client.join("hall")).error_code


async def test_a_member_comes_back_before_its_first_event(port: Port) -> None:
    ann = await port.begin("ann", "hall")
    ann.drop()
    await ann.come_back()
    frames = await ann.events()

    assert [MEMBER_AWAY, MEMBER_BACK] == [frame.event_type for frame in frames if not frame.action]
    assert ["ann"] == (await ann.client.say("hall", "who")).data


async def test_the_user_stays_the_same(port: Port) -> None:
    ann = await port.begin("ann")
    user = port.application().users["ann"]
    ann.drop()
    answer = await ann.come_back()

    assert user is port.application().users["ann"]
    assert user.id == answer.data["userId"]


async def test_ten_drops_in_a_row_lose_nothing(port: Port) -> None:
    ann, bob = await port.begin("ann", "hall"), await port.login("bob", "hall")
    seen: list[Frame] = []
    for number in range(10):
        ann.drop()
        await bob.say("hall", "tell", {"text": str(number)})
        await ann.come_back()
        seen += await ann.events()

    assert [str(number) for number in range(10)] == texts(seen)
    shared = [frame.seq for frame in seen if frame.sub is None]
    assert list(range(2, 2 + len(shared))) == shared
    assert 10 == port.quay().hooks.count("drop ann") == port.quay().hooks.count("resume ann")


async def test_ten_drops_in_a_row_with_nothing_between_them(port: Port) -> None:
    ann, bob = await port.begin("ann", "hall"), await port.login("bob", "hall")
    for _ in range(10):
        ann.drop()
        await ann.come_back()
    seen = await ann.events()
    told = [frame for frame in await bob.events() if frame.sender == "ann"]

    assert [MEMBER_AWAY, MEMBER_BACK] * 10 == [frame.event_type for frame in told]
    assert list(range(3, 23)) == [frame.seq for frame in told]
    assert told == [frame for frame in seen if frame.event_type in {MEMBER_AWAY, MEMBER_BACK}]


async def test_of_two_sockets_racing_with_one_token_exactly_one_wins(port: Port) -> None:
    ann, bob = await port.begin("ann", "hall"), await port.login("bob", "hall")
    ann.drop()
    racers = [await port.open() for _ in range(2)]
    for racer in racers:
        racer._ids = ann.client._ids
    answers = await asyncio.gather(
        *(racer.request(RECONNECT, ann.reconnect_data()) for racer in racers)
    )
    loser, winner = sorted(
        racers, key=lambda racer: answers[racers.index(racer)].error_code, reverse=True
    )

    assert [0, UNKNOWN_TOKEN] == sorted(answer.error_code for answer in answers)
    assert ["ann", "bob"] == (await winner.say("hall", "who")).data
    assert 2 == (await loser.say("hall", "who")).error_code
    assert [MEMBER_AWAY, MEMBER_BACK] == [frame.event_type for frame in await bob.events()]


async def test_a_used_token_is_30_and_the_socket_stays(port: Port) -> None:
    ann = await port.begin("ann", "hall")
    used = ann.token
    ann.drop()
    await ann.come_back()
    other = await port.open()
    answer = await other.request(RECONNECT, ann.reconnect_data(token=used))

    assert UNKNOWN_TOKEN == answer.error_code
    assert 0 == (await other.login("cat", resume=True)).error_code
    assert ["ann"] == (await ann.client.say("hall", "who")).data


async def test_the_token_before_the_last_is_30_even_with_its_attempt(port: Port) -> None:
    ann = await port.begin("ann", "hall")
    first = ann.token
    ann.drop()
    await ann.come_back(attempt=ATTEMPT)
    ann.drop()
    await ann.come_back(attempt="another-attempt-of-twenty")
    other = await port.open()
    answer = await other.request(RECONNECT, ann.reconnect_data(token=first, attempt=ATTEMPT))

    assert UNKNOWN_TOKEN == answer.error_code


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "é" * 20])
async def test_an_unknown_token_is_30_and_a_login_may_follow(port: Port, token: str) -> None:
    client = await port.open()
    answer = await client.request(RECONNECT, {"token": token})

    assert (RECONNECT, UNKNOWN_TOKEN) == (answer.event_type, answer.error_code)
    assert 0 == (await client.login("ann")).error_code


async def test_a_token_of_another_application_is_30(port: Port) -> None:
    ann = await port.begin("ann", "hall")
    ann.drop()
    thief = await port.open(application="other")
    answer = await thief.request(RECONNECT, ann.reconnect_data())

    assert UNKNOWN_TOKEN == answer.error_code
    assert "ann" == (await ann.come_back()).data["userName"]


async def test_two_applications_resume_over_one_socket(port: Port) -> None:
    client = await port.open()
    answers = [
        await client.request(6, {"username": "ann", "resume": True}, appName=name)
        for name in ("test", "other")
    ]
    client.socket.abort()
    again = await port.open()
    resumed = [
        await again.request(RECONNECT, {"token": answer.data["token"]}, appName=name)
        for name, answer in zip(("test", "other"), answers, strict=True)
    ]

    assert [0, 0] == [answer.error_code for answer in resumed]
    assert ["test", "other"] == [answer.data["appName"] for answer in resumed]
    assert [answer.data["userId"] for answer in answers] == [
        answer.data["userId"] for answer in resumed
    ]


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({}, "token"),
        ({"token": 7}, "token"),
        ({"token": "t", "attempt": 7}, "attempt"),
        ({"token": "t", "rooms": []}, "rooms"),
        ({"token": "t", "rooms": {"hall": {"epoch": "e", "seq": -1, "sub": 0}}}, "rooms[...].seq"),
        ({"token": "t", "rooms": {"hall": {"epoch": "e", "sub": 0}}}, "rooms[...].seq"),
        ({"token": "t", "rooms": {"hall": {"epoch": 1, "seq": 0}}}, "rooms[...].epoch"),
        ({"token": "t", "app": {"epoch": "e", "seq": "x", "sub": 0}}, "app.seq"),
        ({"token": "t", "app": {"epoch": "e", "seq": 1, "sub": -2}}, "app.sub"),
    ],
)
async def test_malformed_data_is_21_with_its_field(
    port: Port, data: dict[str, Any], field: str
) -> None:
    ann = await port.begin("ann")
    ann.drop()
    client = await port.open()
    answer = await client.request(RECONNECT, data)

    assert (21, field) == (answer.error_code, answer.error.get("field"))
    assert "ann" == (await ann.come_back()).data["userName"]


async def test_who_is_logged_in_already_is_4_and_the_token_stays_good(port: Port) -> None:
    ann, bob = await port.begin("ann"), await port.begin("bob")
    ann.drop()

    assert 4 == (await bob.client.request(RECONNECT, ann.reconnect_data())).error_code
    assert "ann" == (await ann.come_back()).data["userName"]


async def test_a_reply_that_was_lost_is_given_again_to_the_same_attempt(port: Port) -> None:
    ann, bob = await port.begin("ann", "hall"), await port.login("bob", "hall")
    ann.drop()
    await bob.say("hall", "tell", {"text": "one"})
    unheard = await ann.knock(attempt=ATTEMPT)  # its new token never comes to the client
    ann.drop()
    await bob.say("hall", "tell", {"text": "two"})
    answer = await ann.come_back(attempt=ATTEMPT)

    assert unheard.data["token"] != answer.data["token"]
    assert ["one", "two"] == texts(await ann.events())


async def test_a_reply_may_be_lost_again_and_again(port: Port) -> None:
    ann = await port.begin("ann", "hall")
    for _ in range(5):
        ann.drop()
        assert 0 == (await ann.knock(attempt=ATTEMPT)).error_code
    ann.drop()
    await ann.come_back(attempt=ATTEMPT)

    assert ["ann"] == (await ann.client.say("hall", "who")).data


async def test_without_an_attempt_a_lost_reply_is_the_end_of_the_token(port: Port) -> None:
    ann = await port.begin("ann", "hall")
    ann.drop()
    await ann.knock()
    ann.drop()

    assert UNKNOWN_TOKEN == (await ann.knock()).error_code


@pytest.mark.parametrize("attempt", ["", "another-attempt-of-twenty", None])
async def test_another_attempt_may_not_use_a_used_token(port: Port, attempt: str | None) -> None:
    ann = await port.begin("ann", "hall")
    ann.drop()
    await ann.knock(attempt=ATTEMPT)
    ann.drop()

    assert UNKNOWN_TOKEN == (await ann.knock(attempt=attempt)).error_code


async def test_an_attempt_is_over_with_the_next_frame(port: Port) -> None:
    ann = await port.begin("ann", "hall")
    used = ann.token
    ann.drop()
    await ann.come_back(attempt=ATTEMPT)
    await ann.client.say("hall", "who")
    thief = await port.open()
    answer = await thief.request(RECONNECT, ann.reconnect_data(token=used, attempt=ATTEMPT))

    assert UNKNOWN_TOKEN == answer.error_code
    assert ["ann"] == (await ann.client.say("hall", "who")).data


async def test_an_attempt_is_over_when_the_new_token_is_used(port: Port) -> None:
    ann = await port.begin("ann", "hall")
    used = ann.token
    ann.drop()
    await ann.come_back(attempt=ATTEMPT)
    ann.drop()
    await ann.come_back()
    answer = await (await port.open()).request(
        RECONNECT, ann.reconnect_data(token=used, attempt=ATTEMPT)
    )

    assert UNKNOWN_TOKEN == answer.error_code


async def test_a_resume_beats_a_connection_that_still_looks_open(port: Port) -> None:
    ann, bob = await port.begin("ann", "hall"), await port.login("bob", "hall")
    old = ann.client
    await old.events()
    await ann.come_back()
    bye = await old.event()

    assert (DISCONNECTION, 4509) == (bye.event_type, bye.code)
    assert 4509 == (await old.closed()).code
    assert [MEMBER_AWAY, MEMBER_BACK] == [frame.event_type for frame in await bob.events()]
    assert ["join ann", "join bob", "drop ann", "resume ann"] == port.quay().hooks


async def test_what_the_beaten_connection_still_sends_does_nothing(port: Port) -> None:
    ann = await port.begin("ann", "hall")
    old = ann.client
    await ann.come_back()
    old.send(LOGOUT)
    old.send(11, {}, roomName="hall", action="ebb")
    await old.event()
    await old.closed()

    assert ["ann"] == (await ann.client.say("hall", "who")).data
    assert 0 == port.quay().tides


async def test_the_beaten_connection_stays_for_another_application(port: Port) -> None:
    ann = await port.begin("ann", "hall")
    old = ann.client
    await old.request(6, {"username": "ann"}, appName="other")
    await ann.come_back()
    bye = await old.event()

    assert (DISCONNECTION, 4509, "test") == (bye.event_type, bye.code, bye.app or "test")
    assert 0 == (await old.request(4, {"roomName": "hall"}, appName="other")).error_code


@pytest.mark.parametrize("other", list(Form), ids=str)
async def test_a_login_may_come_back_in_another_form(port: Port, other: Form) -> None:
    ann, bob = await port.begin("ann", "hall"), await port.login("bob", "hall")
    ann.drop()
    await bob.say("hall", "tell", {"text": "é 雪 \x00"})
    await bob.say("hall", "blob")
    await ann.come_back(form=other)
    frames = await ann.events()

    assert ["é 雪 \x00"] == texts(frames)
    assert [{"bytes": "AP8="}] == [frame.data for frame in frames if frame.action == "blob"]
    await bob.say("hall", "tell", {"text": "live"})
    assert ["live"] == texts(await ann.events())


async def test_a_server_without_a_grace_time_gives_no_token(moor: Callable[..., Any]) -> None:
    port = await moor(resume_seconds=None)
    client = await port.open()

    assert "token" not in (await client.login("ann", resume=True)).data


async def test_a_login_that_was_resumed_may_be_resumed_while_it_resumes(port: Port) -> None:
    """The second socket comes before the first has read a byte of its answer."""
    ann, bob = await port.begin("ann", "hall"), await port.login("bob", "hall")
    ann.drop()
    for number in range(3):
        await bob.say("hall", "tell", {"text": str(number)})
    first = await port.open()
    first.send(RECONNECT, ann.reconnect_data(attempt=ATTEMPT), id=50)
    first.socket.abort()
    life: Life = ann
    await life.come_back(attempt=ATTEMPT)

    assert ["0", "1", "2"] == texts(await life.events())
