"""Draws what was measured, as SVG without any library."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any
from xml.sax.saxutils import escape

import attrs

from benchmarks.registry import GOROOM
from benchmarks.report import digits_of, unit_of

WIDTH = 860
CUT = 6
"""A bar longer than so many times the median is cut: it would hide all others."""
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #24292f; }
.title { font-weight: 600; font-size: 13px; }
.bar { fill: #a5adb6; } .ours { fill: #0b7285; }
.axis { stroke: #a5adb6; } .line { stroke: #0b7285; fill: none; stroke-width: 2; }
.dot { fill: #0b7285; } .low { fill: #6e7781; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; } .bar { fill: #57606a; } .ours, .dot { fill: #3bc9db; }
  .line { stroke: #3bc9db; } .low { fill: #8b949e; }
}
"""


@attrs.frozen
class Place:
    """Where a part of a chart is."""

    left: float
    top: float
    width: float
    height: float
    """Of a row, where it has several."""


def bars_of(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the chart of all peers: a panel for each scenario, goroom in colour."""
    scenarios = list(dict.fromkeys(row["scenario"] for row in rows))
    peers = list(dict.fromkeys(row["peer"] for row in rows))
    values = {(row["scenario"], row["peer"]): row["value"] for row in rows}
    panel_width, row_height = WIDTH / 2, 17
    panel_height = row_height * len(peers) + 44
    parts = []
    for number, scenario in enumerate(scenarios):
        left, top = number % 2 * panel_width, number // 2 * panel_height
        place = Place(left, top + 20, panel_width, row_height)
        parts.append(_panel(scenario, peers, values, place))
    height = math.ceil(len(scenarios) / 2) * panel_height
    return _svg(WIDTH, height, "goroom beside other servers", parts)


def _panel(
    scenario: str,
    peers: Sequence[str],
    values: Mapping[tuple[str, str], float | None],
    place: Place,
) -> str:
    left, top, width, height = attrs.astuple(place)
    unit, _ = unit_of(scenario)
    note = "less is better" if unit in {"KiB", "ms p99"} else "more is better"
    found = [value for peer in peers if (value := values.get((scenario, peer)))] or [1.0]
    most = min(max(found), CUT * median(found))
    parts = [
        _text(left + 8, top, scenario, "title"),
        _text(left + width - 12, top, f"{unit}, {note}", "low", "end"),
    ]
    for number, peer in enumerate(peers):
        value = values.get((scenario, peer))
        y = top + 10 + number * height
        middle = y + height * 0.68
        parts.append(_text(left + 8, middle, peer))
        if value is None:
            parts.append(_text(left + 132, middle, "-", "low"))
            continue
        length = min(1.0, value / most) * (width - 210)
        kind = "ours" if peer.startswith(GOROOM.name) else "bar"
        size = f'width="{max(1, length):.1f}" height="{height - 4}"'
        parts.append(f'<rect class="{kind}" x="{left + 130}" y="{y + 2:.1f}" {size} rx="2"/>')
        arrow = "\u2192 " if value > most else ""
        text = f"{arrow}{value:.{digits_of(value)}f}"
        parts.append(_text(left + 136 + length, middle, text))
    return "\n".join(parts)


LINES = {
    "message_while_rooms_grow": ("a message, while rooms grow", "rooms"),
    "message_while_idle_users_grow": ("a message, while idle users grow", "idle users"),
    "leave_and_join_while_idle_users_grow": ("leaving and joining", "idle users"),
}


def lines_of(scale: Mapping[str, Any]) -> str:
    """Return the charts of costs that should not grow."""
    width, height = WIDTH / len(LINES), 220
    parts = [
        _line(title, axis, scale[key], Place(number * width, 0, width, height))
        for number, (key, (title, axis)) in enumerate(LINES.items())
    ]
    return _svg(WIDTH, height, "cost in one process of goroom", parts)


def _line(title: str, axis: str, points: Sequence[Sequence[float]], place: Place) -> str:
    left, _, width, height = attrs.astuple(place)
    most = max(cost for _, cost in points) * 1.25
    bottom, inner, start = height - 44, width - 70, left + 44
    step = inner / max(1, len(points) - 1)
    places = [
        (start + number * step, bottom - cost / most * (bottom - 40))
        for number, (_, cost) in enumerate(points)
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    parts = [
        _text(left + 8, 18, title, "title"),
        _text(left + 8, 34, "us of processor time", "low"),
        f'<path class="axis" d="M{start} {bottom}H{start + inner}"/>',
        _text(start + inner / 2, height - 8, axis, "low", "middle"),
        f'<polyline class="line" points="{line}"/>',
    ]
    for (x, y), (size, cost) in zip(places, points, strict=True):
        parts.append(f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="3"/>')
        parts.append(_text(x, y - 8, f"{cost:.0f}", anchor="middle"))
        parts.append(_text(x, bottom + 16, f"{size:g}", "low", "middle"))
    return "\n".join(parts)


def _text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    style = f'class="{kind}" text-anchor="{anchor}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(words)}</text>'


def _svg(width: float, height: float, title: str, parts: Sequence[str]) -> str:
    size = f'width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" '
        f'aria-label="{escape(title)}"><title>{escape(title)}</title><style>{STYLE}</style>'
        + "\n".join(parts)
        + "</svg>\n"
    )
