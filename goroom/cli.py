"""The command line: ``goroom serve TARGET``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import msgspec

from goroom import __version__, logs, targets
from goroom.web import Server

if TYPE_CHECKING:
    from collections.abc import Sequence

USAGE_ERROR = 2
"""Exit code for a command line or file that cannot be served (as argparse's own)."""


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
        config = _config_of(arguments)
        logs.configure(arguments.log_level)
        server = targets.load(arguments.target)
    except (ConfigError, targets.TargetError) as error:
        print(f"goroom: {error}", file=sys.stderr)
        return USAGE_ERROR
    if not isinstance(server, Server):
        print(f"goroom: {arguments.target} is a server without a port", file=sys.stderr)
        return USAGE_ERROR
    try:
        server.run(config.host, config.port, path=config.requestPattern, static=arguments.static)
    except OSError as error:
        print(f"goroom: cannot listen on {config.host}:{config.port}: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="goroom", description="A room server for games and chat.")
    parser.add_argument("--version", action="version", version=f"goroom {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    serve = commands.add_parser(
        "serve",
        help="serve the applications of a module or file",
        description="Serve until SIGINT or SIGTERM, then stop in an orderly way.",
    )
    serve.add_argument(
        "target",
        metavar="TARGET",
        help="module:attribute or file.py; the attribute is 'server' unless named, "
        "and a callable is called",
    )
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
    return parser


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
