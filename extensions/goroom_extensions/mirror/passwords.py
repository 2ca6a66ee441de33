"""Passwords: hashed by argon2 in a few threads of their own, so that the loop never waits."""

from __future__ import annotations

import asyncio
import base64
import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore
from typing import TypeVar

from goroom import BadRequest, GoroomError

try:
    from argon2 import PasswordHasher
    from argon2.exceptions import InvalidHashError, VerificationError
except ImportError as error:
    raise ImportError("the mirror's passwords need argon2: pip install 'goroom[auth]'") from error

T = TypeVar("T")

PASSWORD_BYTES = 1024
"""Longest password, in UTF-8; a longer one is refused before it costs anything."""
CALLS_WAITING = 200
"""Calls that wait for a thread, some seconds' work; more are refused."""


class PasswordsBusy(GoroomError):  # noqa: N818 -- a state of the pool
    """Too many passwords wait to be looked at. Whoever asks should try again later."""


class Passwords:
    """
    Hashes passwords, and tells whether one is right.

    Args:
        threads: Hashes that are made at the same time, each with the hasher's memory (64 MiB).
        hasher: What argon2 is told; by default its library's recommendation (RFC 9106).
    """

    def __init__(self, threads: int = 2, *, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._threads = ThreadPoolExecutor(threads, "goroom-passwords")
        self._places = BoundedSemaphore(threads + CALLS_WAITING)
        self._nobodys = _hash_of_nothing(self._hasher)

    async def hash(self, password: str) -> str:
        """
        Return the hash to keep of *password*: argon2id with a salt of its own.

        Raises:
            BadRequest: *password* is empty or longer than `PASSWORD_BYTES`.
            PasswordsBusy: Too many wait already.
        """
        secret = _bytes_of(password)
        if secret is None:
            raise BadRequest(f"a password has 1 to {PASSWORD_BYTES} bytes", field="pass")
        return await self._in_thread(lambda: self._hasher.hash(secret))

    async def matches(self, password_hash: str | None, password: str) -> bool:
        """
        Tell whether *password_hash* was made of *password*.

        With None, which is for a name that nobody has, the answer is False and takes as long as
        for somebody.

        Raises:
            PasswordsBusy: Too many wait already.
        """
        secret = _bytes_of(password)
        if secret is None:
            return False
        is_match = await self._in_thread(
            lambda: self._is_match(password_hash or self._nobodys, secret)
        )
        return is_match and password_hash is not None

    def needs_rehash(self, password_hash: str) -> bool:
        """Tell whether *password_hash* was made with other parameters than would be used now."""
        return self._hasher.check_needs_rehash(password_hash)

    def close(self) -> None:
        """End the threads, once what they are at is done; what waits for one is cancelled."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _is_match(self, password_hash: str, secret: bytes) -> bool:
        try:
            return self._hasher.verify(password_hash, secret)
        except (VerificationError, InvalidHashError):
            return False

    async def _in_thread(self, call: Callable[[], T]) -> T:
        if not self._places.acquire(blocking=False):
            raise PasswordsBusy("too many passwords wait to be looked at")
        future = self._threads.submit(call)
        # Free when it is done: whoever has asked may have gone long before.
        future.add_done_callback(lambda _: self._places.release())
        return await asyncio.wrap_future(future)


def _bytes_of(password: str) -> bytes | None:
    if not 0 < len(password) <= PASSWORD_BYTES:
        return None
    # Keyboards differ in how they write an accent (RFC 8265 section 4.2).
    secret = unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
    return secret if len(secret) <= PASSWORD_BYTES else None


def _hash_of_nothing(hasher: PasswordHasher) -> str:
    """Return a hash that costs what *hasher*'s cost, and that no known password has."""
    salt, digest = (
        base64.b64encode(secrets.token_bytes(length)).rstrip(b"=").decode()
        for length in (hasher.salt_len, hasher.hash_len)
    )
    costs = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v=19${costs}${salt}${digest}"
