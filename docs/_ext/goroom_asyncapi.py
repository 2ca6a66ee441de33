"""
The protocol as an AsyncAPI 3 file, made from the code: `reference/asyncapi.json`.

    python docs/_ext/goroom_asyncapi.py        writes it anew

The numbers of events, the codes, the keys of frames and the data of RECONNECT are read from goroom.
What the data of each other frame holds stands here, and `tests/test_asyncapi.py` holds it against
real frames: one that matches nothing fails, and so does a key that never comes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import msgspec
from goroom_reference import CLOSE_CODES

import goroom
from goroom.absences import MOST_CHARACTERS, Reconnect
from goroom.errors import AUTHOR_CLOSE_CODES, ERROR_REASONS, ERROR_TEXTS, SERVER_ERROR, SUCCESS
from goroom.events import LeaveReason
from goroom.messages import EventType
from goroom.options import AutoRemove
from goroom.seating import WIRE_NAMES
from goroom.values import MAX_SAFE_INTEGER
from goroom.wire.json import Envelope, FullFrame, ShortFrame

FILE = Path(__file__).parent.parent / "reference/asyncapi.json"

Schema = dict[str, Any]

ANYTHING: Schema = {"description": "Any JSON value."}
FLAG: Schema = {"type": "boolean"}
TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}
NUMBER: Schema = {"type": "integer", "minimum": -MAX_SAFE_INTEGER, "maximum": MAX_SAFE_INTEGER}


def a(schema: Schema, description: str) -> Schema:
    """Return *schema* with words."""
    return {**schema, "description": description}


def record(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    """Return the schema of an object that always has the first keys and may have the second."""
    shape: Schema = {"type": "object", "properties": {**required, **(optional or {})}}
    if required:
        shape["required"] = list(required)
    return shape


def listed(items: Schema) -> Schema:
    """Return the schema of an array."""
    return {"type": "array", "items": items}


def ref(name: str) -> Schema:
    """Return what stands for a schema of `PARTS`."""
    return {"$ref": f"#/components/schemas/{name}"}


# -- data ----------------------------------------------------------------------------------

APPLICATION = {"appName": TEXT}
ROOM = {"roomName": TEXT, "appName": TEXT}
USER = {"appName": TEXT, "userName": TEXT}
PLACE = {
    "seq": a(COUNT, "Number of the newest event for everybody."),
    "sub": a(COUNT, "Number of the newest event for some since then."),
}
EPOCH = {"epoch": a(TEXT, "Names the sequence that the numbers belong to.")}
RESET = {"history", "epoch"}

LISTING = {
    **ROOM,
    "kind": TEXT,
    "count": a(COUNT, "Members now."),
    "capacity": a(COUNT, "Most members."),
    "locked": FLAG,
    "password": a(FLAG, "Whether one is needed."),
    "spectators": a(FLAG, "Whether it can be watched."),
    "properties": {"type": "object"},
    "maker": a(TEXT, "Who made it; empty for the server."),
}

SNAPSHOT = {
    **ROOM,
    "kind": TEXT,
    **EPOCH,
    "capacity": a(COUNT, "Most members."),
    "count": a(COUNT, "Members now."),
    "members": a(listed(TEXT), "Names, 200 at most."),
    "properties": {"type": "object"},
    "maker": a(TEXT, "Who made it; empty for the server."),
}
AWAY = {"away": a(listed(TEXT), "Names of the members whose connection is lost.")}


def told(reasons: Iterable[str]) -> Schema:
    """Return the schema of the ``reset`` of a place."""
    return a({"enum": sorted(reasons)}, "Why what was missed does not follow.")


def reconnect() -> Schema:
    """Return the schema of RECONNECT's data, from the class that reads it."""
    (shape,), parts = msgspec.json.schema_components([Reconnect])
    name = shape["$ref"].rpartition("/")[2]
    schema: Schema = _inlined(parts[name], parts)
    for key in ("token", "attempt"):  # bounded by a validator, which msgspec does not know
        schema["properties"][key]["maxLength"] = MOST_CHARACTERS
    return schema


