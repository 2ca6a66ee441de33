"""A process that serves ends in time after a signal, whatever its handlers do."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import attrs
import pytest
from aiohttp import web

from goroom import Limits, process

ROOT = Path(__file__).parent.parent

PROGRAM = """
import asyncio
import gc
import json
import sys
import threading

from goroom import ApplicationExtension, LeaveReason, Limits, Server, User, handles


def collector():
    return {"thresholds": gc.get_threshold(), "frozen": gc.get_freeze_count()}


print(json.dumps({"event": "begun", "level": "info", **collector()}), file=sys.stderr)


class Hall(ApplicationExtension):
    @handles("look")
    async def look(self, user: User) -> dict[str, object]:
        print("begun", flush=True)
        return {"loop": type(asyncio.get_running_loop()).__module__, **collector()}

    @handles("swallow")
    async def swallow(self, user: User) -> None:
        print("begun", flush=True)
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                pass

    @handles("block", blocking=True)
    def block(self, user: User) -> None:
        print("begun", flush=True)
        threading.Event().wait()

    @handles("lend")
    async def lend(self, user: User) -> None:
        print("begun", flush=True)
        await asyncio.to_thread(threading.Event().wait)

    @handles("wait")
    async def wait(self, user: User) -> None:
        print("begun", flush=True)
        await asyncio.Event().wait()

    async def on_disconnect(self, user: User, reason: LeaveReason) -> None:
        print("on_disconnect", reason, flush=True)


