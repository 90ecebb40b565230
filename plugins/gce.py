"""Generalised cross-entropy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..core.hooks.plugin import Plugin
from ..core.hooks.specs import hookimpl
from ..core.options import option

if TYPE_CHECKING:
    from torch import Tensor


def generalised_cross_entropy(logits: Tensor, targets: Tensor, q: float) -> Tensor:
    """Return sum_c t_c (1 - p_c^q) / q: losses [N], each from 0 to 1 / q.

    logits and targets [N, C]; q above 0, at most 1. Zhang and Sabuncu 2018.
    """
    # expm1 keeps 1 - p^q exact where p is close to 1 or q is small, and overflows nowhere.
    return -(targets * (q * logits.log_softmax(-1)).expm1()).sum(-1) / q


@dataclass(eq=False)
class Gce(Plugin):
    """Generalised cross-entropy: a bounded loss that wrong labels pull less.

    (1 - p^q) / q of the right class. As q goes to 0 it becomes cross-entropy; q = 1 is 1 - p, half
    the mean absolute error's |t - p| summed over the classes. The gradient is cross-entropy's times
    p^q, so a higher learning rate may suit it; compare at tuned rates.
    """

    slot = "loss"
    layout = "any"
    capture_safe = True
    when = "a part of the training labels is wrong"
    paper = "Zhang and Sabuncu 2018, Generalized Cross Entropy Loss, arXiv 1805.07836"

    q: float = option(0.7, "towards 0: cross-entropy; 1: 1 - p", min=0.001, max=1)

    @hookimpl
    def criterion(self) -> Callable[[Tensor, Tensor], Tensor]:
        """Return the generalised cross-entropy."""
        self.count("losses set")
        return lambda logits, targets: generalised_cross_entropy(logits, targets, self.q)
