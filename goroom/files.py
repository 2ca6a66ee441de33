"""Files over HTTP: the browser client, an author's pages; their headers and compression."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from goroom.pages import PAGE_HEADERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp.typedefs import Handler

CLIENT_SCRIPT = Path(__file__).with_name("static") / "goroom.js"
"""The browser client."""

BODILESS_IF = frozenset(
    {"if-none-match", "if-modified-since", "if-match", "if-unmodified-since", "range"}
)
"""Headers of requests that may be answered without a body, or with a part of it (RFC 9110)."""


def answer(
    request: web.Request, path: Path, headers: Mapping[str, str] = PAGE_HEADERS
) -> web.FileResponse:
    """Return the file at *path* with *headers* and those of every page, compressed if it may be."""
    response = web.FileResponse(path, headers={**PAGE_HEADERS, **headers})
    _compress(request, response)
    return response


async def send(path: Path, request: web.Request) -> web.StreamResponse:
    """Answer *request* with the file at *path*."""
    return answer(request, path)


async def send_client_script(request: web.Request) -> web.StreamResponse:
    """Answer *request* with the browser client."""
    # RFC 9239 section 6: not what Python 3.11 knows.
    return answer(request, CLIENT_SCRIPT, {"Content-Type": "text/javascript; charset=utf-8"})


async def send_nothing(_: web.Request) -> web.Response:
    """Answer that there is nothing, and that this is no mistake."""
    return web.Response(status=HTTPStatus.NO_CONTENT)


def serve_folder(app: web.Application, folder: Path) -> None:
    """Serve what is in *folder* under ``/``, with the headers of every page."""
    app.middlewares.append(_compress_files)
    app.on_response_prepare.append(_add_page_headers)
    app.router.add_static("/", folder)


def _compress(request: web.Request, response: web.FileResponse) -> None:
    # Where the answer may be without a body (304, HEAD), aiohttp 3.14 ends the compressed stream
    # all the same, and those bytes spoil the connection's next answer.
    if request.method == "GET" and not BODILESS_IF.intersection(map(str.lower, request.headers)):
        response.enable_compression()


@web.middleware
async def _compress_files(request: web.Request, handler: Handler) -> web.StreamResponse:
    response = await handler(request)
    if isinstance(response, web.FileResponse):
        _compress(request, response)
    return response


async def _add_page_headers(_: web.Request, response: web.StreamResponse) -> None:
    if not isinstance(response, web.WebSocketResponse):
        for name, value in PAGE_HEADERS.items():
            response.headers.setdefault(name, value)
