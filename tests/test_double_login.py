"""DoubleLogin: what the policies say, and the gate that lets one login pass at a time."""

from __future__ import annotations

import asyncio

import pytest

from goroom.double_login import DoubleLogin


@pytest.mark.parametrize(
    ("policy", "replaces", "most"),
    [("refuse", False, 1), ("replace", True, 1), ("allow:1", False, 1), ("allow:3", False, 3)],
)
def test_a_policy_says_what_becomes_of_the_first(policy: str, replaces: bool, most: int) -> None:  # noqa: FBT001 -- an example
    double_login = DoubleLogin(policy)

    assert (replaces, most) == (double_login.replaces, double_login.most)


@pytest.mark.parametrize(
    "policy", ["", "allow", "allow:", "allow:0", "allow:00", "allow:-1", "all"]
)
def test_a_policy_that_lets_nobody_in_or_is_unknown_is_refused(policy: str) -> None:
    with pytest.raises(ValueError, match="double_login is"):
        DoubleLogin(policy)


async def passes(double_login: DoubleLogin, names: list[str]) -> list[str]:
    """Have *names* pass the gate at once, each waiting inside; return what happened."""
    happened: list[str] = []

    async def pass_gate(name: str) -> None:
        async with double_login.gate(name):
            happened.append(f"{name} in")
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            happened.append(f"{name} out")

    await asyncio.gather(*map(pass_gate, names))
    return happened


@pytest.mark.parametrize("policy", ["replace", "allow:2"])
async def test_where_logins_depend_on_each_other_one_of_a_name_passes(policy: str) -> None:
    double_login = DoubleLogin(policy)

    assert ["a in", "a out"] * 3 == await passes(double_login, ["a"] * 3)
    assert ["a in", "b in", "a out", "b out"] == await passes(double_login, ["a", "b"])
    assert {} == double_login._gates


async def test_where_they_do_not_all_pass_at_once() -> None:
    assert ["a in", "a in", "a out", "a out"] == await passes(DoubleLogin("refuse"), ["a", "a"])
