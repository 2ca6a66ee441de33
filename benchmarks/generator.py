"""Runs the load generator (load/*.c), and reads what it has counted."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs

from benchmarks.registry import Peer
from benchmarks.scenarios import Scenario
from benchmarks.tools import pinned, program

MOST_SECONDS = 150.0
"""A run of the generator that takes longer is ended."""

MISTAKES = ("lost", "doubled", "reordered", "strange", "closed")
"""What no server may do, whatever it promises."""


class LoadError(Exception):
    """The server lost, repeated or reordered something, closed, or did not answer in time."""


@attrs.frozen
class Counted:
    """What one run counted; times are seconds, of the time measured or of the joining."""

    values: Mapping[str, Any]

    @property
    def rate(self) -> float:
        """Deliveries a second."""
        return self._per(self.values["deliveries"], "measured_seconds")

    @property
    def rate_per_cpu(self) -> float:
        """Deliveries per second of the server's processor time: nearly blind to other programs."""
        return self._per(self.values["deliveries"], "measured_server_cpu")

    @property
    def joins(self) -> float:
        """Joins a second."""
        return self._per(self.values["joined"], "join_seconds")

    @property
    def joins_per_cpu(self) -> float:
        """Joins per second of the server's processor time."""
        return self._per(self.values["joined"], "join_server_cpu")

    def share(self, what: str) -> float:
        """Return the part of the time measured that *what* took, such as ``server_cpu``."""
        part = "measured" if "measured_seconds" in self.values else "join"
        return self._per(self.values[f"{part}_{what}"], f"{part}_seconds")

    @property
    def disturbance(self) -> float:
        """Part of the time in which somebody else had a core that one of the two wanted."""
        return max(self.share("server_waited"), self.share("load_waited"), self.share("stolen"))

    def _per(self, amount: float, key: str) -> float:
        return amount / self.values[key] if self.values[key] else 0.0


def run(
    peer: Peer,
    port: int,
    pid: int,
    scenario: Scenario,
    *,
    core: int | None,
    warm: float = 0.3,
    measure: float = 1.0,
    at_pause: Callable[[int], None] | None = None,
) -> Counted:
    """
    Play *scenario* at the server that listens on *port* of this machine.

    Args:
        peer: Who listens there.
        port: Where.
        pid: The server's process, whose time is taken.
        scenario: What the clients do.
        core: The generator's core; None for any.
        warm: Seconds of sending that do not count.
        measure: Seconds that do.
        at_pause: Called with the number of members, at each pause and when all have joined.

    Raises:
        LoadError: The server made a mistake.
    """
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "load")
        config.write_text(configuration(peer, port, pid, scenario, warm=warm, measure=measure))
        command = pinned([str(program("load")), str(config)], core)
        with subprocess.Popen(  # noqa: S603 -- our own program
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                said = _talk(process, at_pause or (lambda _: None))
                _, errors = process.communicate(timeout=MOST_SECONDS)
            except BaseException:
                process.kill()
                raise
    if process.returncode or said is None:
        raise LoadError(f"{peer.name}, {scenario.name}: {errors.strip()}")
    _check(peer, scenario, said)
    return Counted(said)


def _talk(process: subprocess.Popen[str], at_pause: Callable[[int], None]) -> dict[str, Any] | None:
    """Answer each pause, and return the last thing that the generator said."""
    assert process.stdout is not None  # noqa: S101 -- a pipe was asked for
    assert process.stdin is not None  # noqa: S101 -- a pipe was asked for
    for line in process.stdout:
        said: dict[str, Any] = json.loads(line)
        if "paused" not in said:
            at_pause(said["joined"])
            return said
        at_pause(said["paused"])
        process.stdin.write("go on\n")
        process.stdin.flush()
    return None


def _check(peer: Peer, scenario: Scenario, said: Mapping[str, Any]) -> None:
    names = [*MISTAKES, "astray"] if peer.keeps_room_order else MISTAKES
    wrong = {name: said[name] for name in names if said.get(name)}
    if wrong:
        raise LoadError(f"{peer.name}, {scenario.name}: {wrong} {said['closed_why']}".rstrip())


def configuration(
    peer: Peer, port: int, pid: int, scenario: Scenario, *, warm: float, measure: float
) -> str:
    """Return what the generator reads: a word and its values a line, bytes in hex."""
    message = peer.message(scenario.data_bytes)
    values: list[tuple[str, object]] = [
        ("port", port),
        ("pid", pid),
        ("rooms", scenario.rooms),
        ("members", scenario.members),
        ("active", scenario.rooms if scenario.active is None else scenario.active),
        ("senders", scenario.senders),
        ("mode", scenario.mode),
        ("window", scenario.window),
        ("rate", scenario.per_second),
        ("at_once", scenario.at_once),
        ("warm", warm),
        ("measure", measure),
        ("opcode", peer.opcode),
        ("message", message.hex()),
        *(("pause", count) for count in scenario.pauses),
        *(("answer", f"{asked.hex()} {answer.hex()}") for asked, answer in peer.answers),
        *((step.kind, step.data.hex()) for step in peer.greeting(port)),
    ]
    if scenario.mode == "churn":
        values += [("loop", ""), *((step.kind, step.data.hex()) for step in peer.leave_and_join)]
    return "".join(f"{word} {value}\n" for word, value in values)
