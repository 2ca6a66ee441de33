"""The client in a terminal: against a real server, with a list for a screen; and in a pty."""

from __future__ import annotations

import asyncio
import os
import pty
import re
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import attrs
import pytest
from goroom_extensions.chat import Talk
from goroom_extensions.lobby import Lobby

from goroom import Disconnect, Refused, Server, User, handles
from goroom.client import (
    Away,
    Back,
    Dropped,
    Joined,
    Left,
    Message,
    Missed,
    Removed,
    Reset,
    Resumed,
    Room,
    RoomAdded,
    RoomGone,
    RoomInfo,
    SendLost,
    SendRefused,
    Updated,
)
from goroom.errors import ConnectionLost, RequestRefused
from goroom.play import CHUNK_BYTES, COMMANDS, Options, play, printable, told, typed
from goroom.testing import SocketStage

WAIT_SECONDS = 20.0
"""How long a test waits for what must come: far beyond what a busy machine needs."""

GoroomServer = Callable[..., Awaitable[SocketStage]]


@attrs.frozen
class Square:
    square: int


@attrs.frozen
class Name:
    name: str


class Hall(Talk):
    """A room to talk in, and to see replies, refusals and endings."""

    def on_join(self, user: User) -> None:
        super().on_join(user)
        self.room.broadcast("steer", {"text": "\x1b[2J\u202eevil\u200d"})

    @handles("move", Square)
    def move(self, user: User, move: Square) -> None:
        if move.square > 8:
            raise Refused("There is no such square.", field="square")
        self.room.broadcast("moved", move, sender=user)

    @handles("score")
    def score(self, user: User) -> dict[str, int]:
        return {"points": 7}

    @handles("kick")
    def kick(self, user: User) -> None:
        self.room.kick(user, "Enough.")

    @handles("ban")
    def ban(self, user: User) -> None:
        raise Disconnect(4503, "banned")


class Desk(Lobby):
    opens = {"hall": "hall", "attic": "hall"}  # noqa: RUF012 -- never changed
    client_kinds = ("hall",)

    def on_login(self, user: User, credentials: dict[str, object]) -> None:
        if user.name == "mallory":
            raise Refused("Not you, \x1b[1mMallory.")
        super().on_login(user, credentials)

    @handles("seat", Name)
    def seat(self, user: User, room: Name) -> None:
        user.move_to(room.name)


def server() -> Server:
    """Return the server of these tests."""
    made = Server()
    made.add_application("chat", Desk, rooms={"hall": Hall})
    return made


class Terminal:
    """One `play`, its input a queue and its screen a list."""

    def __init__(self, options: Options) -> None:
        self.screen: list[str] = []
        self._typed: asyncio.Queue[str | None] = asyncio.Queue()
        self._printed = asyncio.Event()
        self.task = asyncio.create_task(play(options, self._lines(), self._show))

    async def _lines(self) -> AsyncIterator[str]:
        while (line := await self._typed.get()) is not None:
            yield line

    def _show(self, line: str) -> None:
        assert re.match(r"\d\d:\d\d:\d\d ", line)
        self.screen.append(line[9:])
        self._printed.set()

    def type(self, *lines: str) -> None:
        """Type *lines*."""
        for line in lines:
            self._typed.put_nowait(line)

    async def see(self, words: str) -> str:
        """Wait until a line with *words* was printed, and return it."""
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                self._printed.clear()
                found = [line for line in self.screen if words in line]
                if found:
                    return found[0]
                printed = asyncio.create_task(self._printed.wait())
                await asyncio.wait({printed, self.task}, return_when="FIRST_COMPLETED")
                printed.cancel()
                assert not self.task.done(), f"ended without {words!r}: {self.screen}"

    async def end(self) -> list[str]:
        """End the input, wait for the end, and return all that was printed."""
        self._typed.put_nowait(None)
        async with asyncio.timeout(WAIT_SECONDS):
            await self.task
        return self.screen


Open = Callable[..., Awaitable[Terminal]]


@pytest.fixture
async def running(goroom_server: GoroomServer) -> SocketStage:
    """The server, on a free port."""
    return await goroom_server(server())


