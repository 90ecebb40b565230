"""Cosine schedule."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..core.hooks.defaults import linear_schedule
from ..core.hooks.plugin import Plugin
from ..core.hooks.specs import hookimpl
from ..core.options import option


def cosine_schedule(total_steps: int, warmup_steps: int, floor: float = 0.0) -> list[float]:
    """Return total_steps + 1 factors: a linear warm-up, then half a cosine from 1 to `floor`.

    floor + (1 - floor) (1 + cos(pi x)) / 2, with x from 0 to 1 over the steps after the warm-up.
    Loshchilov and Hutter 2017, eq. 5, without restarts.
    """
    factors = linear_schedule(total_steps, warmup_steps)
    for step in range(warmup_steps, total_steps + 1):
        height = (1 - math.cos(math.pi * factors[step])) / 2  # the linear factor is 1 - x
        factors[step] = height + floor * (1 - height)
    return factors


@dataclass(eq=False)
class Cosine(Plugin):
    """Learning rate: warm-up, then down along half a cosine.

    After the same linear warm-up as the default schedule, the factor of every rate is
    floor + (1 - floor) (1 + cos(pi x)) / 2, with x the share done of the steps after it. There are
    no restarts.
    """

    slot = "schedule"
    layout = "any"
    capture_safe = True
    when = "as a change from the default schedule, which falls in a line"
    paper = "Loshchilov and Hutter 2017, SGDR, arXiv 1608.03983"

    floor: float = option(0.0, "share of the rate that is left at the end", min=0, max=1)

    @hookimpl
    def schedule(self, total_steps: int, warmup_steps: int) -> list[float]:
        """Return the factors of this run."""
        self.count("schedules set")
        return cosine_schedule(total_steps, warmup_steps, self.floor)
