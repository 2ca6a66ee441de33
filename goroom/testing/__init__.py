"""
Testing without sockets and sleeps: `Stage`, its `Clock`, and `Player`, who speaks the protocol.

A `Stage` runs the real server: the same Connection, dialect bytes and Turn as behind a socket, only
the transport differs. `SocketStage` has the same players over real sockets.
"""

from __future__ import annotations

from goroom.testing.clock import Clock
from goroom.testing.line import Line
from goroom.testing.player import Player
from goroom.testing.sockets import SocketStage
from goroom.testing.stage import Stage

__all__ = ["Clock", "Line", "Player", "SocketStage", "Stage"]
