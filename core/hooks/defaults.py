"""Core's own answer to every slot and pipe, through the same hooks as any plugin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .precision import Precision, float32
from .specs import hookimpl

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import Tensor

    from .run import Run
    from .step import Output, Step


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Return -sum_c t_c log p_c for logits [N, C] and class probabilities [N, C]: losses [N]."""
    return -(targets * logits.log_softmax(-1)).sum(-1)


def decay_groups(
    name: str, parameters: Sequence[torch.nn.Parameter], lr: float, weight_decay: float
) -> list[dict[str, Any]]:
    """Return up to two optimizer groups: matrices decay, vectors (biases, norms) do not."""
    groups = []
    for suffix, decay, wanted in (("", weight_decay, True), (" (no decay)", 0.0, False)):
        members = [p for p in parameters if p.requires_grad and (p.ndim > 1) is wanted]
        if members:
            groups.append(
                {"params": members, "lr": lr, "weight_decay": decay, "name": name + suffix}
            )
    return groups


def linear_schedule(total_steps: int, warmup_steps: int) -> list[float]:
    """Return factors that rise linearly over the warm-up and fall linearly to 0."""
    factors = []
    for step in range(total_steps + 1):
        if step < warmup_steps:
            factors.append((step + 1) / (warmup_steps + 1))
        else:
            factors.append((total_steps - step) / max(1, total_steps - warmup_steps))
    return factors


class Defaults:
    """The one plugin that may be trylast: it answers where no other does."""

    @hookimpl(trylast=True)
    def criterion(self) -> Callable[[Tensor, Tensor], Tensor]:
        return cross_entropy

    @hookimpl(trylast=True)
    def param_groups(
        self, model: torch.nn.Module, lr: float, weight_decay: float
    ) -> list[dict[str, Any]]:
        return decay_groups("all", list(model.parameters()), lr, weight_decay)

    @hookimpl(trylast=True)
    def optimizer(self, groups: list[dict[str, Any]], lr: float) -> torch.optim.Optimizer:
        import torch

        return torch.optim.AdamW(groups, lr=lr, fused=True)

    @hookimpl(trylast=True)
    def schedule(self, total_steps: int, warmup_steps: int) -> list[float]:
        return linear_schedule(total_steps, warmup_steps)

    @hookimpl(trylast=True)
    def precision(self, device: torch.device) -> Precision:
        return float32(device)

    @hookimpl(trylast=True)
    def sampling(self, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return rng.permutation(len(labels))

    @hookimpl(trylast=True)
    def targets(self, labels: Tensor, num_classes: int, soft: Tensor | None) -> Tensor:
        import torch

        if soft is not None:
            return soft
        return torch.nn.functional.one_hot(labels, num_classes).float()

    @hookimpl(trylast=True)
    def objective(self, step: Step) -> Output:
        return step.forward()

    @hookimpl(trylast=True)
    def backward(self, step: Step) -> Tensor:
        losses = step.objective().losses
        step.backward(losses)
        return losses.detach()

    @hookimpl(trylast=True)
    def evaluate(self, run: Run) -> dict[str, float]:
        return run.evaluate_here()

    @hookimpl(trylast=True)
    def augment(self, texts: list[str]) -> list[str]:
        return texts
