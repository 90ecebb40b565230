"""The attack on the word-embedding table: which rows are pushed, and putting them back."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ..core.errors import UsageError
from ..core.hooks.step import isolated_grad

if TYPE_CHECKING:
    from torch import Tensor

    from ..core.hooks.step import Step


class TableAttack:
    """Perturbs the word-embedding table [V, H]; one L2 norm over the whole gradient.

    Only the T rows that the batch's tokens name are touched: others have no gradient, and no pass
    reads them. Values are [T, H] for the tokens in sorted order, 0 where a token comes again.
    """

    def __init__(self, step: Step) -> None:
        self.table = step.run.embedding
        self.tokens = step.inputs["input_ids"].flatten().sort().values
        self.first = (self.tokens != self.tokens.roll(1))[:, None]
        self.first[0] = True

    @contextlib.contextmanager
    def watch(self) -> Iterator[None]:
        """Around all passes: this micro-batch's gradient alone; the table is put back."""
        with isolated_grad(self.table):
            self.clean = self.table.detach()[self.tokens]
            try:
                yield
            finally:
                self.table.detach().index_copy_(0, self.tokens, self.clean)

    def gradients(self) -> list[Tensor]:
        """Return the gradient that the clean pass left."""
        if self.table.grad is None:
            raise UsageError(
                "the word embeddings got no gradient (frozen?), so the table cannot be attacked; "
                "train them, or push the inputs with at=inputs"
            )
        return self.taken([self.table.grad])

    def tensors(self) -> list[Tensor]:
        """Return what a further gradient is taken of, after a forward pass."""
        return [self.table]

    def taken(self, gradients: Sequence[Tensor]) -> list[Tensor]:
        """Return the rows of gradients of `tensors` that are pushed along."""
        return [gradient[self.tokens] * self.first for gradient in gradients]

    def norms(self, values: list[Tensor]) -> list[Tensor]:
        """Return one norm."""
        return [value.float().norm() for value in values]

    def push(self, deltas: list[Tensor]) -> None:
        """Set the table to its clean values plus the perturbation."""
        table = self.table.detach().index_copy_(0, self.tokens, self.clean)
        table.index_add_(0, self.tokens, deltas[0])