@pytest.fixture
async def terminal(running: SocketStage) -> AsyncIterator[Open]:
    """Return a function that opens a terminal and waits until it is in the hall."""
    async with AsyncExitStack() as ends:

        async def open_terminal(
            name: str = "ada", room: str | None = "hall", **more: Any
        ) -> Terminal:
            options = Options(url=running.url, app="chat", name=name, room=room, **more)
            opened = Terminal(options)

            async def end() -> None:
                opened.task.cancel()
                with suppress(asyncio.CancelledError, RequestRefused, ConnectionLost):
                    await opened.task

            ends.push_async_callback(end)
            await opened.see("you are in; " if room else "/help lists")
            return opened

        yield open_terminal


async def test_text_is_said_and_heard(terminal: Open) -> None:
    ada, bob = await terminal("ada"), await terminal("bob")

    ada.type("hello there")

    assert "[hall] ada said: hello there" == await bob.see("hello")
    assert "[hall] ada said: hello there" == await ada.see("hello")


async def test_others_are_seen_to_come_and_go(terminal: Open) -> None:
    ada, bob = await terminal("ada"), await terminal("bob")
    await ada.see("[hall] bob has joined")

    await bob.end()

    await ada.see("[hall] bob has left (logged_out)")


async def test_the_end_of_the_input_waits_for_the_replies(terminal: Open) -> None:
    ada = await terminal()

    ada.type("one", '/move {"square": 4}', "/request score", "/rooms", "/members", "three")

    assert [
        "[hall] ada said: one",
        '[hall] ada moved {"square":4}',
        'score -> {"points":7}',
        "hall (hall, 1 of 100)",
        "attic (hall, 0 of 100)",
        "ada",
        "[hall] ada said: three",
    ] == (await ada.end())[-7:]


async def test_quit_leaves_before_the_input_ends(terminal: Open) -> None:
    ada = await terminal()

    ada.type("one", "/quit", "two")

    async with asyncio.timeout(WAIT_SECONDS):
        await ada.task
    assert "[hall] ada said: one" == ada.screen[-1]


async def test_empty_lines_are_not_sent(terminal: Open) -> None:
    ada = await terminal()

    ada.type("", "  ", " hello ")

    assert "[hall] ada said: hello" == (await ada.end())[-1]
    assert not [line for line in ada.screen if "refused" in line]


async def test_text_goes_under_the_action_that_was_chosen(terminal: Open) -> None:
    ada = await terminal(action="shout")

    ada.type("hello")

    assert "refused: Unknown action" == (await ada.end())[-1]


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ('/move {"square": 9}', "refused: There is no such square. (square)"),
        ("/move", "refused: Object missing required field `square` (square)"),
        ("/nothing", "refused: Unknown action"),
        (
            "/move 4",
            'not sent: write a JSON object, such as {"square": 4} (Expected `object`, got `int`)',
        ),
        (
            '/move {"square"',
            'not sent: write a JSON object, such as {"square": 4} (Input data was truncated)',
        ),
        ("/request", "refused: Unknown action"),
    ],
)
async def test_what_fails_is_said_and_the_rest_goes_on(
    terminal: Open, line: str, answer: str
) -> None:
    ada = await terminal()

    ada.type(line, "/request score")

    assert [answer, 'score -> {"points":7}'] == (await ada.end())[-2:]


async def test_help_lists_the_commands(terminal: Open) -> None:
    ada = await terminal()

    ada.type("/help")

    assert COMMANDS.splitlines() == (await ada.end())[-7:]


async def test_what_others_send_cannot_steer_the_terminal(terminal: Open) -> None:
    ada = await terminal()

    assert "[hall] steer: \\x1b[2J\\u202eevil\u200d" == await ada.see("evil")


async def test_without_a_room_the_application_is_spoken_to(terminal: Open) -> None:
    ada = await terminal(room=None)

    ada.type("/members", "/rooms", '/seat {"name": "attic"}')
    await ada.see("[attic] you are in; members: ada")
    ada.type("/members", "hello")

    assert "you are in no room" == ada.screen[1]
    assert ["ada", "[attic] ada said: hello"] == (await ada.end())[-2:]


