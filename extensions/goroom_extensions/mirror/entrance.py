"""Entrance: whose name and password these are, and who has to wait before trying again."""

from __future__ import annotations

import structlog

from goroom import name_key, user_name
from goroom_extensions.mirror.passwords import Passwords
from goroom_extensions.mirror.store import NAME_CHARACTERS, Account, Store
from goroom_extensions.mirror.throttle import Throttle, address_key

log = structlog.get_logger()

ACCOUNT_TRIES, ACCOUNT_SECONDS = 5, 60
"""Wrong passwords for one name, and the time in which they are counted."""
ADDRESS_TRIES, ADDRESS_SECONDS = 10, 600
"""Wrong passwords from one address, and the time in which they are counted."""

NEW_ACCOUNTS, NEW_ACCOUNT_SECONDS = 100, 600
"""Accounts made from one address, and the time in which they are counted."""


class Throttled(Exception):  # noqa: N818 -- a state of the entrance
    """There was too much of something; ``seconds`` tells how long to wait."""

    def __init__(self, text: str, seconds: float) -> None:
        super().__init__(text)
        self.seconds = seconds


class Entrance:
    """
    Where people log in and sign up.

    The answer, and the time that it takes, do not tell an unknown name from a wrong password.

    Args:
        store: Where the accounts are.
        passwords: What looks at passwords.
    """

    def __init__(self, store: Store, passwords: Passwords) -> None:
        self._store = store
        self._passwords = passwords
        self._by_account = Throttle(ACCOUNT_TRIES, ACCOUNT_SECONDS)
        self._by_address = Throttle(ADDRESS_TRIES, ADDRESS_SECONDS)
        self._making = Throttle(NEW_ACCOUNTS, NEW_ACCOUNT_SECONDS)

    async def enter(
        self, name: str, password: str, *, address: str, may_create: bool
    ) -> Account | None:
        """
        Return whose *name* and *password* these are, or None.

        Args:
            name: As a person gave it.
            password: As a person gave it.
            address: Where that person is.
            may_create: Whether an account is made, where nobody has the name.

        Raises:
            BadRequest: There can be no account of this name, or of this password.
            Throttled: There were too many wrong ones, or too many accounts made here.
            StoreFailed: The database fails.
            PasswordsBusy: Too many others wait.
        """
        name = user_name(name, "user", NAME_CHARACTERS)
        async with (
            self._by_address.attempt(address_key(address)) as from_here,
            self._by_account.attempt(name_key(name)) as as_this,
        ):
            if not (from_here.is_open and as_this.is_open):
                seconds = max(from_here.seconds_left, as_this.seconds_left)
                raise Throttled("Too many wrong passwords", seconds)
            account = await self._account(name, password, address if may_create else None)
            if account is None:
                from_here.failed()
                as_this.failed()
                log.warning("mirror_login_failed", remote=address)
        return account

    async def _account(self, name: str, password: str, maker: str | None) -> Account | None:
        """Return the account, made for who is at the address *maker* where nobody has the name."""
        found = await self._store.find(name)
        if found is None and maker is not None:
            account = await self._make(name, password, maker)
            if account is not None:
                return account
            found = await self._store.find(name)  # somebody was faster
        account, password_hash = found or (None, None)
        if not await self._passwords.matches(password_hash, password):
            return None
        if account and password_hash and self._passwords.needs_rehash(password_hash):
            await self._store.set_hash(account.id, await self._passwords.hash(password))
        return account

    async def _make(self, name: str, password: str, maker: str) -> Account | None:
        async with self._making.attempt(address_key(maker)) as making:
            if not making.is_open:
                raise Throttled("Too many new accounts from here", making.seconds_left)
            account = await self._store.add(name, await self._passwords.hash(password))
            if account is not None:
                making.failed()  # a new account counts here as a wrong password does there
                log.info("mirror_account_made", user=account.id)
        return account
