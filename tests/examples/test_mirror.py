"""The mirror's program: its command line, its data, its end."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import mirror
import pytest

from tests.golden.accounts import Accounts
from tests.websocket import WebSocket

PROGRAM = Path(mirror.__file__)
WAIT_SECONDS = 20.0


@asynccontextmanager
async def running(
    folder: Path, *arguments: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """Run the program on a free port in *folder*; yield its process and its URL."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(PROGRAM),
        "--port=0",
        *arguments,
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            assert process.stdout is not None
            first = (await process.stdout.readline()).decode()
        url = re.search(r"http://[^/\s]+", first)
        assert url is not None, first
        yield process, url[0]
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_it_keeps_its_data_where_no_repository_takes_them(tmp_path: Path) -> None:
    async with running(tmp_path) as (process, url):
        async with Accounts(url, wait_seconds=WAIT_SECONDS) as accounts:
            await accounts.ensure_user("u1")
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(WAIT_SECONDS):
            assert 0 == await process.wait()

    data = tmp_path / "mirror-data"
    assert "*\n" == (data / ".gitignore").read_text()
    assert (data / "mirror.sqlite").is_file()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (data, *data.glob("keys/*"))}
    assert {"mirror-data": 0o700, "1.pem": 0o600} == modes


async def test_accounts_outlive_it_and_so_do_log_ins(tmp_path: Path) -> None:
    options = f"--database=sqlite:///{tmp_path / 'a.sqlite'}", f"--keys={tmp_path / 'keys'}"
    answers: list[dict[str, str]] = []
    for _ in range(2):
        async with (
            running(tmp_path, *options) as (process, url),
            Accounts(url, wait_seconds=WAIT_SECONDS) as accounts,
        ):
            if not answers:
                await accounts.ensure_user("u1")
                cookies = accounts.cookie_header("u1", "/me")
            answer = await accounts.request("GET", "/me", headers=cookies)
            answers.append(json.loads(answer.body))
            process.send_signal(signal.SIGINT)
            async with asyncio.timeout(WAIT_SECONDS):
                await process.wait()

    assert answers[0] == answers[1]
    assert not (tmp_path / "mirror-data").exists()


async def test_it_stops_in_order_with_sockets_open(tmp_path: Path) -> None:
    async with running(tmp_path) as (process, url):
        socket = await WebSocket.connect(f"{url}/ws", headers={"Origin": f"{url}/"})
        assert "registered.success" in str(await socket.receive(WAIT_SECONDS))
        process.send_signal(signal.SIGTERM)
        closed = await socket.receive(WAIT_SECONDS)
        async with asyncio.timeout(WAIT_SECONDS):
            code = await process.wait()

    assert (0, 1001) == (code, getattr(closed, "code", None))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--database", "mysql://x/y"], "sqlite"),
        (["--database", "sqlite:////no/such/folder/x"], "database"),
        (["--host", "192.0.2.1"], "192.0.2.1"),
    ],
)
def test_what_it_cannot_do_it_says_in_a_line(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(SystemExit) as caught:
        mirror.main(["--port=0", *arguments])

    assert 2 == caught.value.code
    error = capsys.readouterr().err
    assert words in error
    assert "Traceback" not in error


def test_the_seeds_port_is_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        mirror.main(["--help"])

    assert 0 == caught.value.code
    help_text = capsys.readouterr().out
    for option in ("--host", "--port", "--database", "--keys", "postgresql://", "mirror-data"):
        assert option in help_text
