"""Whether this goroom is compiled; a handler that is cancelled then warns nobody."""

from __future__ import annotations

import warnings

import pytest

from goroom import Server, cli, compiled

THROW = "the (type, exc, tb) signature of throw() is deprecated, use the single-arg signature"


def warns() -> bool:
    try:
        warnings.warn(THROW, DeprecationWarning, stacklevel=1)
    except DeprecationWarning:
        return True
    return False


@pytest.mark.parametrize("is_compiled", [False, True])
def test_a_server_that_is_compiled_hushes_what_mypyc_would_say_of_authors(
    *, is_compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiled, "IS_COMPILED", is_compiled)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Server()

        assert is_compiled == (not warns())
        with pytest.raises(DeprecationWarning):
            warnings.warn("anything else", DeprecationWarning, stacklevel=1)


@pytest.mark.parametrize(("is_compiled", "end"), [(False, cli.__version__), (True, "(compiled)")])
def test_the_version_says_so(
    end: str, *, is_compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiled, "IS_COMPILED", is_compiled)

    assert cli.version().endswith(end)
