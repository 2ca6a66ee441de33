"""The accounts, what was said in the channels, and who has to be told of it, in a database."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Coroutine
from functools import wraps
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import attrs

from goroom import BadRequest, name_key, user_name
from goroom_extensions.mirror.database import Database, StoreFailed, sql

__all__ = ["SCHEMA_VERSION", "Account", "Message", "Store", "StoreFailed"]

P = ParamSpec("P")
T = TypeVar("T")

SCHEMA_VERSION = 1
"""Version of the tables below."""
NAME_CHARACTERS = 64
"""Most characters of a name."""
MESSAGES_KEPT = 100
"""Messages of one channel that are kept; the oldest go."""
NOTICES_KEPT = 100
"""Notices for one user that are kept; the oldest of the channel that has most go."""

_ID = re.compile(r"[A-Za-z0-9_-]{22}")
_ID_BYTES = 16

_metadata = sql.MetaData()
_number = sql.BigInteger().with_variant(sql.Integer(), "sqlite")
_schema = sql.Table(
    "mirror_schema",
    _metadata,
    sql.Column("version", sql.Integer, primary_key=True, autoincrement=False),
)
_accounts = sql.Table(
    "mirror_accounts",
    _metadata,
    sql.Column("id", sql.String(22), primary_key=True),
    sql.Column("name", sql.String(NAME_CHARACTERS), nullable=False),
    sql.Column("name_key", sql.Text, nullable=False, unique=True),
    sql.Column("channel_id", sql.String(22), nullable=False, unique=True),
    sql.Column("password_hash", sql.Text, nullable=False),
)
_messages = sql.Table(
    "mirror_messages",
    _metadata,
    sql.Column("number", _number, primary_key=True),
    sql.Column("channel", sql.Text, nullable=False),
    sql.Column("author_id", sql.ForeignKey(_accounts.c.id), nullable=False),
    sql.Column("value", sql.Text, nullable=False),
    sql.Index("mirror_messages_of_channel", "channel", "number"),
)
_notices = sql.Table(
    "mirror_notices",
    _metadata,
    sql.Column("number", _number, primary_key=True),
    sql.Column("user_id", sql.ForeignKey(_accounts.c.id), nullable=False),
    sql.Column("channel", sql.Text, nullable=False),
    sql.Index("mirror_notices_of_user", "user_id", "number"),
)


@attrs.frozen
class Account:
    """Somebody who has signed up."""

    id: str
    """22 URL-safe characters, for ever."""
    name: str
    """As it was given, in NFC."""
    channel_id: str
    """The account's public channel: 22 URL-safe characters, for ever."""


@attrs.frozen
class Message:
    """What somebody wrote to a channel."""

    number: int
    """Grows within a channel: whoever can see a message can see all that have smaller numbers."""
    channel: str
    author: Account
    value: str


