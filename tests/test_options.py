"""Options of a room: no nonsense, and nothing that changes behind goroom's back."""

from __future__ import annotations

import math
from typing import Any

import attrs
import pytest

from goroom import PayloadError
from goroom.options import OPTION_NAMES, AutoRemove, RoomOptions


def test_the_defaults_are_an_open_room_that_stays() -> None:
    assert (
        RoomOptions(
            capacity=100,
            password=None,
            hidden=False,
            locked=False,
            spectators=False,
            auto_remove=AutoRemove.NEVER,
            announce_members=True,
            properties={},
        )
        == RoomOptions()
    )


def test_the_names_of_all_options_are_known() -> None:
    assert {field.name for field in attrs.fields(RoomOptions)} == OPTION_NAMES


@pytest.mark.parametrize("capacity", [0, -1, True, 1.5, "2", None])
def test_a_capacity_is_a_whole_number_above_zero(capacity: Any) -> None:
    with pytest.raises(ValueError, match=r"^capacity must be a whole number above 0$"):
        RoomOptions(capacity=capacity)


def test_a_room_may_be_for_one() -> None:
    assert 1 == RoomOptions(capacity=1).capacity


@pytest.mark.parametrize("name", ["hidden", "locked", "spectators", "announce_members"])
@pytest.mark.parametrize("value", [0, 1, None, "yes"])
def test_a_switch_is_true_or_false(name: str, value: Any) -> None:
    with pytest.raises(TypeError, match=f"'{name}' must be <class 'bool'>"):
        RoomOptions(**{name: value})


@pytest.mark.parametrize("password", [1, b"key", True])
def test_a_password_is_text(password: Any) -> None:
    with pytest.raises(TypeError, match="'password' must be <class 'str'>"):
        RoomOptions(password=password)


def test_a_password_is_never_shown() -> None:
    assert "key" not in repr(RoomOptions(password="key"))


def test_the_modes_are_named_as_clients_write_them() -> None:
    assert ["never", "when_empty", "when_empty_and_maker_gone"] == list(AutoRemove)


@pytest.mark.parametrize("mode", AutoRemove)
def test_a_mode_may_be_given_by_its_name(mode: AutoRemove) -> None:
    assert mode is RoomOptions(auto_remove=str(mode)).auto_remove  # type: ignore[arg-type]


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="'sometimes' is not a valid AutoRemove"):
        RoomOptions(auto_remove="sometimes")  # type: ignore[arg-type]


# -- properties -------------------------------------------------------------------------------


def test_properties_are_copied_as_json_has_them() -> None:
    given: dict[str, Any] = {"map": {"size": (3, 3)}}
    options = RoomOptions(properties=given)

    given["map"]["size"] = None
    given["more"] = 1

    assert {"map": {"size": [3, 3]}} == options.properties


@pytest.mark.parametrize("properties", [None, [], "phase", {1: 2}, {None: 1}, {"a": 1, 2: 3}])
def test_properties_are_a_mapping_with_string_keys(properties: Any) -> None:
    with pytest.raises(TypeError, match="properties must be a mapping with string keys"):
        RoomOptions(properties=properties)
    with pytest.raises(TypeError, match="properties must be a mapping with string keys"):
        RoomOptions().changed({"properties": properties})


@pytest.mark.parametrize("value", [math.nan, 2**53, object(), "\ud800"], ids=[1, 2, 3, 4])
def test_properties_are_what_json_can_say(value: object) -> None:
    with pytest.raises(PayloadError):
        RoomOptions(properties={"a": value})


# -- changes ----------------------------------------------------------------------------------


def test_a_change_leaves_the_rest_and_the_original_as_they_were() -> None:
    before = RoomOptions(capacity=2, locked=True)

    after = before.changed({"locked": False, "password": "key"})

    assert RoomOptions(capacity=2, password="key") == after
    assert RoomOptions(capacity=2, locked=True) == before


def test_changed_properties_are_merged_and_those_of_none_taken_out() -> None:
    before = RoomOptions(properties={"phase": "waiting", "map": 1})

    after = before.changed({"properties": {"phase": "playing", "map": None, "new": [1]}})

    assert {"phase": "playing", "new": [1]} == after.properties
    assert {"phase": "waiting", "map": 1} == before.properties


def test_changes_may_be_none_at_all() -> None:
    assert RoomOptions(capacity=3) == RoomOptions(capacity=3).changed({})


def test_an_option_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match=r"a room has no option 'colour': see goroom\.RoomOptions"):
        RoomOptions().changed({"locked": True, "colour": "red", "shape": "round"})


def test_a_change_is_checked_like_the_first_value() -> None:
    with pytest.raises(ValueError, match="capacity must be a whole number above 0"):
        RoomOptions().changed({"capacity": 0})


def test_options_cannot_be_changed_in_place() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        RoomOptions().capacity = 3  # type: ignore[misc]
