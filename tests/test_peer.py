"""Peer: what a connection came with, not to be changed."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from goroom import Peer


def test_a_connection_without_a_request_comes_from_nowhere() -> None:
    peer = Peer()

    assert ("", "/") == (peer.remote, peer.path)
    assert {} == peer.headers == peer.query == peer.cookies


@pytest.mark.parametrize("name", ["remote", "path", "headers", "query", "cookies"])
def test_nothing_of_it_can_be_changed(name: str) -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(Peer(), name, "other")


@pytest.mark.parametrize("name", ["headers", "query", "cookies"])
def test_what_is_not_there_cannot_be_put_there(name: str) -> None:
    nothing: Any = getattr(Peer(), name)

    with pytest.raises(TypeError):
        nothing["key"] = "value"
