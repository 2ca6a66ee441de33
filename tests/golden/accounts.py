"""The HTTP half of the player: jars of cookies, hidden fields of forms, users signed up."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Self

import aiohttp
import attrs
from yarl import URL

from tests.golden.matching import Captures, Mismatch

if TYPE_CHECKING:
    from types import TracebackType


@attrs.frozen
class Answer:
    """What a transcript can check of an HTTP answer."""

    status: int
    location: str
    body: str


class Accounts:
    """One session per jar and per user of a transcript, as so many browsers would have."""

    def __init__(self, base_url: str, *, wait_seconds: float) -> None:
        self._base_url = URL(base_url)
        self._timeout = aiohttp.ClientTimeout(total=wait_seconds)
        self._sessions: dict[str | None, aiohttp.ClientSession] = {}
        self._users: set[str] = set()
        self.captures: Captures = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for session in self._sessions.values():
            await session.close()

    async def ensure_user(self, name: str) -> None:
        """
        Sign *name* up if the transcript names it for the first time; keep its ids as captures.

        Raises:
            Mismatch: The server did not sign it up, or ``GET /me`` does not tell its ids.
        """
        if name in self._users:
            return
        form = {"user": name, "pass": f"{name}-Passw0rd-of-a-transcript"}
        answer = await self.request("POST", "/auth/create", jar=name, form=form)
        if answer.status >= 400:
            raise Mismatch(f"signing up {name!r} was answered {answer.status}: {answer.body[:500]}")
        answer = await self.request("GET", "/me", jar=name)
        try:
            me = json.loads(answer.body)
            self.captures |= {name: me["UserId"], f"ch{name.removeprefix('u')}": me["ChannelId"]}
        except (ValueError, KeyError, TypeError):
            raise Mismatch(f"GET /me of {name!r}: {answer.status} {answer.body[:500]!r}") from None
        self._users.add(name)

    def cookie_header(self, jar: str, path: str) -> dict[str, str]:
        """Return the ``Cookie`` header that goes to *path* from *jar*, empty if it has none."""
        cookies = self._session(jar).cookie_jar.filter_cookies(self._base_url.join(URL(path)))
        text = "; ".join(f"{cookie.key}={cookie.coded_value}" for cookie in cookies.values())
        return {"Cookie": text} if text else {}

    async def request(
        self,
        method: str,
        path: str,
        *,
        jar: str | None = None,
        headers: dict[str, str] | None = None,
        form: dict[str, str] | None = None,
    ) -> Answer:
        """Make one request from *jar*; a *form* takes the hidden fields of the one on ``/``."""
        data = None
        if form is not None:
            page = await self._once("GET", "/", jar, {}, None)
            data = _hidden_fields(page.body, path) | form
        return await self._once(method, path, jar, headers or {}, data)

    async def _once(
        self,
        method: str,
        path: str,
        jar: str | None,
        headers: dict[str, str],
        data: dict[str, str] | None,
    ) -> Answer:
        try:
            async with self._session(jar).request(
                method,
                self._base_url.join(URL(path)),
                headers={"Origin": str(self._base_url.origin()), **headers},
                data=data,
                allow_redirects=False,
                timeout=self._timeout,
            ) as response:
                location = response.headers.get("Location", "")
                return Answer(response.status, location, await response.text(errors="replace"))
        except aiohttp.ClientError as error:
            raise Mismatch(f"{method} {path} was not answered: {error}") from error

    def _session(self, jar: str | None) -> aiohttp.ClientSession:
        if jar not in self._sessions:
            # unsafe: the server under test has a number for a host.
            cookies = aiohttp.CookieJar(unsafe=True) if jar else aiohttp.DummyCookieJar()
            self._sessions[jar] = aiohttp.ClientSession(cookie_jar=cookies)
        return self._sessions[jar]


class _Forms(HTMLParser):
    """Collects each form of a page: where it goes, and its hidden fields."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[set[str], dict[str, str]]] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        named = {key: value or "" for key, value in attributes}
        if tag == "form":
            self.forms.append(({named.get("action", "")}, {}))
        if not self.forms:
            return
        actions, fields = self.forms[-1]
        if tag == "input" and named.get("type", "").lower() == "hidden" and "name" in named:
            fields[named["name"]] = named.get("value", "")
        if "formaction" in named:
            actions.add(named["formaction"])


def _hidden_fields(page: str, path: str) -> dict[str, str]:
    """Return the hidden fields of the form of *page* that goes to *path*, else of the first."""
    parser = _Forms()
    parser.feed(page)
    for actions, fields in parser.forms:
        if path in actions:
            return fields
    return parser.forms[0][1] if parser.forms else {}
