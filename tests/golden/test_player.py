"""The player itself, against a scripted server: each directive holds once and fails once."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import WSMsgType, web

from tests.golden.player import TranscriptFailed, play

if TYPE_CHECKING:
    from pathlib import Path

    from aiohttp.test_utils import TestServer

FORM = """
<form action="/elsewhere"><input type="hidden" name="proof" value="of another form"></form>
<form action="/auth/login"><input type=HIDDEN name="proof" value="right"><input name="user">
<button formaction="/auth/create">Sign up</button></form>
"""


class Script:
    """
    The scripted server: a frame ``{"say": [...]}`` makes it say so, ``{"do": ...}`` do so.

    It keeps what it has seen: upgrades' headers, other frames, close codes.
    """

    def __init__(self) -> None:
        self.upgrades: list[dict[str, str]] = []
        self.frames: list[str] = []
        self.close_codes: asyncio.Queue[int | None] = asyncio.Queue()
        self.users: list[str] = []
        self.application = web.Application()
        self.application.add_routes(
            [
                web.get("/", self.page),
                web.get("/ws", self.socket),
                web.get("/me", self.me),
                web.post("/auth/create", self.create),
                web.post("/auth/login", self.echo),
            ]
        )

    async def page(self, _request: web.Request) -> web.Response:
        return web.Response(text=FORM, content_type="text/html")

    async def create(self, request: web.Request) -> web.Response:
        form = await request.post()
        if form.get("proof") != "right" or not form.get("pass") or form["user"] == "banned":
            raise web.HTTPForbidden(text="no")
        name = str(form["user"])
        self.users.append(name)
        response = web.HTTPSeeOther("/chat?new")
        response.set_cookie("AccessToken", f"token-of-{name}")
        raise response

    async def me(self, request: web.Request) -> web.Response:
        name = request.cookies["AccessToken"].removeprefix("token-of-")
        return web.json_response({"UserId": f"id-{name}", "ChannelId": f"channel-{name}"})

    async def echo(self, request: web.Request) -> web.Response:
        seen = {"form": dict(await request.post()), "cookies": dict(request.cookies)}
        response = web.json_response(seen | {"headers": dict(request.headers)})
        response.set_cookie("visited", "yes")
        return response

    async def socket(self, request: web.Request) -> web.WebSocketResponse:
        self.upgrades.append(dict(request.headers))
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        try:
            async for message in ws:
                assert message.type is WSMsgType.TEXT
                match json.loads(message.data) if message.data.startswith("{") else message.data:
                    case {"say": list(frames)}:
                        for frame in frames:
                            await ws.send_str(
                                frame if isinstance(frame, str) else json.dumps(frame)
                            )
                    case {"do": "abort"}:
                        assert request.transport is not None
                        request.transport.abort()
                    case {"do": "binary"}:
                        await ws.send_bytes(b"{}")
                    case {"do": int(code)}:
                        await ws.close(code=code)
                    case _:
                        self.frames.append(message.data)
        finally:
            self.close_codes.put_nowait(ws.close_code)
        return ws


def says(*frames: object) -> dict[str, Any]:
    """Return the line that makes the server say *frames* to client ``a``."""
    return {"as": "a", "send": json.dumps({"say": frames})}


def does(action: object) -> dict[str, Any]:
    """Return the line that makes the server do *action* to client ``a``."""
    return {"as": "a", "send": json.dumps({"do": action})}


OPEN = {"open": "a", "path": "/ws"}
CAPTURED = [
    OPEN,
    says({"id": "x.y"}),
    {"as": "a", "expect": {"id": {"$any": True, "$capture": "id"}}},
]

HOLDS: dict[str, list[Any]] = {
    "a note": [{"note": "nothing to set up"}],
    "a key that is named and another that is not": [
        OPEN,
        says({"n": 1, "more": 2}),
        {"as": "a", "expect": {"n": 1}},
    ],
    "keys of nested objects": [
        OPEN,
        says({"error": {"code": 3, "message": "no"}}),
        {"as": "a", "expect": {"error": {"code": 3}}},
    ],
    "lists item by item": [
        OPEN,
        says({"l": [1, {"a": 1, "b": 2}]}),
        {"as": "a", "expect": {"l": [1, {"a": 1}]}},
    ],
    "null": [OPEN, says({"v": None}), {"as": "a", "expect": {"v": None}}],
    "$re": [OPEN, says({"s": "ab12"}), {"as": "a", "expect": {"s": {"$re": "[a-z]{2}[0-9]{2}"}}}],
    "$re with a capture": [
        *CAPTURED,
        says({"s": "<x.y>"}),
        {"as": "a", "expect": {"s": {"$re": "<{id}>"}}},
    ],
    "$any": [OPEN, says({"s": None}), {"as": "a", "expect": {"s": {"$any": True}}}],
    "$in": [
        OPEN,
        says({"s": {"a": 1, "b": 2}}),
        {"as": "a", "expect": {"s": {"$in": [1, {"a": 1}]}}},
    ],
    "$absent": [OPEN, says({}), {"as": "a", "expect": {"s": {"$absent": True}}}],
    "$capture": [
        *CAPTURED,
        says({"again": "{x.y}x.y"}),
        {"as": "a", "expect": {"again": "{x.y}{id}"}},
    ],
    "$capture of a number": [
        OPEN,
        says({"n": 5}),
        {"as": "a", "expect": {"n": {"$in": [5], "$capture": "n"}}},
        says("n is 5"),
        {"as": "a", "expect_exactly": "n is {n}"},
    ],
    "what is sent stands as it is but for captures": [
        *CAPTURED,
        {"as": "a", "send": '{"say": ["{id}{other}", "{{id}"]}'},
        {"as": "a", "expect_exactly": "x.y{other}"},
        {"as": "a", "expect_exactly": "{x.y"},
    ],
    "expect_exactly": [OPEN, says("not  JSON"), {"as": "a", "expect_exactly": "not  JSON"}],
    "a frame of several lines": [
        OPEN,
        says('{"n":1}\n{"n":2}\r\n{"n":3}'),
        {"as": "a", "expect": {"n": 1}},
        {"as": "a", "expect_unordered": [{"n": 3}, {"n": 2}]},
        {"as": "a", "quiet": 0.01},
    ],
    "expect_unordered, where only one order fits": [
        OPEN,
        says({"n": 1, "m": 1}, {"n": 1}, {"n": "z"}),
        {"as": "a", "expect_unordered": [{"n": {"$re": ".", "$capture": "z"}}, {"n": 1}, {"m": 1}]},
        says("z"),
        {"as": "a", "expect_exactly": "{z}"},
    ],
    "quiet": [OPEN, {"as": "a", "quiet": 0.01}],
    "two clients": [
        OPEN,
        {"open": "b", "path": "/ws"},
        says({"n": 1}),
        {"as": "b", "quiet": 0.01},
        {"as": "a", "expect": {"n": 1}},
    ],
    "close": [OPEN, {"close": "a"}, OPEN],
    "cut": [OPEN, {"cut": "a"}, OPEN],
    "closed with a code": [OPEN, does(4502), {"as": "a", "closed": 4502}, OPEN],
    "closed in any way": [OPEN, does(4001), {"as": "a", "closed": True}],
    "an aborted link": [OPEN, does("abort"), {"as": "a", "closed": True}],
    "a case": [
        *CAPTURED,
        {"case": "another"},
        OPEN,
        says("{id}"),
        {"as": "a", "expect_exactly": "{id}"},
    ],
    "a case keeps what users have": [
        {"open": "a", "path": "/ws", "cookie_of": "u1"},
        {"case": "another"},
        OPEN,
        says("id-u1 channel-u1"),
        {"as": "a", "expect_exactly": "{u1} {ch1}"},
    ],
    "http": [
        {
            "http": "POST",
            "path": "/auth/login",
            "form": {"user": "ann"},
            "headers": {"X-Tried": "1"},
            "status": 200,
            "contains": "ann",
            "expect": {
                "form": {"user": "ann", "proof": "right"},
                "headers": {"X-Tried": "1"},
                "cookies": {"visited": {"$absent": True}},
            },
        },
    ],
    "http with a jar": [
        {"http": "POST", "path": "/auth/login", "jar": "x", "form": {}},
        {
            "http": "POST",
            "path": "/auth/login",
            "jar": "x",
            "form": {},
            "expect": {"cookies": {"visited": "yes"}},
        },
        {
            "http": "POST",
            "path": "/auth/login",
            "jar": "y",
            "form": {},
            "expect": {"cookies": {"visited": {"$absent": True}}},
        },
        {
            "http": "POST",
            "path": "/auth/login",
            "expect": {
                "form": {"proof": {"$absent": True}},
                "cookies": {"visited": {"$absent": True}},
            },
        },
    ],
    "http as a user": [
        {
            "http": "POST",
            "path": "/auth/login",
            "cookie_of": "u2",
            "form": {"to": "{u2}"},
            "expect": {"cookies": {"AccessToken": "token-of-u2"}, "form": {"to": "id-u2"}},
        },
    ],
    "http with a redirect": [
        {
            "http": "POST",
            "path": "/auth/create",
            "jar": "x",
            "form": {"user": "ann", "pass": "p"},
            "status": 303,
            "location": "/chat",
        },
    ],
}

FAILS: dict[str, tuple[list[Any], str]] = {
    "another value": (
        [OPEN, says({"n": 1}), {"as": "a", "expect": {"n": 2}}],
        r"3: the frame\.n: expected 2, received 1",
    ),
    "true is not 1": (
        [OPEN, says({"n": True}), {"as": "a", "expect": {"n": 1}}],
        "3: .*expected 1, received True",
    ),
    "a missing key": (
        [OPEN, says({}), {"as": "a", "expect": {"n": 1}}],
        r"3: the frame\.n is missing",
    ),
    "a missing key of a nested object": (
        [OPEN, says({"e": {}}), {"as": "a", "expect": {"e": {"n": 1}}}],
        r"3: the frame\.e\.n is missing",
    ),
    "no object": (
        [OPEN, says({"e": 1}), {"as": "a", "expect": {"e": {"n": 1}}}],
        r"3: the frame\.e is no object",
    ),
    "a longer list": (
        [OPEN, says({"l": [1, 2]}), {"as": "a", "expect": {"l": [1]}}],
        "3: .*expected 1 items",
    ),
    "an item": (
        [OPEN, says({"l": [1, 2]}), {"as": "a", "expect": {"l": [1, 3]}}],
        r"3: the frame\.l\[1\]: expected 3",
    ),
    "$re matches only a part": (
        [OPEN, says({"s": "ab1"}), {"as": "a", "expect": {"s": {"$re": "[a-z]+"}}}],
        "3: .*does not match",
    ),
    "$re of a number": (
        [OPEN, says({"s": 1}), {"as": "a", "expect": {"s": {"$re": "1"}}}],
        "3: .*does not match",
    ),
    "$re with a capture, which is no pattern": (
        [*CAPTURED, says({"s": "xzy"}), {"as": "a", "expect": {"s": {"$re": "{id}"}}}],
        "5: .*does not match",
    ),
    "$any of a missing key": (
        [OPEN, says({}), {"as": "a", "expect": {"s": {"$any": True}}}],
        "3: .*is missing",
    ),
    "$in": (
        [OPEN, says({"s": 3}), {"as": "a", "expect": {"s": {"$in": [1, 2]}}}],
        "3: .*is none of",
    ),
    "$absent": (
        [OPEN, says({"s": 3}), {"as": "a", "expect": {"s": {"$absent": True}}}],
        "3: .*should be absent",
    ),
    "$capture": (
        [*CAPTURED, says({"id": "z"}), {"as": "a", "expect": {"id": "{id}"}}],
        "5: .*expected 'x.y', received 'z'",
    ),
    "a matcher that does not exist": (
        [OPEN, says({"s": 3}), {"as": "a", "expect": {"s": {"$some": True}}}],
        "3: .*does not know",
    ),
    "expect something that is no JSON": (
        [OPEN, says("oops"), {"as": "a", "expect": {}}],
        "3: expected JSON, received 'oops'",
    ),
    "expect_exactly": (
        [OPEN, says("a  b"), {"as": "a", "expect_exactly": "a b"}],
        "3: expected exactly 'a b', received 'a  b'",
    ),
    "no frame": ([OPEN, {"as": "a", "expect": {}}], "2: nothing came within 0.3 s"),
    "a binary frame": (
        [OPEN, does("binary"), {"as": "a", "expect": {}}],
        "3: expected a text frame",
    ),
    "closed instead of a frame": (
        [OPEN, does(4502), {"as": "a", "expect": {}}],
        "3: expected a frame, .*4502",
    ),
    "expect_unordered": (
        [OPEN, says({"n": 1}, {"n": 2}), {"as": "a", "expect_unordered": [{"n": 1}, {"n": 1}]}],
        "3: in no order",
    ),
    "quiet": (
        [OPEN, says("psst"), {"as": "a", "quiet": 1}],
        "3: expected nothing for 1 s, received 'psst'",
    ),
    "quiet with a line left over": (
        [OPEN, says("a\nb"), {"as": "a", "expect_exactly": "a"}, {"as": "a", "quiet": 1}],
        "4: .*'b'",
    ),
    "send without open": ([{"as": "a", "send": ""}], "1: client 'a' is not open"),
    "open twice": ([OPEN, OPEN], "2: client 'a' is open already"),
    "open what is no WebSocket": (
        [{"open": "a", "path": "/"}],
        "1: the upgrade was refused: HTTP 200",
    ),
    "close": ([{"close": "a"}], "1: client 'a' is not open"),
    "send after close": (
        [OPEN, {"close": "a"}, {"as": "a", "send": ""}],
        "3: client 'a' is not open",
    ),
    "cut": ([{"cut": "a"}], "1: client 'a' is not open"),
    "closed with another code": (
        [OPEN, does(4502), {"as": "a", "closed": 1009}],
        "3: expected close code 1009, .*4502",
    ),
    "closed after a frame": (
        [OPEN, says("bye"), does(4502), {"as": "a", "closed": 4502}],
        "4: .*received 'bye'",
    ),
    "closed, but it stays open": ([OPEN, {"as": "a", "closed": True}], "2: nothing came"),
    "a case closes the clients": (
        [OPEN, {"case": "b"}, {"as": "a", "send": ""}],
        "3: client 'a' is not open",
    ),
    "a case forgets captures": (
        [*CAPTURED, {"case": "b"}, OPEN, says("x.y"), {"as": "a", "expect_exactly": "{id}"}],
        "7: expected exactly '{id}'",
    ),
    "a user who cannot sign up": (
        [{"open": "a", "path": "/ws", "cookie_of": "banned"}],
        "1: signing up 'banned' was answered 403",
    ),
    "status": (
        [{"http": "GET", "path": "/", "status": 404}],
        "1: expected status 404, received 200",
    ),
    "location": (
        [
            {
                "http": "POST",
                "path": "/auth/create",
                "jar": "x",
                "form": {"user": "ann", "pass": "p"},
                "location": "/",
            }
        ],
        "1: expected location '/', received '/chat'",
    ),
    "contains": (
        [{"http": "GET", "path": "/", "contains": "Log out"}],
        "1: 'Log out' is not in the body",
    ),
    "expect of a body": (
        [{"http": "POST", "path": "/auth/login", "expect": {"form": {"a": "b"}}}],
        "1: .*form.a is missing",
    ),
    "expect of a body that is no JSON": (
        [{"http": "GET", "path": "/", "expect": {}}],
        "1: expected JSON",
    ),
    "a key that does not exist": (
        [{"note": "", "nota": 1}],
        r"1: the player does not know \['nota'\]",
    ),
    "a key of http that does not exist": (
        [{"http": "GET", "path": "/", "body": ""}],
        r"1: .*\['body'\]",
    ),
    "two directives": ([OPEN, {"as": "a", "send": "", "quiet": 1}], "2: a line is one directive"),
    "no directive": ([{"as": "a"}], "1: a line is one directive, this one has none"),
    "no client named": ([{"send": "x"}], "1: the line lacks 'as'"),
    "a line that is no object": ([["open", "a"]], "1: the line is no JSON object"),
}


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
async def play_lines(script: Script, aiohttp_server: Any, tmp_path: Path) -> Any:
    """Return a function that plays lines against the scripted server."""
    server: TestServer = await aiohttp_server(script.application)

    async def play_lines(lines: list[Any]) -> None:
        transcript = tmp_path / "transcript.jsonl"
        transcript.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
        await play(transcript, str(server.make_url("")), wait_seconds=0.3)

    return play_lines


@pytest.mark.parametrize("lines", HOLDS.values(), ids=HOLDS)
async def test_a_transcript_that_holds_is_played_to_its_end(
    play_lines: Any, lines: list[Any]
) -> None:
    await play_lines(lines)


@pytest.mark.parametrize(("lines", "reason"), FAILS.values(), ids=FAILS)
async def test_a_line_that_does_not_hold_is_named_with_its_file(
    play_lines: Any, lines: list[Any], reason: str
) -> None:
    with pytest.raises(TranscriptFailed) as failure:
        await play_lines(lines)

    failure.match(rf"^transcript\.jsonl:{reason}")


async def test_a_line_that_is_no_json_is_named_with_its_file(
    script: Script, aiohttp_server: Any, tmp_path: Path
) -> None:
    server = await aiohttp_server(script.application)
    transcript = tmp_path / "broken.jsonl"
    transcript.write_text('{"note": ""}\n{"open": "a"', "utf-8")

    with pytest.raises(TranscriptFailed, match=r"^broken\.jsonl:2: "):
        await play(transcript, str(server.make_url("")))


async def test_an_upgrade_takes_the_path_and_headers_of_the_line(
    script: Script, play_lines: Any
) -> None:
    await play_lines([{"open": "a", "path": "/ws?name=Ann", "headers": {"Role": "admin,player"}}])

    assert "admin,player" == script.upgrades[0]["Role"]
    assert not script.upgrades[0].keys() & {"Origin", "Cookie", "Sec-WebSocket-Protocol"}


async def test_an_upgrade_as_a_user_is_that_of_a_browser_with_cookies(
    script: Script, play_lines: Any
) -> None:
    line = {"path": "/ws", "cookie_of": "u1"}
    await play_lines([{"open": "a", **line}, {"open": "b", **line}])

    assert ["u1"] == script.users
    assert "AccessToken=token-of-u1" == script.upgrades[1]["Cookie"]
    assert f"http://{script.upgrades[1]['Host']}" == script.upgrades[1]["Origin"]


async def test_frames_are_sent_as_they_are_written(script: Script, play_lines: Any) -> None:
    await play_lines(
        [OPEN, {"as": "a", "send": "  {'x' \u00e9"}, says("x"), {"as": "a", "expect_exactly": "x"}]
    )

    assert ["  {'x' \u00e9"] == script.frames


async def test_a_close_is_1000_and_a_cut_is_none(script: Script, play_lines: Any) -> None:
    await play_lines([OPEN, {"close": "a"}, OPEN, {"cut": "a"}])

    assert 1000 == await script.close_codes.get()
    assert await script.close_codes.get() in {None, 1006}
