"""
What pyproject.toml cannot say: which modules are compiled, where ``GOROOM_COMPILE=1`` asks for it.

They are those of `compiling/modules.txt`: what each message passes through. What authors subclass
or change (extensions, rooms, users) stays Python's; so do classes that attrs or msgspec makes.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from setuptools import setup

BUILDING = {"bdist_wheel", "build_ext"}
"""Commands that compile. The others only ask what there is, or install what is edited."""


def extensions() -> list[Any]:
    """Return the compiled modules; none, unless they are asked for."""
    asked = os.environ.get("GOROOM_COMPILE", "0")
    if asked not in {"0", "1"}:
        raise SystemExit(f"GOROOM_COMPILE is {asked!r}: say 1 to compile, or 0")
    if asked == "0" or BUILDING.isdisjoint(sys.argv):
        return []
    from mypyc.build import mypycify  # noqa: PLC0415 -- only there where it is asked for

    # Other versions of what goroom imports, or none of an extra, do not make these types wrong.
    options = ["--follow-imports=silent", "--no-warn-unused-ignores"]
    paths = Path("compiling/modules.txt").read_text().split()
    return list(mypycify([*options, *paths], group_name="goroom"))


setup(ext_modules=extensions())
