"""What can be awaited, or entered."""

from __future__ import annotations

import pytest

from goroom.client import Opening

Log = list[str]


def door(log: Log) -> Opening[str]:
    async def opened() -> str:
        log.append("open")
        return "hall"

    async def close(value: str) -> None:
        log.append(f"close {value}")

    return Opening(opened, close)


async def test_nothing_happens_before_it_is_awaited_or_entered() -> None:
    log: Log = []
    door(log)

    assert [] == log


async def test_awaited_it_stays_open() -> None:
    log: Log = []

    assert "hall" == await door(log)
    assert ["open"] == log


async def test_entered_it_is_closed_after_the_block() -> None:
    log: Log = []
    async with door(log) as value:
        log.append(f"in {value}")

    assert ["open", "in hall", "close hall"] == log


async def test_it_is_closed_whatever_ends_the_block() -> None:
    log: Log = []
    with pytest.raises(LookupError):
        async with door(log):
            raise LookupError

    assert ["open", "close hall"] == log
