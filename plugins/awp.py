"""Adversarial weight perturbation."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..core.hooks.plugin import Plugin
from ..core.hooks.specs import hookimpl
from ..core.options import option
from ._weights import moved, own_gradients

if TYPE_CHECKING:
    from torch import Tensor

    from ..core.hooks.run import Run
    from ..core.hooks.step import Step


@dataclass(eq=False)
class Awp(Plugin):
    """Adversarial training on the weights, one extra pass (AWP).

    Each matrix w moves to w + rho ||w|| g / ||g||, with g its gradient of this micro-batch (L2
    norms over the whole matrix); a second pass there adds its gradient, then all weights are put
    back. Moved are the trained parameters of two dimensions or more, each by itself, embedding
    tables among them; biases and norms are not, and a matrix of zeros cannot move. Wu et al. move
    the weights on attacked inputs and step along the second gradient alone; the sum of both, on
    clean inputs, is the form of text competitions. The default rho is Wu et al.'s for TRADES.
    """

    slot = "adversary"
    layout = "any"
    capture_safe = True
    when = "the model learns its training rows by heart; twice the passes"
    paper = "Wu, Xia and Wang 2020, Adversarial Weight Perturbation, arXiv 2004.05884"

    rho: float = option(0.005, "length of a move, as a share of the matrix's own", min=0)
    start: float = option(0.0, "share of the training before it begins; 1: never", min=0, max=1)
    every: int = option(1, "attack in every k-th step only", min=1)

    def __post_init__(self) -> None:
        """Start without knowing the length of the training."""
        self.total = 0

    def passes(self) -> float:
        """Two forward passes in the steps that attack."""
        return 1 + (1 - self.start) / self.every

    def phase(self, number: int) -> int:
        """Return 0 in steps that attack, 1 in others."""
        # The quotient, not start * total: so that 0.07 of 100 is 7, and not a little more.
        return int(number / max(1, self.total) < self.start or number % self.every != 0)

    def accumulates(self) -> bool:
        """Each micro-batch moves the weights its own way."""
        return False

    @hookimpl
    def train_start(self, run: Run) -> None:
        """Note how long the training is."""
        self.total = run.total_steps

    @hookimpl(wrapper=True)
    def backward(self, step: Step) -> Generator[None, Tensor, Tensor]:
        """Run the clean pass, then the one at the moved weights."""
        if self.phase(step.number):
            return (yield)
        matrices = [p for p in step.run.model.parameters() if p.requires_grad and p.ndim > 1]
        with own_gradients(matrices):
            losses = yield
            with moved(matrices, self.rho) as usable:
                step.backward(step.objective().losses)
            self.count("attacks", usable)
            self.count("attacks without effect", ~usable)
        return losses
