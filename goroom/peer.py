"""Peer: where a connection came from."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import attrs


@attrs.frozen
class Peer:
    """Where a connection came from, as its upgrade request said; read-only."""

    remote: str = ""
    """Address of the client."""
    path: str = "/"
    """Path of the endpoint."""
    headers: Mapping[str, str] = attrs.field(factory=lambda: MappingProxyType({}))
    query: Mapping[str, str] = attrs.field(factory=lambda: MappingProxyType({}))
    cookies: Mapping[str, str] = attrs.field(factory=lambda: MappingProxyType({}))
