"""Whether this goroom is compiled, and what Python has to be told then."""

from __future__ import annotations

import warnings
from importlib.machinery import EXTENSION_SUFFIXES

from goroom import turns

IS_COMPILED = turns.__file__.endswith(tuple(EXTENSION_SUFFIXES))
"""Whether mypyc has compiled what each message passes through (``GOROOM_COMPILE=1``)."""


def hush() -> None:
    """
    Have Python not warn where a handler is cancelled.

    mypyc's coroutines pass a cancellation on with three arguments, which Python 3.12 deprecates.
    The author of the handler, whose line the warning would name, can do nothing about it.
    """
    if IS_COMPILED:
        throw = r"the \(type, exc, tb\) signature of throw"
        warnings.filterwarnings("ignore", throw, DeprecationWarning)
