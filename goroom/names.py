"""Names of users, rooms and messages: normalised, printable, bounded."""

from __future__ import annotations

import unicodedata

from goroom.errors import BadRequest

RESERVED = frozenset({"system", "admin", "server", "goroom"})
"""Names that no user may have: they would be taken for the server's own."""

_FORBIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Control, format (bidi overrides and zero-width marks among them), surrogates, private use,
# unassigned, line and paragraph separators: invisible, or able to change how others read.

_COMPOSED = 4
"""Most characters that NFC makes one of."""


def normalised(name: str, field: str, limit: int) -> str:
    """
    Return *name* in NFC without surrounding blanks.

    Args:
        name: As a client gave it.
        field: Its field, for the refusal.
        limit: Most characters.

    Raises:
        BadRequest: It is blank, too long, or has a character that does not print.
    """
    name = name.strip()
    if len(name) <= limit * _COMPOSED:  # sorting the marks of a longer one would take seconds
        name = unicodedata.normalize("NFC", name)
    if not name:
        raise BadRequest(f"{field} must not be blank", field=field)
    if len(name) > limit:
        raise BadRequest(f"{field} is longer than {limit} characters", field=field)
    if not name.isascii() or not name.isprintable():
        for character in name:
            if unicodedata.category(character) in _FORBIDDEN:
                raise BadRequest(f"{field} has a character that does not print", field=field)
    return name


def user_name(name: str, field: str, limit: int) -> str:
    """
    Return *name* as the name of a user.

    Raises:
        BadRequest: It is no name, or reserved.
    """
    name = normalised(name, field, limit)
    if name.startswith("_") or key(name) in RESERVED:
        raise BadRequest(f"{field} is reserved: choose another name", field=field)
    return name


def key(name: str) -> str:
    """Return what two names share that people would take for one."""
    return unicodedata.normalize("NFC", name.casefold())
