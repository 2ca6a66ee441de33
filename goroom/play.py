"""Play: the client in a terminal. Lines that are typed are sent, events are printed."""

from __future__ import annotations

import asyncio
import codecs
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable

import attrs

from goroom import values
from goroom.client import (
    App,
    Away,
    Back,
    Dropped,
    Joined,
    Left,
    Message,
    Missed,
    Removed,
    Reset,
    Resumed,
    Room,
    RoomAdded,
    RoomEvent,
    RoomGone,
    RoomInfo,
    Seated,
    SendLost,
    SendRefused,
    Updated,
    connect,
)
from goroom.errors import ConnectionLost, RequestRefused

COMMANDS = """\
TEXT                    say it
/ACTION [JSON]          send a message of this name: /move {"square": 4}
/request ACTION [JSON]  send it, and print the reply
/members                list who is in the room
/rooms                  list the rooms of the application
/help                   list what can be typed
/quit                   leave, as the end of the input does"""

CHUNK_BYTES = 8192

_JOINERS = "\u200c\u200d"
"""Unprintable, harmless, and needed in Persian and in emoji."""


@attrs.frozen(kw_only=True)
class Options:
    """Where to play, and as whom."""

    url: str
    app: str
    name: str
    room: str | None = None
    """The room to join; None for none, or for any of `kind`."""
    kind: str | None = None
    """What kind of room to make where there is none."""
    action: str = "say"
    """Name of the message that carries text, as ``{"text": ...}``."""


async def play(options: Options, lines: AsyncIterator[str], show: Callable[[str], None]) -> None:
    """
    Log in, join, send *lines*, each when the one before is answered, and log out.

    Args:
        options: Where, and as whom.
        lines: What is typed, `COMMANDS`.
        show: Called with each line to print; all of it can be printed as it is.

    Raises:
        RequestRefused: The server refused the login or the room.
        ConnectionLost: Nothing answers there, or the server ended the login.
        TimeoutError: The login or the join was not answered in time.
    """
    async with connect(options.url, app=options.app, name=options.name) as app:
        try:
            async with asyncio.TaskGroup() as group:
                await _Session(app, options, group, show).run(lines)
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None


async def typed(descriptor: int) -> AsyncIterator[str]:
    """
    Yield the lines of a terminal, pipe or file as they come, without their ends.

    A thread reads, one chunk at a time and only when it is wanted: neither the loop nor the end of
    the program waits for it. What is no UTF-8 is replaced.
    """
    loop = asyncio.get_running_loop()
    chunks: asyncio.Queue[bytes] = asyncio.Queue()
    is_wanted = threading.Semaphore(0)

    def read() -> None:
        chunk = b"..."
        while chunk:
            is_wanted.acquire()
            try:
                chunk = os.read(descriptor, CHUNK_BYTES)
            except OSError:
                chunk = b""  # the terminal is gone
            try:
                loop.call_soon_threadsafe(chunks.put_nowait, chunk)
            except RuntimeError:
                return  # the loop is closed: nobody listens any more

    threading.Thread(target=read, name="goroom typed", daemon=True).start()
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    begun = ""
    while True:
        is_wanted.release()
        chunk = await chunks.get()
        *whole, begun = (begun + decoder.decode(chunk, final=not chunk)).split("\n")
        for line in whole:
            yield line
        if not chunk:
            break
    if begun:
        yield begun


def printable(text: str) -> str:
    """Return *text* with what could steer a terminal, or turn writing around, as escapes."""
    return "".join(
        character if character.isprintable() or character in _JOINERS else ascii(character)[1:-1]
        for character in text
    )


