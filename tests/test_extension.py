"""Extension: one visible map of handlers, timers that are turns, and clear words at import."""

from __future__ import annotations

import asyncio
import functools
from types import MappingProxyType, SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import attrs
import pytest
from structlog.testing import capture_logs

from goroom import (
    ApplicationExtension,
    Event,
    RequestRefused,
    RoomExtension,
    Server,
    User,
    handles,
)
from goroom.extension import Extension
from goroom.lane import Lane, Level
from goroom.payloads import PayloadDecoder
from goroom.turn import Turn, turn_var

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from goroom.room import Room
    from goroom.testing import Player, Stage
    from goroom.timers import Timer

    Open = Callable[[Server], Awaitable[Stage]]


@attrs.frozen
class Move:
    square: int


@attrs.frozen
class Step:
    length: int


class Base(RoomExtension):
    def on_join(self, user: User) -> None:
        """Let everybody in."""

    @handles("move", Move)
    def move(self, user: User, move: Move) -> str:
        return f"base {move.square}"

    @handles("look")
    def look(self, user: User) -> str:
        return "base"


def run(extension: type[Extension], key: Event | str, *arguments: Any) -> Any:
    """Call what handles *key*, as the server does."""
    return extension.handlers[key].function(*arguments)


# -- the map ----------------------------------------------------------------------------------


def test_the_map_shows_what_handles_what() -> None:
    assert {Event.JOIN, "move", "look"} == Base.handlers.keys()
    assert ("Base.move", Move, False) == (
        Base.handlers["move"].name,
        Base.handlers["move"].decode.payload,  # type: ignore[union-attr]
        Base.handlers["move"].blocking,
    )
    assert Base.handlers["look"].decode is None
    assert "Base.on_join" == Base.handlers[Event.JOIN].name


def test_the_map_cannot_be_written_to() -> None:
    assert isinstance(Base.handlers, MappingProxyType)
    with pytest.raises(TypeError):
        Base.handlers["move"] = Base.handlers["look"]  # type: ignore[index]


@pytest.mark.parametrize("base", [Extension, RoomExtension, ApplicationExtension])
def test_the_hooks_of_goroom_itself_are_no_handlers(base: type[Extension]) -> None:
    class Empty(base):  # type: ignore[misc, valid-type]
        pass

    assert {} == Empty.handlers == base.handlers


def test_a_room_and_an_application_have_the_hooks_of_the_table() -> None:
    def hook(self: object, *_: object) -> None: ...

    hooks = {f"on_{event.value}": hook for event in Event}
    room = type("Room", (RoomExtension,), hooks)
    application = type("Application", (ApplicationExtension,), hooks)

    assert {
        Event.JOIN,
        Event.LEAVE,
        Event.MESSAGE,
        Event.DROP,
        Event.RESUME,
        Event.CLOSE,
        Event.DISCONNECT,
    } == room.handlers.keys()
    assert {
        Event.CONNECT,
        Event.LOGIN,
        Event.LOGOUT,
        Event.MESSAGE,
        Event.DROP,
        Event.RESUME,
        Event.DISCONNECT,
    } == application.handlers.keys()


@pytest.mark.parametrize(
    "name", ["on_join", "init", "room", "__class__", "__init__", "join", "handlers", "every"]
)
def test_nothing_else_of_a_class_can_be_reached_by_a_message(name: str) -> None:
    assert name not in Base.handlers


# -- inheritance ------------------------------------------------------------------------------


def test_a_subclass_inherits_and_overrides() -> None:
    class Faster(Base):
        def move(self, user: User, move: Move) -> str:
            return f"faster {move.square}"

        @handles("jump")
        def jump(self, user: User) -> str:
            return "jumped"

    assert {Event.JOIN, "move", "look", "jump"} == Faster.handlers.keys()
    assert ("faster 3", "base", "jumped") == (
        run(Faster, "move", None, None, Move(3)),
        run(Faster, "look", None, None),
        run(Faster, "jump", None, None),
    )
    assert ("Faster.move", Move) in [
        (handler.name.rpartition(">.")[2], handler.decode.payload)
        for handler in Faster.handlers.values()
        if handler.decode is not None
    ]
    assert "base 3" == run(Base, "move", None, None, Move(3))
    assert "jump" not in Base.handlers


