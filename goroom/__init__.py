"""A room server for Python: several games and chats on one port, each in its own namespace."""

__version__ = "0.1.0"
