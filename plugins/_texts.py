"""What plugins that change the training texts share: how many rows they changed."""

from __future__ import annotations

from collections.abc import Sequence

from ..core.hooks.plugin import Plugin


def changed(before: Sequence[str], after: Sequence[str]) -> int:
    """Return how many rows have another text than before."""
    return sum(one != other for one, other in zip(before, after, strict=True))


def show_changed(plugin: Plugin, rows: int) -> None:
    """Set a plugin's counter to the rows changed in this epoch.

    Set when the log is written, not added up in `augment`: a resumed run asks for its epoch once
    more.
    """
    name = "rows changed in the last epoch"
    plugin.count(name, rows - plugin.counts().get(name, 0))