def test_a_method_of_another_name_may_take_a_message_over() -> None:
    class Stepping(Base):
        @handles("move", Step)
        def step(self, user: User, step: Step) -> str:
            return f"step {step.length}"

    assert "step 2" == run(Stepping, "move", None, None, Step(2))
    assert Step is Stepping.handlers["move"].decode.payload  # type: ignore[union-attr]


def test_an_override_that_is_marked_anew_takes_its_own_messages_only() -> None:
    """It takes another payload: with the base's it would fail."""

    class Stepping(Base):
        @handles("step", Step)
        def move(self, user: User, move: Step) -> str:  # type: ignore[override]
            return f"step {move.length}"

    assert {Event.JOIN, "step", "look"} == Stepping.handlers.keys()


def test_an_override_that_is_marked_with_the_same_name_takes_its_own_payload() -> None:
    class Stepping(Base):
        @handles("move", Step)
        def move(self, user: User, move: Step) -> str:  # type: ignore[override]
            return f"step {move.length}"

    assert Step is Stepping.handlers["move"].decode.payload  # type: ignore[union-attr]
    assert "step 1" == run(Stepping, "move", None, None, Step(1))


def test_a_subclass_of_a_subclass_overrides_too() -> None:
    class Middle(Base):
        def look(self, user: User) -> str:
            return "middle"

    class Last(Middle):
        def look(self, user: User) -> str:
            return "last"

    class Heir(Last):
        pass

    assert ("middle", "last", "last") == (
        run(Middle, "look", None, None),
        run(Last, "look", None, None),
        run(Heir, "look", None, None),
    )


def test_handlers_and_hooks_of_mixins_count_in_the_order_of_the_classes() -> None:
    class Talk:
        @handles("say")
        def say(self, user: User) -> str:
            return "talk"

        def on_leave(self, user: User, reason: object) -> str:
            return "talk"

        def look(self, user: User) -> str:
            return "talk"

    class Before(Talk, Base):
        pass

    class Behind(Base, Talk):
        pass

    assert ("talk", "talk", "talk") == (
        run(Before, "say", None, None),
        run(Before, Event.LEAVE, None, None, None),
        run(Before, "look", None, None),
    )
    assert ("talk", "base") == (run(Behind, "say", None, None), run(Behind, "look", None, None))


def test_a_hook_may_be_another_method() -> None:
    class Greeting(Base):
        def greet(self, user: User) -> str:
            return "hello"

        on_join = greet  # type: ignore[assignment]

    class Ruder(Greeting):
        def greet(self, user: User) -> str:
            return "what"

    assert "hello" == run(Greeting, Event.JOIN, None, None)
    assert "hello" == run(Ruder, Event.JOIN, None, None)  # as it is with any attribute


def test_an_attribute_that_is_no_method_overrides_nothing() -> None:
    class Odd(Base):
        look = "north"  # type: ignore[assignment]
        mock = Mock()

    assert {Event.JOIN, "move", "look"} == Odd.handlers.keys()


# -- of one instance --------------------------------------------------------------------------


def made(kind: type[RoomExtension[Any]] = Base) -> RoomExtension[Any]:
    room: Any = SimpleNamespace(name="hall")
    return kind(room)


def test_a_handler_can_be_added_to_one_room() -> None:
    extension, other = made(), made()

    extension.add_handler("jump", lambda _, step: f"jumped {step.length}", Step)

    handler = extension.handlers["jump"]
    assert "jumped 2" == handler.function(extension, None, Step(2))
    assert isinstance(handler.decode, PayloadDecoder)
    assert "jump" not in other.handlers
    assert "jump" not in Base.handlers


def test_a_handler_of_the_class_can_be_replaced_in_one_room() -> None:
    extension = made()

    extension.add_handler("look", lambda _: "mine")
    extension.add_handler(Event.JOIN, lambda _: "joined")

    assert "mine" == extension.handlers["look"].function(extension, None)
    assert "joined" == extension.handlers[Event.JOIN].function(extension, None)
    assert extension.handlers["look"].decode is None
    assert "base" == run(Base, "look", None, None)


def test_an_added_handler_is_named_after_its_function() -> None:
    extension = made()
    extension.add_handler("look", made)
    extension.add_handler("jump", functools.partial(print, "jump"))

    assert "made" == extension.handlers["look"].name
    assert extension.handlers["jump"].name.startswith("functools.partial(")


def test_a_handler_can_be_removed_from_one_room() -> None:
    extension, other = made(), made()

    extension.remove_handler("look")
    extension.remove_handler(Event.JOIN)

    assert {"move"} == extension.handlers.keys()
    assert {"move", "look", Event.JOIN} == other.handlers.keys()
    with pytest.raises(KeyError):
        extension.remove_handler("look")


