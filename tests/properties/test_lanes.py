"""The lanes and outboxes: one turn at a time, no frame unaccounted for, no reader closed."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given

from tests.properties.world import CROWD, Run, drive, notes, policies, scripts, seeds

SLOW_CONSUMER = 4010


class LanesCheck:
    """Never two handlers in one room; the counters' law; who reads is never closed."""

    def step(self, run: Run) -> None:
        assert notes.overlaps == []
        for connection in run.server.connections:
            outbox = connection.outbox
            assert outbox.offered == outbox.written + outbox.dropped + outbox.waiting

    async def end(self, run: Run) -> None:
        self.step(run)
        codes = [client.player.closed for client in run.clients if client.player.closed]
        assert SLOW_CONSUMER not in {code for code, _ in codes}


@example(CROWD, 0, "refuse")
@given(scripts, seeds, policies)
def test_turns_never_overlap_and_no_reader_is_closed(
    script: list[Any], seed: int, double_login: str
) -> None:
    drive(script, seed, double_login, LanesCheck())