async def test_a_kind_finds_a_room_or_makes_one(terminal: Open) -> None:
    ada = await terminal("ada", room=None, kind="hall")
    bob = await terminal("bob", room="cellar", kind="hall")

    await ada.see("[hall] you are in; members: ada")
    await bob.see("[cellar] you are in; members: bob")
    await ada.see("there is a room cellar (hall, 0 of 100)")
    await bob.end()
    await ada.see("the room cellar is gone")


async def test_lines_go_to_the_room_that_was_joined_last(terminal: Open) -> None:
    ada = await terminal()

    ada.type('/seat {"name": "attic"}')
    await ada.see("[attic] you are in")
    ada.type("up here", "/kick", "down here")

    assert [
        "[attic] ada said: up here",
        "[attic] you are out (kicked, Enough.)",
        "[hall] ada said: down here",
    ] == (await ada.end())[-3:]


async def test_a_second_terminal_of_one_user_is_in_the_same_rooms(
    goroom_server: GoroomServer,
) -> None:
    made = Server()
    made.add_application("chat", Desk, rooms={"hall": Hall}, double_login="allow:2")
    running = await goroom_server(made)
    options = [
        Options(url=running.url, app="chat", name="ada", room=room) for room in ("hall", None)
    ]
    first = Terminal(options[0])
    await first.see("you are in;")

    second = Terminal(options[1])
    await second.see("[hall] you are in; members: ada")
    second.type("hello")

    assert "[hall] ada said: hello" == (await second.end())[-1]
    assert "[hall] ada said: hello" == (await first.end())[-1]


async def test_an_answer_that_does_not_come_is_told(
    terminal: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: object) -> None:
        raise TimeoutError

    ada = await terminal()
    monkeypatch.setattr(Room, "request", never)

    ada.type("hello")

    await ada.see("no answer came: whether it has happened is not known")


async def test_a_lost_link_comes_back_and_nothing_is_missed(
    running: SocketStage, terminal: Open
) -> None:
    ada, bob = await terminal("ada"), await terminal("bob")
    await ada.see("[hall] bob has joined")

    _, link_of_bob = running.server.connections
    link_of_bob.abort()
    await ada.see("[hall] bob is away, for 30 s at most")
    ada.type("are you there?")
    await ada.see("[hall] bob is back")
    bob.type("yes")
    await ada.see("[hall] bob said: yes")

    seen = [line for line in await bob.end() if "the link is" in line or "said" in line]
    assert [
        "the link is lost (1006), trying to come back",
        "the link is back",
        "[hall] ada said: are you there?",
        "[hall] bob said: yes",
    ] == seen
    await ada.see("[hall] bob has left (logged_out)")


async def test_a_reset_is_told_once(running: SocketStage, terminal: Open) -> None:
    ada = await terminal()
    hall = running.server.applications["chat"].rooms["hall"]

    (link,) = running.server.connections
    link.abort()
    hall.close()
    await ada.see("[hall] you are out (gone)")
    ada.type("/members")

    printed = await ada.end()
    assert ["[hall] what happened meanwhile is not known (gone)"] == [
        line for line in printed if "not known" in line
    ]
    assert "you are in no room" == printed[-1]


async def test_after_a_kick_lines_go_to_the_application(terminal: Open) -> None:
    ada = await terminal()

    ada.type("/kick")
    await ada.see("[hall] you are out (kicked, Enough.)")
    ada.type("/members")

    assert "you are in no room" == (await ada.end())[-1]


async def test_the_end_of_the_login_ends_it(terminal: Open) -> None:
    ada = await terminal()

    ada.type("/ban", "hello")

    with pytest.raises(ConnectionLost, match="4503 banned"):
        await ada.task


async def test_a_refused_login_and_a_refused_room_are_raised(running: SocketStage) -> None:
    for name, room, words in [("mallory", None, "Mallory"), ("ada", "none", "does not exist")]:
        options = Options(url=running.url, app="chat", name=name, room=room)
        with pytest.raises(RequestRefused, match=words):
            await Terminal(options).task


