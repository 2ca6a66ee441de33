"""Feeds: everything in order, and no gap that its reader does not know of."""

from __future__ import annotations

import asyncio

import pytest
from goroom_extensions.mesh import Feed, FeedOverrun


async def read(feed: Feed[int]) -> list[int]:
    return [item async for item in feed]


async def test_a_reader_gets_each_item_once_in_order() -> None:
    feed: Feed[int] = Feed()
    for item in range(5):
        feed.put(item)
    feed.close()

    assert [0, 1, 2, 3, 4] == await read(feed)
    assert [] == await read(feed)


async def test_a_reader_waits_for_what_comes() -> None:
    feed: Feed[int] = Feed()
    reading = asyncio.create_task(read(feed))
    for item in range(3):
        await asyncio.sleep(0)
        feed.put(item)
    feed.close()

    assert [0, 1, 2] == await reading


async def test_a_reader_that_is_too_slow_is_told_so_behind_what_it_has_not_missed() -> None:
    feed: Feed[int] = Feed(most=3)
    for item in range(5):
        feed.put(item)

    assert [0, 1, 2] == [await anext(feed) for _ in range(3)]
    with pytest.raises(FeedOverrun, match="over 3 items"):
        await anext(feed)


async def test_it_can_be_full_and_nothing_is_lost() -> None:
    feed: Feed[int] = Feed(most=3)
    for item in range(6):
        feed.put(item)
        if item >= 2:
            assert item - 2 == await anext(feed)
    feed.close()

    assert [4, 5] == await read(feed)


async def test_a_closed_feed_takes_nothing_in_and_says_once_that_it_is_closed() -> None:
    closed = []
    with Feed[int](on_close=lambda: closed.append(True)) as feed:
        feed.put(1)
    feed.put(2)
    feed.close()

    assert [1] == await read(feed)
    assert [True] == closed
