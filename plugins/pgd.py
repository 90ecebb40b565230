"""Projected gradient descent."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..core.hooks.plugin import Plugin
from ..core.hooks.specs import hookimpl
from ..core.options import option
from ._attack import along, attack_at, project

if TYPE_CHECKING:
    from torch import Tensor

    from ..core.hooks.step import Step


@dataclass(eq=False)
class Pgd(Plugin):
    """Adversarial training on word embeddings in several small steps (PGD).

    r_0 = 0, r_k+1 = project(r_k + alpha g_k / ||g_k||_2, ||r||_2 <= epsilon), with g_0 the gradient
    of the clean pass; the gradient at the last perturbation is added to the clean one. Only the
    last pass leaves gradients in the parameters. With steps=1 and alpha=epsilon it is fgm.
    """

    slot = "adversary"
    layout = "any"
    capture_safe = True
    when = "a stronger attack than fgm, for steps + 1 passes"
    paper = "Madry et al. 2018, Towards Deep Learning Models Resistant to Adversarial Attacks, "
    paper += "arXiv 1706.06083"

    epsilon: float = option(1.0, "largest length of the perturbation (L2)", min=0)
    alpha: float = option(0.3, "length of each step (L2)", min=0)
    steps: int = option(3, "steps, each one forward and backward pass", min=1)
    at: str = option("table", "what is pushed", choices=("table", "inputs"))

    def passes(self) -> float:
        """One clean pass and one for each step."""
        return 1.0 + self.steps

    def accumulates(self) -> bool:
        """One norm over the table is one a micro-batch; a norm a row is the same either way."""
        return self.at == "inputs"

    @hookimpl(wrapper=True)
    def backward(self, step: Step) -> Generator[None, Tensor, Tensor]:
        """Run the clean pass, climb, and add the gradient at the last perturbation."""
        attack = attack_at(self.at, step)
        with attack.watch():
            losses = yield
            gradients = [gradient.clone() for gradient in attack.gradients()]
            deltas = [gradient.new_zeros(()) for gradient in gradients]
            for number in range(self.steps):
                norms = attack.norms(gradients)
                deltas = [
                    delta + along(g, n, self.alpha)
                    for delta, g, n in zip(deltas, gradients, norms, strict=True)
                ]
                lengths = attack.norms(deltas)
                deltas = [
                    project(delta, length, self.epsilon)
                    for delta, length in zip(deltas, lengths, strict=True)
                ]
                attack.push(deltas)
                output = step.objective()
                if number < self.steps - 1:
                    further = step.scaled_grad(output.losses, attack.tensors())
                    gradients = attack.taken(further)
            step.backward(output.losses)
            usable = norms[0].isfinite() & (norms[0] > 0)
            self.count("attacks", usable.any())
            self.count("attacks without effect", ~usable.any())
        return losses
