"""The mesh dialect: clients of simplysocket and gomeshstream in the same rooms."""

from __future__ import annotations

from goroom_extensions.mesh.application import MeshApplication
from goroom_extensions.mesh.dialect import GLOBAL_ROOM, BatchedMeshDialect, MeshDialect
from goroom_extensions.mesh.feed import Feed, FeedOverrun
from goroom_extensions.mesh.limits import MESH_LIMITS
from goroom_extensions.mesh.mesh import Mesh, MeshMessage, mesh_of
from goroom_extensions.mesh.observer import ObserverLobby, ObserverRoom
from goroom_extensions.mesh.room import MeshRoom
from goroom_extensions.mesh.state import RoomState
from goroom_extensions.mesh.triggers import MeshEvent, Trigger

__all__ = [
    "GLOBAL_ROOM",
    "MESH_LIMITS",
    "BatchedMeshDialect",
    "Feed",
    "FeedOverrun",
    "Mesh",
    "MeshApplication",
    "MeshDialect",
    "MeshEvent",
    "MeshMessage",
    "MeshRoom",
    "ObserverLobby",
    "ObserverRoom",
    "RoomState",
    "Trigger",
    "mesh_of",
]
