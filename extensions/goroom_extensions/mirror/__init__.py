"""
The mirror of go-mirror-hw: accounts, public channels, direct messages.

`setup` adds all of it to an aiohttp application and a server. It needs the extras ``auth`` and
``sql``, or ``postgres``: ``pip install 'goroom[auth,sql]'``.
"""

from __future__ import annotations

from goroom_extensions.mirror.application import Mirror
from goroom_extensions.mirror.channels import KINDS, Channels, DirectChannel, PublicChannel
from goroom_extensions.mirror.dialect import Frame, MirrorDialect
from goroom_extensions.mirror.passwords import Passwords, PasswordsBusy
from goroom_extensions.mirror.site import Site, setup
from goroom_extensions.mirror.store import Account, Message, Store, StoreFailed
from goroom_extensions.mirror.throttle import Throttle
from goroom_extensions.mirror.tokens import Claims, Tokens

__all__ = [
    "KINDS",
    "Account",
    "Channels",
    "Claims",
    "DirectChannel",
    "Frame",
    "Message",
    "Mirror",
    "MirrorDialect",
    "Passwords",
    "PasswordsBusy",
    "PublicChannel",
    "Site",
    "Store",
    "StoreFailed",
    "Throttle",
    "Tokens",
    "setup",
]
