"""What a plugin sees of one micro-batch, and the safe ways to touch gradients and weights."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..errors import UsageError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from .run import Run


@dataclasses.dataclass(eq=False)
class Output:
    """The result of one forward pass over a micro-batch of N rows and C classes."""

    losses: Tensor  # [N] float32, one a row, not averaged
    logits: Tensor  # [N, C] float32
    features: Tensor | None = None  # [N, H]: what the last linear layer of the head receives


@dataclasses.dataclass(eq=False)
class Step:
    """One micro-batch of an optimizer step."""

    run: Run
    number: int  # optimizer steps tried before this one
    inputs: dict[str, Tensor]  # what the model takes; input_ids [N, L], or [1, T] unpadded
    rows: Tensor  # [N] int64: row numbers in the training table
    labels: Tensor  # [N] int64: class indices
    targets: Tensor  # [N, C] float32: class probabilities
    weights: Tensor  # [N] float32: sample weights, 0 for absent rows
    total_weight: float  # sum of the weights of the whole batch, all micro-batches; 1 if all are 0

    @property
    def generator(self) -> torch.Generator:
        """The run's own random stream, on the CPU; saved and restored with the run."""
        return self.run.generator

    @property
    def row_of_token(self) -> Tensor:
        """Which row each token belongs to: int64, the shape of input_ids."""
        import torch

        ids = self.inputs["input_ids"]
        if "unpadded_cells" in self.inputs:
            first = torch.zeros_like(ids[0])
            first[self.inputs["unpadded_starts"]] = 1
            return (first.cumsum(0) - 1)[None]
        return torch.arange(ids.shape[0], device=ids.device)[:, None].expand(ids.shape)

    def forward(self) -> Output:
        """Run the model once in the run's precision and the criterion in float32."""
        run = self.run
        with run.precision.autocast():
            logits, features = run.model_forward(self.inputs)
        run.forwards += 1
        logits = logits.float()
        losses = run.criterion(logits, self.targets)
        if losses.shape != self.labels.shape:
            raise UsageError(
                f"{run.hooks.owner('loss')}: the criterion returned shape "
                f"{tuple(losses.shape)}, expected one loss a row: {tuple(self.labels.shape)}"
            )
        return Output(losses, logits, features)

    def objective(self) -> Output:
        """Run the objective pipe: forward, and whatever plugins wrap around it."""
        output: Output = self.run.hooks.call.objective(step=self)
        return output

    def loss(self, losses: Tensor) -> Tensor:
        """Return this micro-batch's share of the batch's loss: sum(w * losses) / sum(all w)."""
        return (losses * self.weights).sum() / self.total_weight

    def backward(self, losses: Tensor) -> None:
        """Add the gradients of this micro-batch's share, scaled as the precision wants."""
        self.run.precision.scale(self.loss(losses)).backward()  # type: ignore[no-untyped-call]

    def scaled_grad(self, losses: Tensor, tensors: list[Tensor]) -> tuple[Tensor, ...]:
        """Return the gradients of this share for some tensors alone; nothing is accumulated."""
        import torch

        scaled = self.run.precision.scale(self.loss(losses))
        return torch.autograd.grad(scaled, tensors)


def row_norm(x: Tensor, step: Step) -> Tensor:
    """Return one L2 norm a row over its tokens, for x [tokens..., H]: shape [tokens..., 1].

    `x` has the token layout of ``step.row_of_token``; rows may be repeated along dimension 0.
    """
    row = step.row_of_token
    rows, tokens = row.shape
    if x.shape[1] != tokens:
        raise UsageError(
            f"the embedded inputs are {list(x.shape)}, expected {[rows, tokens, x.shape[-1]]}: "
            "this encoder puts tokens before rows, so no row can be pushed by itself; push the "
            "table with at=table"
        )
    squares = x.float().square().sum(-1)
    if rows == len(step.labels):
        return squares.sum(1, keepdim=True).sqrt()[..., None].expand(*squares.shape, 1)
    sums = squares.new_zeros(len(squares), len(step.labels))
    sums.scatter_add_(1, row.expand_as(squares), squares)
    return sums.gather(1, row.expand_as(squares)).sqrt()[..., None]


@contextlib.contextmanager
def isolated_grad(parameter: torch.nn.Parameter) -> Iterator[None]:
    """Inside, ``parameter.grad`` is this micro-batch's alone; outside, it is the sum again."""
    earlier, parameter.grad = parameter.grad, None
    try:
        yield
    finally:
        if earlier is not None:
            # earlier + new in this order: the same sum that plain accumulation makes.
            parameter.grad = earlier if parameter.grad is None else earlier.add_(parameter.grad)


@contextlib.contextmanager
def borrowed(parameter: torch.nn.Parameter) -> Iterator[Tensor]:
    """Inside, the parameter may be written; on leaving it holds its old values, bit for bit.

    Gives the old values, a copy that must not be written.
    Restored by copy, not by rebinding, so that fused optimizers and captured graphs keep their
    storage.
    """
    import torch

    clean = parameter.detach().clone()
    try:
        yield clean
    finally:
        with torch.no_grad():
            parameter.copy_(clean)
