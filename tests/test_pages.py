"""The page that a plain GET on an endpoint answers."""

from __future__ import annotations

from goroom.pages import PAGE_HEADERS, helpful_page, helpful_text

SCRIPT = "/games/goroom.js"


def test_the_text_names_the_path_the_applications_and_the_client() -> None:
    lines = helpful_text(["chess", "go"], "/games/", SCRIPT).splitlines()

    assert "This is a goroom endpoint: connect a WebSocket to /games/" == lines[0]
    assert "Applications: chess, go" == lines[1]
    assert f"Browser client: {SCRIPT}" == lines[-1]


def test_the_text_says_that_there_is_no_application() -> None:
    assert "Applications: none" in helpful_text([], "/", SCRIPT).splitlines()


def test_the_page_lists_the_applications_in_order() -> None:
    assert "<ul><li>chess</li><li>go</li></ul>" in helpful_page(["chess", "go"], SCRIPT)


def test_the_page_says_that_there_is_no_application() -> None:
    assert "<ul><li>none yet</li></ul>" in helpful_page([], SCRIPT)


def test_a_name_is_shown_and_never_run() -> None:
    page = helpful_page(["<script>alert(1)</script>"], "/'x'.js")

    assert "<li>&lt;script&gt;alert(1)&lt;/script&gt;</li>" in page
    assert "from '/&#x27;x&#x27;.js'" in page
    assert "<script" not in page


def test_a_page_may_load_from_its_own_host_only() -> None:
    policy = PAGE_HEADERS["Content-Security-Policy"]

    assert "default-src 'self'; connect-src 'self' ws: wss:" == policy
    assert "nosniff" == PAGE_HEADERS["X-Content-Type-Options"]
