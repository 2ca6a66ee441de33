"""Protocol section 5: rooms that the client was put into and has not heard of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.rawclient import JOIN_ROOM
from tests.resume.conftest import texts

if TYPE_CHECKING:
    from tests.resume.conftest import Port


async def test_a_room_that_the_client_never_heard_of_comes_with_all_that_was_said_in_it(
    port: Port,
) -> None:
    """The reply to its JOIN_ROOM was lost, and with it what `on_join` and others have sent."""
    ann, bob = await port.begin("ann"), await port.login("bob", "hall")
    ann.client.send(JOIN_ROOM, {"roomName": "hall"}, id=100)
    while (await bob.event()).event_type != JOIN_ROOM:
        pass
    ann.drop()
    await bob.say("hall", "tell", {"text": "one"})
    await bob.say("hall", "whisper", {"to": "ann", "text": "two"})
    answer = await ann.come_back()
    entry = answer.data["rooms"]["hall"]
    ann.rooms["hall"] = {key: entry[key] for key in ("epoch", "seq", "sub")}
    told = texts(await ann.events())

    assert ["one", "two"] == told
