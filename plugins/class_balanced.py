"""Class-balanced cross-entropy."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..core.hooks.plugin import Plugin
from ..core.hooks.specs import hookimpl
from ..core.options import option
from .weighted_ce import mean_one, weighted_criterion

if TYPE_CHECKING:
    from torch import Tensor


def effective_number(beta: float, rows: int) -> float:
    """Return (1 - beta^n) / (1 - beta), the limits at beta 0 (1) and 1 (n) included.

    A class without rows counts as one with a single row. Cui et al. 2019.
    """
    rows = max(1, rows)
    if beta in (0, 1):
        return float(rows) if beta else 1.0
    # expm1: where beta is close to 1, beta^n is too, and 1 - beta^n would lose its digits.
    return -math.expm1(rows * math.log(beta)) / (1 - beta)


def effective_weights(beta: float, counts: Sequence[int]) -> list[float]:
    """Return one weight a class, proportional to 1 / effective number, mean 1 over the rows."""
    return mean_one([1 / effective_number(beta, count) for count in counts], counts)


@dataclass(eq=False)
class ClassBalanced(Plugin):
    """Cross-entropy weighted by the effective number of rows of each class.

    -w_y log p_y with w_c proportional to (1 - beta) / (1 - beta^n_c) for n_c training rows. beta 0
    weights all classes alike, beta 1 by 1 / n_c, as weighted-ce does. The weights have mean 1 over
    the training rows, so the size of the loss, and what a learning rate means, stay as they were.
    """

    slot = "loss"
    layout = "any"
    capture_safe = True
    when = "a class is rare, and 1 / rows would weight it too much"
    paper = "Cui et al. 2019, Class-Balanced Loss Based on Effective Number of Samples, "
    paper += "arXiv 1901.05555"

    beta: float = option(0.999, "0: equal weights; towards 1: by 1 / rows", min=0, max=1)

    @hookimpl
    def criterion(self, class_counts: Sequence[int]) -> Callable[[Tensor, Tensor], Tensor]:
        """Return the weighted loss for these classes."""
        self.count("losses set")
        return weighted_criterion(effective_weights(self.beta, class_counts))
