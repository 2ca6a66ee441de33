"""A PostgreSQL for the tests: one temporary cluster for a session."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import attrs
import pytest

DEBIANS_FOLDER = Path("/usr/lib/postgresql")
"""Where Debian keeps the programs of each version, most of them outside of PATH."""
SYSTEM_USER = "postgres"
"""Whom Debian's package makes: initdb and the server refuse to run as root."""
START_SECONDS = 60
SHARED = "shared"
"""The database that the tests empty before they use it."""
LINKS = "FROM pg_stat_activity WHERE datname = '{}'"
"""Who is connected to a database."""
FAST = "-c fsync=off -c full_page_writes=off"
"""What a database does not need that outlives no machine."""


@cache
def programs() -> Path | None:
    """Return the folder of the newest PostgreSQL's programs, or None."""
    found = [path.parent for path in DEBIANS_FOLDER.glob("*/bin/initdb")]
    newest = max(found, key=lambda path: float(path.parent.name), default=None)
    on_path = shutil.which("initdb")
    return newest or (Path(on_path).resolve().parent if on_path else None)


def is_root() -> bool:
    """Tell whether this process may do anything."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def bin_folder() -> Path:
    """Return the folder of the programs, which are there."""
    folder = programs()
    assert folder is not None
    return folder


def as_server() -> list[str]:
    """Return what a command begins with that a server's user has to run."""
    return ["runuser", "-u", SYSTEM_USER, "--"] if is_root() else []


def missing_postgres() -> str | None:
    """Return what a test on PostgreSQL lacks, with the remedy, or None."""
    if programs() is None:
        return "postgresql is not installed: apt-get install postgresql"
    if is_root() and shutil.which("runuser") is None:
        return "postgresql does not run as root, and runuser is missing: apt-get install util-linux"
    return None


@attrs.define(eq=False)
class Cluster:
    """A running PostgreSQL, in a folder of its own, on a port of its own."""

    folder: Path
    password: str
    port: int

    def url(self, database: str = "postgres") -> str:
        """Return the URL of a database in it."""
        return f"postgresql://{SYSTEM_USER}:{self.password}@127.0.0.1:{self.port}/{database}"

    def sql(self, command: str, database: str = "postgres") -> str:
        """Run *command* and return what it prints."""
        return self._run("psql", "-X", "-A", "-t", "-q", "-d", self.url(database), "-c", command)

    def create_database(self) -> str:
        """Make an empty database and return its name."""
        name = f"test_{secrets.token_hex(8)}"
        self.sql(f"CREATE DATABASE {name}")
        return name

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 {FAST}"
        self._control("start", "-o", options, "-l", str(self.folder / "log"))

    def stop(self) -> None:
        """Stop the server at once; clients lose their links."""
        self._control("stop", "-m", "immediate")

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Stop the server after the block, and also when this process is killed in it."""
        stop = [str(bin_folder() / "pg_ctl"), "-D", str(self.folder / "data"), "-m", "immediate"]
        watch = 'read -r _; "$@" stop; rm -rf "$0"'  # the pipe ends when its other end dies
        with subprocess.Popen(
            [*as_server(), "sh", "-c", watch, str(self.folder / "data"), *stop],
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # a Ctrl-C is for the tests
        ):
            yield

    def make(self) -> None:
        """Make the folder of an empty cluster."""
        word = self.folder / "password"
        word.write_text(self.password)
        if is_root():
            shutil.chown(self.folder, SYSTEM_USER)
            shutil.chown(word, SYSTEM_USER)
        self._run(
            "initdb",
            f"--pgdata={self.folder / 'data'}",
            f"--username={SYSTEM_USER}",
            f"--pwfile={word}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        )

    def _control(self, *arguments: str) -> None:
        seconds = str(START_SECONDS)
        self._run("pg_ctl", "-w", "-t", seconds, "-D", str(self.folder / "data"), *arguments)

    def _run(self, program: str, *arguments: str) -> str:
        with tempfile.TemporaryFile("w+") as output:
            # A file, for the server keeps what pg_ctl has for output, and a pipe would never end.
            done = subprocess.run(
                [*as_server(), str(bin_folder() / program), *arguments],
                cwd="/",
                env={**os.environ, "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
                timeout=2 * START_SECONDS,
            )
            output.seek(0)
            printed = output.read().strip()
        if done.returncode:
            raise RuntimeError(f"{program} failed: {printed}")
        return printed


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def postgres() -> Generator[Cluster, None, None]:
    """Start a PostgreSQL for the tests of this session, and stop it after them."""
    # Not in pytest's folder: a path to a socket has at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="goroom-pg-", ignore_cleanup_errors=True) as folder:
        cluster = Cluster(Path(folder), secrets.token_hex(16), free_port())
        cluster.make()
        with cluster.guard():
            cluster.start()
            cluster.sql(f"CREATE DATABASE {SHARED}")
            yield cluster


@pytest.fixture
def postgres_url(postgres: Cluster) -> str:
    """Return the URL of a database that is empty: one for all tests, for a new one takes longer."""
    others = f"{LINKS.format(SHARED)} AND pid <> pg_backend_pid()"
    end_others = f"SELECT pg_terminate_backend(pid) {others}"
    postgres.sql(f"{end_others}; DROP SCHEMA public CASCADE; CREATE SCHEMA public", SHARED)
    return postgres.url(SHARED)
