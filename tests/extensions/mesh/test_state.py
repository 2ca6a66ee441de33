"""How rooms stand."""

from __future__ import annotations

from goroom_extensions.mesh import GLOBAL_ROOM, RoomState

from goroom.testing import Stage
from tests.extensions.mesh.clients import Client, mesh_in, mesh_server


async def test_it_shows_the_members_in_the_order_they_joined_and_who_made_the_room() -> None:
    async with Stage(mesh_server()) as stage:
        ann = await Client.connect(stage, rooms=["den"])
        bob = await Client.connect(stage, rooms=["den"])

        slugs = [ann.slug, bob.slug]
        assert [
            RoomState(GLOBAL_ROOM, "hall", "Gawd", 2, 10_000, slugs),
            RoomState("den", "den", ann.slug, 2, 100, slugs),
        ] == mesh_in(stage.server).states()