@pytest.mark.parametrize("key", ["", 1, None, b"move"])
def test_a_handlers_key_is_an_event_or_a_name(key: Any) -> None:
    with pytest.raises(TypeError, match="a handler's key is an Event or a message's name, not"):
        made().add_handler(key, print)


def test_an_event_that_never_comes_to_a_room_is_refused() -> None:
    with pytest.raises(TypeError, match=r"Base never sees Event\.LOGIN: it has no hook for it"):
        made().add_handler(Event.LOGIN, print)


def test_an_added_payload_that_cannot_be_decoded_is_refused() -> None:
    extension = made()

    with pytest.raises(TypeError, match="is no payload class"):
        extension.add_handler("move", print, complex)

    assert extension.handlers is Base.handlers


# -- what a handler is about ------------------------------------------------------------------


def test_there_is_no_turn_outside_handlers() -> None:
    extension = made()
    lane: Any = Lane(Level.ROOM, None, {}, Mock())
    turn = Turn(lane, "move")
    token = turn_var.set(turn)
    inside = extension.turn
    turn.succeed(None)

    with pytest.raises(RuntimeError, match=r"self\.turn is there in handlers only"):
        _ = extension.turn
    turn_var.reset(token)
    with pytest.raises(RuntimeError, match=r"self\.turn is there in handlers only"):
        _ = extension.turn
    assert turn is inside


def test_an_extension_of_neither_kind_has_no_timers_nor_chance() -> None:
    extension = Extension()

    for call in (
        lambda: extension.every(1, print),
        lambda: extension.random,
        extension._timers,
        extension._turns,
        extension._is_alive,
    ):
        with pytest.raises(NotImplementedError):
            call()


# -- on a stage -------------------------------------------------------------------------------


class Table(RoomExtension[list[str]]):
    timer: Timer

    def init(self) -> None:
        self.state = []

    @handles("slow")
    async def slow(self, user: User) -> None:
        await asyncio.sleep(2.5)
        self.state.append("slow")

    @handles("note")
    def note(self, user: User) -> None:
        self.state.append("note")

    @handles("tick")
    def start(self, user: User) -> None:
        self.timer = self.every(1, self.tick)

    @handles("once")
    def start_once(self, user: User) -> None:
        self.timer = self.after(1, self.tick)

    def tick(self) -> None:
        assert self.turn.name.endswith("Table.tick")
        self.state.append("tick")
        self.room.broadcast("ticked")

    @handles("wait")
    def start_waiting(self, user: User) -> None:
        self.timer = self.every(1, self.wait)

    async def wait(self) -> None:
        self.state.append("begins")
        await asyncio.sleep(0.4)
        self.state.append("ends")

    @handles("fail")
    def start_failing(self, user: User) -> None:
        self.every(1, self.fail)

    def fail(self) -> None:
        self.state.append("fails")
        self.room.broadcast("never")
        raise ValueError

    @handles("about")
    def about(self, user: User) -> list[object]:
        connection, request = self.turn.connection, self.turn.request
        assert connection is not None
        assert request is not None
        return [connection.headers["X-Who"], request.action, self.turn.started > 0]

    @handles("chance")
    def chance(self, user: User) -> bool:
        return 0 <= self.random.random() < 1 and self.application.name == "chess"

    @handles("close")
    def close(self, user: User) -> None:
        self.room.close()


class Chess(ApplicationExtension):
    def init(self) -> None:
        self.ticks = 0

    def on_login(self, user: User, credentials: dict[str, object]) -> None:
        if credentials.get("every"):
            self.every(1, self.tick)

    def tick(self) -> None:
        self.ticks += 1

    @handles("chance")
    def chance(self, user: User) -> bool:
        return 0 <= self.random.random() < 1


@pytest.fixture
async def play(stage: Open) -> tuple[Stage, Player, Room, Table]:
    server = Server(seed=1)
    server.add_application("chess", Chess, rooms={"table": Table})
    running = await stage(server)
    room = await server.applications["chess"].rooms.create("one", kind="table")
    ada = await running.player("ada", headers={"X-Who": "ada's"})
    await ada.join("one")
    extension = room.extension
    assert isinstance(extension, Table)
    return running, ada, room, extension


Play = tuple["Stage", "Player", "Room", Table]


