"""The command line: ``goroom serve``, ``goroom types``, ``goroom play``."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import signal
import sys
import textwrap
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import msgspec

from goroom import __version__, compiled, logs, play, process, targets, typescript
from goroom.errors import ConnectionLost, RequestRefused
from goroom.web import Server

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 -- it has no other name

USAGE_ERROR = 2
"""Exit code for a command line or file that cannot be served (as argparse's own)."""


def version() -> str:
    """Return the version, and whether this goroom is compiled."""
    return f"{__version__} (compiled)" if compiled.IS_COMPILED else __version__


@attrs.frozen
class Config:
    """goroomserver's configuration file, with its defaults."""

    host: str = "localhost"
    port: int = attrs.field(default=8080)
    requestPattern: str = attrs.field(default="/")  # noqa: N815 -- goroomserver's key

    @port.validator
    def _is_port(self, _: object, value: int) -> None:
        if not 0 <= value <= 65535:  # noqa: PLR2004 -- RFC 793
            raise ValueError(f"port must be 0 to 65535, not {value}")

    @requestPattern.validator
    def _is_path(self, _: object, value: str) -> None:
        if not value.startswith("/"):
            raise ValueError(f"requestPattern must begin with a slash, unlike {value!r}")


class ConfigError(Exception):
    """The file or the flags cannot be read; the text says what is wrong."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line *argv* (the process's own by default); return the exit code."""
    arguments = _parser().parse_args(argv)
    try:
        code: int = arguments.run(arguments)
    except (ConfigError, targets.TargetError, process.MissingUvloopError) as error:
        print(f"goroom: {error}", file=sys.stderr)
        return USAGE_ERROR
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="goroom", description="A room server for games and chat.")
    parser.add_argument("--version", action="version", version=f"goroom {version()}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_serve(commands)
    _add_types(commands)
    _add_play(commands)
    return parser


def _add_target(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "target",
        metavar="TARGET",
        help="module:attribute or file.py; the attribute is 'server' unless named, "
        "and a callable is called",
    )


def _add_serve(commands: Commands) -> None:
    serve = commands.add_parser(
        "serve",
        help="serve the applications of a module or file",
        description="Serve until SIGINT or SIGTERM, then stop in an orderly way.",
    )
    serve.set_defaults(run=_serve)
    _add_target(serve)
    serve.add_argument(
        "--config", type=Path, metavar="FILE", help="host, port, requestPattern as JSON"
    )
    serve.add_argument("-addr", "--addr", metavar="HOST:PORT", help="over the file's host and port")
    serve.add_argument("--host", help="over the file's (default: localhost)")
    serve.add_argument(
        "--port", type=int, help="over the file's (default: 8080); 0 for any free one"
    )
    serve.add_argument("--path", help="where WebSockets are taken (default: /)")
    serve.add_argument("--static", type=Path, metavar="FOLDER", help="files to serve beside them")
    serve.add_argument("--log-level", choices=logs.LEVELS, default="info")
    serve.add_argument(
        "--uvloop", action="store_true", help="run on uvloop: pip install 'goroom[fast]'"
    )
    serve.add_argument(
        "--gc",
        choices=("tuned", "python"),
        default="tuned",
        help="garbage collections that stop everybody seldom, or as Python has it (default: tuned)",
    )


def _serve(arguments: argparse.Namespace) -> int:
    config = _config_of(arguments)
    logs.configure(arguments.log_level)
    server = targets.load(arguments.target)
    if not isinstance(server, Server):
        raise targets.TargetError(f"{arguments.target} is a server without a port")
    try:
        server.run(
            config.host,
            config.port,
            path=config.requestPattern,
            static=arguments.static,
            uvloop=arguments.uvloop,
            tuned_gc=arguments.gc == "tuned",
        )
    except OSError as error:
        print(f"goroom: cannot listen on {config.host}:{config.port}: {error}", file=sys.stderr)
        return 1
    return 0


def _add_types(commands: Commands) -> None:
    types = commands.add_parser(
        "types",
        help="print the types of an application's messages",
        description="Print types of the messages that the applications of a server take and send, "
        "for clients: one interface for each application. The classes are imported, nothing is "
        "served.",
    )
    types.set_defaults(run=_types)
    _add_target(types)
    types.add_argument(
        "--ts", action="store_true", required=True, help="as TypeScript, for connect<Types>()"
    )
    types.add_argument("--app", metavar="NAME", help="of this application (default: of each)")
    types.add_argument(
        "--output", type=Path, metavar="FILE", help="write them there instead of printing them"
    )


def _types(arguments: argparse.Namespace) -> int:
    applications = targets.load(arguments.target).applications
    if arguments.app is not None:
        if arguments.app not in applications:
            known = ", ".join(applications) or "none"
            raise targets.TargetError(
                f"{arguments.target} has no application {arguments.app!r}: it has {known}"
            )
        applications = {arguments.app: applications[arguments.app]}
    text = typescript.written(applications, title=arguments.target)
    if arguments.output is None:
        print(text, end="")
        return 0
    try:
        arguments.output.write_text(text, "utf-8")
    except OSError as error:
        print(f"goroom: cannot write {arguments.output}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


def _add_play(commands: Commands) -> None:
    command = commands.add_parser(
        "play",
        help="join a room and talk, in this terminal",
        description="Log in to an application, print what happens and send what is typed.",
        epilog="what can be typed:\n" + textwrap.indent(play.COMMANDS, "  "),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(run=_play)
    command.add_argument("url", metavar="URL", help="such as ws://localhost:8080/")
    command.add_argument("--app", required=True, metavar="NAME", help="the application")
    command.add_argument("--name", help="the user's name (default: guest- and a number)")
    command.add_argument("--room", metavar="NAME", help="the room to join (default: none)")
    command.add_argument(
        "--kind", help="join or make a room of this kind, called as --room says if it does"
    )
    command.add_argument(
        "--action",
        default="say",
        metavar="NAME",
        help="the message that text is sent as (default: say)",
    )


def _play(arguments: argparse.Namespace) -> int:
    logs.configure("warning")
    options = play.Options(
        url=arguments.url,
        app=arguments.app,
        name=arguments.name or f"guest-{secrets.randbelow(10_000):04}",
        room=arguments.room,
        kind=arguments.kind,
        action=arguments.action,
    )
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a program's own

    def show(line: str) -> None:
        print(line, flush=True)

    try:
        asyncio.run(_until_interrupted(play.play(options, play.typed(sys.stdin.fileno()), show)))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 0  # it has logged out by now
    except BrokenPipeError:
        return 1  # nobody reads any more
    except RequestRefused as refused:
        said = play.refusal(refused)
    except ConnectionLost as lost:
        said = f"{lost.reason or 'the connection is closed'} ({lost.code})"
    except TimeoutError:
        said = f"no answer came from {arguments.url} in time"
    else:
        return 0
    print(f"goroom: {play.printable(said)}", file=sys.stderr)
    return 1


async def _until_interrupted(work: Coroutine[Any, Any, None]) -> None:
    """
    Await *work*, which Ctrl+C cancels.

    `asyncio.run` does so too, but where the system gives the signal to the thread that reads what
    is typed, the event loop sleeps on.
    """
    task = asyncio.ensure_future(work)
    with suppress(NotImplementedError):  # Windows has no signals for event loops
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, task.cancel)
    await task


def _config_of(arguments: argparse.Namespace) -> Config:
    """Return flags over file over defaults."""
    config = Config() if arguments.config is None else _read(arguments.config)
    changes: dict[str, Any] = {}
    if arguments.addr is not None:
        host, colon, port = arguments.addr.rpartition(":")
        if not colon or not port.isdecimal():
            raise ConfigError(f"-addr takes host:port, not {arguments.addr!r}")
        changes = {"host": host.strip("[]") or "0.0.0.0", "port": int(port)}  # noqa: S104 -- Go's ":8080"
    for name, value in (
        ("host", arguments.host),
        ("port", arguments.port),
        ("requestPattern", arguments.path),
    ):
        if value is not None:
            changes[name] = value
    try:
        return attrs.evolve(config, **changes)
    except ValueError as error:
        raise ConfigError(str(error)) from None


def _read(path: Path) -> Config:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Config)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from None
    except msgspec.ValidationError as error:
        cause = error.__cause__
        raise ConfigError(f"{path}: {cause or error}") from None
    except msgspec.DecodeError as error:
        raise ConfigError(f"{path} is no JSON: {error}") from None
