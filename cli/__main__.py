"""``python -m titlekit.cli`` is ``titlekit``."""

from .main import main

main()
