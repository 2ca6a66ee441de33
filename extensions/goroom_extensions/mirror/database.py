"""A database: the engine that a URL names, its transactions, and one error for all that fails."""

from __future__ import annotations

import asyncio
import os
import zlib
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

from goroom import GoroomError

try:
    import sqlalchemy as sql
    from sqlalchemy.engine import URL, Connection, make_url
    from sqlalchemy.exc import ArgumentError, SQLAlchemyError
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
    from sqlalchemy.pool import AsyncAdaptedQueuePool
except ImportError as error:
    raise ImportError("the mirror's accounts need SQLAlchemy: pip install 'goroom[sql]'") from error

T = TypeVar("T")

__all__ = ["Database", "StoreFailed", "sql"]

_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
}
_EXTRAS = {"sqlite": "sql", "postgresql": "postgres"}
_WAIT_SECONDS = 10
"""Longest wait for a connection, a lock or an answer: then the database has failed."""
_LOCKS = 0x676F726F
"""The advisory locks that are ours in a PostgreSQL that others use too ("goro")."""


class StoreFailed(GoroomError):  # noqa: N818 -- a state of the database
    """
    The database is away, full, locked for too long, or broken.

    The transaction is undone, but for one case: the link was lost while it was being committed.
    """


class Database:
    """
    One database, SQLite or PostgreSQL.

    Args:
        url: ``sqlite:///accounts.db`` (a path; four slashes for an absolute one) or
            ``postgresql://user:password@host:port/name``.

    Raises:
        ValueError: *url* names neither.
        ImportError: The driver is not installed; the text names the extra that has it.
    """

    def __init__(self, url: str) -> None:
        self._url = _with_driver(url)
        self.is_sqlite = self._url.get_backend_name() == "sqlite"
        try:
            self._engine = _sqlite(self._url) if self.is_sqlite else _postgres(self._url)
        except ImportError as error:
            extra = _EXTRAS[self._url.get_backend_name()]
            raise ImportError(
                f"{self._url.drivername} is not installed: pip install 'goroom[{extra}]'"
            ) from error
        self._reader = self._engine.execution_options(sqlite_begin="BEGIN")
        self._unfinished: set[asyncio.Task[Any]] = set()

    def __repr__(self) -> str:
        return f"Database({self._url.render_as_string()!r})"

    def make_private(self) -> None:
        """
        Make the file of an SQLite database, if it is not there, so that only its owner can read it.

        Raises:
            StoreFailed: It cannot be made.
        """
        path = self._url.database
        if self.is_sqlite and path and path != ":memory:":
            with _failures():
                os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))

    async def finish(self, work: Coroutine[Any, Any, T]) -> T:
        """
        Await *work*, which goes on to its end when whoever awaits this is cancelled.

        A transaction that is cancelled while it gets its connection leaves that open and, on
        SQLite, perhaps locked: neither driver cleans up after itself then.
        """
        task = asyncio.create_task(work)
        self._unfinished.add(task)
        task.add_done_callback(self._unfinished.discard)
        return await asyncio.shield(task)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """
        Open a transaction that changes nothing.

        Raises:
            StoreFailed: The database fails, or something in the block does for that reason.
        """
        with _failures():
            async with self._reader.connect() as connection:
                yield connection

    @asynccontextmanager
    async def writing(self, lock: str) -> AsyncIterator[AsyncConnection]:
        """
        Open a transaction, committed at the end of the block and undone when that raises.

        Transactions of the same *lock* follow one another, in all processes of this database, so
        that none meets a half of another, and neither waits for what the other holds.

        Raises:
            StoreFailed: The database fails, or something in the block does for that reason.
        """
        with _failures():
            async with self._engine.begin() as connection:
                if not self.is_sqlite:  # there BEGIN IMMEDIATE has locked everything
                    number = zlib.crc32(lock.encode()) - 2**31
                    await connection.execute(
                        sql.select(sql.func.pg_advisory_xact_lock(_LOCKS, number))
                    )
                yield connection

    async def close(self) -> None:
        """Close all connections, after what is not finished. What is used again opens new ones."""
        unfinished = self._unfinished - {asyncio.current_task()}
        if unfinished:
            await asyncio.wait(unfinished)
        await self._engine.dispose()


@contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        said = str(getattr(error, "orig", None) or error)
        reason = said.partition("\n")[0]  # PostgreSQL's further lines quote values
        raise StoreFailed(f"the database fails: {type(error).__name__} {reason}".strip()) from error


def _with_driver(url: str) -> URL:
    forms = "sqlite:///accounts.db or postgresql://user:password@host:port/name"
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        parsed = None
    if parsed is None or parsed.drivername not in _DRIVERS:  # the URL may hold a password
        raise ValueError(f"the URL of the database must look like {forms}")
    return parsed.set(drivername=_DRIVERS[parsed.drivername])


def _sqlite(url: URL) -> AsyncEngine:
    # One connection: SQLite has one writer at a time, and its wait for a lock is no queue.
    engine = create_async_engine(
        url,
        hide_parameters=True,
        poolclass=AsyncAdaptedQueuePool,
        pool_size=1,
        max_overflow=0,
        pool_timeout=_WAIT_SECONDS,
        connect_args={"timeout": _WAIT_SECONDS},
    )

    @sql.event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # begin() below begins, Python's module does not
        cursor = connection.cursor()
        for setting in ("journal_mode = WAL", "foreign_keys = ON"):
            cursor.execute(f"PRAGMA {setting}")
        cursor.close()

    @sql.event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        connection.exec_driver_sql(options.get("sqlite_begin", "BEGIN IMMEDIATE"))

    return engine


def _postgres(url: URL) -> AsyncEngine:
    # libpq's word for it, which asyncpg has under another name.
    query = {("ssl" if key == "sslmode" else key): value for key, value in url.query.items()}
    return create_async_engine(
        url.set(query=query),
        hide_parameters=True,
        pool_timeout=_WAIT_SECONDS,
        pool_pre_ping=True,  # so that a restart of the database is not noticed
        connect_args={"timeout": _WAIT_SECONDS, "command_timeout": _WAIT_SECONDS},
    )
