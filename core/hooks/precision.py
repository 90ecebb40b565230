"""What the precision slot hands to the loop."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclasses.dataclass(eq=False)
class Precision:
    """How a run computes: five functions, float32 by default.

    autocast() -> context of every forward pass. scale(loss) -> loss to call backward on.
    unscale(optimizer): gradients back to their true size, once a step, before clipping.
    step(optimizer) -> 0-dim bool tensor, False where an overflow was found and nothing moved;
    it must not read a device value on the host. state() and load_state(d): plain values and
    tensors for the checkpoint.
    """

    name: str
    autocast: Callable[[], contextlib.AbstractContextManager[Any]]
    scale: Callable[[Tensor], Tensor]
    unscale: Callable[[torch.optim.Optimizer], None]
    step: Callable[[torch.optim.Optimizer], Tensor]
    state: Callable[[], dict[str, Any]] = dict
    load_state: Callable[[dict[str, Any]], object] = bool
    may_skip: bool = False  # whether step() may ever find an overflow


def float32(device: torch.device) -> Precision:
    """Return plain single precision: no autocast, no scaling, every step is real."""
    import torch

    always = torch.ones((), dtype=torch.bool, device=device)

    def step(optimizer: torch.optim.Optimizer) -> Tensor:
        optimizer.step()
        return always

    return Precision(
        name="fp32",
        autocast=contextlib.nullcontext,
        scale=lambda loss: loss,
        unscale=lambda optimizer: None,
        step=step,
    )
