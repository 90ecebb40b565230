"""What the adversaries share: a direction, places to push, and putting everything back."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..core.errors import UsageError
from ..core.hooks.step import borrowed, isolated_grad, row_norm

if TYPE_CHECKING:
    import torch
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


class TableAttack:
    """Perturbs the word-embedding table [V, H]; one L2 norm over the whole gradient."""

    def __init__(self, step: Step) -> None:
        self.table = step.run.embedding

    @contextlib.contextmanager
    def watch(self) -> Iterator[None]:
        """Around all passes: this micro-batch's gradient alone; the table is put back."""
        with isolated_grad(self.table), borrowed(self.table) as self.clean:
            yield

    def gradients(self) -> list[Tensor]:
        """Return the gradient that the clean pass left."""
        if self.table.grad is None:
            raise UsageError(
                "the word embeddings got no gradient (frozen?), so the table cannot be attacked; "
                "train them, or push the inputs with at=inputs"
            )
        return [self.table.grad]

    def tensors(self) -> list[Tensor]:
        """Return what a further gradient is taken of, after a forward pass."""
        return [self.table]

    def norms(self, values: list[Tensor]) -> list[Tensor]:
        """Return one norm."""
        return [value.float().norm() for value in values]

    def push(self, deltas: list[Tensor]) -> None:
        """Set the table to its clean values plus the perturbation."""
        self.table.detach().copy_(self.clean).add_(deltas[0])


class InputAttack:
    """Perturbs the embedded inputs [N, L, H]; one L2 norm a row over its tokens."""

    def __init__(self, step: Step) -> None:
        self.step = step
        self.module = step.run.embedding_module
        self.outputs: list[Tensor] = []
        self.deltas: list[Tensor] | None = None

    @contextlib.contextmanager
    def watch(self) -> Iterator[None]:
        """Around all passes: the embedding module's outputs are seen and may be moved."""
        handle = self.module.register_forward_hook(self._hook)
        try:
            yield
        finally:
            handle.remove()

    def _hook(self, module: torch.nn.Module, arguments: Any, output: Tensor) -> Tensor:
        # A forward pass may embed several times (r-drop's second look): the k-th call of each
        # pass gets the k-th perturbation.
        if self.deltas is not None:
            output = output + self.deltas[len(self.outputs)].to(output.dtype)
        if not output.requires_grad:
            output.requires_grad_()  # a frozen table: the inputs can still be pushed
        output.retain_grad()
        self.outputs.append(output)
        return output

    def gradients(self) -> list[Tensor]:
        """Return the gradients that the clean pass left, one for each look at the table."""
        return [output.grad for output in self.outputs if output.grad is not None]

    def tensors(self) -> list[Tensor]:
        """Return what a further gradient is taken of, after a forward pass."""
        return list(self.outputs)

    def norms(self, values: list[Tensor]) -> list[Tensor]:
        """Return one norm a row."""
        return [row_norm(value, self.step) for value in values]

    def push(self, deltas: list[Tensor]) -> None:
        """Move the inputs of the next forward pass."""
        self.deltas, self.outputs = deltas, []


def attack_at(place: str, step: Step) -> TableAttack | InputAttack:
    """Return the attack on "table" or "inputs"."""
    return TableAttack(step) if place == "table" else InputAttack(step)
