"""Class-weighted cross-entropy."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..core.errors import UsageError, nearest
from ..core.hooks.plugin import Plugin
from ..core.hooks.specs import hookimpl
from ..core.options import option

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def weighted_cross_entropy(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Return -sum_c w_c t_c log p_c: losses [N], not divided by any weight.

    logits and targets [N, C], weights [C].
    """
    return -(weights * targets * logits.log_softmax(-1)).sum(-1)


def weighted_criterion(weights: Sequence[float]) -> Callable[[Tensor, Tensor], Tensor]:
    """Return weighted_cross_entropy with these weights, one a class."""

    @functools.cache  # a copy from the host in each step would wait for the device
    def on(device: torch.device) -> Tensor:
        import torch

        return torch.tensor(weights, device=device)

    return lambda logits, targets: weighted_cross_entropy(logits, targets, on(logits.device))


def mean_one(weights: Sequence[float], counts: Sequence[int]) -> list[float]:
    """Return the weights scaled so that their mean over the training rows is 1.

    All 0 where that mean is 0.
    """
    mean = sum(w * n for w, n in zip(weights, counts, strict=True)) / sum(counts)
    return [w / mean if mean > 0 else 0.0 for w in weights]


def class_weights(form: str, labels: Sequence[str], counts: Sequence[int]) -> list[float]:
    """Return one weight a class, scaled so that their mean over the training rows is 1.

    `form`: "balanced" (1 / count), "sqrt" (1 / sqrt(count)), or "wrong=1,correct=1.3".
    """
    if form == "balanced":
        raw = [1.0 / max(1, count) for count in counts]
    elif form == "sqrt":
        raw = [max(1, count) ** -0.5 for count in counts]
    else:
        raw = _named(form, labels)
    weights = mean_one(raw, counts)
    if not any(weights):
        raise UsageError(f"weighted-ce.weights: {form!r} gives every training row the weight 0")
    return weights


def _named(form: str, labels: Sequence[str]) -> list[float]:
    given: dict[str, float] = {}
    for part in form.split(","):
        # The last "=" separates: a label may hold one itself.
        name, equals, number = part.rpartition("=")
        name = name.strip()
        if not equals:
            raise UsageError(
                f"weighted-ce.weights: expected balanced, sqrt or LABEL=WEIGHT,..., got {form!r}"
            )
        if name in given:
            raise UsageError(f"weighted-ce.weights: {name} is given twice; give it once")
        if name not in labels:
            raise UsageError(
                f"weighted-ce.weights: no label {name!r}{nearest(name, labels)}  "
                f"(labels: {', '.join(labels)})"
            )
        try:
            given[name] = float(number)
        except ValueError:
            given[name] = -1.0
        if not 0 <= given[name] < float("inf"):
            raise UsageError(
                f"weighted-ce.weights: {name}: expected a number of at least 0, got {number!r}"
            )
    missing = [label for label in labels if label not in given]
    if missing:
        raise UsageError(f"weighted-ce.weights: no weight for {', '.join(missing)}")
    return [given[label] for label in labels]


@dataclass(eq=False)
class WeightedCe(Plugin):
    """Cross-entropy with a weight for each class, by name or by rarity.

    -w_y log p_y. The weights have mean 1 over the training rows, so the size of the loss, and
    what a learning rate means, stay as they were.
    """

    slot = "loss"
    layout = "any"
    capture_safe = True
    when = "one class is rare, or its mistakes cost more"
    paper = "King and Zeng 2001, Logistic Regression in Rare Events Data"

    weights: str = option("balanced", "balanced, sqrt, or LABEL=WEIGHT,... for every label")

    @hookimpl
    def criterion(
        self, labels: Sequence[str], class_counts: Sequence[int]
    ) -> Callable[[Tensor, Tensor], Tensor]:
        """Return the weighted loss for these classes."""
        self.count("losses set")
        return weighted_criterion(class_weights(self.weights, labels, class_counts))
