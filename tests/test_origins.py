"""OriginCheck, by itself; what it does to an upgrade stands in tests/protocol/test_origins.py."""

from __future__ import annotations

import pytest

from goroom.origins import ANY, OriginCheck

HOST = "play.example"


def test_a_program_that_sends_no_origin_may_connect_unless_a_cookie_logs_in() -> None:
    assert OriginCheck().allows(None, HOST)
    assert not OriginCheck(uses_cookies=True).allows(None, HOST)


def test_every_page_may_not_use_a_visitors_cookie() -> None:
    with pytest.raises(ValueError, match=r'cookie: list origins, not "\*"'):
        OriginCheck(["https://play.example", ANY], uses_cookies=True)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://play.example", "play.example"),
        ("https://play.example", "play.example:443"),
        ("http://play.example", "PLAY.example:80"),
        ("http://play.example:8080", "play.example:8080"),
        ("http://[::1]:8080", "[::1]:8080"),
    ],
)
def test_a_page_of_the_same_host_may_connect(origin: str, host: str) -> None:
    assert OriginCheck().allows(origin, host)
    assert OriginCheck(uses_cookies=True).allows(origin, host)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://evil.example", "play.example"),
        ("https://play.example:8443", "play.example"),
        ("https://play.example", "play.example:80"),
        ("https://play.example", ""),
        ("https://play.example", "play.example:nine"),
        ("https://play.example:99999", "play.example:99999"),
        ("https://", ""),
        ("null", "play.example"),
        ("http://play.example:0", "play.example"),
        ("http://play.example:80", "play.example"),
    ],
)
def test_a_page_of_another_host_may_not(origin: str, host: str) -> None:
    assert not OriginCheck().allows(origin, host)


@pytest.mark.parametrize("origin", ["play.example", "http://play.example/", "play.example/"])
def test_a_careless_origin_is_forgiven_where_no_cookie_logs_in(origin: str) -> None:
    assert OriginCheck().allows(origin, HOST)
    assert OriginCheck(["http://play.example"]).allows(origin, "games.example")
    assert not OriginCheck(uses_cookies=True).allows(origin, HOST)


@pytest.mark.parametrize("host", ["play.example", "play.example:80"])
def test_a_careless_origin_may_name_the_port_that_goes_without_saying(host: str) -> None:
    assert OriginCheck().allows("play.example:80", host)
    assert not OriginCheck().allows("play.example:8080", host)
    assert not OriginCheck(uses_cookies=True).allows("play.example:80", host)


def test_a_list_replaces_the_same_host() -> None:
    check = OriginCheck(["https://play.example", "http://localhost:9218"])

    assert check.allows("https://play.example", "games.example")
    assert check.allows("http://localhost:9218", "games.example")
    assert not check.allows("http://play.example", "games.example")
    assert not check.allows("https://games.example", "games.example")


def test_an_empty_list_lets_no_page_in() -> None:
    assert not OriginCheck([]).allows("http://play.example", HOST)


def test_a_star_lets_every_page_in() -> None:
    check = OriginCheck(["https://play.example", ANY])

    assert check.allows("https://evil.example", HOST)
    assert check.allows("null", HOST)


@pytest.mark.parametrize(
    "origin", ["play.example", "https://play.example/", "ws://play.example", "https://*.example:x"]
)
def test_what_is_no_origin_cannot_be_listed(origin: str) -> None:
    with pytest.raises(ValueError, match="is no origin: write scheme://host") as caught:
        OriginCheck([origin])
    assert repr(origin) in str(caught.value)


def test_pages_of_the_same_host_are_allowed_beside_others_where_self_says_so() -> None:
    check = OriginCheck(["self", "https://play.example"])

    assert check.allows(f"http://{HOST}", HOST)
    assert check.allows("https://play.example", HOST)
    assert not check.allows("https://evil.example", HOST)
    assert not OriginCheck(["https://play.example"]).allows(f"http://{HOST}", HOST)


@pytest.mark.parametrize("origin", ["localhost:9218", "http://localhost:9218/", "[::1]:9218"])
def test_names_of_this_machine_are_one_host_where_no_browser_asks(origin: str) -> None:
    host = "127.0.0.1:9218"

    assert OriginCheck().allows(origin, host)
    assert OriginCheck(uses_cookies=True).allows(origin, host, has_cookies=False)
    assert not OriginCheck(uses_cookies=True).allows(origin, host)
    assert not OriginCheck().allows(origin, "127.0.0.1:9219")
    assert not OriginCheck().allows(origin, "play.example:9218")
    assert not OriginCheck().allows("http://localhost:9218", host)
