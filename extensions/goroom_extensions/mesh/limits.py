"""The bounds of a mesh endpoint: those of the seed systems, where ours differ."""

from __future__ import annotations

from goroom import Limits

MESH_LIMITS = Limits(
    message_bytes=10_000,  # their largest message; one byte more closes with 1009
    ping_seconds=54,  # nine tenths of the minute in which they want a pong
    pong_seconds=6,  # the last tenth of it
    outbox_frames=256,  # their queue for one client; a full one closes it, and holds up nobody
)
"""
What ``add_endpoint(..., limits=MESH_LIMITS)`` gives to clients of simplysocket.

Their ten seconds for one write have no counterpart: here nobody waits for a write, and who does not
read is closed when too much waits for it.
"""
