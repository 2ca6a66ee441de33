"""Which pages may open a socket here: the Origin check (RFC 6454, RFC 6455 section 10.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""Names of this machine: programs ask for one and name another in their Origin."""

_DEFAULT_PORTS = {"http": 80, "https": 443}
ANY = "*"
"""As an allowed origin: every page may. Only for endpoints without cookies."""


SAME_HOST = "self"
"""As an allowed origin: pages of the same host, beside others (Content-Security-Policy's word)."""


class OriginCheck:
    """
    Browsers do not apply CORS to WebSockets, so the server must look at the Origin itself.

    Args:
        allowed: Exact origins, such as ``https://play.example``, and ``self`` for the same host;
            None for the same host only.
        uses_cookies: Whether a cookie logs in here: then a request that brings cookies is refused
            without Origin, and nothing is forgiven it. One without cookies is nobody's yet.

    Raises:
        ValueError: One of *allowed* is no origin, or all are allowed where a cookie logs in.
    """

    def __init__(self, allowed: Iterable[str] | None = None, *, uses_cookies: bool = False) -> None:
        self._uses_cookies = uses_cookies
        self._any = False
        self._same_host = False
        self._allowed: set[tuple[str, str, int]] = set()
        for origin in (SAME_HOST,) if allowed is None else allowed:
            if origin == SAME_HOST:
                self._same_host = True
                continue
            if origin == ANY:
                if uses_cookies:
                    raise ValueError(
                        'any page could log in with a visitor\'s cookie: list origins, not "*"'
                    )
                self._any = True
                continue
            parsed = _parsed(origin)
            if parsed is None:
                raise ValueError(
                    f"{origin!r} is no origin: write scheme://host or scheme://host:port"
                )
            self._allowed.add(parsed)

    def allows(self, origin: str | None, host: str, *, has_cookies: bool = True) -> bool:
        """
        Tell whether a page of *origin* may open a socket.

        Args:
            origin: The Origin header, or None where a program that is no browser sends none.
            host: The Host header.
            has_cookies: Whether the request brings cookies.
        """
        is_strict = self._uses_cookies and has_cookies
        if origin is None:
            return not is_strict
        if self._any:
            return True
        parsed = _parsed(origin)
        is_careless = parsed is None and not is_strict  # no browser writes it so
        if is_careless:
            parsed = _parsed_leniently(origin)
        if parsed is None:
            return False
        if parsed in self._allowed:
            return True
        asked = _host_and_port(host, parsed[0])
        if not self._same_host or asked is None:
            return False
        if is_careless and {parsed[1], asked[0]} <= _LOOPBACK:
            return parsed[2] == asked[1]
        return parsed[1:] == asked


def _parsed(origin: str) -> tuple[str, str, int] | None:
    """Return scheme, host and port of an origin written exactly, else None."""
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return None
    name = parts.hostname
    if parts.scheme not in _DEFAULT_PORTS or not name:
        return None
    default = _DEFAULT_PORTS[parts.scheme]
    host = f"[{name}]" if ":" in name else name
    # Browsers write an origin in one form only (RFC 6454 section 6.2): any other is a trick.
    if origin != (f"{parts.scheme}://{host}" + ("" if port in {None, default} else f":{port}")):
        return None
    return parts.scheme, name, default if port is None else port


def _parsed_leniently(origin: str) -> tuple[str, str, int] | None:
    """Forgive a missing scheme and a trailing slash: old clients write ``localhost:9218``."""
    origin = origin.removesuffix("/")
    return _parsed(origin if "://" in origin else f"http://{origin.removesuffix(':80')}")


def _host_and_port(host: str, scheme: str) -> tuple[str, int] | None:
    default = _DEFAULT_PORTS[scheme]
    parsed = _parsed(f"{scheme}://{host.lower().removesuffix(f':{default}')}")
    return None if parsed is None else parsed[1:]
