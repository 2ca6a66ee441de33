"""The view: what a member receives between its join and its leave."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given

from tests.properties.views import View, views_of
from tests.properties.world import CROWD, Run, drive, notes, policies, scripts, seeds


class ViewCheck:
    """Exactly the committed events meant for it, once, in order, shared ones without holes."""

    def step(self, run: Run) -> None:
        """Nothing to see before the end."""

    async def end(self, run: Run) -> None:
        told: dict[tuple[str, int], Any] = {}
        heard: dict[int, set[str]] = {}
        for client in run.clients:
            frames = client.player.frames
            stays, wrong = views_of(frames)
            assert not wrong
            for stay in stays:
                self._check_order(stay, is_open=client.player.closed is None)
                for mark in stay.marks:
                    heard.setdefault(mark, set()).add(stay.user_id)
            for frame in frames:
                mark = frame.get("data", {}).get("mark")
                assert mark is None or mark not in notes.failed, "a failed turn was heard"
                if "roomName" in frame and "seq" in frame and "sub" not in frame:
                    self._check_same(told, frame, stays)
        for mark, meant in notes.meant.items():
            assert heard.get(mark, set()) <= meant, "somebody heard what was not meant for it"

    def _check_order(self, stay: View, *, is_open: bool) -> None:
        assert stay.events == sorted(set(stay.events)), f"out of order or twice: {stay}"
        shared = [seq for seq, sub in stay.events if sub == 0]
        assert shared == list(range(stay.start + 1, stay.start + 1 + len(shared))), f"hole: {stay}"
        room = notes.rooms[stay.epoch]
        if stay.end is None and is_open and not room.is_closed:
            assert room.sequence.seq == (shared[-1] if shared else stay.start), f"short: {stay}"

    def _check_same(
        self, told: dict[tuple[str, int], Any], frame: dict[str, Any], stays: list[View]
    ) -> None:
        if frame["eventType"] != 11:
            return
        epochs = {
            stay.epoch
            for stay in stays
            if stay.room == frame["roomName"] and (frame["seq"], 0) in stay.events
        }
        if len(epochs) == 1:
            key = (epochs.pop(), frame["seq"])
            assert told.setdefault(key, frame["data"]) == frame["data"], "two truths for one seq"


@example(CROWD, 0, "refuse")
@given(scripts, seeds, policies)
def test_each_member_receives_exactly_what_was_committed_for_it(
    script: list[Any], seed: int, double_login: str
) -> None:
    drive(script, seed, double_login, ViewCheck())
