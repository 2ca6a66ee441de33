"""Names of users, rooms and messages: normalised, printable, bounded."""

from __future__ import annotations

import unicodedata

from goroom.errors import BadRequest

RESERVED = frozenset({"system", "admin", "server", "goroom"})
"""Names that no user may have: they would be taken for the server's own."""

_FORBIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Control, format (bidi overrides and zero-width marks among them), surrogates, private use,
# unassigned, line and paragraph separators: invisible, or able to change how others read.

_INVISIBLE = frozenset(
    map(
        chr,
        (
            0x034F,  # combining grapheme joiner
            *(0x115F, 0x1160, 0x3164, 0xFFA0),  # fillers of Hangul
            *(0x17B4, 0x17B5),  # Khmer inherent vowels
            *range(0x180B, 0x1810),  # Mongolian variation selectors and vowel separator
            0x2800,  # a Braille cell without dots
            *range(0xFE00, 0xFE10),  # variation selectors
            0x16FE4,  # Khitan filler
            0x1D159,  # a note without a head
            *range(0xE0100, 0xE01F0),  # more variation selectors
        ),
    )
)
# Letters, marks and symbols that show nothing: Default_Ignorable_Code_Point of Unicode, less what
# is forbidden by category, and three that are blank by design.

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
            if unicodedata.category(character) in _FORBIDDEN or character in _INVISIBLE:
                raise BadRequest(f"{field} has a character that does not print", field=field)
    return name


def user_name(name: str, field: str, limit: int) -> str:
    """
    Return *name* as the name of a user.

    Raises:
        BadRequest: It is no name, or reserved.
    """
    name = normalised(name, field, limit)
    read = key(name)
    if read.startswith("_") or read in RESERVED:
        raise BadRequest(f"{field} is reserved: choose another name", field=field)
    return name


def key(name: str) -> str:
    """Return what two names share that people would take for one, in whatever case and width."""
    if name.isascii():
        return name.lower()  # what the rest comes to, there
    # "Compatibility caseless match" (Unicode, section 3.13, D146).
    name = unicodedata.normalize("NFD", name)
    for _ in range(2):
        name = unicodedata.normalize("NFKD", name.casefold())
    return name
