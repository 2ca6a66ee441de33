"""Protocol section 1: three forms of one protocol, and what each leaves out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.rawclient import JOIN_APP, JOIN_ROOM, LOGIN, LOGOUT, MESSAGE, Client, Form
from tests.websocket import BINARY, TEXT, Closed, HandshakeRefused, WebSocket

if TYPE_CHECKING:
    from tests.protocol.conftest import Site

NO_ERROR = {"code": 0, "message": ""}


async def test_a_success_has_what_its_form_always_has(site: Site) -> None:
    ann = await site.connect()
    answer = await ann.request(JOIN_APP)

    expected: dict[str, Any] = {
        "eventType": JOIN_APP,
        "appName": "test",
        "id": 1,
        "data": {"appName": "test"},
    }
    if site.form is Form.FULL:
        expected |= {"code": 200, "error": NO_ERROR}
    assert expected == answer.raw


async def test_an_acknowledgement_has_empty_data_or_none(site: Site) -> None:
    ann = await site.login("ann", "hall")
    answer = await ann.say("hall", "remind", {"text": "milk"})

    assert (0, {}) == (answer.error_code, answer.data)
    assert (site.form is Form.FULL) == ("data" in answer.raw)
    assert (site.form is Form.FULL) == ("code" in answer.raw)
    assert (site.form is Form.FULL) == ("error" in answer.raw)


async def test_a_failure_has_code_500_and_an_error_in_every_form(site: Site) -> None:
    ann = await site.login("ann")
    answer = await ann.join("nowhere")

    assert 500 == answer.raw["code"]
    assert (7, "Room does not exist in app") == (answer.error_code, answer.error["message"])


async def test_a_bound_endpoint_needs_no_application_name(site: Site) -> None:
    ann = await site.connect(path="/test")
    answer = await ann.request(LOGIN, {"username": "ann"}, appName=None)

    assert 0 == answer.error_code
    assert (site.form is Form.FULL) == ("appName" in answer.raw)
    assert "test" == answer.data["appName"]


async def test_a_bound_endpoint_answers_an_error_about_a_missing_name_with_the_name_as_it_came(
    site: Site,
) -> None:
    ann = await site.connect(path="/test")
    await ann.request(LOGIN, {"username": "ann"}, appName=None)
    answer = await ann.request(JOIN_ROOM, {"roomName": "nowhere"}, appName=None)

    assert 7 == answer.error_code
    assert {"roomName", "appName"} == answer.data.keys()


async def test_an_error_echoes_the_data_and_names_the_frame(site: Site) -> None:
    ann = await site.login("ann")
    data = {"roomName": "nowhere", "appName": "mine", "other": [1, {"a": None}]}
    answer = await ann.request(JOIN_ROOM, data, roomName="elsewhere")

    assert {**data, "roomName": "elsewhere", "appName": "test"} == answer.data


async def test_an_error_of_a_frame_without_names_echoes_them_blank(site: Site) -> None:
    ann = await site.connect()
    answer = await ann.request(LOGIN, {"username": "ann"}, appName=None)

    assert {"username": "ann", "roomName": "", "appName": ""} == answer.data


async def test_unknown_keys_and_null_data_are_let_through(site: Site) -> None:
    ann = await site.connect()
    ann.send_value({"eventType": 3, "appName": "test", "id": 7, "data": None, "Connection": {}})

    assert (7, 0) == ((frame := await ann.event()).id, frame.error_code)


async def test_a_missing_room_name_is_blank(site: Site) -> None:
    ann = await site.login("ann")
    answer = await ann.request(JOIN_ROOM, {})

    assert 6 == answer.error_code


async def test_an_answer_repeats_the_id_and_a_frame_without_id_is_answered_without(
    site: Site,
) -> None:
    ann = await site.connect()
    ann.send(LOGIN, {"username": "ann"})
    first = await ann.event()
    ann.send(LOGOUT, id=0)
    second = await ann.event()

    assert (LOGIN, None) == (first.event_type, first.id)
    assert "id" not in first.raw
    assert (LOGOUT, 0) == (second.event_type, second.raw["id"])


async def test_a_sender_is_there_only_where_the_author_says_so(site: Site) -> None:
    ann = await site.login("ann", "hall")
    await ann.say("hall", "tell", {"text": "one"})
    await ann.say("hall", "announce", {"text": "two"})
    one, two = await ann.event(), await ann.event()

    assert ("told", "ann") == (one.action, one.raw["sender"])
    assert ("told", False) == (two.action, "sender" in two.raw)


async def test_a_blank_action_leaves_the_key_out(site: Site) -> None:
    ann = await site.login("ann", "hall")
    await ann.say("hall", "nameless")

    assert "action" not in (await ann.event()).raw


async def test_bytes_of_an_author_are_base64_in_every_form(site: Site) -> None:
    ann = await site.login("ann", "hall")
    answer = await ann.say("hall", "blob")

    assert {"bytes": "AP8="} == answer.data
    assert {"bytes": "AP8="} == (await ann.event()).data


async def test_a_reply_may_be_any_json_value(site: Site) -> None:
    ann = await site.login("ann", "hall")

    assert ["ann"] == (await ann.say("hall", "who")).data


BROKEN_TEXTS = {
    "empty": "",
    "no JSON": "hello",
    "half": '{"eventType":3,"appName":"test"',
    "trailing bytes": '{"eventType":3,"appName":"test"}}',
    "two objects": '{"eventType":3,"appName":"test"}\n{"eventType":3,"appName":"test"}',
    "byte order mark": '\ufeff{"eventType":3,"appName":"test"}',
    "array": "[3]",
    "number": "3",
    "string": '"3"',
    "null": "null",
    "NaN": '{"eventType":3,"appName":"test","data":{"x":NaN}}',
    "infinite": '{"eventType":3,"appName":"test","data":{"x":1e400}}',
    "lone surrogate": '{"eventType":3,"appName":"test","data":{"x":"\\ud800"}}',
    "lone surrogate in a key": '{"eventType":3,"appName":"test","data":{"\\udfff":1}}',
    "2^64": '{"eventType":3,"appName":"test","data":{"x":18446744073709551616}}',
    "2^53": '{"eventType":3,"appName":"test","data":{"x":[9007199254740992]}}',
    "deep": '{"eventType":3,"appName":"test","data":{"x":' + "[" * 9000 + "]" * 9000 + "}}",
    "a little too deep": '{"eventType":3,"appName":"test","data":{"x":'
    + "[" * 33
    + "]" * 33
    + "}}",
}


@pytest.mark.parametrize("text", BROKEN_TEXTS.values(), ids=BROKEN_TEXTS)
async def test_a_text_that_is_no_frame_is_answered_21(site: Site, text: str) -> None:
    ann = await site.connect()
    if site.form is Form.MSGPACK:
        try:
            raw = msgspec.msgpack.encode(json.loads(text))
        except (ValueError, RecursionError, OverflowError):
            raw = b"\xc1" + text.encode()  # 0xc1 is never used in msgpack
        ann.socket.send_frame(BINARY, raw)
    else:
        ann.socket.send_frame(TEXT, text.encode())
    # The bounds of values hold wherever data is read, and a LOGIN's is.
    answer = await ann.event()

    assert 21 == answer.error_code
    assert "bad_request" == answer.error["reason"]
    assert answer.event_type in {0, JOIN_APP}
    await _still_serves(ann)


async def test_a_frame_of_the_other_kind_is_answered_21_with_event_type_0(site: Site) -> None:
    ann = await site.connect()
    opcode = TEXT if site.form is Form.MSGPACK else BINARY
    ann.socket.send_frame(opcode, b'{"eventType":3,"appName":"test","id":5}')
    answer = await ann.event()

    assert (0, 21) == (answer.event_type, answer.error_code)
    await _still_serves(ann)


MSGPACK_ONLY = {
    "bin": {"appName": "test", "eventType": LOGIN, "data": {"username": b"ann"}},
    "bin deep inside": {"appName": "test", "eventType": JOIN_APP, "data": {"x": [{"y": b""}]}},
    "ext": {"appName": "test", "eventType": JOIN_APP, "data": {"x": msgspec.msgpack.Ext(5, b"x")}},
    "timestamp": {
        "appName": "test",
        "eventType": JOIN_APP,
        "data": {"x": msgspec.msgpack.Ext(-1, b"\x00\x00\x00\x01")},
    },
    "a number for a key": {"appName": "test", "eventType": JOIN_APP, "data": {1: 1}},
    "a number for a key deep inside": {
        "appName": "test",
        "eventType": JOIN_APP,
        "data": {"x": [{2: 1}]},
    },
    "bin for a key": {"appName": "test", "eventType": JOIN_APP, "data": {b"x": 1}},
    "NaN": {"appName": "test", "eventType": JOIN_APP, "data": {"x": float("nan")}},
    "infinity": {"appName": "test", "eventType": JOIN_APP, "data": {"x": float("inf")}},
    "2^53": {"appName": "test", "eventType": JOIN_APP, "data": {"x": 2**53}},
}


@pytest.mark.parametrize("frame", MSGPACK_ONLY.values(), ids=MSGPACK_ONLY)
@pytest.mark.parametrize("form", [Form.MSGPACK], ids=str)
async def test_what_json_cannot_say_is_21_in_msgpack(site: Site, frame: dict[str, Any]) -> None:
    ann = await site.connect()
    ann.send_value(frame)

    assert 21 == (await ann.event()).error_code
    await _still_serves(ann)


@pytest.mark.parametrize("form", [Form.FULL, Form.SHORT], ids=str)
async def test_the_last_of_two_equal_keys_counts(site: Site) -> None:
    ann = await site.connect()
    ann.socket.send_text(
        '{"appName":"x","appName":"test","eventType":6,"data":{"username":"bob","username":"ann"}}'
    )

    assert "ann" == (await ann.event()).data["userName"]


@pytest.mark.parametrize("form", [Form.FULL], ids=str)
async def test_a_text_frame_that_is_no_utf8_closes_with_1007(site: Site) -> None:
    ann = await site.connect()
    ann.socket.send_frame(TEXT, b'{"eventType":3,"appName":"\xff"}')

    assert 1007 == (await ann.closed()).code


async def test_a_frame_over_the_limit_closes_with_1009(site: Site) -> None:
    ann = await site.connect()
    ann.send(LOGIN, {"username": "ann", "padding": "x" * 64 * 1024})

    assert 1009 == (await ann.closed()).code


async def test_a_header_that_announces_the_largest_frame_closes_with_1009(site: Site) -> None:
    ann = await site.connect()
    ann.socket.send_bytes(b"\x82\xff" + (2**63 - 1).to_bytes(8, "big") + b"mask")

    assert 1009 == (await ann.closed()).code


@pytest.mark.parametrize("form", [Form.FULL], ids=str)
@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("chat", ""),
        ("chat, goroom.json", "goroom.json"),
        ("goroom.msgpack, goroom.json", "goroom.msgpack"),
        ("GOROOM.JSON", ""),
    ],
)
async def test_the_first_known_subprotocol_is_taken(site: Site, asked: str, given: str) -> None:
    socket = await WebSocket.connect(f"ws://{site.address}/", subprotocol=asked)
    socket.abort()

    assert given == socket.subprotocol


@pytest.mark.parametrize("form", [Form.FULL], ids=str)
async def test_a_client_of_goroomserver_is_served_byte_for_byte(site: Site) -> None:
    socket = await WebSocket.connect(f"ws://{site.address}/")
    socket.send_text('{"appName":"test","roomName":"","eventType":6,"data":{"username":"prateek"}}')
    first = json.loads(await _text(socket))
    socket.send_text(
        '{"appName":"test","roomName":"","eventType":11,"data":{"username":"prateek"}}'
    )
    closed = await socket.close(1000)

    assert {"appName": "test", "userName": "prateek"}.items() <= first["data"].items()
    assert [6, 200, NO_ERROR] == [first["eventType"], first["code"], first["error"]]
    assert 1000 == closed.code


@pytest.mark.parametrize("form", [Form.FULL], ids=str)
async def test_a_plain_get_on_an_endpoint_is_no_upgrade(site: Site) -> None:
    with pytest.raises(HandshakeRefused) as refusal:
        await WebSocket.connect(f"ws://{site.address}/", headers={"Upgrade": "", "Connection": ""})

    assert refusal.value.status in {200, 400, 426}
    assert refusal.value.body


async def _text(socket: WebSocket) -> str:
    message = await socket.receive()
    assert isinstance(message, str), message
    return message


async def _still_serves(client: Client) -> None:
    assert not isinstance(client.socket.closed, Closed)
    assert 0 == (await client.request(JOIN_APP)).error_code
    assert MESSAGE == (await client.request(MESSAGE, {})).event_type
