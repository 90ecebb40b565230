"""A plugin that keeps the whole contract."""

from __future__ import annotations

from dataclasses import dataclass

from titlekit import Plugin, hookimpl


@dataclass(eq=False)
class Sound(Plugin):
    """Counts the steps that moved the weights."""

    when = "in these tests"
    capture_safe = True

    @hookimpl
    def after_step(self, stepped):
        self.count("steps", stepped)
