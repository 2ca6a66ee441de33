"""Forms that only our own pages can send: a hidden field, a cookie, and a look at the Origin."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import secrets
from urllib.parse import parse_qsl, urlsplit

from aiohttp import web

KEY_COOKIE = "FormKey"
"""The cookie that belongs to the hidden field."""
FIELD = "form_key"
"""Name of the hidden field."""
FORM_BYTES = 8 * 1024
"""Size of a form: far beyond a name and a password."""
FORM_SECONDS = 10.0
"""How long a form may take to come."""
_FIELDS = 16

_KEY = re.compile(r"[A-Za-z0-9_-]{22}").fullmatch


class Forms:
    """
    Gives out hidden fields, and reads forms that bring one back.

    A form counts if its Origin, where there is one, is this host; if its hidden field was made with
    this secret; and if the field is that of the cookie. Who sends no cookies at all must send an
    Origin. So neither another site's page nor a field that its author was given himself is enough.

    Args:
        path: Where the cookie goes.
        secret: What fields are made with. Those of other servers of the same secret are taken, and
            those from before a restart.
    """

    def __init__(self, path: str, secret: bytes) -> None:
        self._path = path
        self._secret = secret

    def key_of(self, request: web.Request) -> str:
        """Return the key of *request*'s cookie, or a new one where it has none."""
        key = request.cookies.get(KEY_COOKIE, "")
        return key if _KEY(key) else secrets.token_urlsafe(16)

    def field(self, key: str) -> str:
        """Return the hidden field that belongs to *key*."""
        mark = hmac.new(self._secret, key.encode(), hashlib.sha256).hexdigest()
        return f"{key}.{mark}"

    def remember(self, response: web.Response, key: str, *, is_secure: bool) -> None:
        """Set the cookie of *key*."""
        response.set_cookie(
            KEY_COOKIE, key, path=self._path, secure=is_secure, httponly=True, samesite="Strict"
        )

    async def read(self, request: web.Request) -> dict[str, str]:
        """
        Return the fields of the form in *request*, each once.

        Raises:
            web.HTTPForbidden: It was not sent by a page of ours.
            web.HTTPException: It is no form, too large (413), or too slow (408).
        """
        if not _is_same_host(request):
            raise web.HTTPForbidden(text="This form belongs to another site.\n")
        fields = await _fields_of(request)
        given = fields.get(FIELD, "")
        key = given.partition(".")[0]
        is_ours = hmac.compare_digest(given.encode(), self.field(key).encode())
        cookie = request.cookies.get(KEY_COOKIE)
        has_proof = "Origin" in request.headers if cookie is None else cookie == key
        if not (is_ours and has_proof):
            raise web.HTTPForbidden(text="This form is out of date: load the page again.\n")
        return fields


def _is_same_host(request: web.Request) -> bool:
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and parts.netloc.lower() == request.host.lower()


async def _fields_of(request: web.Request) -> dict[str, str]:
    is_form = request.content_type == "application/x-www-form-urlencoded"
    if not is_form or "Content-Encoding" in request.headers:
        raise web.HTTPUnsupportedMediaType(text="Send a form.\n")
    body = bytearray()
    try:
        async with asyncio.timeout(FORM_SECONDS):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > FORM_BYTES:
                    raise web.HTTPRequestEntityTooLarge(
                        FORM_BYTES, len(body), text="This form is too large.\n"
                    )
    except TimeoutError:
        raise web.HTTPRequestTimeout(text="This form took too long.\n") from None
    except (web.RequestPayloadError, ConnectionError):
        raise web.HTTPBadRequest(text="This form has not come whole.\n") from None
    try:
        pairs = parse_qsl(
            body.decode(), keep_blank_values=True, errors="strict", max_num_fields=_FIELDS
        )
    except ValueError:
        raise web.HTTPBadRequest(text="This form cannot be read.\n") from None
    return dict(pairs)
