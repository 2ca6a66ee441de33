"""What a plain GET on an endpoint answers: a page that helps."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; connect-src 'self' ws: wss:",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
"""Headers of every page and file that goroom serves itself."""


def helpful_text(applications: Iterable[str], path: str, script: str) -> str:
    """Return what a program that asks without an upgrade is told."""
    names = ", ".join(applications) or "none"
    return (
        f"This is a goroom endpoint: connect a WebSocket to {path}\n"
        f"Applications: {names}\n"
        'First frame: {"eventType": 6, "appName": "<application>", "data": {"username": "<you>"}}\n'
        "Subprotocols: goroom.json, goroom.msgpack, or none for goroomserver's full form.\n"
        f"Browser client: {script}\n"
    )


def helpful_page(applications: Iterable[str], script: str) -> str:
    """Return the same for a person, as HTML without scripts or styles of another host."""
    items = "".join(f"<li>{escape(name)}</li>" for name in applications) or "<li>none yet</li>"
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>goroom</title>
<h1>A goroom server is running here</h1>
<p>This address takes WebSockets. Its applications:</p>
<ul>{items}</ul>
<p>From a page of this host:</p>
<pre>import {{ connect }} from '{escape(script)}'
const app = await connect(location.href.replace(/^http/, 'ws'),
                          {{ app: '…', name: 'ada' }})</pre>
</html>
"""
