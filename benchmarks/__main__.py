"""
How fast goroom is, beside others.

    python3 dev.py bench                              all of it: servers, scenarios, scale, chart
    python3 dev.py bench --quick                      in under three minutes
    python3 dev.py bench --gate                       against plain aiohttp, as CI does
    python3 dev.py bench --only "room of 100" --peers goroom,aiohttp
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Self

import attrs
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from benchmarks import chart, gate, report, scenarios
from benchmarks.generator import LoadError
from benchmarks.measure import Settings, check_features, measure_all
from benchmarks.registry import PEERS, Peer
from benchmarks.scale import measure_scale, scaled
from benchmarks.scenarios import Scenario
from benchmarks.tools import FOLDER, MissingToolError, open_many_files, program, two_cores

RESULTS = FOLDER / "results"
README_PEERS = [
    "goroom",
    "goroom compiled",
    "aiohttp",
    "aiohttp with JSON",
    "python-socketio",
    "Socket.IO",
    "ws",
    "Colyseus",
]
"""Whom the README shows."""
QUICK_PEERS = ["goroom", "aiohttp", "C one send each"]
QUICK = Settings(two_cores(), repetitions=3, warm=0.2, measure=0.5, tries=1)
GATE = Settings(two_cores(), repetitions=3, warm=0.15, measure=0.3, tries=1)

console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 110)


def main() -> int:
    """Measure, and return the exit code: 1 where a server made a mistake or the gate is shut."""
    options = read_options()
    try:
        open_many_files()
        if options.install:
            return install()
        if options.gate:
            return 0 if gate.check(GATE, console.print) else 1
        return measure(options)
    except (LoadError, MissingToolError) as error:
        console.print(f"[red]{type(error).__name__}: {error}", markup=True)
        return 1


def install() -> int:
    """Install and compile all that a measurement needs."""
    for peer in PEERS:
        console.print(f"{peer.name}: {' '.join(peer.command())}", markup=False)
    console.print(f"load generator: {program('load')}", markup=False)
    return 0


def measure(options: argparse.Namespace) -> int:
    """Measure peers in their scenarios, then how goroom scales, and write what was found."""
    settings = QUICK if options.quick else Settings(two_cores())
    changes = {"repetitions": options.repetitions, "measure": options.seconds}
    settings = attrs.evolve(settings, **{name: value for name, value in changes.items() if value})
    peers, played = chosen_peers(options), chosen_scenarios(options)
    options.output.mkdir(parents=True, exist_ok=True)
    features = check_features(peers, settings)
    runs = [min(one.most_repetitions or 999, settings.repetitions) for one in played]
    with Status(sum(runs) * len(peers)) as status:
        results = measure_all(peers, played, settings, status.say) if not options.scale else []
        wants_scale = options.scale or not (options.quick or options.only or options.peers)
        scale = measure_scale(scaled(settings), status.say) if wants_scale else None
    if scale is not None:
        write(options.output, "scale.json", json.dumps(scale, indent=1) + "\n")
        write(options.output, "scale.svg", chart.lines_of(scale))
    if not results:
        return 0
    rows = report.rows_of(results)
    console.print(report.table_of(rows), soft_wrap=False)
    sources = {peer.name: peer.source for peer in peers}
    everything = report.report_of(results, settings, features, sources)
    write(options.output, "results.json", json.dumps(everything) + "\n")
    write(options.output, "table.md", report.markdown_of(rows))
    write(options.output, "short.md", report.markdown_of(rows, README_PEERS))
    write(options.output, "chart.svg", chart.bars_of(rows))
    return 1 if any(row["errors"] for row in rows) else 0


def write(folder: Path, name: str, text: str) -> None:
    """Write one file of results, and say so."""
    (folder / name).write_text(text)
    console.print(f"written: {folder / name}")


class Status:
    """The progress of a measurement; a context manager."""

    def __init__(self, runs: int) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn(), console=console
        )
        self._task = self._progress.add_task("measuring", total=runs)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def say(self, text: str) -> None:
        """Show what one run has found."""
        self._progress.advance(self._task)
        console.print(text, markup=False)


def chosen_peers(options: argparse.Namespace) -> list[Peer]:
    """Return whom to measure."""
    names = options.peers.split(",") if options.peers else QUICK_PEERS if options.quick else [""]
    names = [name.strip() for name in names]
    return [peer for peer in PEERS if "" in names or peer.name in names]


def chosen_scenarios(options: argparse.Namespace) -> list[Scenario]:
    """Return what to play."""
    played = scenarios.QUICK if options.quick else scenarios.TABLE
    played = [scenario for scenario in played if options.only in scenario.name]
    if options.bytes is None:
        return played
    return [attrs.evolve(scenario, data_bytes=options.bytes) for scenario in played]


def read_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="dev.py bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="few servers, short runs")
    parser.add_argument("--scale", action="store_true", help="only how one process scales")
    parser.add_argument("--install", action="store_true", help="only install what is needed")
    parser.add_argument("--gate", action="store_true", help="fail where goroom became slower")
    parser.add_argument(
        "--only", default="", metavar="TEXT", help="scenarios with TEXT in the name"
    )
    parser.add_argument("--peers", default="", metavar="A,B", help="only these servers")
    parser.add_argument("--bytes", type=int, metavar="N", help="what members say, as JSON")
    parser.add_argument("--repetitions", type=int, metavar="N", help="of every run")
    parser.add_argument("--seconds", type=float, help="that each run counts")
    parser.add_argument(
        "--output",
        type=Path,
        default=RESULTS,
        metavar="FOLDER",
        help="for what is found; a relative one is in the project",
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
