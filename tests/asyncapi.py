"""The description of the protocol, held against frames: which it matches, what never comes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import jsonschema

from tests.documentation import DOCS, loaded
from tests.rawclient import Client, Form, Frame

sys.path.insert(0, str(DOCS / "_ext"))  # as docs/conf.py does
generator = loaded(DOCS / "_ext/goroom_asyncapi.py")
"""What makes the file."""

Schema = dict[str, Any]

EVERYTHING = object()
"""Stands for a value that has every key."""


def closed(schema: Any) -> Any:
    """Return *schema* so that it takes no key which it does not describe."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {key: closed(value) for key, value in schema.items()}
    if "properties" in schema and "type" in schema:
        strict.setdefault("additionalProperties", False)
    return strict


class Description:
    """The file, in use."""

    def __init__(self, protocol: Schema) -> None:
        self._schemas: dict[str, Schema] = protocol["components"]["schemas"]
        self._strict: dict[str, Schema] = closed(self._schemas)

    def _validator(self, schema: Schema, *, strict: bool) -> jsonschema.Draft7Validator:
        schema, schemas = (closed(schema), self._strict) if strict else (schema, self._schemas)
        return jsonschema.Draft7Validator({**schema, "components": {"schemas": schemas}})

    def names(self, *prefixes: str) -> set[str]:
        """Return the frames whose names begin so."""
        return {name for name in self._schemas if name.startswith(prefixes)}

    def pushes(self, frame: Schema, form: str) -> set[str]:
        """Return what a server's *frame* can be; each of its keys is described there."""
        return {
            name
            for name in self.names(f"{form}.")
            if self._validator(self._schemas[name], strict=True).is_valid(frame)
        }

    def takes(self, name: str, frame: Schema) -> bool:
        """Tell whether *frame* is as the schema *name* says; it may have other keys as well."""
        return self._validator(self._schemas[name], strict=False).is_valid(frame)

    def parts(self, name: str, value: Any = EVERYTHING) -> set[str]:
        """
        Return what the schema *name* describes, by path, and of that what is in *value*.

        A path begins at the frame or at the part that several frames share.
        """
        return set(self._paths(name, self._schemas[name], value))

    def _paths(self, path: str, schema: Schema, value: Any) -> Iterator[str]:
        yield path
        for below in self._below(path, schema, value):
            yield from self._paths(*below)

    def _below(self, path: str, schema: Schema, value: Any) -> Iterator[tuple[str, Schema, Any]]:
        is_all = value is EVERYTHING
        if "$ref" in schema:
            part = schema["$ref"].rpartition("/")[2]
            yield part, self._schemas[part], value
        for index, choice in enumerate(schema.get("anyOf", ())):
            if is_all or self._validator(choice, strict=True).is_valid(value):
                yield f"{path}|{index}", choice, value
        for key, inside in schema.get("properties", {}).items():
            if is_all or key in value:
                yield f"{path}.{key}", inside, value if is_all else value[key]
        for word in ("items", "additionalProperties"):
            if word in schema:
                items = value.values() if isinstance(value, dict) else value
                for item in [value] if is_all else items:
                    yield f"{path}[]", schema[word], item


class Listener:
    """Notes what clients send and are sent."""

    def __init__(self) -> None:
        self.requests: list[Schema] = []
        """Frames of clients that were answered without an error, or not at all."""
        self.pushes: list[Schema] = []

    async def client(self, address: str, form: Form, path: str, application: str) -> Client:
        """Open a connection to *path* and note all that goes over it."""
        url = f"ws://{address}{path}"
        listener = self

        class Noting(Client):
            def send_value(self, value: object) -> None:
                super().send_value(value)
                if isinstance(value, dict):
                    listener.requests.append(value)

            def _frame(self, message: str | bytes) -> Frame:
                frame = super()._frame(message)
                listener.pushes.append(frame.raw)
                if frame.error and frame.id is not None:
                    # Several clients count from 1: the newest of this id is the one refused.
                    for sent in reversed(listener.requests):
                        if sent.get("id") == frame.id and sent["eventType"] == frame.event_type:
                            listener.requests.remove(sent)
                            break
                return frame

        return await Noting.connect(url, form, application=application)
