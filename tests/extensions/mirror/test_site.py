"""The site: forms, cookies, redirects, throttling, who somebody is, over real sockets."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from http.cookies import Morsel
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import pytest
from aiohttp import web
from goroom_extensions import mirror
from goroom_extensions.mirror import Account, Passwords, Store, StoreFailed
from goroom_extensions.mirror.pages import HEADERS

import goroom
from tests.extensions.mirror.house import House, open_house
from tests.golden.accounts import Answer
from tests.websocket import Closed

ID = re.compile(r"[A-Za-z0-9_-]{22}")
FORM_KEY = re.compile(r'name="form_key" value="([^"]+)"')


@pytest.fixture
async def house(tmp_path: Path, passwords: Passwords) -> AsyncIterator[House]:
    """Open a mirror."""
    async with open_house(tmp_path, passwords) as opened:
        yield opened


async def enter(
    house: House, name: str, password: str, *, jar: str = "", path: str = "/auth/login"
) -> Answer:
    """Send the form with *name* and *password*."""
    form = {"user": name, "pass": password}
    return await house.request("POST", path, jar=jar or None, form=form)


async def sign_up(house: House, name: str, password: str, *, jar: str = "") -> Answer:
    """Send the form to where accounts are made."""
    return await enter(house, name, password, jar=jar, path="/auth/create")


class Browser:
    """One browser: what it gets, headers and cookies and all."""

    def __init__(self, house: House, session: aiohttp.ClientSession) -> None:
        self.url = house.url
        self.session = session

    async def get(self, path: str, **options: Any) -> tuple[aiohttp.ClientResponse, str]:
        async with self.session.get(self.url + path, allow_redirects=False, **options) as response:
            return response, await response.text()

    async def post(
        self, path: str, fields: dict[str, str], *, page: str = "/", **options: Any
    ) -> tuple[aiohttp.ClientResponse, str]:
        _, shown = await self.get(page)
        found = FORM_KEY.search(shown)
        data = {**({"form_key": found[1]} if found else {}), **fields}
        async with self.session.post(
            self.url + path, data=data, allow_redirects=False, **options
        ) as response:
            return response, await response.text()

    async def sign_up(self, name: str) -> Morsel[str]:
        response, _ = await self.post("/auth/create", {"user": name, "pass": "secret"})
        return response.cookies["AccessToken"]


@pytest.fixture
async def browser(house: House) -> AsyncIterator[Browser]:
    """Return a browser."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        yield Browser(house, session)


# -- signing up and logging in -------------------------------------------------------------------


async def test_who_signs_up_is_logged_in_and_goes_to_the_chat(house: House) -> None:
    answer = await sign_up(house, "ada", "secret", jar="a")

    assert (303, "/chat") == (answer.status, answer.location)
    assert 200 == (await house.request("GET", "/chat", jar="a")).status
    me = json.loads((await house.request("GET", "/me", jar="a")).body)
    assert ["UserId", "Username", "ChannelId", "exp"] == list(me)
    assert "ada" == me["Username"]
    assert ID.fullmatch(me["UserId"])
    assert ID.fullmatch(me["ChannelId"])
    assert me["UserId"] != me["ChannelId"]
    assert abs(me["exp"] - time.time() - 72 * 3600) < 60


async def test_who_comes_back_is_the_same_and_logs_in_by_either_form(house: House) -> None:
    await sign_up(house, "ada", "secret", jar="a")
    first = json.loads((await house.request("GET", "/me", jar="a")).body)

    for jar, path in (("b", "/auth/login"), ("c", "/auth/create")):
        answer = await enter(house, "ADA", "secret", jar=jar, path=path)
        assert (303, "/chat") == (answer.status, answer.location)
        again = json.loads((await house.request("GET", "/me", jar=jar)).body)
        assert {**first, "exp": again["exp"]} == again


async def test_redirects_are_no_301(house: House) -> None:
    """Bug of the seed: 301 redirects, which browsers remember."""
    answers = [
        await sign_up(house, "ada", "secret", jar="a"),
        await enter(house, "ada", "wrong", jar="b"),
        await house.request("GET", "/me"),
        await house.request("GET", "/chat"),
    ]

    assert [303] * 4 == [answer.status for answer in answers]


