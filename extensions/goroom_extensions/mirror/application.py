"""Mirror: sockets, the accounts that they are bound to, direct messages, subscriptions."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar
from uuid import UUID

import structlog

from goroom import (
    ApplicationExtension,
    Connection,
    LeaveReason,
    NotAllowed,
    NotInRoom,
    Refused,
    RoomNotFound,
    User,
    handles,
)
from goroom_extensions.mirror.channels import Channels, pair_of
from goroom_extensions.mirror.dialect import Frame, MirrorDialect
from goroom_extensions.mirror.locks import Locks
from goroom_extensions.mirror.store import StoreFailed

if TYPE_CHECKING:
    from goroom_extensions.mirror.store import Account, Store
    from goroom_extensions.mirror.tokens import Tokens

log = structlog.get_logger()

COOKIE = "AccessToken"
"""The cookie that says which account a socket may be bound to."""

LOOK_SECONDS = 60.0
"""How often it is looked which log-ins are over."""

_TOKEN = "token"  # noqa: S105 -- where `User.data` keeps it


class Mirror(ApplicationExtension):
    """
    go-mirror-hw's rules: one socket is one user of the application, named by its websocketId.

    A socket hears nothing until it is bound to the account of its cookie; then it hears the
    account's own channel, the direct messages to it, and whatever channels it subscribes to.
    What has no place in the protocol is never answered.

    ::

        class Ours(Mirror):
            store = Store("sqlite:///mirror.sqlite")
            tokens = Tokens(Path("keys"))

    Whoever makes the store opens it before the server starts, and closes it afterwards;
    `goroom_extensions.mirror.setup` does all that.
    """

    store: ClassVar[Store]
    """Where accounts, messages and notices are."""
    tokens: ClassVar[Tokens]
    """What reads the cookies."""

    announce_rooms = False

    @staticmethod
    def now() -> float:
        """Return the time in seconds since 1970, as the tokens have it."""
        return time.time()

    def init(self) -> None:
        """Begin with nobody bound."""
        self.every(LOOK_SECONDS, self._end_old_logins)
        self.channels = Channels(self.application, self.store)
        self._accounts: dict[User, Account] = {}
        self._sockets: dict[str, dict[User, int]] = {}
        """The bound sockets of each account, by its id, and when their cookies are over."""
        self._locks = Locks()

    # -- a socket's life -------------------------------------------------------------------

    async def on_connect(self, connection: Connection) -> None:
        """Name the socket, and tell it its name."""
        if not isinstance(connection.dialect, MirrorDialect):
            raise NotAllowed("The mirror has an endpoint of its own")
        name = str(UUID(int=self.random.getrandbits(128), version=4))
        user = await self.application.users.login(connection, name)
        user.data[_TOKEN] = connection.cookies.get(COOKIE, "")
        user.send("registered.success", Frame("Registered", websocket_id=name))

    def on_disconnect(self, user: User, reason: LeaveReason) -> None:  # noqa: ARG002 -- whatever it is
        """Bind the socket to nobody any more."""
        account = self._accounts.pop(user, None)
        if account is not None:
            sockets = self._sockets[account.id]
            del sockets[user]
            if not sockets:
                del self._sockets[account.id]

    @handles("register.userId", Frame)
    async def bind(self, user: User, frame: Frame) -> None:
        """Bind the socket to the account of its cookie, if *frame* names both; else do nothing."""
        claims = self.tokens.read(user.data[_TOKEN])
        account: Account | None = None
        if claims and (user.name, claims.user_id) == (frame.websocket_id, frame.user_id):
            account = await self.store.by_id(claims.user_id)
        if claims is None or account is None:
            log.warning("bind_refused", application=self.application.name, user=user.name)
            return
        await self.channels.join(user, account.channel_id, "public")
        async with self._locks(account.id):
            notices = await self.store.take_notices(account.id)
            connection = self.turn.connection
            if connection is None or not connection.is_open:  # a page that is loaded anew meanwhile
                for channel in notices:
                    await self.store.keep_notice(account.id, channel)
                return
            self._accounts[user] = account
            self._sockets.setdefault(account.id, {})[user] = claims.expires
        for channel in notices:
            user.send("subscribe.direct", Frame(channel=channel))

    def log_out(self, token: str) -> None:
        """Close the sockets that came with the cookie *token*: whoever had it has logged out."""
        for user in list(self.application.users.values()):
            if user.data.get(_TOKEN) == token:
                user.kick("logged out")

    def _end_old_logins(self) -> None:
        now = self.now()
        for sockets in list(self._sockets.values()):
            for user, expires in list(sockets.items()):
                if expires <= now:
                    user.kick("the log-in is over")

    # -- direct messages -------------------------------------------------------------------

    @handles("message.direct", Frame)
    async def write_to(self, user: User, frame: Frame) -> None:
        """Tell all sockets of the second account of the channel, or the next that it binds."""
        account = self._accounts.get(user)
        pair = pair_of(frame.channel)
        if account is None or pair is None or pair[0] != account.id:
            log.warning("direct_refused", application=self.application.name, user=user.name)
            return
        receiver = pair[1]
        if receiver not in self._sockets and await self.store.by_id(receiver) is None:
            return
        async with self._locks(receiver):  # it may be binding
            # Not those that are just going: nobody would hear of it, nor be told again.
            sockets = [socket for socket in self._sockets.get(receiver, ()) if _hears(socket)]
            if not sockets:
                await self.store.keep_notice(receiver, frame.channel)
                return
        self.application.broadcast("subscribe.direct", Frame(channel=frame.channel), only=sockets)

    # -- channels --------------------------------------------------------------------------

    @handles("channel.subscribe", Frame)
    async def subscribe(self, user: User, frame: Frame) -> None:
        """Answer, then tell what was written before; live messages follow."""
        channel = frame.channel
        try:
            kind = await self.channels.kind(channel, self._account_of(user))
            history = await self.channels.subscribe(user, channel, kind)
        except (Refused, StoreFailed) as error:
            _refuse(user, channel, error)
            return
        user.send("channel.subscribed", Frame(channel=channel))
        for message in history:
            user.send("channel.message", message)

    @handles("channel.unsubscribe", Frame)
    async def unsubscribe(self, user: User, frame: Frame) -> None:
        """Hear the channel no more."""
        channel = frame.channel
        try:
            await self.channels.kind(channel, self._account_of(user))
        except (Refused, StoreFailed) as error:
            _refuse(user, channel, error)
            return
        room = user.rooms.get(channel)
        try:
            if room is not None:
                await room.leave(user)
        except (NotInRoom, RoomNotFound):
            pass  # closed meanwhile
        user.send("channel.unsubscribed", Frame(channel=channel))

    @handles("channel.publish", Frame)
    async def publish(self, user: User, frame: Frame) -> None:
        """Tell everybody who hears the channel, under the account's own name."""
        try:
            account = self._account_of(user)
            await self.channels.kind(frame.channel, account)
            await self.channels.publish(account, frame.channel, frame.message)
        except (Refused, StoreFailed) as error:
            _refuse(user, frame.channel, error)

    def _account_of(self, user: User) -> Account:
        account = self._accounts.get(user)
        if account is None:
            raise Refused
        return account


def _hears(user: User) -> bool:
    return any(link.connection.is_open for link in user.links)


def _refuse(user: User, channel: str, error: Refused | StoreFailed) -> None:
    if isinstance(error, StoreFailed):
        log.warning("mirror_unavailable", error=str(error))
        reason = "The server cannot do this at the moment."
    else:
        reason = error.message
    user.send("channel.refused", Frame(reason, channel=channel))
