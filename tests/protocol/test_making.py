"""Protocol section 3: rooms that clients make, and how rooms go by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import goroom
from goroom import User
from tests.protocol.worlds import Desk, Hall
from tests.rawclient import JOIN_ROOM, LOGOUT, ROOM_ADD, ROOM_REMOVE, SUBSCRIBE_ROOM, Form

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.protocol.conftest import Site


class Table(Hall):
    max_users = 2
    client_options = ("capacity", "password", "hidden", "locked", "properties", "auto_remove")


class Fixed(Hall):
    max_users = 3


class Lingering(Hall):
    client_options = ("auto_remove",)
    auto_remove = goroom.AutoRemove.WHEN_EMPTY_AND_MAKER_GONE


class Picky(Hall):
    def on_join(self, _user: User) -> None:
        raise goroom.Refused


class Generous(Desk):
    """Lets everybody but ``guest`` make rooms, of the kind ``fixed`` only ``ann``."""

    def may_create(self, user: User, kind: str) -> bool:
        return user.name != "guest" and (kind != "fixed" or user.name == "ann")


@pytest.fixture
async def generous(serve: Callable[..., Any]) -> Site:
    site: Site = await serve(
        extension=Generous,
        rooms={"hall": Hall, "table": Table, "fixed": Fixed, "lingering": Lingering},
    )
    return site


async def test_clients_make_no_rooms_unless_the_application_says_so(site: Site) -> None:
    ann = await site.login("ann")
    answers = [
        await ann.join("mine", create=True, kind="hall"),
        await ann.join("mine", create="if_missing", kind="hall"),
        await ann.join("mine", kind="hall"),
    ]

    assert [26, 26, 7] == [answer.error_code for answer in answers]
    assert ["hall"] == list(site.application().rooms)


async def test_may_create_is_asked_for_each_user_and_kind(generous: Site) -> None:
    ann, bob, guest = [await generous.login(name) for name in ("ann", "bob", "guest")]
    answers = [
        await ann.join("one", create=True, kind="fixed"),
        await bob.join("two", create=True, kind="fixed"),
        await bob.join("three", create=True, kind="table"),
        await guest.join("four", create=True, kind="table"),
    ]

    assert [0, 26, 0, 26] == [answer.error_code for answer in answers]


async def test_a_made_room_is_announced_and_has_its_maker(generous: Site) -> None:
    bob, ann = await generous.login("bob"), await generous.login("ann")
    answer = await ann.join("mine", create=True, kind="table")
    event = next(frame for frame in await bob.events() if frame.event_type == ROOM_ADD)

    assert ("table", "ann", 2, ["ann"], 1) == (
        answer.data["kind"],
        answer.data["maker"],
        answer.data["capacity"],
        answer.data["members"],
        answer.seq,
    )
    assert {"roomName": "mine", "appName": "test", "kind": "table", "capacity": 2}.items() <= (
        event.data.items()
    )
    assert {"count", "properties"} <= event.data.keys()


async def test_a_room_that_exists_is_25_for_create_and_joined_for_if_missing(
    generous: Site,
) -> None:
    ann, bob = await generous.login("ann"), await generous.login("bob")
    first = await ann.join("mine", create="if_missing", kind="table")
    refused = await bob.join("mine", create=True, kind="table")
    second = await bob.join("mine", create="if_missing", kind="table")

    assert [0, 25, 0] == [answer.error_code for answer in (first, refused, second)]
    assert first.data["epoch"] == second.data["epoch"]
    assert ["ann", "bob"] == second.data["members"]


async def test_a_full_room_is_full_for_if_missing_too(generous: Site) -> None:
    ann, bob, cy = [await generous.login(name) for name in ("ann", "bob", "cy")]
    answers = [
        await client.join("mine", create="if_missing", kind="table") for client in (ann, bob, cy)
    ]

    assert [0, 0, 20] == [answer.error_code for answer in answers]


async def test_a_room_that_exists_may_be_joined_by_who_may_make_none(generous: Site) -> None:
    ann, guest = await generous.login("ann"), await generous.login("guest")
    await ann.join("mine", create=True, kind="table")

    assert 0 == (await guest.join("mine", create="if_missing", kind="table")).error_code


BAD_REQUESTS = {
    "no kind": ({"create": True}, "kind"),
    "an unknown kind": ({"create": True, "kind": "palace"}, "kind"),
    "a kind that is no string": ({"create": True, "kind": 5}, "kind"),
    "a create that is a string": ({"create": "yes", "kind": "table"}, "create"),
    "a create that is a number": ({"create": 1, "kind": "table"}, "create"),
    "a capacity that is a string": ({"create": True, "kind": "table", "capacity": "2"}, "capacity"),
    "a capacity that is true": ({"create": True, "kind": "table", "capacity": True}, "capacity"),
    "a capacity of 0": ({"create": True, "kind": "table", "capacity": 0}, "capacity"),
    "a capacity below 0": ({"create": True, "kind": "table", "capacity": -1}, "capacity"),
    "a broken capacity": ({"create": True, "kind": "table", "capacity": 1.5}, "capacity"),
    "a password that is a number": ({"create": True, "kind": "table", "password": 5}, "password"),
    "hidden as a number": ({"create": True, "kind": "table", "hidden": 1}, "hidden"),
    "properties as a list": ({"create": True, "kind": "table", "properties": []}, "properties"),
    "an unknown mode": ({"create": True, "kind": "table", "autoRemove": "now"}, "autoRemove"),
}


@pytest.mark.parametrize(("data", "field"), BAD_REQUESTS.values(), ids=BAD_REQUESTS)
async def test_a_bad_wish_names_its_field_and_makes_nothing(
    generous: Site, data: dict[str, Any], field: str
) -> None:
    ann = await generous.login("ann")
    answer = await ann.join("mine", **data)

    assert (21, field) == (answer.error_code, answer.error["field"].removeprefix("data."))
    assert ["hall"] == list(generous.application().rooms)


async def test_a_wish_over_its_limit_is_24_with_its_field(generous: Site) -> None:
    ann = await generous.login("ann")
    wishes: dict[str, Any] = {"properties": {"x": "x" * 4096}, "password": "x" * 129}
    for field, value in wishes.items():
        answer = await ann.join("mine", create=True, kind="table", **{field: value})

        assert (24, field) == (answer.error_code, answer.error["field"])
    assert ["hall"] == list(generous.application().rooms)


async def test_an_option_is_taken_from_the_client_where_its_kind_lists_it(generous: Site) -> None:
    ann, bob = await generous.login("ann"), await generous.login("bob")
    wish = {"capacity": 1, "password": "sesame", "properties": {"level": 3}}
    table = await ann.join("mine", create=True, kind="table", **wish)
    refused = await bob.join("mine")
    full = await bob.join("mine", password="sesame")

    assert (1, {"level": 3}) == (table.data["capacity"], table.data["properties"])
    assert [(26, "wrong_password"), (20, "room_full")] == [refused.failure, full.failure]


async def test_an_option_that_the_kind_does_not_list_is_passed_over(generous: Site) -> None:
    ann, bob = await generous.login("ann"), await generous.login("bob")
    wish = {"capacity": 2, "password": "sesame", "properties": {"level": 3}, "maker": "bob"}
    answer = await ann.join("mine", create=True, kind="fixed", hidden=True, locked=True, **wish)
    listed = [room["roomName"] for room in (await bob.request(SUBSCRIBE_ROOM)).data["rooms"]]

    assert (0, 3, {}, "ann") == (
        answer.error_code,
        answer.data["capacity"],
        answer.data["properties"],
        answer.data["maker"],
    )
    assert ["hall", "mine"] == listed
    assert 0 == (await bob.join("mine")).error_code


async def test_a_hidden_room_is_announced_to_nobody_and_joined_by_name(generous: Site) -> None:
    bob, ann = await generous.login("bob"), await generous.login("ann")
    made = await ann.join("mine", create=True, kind="table", hidden=True)

    assert 0 == made.error_code
    assert [] == await bob.events()
    assert 0 == (await bob.join("mine")).error_code


async def test_a_kind_without_a_name_finds_the_oldest_open_room_or_makes_one(
    generous: Site,
) -> None:
    clients = [await generous.login(f"user {number}") for number in range(5)]
    answers = [
        await client.request(JOIN_ROOM, {"kind": "table", "create": "if_missing"})
        for client in clients
    ]

    assert [0] * 5 == [answer.error_code for answer in answers]
    names = [answer.data["roomName"] for answer in answers]
    assert [names[0]] * 2 + [names[2]] * 2 + [names[4]] == names
    assert 3 == len(set(names))
    for name in set(names):
        assert name.startswith("table-")
        assert name.removeprefix("table-").isdecimal()


async def test_a_kind_without_a_name_passes_over_rooms_that_are_not_open(generous: Site) -> None:
    ann, bob = await generous.login("ann"), await generous.login("bob")
    await generous.application().rooms.create("locked", kind="table", locked=True)
    await ann.join("with password", create=True, kind="table", password="sesame")
    await ann.join("hidden", create=True, kind="table", hidden=True)
    await ann.join("open", create=True, kind="table")
    answer = await bob.request(JOIN_ROOM, {"kind": "table"})

    assert "open" == answer.data["roomName"]


async def test_a_kind_without_a_name_passes_over_rooms_that_one_is_in(generous: Site) -> None:
    ann = await generous.login("ann")
    names = [(await ann.request(JOIN_ROOM, {"kind": "table"})).data["roomName"] for _ in range(2)]

    assert ["table-1", "table-2"] == names


async def test_a_kind_without_a_name_may_be_refused(generous: Site) -> None:
    guest = await generous.login("guest")
    refused = await guest.request(JOIN_ROOM, {"kind": "table"})
    await generous.application().rooms.create("a table", kind="table")
    found = await guest.request(JOIN_ROOM, {"kind": "table"})

    assert [26, 0] == [refused.error_code, found.error_code]


async def test_a_room_that_a_client_made_goes_when_it_is_empty(generous: Site) -> None:
    bob, ann = await generous.login("bob"), await generous.login("ann")
    await ann.join("mine", create=True, kind="table")
    await bob.events()
    await ann.leave("mine")
    [gone] = await bob.events()

    assert (ROOM_REMOVE, "mine", "test") == (
        gone.event_type,
        gone.data["roomName"],
        gone.data["appName"],
    )
    assert 7 == (await ann.join("mine")).error_code


async def test_a_room_that_the_server_made_stays(generous: Site) -> None:
    bob, ann = await generous.login("bob"), await generous.login("ann", "hall")
    await ann.leave("hall")

    assert [] == [frame for frame in await bob.events() if frame.event_type == ROOM_REMOVE]
    assert 0 == (await ann.join("hall")).error_code


async def test_a_room_of_mode_never_stays_also_when_a_client_made_it(generous: Site) -> None:
    ann = await generous.login("ann")
    await ann.join("mine", create=True, kind="table", autoRemove="never")
    await ann.leave("mine")

    assert 0 == (await ann.join("mine")).error_code


async def test_a_room_of_mode_when_empty_goes_also_when_the_server_made_it(
    generous: Site,
) -> None:
    ann = await generous.login("ann")
    await generous.application().rooms.create("brief", kind="table", auto_remove="when_empty")
    codes = [(await ann.join("brief")).error_code]
    await ann.leave("brief")
    codes.append((await ann.join("brief")).error_code)

    assert [0, 7] == codes


async def test_a_lingering_room_goes_when_it_is_empty_and_its_maker_gone(generous: Site) -> None:
    bob, ann = await generous.login("bob"), await generous.login("ann")
    await ann.join("mine", create=True, kind="lingering")
    await ann.leave("mine")
    while_maker_is_there = (await bob.join("mine")).error_code
    await ann.request(LOGOUT)
    while_somebody_is_in = [frame.event_type for frame in await bob.events()]
    await bob.leave("mine")

    assert 0 == while_maker_is_there
    assert ROOM_REMOVE not in while_somebody_is_in
    assert [ROOM_REMOVE] == [frame.event_type for frame in await bob.events()]


async def test_a_lingering_empty_room_goes_with_its_maker(generous: Site) -> None:
    bob, ann = await generous.login("bob"), await generous.login("ann")
    await ann.join("mine", create=True, kind="lingering")
    await ann.leave("mine")
    await bob.events()
    ann.socket.abort()

    assert ROOM_REMOVE == (await bob.event()).event_type


async def test_a_spectator_keeps_no_room_alive(generous: Site) -> None:
    bob, ann = await generous.login("bob"), await generous.login("ann")
    await ann.join("mine", create=True, kind="table")
    watching = await bob.request(SUBSCRIBE_ROOM, {"roomName": "mine"})
    await ann.leave("mine")

    assert 0 == watching.error_code
    assert 7 == (await bob.join("mine")).error_code


@pytest.mark.parametrize("form", [Form.FULL], ids=str)
async def test_a_room_that_nobody_joined_goes_in_time(serve: Callable[..., Any]) -> None:
    server = goroom.Server(limits=goroom.Limits(unjoined_room_seconds=0.05))
    server.add_application("test", Generous, rooms={"hall": Hall, "picky": Picky, "table": Table})
    site = await serve(server=server)
    bob, ann = await site.login("bob"), await site.login("ann")
    kept = await ann.join("kept", create=True, kind="table")
    refused = await ann.join("mine", create=True, kind="picky")
    events = [await bob.event() for _ in range(3)]

    assert [0, 12] == [kept.error_code, refused.error_code]
    assert [(ROOM_ADD, "kept"), (ROOM_ADD, "mine"), (ROOM_REMOVE, "mine")] == [
        (frame.event_type, frame.data["roomName"]) for frame in events
    ]
    # Its own time has been over for longer than the other's.
    assert 0 == (await bob.join("kept")).error_code