class _Session:
    """One login at a terminal; its tasks are those of *group*."""

    def __init__(
        self, app: App, options: Options, group: asyncio.TaskGroup, show: Callable[[str], None]
    ) -> None:
        self._app = app
        self._options = options
        self._group = group
        self._print = show

    @property
    def _room(self) -> Room | None:
        """Where lines are sent: the room that was joined last; None is the application."""
        return [None, *self._app.joined.values()][-1]

    async def run(self, lines: AsyncIterator[str]) -> None:
        app, room, kind = self._app, self._options.room, self._options.kind
        self._group.create_task(self._watch_app())
        self._show(f"you are {app.user} in {app.name}; /help lists what can be typed")
        for seated in list(app.joined.values()):
            self._enter(seated)
        if kind is not None:
            self._enter(await app.join_or_create(kind, name=room))
        elif room is not None:
            self._enter(await app.join(room))
        async for line in lines:
            if line.strip() == "/quit":
                break
            if line.strip():
                await self._take(line.strip())
        await app.close()

    # -- what is printed ---------------------------------------------------------------------

    def _show(self, line: str) -> None:
        self._print(f"{time.strftime('%H:%M:%S')} {printable(line)}")

    def _enter(self, room: Room) -> None:
        self._show(f"[{room.name}] you are in; members: {_list(_names(room))}")
        self._group.create_task(self._watch_room(room))

    async def _watch_app(self) -> None:
        async for event in self._app:
            if isinstance(event, Seated):
                self._enter(event.room)
            elif not isinstance(event, Reset) or event.room is None:  # its own loop tells of it
                self._show(told(event))

    async def _watch_room(self, room: Room) -> None:
        try:
            async for event in room:
                self._show(f"[{room.name}] {told(event)}")
        except ConnectionLost:
            pass  # the application's loop ends with it, too

    # -- what is typed -----------------------------------------------------------------------

    async def _take(self, line: str) -> None:
        try:
            await self._obey(line)
        except RequestRefused as refused:
            self._show(refusal(refused))
        except (ConnectionLost, TimeoutError):
            self._show("no answer came: whether it has happened is not known")
        except (ValueError, asyncio.QueueFull) as error:
            self._show(f"not sent: {error}")

    async def _obey(self, line: str) -> None:
        command, _, rest = line.partition(" ")
        where = self._room or self._app
        if not command.startswith("/"):
            await where.request(self._options.action, {"text": line})
        elif command == "/help":
            for words in COMMANDS.splitlines():
                self._show(words)
        elif command == "/members":
            self._show("you are in no room" if self._room is None else _list(_names(self._room)))
        elif command == "/rooms":
            for room in await self._app.rooms():
                self._show(_listed(room))
        elif command == "/request":
            action, _, data = rest.strip().partition(" ")
            reply = await where.request(action, _data(data))
            self._show(f"{action} -> {_json(reply)}")
        else:
            await where.request(command[1:], _data(rest))


def told(event: RoomEvent | RoomAdded | RoomGone | Dropped | Resumed) -> str:  # noqa: C901, PLR0912 -- a case for each event
    """Return *event* in words; not fit for a terminal before `printable` has seen it."""
    match event:
        case Message(action, data, sender):
            return f"{sender} {action}{_content(data)}".strip()
        case Joined(name):
            return f"{name} has joined"
        case Left(name, reason, message):
            return f"{name} has left ({_list([reason, message])})"
        case Away(name, seconds):
            return f"{name} is away, for {seconds:.0f} s at most"
        case Back(name):
            return f"{name} is back"
        case Updated(properties, count, capacity, locked):
            is_locked = ", locked" if locked else ""
            return f"{count} of {capacity} are in{is_locked} {_json(dict(properties))}"
        case Removed(reason, message):
            return f"you are out ({_list([reason, message])})"
        case SendRefused(action, error):
            return f"{action} {refusal(error)}".strip()
        case SendLost(action):
            return f"{action} is lost: whether it has happened is not known".strip()
        case Dropped(code, reason):
            return f"the link is lost ({_list([str(code), reason])}), trying to come back"
        case Resumed():
            return "the link is back"
        case Reset(reason):
            return f"what happened meanwhile is not known ({reason})"
        case Missed(count):
            return f"{count} events were missed"
        case RoomAdded(room):
            return f"there is a room {_listed(room)}"
        case RoomGone(name):
            return f"the room {name} is gone"


def refusal(refused: RequestRefused) -> str:
    """Return the server's words, with the field that they are about."""
    field = f" ({refused.field})" if refused.field else ""
    return f"refused: {refused.message or refused.reason}{field}"


def _names(room: Room) -> list[str]:
    return [
        f"{member.name} (away)" if member.is_away else member.name
        for member in room.members.values()
    ]


def _listed(room: RoomInfo) -> str:
    return f"{room.name} ({room.kind}, {room.count} of {room.capacity})"


def _list(words: Iterable[str]) -> str:
    return ", ".join(word for word in words if word)


def _content(data: object) -> str:
    if isinstance(data, dict) and data.keys() == {"text"}:
        return f": {data['text']}"
    return "" if data == {} else f" {_json(data)}"


def _json(value: object) -> str:
    return values.encode(value).decode()


def _data(text: str) -> dict[str, object]:
    """Return the JSON object in *text*, an empty one where there is none."""
    try:
        return values.decode_object(text.strip().encode() or values.EMPTY)
    except ValueError as error:
        raise ValueError(f'write a JSON object, such as {{"square": 4}} ({error})') from None
