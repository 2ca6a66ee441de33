"""What is written of a measurement: medians, ratios within a repetition, and charts."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import pytest

from benchmarks import chart, report
from benchmarks.generator import Counted
from benchmarks.measure import Result, Settings, ratios


def result(peer: str, repetition: int, rate: float, cpu: float = 1.0) -> Result:
    parts = ("server_cpu", "load_cpu", "server_waited", "load_waited", "stolen")
    values = {"deliveries": rate, "measured_seconds": 1.0}
    values |= {f"measured_{part}": 0.0 for part in parts}
    return Result("64 echoing", peer, repetition, Counted({**values, "measured_server_cpu": cpu}))


RESULTS = [
    result("goroom", 0, 3000),
    result("aiohttp", 0, 1000),
    result("goroom", 1, 400, cpu=0.5),
    result("aiohttp", 1, 200),
    result("goroom", 2, 5000),
    Result("64 echoing", "aiohttp", 2, None, error="it <ended> instead"),
]


def test_ratios_are_taken_within_each_repetition() -> None:
    assert [3.0, 2.0] == ratios(RESULTS, "64 echoing", "goroom", "aiohttp")
    assert [3.0, 4.0] == ratios(RESULTS, "64 echoing", "goroom", "aiohttp", by_cpu=True)


def test_the_table_has_medians_and_the_errors() -> None:
    goroom, aiohttp = report.rows_of(RESULTS)

    assert (3.0, "k/s") == (goroom["value"], goroom["unit"])
    assert (0.6, 2.5) == (aiohttp["value"], aiohttp["goroom_is_times"])
    assert ["it <ended> instead"] == aiohttp["errors"]


def test_the_report_can_be_written_as_json() -> None:
    settings = Settings((None, None))

    everything = report.report_of(RESULTS, settings, {"goroom": {"seq": True}}, {})

    assert 2 == len(json.loads(json.dumps(everything))["rows"])


def test_the_markdown_has_a_row_for_each_scenario() -> None:
    rows = report.rows_of(RESULTS)

    assert (
        "| | | goroom | aiohttp |\n|---|---|---:|---:|\n| 64 echoing | k/s | 3.00 | 0.60 |\n"
        == report.markdown_of(rows)
    )
    assert "| | | aiohttp |" == report.markdown_of(rows, ["aiohttp", "ws"]).partition("\n")[0]


@pytest.mark.parametrize(
    "text",
    [
        chart.bars_of(report.rows_of(RESULTS)),
        chart.lines_of({key: [[0, 20.0], [1000, 21.5]] for key in chart.LINES}),
    ],
)
def test_a_chart_is_an_image(text: str) -> None:
    assert "{http://www.w3.org/2000/svg}svg" == ET.fromstring(text).tag  # noqa: S314 -- our own
