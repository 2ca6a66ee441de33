"""What the pages say is so: their code runs, their links lead somewhere, their tables are whole."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Callable
from html import unescape
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs
import goroom_extensions.broadcaster
import goroom_extensions.mesh
import goroom_extensions.mirror
import pytest
from aiohttp import web

import goroom
import goroom.client
import goroom.testing
from goroom.errors import ERROR_REASONS, ERROR_TEXTS
from goroom.testing import Stage
from tests.documentation import (
    DOCS,
    GUIDES,
    README,
    ROOT,
    TUTORIALS,
    blocks,
    readme_server,
    written,
)


def carried_out(tutorial: Path, folder: Path) -> list[str]:
    """Follow *tutorial* in *folder*; return what its test runs say beside what it says they say."""
    differing = []
    for block in blocks(tutorial):
        if block.caption:
            written(folder, block)
        elif block.language == "console":
            command, told = block.text.removeprefix("$ ").rstrip("\n").split("\n", 1)
            done = subprocess.run(
                [sys.executable, "-m", *command.split(), "-p", "no:cacheprovider"],
                cwd=folder,
                capture_output=True,
                check=False,
                text=True,
            )
            if not re.search(rf"^{told} in ", done.stdout, re.MULTILINE):
                differing.append(f"{told!r}, but:\n{done.stdout}{done.stderr}")
    return differing


# The README.


async def test_the_readmes_server_is_a_chat(tmp_path: Path) -> None:
    async with Stage(readme_server(tmp_path)) as stage:
        ada = await stage.player("ada")
        bob = await stage.player("bob")
        await ada.join("lobby")
        await bob.join("lobby")

        await ada.request("say", {"text": "hello"})
        with pytest.raises(goroom.RequestRefused, match="There is nothing to say"):
            await ada.request("say", {"text": " "})

        assert [{"text": "hello"}] == await bob.received("said")


def test_the_readmes_program_is_short() -> None:
    program = next(block for block in blocks(README) if block.language == "python")

    assert 15 <= len([line for line in program.text.splitlines() if line]) <= 25


async def test_the_readmes_ways_to_mount_mount() -> None:
    ways = [block for block in blocks(README) if block.language == "python"][1].text.splitlines()

    assert "server.run(" in ways[0]
    for way in ways[1:]:
        site = web.Application()
        exec(way, {"goroom": goroom, "server": goroom.Server(), "site": site})  # noqa: S102 -- a line of our own README
        paths = {resource.canonical for resource in site.router.resources()}
        assert any(path.startswith("/games") for path in paths)


def test_the_readmes_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", README.read_text("utf-8"))

    missing = [one for one in targets if "://" not in one and not (ROOT / one).exists()]

    assert [] == missing


def test_the_readmes_words_of_dev_py_are_words() -> None:
    words = set(re.findall(r"python3 dev\.py (\w+)", README.read_text("utf-8")))
    known = set(re.findall(r'^    "(\w+)": \(', (ROOT / "dev.py").read_text(), re.MULTILINE))

    assert words
    assert words <= known


# The tutorial and the guide.


@pytest.mark.parametrize("name", TUTORIALS)
def test_a_tutorials_steps_do_what_it_says(name: str, tmp_path: Path) -> None:
    """Each test run that it prints is run on what is written up to there."""
    assert [] == carried_out(TUTORIALS[name], tmp_path)


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.stem)
def test_a_guides_python_is_python(page: Path) -> None:
    """Definitions are executed, so their names and decorators are right; the rest is compiled."""
    names: dict[str, Any] = {}
    exec("import asyncio\nimport aiohttp.web, attrs, goroom.client\nfrom goroom import *", names)  # noqa: S102 -- ours
    for block in blocks(page):
        if block.language != "python" or block.caption:
            continue
        tree = ast.parse(block.text)
        compile(tree, str(page), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        kept = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef, ast.Import, ast.ImportFrom)
        tree.body = [node for node in tree.body if isinstance(node, kept)]
        exec(compile(tree, str(page), "exec"), names)  # noqa: S102 -- a block of our own guide


@pytest.mark.parametrize("name", ["testing", "reconnecting"])
def test_the_tests_of_a_guide_pass(name: str, tmp_path: Path) -> None:
    page = DOCS / f"guide/{name}.md"
    code = [block.text for block in blocks(page) if block.language == "python"]
    tests = len(re.findall(r"^async def test_", "".join(code), re.MULTILINE))
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\n")
    (tmp_path / "test_guide.py").write_text("\n\n".join(["from goroom import *", *code]))

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
        text=True,
    )

    assert f"{tests} passed" in done.stdout, done.stdout


# The reference.


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the documentation as `dev.py docs` does: offline, and each warning is an error."""
    folder = tmp_path_factory.mktemp("docs")
    command = [sys.executable, "-m", "sphinx", "-E", "-n", "-W", "--keep-going", "-q"]
    done = subprocess.run(
        [*command, "-d", folder / "doctrees", DOCS, folder / "html"],
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return folder / "html"


@pytest.fixture(scope="session")
def reference(built: Path) -> Callable[[str], str]:
    """Return what gives the text of a page of the reference, one line for each row of a table."""

    def text(page: str) -> str:
        html = (built / "reference" / f"{page}.html").read_text("utf-8")
        html = re.sub(r"(?s)<(style|script).*?</\1>", "", html)
        rows = re.sub(r"</tr>", "\n", html.replace("\n", " "))
        return "\n".join(
            " ".join(unescape(re.sub(r"<[^>]+>", "", row)).split()) for row in rows.split("\n")
        )

    return text


def documented(built: Path) -> set[str]:
    """Return every name of Python that has an entry in the reference."""
    return {
        unescape(name)
        for page in (built / "reference").glob("*.html")
        for name in re.findall(r'<dt class="[^"]*sig-object[^"]*" id="([^"]+)"', page.read_text())
    }


@pytest.mark.parametrize(
    "module", [goroom, goroom.client, goroom.testing], ids=lambda module: module.__name__
)
def test_each_public_name_has_an_entry(module: ModuleType, built: Path) -> None:
    public = {f"{module.__name__}.{name}" for name in module.__all__}

    assert set() == public - documented(built)


def test_each_ready_made_extension_has_an_entry(built: Path) -> None:
    folder = ROOT / "extensions/goroom_extensions"
    classes = {
        f"goroom_extensions.{path.stem}.{node.name}"
        for path in folder.glob("*.py")
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.ClassDef)
    }
    packages = (goroom_extensions.broadcaster, goroom_extensions.mesh, goroom_extensions.mirror)
    names = {
        f"{package.__name__}.{name}"
        for package in packages
        for name in package.__all__
        if not name.isupper()  # constants stand in the text
    }
    names.remove("goroom_extensions.broadcaster.Conn")  # goroom's own

    assert set() == (classes | names) - documented(built)


