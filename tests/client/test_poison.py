"""What would break the link again and again, and what is under way when the client closes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import attrs
import pytest

from goroom.client import (
    App,
    Away,
    Backoff,
    Connection,
    Dropped,
    Message,
    Reset,
    Resumed,
    SendRefused,
)
from goroom.client.stream import Settings
from goroom.errors import ConnectionLost, RequestRefused
from goroom.testing import Clock
from tests.client.conftest import Network, Site, Wire, next_of, rest_of
from tests.client.test_recovery import HALL, Stay

LARGE = {"text": "x" * 70_000}


@pytest.fixture
async def stay(network: Network, lasting: Connection) -> Stay:
    return await Stay(network, lasting).begin()


async def refuse_as_too_large(stay: Stay) -> None:
    """Close the link with 1009, and bring it back."""
    stay.wire.lose(1009)
    stay.wire = await stay.network.wire(1)
    stay.resumed((await stay.wire.frame(0))["id"])
    assert [Dropped(1009, ""), Resumed()] == [await next_of(stay.app) for _ in range(2)]


async def sent_since(wire: Wire) -> list[object]:
    """Return the actions that were sent after the greeting, up to ``end``, which this sends."""
    number = 0
    while (await wire.frame(number)).get("action") != "end":
        number += 1
    return [frame.get("action") for frame in wire.sent[1:number]]


# -- a frame that the server does not take -------------------------------------------------------


async def test_a_request_too_large_for_the_server_fails_and_the_others_are_sent_again(
    stay: Stay,
) -> None:
    stay.room.send("before")
    asking = asyncio.create_task(stay.room.request("say", LARGE))
    await stay.wire.frame(3)
    stay.room.send("after")
    await refuse_as_too_large(stay)
    stay.room.send("end")

    with pytest.raises(RequestRefused) as caught:
        await asking
    assert (24, "too_large") == (caught.value.code, caught.value.reason)
    assert ["before", "after"] == await sent_since(stay.wire)


async def test_a_message_too_large_for_the_server_is_told_as_refused(stay: Stay) -> None:
    stay.room.send("say", LARGE)
    await refuse_as_too_large(stay)
    stay.room.send("end")

    match await next_of(stay.room):
        case SendRefused("say", error):
            assert (24, "too_large") == (error.code, error.reason)
        case other:
            pytest.fail(f"not refused, but {other}")
    assert [] == await sent_since(stay.wire)


async def test_the_largest_is_the_one_with_the_most_bytes(stay: Stay) -> None:
    stay.room.send("bytes", {"text": "\N{GRINNING FACE}" * 20_000})
    stay.room.send("letters", {"text": "x" * 60_000})
    await refuse_as_too_large(stay)
    stay.room.send("end")

    assert ["letters"] == await sent_since(stay.wire)


async def test_a_volatile_message_too_large_for_the_server_fails_nothing_else(stay: Stay) -> None:
    stay.room.send("say")
    stay.room.send("draw", LARGE, volatile=True)
    await refuse_as_too_large(stay)
    stay.room.send("end")

    assert ["say"] == await sent_since(stay.wire)


async def test_of_several_logins_the_one_that_sent_it_is_told(stay: Stay) -> None:
    stay.wire.push(6, {"userName": "ada", "token": "other"}, id=1, appName="other")
    other = await stay.connection.login("other", name="ada")
    stay.room.send("say")
    other.send("say", LARGE)
    stay.wire.lose(1009)

    match await next_of(other):
        case SendRefused("say", error):
            assert 24 == error.code
        case unexpected:
            pytest.fail(f"not refused, but {unexpected}")
    assert Dropped(1009, "") == await next_of(stay.app)


async def test_who_does_not_come_back_is_told_as_well(wire: Wire, connection: Connection) -> None:
    app = await wire.login(connection)
    asking = asyncio.create_task(app.request("say", LARGE))
    await wire.frame(1)
    wire.lose(1009)

    with pytest.raises(RequestRefused):
        await asking
    with pytest.raises(ConnectionLost) as caught:
        await rest_of(app)
    assert 1009 == caught.value.code


async def test_a_servers_limit_is_met_once_and_the_room_goes_on(site: Site) -> None:
    ada, bob = await site.login("ada", backoff=Backoff(max_seconds=0)), await site.login("bob")
    room, theirs = await ada.join("hall"), await bob.join("hall")
    with pytest.raises(RequestRefused) as caught:
        await room.request("tell", LARGE)
    await room.request("tell", {"text": "short"})
    await room.leave()
    await theirs.leave()

    heard = await rest_of(theirs)
    assert (24, "too_large") == (caught.value.code, caught.value.reason)
    assert 1 == sum(isinstance(event, Away) for event in heard)
    assert ["short"] == [
        event.data["text"] for event in heard if isinstance(event, Message) and "text" in event.data
    ]


# -- a link that is lost as soon as it is back ---------------------------------------------------


@attrs.frozen(kw_only=True)
class Noted(Backoff):
    """Waits for nothing, and keeps the numbers of tries that it was asked about."""

    tries: list[int] = attrs.field(factory=list)

    def delay(self, tries: int) -> float:
        self.tries.append(tries)
        return 0.0


@pytest.fixture
async def noted() -> Noted:
    return Noted(min_seconds=1, max_seconds=7)


@pytest.fixture
async def flapping(network: Network, noted: Noted) -> Stay:
    connection = Connection(await network.dial(), Settings(backoff=noted), dial=network.dial)
    return await Stay(network, connection).begin()


async def test_a_link_that_is_lost_after_each_resume_is_dialled_ever_later(
    flapping: Stay, noted: Noted
) -> None:
    for _ in range(3):
        await flapping.resume()
    await flapping.redial()
    await flapping.connection.close()

    assert [0, 1, 2, 3] == noted.tries


@pytest.mark.parametrize(("seconds", "tries"), [(6.5, 1), (7.5, 0)])
async def test_a_link_that_has_stayed_as_long_as_the_longest_wait_has_proven_itself(
    flapping: Stay, noted: Noted, seconds: float, tries: int
) -> None:
    await flapping.resume()
    clock = Clock().install()
    await clock.advance(seconds)
    await flapping.redial()
    clock.remove()
    await flapping.connection.close()

    assert [0, tries] == noted.tries


async def test_a_link_on_which_nobody_has_come_back_has_not_proven_itself(
    flapping: Stay, noted: Noted
) -> None:
    await flapping.redial()
    clock = Clock().install()
    await clock.advance(8)
    await flapping.redial()
    clock.remove()
    await flapping.connection.close()

    assert [0, 1] == noted.tries


# -- more than may be on its way -----------------------------------------------------------------


async def test_the_close_sends_what_waits_for_answers(wire: Wire, connection: Connection) -> None:
    app = await wire.login(connection)
    for number in range(100):
        app.send(str(number))
    await app.close()

    assert [str(number) for number in range(100)] == [frame["action"] for frame in wire.sent[1:-1]]
    assert 7 == wire.sent[-1]["eventType"]


@pytest.mark.parametrize("end", [App.close, App.logout])
async def test_what_was_sent_before_the_end_is_done(
    site: Site, end: Callable[[App], Awaitable[None]]
) -> None:
    ada, bob = await site.login("ada"), await site.login("bob")
    room, theirs = await ada.join("hall"), await bob.join("hall")
    for number in range(200):
        room.send("tell", {"text": str(number)})
    await end(ada)

    heard = [await next_of(theirs) for _ in range(202)]
    assert [Message("told", {"text": str(number)}, "ada") for number in range(200)] == [
        event for event in heard if isinstance(event, Message) and event.action == "told"
    ]


async def test_no_more_rooms_are_joined_again_at_once_than_replies_are_remembered(
    stay: Stay,
) -> None:
    for number in range(99):
        stay.wire.push(4, {**HALL, "roomName": f"hall {number}"}, id=3 + number, seq=7)
        await stay.app.join(f"hall {number}")
    frame = await stay.forget()
    data = {"userName": "ada", "userId": "2", "epoch": "f", "seq": 1, "token": "three"}
    stay.wire.push(6, {**data, "rooms": []}, id=frame["id"])
    first = await stay.wire.frame(2)
    assert [Dropped(1006, ""), Resumed(), Reset("epoch")] == [
        await next_of(stay.app) for _ in range(3)
    ]
    at_once = len(stay.wire.sent)
    stay.wire.push(4, {**HALL, "epoch": "n"}, id=first["id"], seq=1)
    await stay.wire.frame(66)

    names = [frame["data"]["roomName"] for frame in stay.wire.sent[2:]]
    assert (66, ["hall", *(f"hall {number}" for number in range(64))]) == (at_once, names)
