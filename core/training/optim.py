"""Clipping and learning rates: what happens between the gradients and the optimizer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import UsageError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from ..config import TrainConfig


def clip(parameters: Sequence[torch.nn.Parameter], most: float) -> Tensor:
    """Scale all gradients so that their common L2 norm is at most `most`; return the norm before.

    `most` 0 clips nothing.
    """
    from torch.nn.utils import clip_grads_with_norm_, get_total_norm

    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norm = get_total_norm(gradients)
    # torch always multiplies, so as not to read the norm on the host; on a CPU reading is free,
    # and a multiplication by 1 would cost one more pass over every gradient.
    if most and not (norm.device.type == "cpu" and norm <= most):
        clip_grads_with_norm_(parameters, most, norm)
    return norm


def set_rates(
    optimizer: torch.optim.Optimizer, base: Sequence[float], factors: Sequence[float], real: int
) -> None:
    """Set each group's learning rate for the step that follows `real` real steps."""
    factor = factors[min(real, len(factors) - 1)]
    for group, rate in zip(optimizer.param_groups, base, strict=True):
        group["lr"] = rate * factor


def check_schedule(factors: Sequence[float], total_steps: int, owner: str) -> list[float]:
    """Return the factors as a list, refusing a table of the wrong length."""
    table = [float(factor) for factor in factors]
    if len(table) != total_steps + 1:
        raise UsageError(
            f"{owner}: the schedule has {len(table)} factors, expected one for each of "
            f"{total_steps} steps and one more"
        )
    return table


def warmup(config: TrainConfig, total_steps: int) -> int:
    """Return the steps of a run in which the rate rises."""
    if config.warmup_steps is not None:
        return min(total_steps, config.warmup_steps)
    return round(config.warmup_ratio * total_steps)
