"""A decision folded into the last layer's weights: the plain argmax then gives the same labels."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from ..errors import UsageError
from .decision import Decision
from .predictor import Predictor


@dataclasses.dataclass(frozen=True)
class Folded:
    """What folding makes of logits z [N, C]: z / temperature + shift."""

    temperature: float
    shift: np.ndarray  # [C] float64

    def __call__(self, logits: np.ndarray) -> np.ndarray:
        """Return the logits [N, C] float64 that the folded layer gives."""
        found: np.ndarray = logits.astype(np.float64) / self.temperature + self.shift
        return found


def fold(by: Predictor, name: str) -> Folded:
    """Return what a decision does to logits; UsageError, beginning with `name`, where none can.

    With the temperature T the scores are softmax(z / T). With a threshold t the positive label p
    is the answer from a probability of t on: z_p / T - z_n / T >= log(t / (1 - t)), so that the
    positive logit, lowered by this logarithm, is the greater one exactly then.
    """
    decision = by.decision
    if decision.groups:
        raise UsageError(
            f"{name} was trained on kinds: an answer's probability is a sum over several labels, "
            "which no weights of the last layer give; leave out --bake-decision"
        )
    shift = np.zeros(len(by.labels))
    if by.positive is not None and len(by.labels) == 2 and decision.threshold != 0.5:
        if decision.threshold in (0.0, 1.0):
            raise UsageError(
                f"{name}: decision.json has the threshold {decision.threshold:g}, which no finite "
                "weight gives; leave out --bake-decision"
            )
        odds = decision.threshold / (1 - decision.threshold)
        shift[by.labels.index(by.positive)] = -np.log(odds)
    return Folded(decision.temperature, shift)


def unfolded(by: Predictor) -> Folded:
    """Return what is done to logits where the decision stays outside: nothing."""
    return Folded(1.0, np.zeros(len(by.classes)))


def bake(model: Any, folded: Folded, name: str) -> None:
    """Fold a decision into a torch model's last linear layer, in place."""
    import torch
    from torch import nn

    classes = len(folded.shift)
    layers = [module for module in model.modules() if isinstance(module, nn.Linear)]
    layers = [module for module in layers if module.out_features == classes]
    shifted = bool(folded.shift.any())
    if not layers or (shifted and layers[-1].bias is None):
        raise UsageError(
            f"{name}: {type(model).__name__} ends in no linear layer with a bias, which "
            "--bake-decision changes; leave it out"
        )
    with torch.no_grad():
        layers[-1].weight.div_(folded.temperature)
        if layers[-1].bias is not None:
            layers[-1].bias.div_(folded.temperature)
            layers[-1].bias.add_(torch.from_numpy(folded.shift))


def decision_after(by: Predictor, baked: bool) -> Decision:
    """Return the decision that an exported folder keeps: a neutral one where it was folded in."""
    return Decision() if baked else by.decision
