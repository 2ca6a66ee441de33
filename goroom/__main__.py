"""``python -m goroom``."""

from __future__ import annotations

from goroom.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
