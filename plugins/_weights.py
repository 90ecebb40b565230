"""Many parameters at once: gradients of one micro-batch, and weights moved and put back."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ..core.errors import UsageError
from ._attack import along

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Parameter


@contextlib.contextmanager
def own_gradients(parameters: Sequence[Parameter]) -> Iterator[None]:
    """Inside, gradients are this micro-batch's alone; outside, they are the sums again."""
    import torch

    earlier = [parameter.grad for parameter in parameters]
    for parameter in parameters:
        parameter.grad = None
    try:
        yield
    finally:
        sums, new = [], []
        for parameter, before in zip(parameters, earlier, strict=True):
            if before is not None:
                if parameter.grad is not None:
                    sums.append(before)
                    new.append(parameter.grad)
                parameter.grad = before
        if sums:
            torch._foreach_add_(sums, new)  # earlier + new: what plain accumulation makes


@contextlib.contextmanager
def moved(parameters: Sequence[Parameter], rho: float) -> Iterator[Tensor]:
    """Inside, each w is w + rho ||w|| g / ||g||, with g its gradient; outside, w bit for bit.

    A zero or non-finite ||g|| moves nothing. Gives whether any g was usable, 0-dim. Nothing is
    read on the host.
    """
    import torch

    pairs = [(p.detach(), p.grad) for p in parameters if p.grad is not None]
    if not pairs:
        raise UsageError("awp: no matrix is trained, so there is none to move; train without awp")
    weights, gradients = map(list, zip(*pairs, strict=True))
    norms, lengths = torch._foreach_norm(gradients), torch._foreach_norm(weights)
    clean = [torch.empty_like(weight) for weight in weights]
    torch._foreach_copy_(clean, weights)
    try:
        # One after the other: all moves at once would need a second copy of the weights.
        for weight, gradient, norm, length in zip(weights, gradients, norms, lengths, strict=True):
            weight.add_(along(gradient, norm, rho * length))
        found = torch.stack(norms)
        yield (found.isfinite() & (found > 0)).any()
    finally:
        torch._foreach_copy_(weights, clean)
