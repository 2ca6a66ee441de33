"""What the clients do: how many rooms of how many members, who sends, and how."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

DATA_BYTES = 100
"""Size of what members say to each other, as JSON: ``{"text": ...}``."""


@attrs.frozen(kw_only=True)
class Scenario:
    """Rooms of equal size, of which the first ones may be the only ones in which somebody sends."""

    name: str
    rooms: int
    members: int
    active: int | None = None
    """Rooms in which somebody sends; None for all of them."""
    senders: int = 0
    """Members of each active room who send."""
    mode: str = "window"
    """What the generator does: ``window``, ``rotate``, ``rate``, ``churn`` or ``idle``."""
    window: int = 1
    """Messages under way, sent and not received back: of each sender, in ``rotate`` of all."""
    per_second: float = 0
    """Messages a second of all senders together, in ``rate``."""
    pauses: Sequence[int] = ()
    """Numbers of members at which the generator waits to be told to go on."""
    at_once: int = 64
    """Clients that are on their way into their rooms at one time."""
    data_bytes: int = DATA_BYTES
    most_repetitions: int | None = None
    """How often it is worth while, where that is less than what is asked for."""

    @property
    def clients(self) -> int:
        """How many there are."""
        return self.rooms * self.members


FAN_OUT = [
    Scenario(name="room of 100", rooms=1, members=100, senders=1, window=8),
    Scenario(name="room of 100, 8 senders", rooms=1, members=100, senders=8),
    Scenario(name="room of 1000", rooms=1, members=1000, senders=1, window=4),
    Scenario(name="250 rooms of 4", rooms=250, members=4, senders=4),
    Scenario(name="50 rooms of 20", rooms=50, members=20, senders=20),
    Scenario(name="64 echoing", rooms=64, members=1, senders=1),
]
"""Thousand deliveries a second."""

JOINS = Scenario(name="joins", rooms=500, members=4, mode="idle")
"""Clients a second who connect, log in where there is such a thing, and join."""

MEMORY = Scenario(
    name="memory", rooms=2500, members=4, mode="idle", pauses=[1000], most_repetitions=2
)
"""Resident bytes of the server for each idle joined connection, between 1,000 and 10,000."""

LATENCY = Scenario(
    name="1500 msg/s to 100", rooms=1, members=100, senders=10, mode="rate", per_second=1500
)
"""Seconds from the instant at which a message was due to each of its deliveries."""

SLOW_LATENCY = attrs.evolve(LATENCY, name="200 msg/s to 100", per_second=200)
"""The same for those who do not reach the other rate."""

TABLE = [*FAN_OUT, JOINS, MEMORY, LATENCY, SLOW_LATENCY]
"""All that the table of peers shows."""

QUICK = [one for one in TABLE if one is not MEMORY and one is not SLOW_LATENCY]
"""Those that take little time."""
