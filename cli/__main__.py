"""``python -m titlekit.cli`` is ``titlekit``."""

from __future__ import annotations

from .main import main

main()
