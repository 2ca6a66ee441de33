"""Tokens: RS256, keys of our own, and no way round them."""

from __future__ import annotations

import base64
import errno
import hashlib
import hmac
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from goroom_extensions.mirror.store import Account
from goroom_extensions.mirror.tokens import Claims, Tokens
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ANN = Account("a" * 22, "Ann Ü", "A" * 22)
NOW = 1_800_000_000
HOUR = 3600


class Watch:
    """A clock to turn."""

    def __init__(self) -> None:
        self.seconds: float = NOW

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def watch() -> Watch:
    """Return a clock to turn."""
    return Watch()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return where the keys shall be."""
    return tmp_path / "keys"


@pytest.fixture(scope="module")
def key() -> bytes:
    """Return the file of a key, made once: it takes long."""
    return pem(rsa.generate_private_key(65537, 2048))


@pytest.fixture
def tokens(folder: Path, key: bytes, watch: Watch) -> Tokens:
    """Return tokens that have a key."""
    folder.mkdir(0o700)
    (folder / "1.pem").touch(0o600)
    (folder / "1.pem").write_bytes(key)
    return Tokens(folder, now=watch)


def pem(private: Any) -> bytes:
    """Return the file of a private key."""
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    written: bytes = private.private_bytes(encoding, form, serialization.NoEncryption())
    return written


def private_key(folder: Path, number: int = 1) -> rsa.RSAPrivateKey:
    """Return a key of *folder*."""
    key = serialization.load_pem_private_key((folder / f"{number}.pem").read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def claims(**changed: object) -> dict[str, object]:
    """Return what a token of ours says, but for what is *changed*; None takes a claim away."""
    said = {
        "UserId": ANN.id,
        "Username": ANN.name,
        "ChannelId": ANN.channel_id,
        "exp": NOW + HOUR,
        **changed,
    }
    return {name: value for name, value in said.items() if value is not None}


def signed(tokens: Tokens, folder: Path, said: dict[str, Any]) -> str:
    """Return a token that says what *said* says, signed by the key of *tokens*."""
    kid = jwt.get_unverified_header(tokens.issue(ANN))["kid"]
    return jwt.encode(said, private_key(folder), "RS256", {"kid": kid})


def part(value: object) -> str:
    """Return a part of a token."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_a_token_says_who_has_got_it_and_until_when(tokens: Tokens) -> None:
    assert tokens.read(tokens.issue(ANN)) == Claims(ANN.id, ANN.name, ANN.channel_id, NOW + 259200)
    assert tokens.seconds == 72 * HOUR


def test_a_token_is_an_rs256_jwt_with_the_claims_of_the_seed(tokens: Tokens, folder: Path) -> None:
    token = tokens.issue(ANN)
    header = jwt.get_unverified_header(token)
    public = private_key(folder).public_key()
    said = jwt.decode(token, public, ["RS256"], options={"verify_exp": False})

    assert header["alg"] == "RS256"
    assert re.fullmatch("[A-Za-z0-9_-]{22}", header["kid"])
    assert claims(exp=NOW + 72 * HOUR) == said
    assert private_key(folder).key_size == 2048


def test_two_tokens_of_one_second_are_not_the_same(tokens: Tokens) -> None:
    assert tokens.issue(ANN) != tokens.issue(ANN)


def test_a_token_is_over_at_its_time(tokens: Tokens, watch: Watch) -> None:
    token = tokens.issue(ANN)
    watch.seconds += 72 * HOUR - 1
    at_last = tokens.read(token)
    watch.seconds += 1

    assert at_last
    assert tokens.read(token) is None


def test_tokens_outlive_a_restart(tokens: Tokens, folder: Path, watch: Watch) -> None:
    token = tokens.issue(ANN)

    assert Tokens(folder, now=watch).read(token) == tokens.read(token)
    assert [path.name for path in folder.iterdir()] == ["1.pem"]


# What is no token of ours.


def text_of(tokens: Tokens, **header: object) -> str:
    """Return what is signed of a token that says what ours do, under another header."""
    ours = jwt.get_unverified_header(tokens.issue(ANN))
    return part({**ours, **header}) + "." + part(claims())