def _finished(
    method: Callable[Concatenate[Store, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[Store, P], Coroutine[Any, Any, T]]:
    """Make *method* go on to its end when whoever awaits it is cancelled."""

    @wraps(method)
    async def call(self: Store, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._database.finish(method(self, *args, **kwargs))

    return call


class Store:
    """
    What the mirror keeps.

    Accounts and messages are on disk when the call that adds them returns. Several processes may
    use one database. All calls raise `StoreFailed` when the database fails. A call whose caller is
    cancelled is finished all the same.

    Args:
        url: ``sqlite:///accounts.db`` or ``postgresql://user:password@host:port/name``.

    Raises:
        ValueError: *url* names neither.
        ImportError: The driver is not installed; the text names the extra that has it.
    """

    def __init__(self, url: str) -> None:
        self._database = Database(url)

    def __repr__(self) -> str:
        return f"Store({self._database!r})"

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    @_finished
    async def open(self) -> None:
        """
        Make the tables that are not there yet.

        Raises:
            RuntimeError: The database was made by a newer goroom. Nothing in it was changed.
        """
        try:
            self._database.make_private()
            async with self._database.writing("schema") as connection:
                await connection.run_sync(_metadata.create_all)
                _check_version(await connection.scalar(sql.select(_schema.c.version)))
                await connection.execute(_schema.delete())
                await connection.execute(_schema.insert().values(version=SCHEMA_VERSION))
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Close all connections."""
        await self._database.close()

    @_finished
    async def add(self, name: str, password_hash: str) -> Account | None:
        """
        Make the account *name*, or return None where the name is taken.

        Taken is also what differs by case or width only. Of calls that race for a name, exactly
        one gets it.

        Raises:
            BadRequest: *name* is no name (`goroom.user_name`).
            ValueError: *password_hash* is no hash of `Passwords`.
        """
        name = user_name(name, "user", NAME_CHARACTERS)
        _check_hash(password_hash)
        account = Account(_new_id(), name, _new_id())
        async with self._database.writing(f"name {name_key(name)}") as connection:
            taken = sql.select(_accounts.c.id).where(_accounts.c.name_key == name_key(name))
            if await connection.scalar(taken) is not None:
                return None
            await connection.execute(
                _accounts.insert().values(
                    id=account.id,
                    name=account.name,
                    name_key=name_key(name),
                    channel_id=account.channel_id,
                    password_hash=password_hash,
                )
            )
        return account

    @_finished
    async def find(self, name: str) -> tuple[Account, str] | None:
        """Return the account *name*, in whatever case and width, and its hash; or None."""
        try:
            name = user_name(name, "user", NAME_CHARACTERS)
        except BadRequest:
            return None
        query = _accounts.select().where(_accounts.c.name_key == name_key(name))
        async with self._database.reading() as connection:
            row = (await connection.execute(query)).one_or_none()
        return (_account(row), row.password_hash) if row else None

    @_finished
    async def by_id(self, id: str) -> Account | None:  # noqa: A002 -- what it is
        """Return the account that has *id*, or None."""
        return await self._account_where(_accounts.c.id, id)

    @_finished
    async def by_channel(self, channel_id: str) -> Account | None:
        """Return the account whose public channel *channel_id* is, or None."""
        return await self._account_where(_accounts.c.channel_id, channel_id)

    @_finished
    async def set_hash(self, id: str, password_hash: str) -> None:  # noqa: A002 -- what it is
        """
        Change the hash of an account.

        Raises:
            ValueError: *password_hash* is no hash of `Passwords`.
        """
        _check_hash(password_hash)
        change = _accounts.update().where(_accounts.c.id == id)
        async with self._database.writing(f"account {id}") as connection:
            await connection.execute(change.values(password_hash=password_hash))

    @_finished
    async def add_message(self, channel: str, author: Account, value: str) -> Message:
        """
        Keep what *author* has written to *channel*, as the newest of `MESSAGES_KEPT`.

        NUL becomes U+FFFD, for PostgreSQL keeps none.
        """
        value = value.replace("\0", "\ufffd")
        new = _messages.insert().values(channel=channel, author_id=author.id, value=value)
        of_channel = sql.select(_messages.c.number).where(_messages.c.channel == channel)
        newest_first = of_channel.order_by(_messages.c.number.desc())
        oldest = newest_first.offset(MESSAGES_KEPT).limit(1).scalar_subquery()
        trim = _messages.delete().where(
            _messages.c.channel == channel, _messages.c.number <= oldest
        )
        async with self._database.writing(f"channel {channel}") as connection:
            number = await connection.scalar(new.returning(_messages.c.number))
            await connection.execute(trim)
        return Message(number, channel, author, value)

    @_finished
    async def history(self, channel: str, most: int = MESSAGES_KEPT) -> list[Message]:
        """Return the last messages of *channel*, oldest first, at most *most*."""
        query = (
            sql.select(_messages.c.number, _messages.c.value, _accounts)
            .join_from(_messages, _accounts)
            .where(_messages.c.channel == channel)
            .order_by(_messages.c.number.desc())
            .limit(most)
        )
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).all()
        return [Message(row.number, channel, _account(row), row.value) for row in reversed(rows)]

    @_finished
    async def direct_channels(self, user_id: str, most: int = 50) -> list[str]:
        """
        Return the direct channels of user *user_id* in which something was said.

        The one that was written to last comes first; at most *most*.
        """
        channel, part = _messages.c.channel, f"{user_id}."
        query = (
            sql.select(channel)
            .where(
                # Not LIKE, for which "_" is any character and, in SQLite, "a" an "A".
                sql.or_(
                    sql.func.substr(channel, 1, len(part)) == part,
                    sql.func.substr(channel, len(part)) == f".{user_id}",
                )
            )
            .group_by(channel)
            .order_by(sql.func.max(_messages.c.number).desc())
            .limit(most)
        )
        async with self._database.reading() as connection:
            return list((await connection.scalars(query)).all())

    @_finished
    async def keep_notice(self, user_id: str, channel: str) -> None:
        """
        Keep for user *user_id* that something was written to *channel*.

        Beyond `NOTICES_KEPT` of one user, the oldest of the channel that has most of them goes, so
        that nobody can drive out other people's.
        """
        notices = _notices.alias()
        of_user = notices.c.user_id == user_id
        loudest = (
            sql.select(notices.c.channel)
            .where(of_user)
            .group_by(notices.c.channel)
            .order_by(sql.func.count().desc(), sql.func.min(notices.c.number))
            .limit(1)
            .scalar_subquery()
        )
        oldest = sql.select(sql.func.min(notices.c.number)).where(
            of_user, notices.c.channel == loudest
        )
        count = sql.select(sql.func.count()).where(of_user)
        async with self._database.writing(f"notices {user_id}") as connection:
            await connection.execute(_notices.insert().values(user_id=user_id, channel=channel))
            if (await connection.scalar(count) or 0) > NOTICES_KEPT:
                await connection.execute(
                    _notices.delete().where(_notices.c.number == oldest.scalar_subquery())
                )

    @_finished
    async def take_notices(self, user_id: str) -> list[str]:
        """
        Return the channels of all notices for user *user_id*, in order, and forget them.

        Of two who take at once, each gets what the other does not.
        """
        take = _notices.delete().where(_notices.c.user_id == user_id)
        async with self._database.writing(f"notices {user_id}") as connection:
            rows = await connection.execute(take.returning(_notices.c.number, _notices.c.channel))
            taken = sorted((row.number, row.channel) for row in rows)
        return [channel for _number, channel in taken]

    async def _account_where(self, column: sql.Column[str], id: str) -> Account | None:  # noqa: A002
        if not _ID.fullmatch(id):
            return None
        async with self._database.reading() as connection:
            row = (await connection.execute(_accounts.select().where(column == id))).one_or_none()
        return _account(row) if row else None


def _check_version(version: int | None) -> None:
    if version and version > SCHEMA_VERSION:
        raise RuntimeError(
            f"the database has schema {version}, and this goroom knows schemas up to "
            f"{SCHEMA_VERSION}: upgrade goroom, or use another database"
        )


def _account(row: sql.Row[tuple[object, ...]]) -> Account:
    return Account(row.id, row.name, row.channel_id)


def _new_id() -> str:
    return secrets.token_urlsafe(_ID_BYTES)


def _check_hash(password_hash: str) -> None:
    if not password_hash.startswith("$argon2"):
        raise ValueError("the store keeps hashes of passwords only: see Passwords.hash()")
