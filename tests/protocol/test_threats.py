"""Threats, rows 4, 5, 22, 23, 24: other applications, forged fields, wrong types, names, keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.rawclient import (
    CONNECTION,
    DISCONNECTION,
    JOIN_APP,
    JOIN_ROOM,
    LEAVE_ROOM,
    LOGIN,
    LOGOUT,
    MESSAGE,
    RECONNECT,
    SUBSCRIBE_ROOM,
    UNSUBSCRIBE_ROOM,
    Form,
)

if TYPE_CHECKING:
    from tests.protocol.conftest import Site
    from tests.rawclient import Frame

CLIENT_EVENTS = range(-1, 24)


# -- row 4: reaching into another application --------------------------------------------------


@pytest.mark.parametrize(
    "event", [JOIN_ROOM, LEAVE_ROOM, SUBSCRIBE_ROOM, UNSUBSCRIBE_ROOM, MESSAGE]
)
async def test_a_room_of_another_application_does_not_exist(site: Site, event: int) -> None:
    await site.application("other").rooms.create("vault", kind="hall")
    bob = await site.login("bob", "vault", application="other")
    ann = await site.login("ann")
    answers = []
    for name in ("vault", "nixda"):
        for data in ({"roomName": name}, {"roomName": name, "appName": "other"}, {}):
            answer = await ann.request(event, data, roomName=name, action="tell")
            answers.append(str(_anonymous(answer)).replace(name, "ROOM"))

    assert answers[:3] == answers[3:]
    assert "'code': 7" in answers[0]
    assert [] == await bob.events()


def _anonymous(frame: Frame) -> dict[str, Any]:
    return {key: value for key, value in frame.raw.items() if key != "id"}


async def test_no_event_under_a_foreign_name_reaches_the_other_application(site: Site) -> None:
    bob = await site.login("bob", "hall", application="other")
    ann = await site.login("ann", "hall")
    for event in CLIENT_EVENTS:
        if event not in {CONNECTION, LOGIN}:
            data = {"roomName": "hall", "appName": "other", "username": "bob", "to": "bob"}
            await ann.request(event, data, appName="other", roomName="hall", action="tell")

    assert [] == await bob.events()
    assert ["bob"] == (await bob.say("hall", "who")).data
    assert ["bob"] == list(site.application("other").users)


async def test_a_bound_endpoint_serves_its_application_only(site: Site) -> None:
    ann = await site.connect(path="/test")
    answers = [
        await ann.request(LOGIN, {"username": "ann"}, appName="other"),
        await ann.request(LOGIN, {"username": "ann"}, appName="test"),
    ]

    assert [1, 0] == [answer.error_code for answer in answers]
    assert [] == list(site.application("other").users)


async def test_names_are_free_in_each_application(site: Site) -> None:
    await site.login("ann", "hall")
    other = await site.login("ann", application="other")

    assert 0 == (await other.join("hall")).error_code


# -- row 5: forged sender, forged connection -----------------------------------------------------

FORGED: dict[str, Any] = {
    "sender": "bob",
    "seq": 999,
    "sub": 999,
    "code": 200,
    "error": {"code": 1},
    "userId": "forged",
    "userName": "bob",
    "epoch": "forged",
    "user": "bob",
    "Connection": {"RemoteAddress": "127.0.0.1:1"},
    "connection": {"id": "forged"},
}


async def test_reserved_keys_of_a_frame_are_ignored(site: Site) -> None:
    ann, bob = await site.login("ann", "hall"), await site.login("bob", "hall")
    await ann.events()
    for key, value in FORGED.items():
        await ann.say("hall", "tell", {"text": key})
        ann.send(MESSAGE, {"text": key}, roomName="hall", action="tell", **{key: value})
    honest_and_forged = await bob.events()

    assert 2 * len(FORGED) == len(honest_and_forged)
    for number, frame in enumerate(honest_and_forged):
        assert ("ann", 3 + number, {"text": [*FORGED][number // 2]}) == (
            frame.sender,
            frame.seq,
            frame.data,
        )


@pytest.mark.parametrize("event", [JOIN_ROOM, LEAVE_ROOM, LOGOUT, DISCONNECTION])
async def test_reserved_keys_of_the_data_are_ignored(site: Site, event: int) -> None:
    ann, bob = await site.login("ann", "hall"), await site.login("bob", "hall")
    if event == JOIN_ROOM:
        await ann.leave("hall")
    await bob.events()
    await ann.request(event, {**FORGED, "username": "bob", "roomName": "hall"}, **FORGED)
    [heard] = await bob.events()

    assert ("ann", "hall", "test") == (heard.sender, heard.room, heard.app)
    assert ["bob"] == [name for name in (await bob.say("hall", "who")).data if name != "ann"]


async def test_reserved_keys_of_a_login_are_ignored(site: Site) -> None:
    client = await site.connect()
    answer = await client.login("ann", **FORGED)

    assert "ann" == answer.data["userName"]
    assert "forged" not in {answer.data["userId"], answer.data["epoch"]}


async def test_a_connection_frame_overwrites_nobody(site: Site) -> None:
    ann, bob = await site.login("ann", "hall"), await site.login("bob", "hall")
    await ann.events()
    for identity in (site.application().users["ann"].id, "ann", 0, 1):
        bob.send(
            CONNECTION,
            {"id": identity, "Connection": {"id": identity}},
            Connection={"id": identity},
        )
    await bob.say("hall", "tell", {"text": "x"})

    assert ["bob"] == [frame.sender for frame in await ann.events()]
    assert ["ann", "bob"] == (await ann.say("hall", "who")).data


# -- row 22: a wrong type in any field ------------------------------------------------------------

WRONG_FOR_TEXT = [0, 1, -1, 1.5, True, False, [], ["x"], {}, {"x": 1}, 2**53 - 1, [None]]
WRONG_FOR_NUMBER = ["", "6", True, False, 1.5, [], [6], {}, {"x": 6}, None, 2**53, "six"]
WRONG_FOR_ID = [value for value in WRONG_FOR_NUMBER if value is not None]
WRONG_FOR_OBJECT = ["", "x", 0, 1, True, False, 1.5, [], [{}], [["x", 1]], "{}", -1]

FIELDS: list[tuple[str, Any]] = [
    *[("eventType", value) for value in WRONG_FOR_NUMBER],
    *[("id", value) for value in WRONG_FOR_ID],
    *[("appName", value) for value in WRONG_FOR_TEXT],
    *[("roomName", value) for value in WRONG_FOR_TEXT],
    *[("action", value) for value in WRONG_FOR_TEXT],
    *[("data", value) for value in WRONG_FOR_OBJECT],
]
DATA_FIELDS: list[tuple[int, str, Any]] = [
    *[(LOGIN, "username", value) for value in [*WRONG_FOR_TEXT, None, "", "   "]],
    *[(JOIN_ROOM, "roomName", value) for value in WRONG_FOR_TEXT],
    *[(JOIN_ROOM, "password", value) for value in WRONG_FOR_TEXT],
    *[(JOIN_ROOM, "kind", value) for value in WRONG_FOR_TEXT],
    *[(LEAVE_ROOM, "roomName", value) for value in WRONG_FOR_TEXT],
    *[(SUBSCRIBE_ROOM, "roomName", value) for value in WRONG_FOR_TEXT],
    *[(UNSUBSCRIBE_ROOM, "roomName", value) for value in WRONG_FOR_TEXT],
    *[(RECONNECT, "token", value) for value in WRONG_FOR_TEXT],
]


def _name(value: object) -> str:
    return repr(value)[:24]


@pytest.mark.parametrize(("field", "value"), FIELDS, ids=_name)
async def test_a_wrong_type_of_a_frames_field_is_21_with_its_name(
    site: Site, field: str, value: object
) -> None:
    ann = await site.login("ann", "hall")
    frame = {"eventType": MESSAGE, "appName": "test", "roomName": "hall", "action": "who"}
    ann.send_value({**frame, "data": {}, "id": 9000, field: value})
    answer = await ann.event()

    assert (21, 500, field) == (answer.error_code, answer.code, answer.error.get("field"))
    assert answer.id in ({None} if field == "id" else {9000, None})


@pytest.mark.parametrize(("event", "field", "value"), DATA_FIELDS, ids=_name)
async def test_a_wrong_type_of_the_datas_field_is_21_with_its_name(
    site: Site, event: int, field: str, value: object
) -> None:
    ann = await site.connect()
    if event not in {LOGIN, RECONNECT}:
        await ann.login("ann")
    data = {"roomName": "hall", "create": "if_missing", "kind": "hall", field: value}
    answer = await ann.request(event, data)

    assert (event, 21) == (answer.event_type, answer.error_code)
    assert field == answer.error["field"].removeprefix("data.")


async def test_a_frame_without_event_type_is_21_with_its_name(site: Site) -> None:
    ann = await site.connect()
    ann.send_value({"appName": "test", "id": 5, "data": {}})
    answer = await ann.event()

    assert (0, 21, "eventType") == (answer.event_type, answer.error_code, answer.error["field"])


async def test_the_eleventh_bad_request_closes_with_4502(site: Site) -> None:
    ann = await site.connect()
    for _ in range(11):
        ann.send(LOGIN, {})
    answers = [await ann.event() for _ in range(10)]
    end = await ann.socket.receive()
    if not hasattr(end, "code"):  # the eleventh may be answered before the close
        end = await ann.socket.receive()

    assert [21] * 10 == [answer.error_code for answer in answers]
    assert 4502 == getattr(end, "code", end)


# -- row 23: names --------------------------------------------------------------------------------

GOOD_NAMES = ["a", "x" * 64, "Ann Lee", "Zoë", "李", "👩", "o'neil", "a.b@c", "ß" * 64]
BAD_NAMES = [
    "",
    " ",
    "\u00a0",
    "x" * 65,
    "a\nb",
    "a\tb",
    "a\x00b",
    "a\x1bb",
    "a\x7fb",
    "a\u200bb",
    "a\u202eb",
    "a\u2066b",
    "a\ufeffb",
    "a\u2028b",
    "a\u2029b",
    "a\ue000b",
    "a\u0378b",
]
RESERVED_NAMES = ["system", "admin", "server", "goroom", "System", "ADMIN", "_", "_ann"]


@pytest.mark.parametrize("name", GOOD_NAMES, ids=ascii)
async def test_a_good_name_is_taken_as_it_is(site: Site, name: str) -> None:
    ann = await site.connect()
    answer = await ann.login(name)
    await site.application().rooms.create(name, kind="hall")

    assert (0, name) == (answer.error_code, answer.data["userName"])
    assert [name] == (await ann.join(name)).data["members"]


@pytest.mark.parametrize("name", [*BAD_NAMES, *RESERVED_NAMES], ids=ascii)
async def test_a_bad_user_name_is_21_with_its_field(site: Site, name: str) -> None:
    answer = await (await site.connect()).login(name)

    assert (21, "username") == (answer.error_code, answer.error["field"].removeprefix("data."))
    assert [] == list(site.application().users)


async def test_names_are_compared_in_nfc(site: Site) -> None:
    composed, decomposed = await site.connect(), await site.connect()
    first = await decomposed.login("Zoe\u0308")
    second = await composed.login("Zo\u00eb")

    assert ("Zo\u00eb", 4) == (first.data["userName"], second.error_code)


@pytest.mark.parametrize("name", BAD_NAMES[3:], ids=ascii)
async def test_a_bad_room_name_makes_no_room(site: Site, name: str) -> None:
    ann = await site.login("ann")
    joined = await ann.join(name)
    made = await ann.join(name, create=True, kind="hall")
    by_server = await ann.say("", "make", {"name": name})

    assert {joined.error_code, made.error_code} <= {6, 7, 21, 26}
    assert 0 != by_server.error_code
    assert ["hall"] == list(site.application().rooms)


@pytest.mark.parametrize("name", ["x" * 65, "a\nb", "a\u202eb"], ids=ascii)
async def test_a_bad_action_is_refused(site: Site, name: str) -> None:
    ann = await site.login("ann", "hall")

    assert (await ann.say("hall", name)).error_code in {21, 22}


# -- row 24: names of the inside ------------------------------------------------------------------

INSIDE = [
    "__class__",
    "__proto__",
    "__init__",
    "__dict__",
    "constructor",
    "prototype",
    "on_join",
    "on_leave",
    "on_message",
    "on_login",
    "on_logout",
    "on_connect",
    "on_disconnect",
    "init",
    "state",
    "room",
    "handlers",
    "every",
    "after",
    "add_handler",
    "remove_handler",
    "join",
    "leave",
    "login",
    "Event.JOIN",
    "JOIN",
    "connect",
    "disconnect_",
    "tell ",
    "Tell",
]


@pytest.mark.parametrize("action", INSIDE)
@pytest.mark.parametrize("room", ["hall", ""])
async def test_a_name_of_the_inside_is_an_unknown_action(
    site: Site, room: str, action: str
) -> None:
    ann, bob = await site.login("ann", "hall"), await site.login("bob", "hall")
    await ann.events()
    answer = await ann.say(room, action, {"text": "x", "user": "bob"})

    assert (22, "unknown_action") == answer.failure
    assert [[], []] == [await ann.events(), await bob.events()]
    assert ["ann", "bob"] == (await ann.say("hall", "who")).data


@pytest.mark.parametrize("key", ["__class__", "__proto__", "constructor", "__init__", "prototype"])
async def test_a_key_of_the_inside_is_data_like_any_other(site: Site, key: str) -> None:
    ann, bob = await site.login("ann", "hall"), await site.login("bob", "hall")
    await bob.events()
    echoed = await ann.request(JOIN_ROOM, {"roomName": "nowhere", key: {"x": 1}}, **{key: 1})
    await ann.say("hall", "describe", {"properties": {key: {"polluted": True}}})
    await ann.say("hall", "tell", {"text": key, key: {"x": 1}})
    described, told = [frame for frame in await bob.events() if frame.seq is not None]

    assert {"x": 1} == echoed.data[key]
    assert {key: {"polluted": True}} == described.data["properties"]
    assert {"text": key} == told.data


@pytest.mark.parametrize("name", ["__proto__", "constructor", "__class__", "toString"])
async def test_a_name_of_the_inside_names_rooms_and_applications_that_do_not_exist(
    site: Site, name: str
) -> None:
    ann = await site.login("ann")
    answers = [
        await ann.join(name),
        await ann.say(name, "tell", {"text": "x"}),
        await ann.request(LOGIN, {"username": "ann"}, appName=name),
        await ann.request(JOIN_APP, appName=name),
    ]

    assert [7, 7, 1, 1] == [answer.error_code for answer in answers]


@pytest.mark.parametrize("form", [Form.FULL], ids=str)
async def test_what_a_client_says_is_never_in_the_words_of_an_error(site: Site) -> None:
    ann = await site.login("ann", "hall")
    answer = await ann.say("hall", "tell", {"text": {"evil": "\x1b[31m"}})

    for detail in ("attr", "Attribute", "validator", "msgspec", "Traceback", "\x1b", "class"):
        assert detail not in answer.error["message"]
