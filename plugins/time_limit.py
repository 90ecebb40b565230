"""A limit of time."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..core.hooks.plugin import Plugin
from ..core.hooks.specs import hookimpl
from ..core.options import option

if TYPE_CHECKING:
    from ..core.hooks.run import Run


@dataclass(eq=False)
class TimeLimit(Plugin):
    """Stop at the first evaluation after some minutes of training.

    Evaluations count as training; loading the model and reading the data do not. A resumed run
    goes on counting from what its state had saved. The clock is looked at in evaluations only, so
    a run may last longer by the time from one to the next.
    """

    layout = "any"
    capture_safe = True
    when = "the machine is yours for a fixed time"

    minutes: float = option(60.0, "minutes of training; 0: until the first evaluation", min=0)

    def __post_init__(self) -> None:
        """Start with no time spent."""
        self.spent = 0.0  # seconds, before the clock was last started
        self.began: float | None = None

    @hookimpl
    def train_start(self, run: Run) -> None:
        """Start the clock, in a new run at 0."""
        if run.step == 0:
            self.spent = 0.0
        self.began = time.monotonic()

    @hookimpl
    def should_stop(self) -> str | None:
        """Return a reason once the time is over."""
        self.count("evaluations watched")
        if self.seconds() < 60 * self.minutes:
            return None
        return f"{self.minutes:g} minutes are over"

    def seconds(self) -> float:
        """Return the seconds of training so far, those before a restart included."""
        return self.spent + (0.0 if self.began is None else time.monotonic() - self.began)

    def state_dict(self) -> dict[str, Any]:
        """Return the seconds spent."""
        return {"seconds": self.seconds()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from saved seconds; a running clock starts anew."""
        self.spent = state["seconds"]
        self.began = None if self.began is None else time.monotonic()
