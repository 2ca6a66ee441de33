"""Entrance: who gets in, what it costs, and who has to wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import argon2
import pytest
from goroom_extensions.mirror import Passwords, Store
from goroom_extensions.mirror.entrance import (
    ACCOUNT_SECONDS,
    ACCOUNT_TRIES,
    ADDRESS_SECONDS,
    ADDRESS_TRIES,
    NEW_ACCOUNT_SECONDS,
    NEW_ACCOUNTS,
    Entrance,
    Throttled,
)

from goroom import BadRequest
from tests.extensions.mirror.conftest import CHEAP


class Counted(Passwords):
    """Passwords that note whose they are asked for: somebody's, or nobody's."""

    def __init__(self) -> None:
        super().__init__(hasher=CHEAP)
        self.asked: list[bool] = []

    async def matches(self, password_hash: str | None, password: str) -> bool:
        self.asked.append(password_hash is not None)
        return await super().matches(password_hash, password)


@pytest.fixture
async def counted() -> AsyncIterator[Counted]:
    """Return passwords that cost nothing."""
    passwords = Counted()
    yield passwords
    passwords.close()


@pytest.fixture
def entrance(store: Store, counted: Counted) -> Entrance:
    """Return the entrance to an empty store."""
    return Entrance(store, counted)


async def enter(
    entrance: Entrance, name: str, password: str, address: str = "192.0.2.1"
) -> str | None:
    """Log in; return the account's name."""
    account = await entrance.enter(name, password, address=address, may_create=False)
    return None if account is None else account.name


SECRET = "secret"


async def sign_up(entrance: Entrance, name: str, password: str = SECRET) -> str | None:
    """Sign up; return the account's id."""
    account = await entrance.enter(name, password, address="192.0.2.9", may_create=True)
    return None if account is None else account.id


async def test_who_signs_up_can_log_in_under_any_look_alike(entrance: Entrance) -> None:
    made = await sign_up(entrance, " Ada ")

    assert made == await sign_up(entrance, "ada")
    assert "Ada" == await enter(entrance, "ADA", "secret")
    assert await enter(entrance, "ADA", "Secret") is None
    assert await enter(entrance, "bob", "secret") is None
    assert await sign_up(entrance, "ada", "other") is None


async def test_fifty_racing_sign_ups_of_one_name_make_one_account(entrance: Entrance) -> None:
    made = await asyncio.gather(*(sign_up(entrance, "ada") for _ in range(50)))

    assert 1 == len(set(made))
    assert made[0] is not None


async def test_racing_sign_ups_of_one_name_with_two_passwords_let_one_in(
    entrance: Entrance,
) -> None:
    made = await asyncio.gather(*(sign_up(entrance, "ada", word) for word in ("one", "two")))

    assert 1 == made.count(None)


@pytest.mark.parametrize(
    ("name", "password", "field"),
    [("", "secret", "user"), ("x" * 65, "secret", "user"), ("ada", "x" * 1025, "pass")],
)
async def test_what_cannot_be_an_account_is_refused_with_its_field(
    entrance: Entrance, name: str, password: str, field: str
) -> None:
    with pytest.raises(BadRequest) as caught:
        await sign_up(entrance, name, password)

    assert field == caught.value.field


async def test_an_unknown_name_costs_the_time_of_a_known_one(
    entrance: Entrance, counted: Counted
) -> None:
    await sign_up(entrance, "ada")

    assert (None, None) == (
        await enter(entrance, "ada", "wrong"),
        await enter(entrance, "nobody", "wrong"),
    )
    assert [True, False] == counted.asked


@pytest.mark.parametrize("name", ["ada", "nobody"])
async def test_two_hundred_tries_at_once_are_five(
    entrance: Entrance, counted: Counted, name: str
) -> None:
    await sign_up(entrance, "ada")

    results = await asyncio.gather(
        *(enter(entrance, name, f"wrong {number}", f"192.0.2.{number}") for number in range(200)),
        return_exceptions=True,
    )

    assert ACCOUNT_TRIES == results.count(None) == len(counted.asked)
    throttled = [result for result in results if isinstance(result, Throttled)]
    assert 200 - ACCOUNT_TRIES == len(throttled)
    assert all(0 < one.seconds <= ACCOUNT_SECONDS for one in throttled)


async def test_an_address_may_fail_ten_times_whatever_the_names(
    entrance: Entrance, counted: Counted
) -> None:
    await sign_up(entrance, "ada")

    results = await asyncio.gather(
        *(enter(entrance, f"name {number}", "wrong") for number in range(50)),
        return_exceptions=True,
    )

    assert ADDRESS_TRIES == results.count(None) == len(counted.asked)
    with pytest.raises(Throttled) as caught:
        await enter(entrance, "ada", "secret")
    assert ACCOUNT_SECONDS < caught.value.seconds <= ADDRESS_SECONDS
    assert "ada" == await enter(entrance, "ada", "secret", "192.0.2.2")


async def test_an_address_may_make_a_hundred_accounts_in_ten_minutes(entrance: Entrance) -> None:
    results = await asyncio.gather(
        *(sign_up(entrance, f"name {number}") for number in range(NEW_ACCOUNTS + 20)),
        return_exceptions=True,
    )

    throttled = [result for result in results if isinstance(result, Throttled)]
    assert 20 == len(throttled)
    assert "Too many new accounts from here" == str(throttled[0])
    assert 0 < throttled[0].seconds <= NEW_ACCOUNT_SECONDS
    assert await sign_up(entrance, "name 0") is not None
    assert "name 0" == await enter(entrance, "name 0", "secret")


async def test_log_ins_that_succeed_never_count(entrance: Entrance) -> None:
    await sign_up(entrance, "ada")

    assert ["ada"] * 30 == [await enter(entrance, "ada", "secret") for _ in range(30)]


async def test_a_hash_of_older_parameters_is_made_anew(store: Store, counted: Counted) -> None:
    older = Passwords(hasher=argon2.PasswordHasher(time_cost=2, memory_cost=8, parallelism=1))
    await sign_up(Entrance(store, older), "ada")
    older.close()

    assert "ada" == await enter(Entrance(store, counted), "ada", "secret")

    found = await store.find("ada")
    assert found is not None
    assert not counted.needs_rehash(found[1])
    assert "ada" == await enter(Entrance(store, counted), "ada", "secret")


def test_the_limits_are_five_a_minute_and_ten_in_ten_minutes() -> None:
    assert (5, 60) == (ACCOUNT_TRIES, ACCOUNT_SECONDS)
    assert (10, 600) == (ADDRESS_TRIES, ADDRESS_SECONDS)
    assert (100, 600) == (NEW_ACCOUNTS, NEW_ACCOUNT_SECONDS)
