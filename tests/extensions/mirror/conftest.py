"""What the mirror's tests share: databases of both kinds, and passwords that cost nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import argon2
import pytest
from goroom_extensions.mirror.passwords import Passwords
from goroom_extensions.mirror.store import Store

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.requires("postgres"))]
"""The databases that hold accounts."""

CHEAP = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""The least that argon2 takes."""


@pytest.fixture(params=BOTH)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'accounts.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """Open an empty store."""
    async with Store(database_url) as opened:
        yield opened


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    """Return passwords that cost nothing."""
    made = Passwords(hasher=CHEAP)
    yield made
    made.close()
