"""What a check gives: an error with a line for each fault, or a list of what held."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence


class PluginFault(AssertionError):
    """A plugin that does not keep its contract; `faults` has one line for each way."""

    def __init__(self, name: str, faults: Sequence[str]) -> None:
        self.faults = list(faults)
        count = "1 fault" if len(self.faults) == 1 else f"{len(self.faults)} faults"
        lines = "".join(f"\n- {fault}" for fault in self.faults)
        super().__init__(f"{name} does not keep the contract of plugins ({count}):{lines}")


@dataclasses.dataclass(frozen=True)
class Report:
    """What was checked of a plugin, and what its author may want to know."""

    name: str
    checked: tuple[str, ...]  # the checks that were made, all of which held
    notes: tuple[str, ...]  # no faults

    def __str__(self) -> str:
        lines = [f"{self.name}: {', '.join(self.checked)}", *(f"- {note}" for note in self.notes)]
        return "\n".join(lines)