async def test_a_cancelled_one_logs_out(terminal: Open) -> None:
    ada, bob = await terminal("ada"), await terminal("bob")

    bob.task.cancel()

    await ada.see("[hall] bob has left (logged_out)")


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (Message("moved", {"square": 4}, "ada"), 'ada moved {"square":4}'),
        (Message("said", {"text": "hi"}, "ada"), "ada said: hi"),
        (Message("said", {"text": "hi", "to": "bob"}), 'said {"text":"hi","to":"bob"}'),
        (Message("tick", {}), "tick"),
        (Message("", [1]), "[1]"),
        (Joined("ada"), "ada has joined"),
        (Left("ada", "kicked", "Enough."), "ada has left (kicked, Enough.)"),
        (Left("ada", "left"), "ada has left (left)"),
        (Away("ada", 29.7), "ada is away, for 30 s at most"),
        (Back("ada"), "ada is back"),
        (Updated({"a": 1}, 1, 2, locked=False), '1 of 2 are in {"a":1}'),
        (Updated({}, 1, 2, locked=True), "1 of 2 are in, locked {}"),
        (Removed("room_closed"), "you are out (room_closed)"),
        (SendRefused("move", RequestRefused(26, reason="quota")), "move refused: quota"),
        (SendLost("move"), "move is lost: whether it has happened is not known"),
        (Dropped(1006, ""), "the link is lost (1006), trying to come back"),
        (Dropped(4010, "slow"), "the link is lost (4010, slow), trying to come back"),
        (Resumed(), "the link is back"),
        (Reset("history"), "what happened meanwhile is not known (history)"),
        (Missed(3), "3 events were missed"),
        (
            RoomAdded(RoomInfo(name="a", kind="b", count=1, capacity=2)),
            "there is a room a (b, 1 of 2)",
        ),
        (RoomGone("a"), "the room a is gone"),
    ],
)
def test_events_are_told_in_words(event: Any, words: str) -> None:
    assert words == told(event)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("naïve 日本 👍", "naïve 日本 👍"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("\x1b]0;x\x07\x9b", "\\x1b]0;x\\x07\\x9b"),
        ("\u202e\u2066", "\\u202e\\u2066"),
        ("👩\u200d🚀", "👩\u200d🚀"),
        ("\ud800", "\\ud800"),
    ],
)
def test_only_what_prints_is_printed(text: str, expected: str) -> None:
    assert expected == printable(text)


async def lines_of(descriptor: int) -> list[str]:
    """Return all lines of *descriptor*, and close it."""
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            return [line async for line in typed(descriptor)]
    finally:
        os.close(descriptor)


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", []),
        (b"one\ntwo\n", ["one", "two"]),
        (b"one\n\ntwo", ["one", "", "two"]),
        ("é日".encode() * 3000 + b"\nlast", ["é日" * 3000, "last"]),
        (b"\xff\n\xc3", ["\ufffd", "\ufffd"]),
    ],
)
async def test_lines_are_read_from_a_file(tmp_path: Path, content: bytes, lines: list[str]) -> None:
    path = tmp_path / "lines"
    path.write_bytes(content)

    assert lines == await lines_of(os.open(path, os.O_RDONLY))


async def test_no_more_is_read_than_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b"line\n" * 20_000)
    with path.open("rb") as file:
        lines = aiter(typed(file.fileno()))
        for _ in range(CHUNK_BYTES):
            assert "line" == await anext(lines)

        # Each chunk is asked for when the one before has no line left.
        assert 6 * CHUNK_BYTES > os.lseek(file.fileno(), 0, os.SEEK_CUR)


async def test_lines_come_from_a_pipe_as_they_are_written() -> None:
    reading, writing = os.pipe()
    lines = aiter(typed(reading))

    os.write(writing, b"one\ntw")
    assert "one" == await anext(lines)
    os.write(writing, b"o\n")
    assert "two" == await anext(lines)
    os.close(writing)
    assert [] == [line async for line in lines]
    os.close(reading)


