"""The command line: flags over file over defaults, and what cannot be served."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from goroom import __version__, cli
from goroom.web import Server

GAME = "import goroom\nserver = goroom.Server()\n"


@pytest.fixture
def game(tmp_path: Path) -> str:
    file = tmp_path / "cli_game.py"
    file.write_text(GAME)
    return str(file)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the server was run with, instead of running it."""
    served: list[Any] = []

    def run(_: Server, host: str, port: int, *, path: str, static: Path | None) -> None:
        served.append((host, port, path, static))

    monkeypatch.setattr(Server, "run", run)
    monkeypatch.setattr("goroom.logs.configure", lambda _: None)
    return served


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ([], ("localhost", 8080, "/", None)),
        (["--host", "::1", "--port", "0"], ("::1", 0, "/", None)),
        (["-addr", ":9000"], ("0.0.0.0", 9000, "/", None)),  # noqa: S104 -- Go's meaning
        (["--addr", "[::1]:9000"], ("::1", 9000, "/", None)),
        (["-addr", "a:1", "--port", "2"], ("a", 2, "/", None)),
        (["--path", "/ws", "--static", "web"], ("localhost", 8080, "/ws", Path("web"))),
    ],
)
def test_flags_go_over_defaults(
    flags: list[str], expected: object, game: str, served: list[Any]
) -> None:
    assert 0 == cli.main(["serve", game, *flags])
    assert [expected] == served


def test_flags_go_over_the_file_and_the_file_over_defaults(
    game: str, served: list[Any], tmp_path: Path
) -> None:
    file = tmp_path / "config.json"
    file.write_text('{"host":"0.0.0.0","port":9000,"requestPattern":"/ws","other":1}')
    assert 0 == cli.main(["serve", game, "--config", str(file)])
    assert 0 == cli.main(["serve", game, "--config", str(file), "-addr", "b:1", "--path", "/"])

    assert [("0.0.0.0", 9000, "/ws", None), ("b", 1, "/", None)] == served  # noqa: S104 -- the file's


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is no JSON"),
        ('{"port":"x"}', "port"),
        ('{"port":70000}', "0 to 65535"),
        ('{"requestPattern":"x"}', "slash"),
        ("[]", "object"),
    ],
)
def test_a_bad_file_is_named(
    content: str, said: str, game: str, capsys: Any, tmp_path: Path
) -> None:
    file = tmp_path / "config.json"
    file.write_text(content)

    assert 2 == cli.main(["serve", game, "--config", str(file)])
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--config", "nowhere.json"], "cannot read nowhere.json"),
        (["-addr", "9000"], "host:port"),
        (["-addr", "a:b"], "host:port"),
        (["--port", "70000"], "0 to 65535"),
        (["--path", "x"], "slash"),
    ],
)
def test_a_bad_flag_is_named(
    flags: list[str], said: str, game: str, served: list[Any], capsys: Any
) -> None:
    assert 2 == cli.main(["serve", game, *flags])
    assert said in capsys.readouterr().err


def test_a_target_that_is_no_server_with_a_port_is_named(
    served: list[Any], capsys: Any, tmp_path: Path
) -> None:
    core = tmp_path / "cli_core.py"
    core.write_text("from goroom.server import Server\nserver = Server()\n")

    assert 2 == cli.main(["serve", "nowhere.py"])
    assert "no file nowhere.py" in capsys.readouterr().err
    assert 2 == cli.main(["serve", str(core)])
    assert "without a port" in capsys.readouterr().err


def test_a_port_that_cannot_be_listened_on_is_told(
    game: str, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*_: object, **__: object) -> None:
        raise OSError("in use")

    monkeypatch.setattr(Server, "run", run)
    monkeypatch.setattr("goroom.logs.configure", lambda _: None)

    assert 1 == cli.main(["serve", game])
    assert "cannot listen on localhost:8080: in use" in capsys.readouterr().err


def test_the_version_is_told(capsys: Any) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["--version"])

    assert (0, f"goroom {__version__}\n") == (caught.value.code, capsys.readouterr().out)


def test_a_command_is_needed(capsys: Any) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main([])

    assert 2 == caught.value.code
