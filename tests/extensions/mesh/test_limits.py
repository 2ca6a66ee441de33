"""The bounds of a mesh endpoint."""

from __future__ import annotations

from goroom_extensions.mesh import MESH_LIMITS

from goroom.testing import Stage
from tests.extensions.mesh.clients import Client, mesh_in, mesh_server


def test_they_are_those_of_the_seed() -> None:
    assert (10_000, 256) == (MESH_LIMITS.message_bytes, MESH_LIMITS.outbox_frames)
    assert (54, 6) == (MESH_LIMITS.ping_seconds, MESH_LIMITS.pong_seconds)


async def test_who_answers_pings_stays_and_who_does_not_goes_after_a_minute() -> None:
    async with Stage(mesh_server()) as stage:
        ann, silent = [await Client.connect(stage) for _ in range(2)]
        silent.line.wire.answers_pings = False
        await stage.advance(53)
        assert 2 == len(mesh_in(stage.server).clients())
        await stage.advance(60 - 53 + 2)
        assert [ann.slug] == list(mesh_in(stage.server).clients())
        await stage.advance(600)

        assert [ann.slug] == list(mesh_in(stage.server).clients())
