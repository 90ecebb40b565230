"""Constant schedule."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.hooks.defaults import linear_schedule
from ..core.hooks.plugin import Plugin
from ..core.hooks.specs import hookimpl


def constant_schedule(total_steps: int, warmup_steps: int) -> list[float]:
    """Return total_steps + 1 factors: a linear warm-up, then 1."""
    warmup = linear_schedule(total_steps, warmup_steps)[:warmup_steps]
    return warmup + [1.0] * (total_steps + 1 - len(warmup))


@dataclass(eq=False)
class Constant(Plugin):
    """Learning rate: warm-up, then it stays.

    After the same linear warm-up as the default schedule, the factor of every rate is 1.
    """

    slot = "schedule"
    layout = "any"
    capture_safe = True
    when = "the number of epochs is not fixed, e.g. with early-stopping"
    paper = "Goyal et al. 2017, Accurate, Large Minibatch SGD, arXiv 1706.02677 (the warm-up)"

    @hookimpl
    def schedule(self, total_steps: int, warmup_steps: int) -> list[float]:
        """Return the factors of this run."""
        self.count("schedules set")
        return constant_schedule(total_steps, warmup_steps)
