"""Login: as whom somebody logs in, and what it comes back with."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from goroom.client.frames import Place

Credentials = Mapping[str, object] | Callable[[], Awaitable[Mapping[str, object]]]
"""What LOGIN carries beside the name, or an async function that returns it, called each time."""

ATTEMPT_BYTES = 16
"""Randomness of what tells one attempt to resume from another."""


class Login:
    """
    As whom somebody logs in to an application.

    Args:
        name: The user's.
        credentials: What else the application asks for.
        may_resume: Whether to come back when the link is lost.
    """

    def __init__(self, name: str, credentials: Credentials | None, *, may_resume: bool) -> None:
        self._name = name
        self._credentials = credentials or {}
        self.may_resume = may_resume
        """Whether it comes back when the link is lost."""
        self._token = ""
        self._attempt = ""

    @property
    def is_resumable(self) -> bool:
        """Whether there is a token to come back with."""
        return bool(self._token)

    async def data(self) -> dict[str, Any]:
        """Return the data of a LOGIN; the credentials are asked for."""
        given = self._credentials
        if not isinstance(given, Mapping):
            given = await given()
        resume = {"resume": True} if self.may_resume else {}
        return {**given, "username": self._name, **resume}

    def reconnect_data(self, place: Place, rooms: Mapping[str, Place]) -> dict[str, Any]:
        """
        Return the data of a RECONNECT.

        Until one is answered all are one attempt, so that it can be repeated though the token is
        used up by the first that arrives.
        """
        self._attempt = self._attempt or secrets.token_urlsafe(ATTEMPT_BYTES)
        return {"token": self._token, "attempt": self._attempt, "app": place, "rooms": rooms}

    def take(self, token: str) -> None:
        """Keep the *token* that was answered, ``""`` for none."""
        self._token = token
        self._attempt = ""