def test_the_codes_are_those_of_the_code(reference: Callable[[str], str]) -> None:
    rows = reference("codes")

    for code, text in ERROR_TEXTS.items():
        assert re.search(rf"^{code} {ERROR_REASONS[code]} {text} \w+", rows, re.MULTILINE)
    for close_code in (1001, 1007, 1011, 4001, 4010, 4500, 4501, 4502, 4509):
        assert re.search(rf"^{close_code} \w+", rows, re.MULTILINE)


def test_the_limits_are_those_of_the_code(reference: Callable[[str], str]) -> None:
    rows = reference("limits")

    for field in attrs.fields(goroom.Limits):
        assert re.search(
            rf"^{field.name} {field.default:,} \w+ (server|application|endpoint) \w+",
            rows,
            re.MULTILINE,
        ), field.name


def test_the_events_of_the_wire_are_numbered_as_in_the_code(
    reference: Callable[[str], str],
) -> None:
    rows = reference("wire")

    for event in goroom.EventType:
        assert re.search(rf"^{event.value} {event.name} {event.text}$", rows, re.MULTILINE)


def test_the_log_events_are_those_of_the_code(reference: Callable[[str], str]) -> None:
    """Found another way than by the script that makes the table: by what the lines look like."""
    rows = reference("log-events")
    found = {
        name
        for path in (ROOT / "goroom").rglob("*.py")
        for name in re.findall(
            r"\blog\.(?:debug|info|warning|error|exception)\(\s*\"(\w+)\"", path.read_text("utf-8")
        )
    }

    listed = re.findall(r"^([a-z_]+) (?:debug|info|warning|error)\b", rows, re.MULTILINE)
    assert found == set(listed)


def test_the_command_line_is_what_the_program_prints(reference: Callable[[str], str]) -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "goroom", "serve", "--help"],
        capture_output=True,
        check=True,
        text=True,
    )

    flags = set(re.findall(r"--[a-z]+(?:-[a-z]+)*", printed.stdout))
    assert flags <= set(re.findall(r"--[a-z]+(?:-[a-z]+)*", reference("command-line")))


def test_the_architecture_names_each_module() -> None:
    told = set(re.findall(r"`(\w+)/?`", (DOCS / "internals/architecture.md").read_text("utf-8")))
    modules = {path.stem for path in (ROOT / "goroom").glob("*.py") if path.name[0] != "_"}

    assert set() == modules - told
