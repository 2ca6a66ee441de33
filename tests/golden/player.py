"""
The player of golden transcripts: whatever ``README.md`` beside it defines, against any server.

It imports nothing of goroom. A line that does not hold raises `TranscriptFailed`, whose text begins
with the file's name and the line's number.
"""

from __future__ import annotations

import json
import re
import urllib.parse
from typing import TYPE_CHECKING, Any

from tests.golden.accounts import Accounts
from tests.golden.matching import Captures, Mismatch, fill, match, match_unordered
from tests.websocket import Closed, HandshakeRefused, WebSocket

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

WAIT_SECONDS = 5.0
"""How long a line waits for its frame, answer or close, unless the caller says otherwise."""


class TranscriptFailed(AssertionError):  # noqa: N818 -- a finding about the server, as a failed test is
    """A line of a transcript did not hold, or cannot be read; the text names file and line."""


async def play(transcript: Path, base_url: str, *, wait_seconds: float = WAIT_SECONDS) -> None:
    """
    Play *transcript* against the server at *base_url* (``http://host:port``) and check each line.

    All clients are closed when this returns or raises.

    Raises:
        TranscriptFailed: A line did not hold, or is none of those that the README defines.
    """
    lines = _lines(transcript)
    async with Accounts(base_url, wait_seconds=wait_seconds) as accounts:
        player = _Player(base_url, accounts, wait_seconds)
        try:
            for number, line in enumerate(lines, start=1):
                try:
                    await player.play_line(line)
                except TimeoutError as error:
                    reason = f"nothing came within {wait_seconds} s"
                    raise TranscriptFailed(f"{transcript.name}:{number}: {reason}") from error
                except KeyError as error:
                    reason = f"the line lacks {error}"
                    raise TranscriptFailed(f"{transcript.name}:{number}: {reason}") from error
                except (AssertionError, OSError, ValueError) as error:
                    raise TranscriptFailed(f"{transcript.name}:{number}: {error}") from error
        finally:
            player.abort_all()


def _lines(transcript: Path) -> list[str]:
    return transcript.read_text("utf-8").splitlines()


class _Peer:
    """One client of the transcript: its socket, and the lines of a frame not yet taken."""

    def __init__(self, socket: WebSocket) -> None:
        self.socket = socket
        self.lines: list[str] = []

    async def take(self, seconds: float) -> str:
        """Return the next frame."""
        if not self.lines:
            message = await self.socket.receive(seconds)
            if isinstance(message, Closed):
                raise Mismatch(f"expected a frame, but the server closed with {message}")
            if isinstance(message, bytes):
                raise Mismatch(f"expected a text frame, received the binary frame {message!r}")
            self.lines = re.split(r"\r?\n", message)
        return self.lines.pop(0)


