"""Exponential moving average of the weights."""

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
class Ema(Plugin):
    """Evaluate and keep a moving average of the weights.

    After real step t: s = d s + (1 - d) w with d = min(decay, (1 + t) / (10 + t)), so that short
    runs are not averages of the start. Evaluation and the best weights use s; training and resume
    use w. Weights that are not trained stay as they are.
    """

    slot = "average"
    layout = "any"
    capture_safe = True
    when = "evaluations jump about from one to the next"
    paper = "Polyak and Juditsky 1992, Acceleration of Stochastic Approximation by Averaging"

    decay: float = option(0.99, "weight of the old average; 0: the newest weights", min=0, max=1)

    def __post_init__(self) -> None:
        """Start without an average."""
        self.average: dict[str, Tensor] = {}
        self.real: Tensor | None = None

    @hookimpl
    def train_start(self, run: Run) -> None:
        """Begin the average at the loaded weights, unless a saved one was restored."""
        import torch

        if run.step == 0 or self.real is None:
            self.average, self.real = {}, torch.zeros((), dtype=torch.float32)
        self.real = self.real.to(run.device)
        self.average = begin(run.model, self.average)
        horizon = 1 / (1 - self.decay) if self.decay < 1 else float("inf")
        if run.total_steps < horizon:
            log.warning(
                "ema(decay=%g) averages over about %g steps, more than this run's %d; "
                "lower ema.decay",
                self.decay, horizon, run.total_steps,
            )  # fmt: skip

    @hookimpl
    def after_step(self, run: Run, stepped: Tensor) -> None:
        """Move the average, if the step was real."""
        assert self.real is not None
        real = stepped.float()
        self.real += real
        decay = ((1 + self.real) / (10 + self.real)).clamp_max(self.decay)
        # A skipped step keeps everything.
        blend(self.average, run.model, decay * real + (1 - real))
        self.count("updates", stepped)

    @hookimpl(wrapper=True)
    def evaluate(self, run: Run) -> Generator[None, dict[str, float], dict[str, float]]:
        """Evaluate, and keep the best, with the average in place."""
        with swapped(run.model, self.average):
            return (yield)

    def state_dict(self) -> dict[str, Any]:
        """Return the average and the number of real steps in it."""
        return {"average": self.average, "real": self.real}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over a saved average."""
        self.average, self.real = dict(state["average"]), state["real"]
