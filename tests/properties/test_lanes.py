"""The lanes and outboxes: one turn at a time, no frame unaccounted for, no reader closed."""

from __future__ import annotations

from hypothesis import example, given

from tests.properties.runs import CROWD, Run, Script, drive, histories, policies, scripts, seeds
from tests.properties.world import LONG_HISTORY, notes

SLOW_CONSUMER = 4010


class LanesCheck:
    """Never two handlers in one room; the counters' law; who reads is never closed."""

    def step(self, run: Run) -> None:
        assert notes.overlaps == []
        for wire in run.wires:
            assert wire.connection is not None
            outbox = wire.connection.outbox
            accounted = outbox.written + outbox.replaced + outbox.dropped + outbox.waiting
            assert outbox.offered == accounted

    async def end(self, run: Run) -> None:
        self.step(run)
        readers = [client for client in run.clients if not client.has_hung]
        codes = {wire.closed[0] for client in readers for wire in client.wires if wire.closed}
        assert SLOW_CONSUMER not in codes


HANGING: Script = [
    ("join", 0, "plain"),
    ("join", 1, "plain"),
    ("advance", 0.1),
    ("hang", 0, True),
    ("show", "plain", "a"),
    ("advance", 0.01),
    ("show", "plain", "a"),
    *[("outside", "plain")] * 8,
    ("show", "plain", "a"),
    ("show", "plain", "b"),
    ("advance", 0.05),
    ("hang", 0, False),
    ("advance", 1.0),
    ("hang", 1, True),
    *[("outside", "plain")] * 9,
    ("advance", 0.01),
    *[("outside", "plain")] * 9,
    ("advance", 1.0),
]
"""One stops reading and reads again in time, another one does not."""


@example(CROWD, 0, "refuse", LONG_HISTORY)
@example(HANGING, 0, "refuse", LONG_HISTORY)
@given(scripts, seeds, policies, histories)
def test_turns_never_overlap_and_no_reader_is_closed(
    script: Script, seed: int, double_login: str, history_events: int
) -> None:
    drive(script, seed, double_login, history_events, LanesCheck())