class _Player:
    """The state of one play: clients, captures and what each directive does."""

    def __init__(self, base_url: str, accounts: Accounts, wait_seconds: float) -> None:
        self._base_url = base_url.rstrip("/")
        self._origin = {"Origin": self._base_url}
        self._accounts = accounts
        self._seconds = wait_seconds
        self._peers: dict[str, _Peer] = {}
        self._captures: Captures = {}
        self._directives: dict[
            str, tuple[set[str], Callable[[dict[str, Any]], Awaitable[None]]]
        ] = {
            "note": (set(), self._note),
            "case": (set(), self._case),
            "open": ({"path", "headers", "cookie_of"}, self._open),
            "send": ({"as"}, self._send),
            "expect": ({"as"}, self._expect),
            "expect_exactly": ({"as"}, self._expect_exactly),
            "expect_unordered": ({"as"}, self._expect_unordered),
            "quiet": ({"as"}, self._quiet),
            "close": (set(), self._close),
            "cut": (set(), self._cut),
            "closed": ({"as"}, self._closed),
        }
        self._http_keys = {"http", "path", "form", "jar", "cookie_of", "headers"}
        self._http_checks = {"status", "location", "contains", "expect"}

    async def play_line(self, line: str) -> None:
        """Do what *line* says, or raise what did not hold."""
        step = json.loads(line)
        if not isinstance(step, dict):
            raise Mismatch("the line is no JSON object")
        # An http line has an "expect" of its own, so it is looked for first.
        if "http" in step:
            self._refuse_unknown(step, self._http_keys | self._http_checks)
            await self._http(step)
            return
        names = step.keys() & self._directives.keys()
        if len(names) != 1:
            raise Mismatch(f"a line is one directive, this one has {sorted(names) or 'none'}")
        name = names.pop()
        keys, directive = self._directives[name]
        self._refuse_unknown(step, {name, *keys})
        await directive(step)

    def abort_all(self) -> None:
        """Cut every client that is still open."""
        for peer in self._peers.values():
            peer.socket.abort()
        self._peers.clear()

    @staticmethod
    def _refuse_unknown(step: dict[str, Any], known: set[str]) -> None:
        if unknown := step.keys() - known:
            raise Mismatch(f"the player does not know {sorted(unknown)} here")

    def _filled(self, text: str) -> str:
        """Return *text* with ``{name}`` replaced where *name* has been captured."""
        return fill(text, self._captures)

    def _peer(self, step: dict[str, Any]) -> _Peer:
        return self._named(step["as"])

    def _named(self, name: str) -> _Peer:
        if name not in self._peers:
            raise Mismatch(f"client {name!r} is not open")
        return self._peers[name]

    async def _note(self, _step: dict[str, Any]) -> None:
        """What the server must be set up with is the caller's affair."""

    async def _case(self, _step: dict[str, Any]) -> None:
        for name in list(self._peers):
            await self._close({"close": name})
        self._captures = dict(self._accounts.captures)

    async def _open(self, step: dict[str, Any]) -> None:
        if step["open"] in self._peers:
            raise Mismatch(f"client {step['open']!r} is open already")
        path = self._filled(step.get("path", "/"))
        headers = {}
        if "cookie_of" in step:
            await self._user(step["cookie_of"])
            headers = self._origin | self._accounts.cookie_header(step["cookie_of"], path)
        headers |= {key: self._filled(text) for key, text in step.get("headers", {}).items()}
        try:
            socket = await WebSocket.connect(self._base_url + path, headers=headers)
        except HandshakeRefused as refusal:
            raise Mismatch(f"the upgrade was refused: {refusal}") from refusal
        self._peers[step["open"]] = _Peer(socket)

    async def _send(self, step: dict[str, Any]) -> None:
        self._peer(step).socket.send_text(self._filled(step["send"]))

    async def _expect(self, step: dict[str, Any]) -> None:
        frame = await self._peer(step).take(self._seconds)
        self._captures = match(step["expect"], _json(frame), self._captures)

    async def _expect_exactly(self, step: dict[str, Any]) -> None:
        frame = await self._peer(step).take(self._seconds)
        expected = self._filled(step["expect_exactly"])
        if expected != frame:
            raise Mismatch(f"expected exactly {expected!r}, received {frame!r}")

    async def _expect_unordered(self, step: dict[str, Any]) -> None:
        peer = self._peer(step)
        frames = [_json(await peer.take(self._seconds)) for _ in step["expect_unordered"]]
        self._captures = match_unordered(step["expect_unordered"], frames, self._captures)

    async def _quiet(self, step: dict[str, Any]) -> None:
        try:
            frame = await self._peer(step).take(step["quiet"])
        except TimeoutError:
            return
        raise Mismatch(f"expected nothing for {step['quiet']} s, received {frame!r}")

    async def _close(self, step: dict[str, Any]) -> None:
        peer = self._named(step["close"])
        await peer.socket.close(1000)
        del self._peers[step["close"]]

    async def _cut(self, step: dict[str, Any]) -> None:
        self._named(step["cut"]).socket.abort()
        del self._peers[step["cut"]]

    async def _closed(self, step: dict[str, Any]) -> None:
        peer = self._peer(step)
        message = peer.lines or await peer.socket.receive(self._seconds)
        if not isinstance(message, Closed):
            raise Mismatch(f"expected the server to close, received {message!r}")
        if step["closed"] is not True and step["closed"] != message.code:
            raise Mismatch(f"expected close code {step['closed']}, the server gave {message}")
        del self._peers[step["as"]]

    async def _user(self, name: str) -> None:
        await self._accounts.ensure_user(name)
        self._captures |= self._accounts.captures

    async def _http(self, step: dict[str, Any]) -> None:
        if "cookie_of" in step:
            await self._user(step["cookie_of"])
        form = step.get("form")
        answer = await self._accounts.request(
            step["http"],
            self._filled(step["path"]),
            jar=step.get("cookie_of", step.get("jar")),
            headers={key: self._filled(text) for key, text in step.get("headers", {}).items()},
            form=None if form is None else {key: self._filled(form[key]) for key in form},
        )
        if "status" in step and step["status"] != answer.status:
            raise Mismatch(f"expected status {step['status']}, received {answer.status}")
        location = urllib.parse.urlsplit(answer.location).path
        if "location" in step and self._filled(step["location"]) != location:
            raise Mismatch(f"expected location {step['location']!r}, received {location!r}")
        if "contains" in step and self._filled(step["contains"]) not in answer.body:
            raise Mismatch(f"{step['contains']!r} is not in the body: {answer.body[:500]!r}")
        if "expect" in step:
            self._captures = match(step["expect"], _json(answer.body), self._captures)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise Mismatch(f"expected JSON, received {text!r}") from None
