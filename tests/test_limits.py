"""Limits: bounds that cannot be set to nonsense."""

from __future__ import annotations

import ast
import inspect
import math
from typing import Any

import attrs
import pytest

from goroom import limits
from goroom.limits import Limits

FIELDS = attrs.fields(Limits)
COUNTS = [field.name for field in FIELDS if field.type == "int"]
SECONDS = [field.name for field in FIELDS if "float" in str(field.type)]
OPTIONAL = [field.name for field in FIELDS if field.type == "float | None"]


def test_every_limit_is_a_count_or_a_time() -> None:
    assert {field.name for field in FIELDS} == {*COUNTS, *SECONDS}


def test_every_limit_says_why_it_is_there() -> None:
    body = ast.parse(inspect.getsource(limits.Limits)).body[0]
    assert isinstance(body, ast.ClassDef)
    after = dict(zip(body.body, body.body[1:], strict=False))

    undocumented = [
        ast.unparse(one.target)
        for one, following in after.items()
        if isinstance(one, ast.AnnAssign) and not isinstance(following, ast.Expr)
    ]

    assert [] == undocumented


@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.parametrize("value", [0, -1, True, 1.0, "1", None])
def test_a_count_is_a_whole_number_above_zero(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=rf"Limits\.{name} must be a whole number above 0"):
        Limits(**{name: value})


@pytest.mark.parametrize("name", SECONDS)
@pytest.mark.parametrize("value", [0, -0.1, True, "1", math.nan])
def test_a_time_is_seconds_above_zero(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=rf"Limits\.{name} must be seconds above 0"):
        Limits(**{name: value})


@pytest.mark.parametrize("name", [name for name in SECONDS if name not in OPTIONAL])
def test_a_time_that_cannot_be_switched_off_refuses_none(name: str) -> None:
    with pytest.raises(ValueError, match=rf"Limits\.{name} must be seconds above 0"):
        Limits(**{name: None})


@pytest.mark.parametrize("name", OPTIONAL)
def test_a_time_that_may_be_none_can_be_switched_off(name: str) -> None:
    assert getattr(Limits(**{name: None}), name) is None


def test_values_within_bounds_are_kept() -> None:
    limits = Limits(outbox_frames=1, handler_seconds=1, ping_seconds=0.5)

    assert (1, 1, 0.5) == (limits.outbox_frames, limits.handler_seconds, limits.ping_seconds)


def test_the_defaults_are_those_of_the_design() -> None:
    limits = Limits()

    assert (64 * 1024, 256, 1024 * 1024, 64) == (
        limits.message_bytes,
        limits.outbox_frames,
        limits.outbox_bytes,
        limits.name_characters,
    )
    assert (5, 60, 0.05, 1000, 10, 20, 20, 5) == (
        limits.handler_seconds,
        limits.stuck_seconds,
        limits.held_loop_seconds,
        limits.lane_waiting,
        limits.login_seconds,
        limits.ping_seconds,
        limits.pong_seconds,
        limits.drain_seconds,
    )


def test_limits_cannot_be_changed_under_a_running_server() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Limits().threads = 1  # type: ignore[misc]
