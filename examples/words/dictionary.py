"""The words that count: the machine's own list of English words where it has one, and ours."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

OURS = Path(__file__).with_name("words.txt")
"""Some thousand common words, one a line."""
SYSTEM = Path("/usr/share/dict/words")
"""What Debian's ``wamerican`` and its like install."""


@cache
def english() -> frozenset[str]:
    """Return all known words, in small letters; read from the disk once."""
    return frozenset(read(OURS)).union(read(SYSTEM) if SYSTEM.is_file() else ())


def read(path: Path) -> Iterable[str]:
    """Return the words of the file at *path*: no names, apostrophes, accents, single letters."""
    words = path.read_text(encoding="utf-8", errors="replace").split()
    return (
        word for word in words if word.isascii() and word.isalpha() and word.islower() and word[1:]
    )
