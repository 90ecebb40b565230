"""What the adversaries share: a direction, a length, and the places to push."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._attack_inputs import InputAttack
from ._attack_table import TableAttack

if TYPE_CHECKING:
    from torch import Tensor

    from ..core.hooks.step import Step


def along(gradient: Tensor, norm: Tensor, length: float | Tensor) -> Tensor:
    """Return length * gradient / norm, and 0 wherever the norm is 0 or not finite.

    `norm` broadcasts against `gradient`. Nothing is read on the host.
    """
    usable = norm.isfinite() & (norm > 0)
    factor = (length / norm).where(usable, norm.new_zeros(()))
    return gradient.where(usable, gradient.new_zeros(())) * factor


def project(delta: Tensor, norm: Tensor, radius: float) -> Tensor:
    """Return delta scaled back to length `radius` where its `norm` is larger."""
    # Rounding may make a step of exactly `radius` a little longer: that is no excess, and pgd
    # with one step stays fgm, bit for bit.
    over = norm > radius * (1 + 1e-5)
    return delta * (radius / norm).where(over, norm.new_ones(()))


def attack_at(place: str, step: Step) -> TableAttack | InputAttack:
    """Return the attack on "table" or "inputs"."""
    return TableAttack(step) if place == "table" else InputAttack(step)
