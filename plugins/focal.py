"""Focal loss."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..core.errors import UsageError
from ..core.hooks.plugin import Plugin
from ..core.hooks.specs import hookimpl
from ..core.options import option

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def focal_loss(
    logits: Tensor, targets: Tensor, gamma: float, alpha: float | Tensor = 1.0
) -> Tensor:
    """Return -sum_c alpha_c t_c (1 - p_c)^gamma log p_c: losses [N].

    logits [N, C]; targets [N, C], class probabilities; alpha one factor or one for each class
    [C]. With gamma 0 and alpha 1 it is cross-entropy, bit for bit. Lin et al. 2017, eq. 5.
    """
    log_p = logits.log_softmax(-1)
    if gamma:
        # expm1 keeps 1 - p exact where p is close to 1; the clamp keeps the gradient of the
        # power finite where 1 - p is 0 and gamma below 1.
        missing = (-log_p.expm1()).clamp_min(1e-12)
        return -(alpha * targets * missing.pow(gamma) * log_p).sum(-1)
    if isinstance(alpha, float) and alpha == 1.0:
        return -(targets * log_p).sum(-1)
    return -(alpha * targets * log_p).sum(-1)


@dataclass(eq=False)
class Focal(Plugin):
    """Focal loss: counts rows the model already gets right less.

    -alpha (1 - p)^gamma log p of the right class. The loss, and with it the gradient, is smaller
    than cross-entropy's, so a higher learning rate may suit it; compare at tuned rates.
    """

    slot = "loss"
    layout = "any"
    capture_safe = True
    when = "many easy rows drown the few hard ones"
    paper = "Lin et al. 2017, Focal Loss for Dense Object Detection, arXiv 1708.02002"

    gamma: float = option(2.0, "how strongly easy rows are played down; 0: not at all", min=0)
    alpha: float | list[float] | None = option(
        None, "one factor on every row, or a list with one for each class in label order", min=0
    )

    @hookimpl
    def criterion(self, labels: Sequence[str]) -> Callable[[Tensor, Tensor], Tensor]:
        """Return the focal loss for these classes."""
        self.count("losses set")
        if not isinstance(self.alpha, list):
            factor = 1.0 if self.alpha is None else self.alpha
            return lambda logits, targets: focal_loss(logits, targets, self.gamma, factor)
        if len(self.alpha) != len(labels):
            raise UsageError(
                f"focal.alpha: expected {len(labels)} factors, one for each of "
                f"{', '.join(labels)}; got {len(self.alpha)}"
            )
        factors = self.alpha

        @functools.cache  # a copy from the host in each step would wait for the device
        def on(device: torch.device) -> Tensor:
            import torch

            return torch.tensor(factors, device=device)

        return lambda logits, targets: focal_loss(logits, targets, self.gamma, on(logits.device))