async def test_a_terminal_that_is_gone_is_the_end() -> None:
    ours, theirs = pty.openpty()
    os.write(ours, b"one\n")
    lines = aiter(typed(ours))  # reading here fails with EIO once the other side is closed
    os.close(theirs)

    assert [line async for line in lines] in (["one\r"], [])
    os.close(ours)


async def test_a_loop_that_has_ended_leaves_no_trace() -> None:
    reading, writing = os.pipe()

    def ask() -> None:
        async def first() -> None:
            with suppress(TimeoutError):
                async with asyncio.timeout(0):
                    await anext(aiter(typed(reading)))

        asyncio.run(first())

    await asyncio.to_thread(ask)
    os.write(writing, b"too late\n")
    os.close(writing)
    os.close(reading)


@pytest.fixture
async def program(running: SocketStage) -> AsyncIterator[Callable[..., Awaitable[Any]]]:
    """Return a function that runs `goroom play` as a program at a new terminal."""
    async with AsyncExitStack() as ends:

        async def run(*arguments: str) -> tuple[asyncio.subprocess.Process, int]:
            ours, theirs = pty.openpty()
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "goroom", "play", running.url, "--app", "chat", *arguments),
                stdin=theirs,
                stdout=theirs,
                stderr=theirs,
                start_new_session=True,
            )
            os.close(theirs)
            ends.callback(os.close, ours)
            return process, ours

        yield run


async def read_until(descriptor: int, words: str) -> str:
    """Return what a program has printed at its terminal, with *words* in it."""
    printed = ""
    async with asyncio.timeout(WAIT_SECONDS):
        while words not in printed:
            chunk = await asyncio.to_thread(os.read, descriptor, 4096)
            printed += chunk.decode()
    return printed


async def test_at_a_terminal_ctrl_c_leaves_politely(
    program: Callable[..., Awaitable[Any]], terminal: Open
) -> None:
    ada = await terminal("ada")
    process, screen = await program("--name", "bob", "--room", "hall")
    await read_until(screen, "you are in; members: ada, bob")
    os.write(screen, b"hello\n")
    await ada.see("bob said: hello")
    ada.type("welcome")
    await read_until(screen, "[hall] ada said: welcome")

    process.send_signal(signal.SIGINT)

    await ada.see("[hall] bob has left (logged_out)")
    async with asyncio.timeout(WAIT_SECONDS):
        assert 0 == await process.wait()


async def test_at_a_terminal_ctrl_d_is_the_end(program: Callable[..., Awaitable[Any]]) -> None:
    process, screen = await program("--room", "hall")
    await read_until(screen, "you are in; members: guest-")

    os.write(screen, b"bye\n\x04")

    await read_until(screen, "said: bye")
    async with asyncio.timeout(WAIT_SECONDS):
        assert 0 == await process.wait()


async def piped(url: str, *arguments: str, typing: str = "") -> tuple[int | None, str, str]:
    """Run `goroom play` with *typing* on a pipe; return its code and what it printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "goroom", "play", url, "--app", "chat", *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(WAIT_SECONDS):
        printed, complaints = await process.communicate(typing.encode())
    return process.returncode, printed.decode(), complaints.decode()


async def test_in_a_pipe_each_line_is_sent_and_answered(running: SocketStage) -> None:
    code, printed, complaints = await piped(
        running.url,
        *("--name", "ada", "--room", "hall"),
        typing="hello\n/request score\n/nothing\nlast",
    )

    lines = [line[9:] for line in printed.splitlines()[-4:]]
    assert (0, "") == (code, complaints)
    assert [
        "[hall] ada said: hello",
        'score -> {"points":7}',
        "refused: Unknown action",
        "[hall] ada said: last",
    ] == lines


async def test_in_a_pipe_a_refused_login_is_told(running: SocketStage) -> None:
    ended = await piped(running.url, "--name", "mallory")

    assert (1, "", "goroom: refused: Not you, \\x1b[1mMallory.\n") == ended


async def test_in_a_pipe_a_server_that_is_not_there_is_told() -> None:
    code, printed, complaint = await piped("ws://127.0.0.1:1/")

    assert (1, "") == (code, printed)
    assert complaint.startswith("goroom: cannot connect to ws://127.0.0.1:1/: ")