def _inlined(schema: Any, parts: Mapping[str, Schema]) -> Any:
    if isinstance(schema, list):
        return [_inlined(one, parts) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(parts[schema["$ref"].rpartition("/")[2]], parts)
    words = {"title", "description"}  # the docstrings of the server's own classes
    return {key: _inlined(value, parts) for key, value in schema.items() if key not in words}


OPTIONS: dict[str, Schema] = {
    "capacity": a({"type": "integer", "minimum": 1}, "Most members, up to the kind's."),
    "password": TEXT,
    "hidden": FLAG,
    "locked": FLAG,
    "spectators": FLAG,
    "autoRemove": {"enum": [str(mode) for mode in AutoRemove]},
    "announceMembers": FLAG,
    "properties": {"type": "object"},
}
if OPTIONS.keys() != set(WIRE_NAMES.values()):
    raise LookupError("OPTIONS are not those of goroom.seating")

PARTS: dict[str, Schema] = {
    "listing": a(record(LISTING), "A room as the list of rooms shows it."),
    "snapshot": a(record(SNAPSHOT, AWAY), "A room as it stands."),
    "placedSnapshot": a(record({**SNAPSHOT, **PLACE}, AWAY), "A room as it stands, and its place."),
    "error": record(
        {
            "code": a({"type": "integer"}, "See x-error-codes; an application's own from 1000."),
            "message": a(TEXT, "For people; it may be reworded."),
        },
        {
            "reason": a(TEXT, "For programs: as stable as the code."),
            "field": a(TEXT, "Path of the field at fault, such as `moves[1].square`."),
        },
    ),
    "applicationPlace": record({**EPOCH, **PLACE}, {"reset": told(RESET)}),
    "roomPlace": {
        "anyOf": [
            a(record({**EPOCH, **PLACE}), "Resumed: the missed events follow, up to this place."),
            a(
                record({"reset": told(RESET), **SNAPSHOT, **PLACE}, AWAY),
                "What was missed is not kept: take this instead.",
            ),
            a(record({"reset": told({"gone", "kicked"})}), "Not in it any more."),
            a(
                ref("placedSnapshot"),
                "A room that the request did not name, as it was on joining; the rest follows.",
            ),
        ]
    },
}
"""Schemas that several frames share."""


# -- frames --------------------------------------------------------------------------------

KEYS: dict[str, Schema] = {
    "eventType": {"type": "integer"},
    "appName": a(TEXT, "The application."),
    "roomName": a(TEXT, "The room; without it the frame belongs to the application."),
    "action": a(TEXT, "Name of the message."),
    "sender": a(TEXT, "The user that it is about or comes from."),
    "seq": a(COUNT, "Number in its sequence."),
    "sub": a(COUNT, "Number among the events for some after `seq`."),
    "id": a(NUMBER, "Of the request, and of its reply."),
    "data": ANYTHING,
    "code": a({"type": "integer"}, "200; 500 beside an error; a close code on DISCONNECTION."),
    "error": ref("error"),
}
"""Every key of a frame."""

FORMS = {"full": FullFrame, "short": ShortFrame}
"""How the server's frames look, by channel."""


def names_of(struct: type) -> set[str]:
    """Return the keys of frames of this class."""
    return {field.encode_name for field in msgspec.structs.fields(struct)}


for _struct in FORMS.values():
    if names_of(_struct) != set(KEYS):
        raise LookupError(f"KEYS are not those of {_struct.__name__}")
if not names_of(Envelope) <= set(KEYS):
    raise LookupError("KEYS lack some of a client's")

NO_ERROR: Schema = {"const": {"code": 0, "message": ""}}


@attrs.frozen
class Request:
    """A frame that clients send."""

    event: EventType
    summary: str
    data: Schema | None = None
    """None where it takes no data."""
    keys: tuple[str, ...] = ()
    """What it has besides ``eventType``, ``appName``, ``id`` and ``data``."""

    @property
    def name(self) -> str:
        """Name of its event."""
        return self.event.name

    def schema(self) -> Schema:
        """Return the schema of its frame, which is the same in all forms."""
        required, data = ["eventType"], {}
        if self.data is not None:
            data = {"data": self.data}
            required += ["data"] if "required" in self.data else []
        has = {"appName", "id", *self.keys}
        return {
            "type": "object",
            "required": required,
            "properties": {
                "eventType": {"const": int(self.event)},
                **{key: schema for key, schema in KEYS.items() if key in has},
                **data,
            },
        }


@attrs.frozen
class Push:
    """A frame that the server sends; ``x.reply`` answers the request ``x``."""

    name: str
    summary: str
    data: Schema
    required: tuple[str, ...] = ()
    """What it always has besides ``eventType``, ``appName`` and ``data``."""
    optional: tuple[str, ...] = ()
    """What it may have."""
    error: Schema | None = None
    """The ``code`` of a frame that says that something failed or ended."""

    @property
    def event(self) -> EventType | None:
        """What it is; None where it may be anything."""
        return EventType.__members__.get(self.name.partition(".")[0])

    def schema(self, form: str) -> Schema:
        """Return the schema of its frame in *form*."""
        fields = msgspec.structs.fields(FORMS[form])
        always = {field.encode_name for field in fields if field.required} | {*self.required}
        if self.error is not None:
            always |= {"code", "error"}
        elif form == "full":
            always.add("appName")
        if "required" in self.data:
            always.add("data")
        may = {"eventType", "appName", "data", *self.optional, *always}
        shape = {key: schema for key, schema in KEYS.items() if key in may}
        if self.event is not None:
            shape["eventType"] = {"const": int(self.event)}
        shape["data"] = self.data
        if self.error is not None:
            shape["code"] = self.error
        elif form == "full":
            shape |= {"code": {"const": SUCCESS}, "error": NO_ERROR}
        return {
            "type": "object",
            "required": [key for key in KEYS if key in always],
            "properties": shape,
        }


CREATE = a({"enum": [True, "if_missing"]}, "Make the room: always, or where there is none.")

REQUESTS = (
    Request(EventType.JOIN_APP, "Enter an application; also answered at once by a living server."),
    Request(
        EventType.LOGIN,
        "Log in; `data` also holds whatever the application asks for.",
        record(
            {"username": TEXT},
            {"resume": a(FLAG, "Whether this login may come back after a lost connection.")},
        ),
    ),
    Request(EventType.LOGOUT, "Log out; nobody waits for a user who has."),
    Request(EventType.DISCONNECTION, "Log out without asking `on_logout`."),
    Request(
        EventType.RECONNECT,
        "Go on with a login whose connection was lost.",
        reconnect(),
    ),
    Request(
        EventType.JOIN_ROOM,
        "Join a room, or make one.",
        record({}, {"roomName": TEXT, "create": CREATE, "kind": TEXT, **OPTIONS}),
        ("roomName",),
    ),
    Request(
        EventType.LEAVE_ROOM,
        "Leave a room.",
        record({}, {"roomName": TEXT}),
        ("roomName",),
    ),
    Request(
        EventType.SUBSCRIBE_ROOM,
        "Watch a room; without a name, watch the list of rooms.",
        record({}, {"roomName": TEXT, "password": TEXT}),
        ("roomName",),
    ),
    Request(
        EventType.UNSUBSCRIBE_ROOM,
        "Watch a room, or the list of rooms, no more.",
        record({}, {"roomName": TEXT}),
        ("roomName",),
    ),
    Request(
        EventType.MESSAGE,
        "Say something to a room, or without `roomName` to the application.",
        {"type": "object"},
        ("roomName", "action"),
    ),
)
"""Each frame of a client."""

LEFT = record(
    {**ROOM, "reason": {"enum": [str(reason) for reason in LeaveReason]}},
    {"message": a(TEXT, "What a kick says.")},
)

PUSHES = (
    Push("JOIN_APP.reply", "The application is entered.", record(APPLICATION), (), ("id",)),
    Push(
        "LOGIN.reply",
        "Logged in.",
        record(
            {
                **USER,
                "userId": TEXT,
                **EPOCH,
                "seq": PLACE["seq"],
                "rooms": a(listed(ref("placedSnapshot")), "Rooms that the user is in already."),
            },
            {
                "sub": a(COUNT, "Goes with `seq`; 0 where it is missing."),
                "token": a(TEXT, "Comes back with RECONNECT; good once. Keep it secret."),
            },
        ),
        (),
        ("id",),
    ),
    Push("LOGOUT.reply", "Logged out.", record(USER), (), ("id",)),
    Push("DISCONNECTION.reply", "Logged out.", record(USER), (), ("id",)),
    Push(
        "DISCONNECTION.event",
        "The server has ended this connection's part of the application.",
        record(
            {**APPLICATION, "code": {"type": "integer"}, "message": TEXT},
            {"userName": TEXT},
        ),
        ("appName",),
        error=a({"type": "integer", "minimum": AUTHOR_CLOSE_CODES.start}, "A close code."),
    ),
    Push(
        "RECONNECT.reply",
        "Back; the missed events follow, before any live one.",
        record(
            {
                **USER,
                "userId": TEXT,
                "token": a(TEXT, "The next one; the one before is used."),
                "app": ref("applicationPlace"),
                "rooms": {"type": "object", "additionalProperties": ref("roomPlace")},
            }
        ),
        (),
        ("id",),
    ),
    Push(
        "JOIN_ROOM.reply",
        "In the room; without `id` where the server, or the user elsewhere, took the seat.",
        ref("snapshot"),
        ("roomName", "seq", "sub"),
        ("id",),
    ),
    Push(
        "JOIN_ROOM.event", "`sender` is in the room.", record(ROOM), ("roomName", "sender", "seq")
    ),
    Push(
        "LEAVE_ROOM.reply",
        "Out of the room; without `id` where the server, or the user elsewhere, ended it.",
        LEFT,
        ("roomName",),
        ("id", "seq"),
    ),
    Push("LEAVE_ROOM.event", "`sender` is out of the room.", LEFT, ("roomName", "sender", "seq")),
    Push(
        "SUBSCRIBE_ROOM.reply",
        "Watching the room.",
        ref("snapshot"),
        ("roomName", "seq", "sub"),
        ("id",),
    ),
    Push(
        "SUBSCRIBE_ROOM.list",
        "Watching the list of rooms; this is it.",
        record({**APPLICATION, "rooms": listed(ref("listing"))}),
        (),
        ("id",),
    ),
    Push(
        "UNSUBSCRIBE_ROOM.reply",
        "Watching no more.",
        record(APPLICATION, {"roomName": TEXT}),
        (),
        ("roomName", "id"),
    ),
    Push(
        "MESSAGE.reply",
        "What the handler returned; it comes after all that the message caused.",
        ANYTHING,
        ("id",),
        ("roomName", "action"),
    ),
    Push(
        "MESSAGE.event",
        "A message of a room, or without `roomName` of the application. No `seq`: it is volatile, "
        "or the reply to a message without `id`.",
        ANYTHING,
        (),
        ("roomName", "action", "sender", "seq", "sub"),
    ),
    Push("ROOM_ADD.event", "A room has come.", ref("listing"), ("seq",), ("sub",)),
    Push("ROOM_REMOVE.event", "A room has gone.", ref("listing"), ("seq",), ("sub",)),
    Push(
        "ROOM_UPDATE.event",
        "A room has changed; with `roomName` and `seq` for those in it.",
        ref("listing"),
        (),
        ("roomName", "seq"),
    ),
    Push(
        "MEMBER_AWAY.event",
        "`sender`'s connection is lost; the seat is kept.",
        record({**ROOM, "seconds": a({"type": "number"}, "How long, at most.")}),
        ("roomName", "sender", "seq"),
    ),
    Push(
        "MEMBER_BACK.event",
        "`sender` is back.",
        record(ROOM),
        ("roomName", "sender", "seq"),
    ),
    Push(
        "refusal",
        "The request, or something that the server tried for the user, was refused. `data` is the "
        "request's. `eventType` is 0 where the frame could not be read.",
        {"type": "object"},
        (),
        ("roomName", "action", "id"),
        error={"const": SERVER_ERROR},
    ),
)
"""Each frame of the server."""

ANSWERS: Mapping[str, tuple[str, ...]] = {"SUBSCRIBE_ROOM": ("reply", "list")}
"""What answers a request besides a refusal, where it is not ``reply`` alone."""


# -- the file ------------------------------------------------------------------------------


def protocol() -> dict[str, Any]:
    """Return the file as a value."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "goroom",
            "version": goroom.__version__,
            "description": "Several games and chats on one port, each in its own namespace. This "
            "file is the server's side: what it receives and what it sends.",
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "all": {
                "host": "localhost:8080",
                "pathname": "/",
                "protocol": "ws",
                "description": "All applications; each frame names its own.",
            },
            "one": {
                "host": "localhost:8080",
                "pathname": "/{application}",
                "protocol": "ws",
                "description": "One application. A client need not name it, and the short form "
                "leaves it out.",
                "variables": {"application": {"description": "Its name, such as `tictactoe`."}},
            },
        },
        "channels": {form: _channel(form) for form in FORMS},
        "operations": dict(_operations()),
        "components": {
            "schemas": {
                **PARTS,
                **{f"request.{one.name}": one.schema() for one in REQUESTS},
                **{f"{form}.{one.name}": one.schema(form) for form in FORMS for one in PUSHES},
            },
            "messages": dict(_messages()),
            "correlationIds": {
                "id": {
                    "description": "A reply repeats the request's `id`.",
                    "location": "$message.payload#/id",
                }
            },
        },
        "x-error-codes": [
            {"code": code, "reason": ERROR_REASONS[code], "message": text}
            for code, text in ERROR_TEXTS.items()
        ],
        "x-close-codes": [
            {"code": code, "meaning": meaning.replace("``", "`"), "comeBack": back}
            for code, (meaning, back) in sorted(CLOSE_CODES.items())
        ],
    }


def _channel(form: str) -> dict[str, Any]:
    words = {
        "full": "Asked for by no subprotocol: `data`, `code` and `error` are always there.",
        "short": "Asked for by the subprotocol `goroom.json`: what is at its default is left out. "
        "`goroom.msgpack` is the same in msgpack, in binary frames.",
    }
    chosen = {} if form == "full" else {"Sec-WebSocket-Protocol": {"const": "goroom.json"}}
    ours = [f"request.{one.name}" for one in REQUESTS] + [f"{form}.{one.name}" for one in PUSHES]
    return {
        "address": "",
        "title": f"The {form} form",
        "description": words[form],
        "messages": {
            name.removeprefix(f"{form}."): {"$ref": f"#/components/messages/{name}"}
            for name in ours
        },
        "bindings": {
            "ws": {
                "method": "GET",
                "headers": {"type": "object", "properties": chosen},
                "bindingVersion": "0.1.0",
            }
        },
    }


def _messages() -> Iterator[tuple[str, dict[str, Any]]]:
    named: list[tuple[str, Request | Push]] = [(f"request.{one.name}", one) for one in REQUESTS]
    named += [(f"{form}.{one.name}", one) for form in FORMS for one in PUSHES]
    for name, one in named:
        yield (
            name,
            {
                "name": name.partition(".")[2],
                "summary": one.summary,
                "correlationId": {"$ref": "#/components/correlationIds/id"},
                "payload": ref(name),
            },
        )


def _operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for form in FORMS:
        channel = {"$ref": f"#/channels/{form}"}

        def message(name: str, form: str = form) -> dict[str, str]:
            return {"$ref": f"#/channels/{form}/messages/{name}"}

        for one in REQUESTS:
            answers = [f"{one.name}.{kind}" for kind in ANSWERS.get(one.name, ("reply",))]
            yield (
                f"{form}.{one.name}",
                {
                    "action": "receive",
                    "channel": channel,
                    "summary": one.summary,
                    "messages": [message(f"request.{one.name}")],
                    "reply": {
                        "channel": channel,
                        "messages": [message(name) for name in (*answers, "refusal")],
                    },
                },
            )
        yield (
            f"{form}.events",
            {
                "action": "send",
                "channel": channel,
                "summary": "What comes unasked.",
                "messages": [message(one.name) for one in PUSHES],
            },
        )


def text() -> str:
    """Return the file as it is written."""
    return json.dumps(protocol(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), "utf-8")
