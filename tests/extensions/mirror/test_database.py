"""The engine that a URL names, and the one error for all that fails."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
import sys
from pathlib import Path

import pytest
from goroom_extensions.mirror import database as module
from goroom_extensions.mirror.database import Database, StoreFailed, sql

from tests.postgres import LINKS, Cluster, free_port


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///accounts.db",
        "sqlite+aiosqlite:///accounts.db",
        "postgresql://ann:secret@db.example/accounts",
        "postgresql+asyncpg://ann:secret@db.example/accounts",
        "postgres://ann:secret@db.example/accounts?sslmode=require",
    ],
)
def test_a_url_in_the_usual_forms_is_taken(url: str) -> None:
    database = Database(url)

    assert database.is_sqlite == url.startswith("sqlite")
    assert "secret" not in repr(database)


@pytest.mark.parametrize(
    "url", ["", "accounts.db", "mysql://ann:secret@db.example/a", "postgresql://ann:secret@h:x/a"]
)
def test_another_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match=r"sqlite:///.* or postgresql://") as raised:
        Database(url)

    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "driver", "remedy"),
    [
        ("sqlite:///accounts.db", "aiosqlite", r"pip install 'goroom\[sql\]'"),
        ("postgresql://h/a", "asyncpg", r"pip install 'goroom\[postgres\]'"),
    ],
)
def test_a_missing_driver_is_named_with_its_extra(
    url: str, driver: str, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, driver, None)

    with pytest.raises(ImportError, match=remedy):
        Database(url)


async def table(database: Database) -> None:
    """Make a table of numbers."""
    async with database.writing("numbers") as connection:
        await connection.execute(sql.text("CREATE TABLE numbers (number INTEGER UNIQUE)"))


async def add(database: Database, number: int) -> None:
    """Add a number."""
    async with database.writing("numbers") as connection:
        await connection.execute(sql.text("INSERT INTO numbers VALUES (:n)"), {"n": number})


async def total(database: Database) -> int:
    """Return the sum of all numbers."""
    async with database.reading() as connection:
        return int(
            await connection.scalar(sql.text("SELECT coalesce(sum(number), 0) FROM numbers"))
        )


async def test_an_error_undoes_the_transaction(database_url: str) -> None:
    database = Database(database_url)
    await table(database)

    async def add_and_fail() -> None:
        async with database.writing("numbers") as connection:
            await connection.execute(sql.text("INSERT INTO numbers VALUES (1)"))
            raise LookupError

    with pytest.raises(LookupError):
        await add_and_fail()

    assert await total(database) == 0
    await database.close()


async def test_what_the_database_refuses_has_failed(database_url: str) -> None:
    database = Database(database_url)
    await table(database)
    await add(database, 7)

    with pytest.raises(StoreFailed, match=r"IntegrityError .*(?i:unique)") as raised:
        await add(database, 7)
    assert "7" not in str(raised.value)
    assert await total(database) == 7
    await database.close()


async def test_no_value_stands_in_an_error(database_url: str) -> None:
    database = Database(database_url)

    with pytest.raises(StoreFailed) as raised:
        await add(database, 4711)  # there is no table
    assert "INSERT INTO numbers" in str(raised.value.__cause__)
    assert "4711" not in f"{raised.value} {raised.value.__cause__}"
    await database.close()


async def test_transactions_of_one_lock_follow_one_another(database_url: str) -> None:
    here, there = Database(database_url), Database(database_url)
    await table(here)
    await add(here, 0)

    async def increment(database: Database) -> None:
        async with database.writing("numbers") as connection:
            number = await connection.scalar(sql.text("SELECT number FROM numbers"))
            await asyncio.sleep(0)
            await connection.execute(sql.text("UPDATE numbers SET number = :n"), {"n": number + 1})

    await asyncio.gather(*(increment(database) for database in (here, there) * 20))

    assert await total(here) == 40
    await here.close()
    await there.close()


# SQLite.


async def test_the_file_is_its_owners_only(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'accounts.db'}")
    database.make_private()
    await table(database)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    await database.close()

    assert dict.fromkeys(["accounts.db", "accounts.db-shm", "accounts.db-wal"], 0o600) == modes


async def test_sqlite_in_memory_is_one_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    database = Database("sqlite:///:memory:")
    database.make_private()
    await table(database)
    await asyncio.gather(*(add(database, number) for number in range(10)))

    assert await total(database) == 45
    assert list(tmp_path.iterdir()) == []
    await database.close()


async def test_sqlite_runs_with_its_write_ahead_log_and_foreign_keys(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'accounts.db'}")
    async with database.reading() as connection:
        settings = [
            await connection.scalar(sql.text(f"PRAGMA {name}"))
            for name in ("journal_mode", "foreign_keys", "busy_timeout", "synchronous")
        ]
    await database.close()

    assert settings == ["wal", 1, 10_000, 2]


async def test_a_full_disk_is_an_error_and_no_hang(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'accounts.db'}")
    await table(database)
    async with database.reading() as connection:
        pages = await connection.scalar(sql.text("PRAGMA page_count"))
        await connection.execute(sql.text(f"PRAGMA max_page_count = {pages}"))

    async def fill() -> None:
        for number in range(10_000):
            await add(database, number)

    with pytest.raises(StoreFailed, match="OperationalError") as raised:
        await fill()
    kept = await total(database)
    async with database.reading() as connection:
        await connection.execute(sql.text("PRAGMA max_page_count = 100000"))
    await add(database, 1_000_000)

    assert "disk is full" in str(raised.value)
    assert await total(database) == kept + 1_000_000
    await database.close()


async def test_another_process_that_writes_is_waited_for(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'accounts.db'}")
    await table(database)
    other = sqlite3.connect(tmp_path / "accounts.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute("INSERT INTO numbers VALUES (1)")
    adding = asyncio.ensure_future(add(database, 2))
    await asyncio.wait([adding], timeout=0.1)
    waited = not adding.done()
    other.execute("COMMIT")
    other.close()
    await adding

    assert waited
    assert await total(database) == 3
    await database.close()


async def test_a_lock_that_is_held_for_too_long_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_WAIT_SECONDS", 0.1)
    database = Database(f"sqlite:///{tmp_path / 'accounts.db'}")
    await table(database)
    other = sqlite3.connect(tmp_path / "accounts.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(StoreFailed, match="OperationalError"):
        await add(database, 1)
    assert await total(database) == 0
    other.execute("COMMIT")
    other.close()
    await add(database, 2)
    assert await total(database) == 2
    await database.close()


# PostgreSQL.


@pytest.mark.requires("postgres")
@pytest.mark.parametrize(
    ("part", "wrong"),
    [("/postgres", "/nothing"), ("postgres:", "postgres:wrong"), ("postgres:", "nobody:")],
)
async def test_a_postgres_that_lets_nobody_in_has_failed(
    postgres: Cluster, part: str, wrong: str
) -> None:
    url = postgres.url()
    assert part in url
    database = Database(url.replace(part, wrong))

    with pytest.raises(StoreFailed):
        await total(database)
    await database.close()


async def test_a_postgres_that_is_not_there_has_failed() -> None:
    database = Database(f"postgresql://ann:secret@127.0.0.1:{free_port()}/accounts")

    with pytest.raises(StoreFailed):
        await total(database)
    await database.close()


async def test_a_postgres_that_never_answers_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_WAIT_SECONDS", 0.1)
    closed = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        closed.set()

    port = free_port()
    async with await asyncio.start_server(say_nothing, "127.0.0.1", port):
        database = Database(f"postgresql://ann:secret@127.0.0.1:{port}/accounts")
        with pytest.raises(StoreFailed, match="TimeoutError"):
            await total(database)
        await database.close()
        await closed.wait()


@pytest.mark.requires("postgres")
async def test_a_statement_that_takes_too_long_is_given_up(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(postgres_url)
    await table(database)
    await database.close()
    monkeypatch.setattr(module, "_WAIT_SECONDS", 0.5)
    impatient = Database(postgres_url)

    async def wait() -> None:
        async with impatient.writing("numbers") as connection:
            await connection.execute(sql.text("INSERT INTO numbers VALUES (1)"))
            await connection.execute(sql.text("SELECT pg_sleep(60)"))

    with pytest.raises(StoreFailed):
        await wait()
    assert await total(database) == 0
    await impatient.close()
    await database.close()


@pytest.mark.requires("postgres")
async def test_a_restart_of_postgres_is_survived(postgres: Cluster) -> None:
    database = Database(postgres.url(postgres.create_database()))
    await table(database)
    await asyncio.gather(*(add(database, number) for number in range(10)))
    postgres.stop()
    with pytest.raises(StoreFailed):
        await total(database)
    postgres.start()

    assert await total(database) == 45
    await add(database, 100)
    assert await total(database) == 145
    await database.close()


@pytest.mark.requires("postgres")
async def test_closing_leaves_no_connection_to_postgres(postgres: Cluster) -> None:
    name = postgres.create_database()
    database = Database(postgres.url(name))
    await table(database)
    await asyncio.gather(*(add(database, number) for number in range(20)))
    while_open = int(postgres.sql("SELECT count(*) " + LINKS.format(name)))
    await database.close()
    await database.close()

    assert while_open > 0
    assert postgres.sql(f"DROP DATABASE {name}") == ""


@pytest.mark.requires("postgres")
async def test_links_that_postgres_cuts_are_made_anew(postgres: Cluster) -> None:
    name = postgres.create_database()
    database = Database(postgres.url(name))
    await table(database)
    await add(database, 1)
    postgres.sql("SELECT pg_terminate_backend(pid) " + LINKS.format(name))

    assert await total(database) == 1
    await database.close()