def no_algorithm(tokens: Tokens, _folder: Path) -> str:
    return text_of(tokens, alg="none") + "."


def the_public_key_as_a_secret(tokens: Tokens, folder: Path) -> str:
    public = private_key(folder).public_key()
    secret = public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    text = text_of(tokens, alg="HS256")
    signature = hmac.digest(secret, text.encode(), hashlib.sha256)
    return f"{text}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def another_key_under_our_id(tokens: Tokens, _folder: Path) -> str:
    kid = jwt.get_unverified_header(tokens.issue(ANN))["kid"]
    return jwt.encode(claims(), rsa.generate_private_key(65537, 2048), "RS256", {"kid": kid})


def an_unknown_id(_tokens: Tokens, folder: Path) -> str:
    return jwt.encode(claims(), private_key(folder), "RS256", {"kid": "x" * 22})


def no_id(_tokens: Tokens, folder: Path) -> str:
    return jwt.encode(claims(), private_key(folder), "RS256")


def an_id_that_is_a_path(_tokens: Tokens, folder: Path) -> str:
    return jwt.encode(claims(), private_key(folder), "RS256", {"kid": "../keys/1.pem"})


def another_algorithm(tokens: Tokens, folder: Path) -> str:
    kid = jwt.get_unverified_header(tokens.issue(ANN))["kid"]
    return jwt.encode(claims(), private_key(folder), "RS512", {"kid": kid})


def another_name(tokens: Tokens, _folder: Path) -> str:
    header, _claims, signature = tokens.issue(ANN).split(".")
    return f"{header}.{part(claims(Username='root'))}.{signature}"


def no_name_for_the_signature(tokens: Tokens, _folder: Path) -> str:
    return tokens.issue(ANN).rpartition(".")[0] + "."


@pytest.mark.parametrize(
    "forge",
    [
        no_algorithm,
        the_public_key_as_a_secret,
        another_key_under_our_id,
        an_unknown_id,
        no_id,
        an_id_that_is_a_path,
        another_algorithm,
        another_name,
        no_name_for_the_signature,
    ],
)
def test_a_forged_token_is_none(
    tokens: Tokens, folder: Path, forge: Callable[[Tokens, Path], str]
) -> None:
    assert tokens.read(forge(tokens, folder)) is None


def test_what_the_forgers_start_from_is_a_token(tokens: Tokens, folder: Path) -> None:
    assert tokens.read(signed(tokens, folder, claims())) == Claims(
        ANN.id, ANN.name, ANN.channel_id, NOW + HOUR
    )


@pytest.mark.parametrize("claim", ["UserId", "Username", "ChannelId", "exp"])
@pytest.mark.parametrize("value", [None, "", 7, 1.5, True, [], {}, ["a"]])
def test_a_claim_of_another_type_is_none(
    tokens: Tokens, folder: Path, claim: str, value: object
) -> None:
    assert tokens.read(signed(tokens, folder, claims(**{claim: value}))) is None


@pytest.mark.parametrize(
    "garbage",
    [
        *("", ".", "..", "...", "a.b.c", "not a token", "\0", "é.é.é", "\ud800.a.b", "=.=.="),
        part({"kid": []}) + ".e30.",
        part([]) + ".e30.",
        part(None) + ".e30.",
        part("x") + "." + part("y") + ".z",
        base64.urlsafe_b64encode(b"[" * 2900).decode() + ".e30.",
        base64.urlsafe_b64encode(b'{"kid":' + b"9" * 2800 + b"}").decode() + ".e30.",
        "a" * 10_000_000,
    ],
    ids=lambda text: text[:10],
)
def test_a_cookie_that_is_no_jwt_is_none_and_no_panic(tokens: Tokens, garbage: str) -> None:
    assert tokens.read(garbage) is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # reading changes nothing
