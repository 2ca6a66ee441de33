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

import attrs
from rich.console import Console

from benchmarks import report, scenarios
from benchmarks.generator import LoadError
from benchmarks.measure import Settings, check_features, measure_all
from benchmarks.registry import PEERS, Peer
from benchmarks.scenarios import Scenario
from benchmarks.tools import FOLDER, MissingToolError, open_many_files, two_cores

RESULTS = FOLDER / "results"
QUICK_PEERS = ["goroom", "aiohttp", "C one send each"]
QUICK = Settings(two_cores(), repetitions=3, warm=0.2, measure=0.5, tries=2)

console = Console(highlight=False, soft_wrap=True)


def main() -> int:
    """Measure, and return the exit code: 1 where a server made a mistake or the gate is shut."""
    options = read_options()
    try:
        open_many_files()
        return measure(options)
    except (LoadError, MissingToolError) as error:
        console.print(f"[red]{type(error).__name__}: {error}", markup=True)
        return 1


def measure(options: argparse.Namespace) -> int:
    """Measure peers in their scenarios, and write what was found."""
    settings = QUICK if options.quick else Settings(two_cores())
    changes = {"repetitions": options.repetitions, "measure": options.seconds}
    settings = attrs.evolve(settings, **{name: value for name, value in changes.items() if value})
    peers, played = chosen_peers(options), chosen_scenarios(options)
    features = check_features(peers, settings)
    with console.status("measuring") as status:

        def say(text: str) -> None:
            status.update(text)
            console.print(text, markup=False)

        results = measure_all(peers, played, settings, say)
    rows = report.rows_of(results)
    console.print(report.table_of(rows))
    sources = {peer.name: peer.source for peer in peers}
    everything = report.report_of(results, settings, features, sources)
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "results.json").write_text(json.dumps(everything, indent=1) + "\n")
    (options.output / "table.md").write_text(report.markdown_of(rows))
    console.print(f"written: {options.output}/results.json, table.md")
    return 1 if any(row["errors"] for row in rows) else 0


def chosen_peers(options: argparse.Namespace) -> list[Peer]:
    """Return whom to measure."""
    names = options.peers.split(",") if options.peers else QUICK_PEERS if options.quick else [""]
    names = [name.strip() for name in names]
    return [peer for peer in PEERS if "" in names or peer.name in names]


def chosen_scenarios(options: argparse.Namespace) -> list[Scenario]:
    """Return what to play."""
    played = scenarios.QUICK if options.quick else scenarios.TABLE
    return [scenario for scenario in played if options.only in scenario.name]


def read_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="dev.py bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="few servers, short runs")
    parser.add_argument(
        "--only", default="", metavar="TEXT", help="scenarios with TEXT in the name"
    )
    parser.add_argument("--peers", default="", metavar="A,B", help="only these servers")
    parser.add_argument("--repetitions", type=int, metavar="N", help="of every run")
    parser.add_argument("--seconds", type=float, help="that each run counts")
    parser.add_argument("--output", type=Path, default=RESULTS, metavar="FOLDER")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
