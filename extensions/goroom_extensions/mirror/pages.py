"""Pages: the mirror's HTML with its few blanks filled in, its files, the headers of both."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from http import HTTPStatus
from pathlib import Path
from string import Template
from types import MappingProxyType
from typing import TypeVar

from aiohttp import web

R = TypeVar("R", bound=web.StreamResponse)

FOLDER = Path(__file__).with_name("static")
"""The pages and their files."""

HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Content-Security-Policy": (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
            "connect-src 'self' ws: wss:; form-action 'self'; base-uri 'none'; "
            "frame-ancestors 'none'"
        ),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        # Not no-referrer: a form would then go out with the Origin "null".
        "Referrer-Policy": "same-origin",
        "Cache-Control": "no-cache",
    }
)
"""Headers of every answer, unless it has others of these names."""

NO_STORE: Mapping[str, str] = MappingProxyType({"Cache-Control": "no-store"})
"""What is about one person stays in no cache."""

_FILE_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def with_headers(response: R) -> R:
    """Return *response* with the headers of every answer."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


class Pages:
    """
    The pages as they are on disk when this is made.

    Args:
        base: Path that they are under, with slashes at both ends.
    """

    def __init__(self, base: str) -> None:
        self._base = base
        self._templates = {
            path.name: Template(path.read_text("utf-8")) for path in FOLDER.glob("*.html")
        }
        self._files = {path.name: path for path in FOLDER.iterdir() if path.suffix in _FILE_TYPES}

    def render(self, page: str, status: HTTPStatus = HTTPStatus.OK, **texts: str) -> web.Response:
        """Return *page* with *texts*, which become text, never markup, in its blanks."""
        blanks = {name: escape(text) for name, text in {**texts, "base": self._base}.items()}
        return web.Response(
            text=self._templates[page].substitute(blanks),
            status=status,
            content_type="text/html",
            headers=NO_STORE,
        )

    async def send_file(self, request: web.Request) -> web.FileResponse:
        """
        Send a style, a script or a picture.

        Raises:
            web.HTTPNotFound: There is none of this name.
        """
        path = self._files.get(request.match_info["name"])
        if path is None:
            raise web.HTTPNotFound
        kind = f"{_FILE_TYPES[path.suffix]}; charset=utf-8"
        return web.FileResponse(path, headers={"Content-Type": kind})
