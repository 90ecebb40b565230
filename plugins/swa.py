"""Stochastic weight averaging."""

from __future__ import annotations

import logging
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..core.hooks.plugin import Plugin
from ..core.hooks.specs import hookimpl
from ..core.options import option
from ._average import begin, blend, swapped

if TYPE_CHECKING:
    from torch import Tensor

    from ..core.hooks.run import Run

log = logging.getLogger("titlekit")


@dataclass(eq=False)
class Swa(Plugin):
    """Evaluate and keep the plain mean of the weights of the last steps.

    s_n = s_n-1 + (w_n - s_n-1) / n over the n real steps taken: those after the share `start` of
    the training, every k-th, counted back from the last. Once n > 0, evaluation and the best
    weights use s; training and resume use w. Izmailov et al. take the end of each epoch; a few
    epochs of fine-tuning end too rarely, so the default takes every step. Weights that are not
    trained stay as they are.
    """

    slot = "average"
    layout = "any"
    capture_safe = True
    when = "a long run, or a constant rate, whose last steps wander"
    paper = "Izmailov et al. 2018, Averaging Weights Leads to Wider Optima, arXiv 1803.05407"

    start: float = option(0.75, "share of the training before it begins; 1: never", min=0, max=1)
    every: int = option(1, "take every k-th step", min=1)

    def __post_init__(self) -> None:
        """Start without an average."""
        self.average: dict[str, Tensor] = {}
        self.taken: Tensor | None = None
        self.total = 0

    def phase(self, number: int) -> int:
        """Return 0 in steps whose weights are taken, 1 in others."""
        # The quotient, not start * total: so that 0.07 of 100 is 7, and not a little more.
        early = number / max(1, self.total) < self.start
        return int(early or (self.total - 1 - number) % self.every != 0)

    @hookimpl
    def train_start(self, run: Run) -> None:
        """Make room for the average, unless a saved one was restored."""
        import torch

        self.total = run.total_steps
        if run.step == 0 or self.taken is None or not self._begun():
            self.average, self.taken = {}, torch.zeros((), dtype=torch.float32)
        self.taken = self.taken.to(run.device)
        self.average = begin(run.model, self.average)
        planned = sum(not self.phase(number) for number in range(self.total))
        if planned < 2:
            log.warning(
                "swa(start=%g, every=%d) takes the weights of %d of this run's %d steps, which is "
                "no average; lower swa.start or swa.every",
                self.start, self.every, planned, self.total,
            )  # fmt: skip

    @hookimpl
    def after_step(self, run: Run, stepped: Tensor) -> None:
        """Take the weights into the mean, if it is their turn and the step was real."""
        if self.phase(run.step - 1):
            return
        assert self.taken is not None
        real = stepped.float()
        self.taken += real
        blend(self.average, run.model, 1 - real / self.taken.clamp_min(1))
        self.count("weights taken", stepped)

    @hookimpl(wrapper=True)
    def evaluate(self, run: Run) -> Generator[None, dict[str, float], dict[str, float]]:
        """Evaluate, and keep the best, with the mean in place, once there is one."""
        if not self._begun():
            return (yield)
        with swapped(run.model, self.average):
            return (yield)

    def _begun(self) -> bool:
        return self.taken is not None and bool(self.taken > 0)

    def state_dict(self) -> dict[str, Any]:
        """Return the mean and the number of steps in it; no mean before it begins."""
        return {"average": self.average if self._begun() else {}, "taken": self.taken}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over a saved mean; one that had not begun leaves the room for it."""
        self.average = dict(state["average"]) or self.average
        self.taken = state["taken"]
