"""
A first measure: goroom beside plain aiohttp, in one run, in less than a minute.

Each server has a process and a core of its own, the load has another core. The servers take turns,
and the ratios are taken within each turn, so what else the machine does falls on both.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import select
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from clients import TEXT, LoadError, Member, Room, Server, frame, to_json
from load import Counted, Load, Scenario
from rich import box
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

SCENARIOS = [
    Scenario("room of 100", "hall", rooms=1, members=100, senders=1, window=64),
    Scenario("64 echoing", "echo", rooms=64, members=1, senders=1, window=1),
    Scenario("250 rooms of 4", "table", rooms=250, members=4, senders=4, window=1),
]
NAMES = ["goroom", "aiohttp", "aiohttp-json"]
MOST_SECONDS = 55.0
"""A repetition that would end later is left out: other programs may slow everything down."""
START_SECONDS = 15.0

console = Console(highlight=False)


def main() -> int:
    """Measure, print a table, and return the exit code: 1 where a server made a mistake."""
    options = read_options()
    scenarios = [one for one in SCENARIOS if options.only in one.name]
    cores = two_cores()
    started = time.monotonic()
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(running(name, cores[0])) for name in NAMES]
        if cores[1] is not None:
            os.sched_setaffinity(0, {cores[1]})
        try:
            features = features_of(servers[0])
            console.print("goroom with " + ", ".join(features))
            results = measure_all(servers, scenarios, options, started + MOST_SECONDS)
        except (LoadError, OSError) as error:
            console.print(f"[red]{type(error).__name__}: {error}")
            return 1
    rows = [summary(scenario, results[scenario.name]) for scenario in scenarios]
    console.print(table_of(rows))
    console.print(f"{time.monotonic() - started:.0f} s; nothing lost, repeated or out of order")
    if options.json is not None:
        about = {server.name: server.about for server in servers}
        machine = {"processor": processor(), "cores": os.cpu_count(), "pinned": cores}
        report = {"machine": machine, "servers": about, "features": features, "scenarios": rows}
        options.json.write_text(json.dumps(report, indent=2) + "\n")
    return 0


def read_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=5, metavar="N")
    parser.add_argument("--seconds", type=float, default=0.6, help="of one measurement")
    parser.add_argument("--warm-up", type=float, default=0.15, help="seconds before it")
    parser.add_argument(
        "--only", default="", metavar="TEXT", help="scenarios with TEXT in the name"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    return parser.parse_args()


def two_cores() -> tuple[int | None, int | None]:
    """Return a core for the servers and one for the load, or two times None."""
    if not hasattr(os, "sched_getaffinity"):
        return None, None
    cores = sorted(os.sched_getaffinity(0))
    return (cores[0], cores[1]) if len(cores) > 1 else (None, None)


@contextlib.contextmanager
def running(name: str, core: int | None) -> Iterator[Server]:
    """Run a server in a process of its own, which ends with the block."""
    command = [sys.executable, str(Path(__file__).with_name("servers.py")), name]
    if core is not None:
        command += ["--core", str(core)]
    with subprocess.Popen(  # noqa: S603 -- our own program
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None  # noqa: S101 -- a pipe was asked for
        assert process.stdout is not None  # noqa: S101 -- a pipe was asked for
        try:
            if not select.select([process.stdout], [], [], START_SECONDS)[0]:
                raise LoadError(f"{name} does not start")
            said = json.loads(process.stdout.readline())
            yield Server(name, said["port"], process.pid, said["about"])
        finally:
            process.stdin.close()
            try:
                process.wait(START_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def features_of(server: Server) -> dict[str, Any]:
    """
    Ask goroom to show that what the figures claim to be on is on.

    Raises:
        LoadError: It is not.
    """
    room = Room("hall-0")
    member = Member(server, room, 0)
    accepted = member.wait_for(b"\r\n\r\n")
    member.socket.sendall(server.greeting("somebody", room.name))
    member.wait_for(b'"id":2')

    def ask(number: int, action: str, data: object) -> bytes:
        message = {"eventType": 11, "roomName": room.name, "action": action, "id": number}
        member.socket.sendall(frame(TEXT, to_json({**message, "data": data})))
        return member.wait_for(b'"id":%d' % number)

    refused = ask(3, "say", {"text": 5})
    failed = ask(4, "fail", {})
    said = ask(5, "say", {"text": "x"})
    member.socket.close()
    features = {
        "short frames": b"goroom.json" in accepted,
        "validation": b'"code":21' in refused and b'"field":"text"' in refused,
        "turns": b'"code":26' in failed and b"never" not in failed + said,
        "seq": b'"seq":' in said and b'"action":"said"' in said,
        "heartbeat": server.about["heartbeat_seconds"] is not None,
    }
    if not all(features.values()):
        raise LoadError(f"something is off: {features}")
    return features


def measure_all(
    servers: list[Server], scenarios: list[Scenario], options: argparse.Namespace, end: float
) -> dict[str, list[dict[str, Counted]]]:
    """Return what each repetition of each scenario counted, by the server's name."""
    results: dict[str, list[dict[str, Counted]]] = {scenario.name: [] for scenario in scenarios}
    run, longest = 0, 0.0
    for repetition in range(options.repetitions):
        began = time.monotonic()
        if began + longest > end:
            console.print(f"no time for more than {repetition} repetitions: the machine is busy")
            break
        # Who goes first changes, so that neither always meets the warmer machine.
        order = servers if repetition % 2 == 0 else servers[::-1]
        for scenario in scenarios:
            counted = {}
            for server in order:
                run += 1
                with Load(server, scenario, run) as load:
                    counted[server.name] = load.measure(options.warm_up, options.seconds)
            results[scenario.name].append(counted)
            rates = ", ".join(f"{name} {counted[name].rate / 1000:.0f}" for name in NAMES)
            console.print(f"{repetition + 1}/{options.repetitions} {scenario.name}: {rates} k/s")
        longest = max(longest, time.monotonic() - began)
    return results


