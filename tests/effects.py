"""Effects and lanes to test turns with: an effect that writes down what is done with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from goroom.lane import Lane, Level
from goroom.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Callable


@attrs.define(eq=False)
class Note:
    """An effect that writes down what is done with it."""

    said: list[str]
    name: str
    lane: Lane | None = None
    is_released: bool = True
    then: Callable[[], None] | None = None
    """Done when it is released."""

    def seal(self) -> Callable[[], None] | None:
        self.said.append(f"seal {self.name}")
        return self._release if self.is_released else None

    def _release(self) -> None:
        self.said.append(f"release {self.name}")
        if self.then is not None:
            self.then()


def lane(level: Level = Level.ROOM, **labels: str) -> Lane:
    return Lane(level, None, labels or {"application": "chess", "room": "hall"}, Limits())
