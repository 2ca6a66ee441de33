"""Tokens: JWTs that say who somebody is, signed by keys that this server has made itself."""

from __future__ import annotations

import base64
import hashlib
import math
import os
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import zip_longest
from pathlib import Path

import attrs
import structlog

from goroom_extensions.mirror.store import Account

try:
    import jwt
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
except ImportError as error:
    raise ImportError("the mirror's tokens need PyJWT: pip install 'goroom[auth]'") from error

log = structlog.get_logger()

_ALGORITHM = "RS256"
_KEY_BITS = 2048
_EXPONENT = 65537
_TOKEN_CHARACTERS = 4096
"""Longest token that is looked at; ours have some 700."""
_LOOK_SECONDS = 5
"""The folder is looked at again at most this often for a key that is not known."""
_FOR_OTHERS = 0o027
"""What the mode of a key's file may not allow: anything to everybody, changes to the group."""


@attrs.frozen
class Claims:
    """What a token says."""

    user_id: str
    name: str
    channel_id: str
    expires: int
    """When the token is over, in seconds since 1970."""


@attrs.frozen
class _Key:
    id: str
    """Made of the key itself: the same in every process."""
    number: int
    made: float
    private: rsa.RSAPrivateKey
    public: rsa.RSAPublicKey


class Tokens:
    """
    Issues tokens, and reads them.

    The keys are files in *folder*, ``1.pem``, ``2.pem`` and so on, each made by `rotate` or, the
    first, when there is none; only their owner can read them. The newest signs. An older one is
    good for reading until the tokens that it signed are over: for *hours* from its successor's
    making, which is the time of that file's last change. Several processes may share the folder;
    a key that another has made is found when a token of it comes.

    Args:
        folder: Where the keys are, or shall be. Keep it out of the repository and in the backup:
            without it, everybody has to log in again.
        hours: How long a token is good.
        now: The time in seconds since 1970.

    Raises:
        RuntimeError: A key in *folder* cannot be used, or others than its owner can read it.
        OSError: *folder* cannot be read, or made.
    """

    def __init__(
        self, folder: Path, *, hours: float = 72, now: Callable[[], float] = time.time
    ) -> None:
        self._folder = folder
        self.seconds = hours * 3600
        """How long a token is good."""
        self._now = now
        self._keys: list[_Key] = []
        """By age, the newest last."""
        self._looked = -math.inf
        self._look()
        if not self._keys:
            self._make(1)

    def rotate(self) -> None:
        """
        Make a key that signs from now on.

        Tokens that are out stay good. Other processes notice when they get a token of the new key,
        and sign with it from then on. Where a key has leaked, delete its file, too, and restart.

        Raises:
            OSError: The key cannot be written.
        """
        self._look()
        self._make(self._keys[-1].number + 1)

    def issue(self, account: Account) -> str:
        """Return a token for *account*, good for the hours that were agreed."""
        key = self._keys[-1]
        claims = {
            "UserId": account.id,
            "Username": account.name,
            "ChannelId": account.channel_id,
            "exp": int(self._now() + self.seconds),
        }
        # The nonce: two log-ins of one second would have the same token, and end together.
        header = {"kid": key.id, "nonce": secrets.token_urlsafe(9)}
        return jwt.encode(claims, key.private, algorithm=_ALGORITHM, headers=header)

    def read(self, token: str) -> Claims | None:
        """
        Return what *token* says, or None where it is not ours, is over, or is no token at all.

        Whatever *token* is, nothing is raised.
        """
        if len(token) > _TOKEN_CHARACTERS:
            return None
        try:
            key = self._key(jwt.get_unverified_header(token).get("kid"))
            if key is None:
                return None
            said = jwt.decode(
                token, key.public, algorithms=[_ALGORITHM], options={"verify_exp": False}
            )
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            return None
        return self._claims(said)

    def _claims(self, said: dict[str, object]) -> Claims | None:
        match said:
            case {
                "UserId": str(user_id),
                "Username": str(name),
                "ChannelId": str(channel_id),
                "exp": int(expires),
            } if user_id and name and channel_id and expires > self._now():
                return Claims(user_id, name, channel_id, expires)
        return None

    def _key(self, id: object) -> _Key | None:  # noqa: A002 -- what it is
        if not isinstance(id, str):
            return None
        found = self._find(id)
        if found is None and not 0 <= self._now() - self._looked < _LOOK_SECONDS:
            try:
                self._look()
            except (OSError, RuntimeError):
                log.exception("keys_not_read", folder=str(self._folder))
            found = self._find(id)
        return found

    def _find(self, id: str) -> _Key | None:  # noqa: A002 -- what it is
        for key, successor in zip_longest(self._keys, self._keys[1:]):
            if key.id == id:
                is_over = successor and self._now() >= successor.made + self.seconds
                return None if is_over else key
        return None

    def _look(self) -> None:
        self._looked = self._now()
        known = {(key.number, key.made): key for key in self._keys}
        keys = []
        for path in self._folder.glob("*.pem"):
            if path.stem.isdecimal():
                number, made = int(path.stem), path.stat().st_mtime
                keys.append(known.get((number, made)) or _read_key(path, number, made))
        if keys:  # whoever empties the folder under a running server changes nothing for it
            self._keys = sorted(keys, key=lambda key: key.number)

    def _make(self, number: int) -> None:
        """Make key *number*, unless another process is faster: then that one is ours, too."""
        private = rsa.generate_private_key(_EXPONENT, _KEY_BITS)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = self._folder / f".{secrets.token_hex(8)}"
        private_only = os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            with os.fdopen(private_only, "wb") as file:
                file.write(
                    private.private_bytes(
                        serialization.Encoding.PEM,
                        serialization.PrivateFormat.PKCS8,
                        serialization.NoEncryption(),
                    )
                )
                file.flush()
                os.fsync(file.fileno())
            os.utime(unfinished, (self._now(), self._now()))
            with suppress(FileExistsError):
                os.link(unfinished, self._folder / f"{number}.pem")  # a rename would replace
        finally:
            unfinished.unlink()
        self._look()


def _read_key(path: Path, number: int, made: float) -> _Key:
    if os.name == "posix" and path.stat().st_mode & _FOR_OTHERS:
        raise RuntimeError(f"others can read {path}: chmod 600 it, or delete it if they have")
    try:
        private = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise RuntimeError(f"{path} is no private key: {error}") from error
    if not isinstance(private, rsa.RSAPrivateKey):
        raise RuntimeError(f"{path} is no RSA key")  # noqa: TRY004 -- the file's fault
    public = private.public_key()
    spelled = public.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    id = base64.urlsafe_b64encode(hashlib.sha256(spelled).digest()[:16])  # noqa: A001 -- what it is
    return _Key(id.rstrip(b"=").decode(), number, made, private, public)