def summary(scenario: Scenario, repetitions: list[dict[str, Counted]]) -> dict[str, Any]:
    """Return the figures of one scenario by server: medians, and goroom's ratio to each other."""
    row: dict[str, Any] = {"scenario": scenario.name, "repetitions": len(repetitions)}
    for name in NAMES:
        runs = [counted[name] for counted in repetitions]
        ratios = [counted["goroom"].rate / counted[name].rate for counted in repetitions]
        cpu_ratios = [
            counted["goroom"].rate_per_cpu / counted[name].rate_per_cpu for counted in repetitions
        ]
        row[name] = {
            "thousand_deliveries_per_second": round(median(run.rate for run in runs) / 1000, 1),
            "goroom_is_times": round(median(ratios), 2),
            "goroom_is_times_each": [round(ratio, 2) for ratio in ratios],
            "goroom_is_times_per_cpu_second": round(median(cpu_ratios), 2),
            "server_cpu": round(median(run.server_cpu_seconds / run.seconds for run in runs), 2),
            "load_cpu": round(median(run.load_cpu_seconds / run.seconds for run in runs), 2),
        }
    return row


def table_of(rows: list[dict[str, Any]]) -> Table:
    """Return what people read."""
    table = Table(
        title="thousand deliveries a second, medians; README.md says how to read it",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    for heading in ("scenario", "server"):
        table.add_column(heading, no_wrap=True)
    for heading in ("k/s", "goroom is", "by CPU", "core", "load"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        for name in NAMES:
            one = row[name]
            table.add_row(
                row["scenario"] if name == NAMES[0] else "",
                name,
                f"{one['thousand_deliveries_per_second']:.1f}",
                "" if name == NAMES[0] else f"x {one['goroom_is_times']:.2f}",
                "" if name == NAMES[0] else f"x {one['goroom_is_times_per_cpu_second']:.2f}",
                f"{one['server_cpu']:.0%}",
                f"{one['load_cpu']:.0%}",
                end_section=name == NAMES[-1],
            )
    return table


def processor() -> str:
    """Return the processor's name, as far as the platform tells."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in text.splitlines() if "model name" in line]
    return names[0] if names else platform.processor()


if __name__ == "__main__":
    sys.exit(main())