@given(
    st.text(max_size=40) | st.text("abcXYZ019-_.=", max_size=400),
    st.integers(0, 600),
    st.integers(0, 600),
)
def test_no_text_whatever_raises(tokens: Tokens, other: str, start: int, length: int) -> None:
    token = tokens.issue(ANN)
    changed = token[:start] + other + token[start + length :]

    assert tokens.read(other) is None
    assert tokens.read(changed) in (None, tokens.read(token))


# Keys.


def test_keys_are_their_owners_only(folder: Path) -> None:
    Tokens(folder).rotate()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}

    assert {"1.pem": 0o600, "2.pem": 0o600} == modes
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_keys_of_two_servers_differ(tmp_path: Path) -> None:
    one, other = Tokens(tmp_path / "one"), Tokens(tmp_path / "other")

    assert one.read(other.issue(ANN)) is None


def test_after_a_rotation_old_tokens_are_good_until_they_are_over(
    tokens: Tokens, folder: Path, watch: Watch
) -> None:
    watch.seconds += 10 * HOUR
    before = tokens.issue(ANN)
    tokens.rotate()
    after = tokens.issue(ANN)
    watch.seconds += 72 * HOUR - 1
    forever = signed(Tokens(folder, now=watch), folder, claims(exp=NOW * 2))
    at_last = tokens.read(before)
    watch.seconds += 1

    assert kid(before) != kid(after)
    assert at_last
    assert tokens.read(before) is None
    assert tokens.read(after) is None
    assert tokens.read(tokens.issue(ANN))
    assert forever


def test_a_key_that_is_over_reads_nothing_whatever_the_token_says(
    tokens: Tokens, folder: Path, watch: Watch
) -> None:
    forever = signed(tokens, folder, claims(exp=NOW * 2))
    tokens.rotate()
    watch.seconds += 72 * HOUR - 1
    at_last = tokens.read(forever)
    watch.seconds += 1

    assert at_last
    assert tokens.read(forever) is None
    assert Tokens(folder, now=watch).read(forever) is None


def test_the_tenth_key_is_newer_than_the_ninth(folder: Path, tokens: Tokens) -> None:
    (folder / "1.pem").rename(folder / "9.pem")
    before = tokens.issue(ANN)
    tokens.rotate()
    restarted = Tokens(folder, now=tokens._now)

    assert {"9.pem", "10.pem"} == {path.name for path in folder.iterdir()}
    assert kid(before) != kid(tokens.issue(ANN)) == kid(restarted.issue(ANN))
    assert restarted.read(before)


def test_another_process_finds_the_key_that_one_has_made(
    tokens: Tokens, folder: Path, watch: Watch
) -> None:
    other = Tokens(folder, now=watch)
    other.rotate()
    watch.seconds += 5
    token = other.issue(ANN)

    assert tokens.read(token)
    assert kid(token) == kid(tokens.issue(ANN))


def test_the_folder_is_not_looked_at_for_every_wrong_token(
    tokens: Tokens, folder: Path, watch: Watch
) -> None:
    wrong = an_unknown_id(tokens, folder)
    watch.seconds += 5
    tokens.read(wrong)
    other = Tokens(folder, now=watch)
    other.rotate()
    at_once = tokens.read(other.issue(ANN))
    watch.seconds += 5

    assert at_once is None
    assert tokens.read(other.issue(ANN))


def test_a_clock_that_is_set_back_hides_no_key(tokens: Tokens, folder: Path, watch: Watch) -> None:
    watch.seconds -= HOUR
    other = Tokens(folder, now=watch)
    other.rotate()

    assert tokens.read(other.issue(ANN))


def test_a_deleted_key_reads_nothing_after_a_restart(
    tokens: Tokens, folder: Path, watch: Watch
) -> None:
    token = tokens.issue(ANN)
    tokens.rotate()
    (folder / "1.pem").unlink()
    restarted = Tokens(folder, now=watch)
    restarted.rotate()

    assert restarted.read(token) is None
    assert {"2.pem", "3.pem"} == {path.name for path in folder.iterdir()}


