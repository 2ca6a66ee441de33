"""The accounts of the words game, by HTTP."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient
from argon2 import PasswordHasher
from goroom_extensions.mirror import Passwords
from words.accounts import Accounts

Api = TestClient[web.Request, web.Application]
StartApi = Callable[[], Awaitable[Api]]

ANN = {"username": "Ann", "email": "ann@example.com", "password": "correct horse"}


@pytest.fixture
async def start(
    tmp_path: Path, aiohttp_client: Callable[[web.Application], Awaitable[Api]]
) -> AsyncIterator[StartApi]:
    """Start the API on one folder; again and again, as after a restart."""

    async def start() -> Api:
        app = web.Application(client_max_size=8192)
        hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        Accounts(tmp_path, Passwords(hasher=hasher)).add_to(app)
        return await aiohttp_client(app)

    return start


@pytest.fixture
async def api(start: StartApi) -> Api:
    """Return the API."""
    return await start()


async def log_in(api: Api, email: str, password: str) -> ClientResponse:
    """Ask for a token."""
    return await api.post("/api/v1/login", json={"email": email, "password": password})


async def message_of(answer: ClientResponse) -> tuple[int, str]:
    """Return status and message of a failure."""
    body: dict[str, Any] = await answer.json()
    return answer.status, body["message"]


async def test_home_tells_what_this_is(api: Api) -> None:
    answer = await api.get("/api/v1/home")

    assert 200 == answer.status
    assert [{"description"}, {"description"}] == [set(about) for about in await answer.json()]


async def test_register_log_in_and_be_authorized(api: Api) -> None:
    made = await api.post("/api/v1/register", json={**ANN, "confirm_password": ANN["password"]})
    assert 201 == made.status
    account = await made.json()
    assert {"username", "userslug"} == set(account)
    assert "Ann" == account["username"]

    entered = await log_in(api, "ann@example.com", "correct horse")
    assert 201 == entered.status
    body = await entered.json()
    assert {"access_token", "userslug"} == set(body)
    assert account["userslug"] == body["userslug"]

    asked = await api.get("/api/v1/isauthorized", headers={"Token": body["access_token"]})
    assert (200, "authorized") == (asked.status, await asked.text())


@pytest.mark.parametrize("token", [None, "", "nonsense", "a.b.c", "eyJhbGciOiJub25lIn0.e30."])
async def test_without_a_good_token_nobody_is_authorized(api: Api, token: str | None) -> None:
    headers = {} if token is None else {"Token": token}
    status, message = await message_of(await api.get("/api/v1/isauthorized", headers=headers))

    assert 400 == status
    assert message


async def test_an_address_has_one_account(api: Api) -> None:
    await api.post("/api/v1/register", json=ANN)
    again = {**ANN, "email": "ANN@example.com", "password": "other"}
    status, _ = await message_of(await api.post("/api/v1/register", json=again))

    assert 412 == status
    assert 404 == (await log_in(api, "ann@example.com", "other")).status


async def test_an_unknown_address_is_answered_as_a_wrong_password(api: Api) -> None:
    await api.post("/api/v1/register", json=ANN)
    wrong = await message_of(await log_in(api, "ann@example.com", "wrong"))
    unknown = await message_of(await log_in(api, "bob@example.com", "wrong"))

    assert wrong == unknown
    assert 404 == wrong[0]


@pytest.mark.parametrize("path", ["/api/v1/register", "/api/v1/login"])
@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b"{}", b'{"email":5,"password":"x"}', b"[" * 2000]
)
async def test_what_cannot_be_read_is_answered(api: Api, path: str, body: bytes) -> None:
    status, message = await message_of(await api.post(path, data=body))

    assert 400 == status
    assert message


@pytest.mark.parametrize(
    ("head", "answered"),
    [
        ("Content-Length: 5\r\nContent-Encoding: gzip", b"HTTP/1.1 400 Bad Request"),
        ("Content-Length: 9000\r\nContent-Encoding: gzip", b"HTTP/1.1 400 Bad Request"),
        ("Content-Length: 9000", b""),
    ],
)
async def test_a_body_that_does_not_come_as_its_head_says_is_no_error_of_ours(
    api: Api, caplog: pytest.LogCaptureFixture, head: str, answered: bytes
) -> None:
    url = api.make_url("/api/v1/login")
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(f"POST {url.path} HTTP/1.1\r\nHost: {url.authority}\r\n{head}\r\n\r\n".encode())
    writer.write(b'{"ema')
    if not answered:
        writer.write_eof()
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    await writer.wait_closed()

    assert answered == answer.partition(b"\r\n")[0]
    assert [] == caplog.records


@pytest.mark.parametrize(
    "wrong",
    [
        {"email": ""},
        {"email": "x" * 65},
        {"username": " "},
        {"password": ""},
        {"password": "x" * 1025},
        {"confirm_password": "another"},
    ],
)
async def test_what_no_account_can_have_is_refused(api: Api, wrong: dict[str, str]) -> None:
    assert 400 == (await api.post("/api/v1/register", json={**ANN, **wrong})).status


async def test_a_request_of_any_size_is_not_read(api: Api) -> None:
    answer = await api.post("/api/v1/register", json={**ANN, "password": "x" * 9000})

    assert 413 == answer.status


async def test_guessing_is_throttled_for_the_account_and_the_address(api: Api) -> None:
    await api.post("/api/v1/register", json=ANN)
    tries = [(await log_in(api, "ann@example.com", str(number))).status for number in range(6)]
    right = await log_in(api, "ann@example.com", "correct horse")
    others = [(await log_in(api, f"{number}@example.com", "x")).status for number in range(6)]

    assert [404] * 5 + [429] == tries
    assert 429 == right.status
    assert int(right.headers["Retry-After"]) > 0
    assert [404] * 5 + [429] == others


async def test_fifty_racing_registrations_make_one_account(api: Api) -> None:
    answers = await asyncio.gather(
        *(api.post("/api/v1/register", json={**ANN, "password": str(n)}) for n in range(50))
    )

    assert [201] + [412] * 49 == sorted(answer.status for answer in answers)


async def test_accounts_and_tokens_outlive_a_restart_and_no_password_is_kept(
    start: StartApi, tmp_path: Path
) -> None:
    api = await start()
    await api.post("/api/v1/register", json=ANN)
    token = (await (await log_in(api, "ann@example.com", "correct horse")).json())["access_token"]
    await api.close()
    with sqlite3.connect(tmp_path / "accounts.sqlite") as connection:
        kept = "\n".join(connection.iterdump())
    connection.close()
    assert "correct horse" not in kept
    api = await start()

    assert 201 == (await log_in(api, "ann@example.com", "correct horse")).status
    assert 200 == (await api.get("/api/v1/isauthorized", headers={"Token": token})).status
