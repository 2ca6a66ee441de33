"""
The rules of the tree that import-linter does not know, each a function from a tree to its breaches.

They read source, never import it, so that a planted tree is checked like the real one.
A breach is one line that names the file, the line and what to do.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

AIOHTTP_EDGE = {
    "web",
    "sockets",
    "websocket",
    "plain_websocket",
    "frame_reader",
    "files",
    "process",
    "client",
    "testing",
    "pytest_plugin",
    "cli",
    "admin",
}
"""The modules of goroom that know aiohttp: all else runs in memory."""

BYTES_OF_VALUES = {"wire", "payloads", "values", "client", "testing", "cli", "logs"}
"""
The modules of goroom that make or read JSON: all others pass its bytes on.

`client` and `testing` are the other end of the wire and read frames for themselves.
"""

IMPORTED_ONLY_BY = {
    "aiohttp": AIOHTTP_EDGE,
    "json": BYTES_OF_VALUES,
    "msgspec.json": BYTES_OF_VALUES,
    "msgspec.msgpack": BYTES_OF_VALUES,
    "socket": AIOHTTP_EDGE,
    "ssl": AIOHTTP_EDGE,
}
"""Who in goroom may import what."""

NEVER_IMPORTED = {"dill", "marshal", "pickle", "shelve"}
NEVER_CALLED = {"eval", "exec"}
"""What runs the bytes of a stranger as code."""

PUBLIC_MODULES = ("goroom", "goroom.client", "goroom.testing")
"""What extensions and examples may import from; of these, the names in `__all__`."""


def sources(root: Path, *folders: str) -> Iterator[tuple[Path, ast.Module]]:
    """Yield each Python file under *folders* of *root*, relative to it, and its syntax tree."""
    for folder in folders:
        for path in sorted((root / folder).rglob("*.py")):
            yield path.relative_to(root), ast.parse(path.read_text("utf-8"))


def module_of(path: Path) -> str:
    """Return the layer's name of a file in goroom/: `wire` for goroom/wire/json.py."""
    return path.parts[1].removesuffix(".py")


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """
    Yield the line and the dotted name of all that *tree* imports, wherever it stands.

    `from a import b` is yielded as `a.b`; `import m` followed by `m.x` also as `m.x`, under the
    name that `as` gave it, so that `msgspec.json.encode` is found in each spelling.
    """
    named: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
                top = alias.name.partition(".")[0]
                named[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom):
            prefix = "." * node.level + (node.module or "")
            for alias in node.names:
                yield node.lineno, f"{prefix}.{alias.name}"
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id in named
        ):
            yield node.lineno, f"{named[node.value.id]}.{node.attr}"


def is_or_is_in(name: str, package: str) -> bool:
    """Tell whether the dotted *name* is *package* or something in it."""
    return name == package or name.startswith(package + ".")


def misplaced_imports(root: Path) -> list[str]:
    """Find who imports what only others may: aiohttp outside the edge, JSON outside the wire."""
    return [
        f"{path}:{line}: {module_of(path)} imports {name}: only {', '.join(sorted(allowed))} may"
        for path, tree in sources(root, "goroom")
        for line, name in imports(tree)
        for package, allowed in IMPORTED_ONLY_BY.items()
        if is_or_is_in(name, package) and module_of(path) not in allowed
    ]


def dangerous_code(root: Path) -> list[str]:
    """Find what could run the bytes of a stranger: pickles, and the names eval and exec."""
    found = []
    for path, tree in sources(root, "goroom", "extensions", "examples"):
        found += [
            f"{path}:{line}: imports {name}: bytes are never code, use goroom.values or msgspec"
            for line, name in imports(tree)
            if name.partition(".")[0] in NEVER_IMPORTED
            or (is_or_is_in(name, "builtins") and name.rpartition(".")[2] in NEVER_CALLED)
        ]
        found += [
            f"{path}:{node.lineno}: uses {node.id}: write the code out"
            for node in ast.walk(tree)
            if isinstance(node, ast.Name) and node.id in NEVER_CALLED
        ]
    return found


def public_names(root: Path, module: str) -> set[str]:
    """Return `__all__` of *module* as it stands in its source, empty where it has none."""
    stem = root.joinpath(*module.split("."))
    for path in (stem / "__init__.py", stem.with_suffix(".py")):
        if not path.exists():
            continue
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                return set(ast.literal_eval(node.value))
    return set()


def private_imports(root: Path) -> list[str]:
    """Find what extensions and examples import of goroom that is not public."""
    allowed = set(PUBLIC_MODULES) | {
        f"{module}.{name}" for module in PUBLIC_MODULES for name in public_names(root, module)
    }
    return [
        f"{path}:{line}: imports {name}, which is not public: see __all__ of "
        + " and ".join(PUBLIC_MODULES)
        for path, tree in sources(root, "extensions", "examples")
        for line, name in imports(tree)
        if is_or_is_in(name, "goroom") and name not in allowed
    ]


def untested_modules(root: Path) -> list[str]:
    """Find each module that has no test module in its place."""
    places = {"goroom": "tests", "extensions/goroom_extensions": "tests/extensions"}
    missing = []
    for folder, mirror in places.items():
        for path, _ in sources(root, folder):
            # A package's own file only names its parts; __main__ is one line of cli.
            if path.name.startswith("__"):
                continue
            within = path.relative_to(folder)
            test = Path(mirror, within.parent, f"test_{within.name}")
            if not (root / test).exists():
                missing.append(f"{path} has no {test}")
    return missing