def test_a_folder_that_is_lost_under_a_running_server_ends_nothing(
    tokens: Tokens, folder: Path, watch: Watch
) -> None:
    token, wrong = tokens.issue(ANN), an_unknown_id(tokens, folder)
    shutil.rmtree(folder)
    watch.seconds += 5

    assert tokens.read(wrong) is None
    assert tokens.read(token)
    assert tokens.read(tokens.issue(ANN))


def test_a_key_that_is_spoilt_under_a_running_server_ends_nothing(
    tokens: Tokens, folder: Path, watch: Watch
) -> None:
    token, wrong = tokens.issue(ANN), an_unknown_id(tokens, folder)
    (folder / "2.pem").write_text("spoilt")
    watch.seconds += 5

    assert tokens.read(wrong) is None
    assert tokens.read(token)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is no private key"),
        (b"\xff\xfe", "is no private key"),
        (b"-----BEGIN PUBLIC KEY-----\n", "is no private key"),
        (pem(ec.generate_private_key(ec.SECP256R1())), "is no RSA key"),
    ],
)
def test_a_file_that_is_no_key_is_named(folder: Path, content: bytes, said: str) -> None:
    folder.mkdir()
    (folder / "1.pem").touch(0o600)
    (folder / "1.pem").write_bytes(content)

    with pytest.raises(RuntimeError, match=rf"1\.pem {said}"):
        Tokens(folder)


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o660])
def test_a_key_that_others_can_read_is_refused(tokens: Tokens, folder: Path, mode: int) -> None:
    (folder / "1.pem").chmod(mode)

    with pytest.raises(RuntimeError, match=r"others can read .*1\.pem: chmod 600"):
        Tokens(folder)


def test_keys_in_a_folder_that_only_lends_them_are_enough(tokens: Tokens, folder: Path) -> None:
    (folder / "1.pem").chmod(0o440)
    folder.chmod(0o550)
    token = Tokens(folder, now=tokens._now).issue(ANN)
    folder.chmod(0o700)

    assert tokens.read(token)


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(OSError, match="file"):
        Tokens(tmp_path / "file" / "keys")


def test_a_full_disk_leaves_no_half_of_a_key(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        Tokens(folder)
    monkeypatch.undo()

    assert list(folder.iterdir()) == []
    assert Tokens(folder).read(Tokens(folder).issue(ANN))


MAKES_KEYS = """
import sys
from pathlib import Path
from goroom_extensions.mirror.tokens import Tokens
from goroom_extensions.mirror.store import Account
sys.stdin.readline()
print(Tokens(Path(sys.argv[1])).issue(Account("a", "ann", "A")))
"""


def test_processes_that_start_at_once_agree_on_a_key(folder: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", MAKES_KEYS, folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("now\n")
        process.stdin.flush()
    issued = [process.communicate(timeout=60)[0].strip() for process in processes]

    assert len({kid(token) for token in issued}) == 1
    assert [path.name for path in folder.iterdir()] == ["1.pem"]
    assert all(map(Tokens(folder).read, issued))


def test_a_key_that_another_has_made_first_is_taken(tokens: Tokens, folder: Path) -> None:
    before = kid(tokens.issue(ANN))
    tokens._make(1)

    assert before == kid(tokens.issue(ANN))
    assert [path.name for path in folder.iterdir()] == ["1.pem"]


def kid(token: str) -> str:
    """Return the id of the key that *token* names."""
    return str(jwt.get_unverified_header(token)["kid"])


# The bug of the seed.


def test_the_global_session_user_has_no_counterpart_and_identities_never_swap(
    folder: Path, tokens: Tokens
) -> None:
    def look_at_the_clock() -> float:
        time.sleep(0)  # and let another thread in
        return NOW

    tokens = Tokens(folder, now=look_at_the_clock)
    people = [Account(f"id{number}", f"user{number}", f"ch{number}") for number in range(8)]
    issued = {account: tokens.issue(account) for account in people}
    swapped: list[Account] = []

    def read(account: Account) -> None:
        for _ in range(200):
            found = tokens.read(issued[account])
            if not found or (found.user_id, found.name) != (account.id, account.name):
                swapped.append(account)

    threads = [threading.Thread(target=read, args=[account]) for account in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert swapped == []
