"""What a login is asked for, and what it comes back with."""

from __future__ import annotations

from goroom.client.frames import Place
from goroom.client.login import Login


async def test_a_login_carries_the_name_and_the_credentials() -> None:
    login = Login("ada", {"password": "key"}, may_resume=False)

    assert {"username": "ada", "password": "key"} == await login.data()


async def test_credentials_cannot_speak_for_the_client() -> None:
    login = Login("ada", {"username": "eve", "resume": False}, may_resume=True)

    assert {"username": "ada", "resume": True} == await login.data()


async def test_credentials_may_be_asked_for_each_time() -> None:
    asked = 0

    async def credentials() -> dict[str, object]:
        nonlocal asked
        asked += 1
        return {"number": asked}

    login = Login("ada", credentials, may_resume=False)

    assert [1, 2] == [(await login.data())["number"] for _ in range(2)]


def test_it_is_resumable_once_it_has_a_token() -> None:
    login = Login("ada", None, may_resume=True)
    assert not login.is_resumable

    login.take("one")

    assert login.is_resumable


def test_a_token_is_asked_for_in_one_attempt_until_there_is_a_new_one() -> None:
    login = Login("ada", None, may_resume=True)
    login.take("one")
    first, second = (login.reconnect_data(Place("e", 4), {}) for _ in range(2))
    login.take("two")
    third = login.reconnect_data(Place("e", 5), {})

    assert first == second
    assert {"token": "two", "app": Place("e", 5), "rooms": {}} == {
        key: value for key, value in third.items() if key != "attempt"
    }
    assert first["attempt"] != third["attempt"]
