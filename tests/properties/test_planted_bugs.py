"""Each property can fail: a bug is planted in the real core, and the property finds it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings

from goroom import absences, sequence, turn
from goroom.absences import Absences, KnownPlace
from goroom.connection import Connection
from goroom.endings import Endings
from goroom.history import History, Ring
from goroom.membership import Membership
from goroom.messaging import MessageTurn
from goroom.outbox import Outbox
from goroom.room import Room
from goroom.sequence import Sequence
from goroom.tickets import Ticket, Tickets
from goroom.turn import Turn
from goroom.turns import Turns
from goroom.user import Link
from goroom.users import UserService
from tests.properties.runs import (
    CROWD,
    AllOf,
    Script,
    drive,
    histories,
    policies,
    scripts,
    seeds,
)
from tests.properties.test_lanes import LanesCheck
from tests.properties.test_ledger import LedgerCheck
from tests.properties.test_resume import MANNERS, Journey
from tests.properties.test_view import ViewCheck
from tests.properties.world import LONG_HISTORY, SHORT_HISTORY

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
    def number(self: Sequence, push: Any, _: Any) -> None:
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
    return lambda self, only, skip: list(self._members.values())  # noqa: ARG005 -- the patched signature


def audience_kept(_: Any) -> Any:
    def forget(self: Membership) -> None:
        if self._everybody is None or len(self._members) > 1:
            self._everybody = None

    return forget


def no_capacity(_: Any) -> Any:
    return property(lambda room: room.options.capacity + 1)


def messages_in_the_users_lane(handle: Any) -> Any:
    def handle_there(self: Turns, turn: Turn, call: Any) -> Any:
        if isinstance(turn, MessageTurn):
            turn.lane = turn.user.lane
        return handle(self, turn, call)

    return handle_there


def no_on_leave_after_kick(_: Any) -> Any:
    return lambda self, user, reason: None  # noqa: ARG005 -- the patched signature


def anybody_may_log_in(_: Any) -> Any:
    return lambda self, user, link: None  # noqa: ARG005 -- the patched signature


def rooms_kept_at_the_end(_: Any) -> Any:
    async def leave(self: Endings, user: Any, room: Any, reason: Any) -> None:
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
            self._give_up()

    return put_or_close


def writes_not_counted(take: Any) -> Any:
    def take_uncounted(self: Outbox) -> Any:
        written = self.written
        frames = take(self)
        self.written = written
        return frames

    return take_uncounted


def replacements_not_counted(put_volatile: Any) -> Any:
    def put_uncounted(self: Outbox, frame: bytes, key: Any) -> None:
        put_volatile(self, frame, key)
        self.replaced = 0

    return put_uncounted


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
    "rooms kept at the end": (LedgerCheck, patched(Endings, "_leave", rooms_kept_at_the_end)),
    "messages in the user's lane": (
        LanesCheck,
        patched(Turns, "handle", messages_in_the_users_lane),
    ),
    "the bound at the put": (LanesCheck, patched(Outbox, "put", bound_at_the_put)),
    "writes not counted": (LanesCheck, patched(Outbox, "take", writes_not_counted)),
    "replacements not counted": (
        LanesCheck,
        patched(Outbox, "put_volatile", replacements_not_counted),
    ),
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
    @example(CROWD, 0, "refuse", LONG_HISTORY)
    @given(scripts, seeds, policies, histories)
    def run_property(script: Script, seed: int, double_login: str, history_events: int) -> None:
        drive(script, seed, double_login, history_events, check())

    with patch(), pytest.raises(Exception):  # noqa: B017, PT011 -- how it fails is open
        run_property()


# -- in what brings a lost client back ----------------------------------------------------------


def nothing(_: Any) -> Any:
    return lambda *_: None


def kept_for_all(keep_private: Any) -> Any:
    def keep(self: History, push: Any, receivers: Any, now: float) -> None:
        keep_private(self, push, list(self._own), now)

    return keep


def the_last_one_again(_: Any) -> Any:
    def after(self: Ring, place: Any) -> Any:
        return (record for record in self._records if record[:2] >= place)

    return after


def one_too_few(after: Any) -> Any:
    return lambda self, place: list(after(self, place))[1:]


def replayed_too_late(send: Any) -> Any:
    def send_later(self: Connection, push: Any) -> None:
        if push.seq is None:
            send(self, push)
        else:
            asyncio.get_running_loop().call_later(0.2, send, self, push)

    return send_later


def not_followed_by_spectators(follow: Any) -> Any:
    def follow_if_member(self: Sequence, who: object) -> None:
        if not isinstance(who, Link):
            follow(self, who)

    return follow_if_member


def replies_forgotten(end: Any) -> Any:
    def end_and_forget(self: Ticket, reply: Any) -> None:
        end(self, reply)
        self._replies.clear()

    return end_and_forget


def all_is_new(begin: Any) -> Any:
    def begin_again(self: Ticket, request: Any) -> Any:
        self._last_id = -1
        return begin(self, request)

    return begin_again


def token_kept(_: Any) -> Any:
    return lambda self, link, ticket, token, attempt: token  # noqa: ARG005 -- the patched signature


def attempts_forgotten(exchange: Any) -> Any:
    def exchange_it(self: Tickets, link: Any, ticket: Any, token: str, _: str) -> str:
        new: str = exchange(self, link, ticket, token, "")
        return new

    return exchange_it


def back_but_not_told(_: Any) -> Any:
    return lambda self, user: self._away.pop(user, None)


def grace_goes_on(come_back: Any) -> Any:
    def come_back_for_now(self: Absences, user: Any, link: Any) -> None:
        link.grace = None
        come_back(self, user, link)

    return come_back_for_now


def epochs_ignored(since: Any) -> Any:
    def since_anyhow(of: Sequence, who: object, known: Any, *names: str) -> Any:
        here = None if known is None else KnownPlace(of.epoch, known.seq, known.sub)
        return since(of, who, here, *names)

    return since_anyhow


def history_without_end(_: Any) -> Any:
    def drop_and_hide(self: Ring) -> None:
        record = self._records.popleft()
        self._count(record, -1)

    return drop_and_hide


PLANTED_IN_RESUME: dict[str, Patch] = {
    "private events not kept": patched(History, "keep_private", nothing),
    "private events kept for all": patched(History, "keep_private", kept_for_all),
    "shared events not kept": patched(History, "keep_shared", nothing),
    "the last event again": patched(Ring, "after", the_last_one_again),
    "one event too few": patched(Ring, "after", one_too_few),
    "a gap without a reset": patched(Ring, "_drop_oldest", history_without_end),
    "live before the missed": patched(Connection, "send", replayed_too_late),
    "spectators not followed": patched(Sequence, "follow", not_followed_by_spectators),
    "replies forgotten": patched(Ticket, "end", replies_forgotten),
    "resent requests run again": patched(Ticket, "begin", all_is_new),
    "token kept": patched(Tickets, "exchange", token_kept),
    "attempts forgotten": patched(Tickets, "exchange", attempts_forgotten),
    "back, but not told": patched(Membership, "tell_back", back_but_not_told),
    "away, but not told": patched(Membership, "tell_away", nothing),
    "audience kept": patched(Absences, "_audiences_changed", nothing),
    "grace goes on": patched(Absences, "_return", grace_goes_on),
    "epochs ignored": patched(absences, "_since", epochs_ignored),
}

REMADE: Script = [
    ("join", 0, "plain"),
    ("join", 1, "plain"),
    ("advance", 0.1),
    ("drop", 0, None),
    ("message", 1, "plain", "close", 0),
    ("advance", 0.1),
    ("make", "plain"),
    ("move", "ann", "plain"),
    ("advance", 0.1),
    *[("outside", "plain")] * 9,
    ("resume", 0, None),
    ("outside", "plain"),
]
"""The room in which a lost client was is another one when it comes back, and it is in it."""


def test_a_room_made_anew_is_told_by_its_epoch() -> None:
    drive(REMADE, 0, "refuse", LONG_HISTORY, AllOf(ViewCheck(), LanesCheck(), LedgerCheck()))


@pytest.mark.parametrize("bug", PLANTED_IN_RESUME)
def test_the_journeys_fail_with_a_bug_planted_in_resuming(bug: str) -> None:
    with PLANTED_IN_RESUME[bug](), pytest.raises(Exception):  # noqa: B017, PT011 -- how it fails is open
        find_bug()


def find_bug() -> None:
    """Lose links until something is wrong."""
    test_a_room_made_anew_is_told_by_its_epoch()
    for manner in ("later", "at once", "reply lost"):
        asyncio.run(Journey(MANNERS[manner], LONG_HISTORY).play_all())
    asyncio.run(Journey(MANNERS["later"], SHORT_HISTORY).play_all())
