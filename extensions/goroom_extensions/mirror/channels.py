"""Channels: who may hear and write in one, its rooms, its history, and the order of the two."""

from __future__ import annotations

import asyncio
import re
from contextvars import Context
from typing import TYPE_CHECKING

import msgspec
import structlog

from goroom import Application, Refused, RoomExtension, User
from goroom_extensions.mirror.dialect import Frame
from goroom_extensions.mirror.locks import Locks

if TYPE_CHECKING:
    from goroom_extensions.mirror.store import Account, Message, Store

log = structlog.get_logger()

HISTORY = 100
"""Most messages that a subscriber is told from before."""
VALUE_BYTES = 8 * 1024
"""Size of one message, in UTF-8: a whole history fits into an outbox."""
SUBSCRIPTIONS = 200
"""Most channels that one socket hears."""

_ID = r"[A-Za-z0-9_-]{22}"
_PUBLIC = re.compile(_ID).fullmatch
_DIRECT = re.compile(rf"({_ID})\.({_ID})").fullmatch


class _Channel(RoomExtension):
    max_users = 10_000
    hidden = True
    locked = True  # for goroom's own clients: `Channels` alone decides who hears
    announce_members = False


class PublicChannel(_Channel):
    """Who hears the public channel of an account."""


class DirectChannel(_Channel):
    """Who hears what two accounts say to each other."""


KINDS: dict[str, type[RoomExtension]] = {"public": PublicChannel, "direct": DirectChannel}
"""The kinds of rooms; a room's name is the channel's."""


def pair_of(channel: str) -> tuple[str, str] | None:
    """Return the two UserIds of a direct channel; None where it is none."""
    found = _DIRECT(channel)
    return None if found is None else (found[1], found[2])


def frame_of(message: Message) -> Frame:
    """Return what subscribers are told of *message*."""
    author = message.author
    value = {
        "value": message.value,
        "userId": author.id,
        "username": author.name,
        "channel": author.channel_id,
    }
    text = msgspec.json.encode(value).decode()
    return Frame(text, user_id=author.id, channel=message.channel)


class Channels:
    """
    The channels of one application: rooms while somebody hears them, histories for ever.

    What happens in one channel happens one thing at a time, so that a history and the live messages
    behind it are what was written, in order, each message once.
    """

    def __init__(self, application: Application, store: Store) -> None:
        self._application = application
        self._store = store
        self._locks = Locks()
        self._publishing: set[asyncio.Task[None]] = set()

    async def kind(self, channel: str, account: Account) -> str:
        """
        Return what kind of channel *channel* is to *account*.

        Raises:
            Refused: It is none, or not one of this account.
        """
        pair = pair_of(channel)
        if pair is None:
            if _PUBLIC(channel) is None or not await self._is_public(channel):
                raise Refused
            return "public"
        if account.id not in pair:
            raise Refused
        other = pair[1] if pair[0] == account.id else pair[0]
        if channel not in self._application.rooms and await self._store.by_id(other) is None:
            raise Refused
        return "direct"

    async def _is_public(self, channel: str) -> bool:
        if channel in self._application.rooms:
            return True
        return await self._store.by_channel(channel) is not None

    async def join(self, user: User, channel: str, kind: str) -> None:
        """
        Have the socket *user* hear *channel* from now on; it may hear it already.

        Raises:
            Refused: It, or the server, hears enough channels.
        """
        async with self._locks(channel):
            await self._join(user, channel, kind)

    async def subscribe(self, user: User, channel: str, kind: str) -> list[Frame]:
        """
        Have the socket *user* hear *channel*, and return what was written before.

        What the caller sends before it awaits anything comes before all that is written from now
        on.

        Raises:
            Refused: It, or the server, hears enough channels.
        """
        async with self._locks(channel):
            await self._join(user, channel, kind)
            return [frame_of(one) for one in await self._store.history(channel, HISTORY)]

    async def _join(self, user: User, channel: str, kind: str) -> None:
        if channel in user.rooms:
            return
        if len(user.rooms) >= SUBSCRIPTIONS:
            raise Refused(f"one socket hears {SUBSCRIPTIONS} channels at most")
        await self._application.rooms.join(user, channel, kind)

    async def publish(self, account: Account, channel: str, value: str) -> None:
        """
        Keep what *account* writes, and tell all who hear *channel*.

        Both happen or neither, whatever becomes of the turn that asks for it.

        Raises:
            Refused: It is too long.
        """
        if len(value.encode()) > VALUE_BYTES:
            raise Refused(f"a message has {VALUE_BYTES} bytes at most")
        # In no turn: one that runs out of time would have it kept and told to nobody.
        work = self._publish(account, channel, value)
        task = asyncio.get_running_loop().create_task(work, context=Context())
        self._publishing.add(task)
        task.add_done_callback(self._published)
        await asyncio.shield(task)

    async def _publish(self, account: Account, channel: str, value: str) -> None:
        async with self._locks(channel):
            message = await self._store.add_message(channel, account, value)
            room = self._application.rooms.get(channel)
            if room is not None:
                room.broadcast("channel.message", frame_of(message))

    def _published(self, task: asyncio.Task[None]) -> None:
        self._publishing.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.debug("publish_failed", error=str(task.exception()))