@pytest.mark.parametrize("path", ["/auth/login", "/auth/create"])
@pytest.mark.parametrize(
    ("name", "password"),
    [("ada", "wrong"), ("ada", ""), ("", "secret"), ("", ""), ("  ", "secret"), ("a\0b", "secret")],
)
async def test_login_falls_not_through_after_a_redirect(
    house: House, browser: Browser, path: str, name: str, password: str
) -> None:
    """Bug of the seed: a log-in falls through after its redirect."""
    await sign_up(house, "ada", "secret")

    response, body = await browser.post(path, {"user": name, "pass": password})

    assert (303, "/", "") == (
        response.status,
        response.headers["Location"].partition("?")[0],
        body,
    )
    assert "AccessToken" not in response.cookies
    me, _ = await browser.get("/me")
    assert (303, "/") == (me.status, me.headers["Location"])


async def test_the_form_says_why_somebody_is_back_and_nothing_else(house: House) -> None:
    wrong = await house.request("GET", "/?no=wrong")
    other = await house.request("GET", "/?no=%3Cscript%3E")

    assert "The name or the password is wrong." in wrong.body
    assert '<p id="notice" class="notice" role="alert"></p>' in other.body


async def test_a_name_or_password_that_cannot_be_is_refused_with_a_reason(house: House) -> None:
    for name, password, reason in (
        ("x" * 65, "secret", "Choose another name"),
        ("admin", "secret", "Choose another name"),
        ("ada", "x" * 1025, "Choose a password"),
    ):
        answer = await sign_up(house, name, password)
        assert 303 == answer.status
        assert reason in (await house.request("GET", answer.location)).body


async def test_fifty_racing_sign_ups_of_one_name_make_one_account(house: House) -> None:
    answers = await asyncio.gather(
        *(sign_up(house, "ada", "secret", jar=str(number)) for number in range(50))
    )
    people = {
        json.loads((await house.request("GET", "/me", jar=str(number))).body)["UserId"]
        for number in range(50)
    }

    assert {(303, "/chat")} == {(answer.status, answer.location) for answer in answers}
    assert 1 == len(people)


async def test_the_cookie_is_for_the_server_alone(browser: Browser) -> None:
    cookie = await browser.sign_up("ada")

    assert ("/", True, "Lax", "", str(72 * 3600)) == (
        cookie["path"],
        cookie["httponly"],
        cookie["samesite"],
        cookie["secure"],
        cookie["max-age"],
    )
    assert "RS256" == jwt.get_unverified_header(cookie.value)["alg"]


async def test_the_cookie_goes_over_https_only_where_that_is_spoken(
    tmp_path: Path, passwords: Passwords
) -> None:
    async with (
        open_house(tmp_path, passwords, is_secure=True) as house,
        aiohttp.ClientSession() as session,
    ):
        browser = Browser(house, session)
        _, page = await browser.get("/")
        found = FORM_KEY.search(page)
        assert found is not None
        fields = {"form_key": found[1], "user": "ada", "pass": "secret"}
        url = f"{house.url}/auth/create"
        headers = {"Origin": house.url}
        async with session.post(url, data=fields, headers=headers, allow_redirects=False) as answer:
            cookies = answer.cookies

        assert cookies["AccessToken"]["secure"]


async def test_who_logs_out_is_nobody(browser: Browser) -> None:
    await browser.sign_up("ada")

    response, _ = await browser.post("/auth/logout", {}, page="/chat")

    assert (303, "/") == (response.status, response.headers["Location"])
    me, _ = await browser.get("/me")
    assert 303 == me.status


async def test_who_logs_out_leaves_no_socket_behind(house: House) -> None:
    ada, bob = await house.socket("ada"), await house.socket("bob")

    answer = await house.request("GET", "/chat", jar="ada")
    found = FORM_KEY.search(answer.body)
    assert found is not None
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"{house.url}/auth/logout",
            data={"form_key": found[1]},
            headers={"Origin": house.url, **house.accounts.cookie_header("ada", "/")},
            allow_redirects=False,
        ) as left,
    ):
        assert 303 == left.status
    closed = await ada.web_socket.receive(10)

    assert Closed(4500, "logged out") == closed
    assert [] == await bob.so_far()


