"""The command line in this process; tests/protocol/test_programs.py runs it as a program."""

from __future__ import annotations

import asyncio
import errno
import gc
import json
import os
import re
import runpy
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import structlog

import goroom.__main__
import goroom.play
from goroom import ConnectionLost, RequestRefused, Server, __version__, targets, typescript
from goroom.cli import USAGE_ERROR, Config, main
from goroom.play import Options

MODULE = """
import goroom
import goroom.server

server = goroom.Server()
server.add_application("chat")
server.add_application("chess")
portless = goroom.server.Server()
"""

LOOKED_AT = """
import asyncio
import gc

from goroom import ApplicationExtension, Server, User, handles


class Desk(ApplicationExtension):
    @handles("look")
    async def look(self, user: User) -> dict[str, object]:
        loop = type(asyncio.get_running_loop()).__module__
        return {"loop": loop, "thresholds": gc.get_threshold()}


server = Server()
server.add_application("desk", Desk)
"""
LOGIN = {"eventType": 6, "appName": "desk", "data": {"username": "ada"}}


class Runs:
    """What `Server.run` was called with, and what it raises."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, int, str, Path | None]] = []
        self.options: list[dict[str, bool]] = []
        self.error: Exception | None = None

    def run(
        self,
        _: Server,
        host: str,
        port: int,
        *,
        path: str,
        static: Path | None,
        **options: bool,
    ) -> None:
        """Note the call instead of serving."""
        if self.error is not None:
            raise self.error
        self.calls.append((host, port, path, static))
        self.options.append(options)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Runs]:
    """Stand in for `Server.run`; the logs that `main` sets up are set back."""
    before = structlog.get_config()
    noted = Runs()

    def run(server: Server, *arguments: Any, **options: Any) -> None:
        noted.run(server, *arguments, **options)

    monkeypatch.setattr(Server, "run", run)
    yield noted
    structlog.configure(**before)


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a file with a server in it."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    path = tmp_path / f"served_{tmp_path.name}.py"
    path.write_text(MODULE, "utf-8")
    return str(path)


def _config(folder: Path, content: str) -> str:
    path = folder / "server.json"
    path.write_text(content, "utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("flags", "served"),
    [
        ([], ("localhost", 8080, "/", None)),
        (["--host", "::1", "--port", "0"], ("::1", 0, "/", None)),
        (["--path", "/play"], ("localhost", 8080, "/play", None)),
        (["--static", "site"], ("localhost", 8080, "/", Path("site"))),
        (["-addr", "127.0.0.1:99"], ("127.0.0.1", 99, "/", None)),
        (["--addr", ":9218"], ("0.0.0.0", 9218, "/", None)),  # noqa: S104 -- as Go reads it
        (["-addr", "[::1]:99"], ("::1", 99, "/", None)),
        (["-addr", "a:99", "--host", "b", "--port", "1"], ("b", 1, "/", None)),
    ],
)
def test_flags_say_where_to_serve(
    runs: Runs, target: str, flags: list[str], served: tuple[Any, ...]
) -> None:
    assert 0 == main(["serve", target, *flags])
    assert [served] == runs.calls


@pytest.mark.parametrize(
    ("content", "flags", "served"),
    [
        ("{}", [], ("localhost", 8080, "/", None)),
        (
            '{"host": "h", "port": 65535, "requestPattern": "/p"}',
            [],
            ("h", 65535, "/p", None),
        ),
        ('{"host": "h", "port": 1}', ["-addr", "b:2"], ("b", 2, "/", None)),
        ('{"host": "h", "port": 1}', ["--port", "2"], ("h", 2, "/", None)),
        ('{"requestPattern": "/p"}', ["--path", "/q"], ("localhost", 8080, "/q", None)),
    ],
)
def test_flags_go_over_the_file_and_the_file_over_defaults(
    *,
    runs: Runs,
    target: str,
    tmp_path: Path,
    content: str,
    flags: list[str],
    served: tuple[Any, ...],
) -> None:
    assert 0 == main(["serve", target, "--config", _config(tmp_path, content), *flags])
    assert [served] == runs.calls


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "server.json is no JSON:"),
        ("[]", "server.json: Expected `object`"),
        ('{"port": "1"}', "server.json: Expected `int`"),
        ('{"port": 65536}', "server.json: port must be 0 to 65535, not 65536"),
        ('{"requestPattern": "p"}', "server.json: requestPattern must begin with a slash"),
    ],
)
def test_a_bad_file_is_named_and_nothing_served(
    *,
    runs: Runs,
    target: str,
    tmp_path: Path,
    content: str,
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert USAGE_ERROR == main(["serve", target, "--config", _config(tmp_path, content)])
    assert said in capsys.readouterr().err
    assert [] == runs.calls


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--config", "missing.json"], "goroom: cannot read missing.json: No such file"),
        (["-addr", "8080"], "goroom: -addr takes host:port, not '8080'"),
        (["-addr", "host:http"], "goroom: -addr takes host:port, not 'host:http'"),
        (["--port", "-1"], "goroom: port must be 0 to 65535, not -1"),
        (["--path", "play"], "goroom: requestPattern must begin with a slash, unlike 'play'"),
    ],
)
def test_bad_flags_are_named_and_nothing_served(
    runs: Runs, target: str, flags: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert USAGE_ERROR == main(["serve", target, *flags])
    assert capsys.readouterr().err.startswith(said)
    assert [] == runs.calls


@pytest.mark.parametrize(
    ("attribute", "said"),
    [
        ("nothing", "has no 'nothing'"),
        ("portless", "is a server without a port"),
    ],
)
def test_a_target_that_cannot_be_served_is_named(
    runs: Runs, target: str, attribute: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert USAGE_ERROR == main(["serve", f"{target}:{attribute}"])
    assert said in capsys.readouterr().err
    assert [] == runs.calls


def test_an_address_that_is_taken_is_named(
    runs: Runs, target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    runs.error = OSError(errno.EADDRINUSE, "in use")

    assert 1 == main(["serve", target, "--port", "99"])
    assert "goroom: cannot listen on localhost:99:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "options"),
    [
        ([], {"uvloop": False, "tuned_gc": True}),
        (["--uvloop"], {"uvloop": True, "tuned_gc": True}),
        (["--gc", "tuned"], {"uvloop": False, "tuned_gc": True}),
        (["--gc", "python"], {"uvloop": False, "tuned_gc": False}),
    ],
)
def test_flags_choose_the_loop_and_the_collector(
    runs: Runs, target: str, flags: list[str], options: dict[str, bool]
) -> None:
    assert 0 == main(["serve", target, *flags])
    assert [options] == runs.options


def test_a_missing_uvloop_is_told_with_its_remedy(target: str) -> None:
    program = "import sys; sys.modules['uvloop'] = None; import goroom.cli as cli;"
    program += "raise SystemExit(cli.main(['serve', sys.argv[1], '--port', '0', '--uvloop']))"

    done = subprocess.run(
        [sys.executable, "-c", program, target],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
    )

    assert (USAGE_ERROR, "") == (done.returncode, done.stdout)
    assert "goroom: uvloop is not installed: pip install 'goroom[fast]'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("flags", "loop", "is_tuned"),
    [
        ([], "asyncio", True),
        (["--gc", "tuned"], "asyncio", True),
        (["--gc", "python"], "asyncio", False),
        (["--uvloop"], "uvloop", True),
    ],
)
async def test_serve_is_a_process_on_that_loop_with_that_collector(
    *, session: aiohttp.ClientSession, tmp_path: Path, flags: list[str], loop: str, is_tuned: bool
) -> None:
    (tmp_path / "looked_at.py").write_text(LOOKED_AT, "utf-8")
    arguments = ["-m", "goroom", "serve", "looked_at.py", "--port", "0", *flags]
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
    )
    try:
        assert child.stdout is not None
        async with asyncio.timeout(20):
            url = (await child.stdout.readline()).decode().split(" ")[2]
            async with session.ws_connect(url) as ws:
                await ws.send_json(LOGIN)
                await ws.receive()
                await ws.send_json({"eventType": 11, "appName": "desk", "action": "look"})
                seen = (await ws.receive_json())["data"]
            child.terminate()
            code = await child.wait()
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()

    assert (0, loop) == (code, seen["loop"].partition(".")[0])
    assert is_tuned == (seen["thresholds"] > list(gc.get_threshold()))


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])

    assert (0, f"goroom {__version__}\n") == (ended.value.code, capsys.readouterr().out)


def test_python_dash_m_runs_the_same(
    runs: Runs, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["goroom", "serve", target])

    with pytest.raises(SystemExit) as ended:
        runpy.run_path(goroom.__main__.__file__, run_name="__main__")
    assert 0 == ended.value.code
    assert [("localhost", 8080, "/", None)] == runs.calls


def test_the_defaults_are_goroomservers_file() -> None:
    written = json.loads('{"host": "localhost", "port": 8080, "requestPattern": "/"}')

    assert Config(**written) == Config()


def test_types_are_printed(target: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == main(["types", "--ts", target])

    printed = capsys.readouterr().out
    assert typescript.written(targets.load(target).applications, title=target) == printed
    assert "export interface Chess {" in printed


def test_types_of_one_application_are_those_of_it_alone(
    target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 == main(["types", "--ts", "--app", "chat", target])

    printed = capsys.readouterr().out
    assert "export interface Chat {" in printed
    assert "Chess" not in printed


def test_types_are_written_to_a_file(
    target: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "messages.ts"

    assert 0 == main(["types", "--ts", f"{target}:portless", "--output", str(file)])

    assert file.read_text("utf-8").startswith("// The messages of ")
    assert "" == capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--ts", "nowhere.py"], USAGE_ERROR, "goroom: there is no file nowhere.py"),
        (["--ts", "json:loads"], USAGE_ERROR, "goroom: json:loads cannot be called"),
        (["--ts", "json:__name__"], USAGE_ERROR, "json:__name__ is a str, not a goroom.Server"),
        (
            ["--ts", "--app", "go", "TARGET"],
            USAGE_ERROR,
            "has no application 'go': it has chat, chess",
        ),
        (["--ts", "--app", "go", "TARGET:portless"], USAGE_ERROR, "'go': it has none"),
        (["--ts", "--output", "/", "TARGET"], 1, "goroom: cannot write /: Is a directory"),
    ],
)
def test_types_that_cannot_be_written_are_told(
    *,
    target: str,
    arguments: list[str],
    code: int,
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = [argument.replace("TARGET", target) for argument in arguments]

    assert code == main(["types", *given])
    assert said in capsys.readouterr().err


def test_types_ask_for_a_language(target: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["types", target])

    assert USAGE_ERROR == ended.value.code
    assert "--ts" in capsys.readouterr().err


class Plays:
    """What `play` was called with, and what it does instead."""

    def __init__(self) -> None:
        self.options: list[Options] = []
        self.printed: list[str] = []
        self.error: BaseException | None = None

    async def play(
        self, options: Options, lines: AsyncIterator[str], show: Callable[[str], None]
    ) -> None:
        """Note the call, print, and end as told."""
        self.options.append(options)
        for line in self.printed:
            show(line)
        if self.error is not None:
            raise self.error


@pytest.fixture
def plays(monkeypatch: pytest.MonkeyPatch) -> Iterator[Plays]:
    """Stand in for `play`, with an input that has a descriptor."""
    noted = Plays()
    monkeypatch.setattr(goroom.play, "play", noted.play)
    with Path(os.devnull).open() as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        yield noted


def test_play_says_where_and_as_whom(plays: Plays, capsys: pytest.CaptureFixture[str]) -> None:
    plays.printed = ["hello"]
    flags = {"--app": "chat", "--name": "ada", "--room": "hall", "--kind": "k", "--action": "shout"}

    assert 0 == main(["play", "ws://here/", *[word for pair in flags.items() for word in pair]])

    where = Options(url="ws://here/", app="chat", name="ada", room="hall", kind="k", action="shout")
    assert ([where], "hello\n") == (plays.options, capsys.readouterr().out)


def test_play_has_defaults_and_makes_up_a_name(plays: Plays) -> None:
    assert 0 == main(["play", "ws://here/", "--app", "chat"])

    (options,) = plays.options
    assert re.fullmatch(r"guest-\d{4}", options.name)
    assert (None, None, "say") == (options.room, options.kind, options.action)


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (RequestRefused(4, "Not \x1byou"), 1, "goroom: refused: Not \\x1byou\n"),
        (ConnectionLost(4503, "banned"), 1, "goroom: banned (4503)\n"),
        (ConnectionLost(1006), 1, "goroom: the connection is closed (1006)\n"),
        (TimeoutError(), 1, "goroom: no answer came from ws://here/ in time\n"),
        (KeyboardInterrupt(), 0, ""),
    ],
)
def test_the_end_of_play_is_told(
    plays: Plays,
    error: BaseException,
    code: int,
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    plays.error = error

    assert code == main(["play", "ws://here/", "--app", "chat"])
    assert said == capsys.readouterr().err


def test_nobody_has_to_listen_to_play() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    program = "import goroom.cli, goroom.play\nasync def play(o, l, show): show('a')\n"
    program += "goroom.play.play = play\n"
    program += "raise SystemExit(goroom.cli.main(['play', 'ws://here/', '--app', 'chat']))"

    done = subprocess.run(
        [sys.executable, "-c", program],
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=writing,
        stderr=subprocess.PIPE,
        timeout=60,
    )

    os.close(writing)
    assert (1, b"") == (done.returncode, done.stderr)


def test_the_reference_shows_each_command(capsys: pytest.CaptureFixture[str]) -> None:
    page = Path(__file__).parent.parent / "docs/reference/command-line.md"
    with pytest.raises(SystemExit):
        main(["--help"])

    commands = re.findall(r"^    (\w+) ", capsys.readouterr().out, re.MULTILINE)
    assert commands == re.findall(
        r"^```{goroom-help} (\w+)$", page.read_text("utf-8"), re.MULTILINE
    )
