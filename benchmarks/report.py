"""What is written of a measurement: a table for people, JSON for programs."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from benchmarks.measure import Result, Settings, middle, ratios, value_of
from benchmarks.registry import GOROOM
from benchmarks.scenarios import JOINS, MEMORY


def unit_of(scenario: str) -> tuple[str, float]:
    """Return a scenario's unit, and what its values are multiplied with to be in it."""
    if scenario == MEMORY.name:
        return "KiB", 1 / 1024
    if scenario == JOINS.name:
        return "joins/s", 1
    if "msg/s" in scenario:
        return "ms p99", 1000
    return "k/s", 1 / 1000


def rows_of(results: Sequence[Result]) -> list[dict[str, Any]]:
    """Return one row for each scenario and peer: medians, and goroom's ratios to it."""
    rows = []
    pairs = dict.fromkeys((result.scenario, result.peer) for result in results)
    for scenario, peer in pairs:
        mine = [one for one in results if (one.scenario, one.peer) == (scenario, peer)]
        done = [one.counted for one in mine if one.counted]
        unit, factor = unit_of(scenario)
        value = middle([found for one in mine if (found := value_of(one)) is not None])
        by_clock = ratios(results, scenario, GOROOM.name, peer)
        by_cpu = ratios(results, scenario, GOROOM.name, peer, by_cpu=True)
        rows.append(
            {
                "scenario": scenario,
                "peer": peer,
                "unit": unit,
                "value": None if value is None else value * factor,
                "goroom_is_times": middle(by_clock),
                "goroom_is_times_each": by_clock,
                "goroom_is_times_by_cpu": middle(by_cpu),
                "server_cpu": middle([one.share("server_cpu") for one in done]),
                "load_cpu": middle([one.share("load_cpu") for one in done]),
                "disturbed": middle([one.disturbance for one in done]),
                "errors": [one.error for one in mine if one.error],
                "runs": [_told(one.values) for one in done],
            }
        )
    return rows


def _told(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the JSON keeps of a run: how it joined only where that was measured."""
    is_measured = "measured_seconds" in values
    return {
        name: value
        for name, value in values.items()
        if not (is_measured and name.startswith("join_"))
    }


def table_of(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Return what people read in a terminal."""
    table = Table(
        title="medians; docs/internals/benchmarks.md says how to read it",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    for heading in ("scenario", "server"):
        table.add_column(heading, no_wrap=True)
    for heading in ("", "goroom is", "by CPU", "core", "load", "others"):
        table.add_column(heading, justify="right", no_wrap=True)
    last = ""
    for row in rows:
        is_new = row["scenario"] != last
        if is_new and last:
            table.add_section()
        last = row["scenario"]
        if row["value"] is None:
            table.add_row(last if is_new else "", row["peer"], "[red]failed")
            continue
        table.add_row(
            last if is_new else "",
            row["peer"],
            f"{row['value']:.{digits_of(row['value'])}f} {row['unit']}",
            times(row["goroom_is_times"], row["peer"]),
            times(row["goroom_is_times_by_cpu"], row["peer"]),
            f"{row['server_cpu']:.0%}",
            f"{row['load_cpu']:.0%}",
            f"{row['disturbed']:.0%}",
        )
    return table


def digits_of(value: float) -> int:
    """Return how many digits behind the point are worth printing."""
    return 0 if value >= 100 else 1 if value >= 10 else 2  # noqa: PLR2004 -- three in all


def times(ratio: float | None, peer: str) -> str:
    """Return goroom's ratio to *peer* in words."""
    return "" if ratio is None or peer == GOROOM.name else f"x {ratio:.2f}"


def markdown_of(rows: Sequence[Mapping[str, Any]], peers: Sequence[str] = ()) -> str:
    """Return the table as a page shows it: a row for each scenario, a column for each peer."""
    scenarios = list(dict.fromkeys(row["scenario"] for row in rows))
    measured = dict.fromkeys(row["peer"] for row in rows)
    names = [name for name in measured if name in peers or not peers]
    found = {(row["scenario"], row["peer"]): row["value"] for row in rows}
    lines = ["| | | " + " | ".join(names) + " |", "|---|---" + "|---:" * len(names) + "|"]
    for scenario in scenarios:
        cells = [found.get((scenario, name)) for name in names]
        texts = ["-" if cell is None else f"{cell:.{digits_of(cell)}f}" for cell in cells]
        lines.append(f"| {scenario} | {unit_of(scenario)[0]} | " + " | ".join(texts) + " |")
    return "\n".join(lines) + "\n"


def report_of(
    results: Sequence[Result],
    settings: Settings,
    features: Mapping[str, object],
    sources: Mapping[str, str],
) -> dict[str, Any]:
    """Return everything, for the JSON file."""
    about = {result.peer: result.about for result in results if result.about}
    return {
        "machine": machine(settings),
        "settings": {"repetitions": settings.repetitions, "seconds": settings.measure},
        "features": features,
        "peers": {
            name: {"source": sources[name], "versions": versions}
            for name, versions in about.items()
        },
        "rows": rows_of(results),
    }


def machine(settings: Settings) -> dict[str, object]:
    """Return what the measurement ran on."""
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "pinned": settings.cores,
        "system": platform.platform(),
        "python": platform.python_version(),
        "load_average": os.getloadavg(),
    }


def processor() -> str:
    """Return the processor's name, as far as the platform tells."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in text.splitlines() if "model name" in line]
    return names[0] if names else platform.processor()
