"""Protocol section 3: the list of rooms, live without polling, at most 4 updates a second."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.rawclient import (
    ROOM_ADD,
    ROOM_REMOVE,
    ROOM_UPDATE,
    SUBSCRIBE_ROOM,
    UNSUBSCRIBE_ROOM,
    Form,
)

if TYPE_CHECKING:
    from tests.protocol.conftest import Site
    from tests.rawclient import Client, Frame

LISTED = {
    "roomName",
    "appName",
    "kind",
    "count",
    "capacity",
    "locked",
    "password",
    "properties",
    "maker",
}


async def _next_of(client: Client, event_type: int) -> Frame:
    """Return the next frame that came unasked, which must be of *event_type*."""
    frame = await client.event()
    assert event_type == frame.event_type, frame
    return frame


async def test_the_list_names_each_room_that_is_not_hidden(site: Site) -> None:
    ann = await site.login("ann")
    await site.application().rooms.create("den", kind="hall", locked=True, password="x")
    await site.application().rooms.create("hidden", kind="hall", hidden=True)
    await site.login("bob", "hall")
    answer = await ann.request(SUBSCRIBE_ROOM)

    hall, den = answer.data["rooms"]
    assert hall.keys() >= LISTED
    assert ("hall", "test", "hall", 1, 8, False, False) == (
        hall["roomName"],
        hall["appName"],
        hall["kind"],
        hall["count"],
        hall["capacity"],
        hall["locked"],
        hall["password"],
    )
    assert ("den", 0, True, True) == (
        den["roomName"],
        den["count"],
        den["locked"],
        den["password"],
    )


async def test_a_blank_room_name_asks_for_the_list_or_is_refused(site: Site) -> None:
    ann = await site.login("ann")
    missing = await ann.request(SUBSCRIBE_ROOM, {})
    number = await ann.request(SUBSCRIBE_ROOM, {"roomName": 5})

    assert "rooms" in missing.data
    assert 21 == number.error_code


async def test_the_list_stays_live_until_unsubscribed(site: Site) -> None:
    watcher, ann = await site.login("watcher"), await site.login("ann")
    await watcher.request(SUBSCRIBE_ROOM)
    room = await site.application().rooms.create("den", kind="hall")
    added = await _next_of(watcher, ROOM_ADD)
    await ann.join("den")
    counted = await _next_of(watcher, ROOM_UPDATE)
    await ann.say("den", "describe", {"properties": {"level": 3}})
    described = await _next_of(watcher, ROOM_UPDATE)
    await ann.say("den", "lock")
    locked = await _next_of(watcher, ROOM_UPDATE)
    room.close()
    removed = await _next_of(watcher, ROOM_REMOVE)
    await watcher.request(UNSUBSCRIBE_ROOM)
    await ann.join("hall")

    assert ("den", "den") == (added.data["roomName"], removed.data["roomName"])
    assert ("den", 1) == (counted.data["roomName"], counted.data["count"])
    assert {"level": 3} == described.data["properties"]
    assert True is locked.data["locked"]
    assert [] == await watcher.events()


async def test_who_does_not_watch_hears_of_no_update(site: Site) -> None:
    ann, bob = await site.login("ann"), await site.login("bob", "hall")
    await bob.say("hall", "describe", {"properties": {"level": 3}})

    assert [] == await ann.events()


async def test_the_list_goes_with_the_logout(site: Site) -> None:
    watcher, ann = await site.login("watcher"), await site.login("ann")
    await watcher.request(SUBSCRIBE_ROOM)
    await watcher.request(7)
    await site.application().rooms.create("den", kind="hall")
    await ann.join("hall")

    assert [] == await watcher.events()


async def test_a_member_who_watches_the_list_gets_both(site: Site) -> None:
    ann = await site.login("ann")
    await ann.request(SUBSCRIBE_ROOM)
    await ann.join("hall")
    await ann.say("hall", "describe", {"properties": {"level": 3}})
    as_member = next(frame for frame in await ann.events() if frame.seq == 2)

    assert (ROOM_UPDATE, "hall") == (as_member.event_type, as_member.room)


@pytest.mark.parametrize("form", [Form.SHORT], ids=str)
async def test_a_room_is_updated_at_most_four_times_a_second_and_ends_as_it_is(
    site: Site,
) -> None:
    watcher, ann = await site.login("watcher"), await site.login("ann", "hall")
    await watcher.request(SUBSCRIBE_ROOM)
    loop = asyncio.get_running_loop()
    arrivals: list[tuple[float, int]] = []

    async def watch() -> None:
        while not arrivals or arrivals[-1][1] < 99:
            frame = await _next_of(watcher, ROOM_UPDATE)
            if "n" in frame.data["properties"]:
                arrivals.append((loop.time(), frame.data["properties"]["n"]))

    async def change() -> None:
        for number in range(100):
            await ann.say("hall", "describe", {"properties": {"n": number}})
            await asyncio.sleep(0.025)  # the load's rhythm: 40 changes a second

    started = loop.time()
    async with asyncio.timeout(20):
        await asyncio.gather(watch(), change())

    times = [time for time, _ in arrivals]
    # Less than a second, for arrivals are measured and not sendings: five a second would be 0.8.
    for first, fifth in zip(times, times[4:], strict=False):
        assert fifth - first > 0.85, times
    assert len(times) >= 4 * (times[-1] - started) * 0.6, "the list is not live any more"
    assert 99 == arrivals[-1][1]


@pytest.mark.parametrize("form", [Form.SHORT], ids=str)
async def test_one_busy_room_holds_up_no_other(site: Site) -> None:
    watcher, ann = await site.login("watcher"), await site.login("ann", "hall")
    await site.application().rooms.create("den", kind="hall")
    await watcher.request(SUBSCRIBE_ROOM)
    for number in range(20):
        await ann.say("hall", "describe", {"properties": {"n": number}})
    await ann.join("den")
    frames = await watcher.events()

    assert "den" in [frame.data["roomName"] for frame in frames]
    assert len(frames) <= 5
