"""Regularised dropout."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..core.hooks.plugin import Plugin
from ..core.hooks.specs import hookimpl
from ..core.options import option

if TYPE_CHECKING:
    from torch import Tensor

    from ..core.hooks.step import Output, Step


def symmetric_kl(one: Tensor, other: Tensor) -> Tensor:
    """Return (KL(p||q) + KL(q||p)) / 2 of two sets of logits [N, C]: values [N], never below 0.

    p and q are the softmax of each. It is sum_c (p_c - q_c) (log p_c - log q_c) / 2, so equal
    logits give 0 and a zero gradient, exactly.
    """
    log_p, log_q = one.log_softmax(-1), other.log_softmax(-1)
    return ((log_p.exp() - log_q.exp()) * (log_p - log_q)).sum(-1) / 2


@dataclass(eq=False)
class RDrop(Plugin):
    """Two forward passes with different dropout that must agree (R-Drop).

    (l_1 + l_2) / 2 + alpha (KL(p||q) + KL(q||p)) / 2 for each row, with p and q the probabilities
    of the passes. Liang et al. write l_1 + l_2 in place of the mean, so their alpha A is A / 2 here
    and their loss twice this one. Without dropout it is plain training.
    """

    layout = "any"
    capture_safe = True
    when = "few training rows, and time for a second pass"
    paper = "Liang et al. 2021, R-Drop: Regularized Dropout for Neural Networks, arXiv 2106.14448"

    alpha: float = option(1.0, "weight of the disagreement between the two passes", min=0)

    def passes(self) -> float:
        """Two forward passes."""
        return 2.0

    @hookimpl(wrapper=True)
    def objective(self, step: Step) -> Generator[None, Output, Output]:
        """Look a second time and compare; the logits stay those of the first look."""
        first = yield
        second = step.forward()
        apart = symmetric_kl(first.logits, second.logits)
        # Zero without dropout: then the run says that this plugin did nothing.
        self.count("rows that differed", (apart.detach() > 0).sum())
        losses = (first.losses + second.losses) / 2 + self.alpha * apart
        return dataclasses.replace(first, losses=losses)
