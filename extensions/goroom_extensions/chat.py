"""Talk in a room: ``say``, ``said`` and what was said before. A base for rooms of any kind."""

from __future__ import annotations

import unicodedata
from collections import deque
from collections.abc import Mapping
from typing import Any, ClassVar, Generic

import attrs
from typing_extensions import TypeVar

from goroom import BadRequest, Room, RoomExtension, User, handles

S = TypeVar("S", default=None)
"""Type of the room's state."""

_DROPPED = frozenset({"Cc", "Cs", "Co", "Cn"})
# Control, surrogates, private use, unassigned: nothing of it is text.
_DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# They turn what stands around them on other people's screens. Other format characters stay:
# Persian and family emoji need theirs.


@attrs.frozen
class Say:
    """What a client sends to say something."""

    text: str


@attrs.frozen
class Said:
    """What its sender said."""

    text: str


@attrs.frozen
class Line:
    """What somebody said."""

    sender: str
    text: str


@attrs.frozen
class History:
    """What was said before."""

    lines: list[Line]
    """Oldest first."""


class Talk(RoomExtension[S], Generic[S]):
    """
    A room whose members can talk, alone or beside a game: ``class Chess(Talk[Board])``.

    ``say`` {"text"} is cleaned (`cleaned`) and goes to everybody as ``said`` {"text"} with its
    sender; the reply is the acknowledgement. A newcomer gets ``history`` {"lines": [{"sender",
    "text"}]}, oldest first, empty where nobody has said anything. The history ends with the room.

    A subclass with an ``on_join`` of its own calls this one.
    """

    text_characters: ClassVar[int] = 500
    """Length of what can be said at once; more is refused (21)."""
    history_lines: ClassVar[int] = 50
    """How much a newcomer is told; 0 for nothing."""

    sends: ClassVar[Mapping[str, Any]] = {"said": Said, "history": History}

    def __init__(self, room: Room) -> None:
        super().__init__(room)
        self.lines: deque[Line] = deque(maxlen=self.history_lines)
        """What was said last, oldest first."""

    def on_join(self, user: User) -> None:
        """Tell *user* what was said before."""
        user.send("history", History(list(self.lines)))

    @handles("say", Say)
    def say(self, user: User, message: Say) -> None:
        """
        Tell everybody what *user* says.

        Raises:
            BadRequest: Nothing is left of it, or it is too long.
        """
        text = cleaned(message.text)
        if not text:
            raise BadRequest("There is nothing to say.", field="text")
        if len(text) > self.text_characters:
            raise BadRequest(f"Say at most {self.text_characters} characters.", field="text")
        self.lines.append(Line(user.name, text))
        self.room.broadcast("said", Said(text), sender=user)


def cleaned(text: str) -> str:
    """
    Return *text* as people may see it: NFC, stripped, lines ended by a newline.

    Other control characters are taken out, and so are marks that change the direction of writing;
    a tab becomes a space.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    kept = (
        character
        for character in unicodedata.normalize("NFC", text)
        if character == "\n"
        or (unicodedata.category(character) not in _DROPPED and character not in _DIRECTIONS)
    )
    return "".join(kept).strip()
