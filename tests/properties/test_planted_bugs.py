"""Each property can fail: a bug is planted in the real core, and the property finds it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings

from goroom import sequence, turn
from goroom.membership import Membership
from goroom.messaging import MessageTurn
from goroom.outbox import Outbox
from goroom.room import Room
from goroom.sequence import Sequence
from goroom.turn import Turn
from goroom.users import UserService
from tests.properties.test_lanes import LanesCheck
from tests.properties.test_ledger import LedgerCheck
from tests.properties.test_view import ViewCheck
from tests.properties.world import CROWD, drive, policies, scripts, seeds

Patch = Callable[[], Any]


def patched(owner: object, name: str, make: Callable[[Any], Any]) -> Patch:
    """Return a patch that replaces *name* by what *make* makes of it."""
    return lambda: mock.patch.object(owner, name, make(getattr(owner, name)))


def numbers_with_holes(number_shared: Any) -> Any:
    def number(self: Sequence, push: Any) -> None:
        number_shared(self, push)
        if self.seq == 3:
            self.seq += 1

    return number


def private_events_without_sub(_: Any) -> Any:
    def number(self: Sequence, push: Any) -> None:
        push.seq, push.sub = self.seq, 1

    return number


def effects_of_failed_turns(fail: Any) -> Any:
    def fail_but_send(self: Turn, error: BaseException) -> None:
        effects = list(self._effects)
        fail(self, error)
        for effect in effects:
            turn._apply_now(effect)

    return fail_but_send


def twice(deliver: Any) -> Any:
    def deliver_twice(push: Any, audience: Any) -> None:
        deliver(push, audience)
        if push.sub == 2:
            deliver(push, audience)

    return deliver_twice


def only_to_everybody(_: Any) -> Any:
    return lambda self, only, skip: self.everybody()  # noqa: ARG005 -- the patched signature


def audience_kept(_: Any) -> Any:
    def forget(self: Membership) -> None:
        if self._everybody is None or len(self._members) > 1:
            self._everybody = None

    return forget


def no_capacity(_: Any) -> Any:
    return property(lambda room: room.options.capacity + 1)


def messages_in_the_users_lane(init: Any) -> Any:
    def init_with_it(self: MessageTurn, lane: Any, *arguments: Any, **options: Any) -> None:
        init(self, options["user"].lane, *arguments, **options)

    return init_with_it


def no_on_leave_after_kick(_: Any) -> Any:
    return lambda self, user, reason: None  # noqa: ARG005 -- the patched signature


def anybody_may_log_in(_: Any) -> Any:
    return lambda self, user, link: None  # noqa: ARG005 -- the patched signature


def rooms_kept_at_the_end(_: Any) -> Any:
    async def leave(self: UserService, user: Any, room: Any, reason: Any) -> None:
        user.note_left(room)
        user.joining.clear()

    return leave


def frames_forgotten(take: Any) -> Any:
    def take_but_one(self: Outbox) -> Any:
        frames = take(self)
        return frames[:-1] if len(frames) > 2 else frames

    return take_but_one


def bound_at_the_put(put: Any) -> Any:
    def put_or_close(self: Outbox, frame: bytes) -> None:
        put(self, frame)
        if self.waiting > 6:
            self._give_up(self.waiting, 0)

    return put_or_close


def writes_not_counted(take: Any) -> Any:
    def take_uncounted(self: Outbox) -> Any:
        written = self.written
        frames = take(self)
        self.written = written
        return frames

    return take_uncounted


PLANTED: dict[str, tuple[Any, Patch]] = {
    "a hole in seq": (ViewCheck, patched(Sequence, "number_shared", numbers_with_holes)),
    "sub not counted": (ViewCheck, patched(Sequence, "number_private", private_events_without_sub)),
    "effects of a failed turn": (ViewCheck, patched(Turn, "fail", effects_of_failed_turns)),
    "an event twice": (ViewCheck, patched(sequence, "deliver", twice)),
    "private events to all": (ViewCheck, patched(Membership, "some", only_to_everybody)),
    "leavers still hear": (ViewCheck, patched(Membership, "forget_audience", audience_kept)),
    "frames forgotten": (ViewCheck, patched(Outbox, "take", frames_forgotten)),
    "no capacity": (LedgerCheck, patched(Room, "capacity", no_capacity)),
    "no on_leave after a kick": (
        LedgerCheck,
        patched(Membership, "_cause_on_leave", no_on_leave_after_kick),
    ),
    "anybody may log in": (LedgerCheck, patched(UserService, "_check_free", anybody_may_log_in)),
    "rooms kept at the end": (LedgerCheck, patched(UserService, "_leave", rooms_kept_at_the_end)),
    "messages in the user's lane": (
        LanesCheck,
        patched(MessageTurn, "__init__", messages_in_the_users_lane),
    ),
    "the bound at the put": (LanesCheck, patched(Outbox, "put", bound_at_the_put)),
    "writes not counted": (LanesCheck, patched(Outbox, "take", writes_not_counted)),
}


@pytest.mark.parametrize("bug", PLANTED)
def test_the_property_fails_with_a_planted_bug(bug: str) -> None:
    check, patch = PLANTED[bug]

    @settings(
        max_examples=2000,
        phases=[Phase.explicit, Phase.generate],
        derandomize=True,  # a bug is found by the same script each time
        database=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @example(CROWD, 0, "refuse")
    @given(scripts, seeds, policies)
    def run_property(script: list[Any], seed: int, double_login: str) -> None:
        drive(script, seed, double_login, check())

    with patch(), pytest.raises(Exception):  # noqa: B017, PT011 -- how it fails is open
        run_property()
