"""The attack on the embedded inputs: seeing them in a pass, and moving them in the next."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ..core.hooks.step import row_norm

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from ..core.hooks.step import Step


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

    def taken(self, gradients: Sequence[Tensor]) -> list[Tensor]:
        """Return the gradients of `tensors`: all of them is pushed along."""
        return list(gradients)

    def norms(self, values: list[Tensor]) -> list[Tensor]:
        """Return one norm a row."""
        return [row_norm(value, self.step) for value in values]

    def push(self, deltas: list[Tensor]) -> None:
        """Move the inputs of the next forward pass."""
        self.deltas, self.outputs = deltas, []