async def test_a_handler_knows_what_it_is_about(play: Play) -> None:
    _, ada, _, _ = play

    assert ["ada's", "about", True] == await ada.request("about")


async def test_an_extension_has_the_servers_chance(play: Play) -> None:
    _, ada, _, _ = play

    assert await ada.request("chance") is True
    assert await ada.request("chance", room="") is True


async def test_a_timer_ticks_as_a_turn_of_its_room_until_it_is_cancelled(play: Play) -> None:
    stage, ada, _, table = play
    await ada.request("tick")

    with capture_logs() as logs:
        await stage.advance(2)
        table.timer.cancel()
        await stage.advance(5)

    assert (["tick", "tick"], []) == (table.state, logs)
    assert [{}, {}] == await ada.received("ticked")


async def test_at_most_one_tick_waits_for_its_room(play: Play) -> None:
    stage, ada, _, table = play
    await ada.request("tick")
    ada.send("slow")

    await stage.advance(2.4)
    waited = list(table.state)
    await stage.advance(0.2)

    assert [] == waited
    assert ["slow", "tick"] == table.state


async def test_a_tick_that_waits_is_dropped_with_its_timer(play: Play) -> None:
    stage, ada, _, table = play
    await ada.request("tick")
    ada.send("slow")

    await stage.advance(1.5)
    table.timer.cancel()
    await stage.advance(5)

    assert ["slow"] == table.state


async def test_the_only_tick_of_after_waits_too_and_can_be_cancelled(play: Play) -> None:
    stage, ada, _, table = play
    for is_cancelled in (False, True):
        await ada.request("once")
        ada.send("slow")
        await stage.advance(1.5)
        if is_cancelled:
            table.timer.cancel()
        await stage.advance(5)

    assert ["slow", "tick", "slow"] == table.state


async def test_a_tick_may_wait_and_holds_its_room_while_it_does(play: Play) -> None:
    stage, ada, _, table = play
    await ada.request("wait")
    await stage.advance(1.2)
    ada.send("note")
    await stage.settle()
    before = list(table.state)
    await stage.advance(0.3)

    assert (["begins"], ["begins", "ends", "note"]) == (before, table.state)
    table.timer.cancel()


async def test_a_tick_that_fails_sends_nothing_and_the_timer_goes_on(play: Play) -> None:
    stage, ada, _, table = play
    await ada.request("fail")

    await stage.advance(3)

    assert (["fails"] * 3, []) == (table.state, await ada.received("never"))


async def test_timers_end_with_their_room_and_so_does_a_tick_that_waits(play: Play) -> None:
    stage, ada, room, table = play
    await ada.request("tick")
    ada.send("slow")
    await stage.advance(0.5)
    room.close()
    await stage.advance(1)  # now a tick waits behind the end

    await stage.advance(10)

    assert ["slow"] == table.state
    assert not table.timer.is_running
    with pytest.raises(RequestRefused):
        await ada.request("chance")


async def test_an_applications_timer_ticks_in_a_lane_of_its_own(stage: Open) -> None:
    server = Server()
    server.add_application("chess", Chess, rooms={"table": Table})
    running = await stage(server)
    await running.player("ada", every=True)

    await running.advance(3)

    extension = server.applications["chess"].extension
    assert isinstance(extension, Chess)
    assert 3 == extension.ticks


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
async def test_a_timers_seconds_are_above_zero(play: Play, seconds: float) -> None:
    *_, table = play

    for start in (table.every, table.after):
        with pytest.raises(ValueError, match="a timer's seconds must be above 0, not"):
            start(seconds, table.tick)


async def test_the_hooks_of_the_bases_do_nothing_and_may_be_called(play: Play) -> None:
    """So that an override may call super()."""
    _, _, room, table = play
    user: Any = room.members["ada"]
    request: Any = Mock()
    chess = table.application.extension

    assert table.on_join(user) is None
    assert table.on_leave(user, Mock()) is None
    assert table.on_message(user, request) is None
    assert table.on_disconnect(user, Mock()) is None
    assert Extension.init(chess) is None
    assert ApplicationExtension.on_connect(chess, Mock()) is None
    assert ApplicationExtension.on_login(chess, user, {}) is None
    assert chess.on_logout(user) is None
    assert chess.on_message(user, request) is None
    assert chess.on_disconnect(user, Mock()) is None
    assert chess.may_create(user, "table") is False
    assert (None, True) == (RoomExtension(room).state, chess._is_alive())
