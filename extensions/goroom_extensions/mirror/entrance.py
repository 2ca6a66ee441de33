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


class Throttled(Exception):  # noqa: N818 -- a state of the entrance
    """There were too many wrong passwords; ``seconds`` tells how long to wait."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"wait {seconds} seconds")
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
            Throttled: There were too many wrong ones.
            StoreFailed: The database fails.
            PasswordsBusy: Too many others wait.
        """
        name = user_name(name, "user", NAME_CHARACTERS)
        async with (
            self._by_address.attempt(address_key(address)) as from_here,
            self._by_account.attempt(name_key(name)) as as_this,
        ):
            if not (from_here.is_open and as_this.is_open):
                raise Throttled(max(from_here.seconds_left, as_this.seconds_left))
            account = await self._account(name, password, may_create=may_create)
            if account is None:
                from_here.failed()
                as_this.failed()
                log.warning("mirror_login_failed", remote=address)
        return account

    async def _account(self, name: str, password: str, *, may_create: bool) -> Account | None:
        found = await self._store.find(name)
        if found is None and may_create:
            account = await self._store.add(name, await self._passwords.hash(password))
            if account is not None:
                log.info("mirror_account_made", user=account.id)
                return account
            found = await self._store.find(name)  # somebody was faster
        account, password_hash = found or (None, None)
        if not await self._passwords.matches(password_hash, password):
            return None
        if account and password_hash and self._passwords.needs_rehash(password_hash):
            await self._store.set_hash(account.id, await self._passwords.hash(password))
        return account
