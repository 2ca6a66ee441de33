"""The code in the README, the tutorial and the guide: found, written down, loaded."""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import attrs

from goroom import Server

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
README = ROOT / "README.md"
TUTORIALS = {"chat": DOCS / "tutorial/chat.md", "game": DOCS / "tutorial/game.md"}
GUIDES = sorted((DOCS / "guide").glob("*.md"))


@attrs.frozen
class Block:
    """A fenced block of a page."""

    language: str
    text: str
    caption: str = ""


def blocks(page: Path) -> Iterator[Block]:
    """Yield the fenced blocks of *page*, those of Markdown and those of MyST."""
    fence = re.compile(r"^```(.*)\n((?s:.)*?)^```$", re.MULTILINE)
    for info, body in fence.findall(page.read_text("utf-8")):
        directive, _, argument = info.partition(" ")
        lines = body.splitlines(keepends=True)
        options: dict[str, str] = {}
        while lines and (option := re.match(r":([\w-]+): (.*)$", lines[0])):
            options[option[1]] = option[2]
            del lines[0]
        language = argument if directive == "{code-block}" else directive
        yield Block(language, "".join(lines), options.get("caption", ""))


def written(folder: Path, block: Block) -> None:
    """
    Do with *block* what its caption tells a reader to do.

    ``a.py`` is a file, ``a.py, continued`` its next lines, ``a.py, class A`` a class of it anew.
    """
    name, _, what = block.caption.partition(", ")
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    if not what:
        path.write_text(block.text, "utf-8")
    elif what == "continued":
        path.write_text(path.read_text("utf-8") + block.text, "utf-8")
    else:
        lines = path.read_text("utf-8").splitlines(keepends=True)
        (old,) = [
            node
            for node in ast.parse("".join(lines)).body
            if isinstance(node, ast.ClassDef) and f"class {node.name}" == what
        ]
        lines[old.lineno - 1 : old.end_lineno] = [block.text]
        path.write_text("".join(lines), "utf-8")


def loaded(path: Path) -> ModuleType:
    """Return the file at *path* as a module, not run as a program."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def readme_server(folder: Path) -> Server:
    """Return the server of the README's program, which is written into *folder*."""
    program = next(block for block in blocks(README) if block.language == "python")
    path = folder / "hello.py"
    path.write_text(program.text, "utf-8")
    server: Server = loaded(path).server
    return server