async def test_a_form_outlives_a_restart_and_no_other_server_takes_it(
    tmp_path: Path, passwords: Passwords
) -> None:
    async with open_house(tmp_path, passwords) as house:
        await house.log_in("ada")
        page = await house.request("GET", "/chat", jar="ada")
        cookies = house.accounts.cookie_header("ada", "/")
    found = FORM_KEY.search(page.body)
    assert found is not None

    statuses = []
    for folder in (tmp_path, tmp_path / "other"):
        folder.mkdir(exist_ok=True)
        async with (
            open_house(folder, passwords) as house,
            aiohttp.ClientSession() as session,
            session.post(
                f"{house.url}/auth/logout",
                data={"form_key": found[1]},
                headers={"Origin": house.url, **cookies},
                allow_redirects=False,
            ) as answer,
        ):
            statuses.append(answer.status)

    assert [303, 403] == statuses


async def test_a_form_of_another_site_does_nothing(house: House, browser: Browser) -> None:
    await sign_up(house, "ada", "secret")
    fields = {"user": "ada", "pass": "secret"}
    evil = {"Origin": "http://evil.example"}

    for path in ("/auth/login", "/auth/create", "/auth/logout"):
        async with browser.session.post(browser.url + path, data=fields) as answer:
            assert 403 == answer.status
        response, body = await browser.post(path, fields, headers=evil)
        assert 403 == response.status
        assert "AccessToken" not in response.cookies
        assert "another site" in body
        assert FORM_KEY.search(body)


