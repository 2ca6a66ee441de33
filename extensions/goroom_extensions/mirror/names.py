"""Names of accounts: the rule of goroom's user names, for people who have not logged in yet."""

from __future__ import annotations

import unicodedata

from goroom import BadRequest

NAME_CHARACTERS = 64
"""Most characters of a name."""

_RESERVED = frozenset({"system", "admin", "server", "goroom"})
# They would be taken for the server's own.
_FORBIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Control, format, surrogates, private use, unassigned, line and paragraph separators.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\U00016fe4\U0001d159").union(
    map(chr, (*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)))
)
# Letters, marks and symbols that show nothing.
_COMPOSED = 4
# Most characters that NFC makes one of.


def checked_name(name: str, field: str = "user") -> str:
    """
    Return *name* in NFC without surrounding blanks.

    Args:
        name: As a person gave it.
        field: Its field, for the refusal.

    Raises:
        BadRequest: It is blank, reserved, longer than `NAME_CHARACTERS`, or has a character that
            does not print.
    """
    name = name.strip()
    if len(name) <= NAME_CHARACTERS * _COMPOSED:  # sorting the marks of a longer one takes seconds
        name = unicodedata.normalize("NFC", name)
    if not name:
        raise BadRequest(f"{field} must not be blank", field=field)
    if len(name) > NAME_CHARACTERS:
        raise BadRequest(f"{field} is longer than {NAME_CHARACTERS} characters", field=field)
    for character in name:
        if unicodedata.category(character) in _FORBIDDEN or character in _BLANK:
            raise BadRequest(f"{field} has a character that does not print", field=field)
    key = name_key(name)
    if key.startswith("_") or key in _RESERVED:
        raise BadRequest(f"{field} is reserved: choose another name", field=field)
    return name


def name_key(name: str) -> str:
    """Return what two names share that people would take for one, in whatever case and width."""
    # "Compatibility caseless match" (Unicode, section 3.13, D146).
    name = unicodedata.normalize("NFD", name)
    for _ in range(2):
        name = unicodedata.normalize("NFKD", name.casefold())
    return name