seconds = float(sys.argv[1])
server = Server(limits=Limits(drain_seconds=seconds, close_seconds=0.2, handler_seconds=60))
server.add_application("chess", Hall)
server.run("127.0.0.1", int(sys.argv[2]), **json.loads(sys.argv[3]))
print("after run", flush=True)
print(json.dumps({"event": "ran", "level": "info", **collector()}), file=sys.stderr)
"""

LOOPS = pytest.mark.parametrize("uvloop", [False, True], ids=["asyncio", "uvloop"])
LOGIN = {"eventType": 6, "appName": "chess", "data": {"username": "ada"}}


@attrs.define
class Child:
    """A process that serves, and what it has said."""

    process: subprocess.Popen[str]
    url: str = ""

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def signal(self, number: int = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    def end(self) -> tuple[int, list[str], list[dict[str, Any]]]:
        """Wait for its end; return its code, its lines, and its log."""
        out, err = self.process.communicate(timeout=20)
        # Python has words of its own for a socket that is cut off with the process.
        log = [json.loads(line) for line in err.splitlines() if line.startswith("{")]
        return self.process.returncode, out.splitlines(), log


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Callable[..., Child]]:
    """Start a process that serves, and wait until it does."""
    children: list[Child] = []
    (tmp_path / "program.py").write_text(PROGRAM, "utf-8")

    def begin(drain_seconds: float = 0.2, port: int = 0, **options: object) -> Child:
        arguments = [str(drain_seconds), str(port), json.dumps(options)]
        child = Child(
            subprocess.Popen(
                [sys.executable, str(tmp_path / "program.py"), *arguments],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
        )
        children.append(child)
        if port == 0:
            child.url = child.line().split(" ")[2]
        return child

    yield begin
    for child in children:
        child.process.kill()
        child.process.communicate()


async def _ask(session: aiohttp.ClientSession, child: Child, action: str) -> Any:
    """Have *child* begin to handle *action*; return the socket."""
    ws = await session.ws_connect(child.url)
    await ws.send_json(LOGIN)
    await ws.receive()
    await ws.send_json({"eventType": 11, "appName": "chess", "action": action})
    assert "begun" == child.line()
    return ws


def _named(log: list[dict[str, Any]], event: str) -> list[dict[str, Any]]:
    return [line for line in log if line["event"] == event]


@LOOPS
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_with_0_and_the_program_goes_on(
    *, begin: Callable[..., Child], session: aiohttp.ClientSession, number: int, uvloop: bool
) -> None:
    child = begin(uvloop=uvloop)
    ws = await _ask(session, child, "wait")
    child.signal(number)
    code, lines, log = child.end()

    assert (0, ["on_disconnect shutdown", "after run"]) == (code, lines)
    assert _named(log, "server_stopped")
    assert not [line for line in log if line["level"] in {"error", "critical"}]
    await ws.close()


@LOOPS
@pytest.mark.parametrize(
    ("action", "said"),
    [("swallow", "tasks_left"), ("block", "threads_stuck"), ("lend", "server_stopped")],
)
async def test_a_handler_that_never_ends_does_not_keep_it_alive(
    *,
    begin: Callable[..., Child],
    session: aiohttp.ClientSession,
    action: str,
    said: str,
    uvloop: bool,
) -> None:
    child = begin(uvloop=uvloop)
    ws = await _ask(session, child, action)
    started = time.monotonic()
    child.signal()
    code, lines, log = child.end()

    assert (0, ["on_disconnect shutdown", "after run"]) == (code, lines)
    assert time.monotonic() - started < 10
    assert _named(log, said), log
    await ws.close()


async def test_the_log_names_the_tasks_that_are_left(
    begin: Callable[..., Child], session: aiohttp.ClientSession
) -> None:
    child = begin()
    ws = await _ask(session, child, "swallow")
    child.signal()
    _, _, log = child.end()
    (left,) = _named(log, "tasks_left")

    assert [] != left["tasks"]
    assert ["Hall.swallow"] == [line["handler"] for line in _named(log, "handler_stuck")]
    await ws.close()


@LOOPS
async def test_a_second_signal_ends_the_waiting(
    *, begin: Callable[..., Child], session: aiohttp.ClientSession, uvloop: bool
) -> None:
    child = begin(drain_seconds=60, uvloop=uvloop)
    ws = await _ask(session, child, "wait")
    child.signal()
    _until_refused(child)
    child.signal()
    code, lines, _ = child.end()

    assert (0, "after run") == (code, lines[-1])
    await ws.close()


def _until_refused(child: Child) -> None:
    """Connect until nobody listens any more: then the first signal has been handled."""
    host, _, port = child.url.strip("/").rpartition("/")[2].partition(":")
    with suppress(ConnectionError):
        while True:
            socket.create_connection((host, int(port)), 5).close()


def test_a_taken_port_is_an_error_of_the_program(begin: Callable[..., Child]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        child = begin(port=taken.getsockname()[1])
        out, err = child.process.communicate(timeout=20)

    assert (1, "") == (child.process.returncode, out)
    assert "OSError" in err


@pytest.mark.parametrize(
    ("options", "loop", "is_tuned"),
    [({}, "asyncio", True), ({"uvloop": True, "tuned_gc": False}, "uvloop", False)],
)
async def test_it_serves_on_the_loop_and_with_the_collector_that_was_asked_for(
    *,
    begin: Callable[..., Child],
    session: aiohttp.ClientSession,
    options: dict[str, Any],
    loop: str,
    is_tuned: bool,
) -> None:
    child = begin(**options)
    ws = await _ask(session, child, "look")
    seen = (await ws.receive_json())["data"]
    child.signal()
    code, _, log = child.end()
    (before,), (after,) = _named(log, "begun"), _named(log, "ran")

    assert (0, loop) == (code, seen["loop"].partition(".")[0])
    assert is_tuned == (seen["thresholds"] > before["thresholds"])
    assert is_tuned == (seen["frozen"] > before["frozen"])
    assert before["thresholds"] == after["thresholds"]
    assert after["frozen"] <= before["frozen"]
    await ws.close()


def test_a_missing_uvloop_is_told_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)

    with pytest.raises(process.MissingUvloopError, match=r"pip install 'goroom\[fast\]'"):
        process.serve(web.Application(), "127.0.0.1", 0, print, Limits(), uvloop=True)
