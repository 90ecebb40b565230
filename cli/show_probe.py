"""What a person reads of a probe: accuracy by fault and strength."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .show import number, table

if TYPE_CHECKING:
    from ..core.evidence.probe import Probe

_WIDEST = 4  # labels whose columns a terminal shows


def probe_table(probe: Probe) -> str:
    """Return a table with a row for each fault and strength, the clean rows first."""
    labels = list(probe.recall) if len(probe.recall) <= _WIDEST else []
    rows = [["fault", "strength", "rows changed", "accuracy", "difference", "95 % interval"]]
    rows[0] += [f"recall of {label}" for label in labels]
    rows.append(["none", "", "", number(probe.accuracy), "", ""])
    rows[1] += [number(probe.recall[label]) for label in labels]
    for one in probe.faults:
        between = f"{one.interval['low']:+.4f} to {one.interval['high']:+.4f}"
        rows.append([
            one.fault, f"{one.strength:g}", f"{one.rows_changed:,}", number(one.accuracy),
            f"{one.difference:+.4f}", between, *(number(one.recall[label]) for label in labels),
        ])  # fmt: skip
    return table(rows)
