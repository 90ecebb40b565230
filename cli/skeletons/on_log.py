"""A notice with state: a look at what is logged."""

from __future__ import annotations

MODULE = '''\
"""A look at what is logged."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from titlekit import Plugin, Run, hookimpl


@dataclass(eq=False)
class $cls(Plugin):
    """Remember the smallest training loss, and say at the end where it was."""

    when = "a start for a record or a message of your own"
    requires = ">=$version"

    def __post_init__(self) -> None:
        """Start with nothing seen."""
        self.least: float | None = None
        self.step = 0

    @hookimpl
    def train_start(self, run: Run) -> None:
        """Start anew in a new run: in Python one object may train twice."""
        if run.step == 0:
            self.__post_init__()

    @hookimpl
    def on_log(self, record: Mapping[str, Any]) -> None:
        """Look at one record of metrics.jsonl."""
        self.count("records")
        loss = record.get("loss")
        if loss is not None and (self.least is None or loss < self.least):
            self.least, self.step = loss, record["step"]

    @hookimpl
    def train_end(self) -> None:
        """Say what was seen."""
        logging.getLogger("titlekit").info("least loss %s at step %d", self.least, self.step)

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run goes on from."""
        return {"least": self.least, "step": self.step}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.least, self.step = state["least"], state["step"]
'''

# What its test imports: of others, and of the module.
OTHERS = ""
OWN = "$cls"

TEST = """\
def test_the_smallest_loss_by_hand() -> None:
    plugin = $cls()
    for step, loss in ((1, 0.7), (2, 0.4), (3, 0.5)):
        plugin.on_log({"step": step, "loss": loss})
    assert plugin.state_dict() == {"least": 0.4, "step": 2}
    again = $cls()
    again.load_state_dict(plugin.state_dict())
    assert (again.least, again.step) == (0.4, 2)
"""
