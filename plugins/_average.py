"""What ema and swa share: an average of the trained weights, and evaluating with it in place."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def begin(model: torch.nn.Module, saved: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the average to go on with, by parameter: the saved one, else a copy of the weights.

    Parameters that are not trained are left out: they stay what they are, bit for bit.
    """
    parameters = dict(model.named_parameters())
    if saved:
        return {name: value.to(parameters[name].device) for name, value in saved.items()}
    return {name: p.detach().clone() for name, p in parameters.items() if p.requires_grad}


def blend(average: Mapping[str, Tensor], model: torch.nn.Module, keep: Tensor) -> None:
    """Set the average to keep * average + (1 - keep) * weights; `keep` is 0-dim, on the device.

    keep 1 leaves it as it is and keep 0 takes the weights, bit for bit. Nothing is read on the
    host.
    """
    import torch

    parameters = dict(model.named_parameters())
    old = list(average.values())
    new = [parameters[name].detach() for name in average]
    torch._foreach_mul_(old, keep)
    torch._foreach_add_(old, torch._foreach_mul(new, 1 - keep))


@contextlib.contextmanager
def swapped(model: torch.nn.Module, average: Mapping[str, Tensor]) -> Iterator[None]:
    """Inside, the model computes with the average; outside it holds its own weights again."""
    import torch

    parameters = dict(model.named_parameters())
    weights = [parameters[name].detach() for name in average]
    raw = [weight.clone() for weight in weights]
    try:
        torch._foreach_copy_(weights, list(average.values()))
        yield
    finally:
        torch._foreach_copy_(weights, raw)
