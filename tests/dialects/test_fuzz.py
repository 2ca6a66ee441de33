"""Thousands of wrong frames in every dialect, and two honest clients in the same room."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.tongues import TONGUES, GoroomSpeaker, MsgpackSpeaker, Speaker
from tests.witness import attack

if TYPE_CHECKING:
    from tests.dialects.conftest import House


@pytest.mark.timeout(300)
@pytest.mark.parametrize("tongue", TONGUES)
async def test_wrong_frames_hurt_nobody_but_their_sender(
    tongue: type[Speaker], house: House
) -> None:
    other = MsgpackSpeaker if tongue is GoroomSpeaker else GoroomSpeaker

    await attack(
        tongue.samples,
        lambda: tongue.sit(house.address),
        await tongue.sit(house.address),
        await other.sit(house.address),
    )
