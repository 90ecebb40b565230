"""Fast gradient method."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..core.hooks.plugin import Plugin
from ..core.hooks.specs import hookimpl
from ..core.options import option
from ._attack import along, attack_at

if TYPE_CHECKING:
    from torch import Tensor

    from ..core.hooks.step import Step


@dataclass(eq=False)
class Fgm(Plugin):
    """Adversarial training on word embeddings, one extra pass (FGM).

    r = epsilon g / ||g||_2, with g the gradient of this micro-batch; a second forward and backward
    pass on the perturbed embeddings adds its gradient, then everything is put back. at="table"
    pushes the whole table by one vector (one norm over the batch); at="inputs" pushes each row's
    embedded tokens by its own (Miyato et al., one norm a row). A zero or non-finite gradient
    gives no perturbation.
    """

    slot = "adversary"
    layout = "any"
    capture_safe = True
    when = "robustness against small changes, for twice the passes"
    paper = "Miyato et al. 2017, Adversarial Training Methods for Text, arXiv 1605.07725"

    epsilon: float = option(1.0, "length of the perturbation (L2)", min=0)
    at: str = option("table", "what is pushed", choices=("table", "inputs"))
    every: int = option(1, "attack in every k-th step only", min=1)

    def passes(self) -> float:
        """Two forward passes in the steps that attack."""
        return 1 + 1 / self.every

    def phase(self, number: int) -> int:
        """Return 0 in steps that attack, 1 in others."""
        return int(number % self.every != 0)

    def accumulates(self) -> bool:
        """One norm over the table is one a micro-batch; a norm a row is the same either way."""
        return self.at == "inputs"

    @hookimpl(wrapper=True)
    def backward(self, step: Step) -> Generator[None, Tensor, Tensor]:
        """Run the clean pass, then the one on perturbed embeddings."""
        if self.phase(step.number):
            return (yield)
        attack = attack_at(self.at, step)
        with attack.watch():
            losses = yield
            gradients = attack.gradients()
            norms = attack.norms(gradients)
            attack.push([along(g, n, self.epsilon) for g, n in zip(gradients, norms, strict=True)])
            step.backward(step.objective().losses)
            usable = norms[0].isfinite() & (norms[0] > 0)
            self.count("attacks", usable.any())
            self.count("attacks without effect", ~usable.any())
        return losses
