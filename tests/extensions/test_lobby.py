"""A lobby of guests, played on a stage."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from goroom_extensions.lobby import Lobby

from goroom import RequestRefused, RoomExtension, Server
from goroom.testing import Stage

OnStage = Callable[[Server], Awaitable[Stage]]


class Table(RoomExtension):
    max_users = 2
    client_options = ("auto_remove",)


class House(Lobby):
    opens = {"lobby": "hall"}  # noqa: RUF012 -- as an author writes it
    client_kinds = ("table",)
    rooms_per_user = 2
    greeting = "Welcome!"


class Seating(Lobby):
    opens = {"lobby": "hall"}  # noqa: RUF012 -- as an author writes it
    seat_in = "lobby"


@pytest.fixture
async def house(stage: OnStage) -> Stage:
    """Two applications with a lobby."""
    server = Server()
    for name, extension in (("house", House), ("seating", Seating)):
        kinds: dict[str, type[RoomExtension[Any]]] = {"table": Table, "hall": RoomExtension}
        server.add_application(name, extension, rooms=kinds)
    return await stage(server)


async def test_the_rooms_it_opens_are_there_from_the_start(house: Stage) -> None:
    ada = await house.player("ada", app="house")

    assert [("lobby", "hall")] == [(r["roomName"], r["kind"]) for r in await ada.rooms()]


async def test_a_guest_takes_any_free_name(house: Stage) -> None:
    await house.player("ada", app="house")
    with pytest.raises(RequestRefused) as caught:
        await house.player("ada", app="house")

    assert 4 == caught.value.code
    assert "eve" == (await house.player("eve", app="house")).name


async def test_a_newcomer_is_greeted(house: Stage) -> None:
    ada = await house.player("ada", app="house")

    assert {"text": "Welcome!"} == await ada.expect("greeting")


async def test_a_lobby_without_a_greeting_says_nothing(house: Stage) -> None:
    ada = await house.player("ada", app="seating")

    assert [] == await ada.received("greeting")


async def test_a_newcomer_may_be_given_a_seat(house: Stage) -> None:
    ada = await house.player("ada", app="seating")
    await house.settle()

    assert ["lobby"] == [*house.server.applications["seating"].users["ada"].rooms]
    assert [] == await ada.received()


async def test_a_newcomer_has_no_seat_where_none_is_given(house: Stage) -> None:
    await house.player("ada", app="house")
    await house.settle()

    assert {} == house.server.applications["house"].users["ada"].rooms


async def test_guests_open_rooms_of_their_kinds_only(house: Stage) -> None:
    ada = await house.player("ada", app="house")
    assert "ada" == (await ada.join(kind="table", create=True))["maker"]

    with pytest.raises(RequestRefused) as caught:
        await ada.join("den", kind="hall", create=True)
    assert (26, "not_allowed") == (caught.value.code, caught.value.reason)


async def test_a_guest_opens_rooms_until_its_quota(house: Stage) -> None:
    ada = await house.player("ada", app="house")
    await ada.join("one", kind="table", create=True)
    await ada.join("two", kind="table", create=True)

    with pytest.raises(RequestRefused) as caught:
        await ada.join("three", kind="table", create=True)
    assert (26, "quota", "You have opened 2 rooms already.") == (
        caught.value.code,
        caught.value.reason,
        caught.value.message,
    )


async def test_a_room_that_is_gone_counts_no_more(house: Stage) -> None:
    ada = await house.player("ada", app="house")
    await ada.join("one", kind="table", create=True)
    await ada.join("two", kind="table", create=True)
    await ada.leave("one")

    assert "three" == (await ada.join("three", kind="table", create=True))["roomName"]


async def test_others_have_a_quota_of_their_own(house: Stage) -> None:
    ada, bob = await house.player("ada", app="house"), await house.player("bob", app="house")
    await ada.join("one", kind="table", create=True)
    await ada.join("two", kind="table", create=True)

    assert "bob" == (await bob.join("three", kind="table", create=True))["maker"]


async def test_logging_in_again_gives_no_new_quota(house: Stage) -> None:
    ada = await house.player("ada", app="house")
    for name in ("one", "two"):
        await ada.join(name, kind="table", create=True, autoRemove="never")
    await ada.logout()
    await ada.login("ada")

    with pytest.raises(RequestRefused) as caught:
        await ada.join("three", kind="table", create=True)
    assert "quota" == caught.value.reason
