"""Frames: RFC 6455 section 5, by its own examples."""

from __future__ import annotations

import pytest

from goroom.wire.frames import (
    BINARY,
    CONTROL_BYTES,
    PING,
    PONG,
    TEXT,
    batched,
    close_frame,
    frame,
    unframed,
)


def test_a_short_text_is_the_standards_example() -> None:
    """RFC 6455 section 5.7: a single-frame unmasked text message."""
    assert bytes.fromhex("810548656c6c6f") == frame(TEXT, b"Hello")


@pytest.mark.parametrize(("opcode", "first"), [(PING, 0x89), (PONG, 0x8A)])
def test_ping_and_pong_are_control_frames(opcode: int, first: int) -> None:
    assert bytes((first, 5)) + b"Hello" == frame(opcode, b"Hello")


@pytest.mark.parametrize(
    ("length", "head"),
    [
        (0, "8200"),
        (125, "827d"),
        (126, "827e007e"),
        (256, "827e0100"),
        (65_535, "827effff"),
        (65_536, "827f0000000000010000"),
    ],
)
def test_a_length_is_written_in_the_shortest_form(length: int, head: str) -> None:
    assert bytes.fromhex(head) + bytes(length) == frame(BINARY, bytes(length))


def test_a_close_frame_carries_code_and_reason() -> None:
    assert b"\x88\x0f" + (4010).to_bytes(2, "big") + b"slow_consumer" == close_frame(
        4010, "slow_consumer"
    )


def test_a_close_frame_may_have_no_reason() -> None:
    assert b"\x88\x02\x03\xe8" == close_frame(1000)


@pytest.mark.parametrize("reason", ["x" * 123, "x" * 1000])
def test_a_reason_is_cut_to_what_a_control_frame_holds(reason: str) -> None:
    written = close_frame(4000, reason)

    assert (CONTROL_BYTES, b"x" * 123) == (written[1], written[4:])


@pytest.mark.parametrize("lead", range(4))
def test_a_reason_is_cut_between_characters(lead: int) -> None:
    written = close_frame(4000, "x" * lead + "🎲" * 50)

    assert "x" * lead + "🎲" * ((123 - lead) // 4) == written[4:].decode()
    assert written[1] == len(written) - 2


def test_a_reason_that_is_no_text_still_closes() -> None:
    assert b"\x88\x04\x0f\xa0a?" == close_frame(4000, "a\ud800")


FRAMES = [
    frame(TEXT, b"one"),
    frame(BINARY, bytes(70_000)),
    frame(PING, b""),
    frame(TEXT, b"x" * 300),
]


def test_frames_are_taken_apart_as_they_were_made() -> None:
    expected = [(TEXT, b"one"), (BINARY, bytes(70_000)), (PING, b""), (TEXT, b"x" * 300)]

    assert expected == list(unframed(b"".join(FRAMES)))


def test_messages_that_follow_each_other_become_one_frame() -> None:
    frames = [frame(TEXT, word) for word in (b"one", b"two", b"three")]

    assert frame(TEXT, b"one\ntwo\nthree") == batched(frames, b"\n")


def test_a_control_frame_keeps_its_place_among_batched_messages() -> None:
    one, two = frame(TEXT, b"one"), frame(TEXT, b"two")
    pong, close = frame(PONG, b"p"), close_frame(1000)

    assert one + pong + frame(TEXT, b"two\ntwo") + close == batched(
        [one, pong, two, two, close], b"\n"
    )
