"""What can be chosen for one room."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import attrs
from attrs.validators import instance_of, optional

from goroom import values


class AutoRemove(StrEnum):
    """When a room goes by itself. Spectators keep nothing alive."""

    NEVER = "never"
    WHEN_EMPTY = "when_empty"
    WHEN_EMPTY_AND_MAKER_GONE = "when_empty_and_maker_gone"


def _is_count(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if type(value) is not int or value < 1:
        raise ValueError(f"{attribute.name} must be a whole number above 0")


def copied(properties: object) -> Mapping[str, Any]:
    """Return *properties* as JSON has them now: what the author changes later does not show."""
    if not isinstance(properties, Mapping) or not all(isinstance(key, str) for key in properties):
        raise TypeError("properties must be a mapping with string keys")
    copied: dict[str, Any] = values.decode(values.encode(dict(properties)))
    return copied


@attrs.frozen(kw_only=True)
class RoomOptions:
    """What can be chosen for one room; the defaults are its kind's class attributes."""

    capacity: int = attrs.field(default=100, validator=_is_count)
    """Most members."""
    password: str | None = attrs.field(
        default=None, validator=optional(instance_of(str)), repr=False
    )
    """What a client must send to join, or None."""
    hidden: bool = attrs.field(default=False, validator=instance_of(bool))
    """Whether it is left out of every list; it can be joined by name."""
    locked: bool = attrs.field(default=False, validator=instance_of(bool))
    """Whether clients are refused to join."""
    spectators: bool = attrs.field(default=False, validator=instance_of(bool))
    """Whether clients may watch."""
    auto_remove: AutoRemove = attrs.field(default=AutoRemove.NEVER, converter=AutoRemove)
    """When it goes by itself."""
    announce_members: bool = attrs.field(default=True, validator=instance_of(bool))
    """Whether members are told who joins and leaves."""
    properties: Mapping[str, Any] = attrs.field(factory=dict, converter=copied)
    """Free values, shown in the list of rooms; copied."""

    def changed(self, changes: Mapping[str, Any]) -> RoomOptions:
        """
        Return these options with *changes*: properties merged, those of None taken out.

        Raises:
            TypeError, ValueError: There is no such option, or it cannot have this value.
        """
        unknown = changes.keys() - OPTION_NAMES
        if unknown:
            raise TypeError(f"a room has no option {min(unknown)!r}: see goroom.RoomOptions")
        merged = dict(changes)
        if "properties" in changes:
            both = {**self.properties, **copied(changes["properties"])}
            merged["properties"] = {k: value for k, value in both.items() if value is not None}
        return attrs.evolve(self, **merged)


OPTION_NAMES = frozenset(field.name for field in attrs.fields(RoomOptions))
"""Names of the options of a room."""
