"""The view: what a member receives between its join and its leave, whatever its link does."""

from __future__ import annotations

from hypothesis import example, given

from tests.properties.runs import CROWD, Run, Script, drive, histories, policies, scripts, seeds
from tests.properties.views import Stay
from tests.properties.world import LONG_HISTORY, SHORT_HISTORY, notes


class ViewCheck:
    """Exactly the committed events meant for it, once, in order; of a failed turn, nothing."""

    def step(self, run: Run) -> None:
        for client in run.clients:
            assert client.viewer.wrong == []

    async def end(self, run: Run) -> None:
        self.step(run)
        self._check_notes()
        for client in run.clients:
            viewer = client.viewer
            for stay in viewer.stays:
                self._check_stay(stay, is_open=client.is_connected and not stay.is_over)
            assert notes.failed.isdisjoint(viewer.marks), "a failed turn was heard"
            assert len(viewer.marks) == len(set(viewer.marks)), "heard twice"
            is_here = client.is_connected and not client.is_over
            assert not (is_here and viewer.phantoms), "it believes to be where it is not"

    def _check_notes(self) -> None:
        """The events are numbered without holes, and the private ones say whom they are for."""
        for events in notes.committed.values():
            shared = [event.place[0] for event in events if event.receivers is None]
            assert shared == list(range(1, len(shared) + 1)), "a hole"
            places = [event.place for event in events]
            assert places == sorted(set(places)), "out of order"
            for event in events:
                assert event.action != "moved", "a volatile event with a number"
                if event.receivers is not None:
                    meant = notes.meant.get(event.data.get("mark"), event.receivers)
                    assert meant == event.receivers, "not for whom it was meant"

    def _check_stay(self, stay: Stay, *, is_open: bool) -> None:
        meant = stay.meant_for_it()
        if not is_open:
            meant = meant[: len(stay.events)]
        assert stay.events == meant, f"{stay.user_id} in {stay.room!r} from {stay.start}"


@example(CROWD, 0, "refuse", LONG_HISTORY)
@example(CROWD, 0, "refuse", SHORT_HISTORY)
@given(scripts, seeds, policies, histories)
def test_each_member_receives_exactly_what_was_committed_for_it(
    script: Script, seed: int, double_login: str, history_events: int
) -> None:
    drive(script, seed, double_login, history_events, ViewCheck())
