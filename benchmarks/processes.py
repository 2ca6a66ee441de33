"""Runs a server in a process and on a core of its own, and looks at it from outside."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import attrs

from benchmarks.generator import LoadError
from benchmarks.registry import Peer
from benchmarks.tools import pinned

START_SECONDS = 30.0
END_SECONDS = 5.0
MOST_TOLD = 1000
"""Bytes of what a server wrote to its standard error that a `LoadError` repeats."""


@attrs.frozen
class Running:
    """A server that runs."""

    peer: Peer
    port: int
    pid: int
    about: dict[str, Any]
    """What it says about itself: versions, and for goroom its limits."""

    @property
    def resident_bytes(self) -> int:
        """Memory that is its own or shared, as the kernel counts it."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    @property
    def cpu_seconds(self) -> float:
        """Processor time that it has used, all threads together."""
        # The clock of another process, as clock_getcpuclockid(3) of Linux makes its number.
        return time.clock_gettime((~self.pid << 3) | 2)


@contextlib.contextmanager
def running(
    peer: Peer, rooms: int, members: int, core: int | None, arguments: Sequence[str] = ()
) -> Iterator[Running]:
    """
    Run *peer* with rooms for so many, until the block ends.

    Raises:
        LoadError: It does not start.
    """
    command = [*peer.command(), str(rooms), str(members), *arguments]
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(  # noqa: S603 -- our own programs
            pinned(command, core), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
        ) as process,
    ):
        assert process.stdin is not None  # noqa: S101 -- a pipe was asked for
        assert process.stdout is not None  # noqa: S101 -- a pipe was asked for
        try:
            said = json.loads(_first_line(peer, process.stdout))
            yield Running(peer, said["port"], process.pid, said["about"])
        except LoadError as error:
            errors.seek(max(0, errors.seek(0, os.SEEK_END) - MOST_TOLD))
            raise LoadError(f"{error} {errors.read().decode(errors='replace')}".strip()) from None
        finally:
            process.stdin.close()
            try:
                process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _first_line(peer: Peer, output: IO[bytes]) -> bytes:
    if not select.select([output], [], [], START_SECONDS)[0]:
        raise LoadError(f"{peer.name} does not start")
    line = output.readline()
    if not line:
        raise LoadError(f"{peer.name} ended instead of starting")
    return line
