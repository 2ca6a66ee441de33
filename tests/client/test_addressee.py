"""Messages and requests to rooms and applications."""

from __future__ import annotations

import asyncio

import attrs
import pytest

from goroom.client import Message, SendRefused
from goroom.errors import PayloadError, RequestRefused
from tests.client.conftest import Site, next_of


@attrs.frozen
class Score:
    name: str
    points: int


@attrs.frozen
class Text:
    text: str


async def test_a_reply_is_what_the_handler_returned(site: Site) -> None:
    ada = await site.login("ada")
    async with ada.join("hall") as room:
        assert {"name": "ada", "points": 7} == await room.request("score")


async def test_a_reply_can_be_put_into_a_class(site: Site) -> None:
    ada = await site.login("ada")
    async with ada.join("hall") as room:
        assert Score("ada", 7) == await room.request("score", into=Score)
        assert {"name": "ada", "points": 7} == await room.request(
            "score", into=dict[str, str | int]
        )


async def test_a_reply_that_does_not_fit_is_a_value_error_and_the_link_goes_on(site: Site) -> None:
    ada = await site.login("ada")
    async with ada.join("hall") as room:
        with pytest.raises(ValueError, match="Expected `int`"):
            await room.request("score", into=dict[str, int])
        assert Score("ada", 7) == await room.request("score", into=Score)


async def test_an_acknowledgement_is_an_empty_reply(site: Site) -> None:
    ada = await site.login("ada")
    async with ada.join("hall") as room:
        assert {} == await room.request("tell", Text("hello"))


async def test_a_refused_request_says_all_that_the_server_said(site: Site) -> None:
    ada = await site.login("ada")
    async with ada.join("hall") as room:
        with pytest.raises(RequestRefused) as caught:
            await room.request("refuse", {"text": "Not now."})
    refused = caught.value

    assert (1001, "not_your_turn", "Not now.", "text") == (
        refused.code,
        refused.reason,
        refused.message,
        refused.field,
    )
    assert "Not now." == refused.data["text"]


async def test_a_refused_send_is_an_event_of_its_room(site: Site) -> None:
    ada = await site.login("ada")
    async with ada.join("hall") as room:
        assert Message("welcome", {"to": "ada"}) == await next_of(room)
        room.send("refuse", {"text": "Not now."})

        match await next_of(room):
            case SendRefused("refuse", error):
                assert (1001, "Not now.") == (error.code, error.message)
            case other:
                pytest.fail(f"not refused, but {other}")


async def test_a_refused_send_to_the_application_is_an_event_of_it(site: Site) -> None:
    ada = await site.login("ada")
    ada.send("fly")

    match await next_of(ada):
        case SendRefused("fly", error):
            assert 22 == error.code
        case other:
            pytest.fail(f"not refused, but {other}")


async def test_messages_arrive_in_the_order_of_calls(site: Site) -> None:
    ada = await site.login("ada")
    async with ada.join("hall") as room:
        for number in range(100):
            room.send("tell", {"text": str(number)})
        await room.request("tell", {"text": "last"})
        texts = []
        while texts[-1:] != ["last"]:
            match await next_of(room):
                case Message("told", {"text": text}, "ada"):
                    texts.append(text)

        assert [*map(str, range(100)), "last"] == texts


async def test_who_has_the_reply_has_the_events_before_it(site: Site) -> None:
    ada = await site.login("ada")
    async with ada.join("hall") as room:
        await room.request("describe", {"properties": {"topic": "tea"}})

        assert {"topic": "tea"} == room.properties


async def test_an_application_answers_too(site: Site) -> None:
    ada = await site.login("ada")
    await ada.request("shout", {"text": "all"})

    assert Message("shouted", {"text": "all"}, "ada") == await next_of(ada)


async def test_what_cannot_be_sent_is_refused_in_the_callers_line(site: Site) -> None:
    ada = await site.login("ada")
    async with ada.join("hall") as room:
        with pytest.raises(PayloadError):
            room.send("tell", {"text": 2**60})
        with pytest.raises(PayloadError):
            await room.request("tell", {"text": object()})


async def test_a_cancelled_request_leaves_the_link_as_it_was(site: Site) -> None:
    ada = await site.login("ada")
    async with ada.join("hall") as room:
        hall = site.hall()
        hall.door.clear()
        waiting = asyncio.create_task(room.request("wait"))
        await hall.knocked.wait()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        hall.door.set()

        assert Score("ada", 7) == await room.request("score", into=Score)


async def test_a_request_that_ran_out_of_time_leaves_the_link_as_it_was(site: Site) -> None:
    ada = await site.login("ada")
    async with ada.join("hall") as room:
        hall = site.hall()
        hall.door.clear()
        with pytest.raises(TimeoutError):
            await room.request("wait", timeout_seconds=0.01)
        hall.door.set()

        assert Score("ada", 7) == await room.request("score", into=Score)