async def test_a_form_whose_sender_goes_is_no_error_of_ours(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    host, _, port = house.url.removeprefix("http://").partition(":")
    lines = (
        "POST /auth/login HTTP/1.1",
        f"Host: {host}:{port}",
        "Content-Type: application/x-www-form-urlencoded",
        "Content-Length: 100",
        "Expect: 100-continue",
    )
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write("\r\n".join([*lines, "", "user=ada"]).encode())
    async with asyncio.timeout(10):
        assert b"HTTP/1.1 100 Continue\r\n" == await reader.readline()
    writer.close()
    await writer.wait_closed()

    assert 200 == (await house.request("GET", "/")).status
    assert [] == caplog.records


# -- the throttle --------------------------------------------------------------------------------


async def test_five_wrong_passwords_a_minute_close_an_account(house: House) -> None:
    await sign_up(house, "ada", "secret")
    await sign_up(house, "bob", "secret")
    answers = [await enter(house, "ada", f"wrong {number}") for number in range(6)]
    answers += [await enter(house, "ADA", "secret"), await sign_up(house, "ada", "secret")]

    assert [303] * 5 + [429] * 3 == [answer.status for answer in answers]
    assert "Too many wrong passwords. Try again in" in answers[-1].body
    assert "/chat" == (await enter(house, "bob", "secret")).location


async def test_an_unknown_name_and_a_wrong_password_look_the_same(house: House) -> None:
    await sign_up(house, "ada", "secret")

    known = [await enter(house, "ada", "wrong") for _ in range(6)]
    unknown = [await enter(house, "nobody", "wrong") for _ in range(6)]

    assert [(one.status, one.location) for one in known[:5]] == [
        (one.status, one.location) for one in unknown[:5]
    ]
    # The address has failed ten times by now.
    assert (429, 429) == (known[5].status, unknown[5].status)


async def test_a_throttled_answer_says_when_to_come_back(house: House, browser: Browser) -> None:
    for _ in range(6):
        response, _ = await browser.post("/auth/login", {"user": "ada", "pass": "wrong"})

    assert 429 == response.status
    assert 0 < int(response.headers["Retry-After"]) <= 60


# -- who somebody is -----------------------------------------------------------------------------


async def test_session_user_swap(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bug of the seed: with one global SessionUser, concurrent /me calls swap identities."""
    names = ["ada", "bob"]
    for name in names:
        await house.log_in(name)
    both_are_read, by_id = asyncio.Barrier(2), Store.by_id

    async def by_id_together(store: Store, user_id: str) -> Account | None:
        account = await by_id(store, user_id)
        await both_are_read.wait()
        return account

    monkeypatch.setattr(Store, "by_id", by_id_together)

    async def who(name: str) -> str:
        answer = await house.request("GET", "/me", jar=name)
        return str(json.loads(answer.body)["Username"])

    for _ in range(10):
        assert names == await asyncio.gather(*(who(name) for name in names))


@pytest.mark.parametrize("cookie", ["rubbish", "a.b.c", "", "%00", "é", "." * 3000])
async def test_a_cookie_that_is_no_jwt_is_nobody_s(house: House, cookie: str) -> None:
    """Bug of the seed: a cookie that is no JWT panics the handler."""
    for path in ("/me", "/chat"):
        headers = {"Cookie": f"AccessToken={cookie}"}
        answer = await house.request("GET", path, headers=headers)
        assert (303, "/") == (answer.status, answer.location)
    assert 401 == (await house.request("GET", "/people?name=ada")).status


async def test_a_token_of_somebody_that_this_database_has_not_is_nobody_s(
    tmp_path: Path, passwords: Passwords
) -> None:
    async with open_house(tmp_path, passwords) as house:
        await house.log_in("ada")
        cookies = house.accounts.cookie_header("ada", "/")
    (tmp_path / "mirror.sqlite").unlink()

    async with open_house(tmp_path, passwords) as house:
        assert 303 == (await house.request("GET", "/me", headers=cookies)).status


async def test_people_are_found_by_name_id_and_channel(house: House) -> None:
    ada = await house.log_in("ada")
    await house.log_in("bob")
    person = {key: ada[key] for key in ("UserId", "Username", "ChannelId")}

    for query in ("name=ADA", f"id={ada['UserId']}", f"channel={ada['ChannelId']}"):
        answer = await house.request("GET", f"/people?{query}", jar="bob")
        assert (200, {"people": [person]}) == (answer.status, json.loads(answer.body))
    for query in ("name=eve", f"id={ada['ChannelId']}", f"channel={ada['UserId']}", "", "name="):
        answer = await house.request("GET", f"/people?{query}", jar="bob")
        assert (200, {"people": []}) == (answer.status, json.loads(answer.body))


async def test_people_are_those_with_whom_one_has_talked(house: House) -> None:
    ada, bob, eve = [await house.socket(name) for name in ("ada", "bob", "eve")]
    await house.log_in("dan")

    for one, other in ((ada, bob), (eve, ada), (bob, ada), (bob, eve)):
        channel = f"{one.me['UserId']}.{other.me['UserId']}"
        one.say("channel.publish", channel=channel, message="hello")
        assert [] == await one.so_far()

    async def people(name: str) -> list[str]:
        answer = await house.request("GET", "/people", jar=name)
        return [person["Username"] for person in json.loads(answer.body)["people"]]

    assert [["bob", "eve"], ["eve", "ada"], ["bob", "ada"], []] == [
        await people(name) for name in ("ada", "bob", "eve", "dan")
    ]


# -- every answer --------------------------------------------------------------------------------


async def test_every_answer_has_the_headers_that_keep_it_safe(browser: Browser) -> None:
    await browser.sign_up("ada")

    for path in ("/", "/chat", "/me", "/people?name=ada", "/people?name=x", "/static/chat.js"):
        response, _ = await browser.get(path)
        for name in HEADERS.keys() - {"Cache-Control"}:
            assert HEADERS[name] == response.headers[name]
        is_file = path.startswith("/static")
        assert response.headers["Cache-Control"] == ("no-cache" if is_file else "no-store")


async def test_a_database_that_fails_is_a_503(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.log_in("ada")

    async def fail(*_: object) -> None:
        raise StoreFailed("the disk is full")

    for call in ("find", "by_id"):
        monkeypatch.setattr(Store, call, fail)

    for answer in (
        await enter(house, "ada", "secret"),
        await house.request("GET", "/me", jar="ada"),
    ):
        assert 503 == answer.status
        assert "disk" not in answer.body


# -- where it is ---------------------------------------------------------------------------------


async def test_the_pages_may_be_under_another_path(tmp_path: Path, passwords: Passwords) -> None:
    async with (
        open_house(tmp_path, passwords, path="/talk/") as house,
        aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session,
    ):
        browser = Browser(house, session)
        fields = {"user": "ada", "pass": "secret"}
        response, _ = await browser.post("/talk/auth/create", fields, page="/talk/")
        assert ("/talk/chat", "/talk/") == (
            response.headers["Location"],
            response.cookies["AccessToken"]["path"],
        )
        assert 200 == (await browser.get("/talk/chat"))[0].status
        headers = {"Origin": house.url}
        async with session.ws_connect(f"{house.url}/talk/ws", headers=headers) as socket:
            assert "registered.success" == (await socket.receive_json())["code"]


def test_a_path_without_its_slashes_is_refused(tmp_path: Path) -> None:
    for path in ("talk/", "/talk", ""):
        with pytest.raises(ValueError, match="slash"):
            mirror.setup(
                web.Application(),
                goroom.Server(),
                database="sqlite:///x",
                keys=tmp_path,
                path=path,
            )
